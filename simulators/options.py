"""The options of `tdgate-sim`, and how they are laid over a scenario.

Owns names and help. Every option that a scenario has too is named like its key. Must never read a file.
"""

import argparse
from pathlib import Path
from typing import Any

from simulators.calls.options import add_uac, add_uas, over_uac, over_uas
from simulators.faults import Faults
from simulators.scenario import EsmeSettings, Role
from simulators.wording import ENCODINGS, LONG_WAYS

_ESME_KEYS = tuple(EsmeSettings.__struct_fields__)
_FAULT_KEYS = tuple(Faults.__struct_fields__)


def _number(text: str) -> int:
    return int(text, 0)


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def build_parser() -> argparse.ArgumentParser:
    """Build the parser; wrong options end the process with status 2, as argparse does."""
    parser = argparse.ArgumentParser(prog="tdgate-sim", description="Simulators: ESME, SMSC, handset; UAC, UAS.")
    roles = parser.add_subparsers(dest="command", required=True)
    _esme(roles.add_parser("esme", help="bind to an SMSC (or a proxy) and send messages"))
    _smsc(roles.add_parser("smsc", help="accept binds and answer messages"))
    _smsc(roles.add_parser("handset", help="an SMSC with people behind it who answer messages"))
    for role, help_, add in (
        ("uac", "call through a SIP trunk, gateway or proxy", add_uac),
        ("uas", "answer SIP calls", add_uas),
    ):
        parser_of = roles.add_parser(role, help=help_)
        _common(parser_of)
        add(parser_of)
    _registry(roles.add_parser("registry", help="write a registry of invented institutions, the same for a seed"))
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--scenario", type=Path, metavar="FILE", help="TOML file; options are laid over it")
    parser.add_argument("--seed", type=int, help="of everything that is drawn")
    parser.add_argument("--json", action="store_true", help="JSON lines on standard output")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the checks as a JUnit report")
    parser.add_argument("--quiet", action="store_true", help="no figures while it runs")
    parser.add_argument("--tls-cert", metavar="FILE", help="own certificate chain (PEM)")
    parser.add_argument("--tls-key", metavar="FILE", help="its key, if not in the same file")
    parser.add_argument("--tls-ca", metavar="FILE", help="authorities that the other side's certificate must come from")


