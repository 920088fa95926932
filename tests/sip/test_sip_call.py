"""Calls as playbooks: from the INVITE to the BYE, and the ways in which they fail."""

import pytest

from proxy.sip.call_events import BranchFailed, CallAsked, CallEnded, PlainAsked
from proxy.sip.carried import OWNED
from proxy.sip.digest_client import DigestClient
from proxy.sip.message import SipRequest
from proxy.sip.reply import reply
from tests.tools.sip_call_play import SDP_B, CallPlay
from tests.tools.sip_messages import SDP, a_request, a_response

pytestmark = pytest.mark.unit


def ended(play: CallPlay) -> tuple[str, str]:
    found = [each for each in play.events if isinstance(each, CallEnded)]
    assert len(found) == 1
    return found[0].by, found[0].cause


def failed(play: CallPlay) -> list[tuple[int, bool]]:
    return [(each.status, each.rang) for each in play.events if isinstance(each, BranchFailed)]


def rests(play: CallPlay) -> None:
    """After a while nothing is left behind."""
    play.to(400)
    assert len(play.calls) == 0
    assert play.calls.legs == {}
    assert len(play.table) == 0
    assert play.table.next_deadline() is None
    assert play.table.timers.held() == 0


def test_a_whole_call() -> None:
    play = CallPlay()
    call = play.invite(headers=("X-Told: as it is", "P-Asserted-Identity: <sip:spoofed@x>", "Record-Route: <sip:p;lr>"))
    call.trying(play.now)
    play.note()
    assert play.words() == ["! CallAsked", "a< 100 INVITE"]
    invite = play.connect(call)
    play.answer("b", invite, 100)
    play.answer("b", invite, 183, body=SDP_B, headers=("X-Way: back", "Record-Route: <sip:b-side;lr>", "Server: b"))
    assert play.words() == ["b< INVITE", "! CallRinging", "a< 183 INVITE"]
    early = play.last_answer("a")
    assert (early.body, early.first("x-way"), early.first("content-type")) == (SDP_B, b"back", b"application/sdp")
    assert early.first("contact") == b"<sip:a@192.0.2.20>"
    assert early.each("record-route") == [b"<sip:p;lr>"]

    play.to(3)
    play.answer("b", invite, 200, body=SDP_B)
    assert play.words() == ["! CallAnswered", "a< 200 INVITE", "b< ACK"]
    answer = play.last_answer("a")
    assert (answer.body, answer.call_id, answer.to.tag) == (SDP_B, play.asked.call_id, early.to.tag)
    ack = play.last("b", "ACK")
    assert (ack.uri, ack.cseq.number, ack.to.tag) == (b"sip:b@192.0.2.30", invite.cseq.number, b"b-tag")

    play.ask("a", "ACK", 1)
    play.to(60)
    assert play.words() == []
    play.ask("a", "BYE", 2, headers=('Reason: Q.850;cause=16;text="done"',))
    assert play.words() == ["! CallEnded", "a< 200 BYE", "b< BYE"]
    assert ended(play) == ("a", "bye")
    bye = play.last("b", "BYE")
    assert bye.first("reason") == b'Q.850;cause=16;text="done"'
    assert bye.call_id == invite.call_id
    play.answer("b", bye, 200)
    rests(play)


def test_nothing_that_a_leg_has_of_its_own_passes_to_the_other() -> None:
    play = CallPlay()
    call = play.invite()
    invite = play.connect(call)
    foreign = (
        "P-Asserted-Identity: <sip:x@y>",
        "Session-Expires: 90",
        "RSeq: 1",
        "Require: 100rel",
        "WWW-Authenticate: Digest a=b",
        "X-Kept: 1",
    )
    play.answer("b", invite, 183, headers=foreign)
    passed = {
        key
        for key in play.last_answer("a").keys
        if key not in ("via", "from", "to", "call-id", "cseq", "contact", "content-length")
    }
    assert passed == {"x-kept"}
    assert passed.isdisjoint(OWNED)


