"""A person's 607: neither a BYE with one nor a response that is one is answered before it is said to be kept."""

import pytest

from proxy.sip.call_events import BranchFailed, CallEnded, InsideAsked, UnwantedSaid
from tests.tools.sip_call_play import SDP_B, CallPlay

pytestmark = pytest.mark.unit

UNWANTED = ("Reason: SIP;cause=607",)


def said(play: CallPlay) -> UnwantedSaid:
    (event,) = [each for each in play.events if isinstance(each, UnwantedSaid)]
    return event


def kept(play: CallPlay) -> None:
    said(play).unanswered.kept(play.now)
    play.note()


@pytest.mark.parametrize("reliable", [False, True])
def test_a_bye_that_refuses_ends_the_call_and_is_answered_when_it_is_kept(reliable: bool) -> None:
    play = CallPlay(reliable=reliable)
    play.talking()
    play.ask("b", "BYE", 1, headers=UNWANTED, branch="z9hG4bK-bye")
    assert play.words() == ["! UnwantedSaid", "! CallEnded", "a< BYE"]
    event = said(play)
    assert (event.side, event.message.first("reason")) == ("b", b"SIP;cause=607")
    assert play.last("a", "BYE").first("reason") == b"SIP;cause=607"
    play.ask("b", "BYE", 1, headers=UNWANTED, branch="z9hG4bK-bye")
    assert play.words() == [], "it came again, and still waits"
    kept(play)
    assert play.words() == ["b< 200 BYE"]
    kept(play)
    assert play.words() == [], "answered once"


def test_a_bye_that_could_not_be_kept_is_not_answered_as_if_it_were() -> None:
    play = CallPlay()
    play.talking()
    play.ask("b", "BYE", 1, headers=UNWANTED)
    play.taken()
    said(play).unanswered.lost(play.now)
    play.note()
    assert play.words() == ["b< 500 BYE"]
    assert play.last_answer("b").first("retry-after") == b"5"
    kept(play)
    assert play.words() == []


@pytest.mark.parametrize(
    "headers",
    [
        (),
        ("Reason: Q.850;cause=16",),
        ("Reason: SIP;cause=603",),
        ("Reason: Q.850;cause=607",),
        ('Reason: SIP;cause=607;text="suppression.active"',),
        ("Reason: SIP;cause=607", 'Reason: Q.850;cause=21;text="hours.closed"'),
    ],
)
def test_other_byes_are_answered_at_once(headers: tuple[str, ...]) -> None:
    play = CallPlay()
    play.talking()
    play.ask("b", "BYE", 1, headers=headers)
    assert play.words() == ["! CallEnded", "b< 200 BYE", "a< BYE"]


def test_a_bye_that_crosses_ours_is_told_all_the_same() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "BYE", 2)
    assert play.words() == ["! CallEnded", "a< 200 BYE", "b< BYE"]
    play.ask("b", "BYE", 1, headers=UNWANTED)
    assert play.words() == ["! UnwantedSaid"]
    kept(play)
    assert play.words() == ["b< 200 BYE"]


def test_a_607_is_acknowledged_when_it_is_kept() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 607)
    assert play.words() == ["! UnwantedSaid", "! BranchFailed"]
    play.to(0.5)
    play.answer("b", invite, 607)
    assert play.words() == [], "it came again, and still waits"
    kept(play)
    assert play.words() == ["b< ACK"]
    play.answer("b", invite, 607)
    assert play.words() == ["b< ACK"], "its ACK was lost"
    failed = play.events[-1]
    assert isinstance(failed, BranchFailed)
    assert failed.status == 607


def test_a_607_on_a_stream_is_acknowledged_when_it_is_kept() -> None:
    play = CallPlay(reliable=True)
    call, invite = play.ringing()
    play.answer("b", invite, 607)
    play.taken()
    call.refuse(607, [], play.now)
    play.note()
    play.taken()
    kept(play)
    assert play.words() == ["b< ACK"]
    assert not any(type(each).__name__ == "InviteClient" for each in play.table._desk.live.values())


@pytest.mark.parametrize("reliable", [False, True])
def test_a_607_that_nobody_keeps_is_never_acknowledged_and_forgotten(reliable: bool) -> None:
    play = CallPlay(reliable=reliable)
    call, invite = play.ringing()
    play.answer("b", invite, 607)
    call.refuse(607, [], play.now)
    play.note()
    said(play).unanswered.lost(play.now)
    for second in (1, 10, 30):
        play.to(second)
        play.answer("b", invite, 607)
    play.to(40)
    assert not [each for each in play.sent["b"] if getattr(each, "method", "") == "ACK"]
    assert len(play.table) == 0
    kept(play)
    assert not [each for each in play.sent["b"] if getattr(each, "method", "") == "ACK"]


def test_other_finals_are_acknowledged_at_once() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 603)
    assert play.words() == ["! BranchFailed", "b< ACK"]


def test_a_607_that_crosses_a_cancel_is_told_all_the_same() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.ask("a", "CANCEL", 1, branch="z9hG4bK-a1")
    play.taken()
    play.answer("b", invite, 607)
    assert play.words() == ["! UnwantedSaid"]
    kept(play)
    assert play.words() == ["b< ACK"]


def test_an_offer_that_is_refused_with_607_is_no_word_of_the_persons() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "INVITE", 2, body=SDP_B)
    play.answer("b", play.last("b", "INVITE"), 607)
    assert play.words() == ["a< 100 INVITE", "b< INVITE", "b< ACK", "a< 607 INVITE"]


@pytest.mark.parametrize("listens", [True, False])
def test_an_info_that_crosses_our_bye_is_told_where_somebody_listens(listens: bool) -> None:
    play = CallPlay()
    call = play.talking()
    play.ask("a", "BYE", 2)
    assert isinstance(play.events[-1], CallEnded)
    call.listener = object() if listens else None
    play.taken()
    play.ask("b", "INFO", 1, headers=("Content-Type: application/dtmf",), body=b"9")
    assert play.words() == (["! InsideAsked"] if listens else ["b< 481 INFO"])
    if listens:
        event = play.events[-1]
        assert isinstance(event, InsideAsked)
        call.relay(event, play.now)
        play.note()
        assert play.words() == ["b< 481 INFO"]
    play.to(40)
    assert call.listener is None, "nobody is kept for ever"


def test_a_607_after_forks_rang_is_the_answer_of_all() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 183, tag="other-fork")
    play.answer("b", invite, 607, tag="other-fork")
    assert play.words() == ["! CallRinging", "a< 183 INVITE", "! UnwantedSaid", "! BranchFailed"]
    kept(play)
    assert play.words() == ["b< ACK"]
    assert b"tag=other-fork" in (play.last("b", "ACK").first("to") or b""), "of the response that it is for"


def test_a_607_behind_a_fork_that_answered_is_dropped() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    play.answer("b", invite, 607, tag="other-fork")
    assert play.words() == []


def test_a_607_of_an_attempt_that_was_given_up_is_told_all_the_same() -> None:
    play = CallPlay()
    call = play.invite()
    first = play.connect(call, patience_s=1.0)
    play.to(1.0)
    play.connect(call)
    play.taken()
    play.answer("b", first, 607)
    assert play.words() == ["! UnwantedSaid", "! BranchFailed"]
    kept(play)
    assert play.words() == ["b< ACK"]
