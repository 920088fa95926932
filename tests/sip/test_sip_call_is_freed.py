"""A call that is over is freed without the collector, which runs seldom in the process: however it ended."""

import gc
from collections.abc import Callable, Iterator

import pytest

from proxy.sip.call import Call
from proxy.sip.leg import Leg
from tests.tools.sip_call_play import SDP_B, CallPlay
from tests.tools.sip_messages import a_request

pytestmark = pytest.mark.unit


def talking(play: CallPlay) -> None:
    invite = play.connect(play.invite())
    play.answer("b", invite, 180)
    play.answer("b", invite, 200, body=SDP_B)
    play.ask("a", "ACK", 1)


def hung_up_by_a(play: CallPlay) -> None:
    talking(play)
    play.ask("a", "BYE", 2)
    play.answer("b", play.last("b", "BYE"), 200)


def hung_up_by_b(play: CallPlay) -> None:
    talking(play)
    play.ask("b", "BYE", 1)
    play.answer("a", play.last("a", "BYE"), 200)


def held_and_hung_up(play: CallPlay) -> None:
    talking(play)
    play.ask("b", "INVITE", 1, body=SDP_B)
    play.answer("a", play.last("a", "INVITE"), 200, body=SDP_B)
    play.ask("b", "ACK", 1)
    play.ask("a", "BYE", 2)
    play.answer("b", play.last("b", "BYE"), 200)


def hung_up_while_offered_again(play: CallPlay) -> None:
    """Leg B never answers the INVITE inside the call but with a 183, nor our CANCEL."""
    talking(play)
    play.ask("a", "INVITE", 2, body=SDP_B)
    play.answer("b", play.last("b", "INVITE"), 183)
    play.ask("a", "BYE", 3)
    play.answer("b", play.last("b", "BYE"), 200)


def never_acknowledged(play: CallPlay) -> None:
    invite = play.connect(play.invite())
    play.answer("b", invite, 200, body=SDP_B)


def refused_here(play: CallPlay) -> None:
    play.invite().refuse(603, [], play.now)
    play.note()


def refused_by_the_carrier(play: CallPlay) -> None:
    call = play.invite()
    play.answer("b", play.connect(call), 486)
    call.refuse(486, [], play.now)
    play.note()


def failed_over(play: CallPlay) -> None:
    call = play.invite()
    play.answer("b", play.connect(call), 503)
    play.answer("b", play.connect(call), 486)
    call.refuse(486, [], play.now)
    play.note()


def silent_and_given_up(play: CallPlay) -> None:
    call = play.invite()
    play.connect(call, patience_s=4)
    play.to(5)
    call.refuse(503, [], play.now)
    play.note()


def cancel(play: CallPlay) -> None:
    play.give("a", a_request("CANCEL", cseq="1 CANCEL", contact=None))


def cancelled(play: CallPlay) -> None:
    invite = play.connect(play.invite())
    play.answer("b", invite, 180)
    cancel(play)
    play.answer("b", play.last("b", "CANCEL"), 200)
    play.answer("b", invite, 487)


def cancelled_and_never_answered(play: CallPlay) -> None:
    play.answer("b", play.connect(play.invite()), 180)
    cancel(play)


def cancelled_as_it_was_answered(play: CallPlay) -> None:
    invite = play.connect(play.invite())
    play.answer("b", invite, 180)
    cancel(play)
    play.answer("b", play.last("b", "CANCEL"), 200)
    play.answer("b", invite, 200, body=SDP_B)
    play.answer("b", play.last("b", "BYE"), 200)


@pytest.fixture
def no_collector() -> Iterator[None]:
    # WHY frozen: what other tests have left is then neither collected nor looked through.
    gc.freeze()
    gc.disable()
    yield
    gc.enable()
    gc.unfreeze()


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize(
    "course",
    [
        hung_up_by_a,
        hung_up_by_b,
        held_and_hung_up,
        hung_up_while_offered_again,
        never_acknowledged,
        refused_here,
        refused_by_the_carrier,
        failed_over,
        silent_and_given_up,
        cancelled,
        cancelled_and_never_answered,
        cancelled_as_it_was_answered,
    ],
)
def test_nothing_of_a_call_stays(course: Callable[[CallPlay], None]) -> None:
    play = CallPlay()
    course(play)
    assert alive(play), "the test looks at the wrong thing"
    play.to(400)
    play.events.clear()
    assert alive(play) == []


def alive(play: CallPlay) -> list[str]:
    objects = gc.get_objects()
    calls = [each for each in objects if isinstance(each, Call) and each.calls is play.calls]
    legs = [each for each in objects if isinstance(each, Leg) and each.exchange is play.calls]
    return [type(each).__name__ for each in (*calls, *legs)]