def test_the_carriers_200_is_acknowledged_again_and_ours_is_repeated_until_the_ack() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    play.answer("b", invite, 200, body=SDP_B)
    assert play.words() == ["b< ACK"]
    first, second = (each for each in play.sent["b"] if isinstance(each, SipRequest) and each.method == "ACK")
    assert first.octets() == second.octets()
    play.to(4)
    assert play.taken() == [(0.5, "a< 200 INVITE"), (1.5, "a< 200 INVITE"), (3.5, "a< 200 INVITE")]
    play.ask("a", "ACK", 1)
    play.ask("a", "ACK", 1)
    play.to(30)
    assert play.taken() == []


def test_an_ack_that_never_comes_ends_both_legs() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    play.to(33)
    lines = play.taken()
    assert [second for second, what in lines if what == "a< 200 INVITE"] == [
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
    assert [what for second, what in lines if second == 32.0] == ["! CallEnded", "a< BYE", "b< BYE"]
    assert ended(play) == ("us", "ack")
    rests(play)


def test_a_refusal_of_ours_never_reaches_leg_b() -> None:
    play = CallPlay()
    call = play.invite()
    call.refuse(403, [("reason", b'Q.850;cause=21;text="suppression"')], play.now)
    play.note()
    play.give("a", a_request("ACK", cseq="1 ACK"))
    call.refuse(603, [], play.now)
    call.connect(play.hops["b"], play.asked, play.now)
    play.note()
    assert play.words() == ["! CallAsked", "! CallEnded", "a< 403 INVITE"]
    assert play.last_answer("a").first("reason") == b'Q.850;cause=21;text="suppression"'
    assert ended(play) == ("us", "403")
    assert play.calls.legs == {}
    rests(play)


def test_a_refusal_that_comes_after_the_answer_changes_nothing() -> None:
    play = CallPlay()
    call = play.talking()
    call.refuse(403, [], play.now)
    play.note()
    assert play.words() == []
    play.ask("a", "BYE", 2)
    assert play.words() == ["! CallEnded", "a< 200 BYE", "b< BYE"]


def test_a_refusal_of_the_carrier_is_told_and_another_way_may_be_tried() -> None:
    play = CallPlay()
    call = play.invite()
    first = play.connect(call)
    play.answer("b", first, 503)
    assert play.words() == ["! CallAsked", "b< INVITE", "! BranchFailed", "b< ACK"]
    second = play.connect(call)
    assert second.call_id != first.call_id
    play.answer("b", second, 486, headers=("X-Why: busy",))
    assert failed(play) == [(503, False), (486, False)]
    event = play.events[-1]
    assert isinstance(event, BranchFailed)
    call.refuse(486, [], play.now, event.carried, event.response.reason if event.response else None)
    play.note()
    answer = play.last_answer("a")
    assert (answer.status, answer.reason, answer.first("x-why")) == (486, b"Test", b"busy")
    rests(play)


def test_another_way_while_the_first_is_still_under_way_gives_the_first_up() -> None:
    play = CallPlay()
    call = play.invite()
    first = play.connect(call)
    play.answer("b", first, 180)
    second = play.connect(call)
    play.taken()
    play.answer("b", first, 200, body=SDP_B, tag="first")
    play.answer("b", second, 200, body=SDP_B, tag="second")
    assert play.words() == ["b< ACK", "b< BYE", "! CallAnswered", "a< 200 INVITE", "b< ACK"]
    assert len(play.calls.legs) == 2
    play.ask("a", "ACK", 1)
    play.ask("a", "BYE", 2)
    rests(play)


def test_the_same_attempt_again_with_credentials() -> None:
    play = CallPlay()
    call = play.invite()
    first = play.connect(call, tag="ours")
    play.answer("b", first, 407, headers=('Proxy-Authenticate: Digest realm="carrier", nonce="n", qop="auth"',))
    event = play.events[-1]
    assert isinstance(event, BranchFailed)
    assert event.response is not None
    client = DigestClient(b"tdgate", b"an invented password")
    assert client.challenged(event.response.each("proxy-authenticate"), answered=False)
    assert event.carried.keys == []
    second = play.connect(call, tag="ours")
    play.taken()
    play.answer("b", second, 200, body=SDP_B, tag="new")
    play.ask("a", "ACK", 1)
    assert play.words() == ["! CallAnswered", "a< 200 INVITE", "b< ACK"]
    play.ask("b", "BYE", 1, tag="new")
    assert play.words() == ["! CallEnded", "b< 200 BYE", "a< BYE"]
    rests(play)


def test_a_refusal_after_ringing_says_so() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 480)
    assert failed(play) == [(480, True)]


