"""The two client machines as playbooks: timers A, B, C, D, E, F, K, M of RFC 3261 table 4 and RFC 6026."""

import pytest

from proxy.sip.message import SipRequest
from proxy.sip.transaction.invite_client import InviteClient
from proxy.sip.transaction.plain_client import PlainClient
from tests.tools.sip_messages import SDP, a_request, a_response
from tests.tools.sip_play import Play

pytestmark = pytest.mark.unit


def asked(play: Play, method: str = "INVITE") -> tuple[SipRequest, InviteClient | PlainClient]:
    request = a_request(
        method,
        headers=("Route: <sip:p1;lr>", "Route: <sip:p2;lr>", "Subject: x", "Content-Type: application/sdp"),
        body=SDP,
    )
    client = play.table.ask(request, play.flow, play.now)
    play.note()
    assert play.taken() == [(0.0, method)]
    assert isinstance(client, InviteClient | PlainClient)
    return request, client


def test_timer_a_doubles_and_timer_b_ends_it() -> None:
    play = Play()
    _, client = asked(play)
    play.to(100)
    assert play.taken() == [
        (0.5, "INVITE"),
        (1.5, "INVITE"),
        (3.5, "INVITE"),
        (7.5, "INVITE"),
        (15.5, "INVITE"),
        (31.5, "INVITE"),
        (32.0, "told TimedOut B"),
    ]
    assert client.state == "terminated"
    assert len(play.table) == 0


def test_on_a_reliable_transport_nothing_is_repeated() -> None:
    play = Play(reliable=True)
    asked(play)
    play.to(100)
    assert play.taken() == [(32.0, "told TimedOut B")]


def test_a_provisional_response_stops_a_and_b_and_starts_c() -> None:
    play = Play()
    request, client = asked(play)
    play.to(0.4)
    play.receive(a_response(request, 100))
    play.to(60)
    play.receive(a_response(request, 180, to_tag="b"))
    play.to(241)
    # Not moved by a 100, but by the 180 (§16.7).
    assert play.taken() == [(0.4, "told 100 INVITE"), (60.0, "told 180 INVITE"), (241.0, "told TimedOut C")]
    assert client.state == "proceeding"


def test_timer_c_runs_from_the_first_100_and_not_from_the_second() -> None:
    play = Play()
    request, _ = asked(play)
    play.receive(a_response(request, 100))
    play.to(100)
    play.receive(a_response(request, 100))
    play.to(200)
    assert play.taken()[-1] == (181.0, "told TimedOut C")


def test_a_refusal_is_acknowledged_each_time_until_timer_d() -> None:
    play = Play()
    request, client = asked(play)
    play.receive(a_response(request, 486, to_tag="b"))
    play.to(10)
    play.receive(a_response(request, 486, to_tag="b"))
    play.receive(a_response(request, 200, to_tag="late"))
    play.receive(a_response(request, 180, to_tag="late"))
    assert play.taken() == [(0.0, "ACK"), (0.0, "told 486 INVITE"), (10.0, "ACK")]
    assert client.state == "completed"
    play.to(31.99)
    assert client.state == "completed"
    play.to(32)
    assert client.state == "terminated"
    play.receive(a_response(request, 486, to_tag="b"))
    assert play.taken() == []
    assert play.table.dropped == 1


def test_the_ack_of_a_refusal_is_made_of_the_invite() -> None:
    play = Play()
    request, _ = asked(play)
    play.receive(a_response(request, 486, to_tag="b"))
    ack = play.sent[-1]
    assert isinstance(ack, SipRequest)
    assert ack.uri == request.uri
    assert ack.each("via") == [request.via.written]
    assert ack.each("route") == [b"<sip:p1;lr>", b"<sip:p2;lr>"]
    assert (ack.cseq.number, ack.cseq.method) == (1, "ACK")
    assert (ack.from_.tag, ack.to.tag, ack.call_id) == (b"a-tag", b"b", request.call_id)
    assert ack.body == b""
    assert not ack.has("contact")
    assert not ack.has("subject")


def test_on_a_reliable_transport_timer_d_is_zero() -> None:
    play = Play(reliable=True)
    request, client = asked(play)
    play.receive(a_response(request, 603, to_tag="b"))
    assert play.words() == ["ACK", "told 603 INVITE"]
    assert client.state == "terminated"


def test_every_2xx_is_told_until_timer_m_and_none_is_acknowledged_here() -> None:
    play = Play()
    request, client = asked(play)
    play.receive(a_response(request, 200, to_tag="b"))
    play.to(1)
    play.receive(a_response(request, 200, to_tag="b"))
    play.receive(a_response(request, 200, to_tag="fork"))
    play.receive(a_response(request, 180, to_tag="fork"))
    play.receive(a_response(request, 486, to_tag="fork"))
    assert play.taken() == [(0.0, "told 200 INVITE"), (1.0, "told 200 INVITE"), (1.0, "told 200 INVITE")]
    play.to(31.99)
    assert client.state == "accepted"
    play.to(32)
    assert client.state == "terminated"


