"""`tdgate explain sms|call`: asks the policy without sending; `tdgate explain ID`: a decision that was recorded.

Owns options. Must never send, record or log anything; the text and the numbers stay on the command line they came from.
Exit codes: 0 it would be permitted (of a decision: it is found), 1 refused or not to be answered, 2 usage.
"""

import argparse
import sys
from collections.abc import Callable
from datetime import MAXYEAR, UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.commands.explain_decision import reopened
from proxy.commands.explain_show import show, show_reopened
from proxy.commands.explain_source import Source, UnknownAccountError, registry_of
from proxy.console.lookup import LogUnreadableError, parse_id
from proxy.core import addresses
from proxy.core.finding import Finding
from proxy.core.pack import CHINA_OFFSET_S
from proxy.core.purposes import STRICTEST_FIRST, Channel
from proxy.core.request import Request
from proxy.explain import explain
from proxy.settings import load as load_settings
from proxy.sip.error import SipError
from proxy.sip.read_invite import ADDRESS, IDENTITY, caller_in, recipient_of, short_of
from proxy.sip.uri import Uri, parse_uri

#: (configuration, account, canonical recipient or None) → what to ask.
Load = Callable[[Path, str, str | None], Source]

_CODES: Final = {"sms": "command_status 0x{:08X}", "voice": "SIP {}"}
_LANGUAGES: Final = ("en", "zh")
_SHANGHAI: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))


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
    decision = kinds.add_parser("decision", help="a recorded decision; `explain ID` is the same")
    decision.add_argument("id", type=_decision_id, metavar="ID", help="1 to 16 hex digits, as page and log show it")
    _shown(decision)
    decision.set_defaults(run=run_decision)


def _common(parser: argparse.ArgumentParser, account: str, sender: str, recipient: str) -> None:
    _shown(parser)
    parser.add_argument("--account", required=True, metavar="ID", help=account)
    parser.add_argument("--from", dest="sender", required=True, metavar="NUMBER", help=sender)
    parser.add_argument("--to", dest="recipient", required=True, metavar="NUMBER", help=recipient)
    parser.add_argument("--purpose", choices=STRICTEST_FIRST, help="what the sender declares; else the strictest binds")
    parser.add_argument(
        "--at", type=_instant, metavar="TIME", help="ISO 8601; without an offset it is Asia/Shanghai; default: now"
    )


def _shown(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--lang", choices=_LANGUAGES, default="en")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _decision_id(text: str) -> int:
    found = parse_id(text)
    if found is None:
        raise argparse.ArgumentTypeError(f"not a decision's id: {text}")
    return found


def run_decision(arguments: argparse.Namespace) -> int:
    """Explains a recorded decision; the exit code. Raises SettingsError."""
    try:
        found = reopened(load_settings(arguments.config), arguments.id)
    except LogUnreadableError as error:
        sys.stderr.write(f"tdgate explain: the evidence log cannot be read: {error}\n")
        return 1
    if found is None:
        sys.stderr.write(f"tdgate explain: no decision {arguments.id:016x} in the evidence log\n")
        return 1
    if arguments.json:
        _print_json(found)
    else:
        show_reopened(found, arguments.lang, _CODES.get(found.recorded.channel, "{}"))
    return 0


def _print_json(value: msgspec.Struct) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def run(arguments: argparse.Namespace, load: Load) -> int:
    """Explains one message; the exit code. Raises what `load` raises, but for an unknown account."""
    sender = _sender(arguments.sender)
    recipient = addresses.recipient(addresses.TON_UNKNOWN, 1, arguments.recipient.encode())
    return _explain(arguments, load, "sms", sender, recipient, (arguments.text,))


def run_call(arguments: argparse.Namespace, load: Load) -> int:
    """Explains one call, its numbers read as those of an INVITE are; the exit code, as `run`."""
    caller, recipient = number_in(arguments.sender, caller_in), number_in(arguments.recipient, recipient_of)
    findings = [] if caller is not None else [Finding(IDENTITY, "number")]
    if recipient is None and (short := number_in(arguments.recipient, short_of)):
        findings.append(Finding(ADDRESS, short))
    return _explain(arguments, load, "voice", caller, recipient, (), tuple(findings))


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
    findings: tuple[Finding, ...] = (),
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
        findings=findings,
    )
    codes = source.call_codes if channel == "voice" else source.codes
    explanation = explain(request, source.snapshot, now, codes, ledger=source.ledger, campaigns=source.campaigns)
    if arguments.json:
        _print_json(explanation)
    else:
        show(explanation, arguments.lang, _CODES[channel])
    return 0 if explanation.effect == "allow" else 1


def _sender(text: str) -> str | None:
    octets = text.encode()
    numeric = addresses.sender(addresses.TON_UNKNOWN, 1, octets)
    return numeric if numeric is not None else addresses.sender(addresses.TON_ALPHANUMERIC, 0, octets)


def _instant(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else found.replace(tzinfo=_SHANGHAI)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"not a time: {text}") from error
    # WHY: beyond these a day has no day before or after it.
    if not 1970 < found.year < MAXYEAR:
        raise argparse.ArgumentTypeError(f"no year from 1971 to {MAXYEAR - 1}: {text}")
    return found.timestamp()