def test_contacts_of_a_redirection_are_not_passed_on() -> None:
    play = CallPlay()
    call = play.invite()
    play.answer("b", play.connect(call), 302, contact="<sip:other@elsewhere>", headers=("X-Kept: 1",))
    event = play.events[-1]
    assert isinstance(event, BranchFailed)
    assert event.response is not None
    assert event.response.first("contact") == b"<sip:other@elsewhere>"
    assert event.carried.keys == ["x-kept"]


def test_nobody_answers() -> None:
    play = CallPlay()
    play.connect(play.invite())
    play.to(40)
    assert failed(play) == [(408, False)]


def test_nothing_can_be_sent() -> None:
    play = CallPlay(reliable=True)
    play.connect(play.invite())
    play.table.flow_failed(play.flows["b"], play.now)
    play.note()
    assert failed(play) == [(503, False)]


def test_patience_for_a_first_1xx_and_the_late_answer_of_the_way_that_was_given_up() -> None:
    play = CallPlay()
    call = play.invite()
    slow = play.connect(call, patience_s=2.0)
    play.to(2.5)
    assert failed(play) == [(408, False)]
    quick = play.connect(call, patience_s=2.0)
    play.taken()
    play.answer("b", quick, 180)
    # The first gateway wakes up: it is cancelled, and what it answers all the same is turned away.
    play.answer("b", slow, 180)
    assert play.words() == ["! CallRinging", "a< 180 INVITE", "b< CANCEL"]
    assert play.last("b", "CANCEL").call_id == slow.call_id
    play.answer("b", slow, 200, body=SDP_B, tag="slow")
    assert play.words() == ["b< ACK", "b< BYE"]
    assert play.last("b", "BYE").call_id == slow.call_id
    play.answer("b", quick, 200, body=SDP_B)
    assert play.words() == ["! CallAnswered", "a< 200 INVITE", "b< ACK"]
    assert failed(play) == [(408, False)]


def test_patience_ends_with_a_100() -> None:
    play = CallPlay()
    invite = play.connect(play.invite(), patience_s=2.0)
    play.answer("b", invite, 100)
    play.to(20)
    assert failed(play) == []


def test_it_rings_for_ever() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.to(181.4)
    assert play.taken() == [(181.0, "b< CANCEL")]
    play.answer("b", invite, 487)
    assert failed(play) == [(408, True)]


def test_cancel_before_any_1xx_waits_for_one() -> None:
    play = CallPlay()
    invite = play.connect(play.invite())
    play.taken()
    play.give("a", a_request("CANCEL", cseq="1 CANCEL", contact=None, headers=("Reason: SIP;cause=200",)))
    assert play.words() == ["! CallEnded", "a< 200 CANCEL", "a< 487 INVITE"]
    play.answer("b", invite, 180)
    assert play.words() == ["b< CANCEL"]
    assert play.last("b", "CANCEL").first("reason") == b"SIP;cause=200"
    play.answer("b", play.last("b", "CANCEL"), 200)
    play.answer("b", invite, 487)
    play.give("a", a_request("ACK", cseq="1 ACK"))
    assert play.words() == ["b< ACK"]
    assert ended(play) == ("a", "cancelled")
    rests(play)


def test_cancel_while_it_rings() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.give("a", a_request("CANCEL", cseq="1 CANCEL", contact=None))
    assert play.words() == ["! CallEnded", "a< 200 CANCEL", "a< 487 INVITE", "b< CANCEL"]
    play.answer("b", invite, 487)
    assert failed(play) == []
    rests(play)


