"""Whatever happens to routes, binds and ESMEs, a request in a pool ends once, and is sent at most once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import Refusal
from proxy.policy import evaluate_parts
from proxy.pool.dispatch import our_id
from proxy.pool.ticket import Ticket
from proxy.smpp.consts import SUBMIT_SM, SUBMIT_SM_RESP
from proxy.smpp.pdu import Pdu, response
from tests.pool.dispatch_play import NOON, REQUEST, RESPONSE_S, SNAPSHOT, Play
from tests.tools.session_play import read_all
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 1), st.sampled_from(["mobile", "", "unicom"])),
    st.tuples(st.just("ask"), st.integers(0, 1), st.just("mobile")),
    st.tuples(st.just("answer"), st.integers(0, 9), st.sampled_from([0, 0, 0, 0x58, 0x14, 0x45])),
    st.tuples(st.just("bind"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("lose"), st.integers(0, 9)),
    st.tuples(st.just("leave"), st.integers(0, 1)),
    st.tuples(st.just("refuse")),
    st.tuples(st.just("cancel"), st.integers(1, 20)),
    st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, RESPONSE_S + 1])),
)


@given(st.integers(1, 4), st.sampled_from([0.0, 5.0, 100.0]), st.lists(STEPS, max_size=60))
def test_each_request_ends_once_and_is_sent_at_most_once(
    window: int, rate: float, steps: list[tuple[Any, ...]]
) -> None:
    play = Play(window, rate)
    for name, *arguments in steps:
        getattr(play, name)(*arguments)
    for _ in range(3):
        play.wait(RESPONSE_S + 1)
    while play.binds:
        play.lose(0)
    play.carry()
    ends = {number: asker.ends.get(number, []) for number, asker in play.asked.items()}
    assert all(len(found) == 1 for found in ends.values()), ends
    assert len(set(play.sent)) == len(play.sent)
    unsent = {number for number, found in ends.items() if found[0] in ("unroutable", "gone", "refused", "called back")}
    assert not unsent & set(play.sent)
    assert {number for number, found in ends.items() if found[0] in ("answered", "unknown")} == set(play.sent)
    told = [(how, number) for how, number in play.books.written if how != "late"]
    assert len(told) == len({number for _, number in told}) == len(play.sent)


def test_the_esme_gets_our_id_and_the_carriers_tlvs() -> None:
    play = Play(4, 0.0)
    play.bind("a")
    play.ask(0, "")
    play.answer(0, 0)
    octets = play.askers[0].octets[1]
    assert octets == response(SUBMIT_SM_RESP, 0, 1, our_id(1) + b"\0\x12\x34\0\0")


def test_one_esme_with_much_waiting_does_not_hold_up_another() -> None:
    play = Play(1, 0.0)
    play.bind("a")
    for _ in range(200):
        play.ask(0, "")
    play.ask(1, "")
    for _ in range(3):
        play.answer(0, 0)
    assert play.askers[1].ends == {201: ["answered"]}


def test_what_waits_at_a_route_that_dies_goes_another_way() -> None:
    play = Play(1, 0.0)
    play.bind("a")
    play.ask(0, "")
    play.ask(0, "")
    play.bind("b")
    play.lose(0)
    play.answer(0, 0)
    assert play.askers[0].ends == {1: ["unknown"], 2: ["answered"]}


def test_what_waits_too_long_is_turned_away_and_never_sent_later() -> None:
    play = Play(1, 0.0)
    play.bind("a")
    play.ask(0, "")
    play.ask(1, "")
    play.wait(3 * RESPONSE_S + 1)
    assert play.askers[1].ends == {2: ["unroutable"]}
    play.answer(0, 0)
    assert play.sent == [1]


def test_a_route_that_drains_gives_its_waiting_to_the_others_and_works_again() -> None:
    play = Play(1, 0.0)
    play.bind("a")
    play.ask(0, "")
    play.ask(0, "")
    play.dispatch.drain("a", True, play.now)
    assert play.askers[0].ends == {2: ["unroutable"]}
    play.answer(0, 0)
    assert play.askers[0].ends[1] == ["answered"]
    play.ask(0, "")
    assert play.askers[0].ends[3] == ["unroutable"]
    play.dispatch.drain("a", False, play.now)
    play.ask(0, "")
    play.answer(0, 0)
    assert play.askers[0].ends[4] == ["answered"]


def test_what_stands_no_more_when_its_turn_comes_is_not_sent() -> None:
    play = Play(1, 0.0)
    play.bind("a")
    play.ask(0, "")
    play.ask(1, "")
    play.ask(1, "")
    play.askers[1].refuses = True
    play.answer(0, 0)
    play.carry()
    assert play.askers[1].ends == {2: ["refused"], 3: ["refused"]}
    assert play.sent == [1]


def test_what_stands_no_more_when_its_route_dies_takes_no_other() -> None:
    play = Play(1, 0.0)
    play.bind("a")
    play.ask(0, "")
    play.ask(1, "")
    play.bind("b")
    play.askers[1].refuses = True
    play.lose(0)
    play.carry()
    assert play.askers[1].ends == {2: ["refused"]}
    assert play.sent == [1]


def test_the_parts_of_a_message_take_one_route_and_the_next_message_its_own() -> None:
    play = Play(100, 0.0)
    play.bind("a")
    play.bind("b")
    taken: list[set[str]] = []
    for number in range(1, 9):
        octets = tuple(response(SUBMIT_SM, 0, 4 * number + each, bytes((each,))) for each in range(3))
        permits = evaluate_parts(changed(REQUEST, id=number), octets, SNAPSHOT, NOON)
        assert not isinstance(permits, Refusal)
        for each, permit in enumerate(permits):
            pdu = Pdu(SUBMIT_SM, 0, 4 * number + each, octets[each])
            part = 1000 * number + each if each else 0
            play.dispatch.send(Ticket(play.askers[0], pdu, permit, "", play.now, part), play.now)
        routes = {bind.route for bind in play.binds for _ in read_all(bytes(bind.session.out.take()))}
        taken.append(routes)
    assert all(len(routes) == 1 for routes in taken), taken
    # With weights 1 and 3 both have their turns.
    assert set.union(*taken) == {"a", "b"}


def test_a_part_never_follows_another_message() -> None:
    play = Play(100, 0.0)
    play.bind("a")
    play.bind("b")
    followed: list[bool] = []
    for number in range(1, 17, 2):
        routes: list[set[str]] = []
        # The first part of one message, that of the next, and then the second part of the former.
        for decision_id, part in ((number, 0), (number + 1, 0), (number, 1000 * number)):
            octets = (response(SUBMIT_SM, 0, 100 * number + len(routes), b"x"),)
            permits = evaluate_parts(changed(REQUEST, id=decision_id), octets, SNAPSHOT, NOON)
            assert not isinstance(permits, Refusal)
            pdu = Pdu(SUBMIT_SM, 0, 100 * number + len(routes), octets[0])
            play.dispatch.send(Ticket(play.askers[0], pdu, permits[0], "", play.now, part), play.now)
            routes.append({bind.route for bind in play.binds for _ in read_all(bytes(bind.session.out.take()))})
        followed.append(routes[2] == routes[1])
    assert not all(followed)
