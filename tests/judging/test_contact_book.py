"""Contacts are counted where permits are recorded, and taken back where they were none."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proxy.core.contacts import Contacts, CountedCap
from proxy.core.decision import Decision
from proxy.core.ground import ASKS_OTHER, ASKS_OWN, Ground
from proxy.core.pack import Cap
from proxy.core.persons import index_key
from proxy.core.purposes import COLLECTION_SMS, COLLECTION_VOICE
from proxy.core.request import Request
from proxy.judging import contact_book
from proxy.judging.contact_book import ADDED, TAKEN_BACK, ContactBook
from proxy.judging.journal import Journal
from proxy.rules.table import RULE_IDS
from proxy.smpp.gate import ACCEPTED, LATE, REJECTED, UNKNOWN
from proxy.store import contact_log
from proxy.telemetry.counters import Counters
from tests.judging.evidence_double import LogDouble
from tests.rules.scene import ACCOUNT, BOTH, DAY_S, NOON, PERSON, PERSON_KEY

pytestmark = pytest.mark.unit

DIGEST = PERSON_KEY.digest(PERSON)
KEY = index_key(DIGEST, PERSON_KEY.salt("jianglan"))
CAP = CountedCap(1, DAY_S, (COLLECTION_SMS, COLLECTION_VOICE), "p", 1, False)
GROUND = Ground(
    "sms", "jianglan-own", "10690001", "allow", "", "", "jianglan", "collection", "cn-test", 3, 7, bytes(len(RULE_IDS))
)


class Booked:
    """A journal over a double of the log, and what the book put on record."""

    def __init__(self) -> None:
        self.kept: list[tuple[int, int, int, int]] = []
        self.contacts = Contacts((Cap("collection", BOTH, 3, DAY_S),))
        self.book = ContactBook(self.contacts, PERSON_KEY, lambda *record: self.kept.append(record))
        self.log = LogDouble()
        self.journal = Journal(self.log, Counters(), 1, self.book)  # type: ignore[arg-type]

    def decided(self, ground: Ground = GROUND, decision_id: int = 1, person: bytes = DIGEST) -> bool:
        request = Request(decision_id, ground.channel, ACCOUNT, "10690001", PERSON, ("text",), b"octets", NOON)
        return self.journal.decided(request, Decision(decision_id, person, ground))

    @property
    def counts(self) -> bool:
        return self.contacts.reached(CAP, KEY, NOON)


@pytest.mark.parametrize("channel", ["sms", "voice"])
def test_a_permit_counts(channel: str) -> None:
    booked = Booked()
    assert booked.decided(replace(GROUND, channel=channel))
    assert booked.counts
    assert [record[3] for record in booked.kept] == [ADDED]


@pytest.mark.parametrize(
    "ground",
    [
        replace(GROUND, effect="deny"),
        replace(GROUND, effect="defer"),
        replace(GROUND, asks=ASKS_OTHER),
        replace(GROUND, asks=ASKS_OWN),
        replace(GROUND, purpose="marketing"),
        replace(GROUND, purpose="service"),
    ],
)
def test_nothing_else_does(ground: Ground) -> None:
    booked = Booked()
    booked.decided(ground)
    assert booked.contacts.persons == 0
    assert booked.kept == []


def test_what_is_not_recorded_does_not_go_on_and_does_not_count() -> None:
    booked = Booked()
    booked.log.full = True
    assert not booked.decided()
    assert not booked.counts


@pytest.mark.parametrize(("result", "counts"), [(REJECTED, False), (UNKNOWN, True), (LATE, True), (ACCEPTED, True)])
def test_what_the_carrier_refused_is_no_contact(result: str, counts: bool) -> None:
    booked = Booked()
    booked.decided()
    booked.journal.outcome(1, result, 0, b"")
    assert booked.counts == counts
    assert [record[3] for record in booked.kept] == [ADDED] + [TAKEN_BACK] * (not counts)


def test_it_is_taken_back_once() -> None:
    booked = Booked()
    for decision_id in (1, 2):
        booked.decided(decision_id=decision_id)
    booked.journal.outcome(1, REJECTED, 0, b"")
    booked.journal.outcome(1, REJECTED, 0, b"")
    booked.journal.outcome(77, REJECTED, 0, b"")
    assert booked.counts
    booked.journal.reached_nobody(2)
    assert not booked.counts


def test_what_was_permitted_a_while_ago_is_taken_back_too() -> None:
    booked = Booked()
    booked.decided()
    booked.book._old, booked.book._new = booked.book._new, {}
    booked.journal.outcome(1, REJECTED, 0, b"")
    assert not booked.counts


def test_the_latest_permits_are_remembered_and_not_more() -> None:
    booked = Booked()
    most = contact_book._REMEMBERED
    for decision_id in range(2 * most):
        booked.book._new[decision_id] = (COLLECTION_SMS, 0, 0)
        if len(booked.book._new) >= most - 1:
            booked.decided(decision_id=1 << 40 | decision_id)
    assert len(booked.book._new) + len(booked.book._old) <= 2 * most


def test_other_packs_are_counted_from_their_first_permit() -> None:
    booked = Booked()
    marketing = replace(GROUND, purpose="marketing")
    booked.decided(marketing)
    booked.contacts.use((Cap("marketing", BOTH, 1, DAY_S),))
    booked.journal.renew()
    booked.decided(marketing, decision_id=2)
    assert [record[3] for record in booked.kept] == [ADDED]


def test_book_and_log_speak_of_the_same_kinds() -> None:
    assert (ADDED, TAKEN_BACK) == (contact_log.ADDED, contact_log.TAKEN_BACK)