def test_a_cancel_waits_for_a_provisional_response() -> None:
    play = Play()
    request, client = asked(play)
    assert isinstance(client, InviteClient)
    play.table.cancel(client, b'Q.850;cause=21;text="x"', play.now)
    play.to(0.1)
    assert play.words() == []
    play.receive(a_response(request, 100))
    play.receive(a_response(request, 180, to_tag="b"))
    play.table.cancel(client, None, play.now)
    play.note()
    assert play.words() == ["CANCEL", "told 100 INVITE", "told 180 INVITE"]
    cancel = play.sent[-1]
    assert isinstance(cancel, SipRequest)
    assert (cancel.uri, cancel.call_id, cancel.via.branch) == (request.uri, request.call_id, request.via.branch)
    assert (cancel.cseq.number, cancel.cseq.method, cancel.to.tag) == (1, "CANCEL", None)
    assert cancel.each("route") == [b"<sip:p1;lr>", b"<sip:p2;lr>"]
    assert cancel.first("reason") == b'Q.850;cause=21;text="x"'

    play.receive(a_response(cancel, 200))
    play.receive(a_response(request, 487, to_tag="b"))
    assert play.words() == ["told 200 CANCEL", "ACK", "told 487 INVITE"]


def test_a_cancelled_invite_that_nobody_ends_ends_after_64_t1() -> None:
    play = Play()
    request, client = asked(play)
    assert isinstance(client, InviteClient)
    play.receive(a_response(request, 180, to_tag="b"))
    play.to(5)
    play.table.cancel(client, None, play.now)
    play.note()
    play.receive(a_response(play.sent[-1], 200))  # type: ignore[arg-type]
    play.to(60)
    assert play.taken()[-1] == (37.0, "told TimedOut cancel")
    assert client.state == "terminated"


def test_a_200_after_the_cancel_is_told() -> None:
    play = Play()
    request, client = asked(play)
    assert isinstance(client, InviteClient)
    play.receive(a_response(request, 180, to_tag="b"))
    play.table.cancel(client, None, play.now)
    play.receive(a_response(request, 200, to_tag="b"))
    assert play.words() == ["told 180 INVITE", "CANCEL", "told 200 INVITE"]
    assert client.cancelled
    play.table.cancel(client, None, play.now)
    play.note()
    assert play.words() == []


def test_timer_e_doubles_up_to_t2_and_timer_f_ends_it() -> None:
    play = Play()
    asked(play, "BYE")
    play.to(100)
    lines = play.taken()
    assert [second for second, what in lines if what == "BYE"] == [
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
    assert lines[-1] == (32.0, "told TimedOut F")
    assert len(play.table) == 0


def test_after_a_provisional_response_timer_e_runs_for_t2() -> None:
    play = Play()
    request, _ = asked(play, "OPTIONS")
    play.to(0.1)
    play.receive(a_response(request, 100))
    play.to(100)
    lines = play.taken()
    assert [second for second, what in lines if what == "OPTIONS"] == [0.5, 4.5, 8.5, 12.5, 16.5, 20.5, 24.5, 28.5]
    assert lines[-1] == (32.0, "told TimedOut F")


def test_timer_k_absorbs_repeated_final_responses() -> None:
    play = Play()
    request, client = asked(play, "BYE")
    play.receive(a_response(request, 200))
    play.to(4.9)
    play.receive(a_response(request, 200))
    assert play.taken() == [(0.0, "told 200 BYE")]
    assert client.state == "completed"
    play.to(5)
    assert client.state == "terminated"
    assert play.table.timers.held() <= 2


def test_on_a_reliable_transport_timer_k_is_zero_and_e_is_not() -> None:
    play = Play(reliable=True)
    request, client = asked(play, "BYE")
    play.to(20)
    assert play.taken() == []
    play.receive(a_response(request, 481))
    assert client.state == "terminated"


@pytest.mark.parametrize("method", ["INVITE", "BYE"])
def test_a_transport_that_fails_is_told_once(method: str) -> None:
    play = Play()
    _, client = asked(play, method)
    play.table.flow_failed(play.flow, play.now)
    play.table.flow_failed(play.flow, play.now)
    play.note()
    assert play.words() == ["told SendingFailed"]
    assert client.state == "terminated"
    play.to(100)
    assert play.taken() == []


def test_a_transport_that_fails_while_it_rings_leaves_the_call_to_its_responses() -> None:
    play = Play()
    request, client = asked(play)
    play.receive(a_response(request, 180, to_tag="b"))
    play.table.flow_failed(play.flow, play.now)
    play.note()
    assert play.words() == ["told 180 INVITE"]
    assert client.state == "proceeding"
