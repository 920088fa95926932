"""`tdgate explain sms|call`: asks the policy without sending, and shows every rule with its outcome.

Owns options and presentation. Must never send, record or log anything; the text and the numbers stay on the command
line they came from. Exit codes: 0 it would be permitted, 1 refused or not to be answered, 2 usage.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.commands.explain_source import Source, UnknownAccountError, registry_of
from proxy.core import addresses
from proxy.core.pack import CHINA_OFFSET_S
from proxy.core.purposes import STRICTEST_FIRST, Channel
from proxy.core.request import Request
from proxy.explain import Explanation, Row, explain
from proxy.sip.error import SipError
from proxy.sip.read_invite import caller_in, recipient_of
from proxy.sip.uri import Uri, parse_uri

#: (configuration, account, canonical recipient or None) → what to ask.
Load = Callable[[Path, str, str | None], Source]

#: Where no terminal tells its width: wide enough that no cell is cut.
_PLAIN_WIDTH: Final = 240
_SHANGHAI: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))
_HEADINGS: Final = {
    "en": ("rule", "outcome", "detail", "mode", "kind", "floor", "cites", "meaning"),
    "zh": ("规则", "结果", "情形", "模式", "类别", "底线", "依据", "含义"),
}
_OUTCOMES_ZH: Final = {"n/a": "不适用", "pass": "通过", "refuse": "拒绝", "shadow": "影子拒绝", "error": "出错"}
_EFFECTS_ZH: Final = {"allow": "允许", "deny": "拒绝", "defer": "暂缓"}
_STYLES: Final = {"refuse": "bold red", "error": "bold red", "shadow": "yellow", "pass": "green", "n/a": "dim"}


def add_arguments(commands: Any, load: Load = registry_of) -> None:
    """Adds `explain` to the subparsers of `tdgate`; its parser sets `run`."""
    group = commands.add_parser("explain", help="what the policy would answer, rule by rule; nothing is sent")
    kinds = group.add_subparsers(required=True, metavar="WHAT")
    sms = kinds.add_parser("sms", help="one submit_sm")
    _common(sms, "the system_id that would send", "source address, digits or text", "destination address")
    sms.add_argument("--text", required=True, help="the text of the message")
    sms.set_defaults(run=lambda arguments: run(arguments, load))
    call = kinds.add_parser("call", help="one INVITE")
    _common(
        call, "the trunk that would call", "the caller: a number, or a sip or tel URI", "the Request-URI, or its user"
    )
    call.set_defaults(run=lambda arguments: run_call(arguments, load))


def _common(parser: argparse.ArgumentParser, account: str, sender: str, recipient: str) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--account", required=True, metavar="ID", help=account)
    parser.add_argument("--from", dest="sender", required=True, metavar="NUMBER", help=sender)
    parser.add_argument("--to", dest="recipient", required=True, metavar="NUMBER", help=recipient)
    parser.add_argument("--purpose", choices=STRICTEST_FIRST, help="what the sender declares; else the strictest binds")
    parser.add_argument(
        "--at", type=_instant, metavar="TIME", help="ISO 8601; without an offset it is Asia/Shanghai; default: now"
    )
    parser.add_argument("--lang", choices=tuple(_HEADINGS), default="en")
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(arguments: argparse.Namespace, load: Load) -> int:
    """Explains one message; the exit code. Raises what `load` raises, but for an unknown account."""
    sender = _sender(arguments.sender)
    recipient = addresses.recipient(addresses.TON_UNKNOWN, 1, arguments.recipient.encode())
    return _explain(arguments, load, "sms", sender, recipient, (arguments.text,))


def run_call(arguments: argparse.Namespace, load: Load) -> int:
    """Explains one call, its numbers read as those of an INVITE are; the exit code, as `run`."""
    caller, recipient = number_in(arguments.sender, caller_in), number_in(arguments.recipient, recipient_of)
    return _explain(arguments, load, "voice", caller, recipient, ())


def number_in(written: str, read: Callable[[Uri], str | None]) -> str | None:
    """The canonical number in a URI, or in what could be the user of one; None where it has none."""
    octets = written.encode()
    try:
        return read(parse_uri(octets if b":" in octets else b"sip:" + octets.replace(b" ", b"") + b"@invalid"))
    except SipError:
        return None


def _explain(
    arguments: argparse.Namespace,
    load: Load,
    channel: Channel,
    sender: str | None,
    recipient: str | None,
    readings: tuple[str, ...],
) -> int:
    now = datetime.now(UTC).timestamp() if arguments.at is None else arguments.at
    try:
        source = load(arguments.config, arguments.account, recipient)
        account = source.snapshot.accounts[arguments.account]
    except (KeyError, UnknownAccountError):
        sys.stderr.write(f"tdgate explain: no account {arguments.account}\n")
        return 1
    request = Request(
        id=0,
        channel=channel,
        account=account,
        sender=sender,
        recipient=recipient,
        readings=readings,
        octets=b"",
        received_at=now,
        purpose=arguments.purpose,
    )
    explanation = explain(request, source.snapshot, now, source.call_codes if channel == "voice" else source.codes)
    if arguments.json:
        sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(explanation), indent=2) + b"\n")
        sys.stdout.buffer.flush()
    else:
        _show(explanation, arguments.lang, "SIP {}" if channel == "voice" else "command_status 0x{:08X}")
    return 0 if explanation.effect == "allow" else 1


def _sender(text: str) -> str | None:
    octets = text.encode()
    numeric = addresses.sender(addresses.TON_UNKNOWN, 1, octets)
    return numeric if numeric is not None else addresses.sender(addresses.TON_ALPHANUMERIC, 0, octets)


def _instant(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=_SHANGHAI)).timestamp()
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"not a time: {text}") from error


def _show(explanation: Explanation, lang: str, code: str) -> None:
    console = Console() if sys.stdout.isatty() else Console(file=sys.stdout, width=_PLAIN_WIDTH)
    chinese = lang == "zh"
    effect = _EFFECTS_ZH[explanation.effect] if chinese else explanation.effect
    reason = " / ".join(part for part in (explanation.rule, explanation.detail) if part)
    status = f" ({code.format(explanation.status)})" if explanation.status else ""
    console.print(Text(f"{effect} {reason}{status}".rstrip()))
    if explanation.rule:
        console.print(Text(f"→ {explanation.next_zh if chinese else explanation.next_en}"))
    console.print(
        Text(f"{explanation.principal}, {explanation.purpose}; {explanation.packs}, revision {explanation.revision}")
    )
    table = Table()
    for heading in _HEADINGS[lang]:
        table.add_column(heading)
    for row in explanation.rows:
        table.add_row(*_cells(row, chinese=chinese))
    console.print(table)


def _cells(row: Row, *, chinese: bool) -> list[Text]:
    outcome = _OUTCOMES_ZH[row.outcome] if chinese else row.outcome
    meaning = (row.text_zh if chinese else row.text_en) if row.outcome in ("refuse", "shadow", "error") else ""
    floor = ("是" if chinese else "yes") if row.floor else ""
    shown = (row.rule, outcome, row.detail, row.mode, row.kind, floor, " ".join(row.cites), meaning)
    style = _STYLES[row.outcome]
    return [Text(cell, style=style) if place == 1 else Text(cell) for place, cell in enumerate(shown)]