def _esme(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    parser.add_argument("--tls", action="store_true", help="connect with TLS")
    parser.add_argument("--tls-no-verify", action="store_true", help="accept any certificate")
    add = parser.add_argument
    add("--host", help="default 127.0.0.1")
    add("--port", type=int, help="default 2775")
    add("--system-id", help="with {n}: the number of the bind")
    add("--password")
    add("--system-type")
    add("--address-range")
    add("--interface-version", type=_number)
    add("--bind", choices=("tx", "rx", "trx", "tx+rx"))
    add("--binds", type=int, help="how many at once")
    add("--window", type=int, help="messages without an answer, per bind")
    add("--rate", type=float, help="messages a second, open loop; without it as fast as the windows let")
    add("--count", type=int, help="how many messages")
    add("--duration-s", type=float, help="how long to send")
    add("--limit-s", type=float, help="how long an answer may take")
    add("--settle-s", type=float, help="how long receipts may take")
    add("--enquire-link-s", type=float, help="how often to ask for life")
    add("--source", help="a pattern: # random digit, {n} running number, comma: in turn")
    add("--destination", help="a pattern, as --source")
    add("--text")
    add("--texts", metavar="FILE", help="a text a line, sent in turn")
    add("--encoding", choices=("auto", *ENCODINGS))
    add("--data-coding", type=_number, help="declare another than the encoding's own")
    add("--long", choices=LONG_WAYS, help="how a long text travels")
    add("--registered-delivery", type=_number)
    add("--command", dest="command_name", choices=("submit_sm", "data_sm"))
    add("--tlv", dest="tlvs", action="append", metavar="TAG=HEX", help="0x1401=0a0b; may be repeated")
    add("--service-type")
    add("--validity", help="validity_period")
    add("--schedule", help="schedule_delivery_time")
    for name in ("esm_class", "protocol_id", "priority_flag", "source_ton", "source_npi", "dest_ton", "dest_npi"):
        add(_flag(name), type=_number)
    add("--stack", choices=("own", "smpplib"), help="send through the independent library smpplib instead")
    add("--expect", action="append", metavar="STATUS=COUNT", help="answers by status; any other must not occur")
    add("--expect-receipt", action="append", metavar="STATE=COUNT", help="receipts by state")


def _smsc(parser: argparse.ArgumentParser) -> None:
    _common(parser)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0 (the default) picks a free one and prints it")
    add("--control", action="store_true", help="take commands as JSON lines on standard input")
    add("--system-id", help="what bind responses carry")
    add("--account", action="append", metavar="ID:PASSWORD", help="who may bind; without it everybody")
    add("--clock", metavar="TIME", help="what receipts show, ISO 8601 with offset")
    add("--enquire-link-ms", type=float)
    add("--id-format", choices=("hex", "HEX", "decimal"))
    add("--id-width", type=int, help="padded with zeros to so many digits; 0: not padded")
    add("--receipt-share", type=float)
    add("--receipt-delay-ms", type=float)
    add("--receipt-state", action="append", metavar="STATE[=WEIGHT]")
    add("--receipt-timing", choices=("after", "before"))
    add("--receipt-id-format", choices=("same", "hex", "HEX", "decimal"))
    for name in ("slow_ms", "nack_share", "generic_nack_share", "wrong_sequence_share", "duplicate_share"):
        add(_flag(name), type=float)
    for name in ("mute_after", "disconnect_after", "nack_status", "half_pdu_after", "refuse_binds", "bind_status"):
        add(_flag(name), type=_number)
    add("--disconnect-by", choices=("close", "reset"))
    add("--half-pdu-then", choices=("silence", "close"))
    add("--ignore-binds", action="store_true", default=None)
    add("--until-submits", type=int, help="end after so many messages")
    add("--until-deliveries", type=int, help="end after so many answered receipts and replies")
    add("--duration-s", type=float, help="end after this time")


def _registry(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--seed", type=int, default=0)
    add("--institutions", type=int, default=3)
    add("--numbers", type=int, default=2, help="numbers of each institution")
    add("--consents", type=int, default=20, help="consents of each institution")
    add("--out", type=Path, required=True, metavar="FILE")


def overlay(options: argparse.Namespace, role: Role) -> dict[str, Any]:
    """Turn options into tables like those of a scenario; None where an option was not given. ValueError."""
    over: dict[str, Any] = {"seed": options.seed}
    if role == "uac":
        return over | over_uac(options) | _expected(options, "rules", options.expect_rule)
    if role == "uas":
        return over | over_uas(options) | _expected(options)
    if role == "esme":
        esme = {key: getattr(options, key, None) for key in _ESME_KEYS}
        esme["command"] = options.command_name
        over["esme"] = esme
        return over | _expected(options, "receipts", options.expect_receipt)
    over["clock"] = options.clock
    over["smsc"] = {
        "system_id": options.system_id,
        "accounts": _accounts(options.account),
        "enquire_link_ms": options.enquire_link_ms,
        "ids": {"format": options.id_format, "width": options.id_width},
        "receipts": {
            "share": options.receipt_share,
            "delay_ms": options.receipt_delay_ms,
            "states": _weights(options.receipt_state),
            "timing": options.receipt_timing,
            "id_format": options.receipt_id_format,
        },
        "faults": {key: getattr(options, key) for key in _FAULT_KEYS},
    }
    over["until"] = {
        "submits": options.until_submits,
        "deliveries_answered": options.until_deliveries,
        "duration_s": options.duration_s,
    }
    return over


def _expected(options: argparse.Namespace, more: str = "", of_more: list[str] | None = None) -> dict[str, Any]:
    expect = {"statuses": _counts(options.expect)}
    if more:
        expect[more] = _counts(of_more)
    return {"expect": expect}


def _counts(written: list[str] | None) -> dict[str, int] | None:
    if written is None:
        return None
    found = {}
    for each in written:
        key, equals, count = each.rpartition("=")
        if not equals or not count.isdigit():
            raise ValueError(f"{each!r}: write KEY=COUNT")
        found[key] = int(count)
    return found


def _weights(written: list[str] | None) -> dict[str, float] | None:
    if written is None:
        return None
    found = {}
    for each in written:
        state, _, weight = each.partition("=")
        found[state] = float(weight) if weight else 1.0
    return found


def _accounts(written: list[str] | None) -> dict[str, str] | None:
    if written is None:
        return None
    return {each.partition(":")[0]: each.partition(":")[2] for each in written}
