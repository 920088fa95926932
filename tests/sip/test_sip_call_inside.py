"""What happens inside a call: offers again from either side, glare, hold, requests that are relayed."""

import pytest

from proxy.sip.call_events import CallEnded, InsideAsked
from tests.tools.sip_call_play import SDP_B, CallPlay
from tests.tools.sip_messages import SDP

pytestmark = pytest.mark.unit

HOLD = SDP + b"a=sendonly\r\n"
HELD = SDP_B + b"a=recvonly\r\n"
DTMF = ("Content-Type: application/dtmf-relay", "Info-Package: none")


@pytest.mark.parametrize(("asks", "asked", "number"), [("a", "b", 2), ("b", "a", 1)])
def test_hold_from_either_side(asks: str, asked: str, number: int) -> None:
    play = CallPlay()
    play.talking()
    play.ask(asks, "INVITE", number, body=HOLD, headers=("X-Kept: 1",), contact="<sip:moved@192.0.2.77>")
    assert play.words() == [f"{asks}< 100 INVITE", f"{asked}< INVITE"]
    again = play.last(asked, "INVITE")
    assert (again.body, again.first("x-kept"), again.to.tag is not None) == (HOLD, b"1", True)
    assert again.first("contact") == f"<sip:{asked}@192.0.2.20>".encode()

    play.answer(asked, again, 180)
    play.answer(asked, again, 200, body=HELD)
    assert play.words() == [f"{asks}< 200 INVITE", f"{asked}< ACK"]
    assert play.last_answer(asks).body == HELD
    play.answer(asked, again, 200, body=HELD)
    assert play.words() == [f"{asked}< ACK"]
    play.ask(asks, "ACK", number)
    play.to(10)
    assert play.words() == []
    # The target moved by the accepted offer.
    play.ask(asked, "BYE", number + 8)
    assert play.words() == ["! CallEnded", f"{asked}< 200 BYE", f"{asks}< BYE"]
    assert play.last(asks, "BYE").uri == b"sip:moved@192.0.2.77"


def test_an_offer_that_is_asked_for_comes_in_the_200_and_is_answered_in_the_ack() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2)
    play.answer("b", play.last("b", "INVITE"), 200, body=SDP_B)
    assert play.words() == ["a< 100 INVITE", "b< INVITE", "a< 200 INVITE"]
    play.ask("a", "ACK", 2, body=SDP)
    assert play.words() == ["b< ACK"]
    assert play.last("b", "ACK").body == SDP


def test_glare_on_one_leg() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=HOLD)
    play.taken()
    play.ask("b", "INVITE", 1, body=HOLD)
    assert play.words() == ["b< 491 INVITE"]
    play.answer("b", play.last("b", "INVITE"), 491)
    assert play.words() == ["b< ACK", "a< 491 INVITE"]
    play.ask("b", "INVITE", 2, body=HOLD)
    assert play.words() == ["b< 100 INVITE", "a< INVITE"]


def test_a_second_offer_before_the_first_is_answered() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=HOLD)
    play.ask("a", "INVITE", 3, body=HOLD)
    assert play.words() == ["a< 100 INVITE", "b< INVITE", "a< 500 INVITE"]
    assert play.last_answer("a").has("retry-after")


def test_a_refused_offer_changes_nothing() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=HOLD, contact="<sip:moved@192.0.2.77>")
    play.answer("b", play.last("b", "INVITE"), 488, headers=("X-Why: codec",))
    assert play.words() == ["a< 100 INVITE", "b< INVITE", "b< ACK", "a< 488 INVITE"]
    assert play.last_answer("a").first("x-why") == b"codec"
    play.ask("b", "BYE", 1)
    assert play.last("a", "BYE").uri == b"sip:95500@192.0.2.10:5060"


@pytest.mark.parametrize("status", [408, 481])
def test_an_offer_to_nobody_ends_the_call(status: int) -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=HOLD)
    play.answer("b", play.last("b", "INVITE"), status)
    assert play.words() == [
        "a< 100 INVITE",
        "b< INVITE",
        "! CallEnded",
        "b< ACK",
        f"a< {status} INVITE",
        "a< BYE",
        "b< BYE",
    ]
    assert isinstance(play.events[-1], CallEnded)
    assert play.last("a", "BYE").first("reason") == b"SIP;cause=%d" % status


def test_an_offer_without_answer_ends_the_call() -> None:
    play = CallPlay()
    play.talking()
    play.ask("b", "INVITE", 1, body=HOLD)
    play.to(40)
    assert play.last_answer("b").status == 408
    assert play.last("a", "BYE") is not None
    assert play.last("b", "BYE") is not None


def test_an_offer_is_cancelled() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=HOLD, branch="z9hG4bK-re")
    again = play.last("b", "INVITE")
    play.answer("b", again, 180)
    play.ask("a", "CANCEL", 2, branch="z9hG4bK-re")
    assert play.words() == ["a< 100 INVITE", "b< INVITE", "a< 200 CANCEL", "a< 487 INVITE", "b< CANCEL"]
    play.answer("b", again, 487)
    assert play.words() == ["b< ACK"]
    assert len(play.calls) == 1
    play.ask("b", "INVITE", 1, body=HOLD)
    assert play.words() == ["b< 100 INVITE", "a< INVITE"]


