"""Whatever happens to routes, binds and ESMEs, a request in a pool ends once, and is sent at most once."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import Permit
from proxy.policy import evaluate
from proxy.pool.bind import PoolBind
from proxy.pool.dispatch import Dispatch, PoolRoute, our_id
from proxy.pool.ticket import Ticket
from proxy.routing.choice import Route
from proxy.routing.pace import Pace
from proxy.smpp.consts import SUBMIT_SM, SUBMIT_SM_RESP
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.session import Session, Timers
from tests.rules.scene import BASE, build
from tests.tools.session_play import read_all
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

QUIET = Timers(1e9, 1e9, 1e9, 1e9, 1e9)
REQUEST, SNAPSHOT, NOON = build(BASE)
RESPONSE_S = 30.0


class Asker:
    """An ESME that writes down how each of its requests ended."""

    account = "jl"

    def __init__(self) -> None:
        self.ends: dict[int, list[str]] = {}
        self.octets: dict[int, bytes] = {}

    def _ended(self, ticket: Ticket, how: str) -> None:
        self.ends.setdefault(ticket.decision_id, []).append(how)

    def answered(self, ticket: Ticket, octets: bytes) -> None:
        self.octets[ticket.decision_id] = octets
        self._ended(ticket, "answered")

    def left_unknown(self, ticket: Ticket) -> None:
        self._ended(ticket, "unknown")

    def unroutable(self, ticket: Ticket) -> None:
        self._ended(ticket, "unroutable")

    def stands(self, ticket: Ticket) -> bool:
        return True

    def judge_again(self, ticket: Ticket, now: float) -> None:
        self._ended(ticket, "judged again")


class Books:
    def __init__(self) -> None:
        self.written: list[tuple[str, int]] = []

    def accepted(self, ticket: Ticket, route: str, carrier_id: bytes) -> None:
        self.written.append(("accepted", ticket.decision_id))

    def rejected(self, ticket: Ticket, status: int) -> None:
        self.written.append(("rejected", ticket.decision_id))

    def unknown(self, ticket: Ticket) -> None:
        self.written.append(("unknown", ticket.decision_id))

    def late(self, ticket: Ticket, route: str, status: int, carrier_id: bytes) -> None:
        self.written.append(("late", ticket.decision_id))

    def note(self, event: str) -> None:
        pass


class Play:
    """Three routes, ESMEs and a clock."""

    def __init__(self, window: int, rate: float) -> None:
        self.books = Books()
        facts = [Route("a", priority=1), Route("b", priority=1, weight=3), Route("c", ["mobile"], priority=2)]
        self.dispatch = Dispatch((PoolRoute(one, Pace(rate)) for one in facts), self.books, 3 * RESPONSE_S)
        self.window = window
        self.askers = [Asker(), Asker()]
        self.gone: set[int] = set()
        self.now = 100.0
        self.asked: dict[int, Asker] = {}
        self.sent: list[int] = []
        self.binds: list[PoolBind] = []
        self.waiting: list[tuple[PoolBind, Pdu]] = []

    def bind(self, route: str) -> None:
        session = Session("smsc", QUIET, 70_000, lambda _: None, self.now)
        session.enter("trx")
        bind = PoolBind(route, session, self.window, RESPONSE_S)
        self.binds.append(bind)
        self.dispatch.bind_came(bind, self.now)

    def ask(self, who: int, carrier: str) -> None:
        number = len(self.asked) + 1
        octets = response(SUBMIT_SM, 0, number, number.to_bytes(4))
        verdict = evaluate(changed(REQUEST, id=number, octets=octets), SNAPSHOT, NOON)
        assert isinstance(verdict, Permit)
        self.asked[number] = self.askers[who]
        ticket = Ticket(self.askers[who], Pdu(SUBMIT_SM, 0, number, octets), verdict, carrier, self.now)
        self.dispatch.send(ticket, self.now)

    def carry(self) -> None:
        """What was written reaches the carriers."""
        for bind in self.binds:
            for pdu in read_all(bytes(bind.session.out.take())):
                self.sent.append(int.from_bytes(pdu.raw[16:20]))
                self.waiting.append((bind, pdu))

    def answer(self, place: int, status: int) -> None:
        self.carry()
        if self.waiting:
            bind, pdu = self.waiting.pop(place % len(self.waiting))
            raw = response(SUBMIT_SM_RESP, status, pdu.sequence, b"" if status else b"c1\0\x12\x34\0\0")
            self.dispatch.from_carrier(bind, Pdu(SUBMIT_SM_RESP, status, pdu.sequence, raw), self.now)

    def lose(self, place: int) -> None:
        self.carry()
        if self.binds:
            bind = self.binds.pop(place % len(self.binds))
            self.dispatch.bind_lost(bind, self.now)
            self.waiting = [one for one in self.waiting if one[0] is not bind]

    def leave(self, who: int) -> None:
        for ticket in self.dispatch.asker_gone(self.askers[who]):
            self.askers[who]._ended(ticket, "gone")

    def refuse(self) -> None:
        for ticket in self.dispatch.withdraw(next(iter(self.asked.values()), None) and _PERSON):
            ticket.asker.judge_again(ticket, self.now)

    def wait(self, seconds: float) -> None:
        self.carry()
        self.now += seconds
        self.dispatch.handle_deadline(self.now)


_PERSON = evaluate(REQUEST, SNAPSHOT, NOON).decision.person
STEPS = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 1), st.sampled_from(["mobile", "", "unicom"])),
    st.tuples(st.just("ask"), st.integers(0, 1), st.just("mobile")),
    st.tuples(st.just("answer"), st.integers(0, 9), st.sampled_from([0, 0, 0, 0x58, 0x14, 0x45])),
    st.tuples(st.just("bind"), st.sampled_from(["a", "b", "c"])),
    st.tuples(st.just("lose"), st.integers(0, 9)),
    st.tuples(st.just("leave"), st.integers(0, 1)),
    st.tuples(st.just("refuse")),
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
    unsent = {number for number, found in ends.items() if found[0] in ("unroutable", "gone", "judged again")}
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
