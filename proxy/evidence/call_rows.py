"""Call records: one row for each attempt at a call, joined from its Decision and its Call. Read-only.

Owns the join and the columns. Must never show a person's number: the log holds none. A permitted call that has no Call
record yet is under way, or a kill took its end: its result is `open`.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Final

from msgspec import Struct

from proxy.core.ground import ASKS_MESSAGE
from proxy.evidence.records import ALLOW, EFFECT_NAMES, Call, Decision, Start, Stop, decode, kind_of

_KINDS: Final = frozenset((1, 6, 7, 13))


class CallRow(Struct, frozen=True):
    """One attempt. Moments are ISO 8601 in UTC, empty where they never came; durations are milliseconds; `person` is a
    digest in hex, `caller` the institution's number, whoever called. `result` is `refused_here`, one of
    `records.CALL_RESULTS`, or `open`.
    """

    id: str
    direction: str
    account: str
    principal: str
    purpose: str
    caller: str
    person: str
    effect: str
    rule: str
    detail: str
    pack: str
    revision: int
    asked: str
    rang: str
    answered: str
    ended: str
    ring_ms: int
    talk_ms: int
    result: str
    status: int
    side: str
    cause: str
    carrier: str
    attempts: int


COLUMNS: Final = CallRow.__struct_fields__


def call_rows(octets: Iterable[bytes]) -> Iterator[CallRow]:
    """The rows of a log's records, in the order in which attempts ended; those still open, last. Raises RecordError."""
    waiting: OrderedDict[int, Decision] = OrderedDict()
    for each in octets:
        if kind_of(each) not in _KINDS:
            continue
        record = decode(each)
        if isinstance(record, Decision):
            if record.channel != "voice" or record.asks != ASKS_MESSAGE:
                continue
            if record.effect == ALLOW:
                waiting[record.id] = record
            else:
                yield _row(record, None)
        elif isinstance(record, Call):
            yield _row(waiting.pop(record.id, None), record)
        elif isinstance(record, Start | Stop):
            # WHY: no call outlives its process.
            yield from (_row(decision, None) for decision in waiting.values())
            waiting.clear()
    yield from (_row(decision, None) for decision in waiting.values())


def _row(decision: Decision | None, call: Call | None) -> CallRow:
    asked_us = call.asked_us if call is not None else decision.at_us if decision is not None else 0
    refused = decision is not None and decision.effect != ALLOW
    person = decision.person if decision is not None else call.person if call is not None else b""
    ended_us = call.at_us if call is not None else asked_us if refused else 0
    rang_us, answered_us = (call.rang_us, call.answered_us) if call is not None else (0, 0)
    return CallRow(
        id=f"0x{(decision or call).id:x}" if decision or call else "",  # type: ignore[union-attr]
        direction=call.direction if call is not None else "out",
        account=decision.account if decision is not None else call.account if call is not None else "",
        principal=decision.principal if decision is not None else "",
        purpose=decision.purpose if decision is not None else "",
        caller=decision.sender if decision is not None else call.number if call is not None else "",
        person=person.hex(),
        effect=EFFECT_NAMES[decision.effect] if decision is not None else "",
        rule=decision.rule if decision is not None else "",
        detail=decision.detail if decision is not None else "",
        pack=f"{decision.pack} {decision.pack_version}" if decision is not None else "",
        revision=decision.revision if decision is not None else 0,
        asked=_moment(asked_us),
        rang=_moment(rang_us),
        answered=_moment(answered_us),
        ended=_moment(ended_us),
        ring_ms=((answered_us or ended_us) - rang_us) // 1000 if rang_us else 0,
        talk_ms=(ended_us - answered_us) // 1000 if answered_us else 0,
        result=call.result if call is not None else "refused_here" if refused else "open",
        status=call.status if call is not None else 0,
        side=call.side if call is not None else "us" if refused else "",
        cause=call.cause if call is not None else decision.rule if decision is not None else "",
        carrier=call.carrier if call is not None else "",
        attempts=call.attempts if call is not None else 0,
    )


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds") if at_us else ""