def test_a_bye_while_an_offer_is_open() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=HOLD)
    again = play.last("b", "INVITE")
    play.taken()
    play.ask("a", "BYE", 3)
    assert play.words() == ["! CallEnded", "a< 200 BYE", "a< 487 INVITE", "b< BYE"]
    play.answer("b", again, 200, body=SDP_B)
    assert play.words() == ["b< ACK"]


def test_a_bye_of_the_side_that_was_asked_while_an_offer_is_open() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=HOLD)
    again = play.last("b", "INVITE")
    play.taken()
    play.ask("b", "BYE", 1)
    assert play.words() == ["! CallEnded", "b< 200 BYE", "a< 487 INVITE", "a< BYE"]
    play.answer("b", again, 487)
    assert play.words() == ["b< ACK"]


def test_an_offer_of_text_is_refused() -> None:
    play = CallPlay()
    play.talking()
    play.ask("b", "INVITE", 1, body=SDP_B + b"m=message 7000 TCP/MSRP *\r\n")
    assert play.words() == ["b< 488 INVITE"]
    play.ask("b", "INVITE", 2, body=b"nonsense")
    assert play.words() == ["b< 400 INVITE"]
    assert len(play.calls) == 1


def test_an_offer_before_the_ack() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    play.ask("b", "INVITE", 1, body=HOLD)
    assert play.words() == ["b< 491 INVITE"]


@pytest.mark.parametrize(("asks", "asked", "number"), [("a", "b", 2), ("b", "a", 1)])
def test_a_digit_waits_until_somebody_relays_it(asks: str, asked: str, number: int) -> None:
    play = CallPlay()
    call = play.talking()
    play.ask(asks, "INFO", number, headers=DTMF, body=b"Signal=1\r\nDuration=160\r\n")
    assert play.words() == ["! InsideAsked"]
    event = play.inside()
    assert event.side == asks
    call.relay(event, play.now)
    play.note()
    assert play.words() == [f"{asked}< INFO"]
    info = play.last(asked, "INFO")
    assert (info.body, info.first("content-type"), info.first("info-package")) == (
        b"Signal=1\r\nDuration=160\r\n",
        b"application/dtmf-relay",
        b"none",
    )
    play.answer(asked, info, 200, headers=("X-Back: 1",))
    assert play.words() == [f"{asks}< 200 INFO"]
    assert play.last_answer(asks).first("x-back") == b"1"


def test_text_inside_a_call_passes_by_no_method() -> None:
    play = CallPlay()
    call = play.talking()
    for number, method in ((2, "INFO"), (3, "MESSAGE")):
        play.ask("a", method, number, headers=("Content-Type: text/plain",), body=b"hello")
        call.relay(play.inside(), play.now)
        play.note()
    assert play.words() == ["! InsideAsked", "a< 415 INFO", "! InsideAsked", "a< 415 MESSAGE"]


def test_requests_inside_have_numbers_that_rise_by_one() -> None:
    play = CallPlay()
    call = play.talking()
    for number in (2, 5, 9):
        play.ask("a", "INFO", number, headers=DTMF, body=b"Signal=1\r\n")
        call.relay(play.inside(), play.now)
        play.note()
        play.answer("b", play.last("b", "INFO"), 200)
    play.ask("a", "INVITE", 10, body=HOLD)
    numbers = [
        each.cseq.number
        for each in play.sent["b"]
        if not hasattr(each, "status") and each.cseq.method in ("INFO", "INVITE")
    ]
    assert numbers == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("status", [408, 481])
def test_a_relayed_request_that_finds_nobody_ends_the_call(status: int) -> None:
    play = CallPlay()
    call = play.talking()
    play.ask("a", "INFO", 2, headers=DTMF, body=b"Signal=1\r\n")
    call.relay(play.inside(), play.now)
    play.note()
    play.answer("b", play.last("b", "INFO"), status)
    assert play.last_answer("a").status == status
    assert len(play.calls) == 0


def test_a_relayed_request_that_nobody_answers_ends_the_call() -> None:
    play = CallPlay()
    call = play.talking()
    play.ask("b", "INFO", 1, headers=DTMF, body=b"Signal=1\r\n")
    call.relay(play.inside(), play.now)
    play.note()
    play.to(40)
    assert play.last_answer("b").status == 408
    assert len(play.calls) == 0


def test_a_request_before_the_answer_is_told_and_cannot_be_relayed() -> None:
    play = CallPlay()
    call, _ = play.ringing()
    play.ask("a", "INFO", 2, headers=DTMF, body=b"Signal=1\r\n")
    event = play.inside()
    assert isinstance(event, InsideAsked)
    call.relay(event, play.now)
    play.note()
    assert play.words() == ["! InsideAsked", "a< 481 INFO"]