def test_cancel_crosses_the_200() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.give("a", a_request("CANCEL", cseq="1 CANCEL", contact=None))
    play.taken()
    play.answer("b", invite, 200, body=SDP_B)
    assert play.words() == ["b< ACK", "b< BYE"]
    play.answer("b", invite, 200, body=SDP_B)
    assert play.words() == ["b< ACK"]
    play.answer("b", play.last("b", "BYE"), 200)
    rests(play)


def test_cancel_after_the_200_changes_nothing() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    play.give("a", a_request("CANCEL", cseq="1 CANCEL", contact=None))
    assert play.words() == ["a< 200 CANCEL"]
    play.ask("a", "ACK", 1)
    play.ask("a", "BYE", 2)
    assert play.words() == ["! CallEnded", "a< 200 BYE", "b< BYE"]


def test_cancel_before_anybody_decided() -> None:
    play = CallPlay()
    call = play.invite()
    play.give("a", a_request("CANCEL", cseq="1 CANCEL", contact=None))
    call.connect(play.hops["b"], play.asked, play.now)
    play.note()
    assert play.words() == ["! CallAsked", "! CallEnded", "a< 200 CANCEL", "a< 487 INVITE"]


def test_a_fork_that_answers_second_is_turned_away() -> None:
    play = CallPlay()
    invite = play.connect(play.invite())
    play.taken()
    play.answer("b", invite, 180, tag="one")
    play.answer("b", invite, 183, tag="two", body=SDP_B)
    play.answer("b", invite, 200, tag="two", body=SDP_B)
    assert play.words() == [
        "! CallRinging",
        "a< 180 INVITE",
        "! CallRinging",
        "a< 183 INVITE",
        "! CallAnswered",
        "a< 200 INVITE",
        "b< ACK",
    ]
    play.answer("b", invite, 200, tag="one", body=SDP, contact="<sip:one@192.0.2.31>")
    assert play.words() == ["b< ACK", "b< BYE"]
    bye = play.last("b", "BYE")
    assert (bye.uri, bye.to.tag) == (b"sip:one@192.0.2.31", b"one")
    play.answer("b", invite, 180, tag="three")
    assert play.words() == []
    play.ask("a", "ACK", 1)
    play.ask("b", "BYE", 1, tag="two")
    assert play.words() == ["! CallEnded", "b< 200 BYE", "a< BYE"]


def test_a_fork_that_answers_during_an_offer_does_not_disturb_it() -> None:
    play = CallPlay()
    invite = play.connect(play.invite())
    play.answer("b", invite, 200, tag="b-tag", body=SDP_B)
    play.ask("a", "ACK", 1)
    play.ask("a", "INVITE", 2, body=SDP)
    again = play.last("b", "INVITE")
    play.taken()
    play.answer("b", invite, 200, tag="late", body=SDP, contact="<sip:late@192.0.2.31>")
    assert play.words() == ["b< ACK", "b< BYE"]
    play.answer("b", again, 200, body=SDP_B)
    assert play.words() == ["a< 200 INVITE", "b< ACK"]


def test_a_200_that_names_nowhere_to_go_is_a_way_that_failed() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B, tag="other", contact="<tel:+1>")
    assert failed(play) == [(502, True)]
    assert play.words() == ["! BranchFailed"]


def test_a_delayed_offer_is_answered_in_the_ack() -> None:
    play = CallPlay()
    call = play.invite(body=b"")
    invite = play.connect(call)
    assert invite.body == b""
    play.answer("b", invite, 200, body=SDP_B)
    assert play.words() == ["! CallAsked", "b< INVITE", "! CallAnswered", "a< 200 INVITE"]
    play.ask("a", "ACK", 1, body=SDP)
    assert play.words() == ["b< ACK"]
    ack = play.last("b", "ACK")
    assert (ack.body, ack.first("content-type")) == (SDP, b"application/sdp")
    play.answer("b", invite, 200, body=SDP_B)
    assert play.last("b", "ACK").body == SDP


