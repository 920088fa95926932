"""Before each further INVITE of a call it is asked whether it may still be made; who declines ends all of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.core.decision import Decision, Permit, Seal
from proxy.sip.call_events import EndedBy
from proxy.sip.judged import JudgedCall
from proxy.sip.message import SipMessage, SipRequest, SipResponse
from proxy.trunks.judge import Answer, Permitted, Refused
from tests.tools.outbound_play import GROUND
from tests.tools.sip_call_play import SDP_B
from tests.tools.sip_desk_play import Back, DeskPlay
from tests.tools.sip_messages import a_request

pytestmark = pytest.mark.unit

REASON = b'Q.850;cause=21;text="suppression.active"'
UNWANTED = Refused(607, b"Unwanted", [("reason", REASON)], "suppression.active")
CHALLENGE = ('Proxy-Authenticate: Digest realm="carrier", nonce="n", qop="auth", algorithm=MD5',)


class Placed(Permitted):
    """A permitted call that the person may refuse meanwhile. `end_user`: a 607 is his own word."""

    def __init__(self, *, end_user: bool = False) -> None:
        super().__init__(Permit(Seal(), Decision(1, b"", GROUND), JudgedCall("95500", "8613800138000", "").octets()))
        self.end_user = end_user
        self.refused = False
        self.asked = 0
        self.answer: Answer | None = None
        self.commits: list[Callable[[bool], None]] = []
        self.ends: list[tuple[str, str, int]] = []

    def may_go_on(self, answer: Answer) -> bool:
        self.asked += 1
        self.answer = answer
        return not self.refused

    def unwanted(self, message: SipMessage, side: str, committed: Callable[[bool], None]) -> bool:
        if self.end_user:
            self.commits.append(committed)
        return self.end_user

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        del request
        self.ends.append((by, cause, status))


def playing(*, gateways: int = 2, username: str = "", end_user: bool = False) -> tuple[DeskPlay, Placed]:
    play, placed = DeskPlay(gateways=gateways, username=username), Placed(end_user=end_user)
    play.judge.permitted = placed
    play.calls_out()
    return play, placed


def silence(play: DeskPlay) -> None:
    play.to(4.1)


def busy(play: DeskPlay) -> None:
    play.answer("b", play.last("b", "INVITE"), 503)


def answers(play: DeskPlay) -> list[int]:
    return [each.status for each in play.sent["a"] if isinstance(each, SipResponse) and each.status > 100]


def invites(play: DeskPlay) -> list[SipRequest]:
    """Those that gateways got, repetitions left out."""
    sent = [each for each in play.sent["b"] if isinstance(each, SipRequest) and each.method == "INVITE"]
    return list({(each.call_id, each.cseq.number): each for each in sent}.values())


@pytest.mark.parametrize("failed", [silence, busy])
def test_what_was_refused_meanwhile_goes_to_no_further_gateway(failed: Callable[[DeskPlay], None]) -> None:
    play, placed = playing()
    assert (play.reached, placed.asked) == (["192.0.2.30"], 0), "the first one is what was asked about"
    placed.refused = True
    failed(play)
    assert play.reached == ["192.0.2.30"]
    assert answers(play) == [], "not before it is on disk"
    assert placed.answer is not None
    placed.answer(UNWANTED)
    play.note()
    answer = play.last_answer("a")
    assert (answer.status, answer.each("reason"), answers(play)) == (607, [REASON], [607])
    assert placed.ends == [("us", "suppression.active", 607)]
    assert ("call.refused", {"trunk": "callcentre", "rule": "suppression.active", "status": 607}) in play.logged
    assert len(play.desk) == 0


def test_what_may_go_on_does_and_is_asked_once_a_time() -> None:
    play, placed = playing(gateways=4)
    play.dead = {"192.0.2.31"}
    busy(play)
    assert (play.reached, placed.asked) == (["192.0.2.30", "192.0.2.32"], 1)
    busy(play)
    assert (play.reached[2:], placed.asked) == (["192.0.2.33"], 2)
    busy(play)
    assert (answers(play), placed.asked) == ([503], 2), "where none is left nothing is asked"


def test_what_was_refused_meanwhile_is_not_sent_again_with_credentials() -> None:
    play, placed = playing(username="tdgate")
    placed.refused = True
    play.answer("b", play.last("b", "INVITE"), 407, headers=CHALLENGE)
    assert len(invites(play)) == 1
    assert placed.answer is not None
    placed.answer(UNWANTED)
    play.note()
    assert (answers(play), placed.ends) == ([607], [("us", "suppression.active", 607)])


def test_a_challenge_is_answered_where_nothing_is_against_it() -> None:
    play, placed = playing(username="tdgate")
    play.answer("b", play.last("b", "INVITE"), 407, headers=CHALLENGE)
    assert (placed.asked, play.last("b", "INVITE").cseq.number) == (1, 2)


def test_who_gives_up_while_the_refusal_is_on_its_way_to_disk_has_his_own_answer() -> None:
    play, placed = playing()
    placed.refused = True
    busy(play)
    play.give("a", a_request("CANCEL", cseq="1 CANCEL", contact=None))
    assert placed.answer is not None
    placed.answer(UNWANTED)
    play.note()
    assert (answers(play)[-1], placed.ends) == (487, [("a", "cancelled", 487)])


def test_a_number_that_was_held_meanwhile_takes_no_call_back_at_the_next_gateway() -> None:
    class Held(Back):
        def may_go_on(self, answer: Answer) -> bool:
            answer(Refused(480, b"Temporarily Unavailable", [], "fraud.hold"))
            return False

    play = DeskPlay()
    back = play.judge.back = Held("jl-voice", "95500")
    play.comes_back()
    busy(play)
    assert (play.reached, answers(play)) == (["192.0.2.40"], [480])
    assert back.ends == [("us", "fraud.hold", 480)]


# A way that was given up says that nobody is to be called


def late(play: DeskPlay, status: int) -> None:
    """The first gateway was silent, the second rings; then the first gives its answer."""
    silence(play)
    first, second = invites(play)
    play.answer("b", second, 180)
    play.answer("b", first, status)


def test_a_late_607_ends_what_rings_at_once_and_is_told_when_it_is_kept() -> None:
    play, placed = playing(end_user=True)
    late(play, 607)
    assert play.last("b", "CANCEL").call_id == play.last("b", "INVITE").call_id
    assert answers(play) == [180]
    placed.commits[0](True)
    play.note()
    assert (answers(play), placed.ends) == ([180, 607], [("b", "607", 607)])


@pytest.mark.parametrize("status", [600, 603, 607])
def test_so_does_every_6xx_whosever_word_it_is(status: int) -> None:
    play, placed = playing(gateways=3)
    late(play, status)
    assert play.last("b", "CANCEL").call_id == play.last("b", "INVITE").call_id
    assert (answers(play), placed.ends) == ([180, status], [("b", str(status), status)])
    # Whoever takes the call all the same is turned away.
    play.answer("b", play.last("b", "INVITE"), 200, body=SDP_B)
    assert (play.last("b", "BYE").call_id, answers(play)) == (play.last("b", "INVITE").call_id, [180, status])
    assert len(play.reached) == 2


def test_a_late_answer_that_speaks_for_one_gateway_alone_changes_nothing() -> None:
    play, _ = playing()
    late(play, 486)
    assert answers(play) == [180]


def test_a_late_607_in_a_call_that_was_taken_leaves_it() -> None:
    play, placed = playing(end_user=True)
    silence(play)
    first, second = invites(play)
    play.answer("b", second, 200, body=SDP_B)
    play.ask("a", "ACK", 1)
    play.answer("b", first, 607)
    assert (len(placed.commits), answers(play), len(play.desk)) == (1, [200], 1)
