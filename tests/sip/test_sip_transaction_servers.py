"""The two server machines as playbooks: timers G, H, I, J, L of RFC 3261 table 4 and RFC 6026, and the 100 after 200
ms.
"""

import pytest

from proxy.sip.message import SipRequest
from proxy.sip.reply import reply
from proxy.sip.transaction.base import AckReceived, RequestReceived, ServerTransaction
from proxy.sip.transaction.invite_server import InviteServer
from tests.tools.sip_messages import a_request
from tests.tools.sip_play import Play

pytestmark = pytest.mark.unit


def came(play: Play, method: str = "INVITE") -> tuple[SipRequest, ServerTransaction]:
    request = a_request(method)
    play.receive(request)
    event = play.events[-1]
    assert isinstance(event, RequestReceived)
    assert play.words() == ["told RequestReceived"]
    return request, event.transaction


def answer(play: Play, request: SipRequest, server: ServerTransaction, status: int) -> bool:
    given = server.respond(reply(request, status, b"b-tag"), play.now)
    play.note()
    return given


def ack_of(request: SipRequest, *, branch: str = "z9hG4bK-a1") -> SipRequest:
    return a_request(
        "ACK",
        cseq="1 ACK",
        called="<sip:13800138000@192.0.2.20>;tag=b-tag",
        via=f"SIP/2.0/UDP 192.0.2.10:5060;branch={branch};rport",
    )


def test_a_100_is_sent_when_the_user_is_late() -> None:
    play = Play()
    came(play)
    play.to(1)
    assert play.taken() == [(0.2, "100 INVITE")]
    play.receive(a_request())
    assert play.taken() == [(1.0, "100 INVITE")]


def test_no_100_after_another_response() -> None:
    play = Play()
    request, server = came(play)
    answer(play, request, server, 180)
    play.to(1)
    play.receive(a_request())
    assert play.taken() == [(0.0, "180 INVITE"), (1.0, "180 INVITE")]


def test_the_invite_again_before_any_answer_is_absorbed() -> None:
    play = Play()
    came(play)
    play.receive(a_request())
    assert play.taken() == []


def test_timer_g_repeats_a_refusal_up_to_t2_and_timer_h_ends_it() -> None:
    play = Play()
    request, server = came(play)
    answer(play, request, server, 403)
    play.to(100)
    lines = play.taken()
    assert [second for second, what in lines if what == "403 INVITE"] == [
        0.0,
        0.5,
        1.5,
        3.5,
        7.5,
        11.5,
        15.5,
        19.5,
        23.5,
        27.5,
        31.5,
    ]
    assert lines[-1] == (32.0, "told AckMissing")
    assert server.state == "terminated"


def test_on_a_reliable_transport_a_refusal_is_sent_once_and_timer_h_runs_all_the_same() -> None:
    play = Play(reliable=True)
    request, server = came(play)
    answer(play, request, server, 403)
    play.to(100)
    assert play.taken() == [(0.0, "403 INVITE"), (32.0, "told AckMissing")]


def test_the_ack_of_a_refusal_is_absorbed_and_timer_i_absorbs_more() -> None:
    play = Play()
    request, server = came(play)
    answer(play, request, server, 403)
    play.to(0.6)
    play.receive(a_request())
    play.receive(ack_of(request))
    play.receive(ack_of(request))
    play.receive(a_request())
    assert play.taken() == [(0.0, "403 INVITE"), (0.5, "403 INVITE"), (0.6, "403 INVITE")]
    assert server.state == "confirmed"
    play.to(5.59)
    assert server.state == "confirmed"
    play.to(5.6)
    assert server.state == "terminated"
    play.to(100)
    assert play.taken() == []


def test_on_a_reliable_transport_timer_i_is_zero() -> None:
    play = Play(reliable=True)
    request, server = came(play)
    answer(play, request, server, 486)
    play.receive(ack_of(request))
    assert server.state == "terminated"