def test_a_delayed_offer_whose_ack_never_comes_is_acknowledged_before_the_bye() -> None:
    play = CallPlay()
    invite = play.connect(play.invite(body=b""))
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    play.to(33)
    assert [what for second, what in play.taken() if second == 32.0] == ["! CallEnded", "a< BYE", "b< ACK", "b< BYE"]


def test_both_hang_up_at_once() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "BYE", 2)
    play.ask("b", "BYE", 1)
    assert play.words() == ["! CallEnded", "a< 200 BYE", "b< BYE", "b< 200 BYE"]
    play.answer("b", play.last("b", "BYE"), 481)
    assert ended(play) == ("a", "bye")
    rests(play)


def test_a_bye_of_ours_waits_for_the_ack() -> None:
    play = CallPlay()
    call, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    call.end([("reason", b"Q.850;cause=31")], play.now, "hold")
    play.note()
    assert play.words() == ["! CallEnded", "b< BYE"]
    play.ask("a", "ACK", 1)
    assert play.words() == ["a< BYE"]
    assert play.last("a", "BYE").first("reason") == b"Q.850;cause=31"
    assert ended(play) == ("us", "hold")
    rests(play)


def test_a_bye_of_ours_does_not_wait_for_ever() -> None:
    play = CallPlay()
    call, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    call.end([], play.now)
    play.note()
    play.to(33)
    assert (32.0, "a< BYE") in play.taken()


def test_we_end_a_call_that_rings() -> None:
    play = CallPlay()
    call, _ = play.ringing()
    call.end([("reason", b"Q.850;cause=31")], play.now)
    play.note()
    assert play.words() == ["! CallEnded", "a< 480 INVITE", "b< CANCEL"]
    assert play.last("b", "CANCEL").first("reason") == b"Q.850;cause=31"


def test_a_description_with_text_in_it_ends_what_brought_it() -> None:
    text = SDP_B + b"m=text 11000 RTP/AVP 98\r\n"
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 183, body=text)
    assert play.last_answer("a").body == b""
    play.taken()
    play.answer("b", invite, 200, body=text)
    assert play.words() == ["! CallEnded", "b< ACK", "b< BYE", "a< 488 INVITE"]
    rests(play)


def test_requests_outside_of_calls() -> None:
    play = CallPlay()
    play.give("a", a_request("OPTIONS"))
    event = play.events[-1]
    assert isinstance(event, PlainAsked)
    event.transaction.respond(reply(event.request, 200, b"t"), play.now)
    play.note()
    for method in ("BYE", "INFO", "UPDATE", "PRACK"):
        play.give("a", a_request(method, cseq=f"2 {method}"))
        play.give(
            "a",
            a_request(method, cseq=f"3 {method}", called="<sip:x@y>;tag=unknown", via="SIP/2.0/UDP h;branch=z9hG4bK-u"),
        )
    play.give("a", a_request("INVITE", called="<sip:x@y>;tag=unknown", via="SIP/2.0/UDP h;branch=z9hG4bK-i"))
    play.give("a", a_request("ACK", called="<sip:x@y>;tag=unknown"))
    assert play.words() == [
        "! PlainAsked",
        "a< 200 OPTIONS",
        *[f"a< 481 {each}" for each in ("BYE", "BYE", "INFO", "INFO", "UPDATE", "UPDATE", "PRACK", "PRACK")],
        "a< 481 INVITE",
    ]


def test_the_same_call_by_another_way_is_answered_482() -> None:
    play = CallPlay()
    play.invite()
    play.give("a", a_request(via="SIP/2.0/UDP 192.0.2.11;branch=z9hG4bK-other"))
    assert play.words() == ["! CallAsked", "a< 482 INVITE"]


