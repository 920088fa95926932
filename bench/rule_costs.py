"""What each rule costs: CPU of the policy for one message, with this rule alone, with none, and with all of them.

    python -m bench.rule_costs [--messages 5000] [--rounds 9] [--pure] [--json]

Owns a world of its own: one institution with a partner that sends for it, 10^6 refusals, consents of everybody who is
sent to, caps, preferences, a do-not-call list, debtors and notices, so that no rule finds its table empty. Messages are
ordinary ones to ever other persons. "A message" is what a rule adds where its lane stands already; "a lane" is what it
adds when account, sender, purpose and place are judged anew, which happens once a minute and at every change of the
registry. Each figure is the least of all rounds, by the CPU clock of the process. A rule of 0 is not asked of ordinary
messages, or judged with the lane. WHY nothing of `bench` is imported: the compiled build's interpreter runs this file.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from proxy.core.contacts import Contacts
from proxy.core.debtors import ROLES
from proxy.core.number_library import NumberLibrary
from proxy.core.pack import Cap, Hours, Pack
from proxy.core.persons import PersonIndex, PersonKey, index_key
from proxy.core.purposes import CHANNELS, Channel, Purpose
from proxy.core.records import (
    Account,
    Entrustment,
    Institution,
    Licence,
    Number,
    Partner,
    Period,
    Segment,
    Telecom,
    Template,
)
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot, notice_of
from proxy.policy import evaluate
from proxy.rules.rule import Rule
from proxy.rules.table import RULES

_ROOT: Final = Path(__file__).resolve().parents[1]
_COMPILED: Final = _ROOT / ".venv-fast" / "bin" / "python"
_PERSONS: Final = 20_000
_REFUSALS: Final = 1_000_000
_NOW: Final = 1_772_600_000.0
_DAY_S: Final = 86_400
_LANES: Final = 1_000
MESSAGES: Final = 5_000
ROUNDS: Final = 9
_CASES: Final[tuple[Purpose, ...]] = ("marketing", "collection")


@dataclass(frozen=True)
class Cost:
    """One rule, or all, or none: microseconds a message by purpose, and microseconds a lane."""

    rule: str
    marketing: float
    collection: float
    lane: float


def _index(keys: list[int], value: int, others: int = 0) -> PersonIndex:
    draw = random.Random(len(keys))
    whole = sorted({*keys, *(draw.getrandbits(64) for _ in range(others))})
    return PersonIndex(array("Q", whole), array("I", [value]) * len(whole))


def _world() -> tuple[Snapshot, list[str], Account]:
    both = frozenset(CHANNELS)
    year = Period(0, int(_NOW) + 400 * _DAY_S)
    purposes = frozenset(_CASES)
    key = PersonKey(b"a key for the bench", 1)
    persons = [f"86138{place:08d}" for place in range(_PERSONS)]
    salt, notice = key.salt("jianglan"), key.salt(notice_of("jianglan", "yuanlu"))
    digests = [key.digest(person) for person in persons]
    mine = [index_key(digest, salt) for digest in digests]
    day = int((_NOW + 8 * 3600) // _DAY_S)
    account = Account(
        id="yuanlu",
        principal="jianglan",
        operator="yuanlu",
        purposes=purposes,
        password_hash="",
        reviewed=True,
        telecom_licence=year,
        responsible="虚构",
    )
    hours = {(purpose, channel): Hours(0, 24 * 60) for purpose in _CASES for channel in CHANNELS}
    caps = (Cap("collection", both, 3, _DAY_S), Cap("marketing", both, 3, 7 * _DAY_S))
    pack = Pack("bench", 1, hours=hours, caps=caps, collection_roles=frozenset(("debtor",)))
    snapshot = Snapshot(
        revision=1,
        pack=pack,
        person_key=key,
        accounts={account.id: account},
        institutions={"jianglan": Institution("jianglan", "江澜银行（虚构）", "bank", ("江澜银行",))},
        licences={"jianglan": (Licence("jianglan", purposes, both, year),)},
        telecoms={"t": Telecom("t", "示例通信（虚构）", "carrier", year)},
        partners={"yuanlu": Partner("yuanlu", "元麓科技（虚构）", year)},
        entrustments={("jianglan", "yuanlu"): (Entrustment("jianglan", "yuanlu", purposes, both, year),)},
        templates={("jianglan", _TEXT): (Template("a", "jianglan", purposes, _TEXT, True),)},
        segments=(Segment("s", "95", "95", both, purposes, year),),
        numbers=NumberLibrary(
            [
                Number(f"1069{place:04}", "jianglan", "yuanlu", both, frozenset((_CASES[place % 2],)), year)
                for place in range(1000)
            ]
        ),
        consents=_index(mine, (1 << 20) << 8 | 0xFF),
        suppressions=_index([], 3, _REFUSALS),
        preferences=_index(mine[::2], 0),
        donotcall=(_index([], 3, _REFUSALS),),
        debtors=_index(mine, ROLES["debtor"] | day << 8),
        notices=_index([index_key(digest, notice) for digest in digests], 1),
        contacts=Contacts(caps),
    )
    for purpose_bit in snapshot.contacts.tables:
        for one in mine:
            snapshot.contacts.add(purpose_bit, one, 1, 1)
    return snapshot, persons, account


_TEXT: Final = "【江澜银行】“安居贷”年化3.5%起，咨询400-000-1001，回T退订"


def _requests(account: Account, persons: list[str], purpose: Purpose, count: int) -> list[Request]:
    channel: Channel = "sms"
    sender = f"1069{_CASES.index(purpose):04}"
    draw = random.Random(1)
    return [
        Request(place, channel, account, sender, draw.choice(persons), (_TEXT,), b"octets", _NOW)
        for place in range(count)
    ]


def _message_us(snapshot: Snapshot, requests: list[Request], rules: tuple[Rule, ...]) -> float:
    """CPU of one message whose lane stands, microseconds."""
    snapshot.lanes.clear()
    evaluate(requests[0], snapshot, _NOW, rules)
    began = time.process_time()
    for request in requests:
        evaluate(request, snapshot, _NOW, rules)
    return (time.process_time() - began) / len(requests) * 1e6


def _lane_us(snapshot: Snapshot, request: Request, rules: tuple[Rule, ...]) -> float:
    """CPU of one message whose lane is made anew, microseconds."""
    began = time.process_time()
    for _ in range(_LANES):
        snapshot.lanes.clear()
        evaluate(request, snapshot, _NOW, rules)
    return (time.process_time() - began) / _LANES * 1e6


def measure(messages: int, rounds: int) -> list[Cost]:
    """No rule, each rule beyond that, and all rules together; raises RuntimeError where something is refused."""
    snapshot, persons, account = _world()
    asked = {purpose: _requests(account, persons, purpose, messages) for purpose in _CASES}
    for purpose, requests in asked.items():
        verdict = evaluate(requests[0], snapshot, _NOW).decision
        if verdict.effect != "allow":
            raise RuntimeError(f"{purpose} is refused: {verdict.rule} {verdict.detail}")
    tables = {"no rule: lane, person's digest, permit": (), **{rule.id: (rule,) for rule in RULES}, "all rules": RULES}
    least: dict[str, list[float]] = {name: [1e9] * 3 for name in tables}
    # WHY in turn: whatever slows the machine for a while slows all tables alike.
    for _ in range(rounds):
        for name, rules in tables.items():
            found = [_message_us(snapshot, asked[purpose], rules) for purpose in _CASES]
            found.append(_lane_us(snapshot, asked["marketing"][0], rules))
            least[name] = [min(pair) for pair in zip(least[name], found, strict=True)]
    none, *each, whole = least.items()
    beyond = [
        Cost(name, *(max(0.0, one - less) for one, less in zip(found, none[1], strict=True))) for name, found in each
    ]
    return [Cost(none[0], *none[1]), *beyond, Cost(whole[0], *whole[1])]


def table(found: list[Cost]) -> str:
    """Markdown, one line a rule."""
    lines = ["| rule | µs a message, marketing | collection | µs a lane |", "|---|---:|---:|---:|"]
    lines += [f"| {one.rule} | {one.marketing:.2f} | {one.collection:.2f} | {one.lane:.1f} |" for one in found]
    return "\n".join(lines)


def compiled_or_not(*, pure: bool) -> list[str]:
    """The interpreter that has the build to measure, with this file: the compiled one where there is one."""
    if pure or not _COMPILED.exists():
        return [sys.executable, "-m", "bench.rule_costs", "--inside"]
    # WHY -P: this checkout would be imported instead.
    return [str(_COMPILED), "-P", str(Path(__file__).resolve()), "--inside"]


def costs(messages: int, rounds: int, *, pure: bool = False) -> list[Cost]:
    """The figures of the build that is there, measured in a process of its own; raises RuntimeError."""
    command = [*compiled_or_not(pure=pure), "--messages", str(messages), "--rounds", str(rounds), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=_ROOT, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr.strip()[-300:])
    return [Cost(**one) for one in json.loads(done.stdout)]


def main(arguments: list[str] | None = None) -> int:
    """Prints a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--messages", type=int, default=MESSAGES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--pure", action="store_true", help="this checkout, also where there is a compiled build")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.inside:
        found = measure(parsed.messages, parsed.rounds)
    else:
        found = costs(parsed.messages, parsed.rounds, pure=parsed.pure)
    print(json.dumps([asdict(one) for one in found], indent=1) if parsed.json else table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
