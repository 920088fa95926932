"""Counting contacts in sliding windows: always what a naive list says, whatever the clock does, and after a restart."""

from __future__ import annotations

import tempfile
from math import ceil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.contacts import EPOCH_S, Contacts, ContactsAnd, CountedCap, second_of
from proxy.core.pack import Cap
from proxy.core.purposes import COLLECTION_SMS, COLLECTION_VOICE, MARKETING_SMS
from proxy.store.contact_log import ADDED, TAKEN_BACK, ContactLog
from tests.tools.example_budget import examples

pytestmark = pytest.mark.unit

START = 1_700_000_000.0
BOTH = Cap("collection", frozenset(("sms", "voice")), 3, 100)
CALLS = Cap("collection", frozenset(("voice",)), 2, 300)
TEXTS = Cap("marketing", frozenset(("sms",)), 1, 50)
CAPS = (BOTH, CALLS, TEXTS)
COUNTED = (
    CountedCap(3, 100, (COLLECTION_SMS, COLLECTION_VOICE), "p", 1, False),
    CountedCap(2, 300, (COLLECTION_VOICE,), "p", 1, False),
    CountedCap(1, 50, (MARKETING_SMS,), "p", 1, False),
)
BITS = (COLLECTION_SMS, COLLECTION_VOICE, MARKETING_SMS)
#: Few persons, some of them in one shard, one of them zero.
PERSONS = (0, 1, 9, 17, 1 << 63, (1 << 63) + 8, (1 << 64) - 1)

#: Times this, persons lie in all shards, and in all places of a shard, as keys of persons do.
SPREAD = 0x9E3779B97F4A5

STEPS = st.lists(
    st.one_of(
        # The clock: mostly on, sometimes back.
        st.tuples(st.just("clock"), st.floats(-200, 200)),
        st.tuples(st.just("ask"), st.sampled_from(PERSONS), st.sampled_from(range(3))),
        st.tuples(st.just("contact"), st.sampled_from(PERSONS), st.sampled_from(BITS)),
        st.tuples(st.just("back"), st.integers(0, 30)),
        st.tuples(st.just("restart")),
        st.tuples(st.just("sweep")),
    ),
    max_size=60,
)


class Naive:
    """A list of everything that ever happened, gone through at each question."""

    def __init__(self) -> None:
        self.contacts: list[tuple[int, int, float]] = []

    def reached(self, cap: CountedCap, person: int, now: float) -> bool:
        found = [
            at
            for bit, who, at in self.contacts
            if (who or 1) == (person or 1) and bit in cap.bits and ceil(at) + cap.window_s > now
        ]
        return len(found) >= cap.most


def opened(folder: Path, now: float) -> tuple[Contacts, ContactLog]:
    contacts = Contacts(CAPS)
    return contacts, ContactLog.open(folder, 1, contacts, now, octets=256)


@settings(max_examples=examples(2.5))
@given(STEPS)
def test_counts_are_those_of_a_naive_list(steps: list[tuple[str, *tuple[object, ...]]]) -> None:
    """Only permitted contacts are made, as the policy does: so as many as a cap allows, and none is ever forgotten."""
    with tempfile.TemporaryDirectory() as name:
        now, naive = START, Naive()
        highest = now
        contacts, log = opened(Path(name), now)
        for step in steps:
            match step:
                case ("clock", float() as by):
                    now = max(now + by, START)
                    # WHY not further back than a sweep was: what was over by then is gone (see the manual).
                    highest = max(highest, now)
                case ("ask", int() as person, int() as place):
                    cap = COUNTED[place]
                    assert contacts.reached(cap, person, now) == naive.reached(cap, person, now)
                    frees = contacts.frees_in(cap, person, now)
                    assert bool(frees) == naive.reached(cap, person, now)
                    assert not naive.reached(cap, person, now + frees)
                case ("contact", int() as person, int() as bit):
                    caps = [cap for cap in COUNTED if bit in cap.bits]
                    if any(contacts.reached(cap, person, now) for cap in caps):
                        continue
                    contacts.add(bit, person, second_of(now), second_of(min(now, START)))
                    log.append(bit, person, second_of(now), ADDED)
                    naive.contacts.append((bit, person, now))
                case ("back", int() as place) if place < len(naive.contacts):
                    bit, person, at = naive.contacts.pop(place)
                    # What no window holds any more may have made room for another.
                    horizon = max(cap.window_s for cap in COUNTED if bit in cap.bits)
                    assert contacts.take_back(bit, person, second_of(at)) or ceil(at) + horizon <= highest
                    log.append(bit, person, second_of(at), TAKEN_BACK)
                case ("restart",):
                    log.close()
                    contacts, log = opened(Path(name), START)
                case ("sweep",):
                    contacts.sweep(START, shards=4096)
        log.close()


