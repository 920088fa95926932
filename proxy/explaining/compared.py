"""A recorded decision beside what the same question would get today: what the record holds, what was asked anew.

Owns which rules can be asked anew from a record, which holds no text, no octets and of a person a keyed hash. Must
never call something the same that could not be looked at. Pure.
"""

import re
from typing import Final, Literal

from msgspec import Struct

from proxy.core.ground import ASKS_OTHER, OUTCOME_NAMES
from proxy.core.purposes import STRICTEST_FIRST, Channel
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.core.senders import on_record
from proxy.core.snapshot import Snapshot
from proxy.explaining import of_packs, of_persons, of_senders
from proxy.explaining.shape import Explanation
from proxy.rules.rule import Rule
from proxy.rules.table import RULE_IDS, RULES

_PORT_BEFORE_MASK: Final = re.compile(r"(\d+)\d{3}\*{6}\d{2}#")
#: What these saw is in no record: whether a receiver was bound, and how fast the account sent.
_OF_THE_MOMENT: Final = frozenset(("account.oneway", "throughput.account"))
#: Rules that can be asked anew from what is recorded.
ASKED_ANEW: Final = frozenset((*of_senders.FACTS, *of_persons.FACTS, *of_packs.FACTS)) - _OF_THE_MOMENT
OF_PERSONS: Final = frozenset((*of_persons.FACTS, "frequency.cap"))
#: Their answer may hang on where the person is, which a record does not hold.
_OF_PLACES: Final = frozenset(("licence.region", "entrustment.missing", "hours.closed", "frequency.cap"))
Verdict = Literal["same", "differs", "recorded_only", "today_only"]
#: Why a rule was not asked anew: it looked at text or octets; at the moment; at a person whom today's key does not
#: find; at a purpose that the sender declared; its contacts are kept no longer; the account is gone; `place`: it was
#: asked anew as for a person somewhere in China; `bypass`: one was open then, which is never asked anew; `unknown`: the
#: record does not say what it said then.
Why = Literal["", "text", "moment", "person", "declared", "contacts", "account", "place", "bypass", "unknown"]


class Compared(Struct, frozen=True):
    """One rule: what it said then (empty: it is not in the record) and today (empty: not asked anew)."""

    rule: str
    recorded: str
    today: str
    verdict: Verdict
    why: Why = ""


class Then(Struct, frozen=True):
    """What a record holds of a decision, as far as it is asked anew. `rules` name the octets of `outcomes`; `at` is UTC
    seconds. `contacts_since` is from when on contacts are still kept.
    """

    id: int
    channel: Channel
    sender: str
    purpose: str
    asks: int
    at: float
    rules: tuple[str, ...]
    outcomes: bytes
    mode: str = "enforce"
    knows_person: bool = True
    contacts_since: float = 0.0


def rules_anew(then: Then) -> tuple[Rule, ...]:
    """The rules of today that can be asked anew, in their order."""
    return tuple([one for one in RULES if one.id in ASKED_ANEW and (then.knows_person or one.id not in OF_PERSONS)])


def request_of(then: Then, account: Account, snapshot: Snapshot, person: str | None) -> Request:
    """The recorded question, asked again of a person who is known as `person` (None: the address had no form); it has
    no text and no octets.
    """
    return Request(
        id=then.id,
        channel=then.channel,
        account=account,
        sender=_sender(then.sender, account, snapshot),
        recipient=person,
        readings=("",) if then.channel == "sms" else (),
        octets=b"",
        received_at=then.at,
        purpose=next((one for one in STRICTEST_FIRST if one == then.purpose), None),
        by_id=then.asks == ASKS_OTHER,
    )


def _sender(recorded: str, account: Account, snapshot: Snapshot) -> str | None:
    """The sender that a record means: a hidden one is found by its hash, if it stands in the library today."""
    if "#" not in recorded:
        return recorded or None
    port = _PORT_BEFORE_MASK.match(recorded)
    if port is not None:
        # The digits behind a port may be a person's; the port is what the library knows.
        return port.group(1)
    for row in snapshot.numbers:
        if row.principal == account.principal and on_record(row.address, (), snapshot.person_key) == recorded:
            return row.address
    return recorded


def compared(then: Then, today: Explanation | None) -> tuple[Compared, ...]:
    """Each rule of the record in its order, then those of today that the record does not know."""
    said = {rule: _name(octet) for rule, octet in zip(then.rules, then.outcomes, strict=False)}
    anew = {} if today is None else {row.rule: row.outcome for row in today.rows}
    rows = [_compared(rule, outcome, anew.get(rule, ""), then, gone=today is None) for rule, outcome in said.items()]
    rows += [Compared(rule, "", anew.get(rule, ""), "today_only", "unknown") for rule in RULE_IDS if rule not in said]
    return tuple(rows)


def _compared(rule: str, recorded: str, today: str, then: Then, *, gone: bool) -> Compared:
    if gone:
        return Compared(rule, recorded, "", "recorded_only", "account")
    if rule in _OF_THE_MOMENT:
        return Compared(rule, recorded, "", "recorded_only", "moment")
    if rule in OF_PERSONS and not then.knows_person:
        return Compared(rule, recorded, "", "recorded_only", "person")
    if not today:
        return Compared(rule, recorded, "", "recorded_only", "text" if rule in RULE_IDS else "unknown")
    if rule == "purpose.mismatch" and recorded in ("refuse", "shadow"):
        return Compared(rule, recorded, "", "recorded_only", "declared")
    if rule == "frequency.cap" and then.at < then.contacts_since:
        return Compared(rule, recorded, "", "recorded_only", "contacts")
    verdict: Verdict = "same" if recorded == today else "differs"
    why: Why = ""
    if verdict == "differs":
        why = "bypass" if then.mode == "bypass" and recorded == "shadow" else "place" if rule in _OF_PLACES else ""
    return Compared(rule, recorded, today, verdict, why)


def _name(octet: int) -> str:
    return OUTCOME_NAMES[octet] if octet < len(OUTCOME_NAMES) else str(octet)