def test_a_2xx_is_the_users_to_repeat_until_timer_l() -> None:
    play = Play()
    request, server = came(play)
    assert answer(play, request, server, 200)
    play.to(1)
    play.receive(a_request())
    assert answer(play, request, server, 200)
    assert not answer(play, request, server, 486)
    assert play.taken() == [(0.0, "200 INVITE"), (1.0, "200 INVITE")]
    assert server.request is None
    play.to(31.99)
    assert server.state == "accepted"
    play.to(32)
    assert server.state == "terminated"
    assert not answer(play, request, server, 200)


@pytest.mark.parametrize("branch", ["z9hG4bK-a1", "z9hG4bK-another"])
def test_the_ack_of_a_2xx_is_the_users(branch: str) -> None:
    play = Play()
    request, server = came(play)
    answer(play, request, server, 200)
    play.receive(ack_of(request, branch=branch))
    assert isinstance(play.events[-1], AckReceived)
    assert play.words() == ["200 INVITE", "told AckReceived"]
    assert server.state == "accepted"


def test_an_ack_before_the_answer_is_dropped() -> None:
    play = Play()
    request, server = came(play)
    play.receive(ack_of(request))
    assert play.taken() == []
    assert server.state == "proceeding"


def test_only_one_final_response_is_sent() -> None:
    play = Play()
    request, server = came(play)
    assert answer(play, request, server, 486)
    assert not answer(play, request, server, 200)
    assert not answer(play, request, server, 180)
    assert play.words() == ["486 INVITE"]


def test_a_cancel_is_answered_and_ends_the_invite() -> None:
    play = Play()
    request, server = came(play)
    answer(play, request, server, 180)
    play.receive(a_request("CANCEL", cseq="1 CANCEL", contact=None))
    assert play.words() == ["180 INVITE", "200 CANCEL", "told CancelReceived"]
    assert play.sent[-1].to.tag == b"b-tag"
    answer(play, request, server, 487)
    play.receive(a_request("CANCEL", cseq="1 CANCEL", contact=None))
    assert play.words() == ["487 INVITE", "200 CANCEL"]


@pytest.mark.parametrize("final", [200, 486])
def test_a_cancel_that_is_late_changes_nothing(final: int) -> None:
    play = Play()
    request, server = came(play)
    answer(play, request, server, final)
    play.receive(a_request("CANCEL", cseq="1 CANCEL", contact=None))
    assert play.words() == [f"{final} INVITE", "200 CANCEL"]


def test_timer_j_keeps_the_answer() -> None:
    play = Play()
    request, server = came(play, "BYE")
    play.receive(a_request("BYE"))
    assert play.taken() == []
    assert answer(play, request, server, 200)
    assert not answer(play, request, server, 500)
    play.to(31.9)
    play.receive(a_request("BYE"))
    assert play.taken() == [(0.0, "200 BYE"), (31.9, "200 BYE")]
    assert server.request is None
    play.to(32)
    assert server.state == "terminated"
    play.receive(a_request("BYE"))
    assert play.words() == ["told RequestReceived"]


def test_on_a_reliable_transport_timer_j_is_zero() -> None:
    play = Play(reliable=True)
    request, server = came(play, "INFO")
    answer(play, request, server, 200)
    assert server.state == "terminated"


def test_a_provisional_response_is_given_again() -> None:
    play = Play()
    request, server = came(play, "INFO")
    answer(play, request, server, 100)
    play.receive(a_request("INFO"))
    assert server.state == "proceeding"
    answer(play, request, server, 200)
    assert play.words() == ["100 INFO", "100 INFO", "200 INFO"]


def test_a_transport_that_fails() -> None:
    play = Play()
    request, server = came(play)
    answer(play, request, server, 486)
    play.table.flow_failed(play.flow, play.now)
    play.note()
    assert play.words() == ["486 INVITE", "told SendingFailed"]
    assert server.state == "terminated"

    play = Play()
    request, server = came(play)
    answer(play, request, server, 200)
    play.table.flow_failed(play.flow, play.now)
    play.note()
    assert play.words() == ["200 INVITE", "told SendingFailed"]
    assert isinstance(server, InviteServer)
    assert server.state == "accepted"

    play = Play()
    request, server = came(play, "INFO")
    answer(play, request, server, 200)
    play.table.flow_failed(play.flow, play.now)
    assert server.state == "terminated"