def test_a_shard_drops_what_is_over_before_it_grows() -> None:
    contacts = Contacts((TEXTS,))
    for second in range(5000):
        contacts.add(MARKETING_SMS, second + 1, second_of(START + second), second_of(START + second))
    assert contacts.persons < 200


def test_no_contact_leaves_its_window_early() -> None:
    contacts = Contacts((TEXTS,))
    contacts.add(MARKETING_SMS, 7, second_of(START + 0.5), second_of(START))
    assert contacts.reached(COUNTED[2], 7, START + 50.9)
    assert not contacts.reached(COUNTED[2], 7, START + 51)


def test_a_cap_that_grows_keeps_what_was_counted() -> None:
    contacts = Contacts((TEXTS,))
    contacts.add(MARKETING_SMS, 7, second_of(START), second_of(START))
    contacts.use((Cap("marketing", frozenset(("sms",)), 3, 500),))
    for later in (1, 2):
        contacts.add(MARKETING_SMS, 7, second_of(START + later), second_of(START))
    assert contacts.reached(CountedCap(3, 500, (MARKETING_SMS,), "p", 1, False), 7, START + 499)
    assert contacts.horizon_s == 500


def test_it_is_full_when_there_is_no_room() -> None:
    contacts = Contacts((TEXTS,), persons_most=2)
    contacts.add(MARKETING_SMS, 1, second_of(START), second_of(START))
    assert not contacts.is_full
    contacts.add(MARKETING_SMS, 2, second_of(START), second_of(START))
    assert contacts.is_full


def test_contacts_laid_over_others_count_and_change_nothing() -> None:
    contacts = Contacts((BOTH,))
    contacts.add(COLLECTION_SMS, 7, second_of(START), second_of(START))
    over = ContactsAnd(contacts)
    over.lay(COLLECTION_VOICE, 7, START)
    assert not over.reached(COUNTED[0], 7, START)
    # Another person's, and another purpose's.
    over.lay(COLLECTION_SMS, 8, START)
    over.lay(MARKETING_SMS, 7, START)
    assert not over.reached(COUNTED[0], 7, START)
    over.lay(COLLECTION_SMS, 7, START)
    assert over.reached(COUNTED[0], 7, START)
    assert not contacts.reached(COUNTED[0], 7, START)


def test_seconds_begin_where_no_contact_is_older() -> None:
    assert second_of(0.0) == 1
    assert second_of(EPOCH_S + 10) == 10


# WHY last: it goes over every shard, and tests/mutation asks the tests of this file in their order.
def test_what_is_over_is_dropped_and_the_rest_stays() -> None:
    contacts = Contacts((TEXTS,))
    for person in range(1, 3000):
        contacts.add(MARKETING_SMS, person * SPREAD, second_of(START), second_of(START))
    contacts.add(MARKETING_SMS, 5, second_of(START + 49), second_of(START + 49))
    assert contacts.persons == 3000
    # What is of this second counts for a part of it still.
    contacts.sweep(START + 49.5, shards=4096)
    assert contacts.persons == 3000
    assert contacts.reached(COUNTED[2], SPREAD, START + 49.5)
    contacts.sweep(START + 51, shards=4096)
    assert contacts.persons == 1
    assert contacts.reached(COUNTED[2], 5, START + 98)
    assert not contacts.reached(COUNTED[2], 5, START + 99)
