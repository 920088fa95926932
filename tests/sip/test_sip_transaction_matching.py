"""What belongs to which transaction, and what belongs to none."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.flow import Flow
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, Message
from proxy.sip.reply import reply
from proxy.sip.share import Share
from proxy.sip.timers import Timer, Timers
from proxy.sip.transaction.base import AckReceived, RequestReceived
from tests.tools.sip_messages import a_request, a_response
from tests.tools.sip_play import Play

pytestmark = pytest.mark.unit

TORTURE = Path(__file__).parents[1] / "data" / "rfc4475"
HERE = "SIP/2.0/UDP 192.0.2.10:5060"


def torture(name: str) -> Message:
    message = read_datagram(next(TORTURE.glob(f"*/{name}.dat")).read_bytes(), Limits())
    assert message is not None
    return message


@pytest.mark.parametrize(
    "other",
    [
        {"via": f"{HERE};branch=z9hG4bK-a2"},
        {"via": "SIP/2.0/UDP 192.0.2.10:5061;branch=z9hG4bK-a1"},
        {"via": "SIP/2.0/UDP 192.0.2.11:5060;branch=z9hG4bK-a1"},
    ],
)
def test_another_branch_or_sender_is_another_transaction(other: dict[str, str]) -> None:
    play = Play()
    play.receive(a_request("OPTIONS"))
    play.receive(a_request("OPTIONS", **other))
    assert play.words() == ["told RequestReceived", "told RequestReceived"]


def test_the_same_branch_with_another_method_is_another_transaction() -> None:
    play = Play()
    play.receive(a_request("OPTIONS"))
    play.receive(a_request("INFO"))
    play.receive(a_request("OPTIONS", via="SIP/2.0/UDP 192.0.2.10:5060;rport=9;branch=z9hG4bK-a1;received=192.0.2.1"))
    assert play.words() == ["told RequestReceived", "told RequestReceived"]


@pytest.mark.parametrize("via", [HERE, f"{HERE};branch=old", f"{HERE};branch=z9hG4bK"])
def test_without_a_usable_branch_the_old_rules_hold(via: str) -> None:
    play = Play()
    play.receive(a_request(via=via))
    (event,) = play.events
    assert isinstance(event, RequestReceived)
    play.receive(a_request(via=via))
    play.receive(a_request(via=via, cseq="2 INVITE"))
    play.receive(a_request(via=via, call_id="other"))
    play.receive(a_request(via=via, caller="<sip:a@b>;tag=other"))
    play.receive(a_request(via=via, uri="sip:other@192.0.2.20"))
    assert play.words() == ["told RequestReceived"] * 5
    event.transaction.respond(reply(event.request, 486, b"b-tag"), play.now)
    play.receive(a_request("ACK", cseq="1 ACK", via=via, called="<sip:13800138000@192.0.2.20>;tag=b-tag"))
    assert event.transaction.state == "confirmed"
    assert play.words() == ["486 INVITE"]


@pytest.mark.parametrize("name", ["badbranch", "inv2543"])
def test_old_messages_of_the_torture_set_get_their_transaction(name: str) -> None:
    play = Play()
    play.receive(torture(name))
    play.receive(torture(name))
    assert play.words() == ["told RequestReceived"]


def test_a_response_with_two_vias_answers_nothing_of_ours() -> None:
    play = Play()
    play.table.ask(a_request(via="SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923"), play.flow, play.now)
    play.note()
    play.receive(torture("bcast"))
    assert play.words() == ["INVITE"]
    assert play.table.dropped == 1


def test_a_response_with_another_method_or_branch_is_dropped() -> None:
    play = Play()
    play.table.ask(a_request(), play.flow, play.now)
    play.note()
    play.receive(a_response(a_request("BYE"), 200))
    play.receive(a_response(a_request(via=f"{HERE};branch=z9hG4bK-b"), 200))
    assert play.words() == ["INVITE"]
    assert play.table.dropped == 2


def test_a_request_does_not_answer_for_one_of_ours() -> None:
    """A peer that learns our branch and sends it back in a request begins a transaction of its own."""
    play = Play()
    play.table.ask(a_request("OPTIONS"), play.flow, play.now)
    play.note()
    play.receive(a_request("OPTIONS"))
    assert play.words() == ["OPTIONS", "told RequestReceived"]
    assert len(play.table) == 2


def test_a_cancel_of_nothing_or_from_elsewhere_is_answered_481() -> None:
    play = Play()
    play.receive(a_request("CANCEL", cseq="1 CANCEL", contact=None))
    play.receive(a_request(via=f"{HERE};branch=z9hG4bK-x"))
    stranger = Flow("b", b"203.0.113.9", False)
    play.receive(a_request("CANCEL", cseq="1 CANCEL", contact=None, via=f"{HERE};branch=z9hG4bK-x"), stranger)
    assert play.words() == ["481 CANCEL", "told RequestReceived", "481 CANCEL"]


def test_a_cancel_is_of_an_invite_that_came_from_the_same_hop() -> None:
    play = Play()
    here, elsewhere = Flow("a", b"192.0.2.10", False), Flow("b", b"203.0.113.9", False)
    cancel = a_request("CANCEL", cseq="1 CANCEL", contact=None, via=f"{HERE};branch=z9hG4bK-x")
    assert not play.table.cancels(cancel, here)
    play.table.receive(a_request(via=f"{HERE};branch=z9hG4bK-x"), here, play.now)
    assert play.table.cancels(cancel, here)
    assert not play.table.cancels(cancel, elsewhere)


def test_an_ack_for_nothing_is_the_users_and_never_answered() -> None:
    play = Play()
    play.receive(a_request("ACK"))
    assert isinstance(play.events[-1], AckReceived)
    assert len(play.table) == 0


def test_the_same_call_by_two_ways_is_merged_and_a_request_inside_a_dialog_is_not() -> None:
    play = Play()

    def merged(**parts: str) -> bool:
        play.receive(a_request(**parts))
        event = play.events[-1]
        assert isinstance(event, RequestReceived)
        return event.merged

    assert not merged(via=f"{HERE};branch=z9hG4bK-1")
    assert merged(via=f"{HERE};branch=z9hG4bK-2")
    assert not merged(via=f"{HERE};branch=z9hG4bK-3", cseq="2 INVITE")
    assert not merged(via=f"{HERE};branch=z9hG4bK-4", called="<sip:x@y>;tag=b")
    assert not merged(via=f"{HERE};branch=z9hG4bK-5", called="<sip:x@y>;tag=b")


def test_the_table_is_bounded_and_says_so() -> None:
    """A flood of OPTIONS leaves room to call, and a flood of calls room to hang up."""
    play = Play(most=8)
    for method, inside, room in (("OPTIONS", "", 4), ("INVITE", "", 3), ("BYE", ";tag=b", 1)):
        for index in range(room + 2):
            via = f"{HERE};branch=z9hG4bK-{method}{index}"
            play.receive(a_request(method, via=via, called=f"<sip:x@y>{inside}", call_id=via[-9:]))
        assert play.words() == ["told RequestReceived"] * room + [f"503 {method}"] * 2
    assert play.sent[-1].first("retry-after") == b"5"
    assert (len(play.table), play.table.dropped) == (8, 6)
    play.receive(a_request("ACK", via=f"{HERE};branch=z9hG4bK-9"))
    assert play.words() == ["told AckReceived"]


def test_nobody_fills_the_table_alone_and_what_ended_is_free_again() -> None:
    play = Play(most=800)
    flooding, inside_too, other = Share(), Share(), Share()

    def ask(share: Share, name: str, method: str = "INVITE", inside: str = "") -> str:
        via = f"{HERE};branch=z9hG4bK-{name}"
        request = a_request(method, via=via, called=f"<sip:x@y>{inside}", call_id=name)
        play.table.receive(request, play.flow, play.now, share)
        play.note()
        return play.words()[-1]

    said = Counter(ask(flooding, f"f{index}") for index in range(700))
    # 700 for INVITEs: three quarters of them, and no ACK comes.
    assert said == {"told RequestReceived": 525, "503 INVITE": 175}
    for event in play.events:
        assert isinstance(event, RequestReceived)
        event.transaction.respond(reply(event.transaction.request or event.request, 403, b"b"), play.now)
    play.note()
    play.words()
    assert ask(flooding, "f-again") == "503 INVITE"
    assert [ask(other, f"o{index}") for index in range(120)] == ["told RequestReceived"] * 120
    assert ask(flooding, "f-options", "OPTIONS") == "503 OPTIONS"
    assert ask(inside_too, "f-bye", "BYE", ";tag=b") == "told RequestReceived"
    play.to(33)
    assert (flooding.held, other.held, inside_too.held) == (0, 120, 1)
    assert ask(flooding, "f-later") == "told RequestReceived"


def test_nothing_stays_behind() -> None:
    play = Play(most=10_000)
    for index in range(200):
        request = a_request(via=f"{HERE};branch=z9hG4bK-{index}", call_id=f"c{index}")
        play.receive(request)
        event = play.events[-1]
        assert isinstance(event, RequestReceived)
        event.transaction.respond(reply(request, 486 if index % 2 else 200, b"b"), play.now)
    play.to(200)
    assert len(play.table) == 0
    assert play.table.timers.held() == 0
    assert play.table.next_deadline() is None
    play.receive(a_request(via=f"{HERE};branch=z9hG4bK-last"))
    assert len(play.table._merged) <= 2


class Clock:
    def __init__(self) -> None:
        self.came: list[tuple[str, float]] = []

    def expired(self, name: str, now: float) -> None:
        self.came.append((name, now))


@given(
    st.lists(
        st.tuples(st.sampled_from([0.5, 1.0, 4.0, 32.0]) | st.floats(0.001, 100), st.floats(0, 5), st.booleans()),
        max_size=80,
    )
)
def test_timers_come_in_their_order_and_ended_ones_never(steps: list[tuple[float, float, bool]]) -> None:
    timers = Timers()
    clock = Clock()
    now = 10.0
    meant: list[Timer] = []
    for index, (delay_s, pause_s, ends) in enumerate(steps):
        timer = timers.start(clock, str(index), delay_s, now)
        if ends:
            timer.end()
        else:
            meant.append(timer)
        now += pause_s
        timers.expire(now)
        assert (timers.next_deadline() or now + 1) > now
    while (deadline := timers.next_deadline()) is not None:
        timers.expire(deadline)
    assert sorted(name for name, _ in clock.came) == sorted(timer.name for timer in meant)
    assert all(at >= timer.deadline for timer in meant for name, at in clock.came if name == timer.name)
    assert timers.held() == 0


def test_the_earliest_of_several_delays_comes_first() -> None:
    timers = Timers()
    clock = Clock()
    for index, delay_s in enumerate((32.0, 0.5, 4.0)):
        timers.start(clock, str(index), delay_s, 0.0)
    assert timers.next_deadline() == 0.5
    timers.expire(100.0)
    assert [name for name, _ in clock.came] == ["1", "2", "0"]


def test_a_timer_that_is_started_while_others_expire_comes_in_its_turn() -> None:
    timers = Timers()

    class Repeats(Clock):
        def expired(self, name: str, now: float) -> None:
            super().expired(name, now)
            if len(self.came) < 3:
                timers.start(self, "again", 1.0, now)

    owner = Repeats()
    timers.start(owner, "first", 1.0, 0.0)
    for now in (1.0, 2.0, 3.0, 4.0):
        timers.expire(now)
    assert owner.came == [("first", 1.0), ("again", 2.0), ("again", 3.0)]


def test_an_owner_that_fails_costs_the_others_nothing() -> None:
    timers = Timers()
    clock = Clock()

    class Fails(Clock):
        def expired(self, name: str, now: float) -> None:
            raise ValueError(name)

    timers.start(clock, "before", 1.0, 0.0)
    timers.start(Fails(), "fails", 2.0, 0.0)
    timers.start(clock, "after", 2.0, 0.0)
    timers.start(clock, "ended", 3.0, 0.0).end()
    with pytest.raises(ValueError, match="fails"):
        timers.expire(5.0)
    timers.expire(5.0)
    assert [name for name, _ in clock.came] == ["before", "after"]
    assert timers.held() == 0
