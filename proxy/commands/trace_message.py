"""`tdgate trace message ID`: one message by any of its ids, from the evidence, the trail and the running process.

Owns which ids a text may mean and what is shown of each message. Read-only; needs no running process but for ids that a
carrier gave in mirror mode. Exit codes: 0 found, 1 nothing known, 2 usage.
"""

import argparse
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from proxy.app import CONTROL_SOCKET
from proxy.control import ControlError, NotRunningError, call
from proxy.evidence.display import decision_rows, entry_object, print_rows, when
from proxy.evidence.read import Entry, find, outcomes_of, rule_table
from proxy.evidence.records import Decision
from proxy.settings import load
from proxy.trail.message import decision_of, esme_id
from proxy.trail.search import search

_ID_MOST: Final = 64


class Seen(Struct):
    """One message that an id may mean: `message` is its decision's id or, of a later part, its own. Times in UTC µs."""

    message: int
    mode: str = ""
    """Where more than the evidence is known of it: `pool`, `mirror`."""
    account: str = ""
    route: str = ""
    esme_id: str = ""
    carrier_id: str = ""
    accepted_at_us: int = 0
    state: str = ""
    ended_at_us: int = 0


def add_argument(verbs: Any) -> None:
    """Adds `message` to the verbs of `tdgate trace`."""
    message = verbs.add_parser("message", help="one message by any of its ids 单条消息")
    message.add_argument("id", metavar="ID", help="the decision's (decimal or 0x…), the ESME's, or the carrier's")
    message.add_argument("--config", type=Path, required=True, metavar="FILE")
    message.add_argument("--json", action="store_true")
    message.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    text: str = arguments.id.strip()
    if not text or len(text) > _ID_MOST or not text.isascii() or not text.isprintable():
        sys.stderr.write("tdgate trace message: an id has 1 to 64 printable ASCII characters\n")
        return 2
    settings = load(arguments.config)
    evidence = settings.path(settings.evidence.directory)
    numbers = numbers_of(text)
    seen = _in_pools(settings.path(settings.trail.directory), numbers, text)
    seen += _in_mirror(settings.path(CONTROL_SOCKET), text)
    known = {one.message for one in seen}
    seen += [Seen(number) for number in numbers if number not in known]
    shown = [(one, _decision(evidence, one.message)) for one in seen]
    shown = [(one, entry) for one, entry in shown if one.mode or entry is not None]
    if not shown:
        sys.stderr.write(f"tdgate trace message: nothing is known under {text}\n")
        return 1
    if arguments.json:
        messages = [_object(evidence, one, entry) for one, entry in shown]
        sys.stdout.write(msgspec.json.encode({"id": text, "messages": messages}).decode() + "\n")
        return 0
    for one, entry in shown:
        print_rows("message 消息", _rows(one) + _decision_rows(evidence, entry))
    return 0


def numbers_of(text: str) -> list[int]:
    """The decision ids that a text may be: decimal, hexadecimal with 0x, or as an ESME of a pool knows it."""
    found = []
    if text.isdigit() or text[:2].lower() == "0x":
        with suppress(ValueError):
            found.append(int(text, 16 if text[:2].lower() == "0x" else 10))
    ours = decision_of(text.encode())
    if ours is not None:
        found.append(ours)
    return list(dict.fromkeys([each for each in found if 0 < each < 1 << 64]))


def _in_pools(trail: Path, numbers: list[int], text: str) -> list[Seen]:
    """What the trail has; a carrier may have written its id in either case, or with zeros before it."""
    bare = text.lstrip("0") or "0"
    spellings = {one.encode() for each in (text, bare) for one in (each, each.upper(), each.lower())}
    return [
        Seen(
            one.message,
            "pool",
            one.account,
            one.route,
            esme_id(one.shown).decode(),
            one.carrier_id.decode("ascii", "backslashreplace"),
            one.accepted_at * 1_000_000,
            one.state,
            one.ended_at * 1_000_000,
        )
        for one in search(trail, numbers, spellings)
    ]


def _in_mirror(control: Path, text: str) -> list[Seen]:
    """What the running process remembers of a carrier's id in mirror mode."""
    try:
        rows = call(control, "message.find", {"id": text})["messages"]
    except (NotRunningError, ControlError):
        return []
    return msgspec.convert(rows, list[Seen])


def _decision(evidence: Path, number: int) -> Entry | None:
    entry = find(evidence, number) if evidence.is_dir() else None
    return entry if entry is not None and isinstance(entry.record, Decision) else None


def _object(evidence: Path, one: Seen, entry: Entry | None) -> dict[str, Any]:
    decision = None
    if entry is not None and isinstance(entry.record, Decision):
        rules = rule_table(evidence, entry.record, entry.index)
        decision = entry_object(entry, rules, outcomes_of(evidence, entry.record.id, entry.index))
    told: dict[str, Any] = msgspec.to_builtins(one)
    return {**told, "decision": decision}


def _rows(one: Seen) -> list[tuple[str, str]]:
    if not one.mode:
        return []
    return [
        ("mode 模式", "pool 路由池" if one.mode == "pool" else "mirror 镜像"),
        ("ESME's id 发送方编号", one.esme_id),
        ("carrier's id 运营商编号", one.carrier_id or "–"),
        ("account 账号", one.account),
        ("route 路由", one.route or "–"),
        ("accepted 运营商接收", when(one.accepted_at_us) if one.accepted_at_us else "–"),
        ("receipt 状态报告", f"{one.state} {when(one.ended_at_us)}" if one.state else "none yet 尚无"),
    ]


def _decision_rows(evidence: Path, entry: Entry | None) -> list[tuple[str, str]]:
    if entry is None or not isinstance(entry.record, Decision):
        return [("decision 决定", "none under this id: a later part of a long message 长短信的后续分段")]
    decision = entry.record
    rules = rule_table(evidence, decision, entry.index)
    return decision_rows(entry, decision, rules, outcomes_of(evidence, decision.id, entry.index))
