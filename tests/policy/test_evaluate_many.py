"""Many persons, one permit: it holds what `encode` wrote for the permitted, and nothing else leaves the policy."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy import evaluate, evaluate_many
from tests.rules.scene import BASE, PERSON, build
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

STRANGER = "8613900139001"


def written(places: Sequence[int]) -> bytes:
    return bytes(places)


@given(st.lists(st.booleans(), min_size=1, max_size=20))
def test_the_permit_holds_exactly_the_permitted(consented: list[bool]) -> None:
    # Named more than once: without a cap, which counts each contact (below).
    scene = BASE.but("pack.caps", ())
    request, snapshot, now = build(scene)
    requests = [
        changed(request, id=place, recipient=PERSON if yes else STRANGER) for place, yes in enumerate(consented)
    ]
    permit, decisions = evaluate_many(requests, written, snapshot, now)
    assert [one.effect == "allow" for one in decisions] == consented
    assert [one.id for one in decisions] == list(range(len(consented)))
    alone = [evaluate(one, build(scene)[1], now).decision for one in requests]
    assert [(one.rule, one.person) for one in decisions] == [(one.rule, one.person) for one in alone]
    places = [place for place, yes in enumerate(consented) if yes]
    if not places:
        assert permit is None
        return
    assert permit is not None
    assert permit.decision is decisions[places[0]]
    assert permit.spend() == (request.octets if all(consented) else bytes(places))


def test_who_cannot_be_written_for_is_not_sent_to() -> None:
    request, snapshot, now = build(BASE)

    def broken(_: Sequence[int]) -> bytes:
        raise ValueError("a defect")

    requests = [changed(request, id=1), changed(request, id=2, recipient=STRANGER)]
    permit, decisions = evaluate_many(requests, broken, snapshot, now)
    assert permit is None
    assert [(one.effect, one.rule) for one in decisions] == [("defer", "internal.rule"), ("deny", "consent.missing")]
    # Nobody is left out: nothing need be written anew.
    assert evaluate_many(requests[:1], broken, snapshot, now)[0] is not None


def test_a_person_who_is_named_more_than_once_is_contacted_as_often_as_that() -> None:
    request, snapshot, now = build(BASE)
    requests = [changed(request, id=place) for place in range(6)]
    permit, decisions = evaluate_many(requests, written, snapshot, now)
    assert [one.effect for one in decisions] == ["allow"] * 4 + ["deny"] * 2
    assert {one.rule for one in decisions[4:]} == {"frequency.cap"}
    assert permit is not None
    assert permit.spend() == bytes(range(4))
    # Nobody counted them yet: that is for whoever records the decisions.
    assert not snapshot.contacts.persons