def test_an_invite_that_is_text_is_refused_before_anybody_is_asked() -> None:
    play = CallPlay()
    plain = {"headers": ("Content-Type: text/plain",), "body": b"hello"}
    play.give("a", a_request(call_id="other", via="SIP/2.0/UDP h;branch=z9hG4bK-t", **plain))
    assert play.words() == ["a< 415 INVITE"]
    assert play.calls.legs == {}


def test_an_invite_that_offers_text_says_so_to_who_is_asked() -> None:
    play = CallPlay()
    for call_id, body in (("text", SDP + b"m=message 7000 TCP/MSRP *\r\n"), ("none", SDP)):
        via = f"SIP/2.0/UDP h;branch=z9hG4bK-{call_id}"
        play.give("a", a_request(call_id=call_id, via=via, headers=("Content-Type: application/sdp",), body=body))
    assert [each.offers_text for each in play.events if isinstance(each, CallAsked)] == [True, False]


def test_an_invite_that_no_request_could_answer_is_refused() -> None:
    play = CallPlay()
    play.give("a", a_request(contact="<tel:+1>"))
    assert play.words() == ["a< 400 INVITE"]
    assert play.calls.legs == {}


def test_a_stranger_who_knows_a_tag_is_not_in_the_call() -> None:
    play = CallPlay()
    play.talking()
    tag = (play.last_answer("a").to.tag or b"").decode()
    play.give(
        "a",
        a_request(
            "BYE", cseq="9 BYE", called=f"<sip:x@y>;tag={tag}", call_id="guessed", via="SIP/2.0/UDP h;branch=z9hG4bK-g"
        ),
    )
    play.give(
        "a",
        a_request(
            "BYE",
            cseq="9 BYE",
            called=f"<sip:x@y>;tag={tag}",
            caller="<sip:x@y>;tag=guessed",
            via="SIP/2.0/UDP h;branch=z9hG4bK-h",
        ),
    )
    assert play.words() == ["a< 481 BYE", "a< 481 BYE"]
    assert len(play.calls) == 1


def test_a_stranger_cannot_acknowledge() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.answer("b", invite, 200, body=SDP_B)
    play.taken()
    tag = (play.last_answer("a").to.tag or b"").decode()
    play.give("a", a_request("ACK", cseq="1 ACK", called=f"<sip:x@y>;tag={tag}", call_id="guessed"))
    play.to(1)
    assert play.taken() == [(0.5, "a< 200 INVITE")]


def test_a_number_that_goes_backwards_is_refused_and_the_call_goes_on() -> None:
    play = CallPlay()
    play.talking()
    play.ask("a", "BYE", 1)
    assert play.words() == ["a< 500 BYE"]
    assert len(play.calls) == 1


def test_a_response_that_cannot_be_sent_ends_the_call() -> None:
    play = CallPlay(reliable=True)
    play.ringing()
    play.table.flow_failed(play.flows["a"], play.now)
    play.note()
    assert play.words() == ["! CallEnded", "b< CANCEL"]


def test_many_calls_leave_nothing_behind() -> None:
    play = CallPlay()
    for index in range(60):
        call = play.invite(call_id=f"c{index}", via=f"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bK-n{index}")
        play.now += 0.01
        if index % 5 == 0:
            call.refuse(403, [], play.now)
            play.note()
            continue
        invite = play.connect(call)
        if index % 5 == 1:
            continue  # Nobody ever answers; nobody ever refuses.
        play.answer("b", invite, 200, body=SDP_B, tag=f"t{index}")
        if index % 5 == 2:
            call.end([], play.now)
            play.note()
    play.to(300)
    assert len(play.calls) == 12
    for event in play.events:
        if isinstance(event, BranchFailed):
            event.call.refuse(408, [], play.now)
    play.note()
    play.to(700)
    assert len(play.calls) == 0
    assert play.calls.legs == {}
    assert len(play.table) == 0
    assert play.table.timers.held() == 0


def test_the_response_to_a_request_that_is_gone_is_dropped() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    play.give("b", a_response(invite, 200, to_tag="x", headers=("Via: SIP/2.0/UDP h",)))
    assert play.words() == []
    assert play.table.dropped == 1
