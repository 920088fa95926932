"""SIPp inside a call: asking again from either side, at once too, keys, and what is lost or repeated."""

from __future__ import annotations

import pytest

from tests.tools.sipp import SDP, SIPP, Scenario, message, recv, send
from tests.wire.sipp_stage import SippStage
from tests.wire.sipp_words import (
    A_HANGS_UP,
    A_HAS_IT,
    ANSWERED,
    ANSWERS,
    B_IS_HUNG_UP,
    B_KNOWS_IT,
    INVITE,
    answer,
    ours,
    reply,
    theirs,
)

pytestmark = [
    pytest.mark.wire,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)"),
]


def inside_ack(number: int) -> str:
    """The ACK of a final response to a re-INVITE that is no 2xx: of the same transaction."""
    via = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]"
    return ours("ACK", number).replace(via, "[last_Via:]")


async def test_leg_a_asks_again_in_the_call(stage: SippStage) -> None:
    """Hold, with the description passed as it is, both ways."""
    held = SDP + "a=sendonly\n"
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            send(ours("INVITE", 2), held, retrans_ms=500),
            recv(100, optional=True),
            recv(200, "a=recvonly"),
            send(ours("ACK", 2)),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            *ANSWERS,
            recv("INVITE", "a=sendonly", r"Contact: <sip:tdgate@", absent=["evil"]),
            send(reply("200 OK"), SDP + "a=recvonly\n", retrans_ms=500),
            recv("ACK"),
            *B_IS_HUNG_UP,
        ),
    )
    await stage.play(uac, (uas, stage.first))


async def test_leg_b_asks_again_and_hangs_up(stage: SippStage) -> None:
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            *A_HAS_IT,
            recv("INVITE", "a=inactive", r"From: .*evil\.example", absent=[rf"127\.0\.0\.1:{stage.first}"]),
            send(reply("200 OK"), SDP, retrans_ms=500),
            recv("ACK"),
            recv("BYE", "Reason: Q.850;cause=16"),
            send(reply("200 OK")),
        ),
    )
    uas = Scenario(
        "uas",
        (
            *ANSWERS,
            *B_KNOWS_IT,
            send(theirs("INVITE", 1), SDP + "a=inactive\n", retrans_ms=500),
            recv(100, optional=True),
            recv(200, "m=audio"),
            send(theirs("ACK", 1)),
            send(theirs("BYE", 2, "Reason: Q.850;cause=16"), retrans_ms=500),
            recv(200),
        ),
    )
    await stage.play(uac, (uas, stage.first))
    assert (await stage.house.event("call.ended"))[0]["by"] == "b"


async def test_a_key_that_is_pressed_comes_through(stage: SippStage) -> None:
    """INFO of leg B, with its body, to leg A and its answer back."""
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            recv("INFO", "Signal=1", "Content-Type: application/dtmf-relay"),
            send(reply("200 OK")),
            *A_HANGS_UP,
        ),
    )
    info = theirs("INFO", 1, "Content-Type: application/dtmf-relay")
    body = f'<send retrans="500"><![CDATA[\n{message(info)}Signal=1\nDuration=160\n]]></send>'
    uas = Scenario("uas", (*ANSWERS, body, recv(200), *B_IS_HUNG_UP))
    await stage.play(uac, (uas, stage.first))


async def test_what_is_lost_comes_again_and_what_is_repeated_counts_once(stage: SippStage) -> None:
    """Leg A repeats its INVITE and misses the first 200; leg B misses the first INVITE and repeats its 200."""
    invite = INVITE.replace("branch=[branch]", "branch=z9hG4bK-same-[pid]-[call_number]")
    uac = Scenario(
        "uac",
        (
            send(invite, SDP),
            send(invite, SDP),
            recv(100, optional=True),
            recv(180),
            recv(200),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 1)),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE"),
            recv("INVITE"),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP),
            recv("ACK"),
            recv("BYE"),
            send(reply("200 OK")),
        ),
    )
    for each in (uac, uas):
        each.options = ("-nr", "-default_behaviors", "all,-abortunexp")
    await stage.play(uac, (uas, stage.first))
    assert len(await stage.house.event("call.ended")) == 1


async def test_two_offers_at_once_from_both_sides(stage: SippStage) -> None:
    """RFC 3261 §14.2: leg B has asked first; leg A, which asks before it has answered, gets 491, and then answers."""
    kept = {"via": "Via:", "from": "From:", "to": "To:", "cseq": "CSeq:"}
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            *A_HAS_IT,
            recv("INVITE", "a=inactive", kept=kept),
            send(ours("INVITE", 3), SDP + "a=sendonly\n", retrans_ms=500),
            recv(100, optional=True),
            recv(491, "CSeq: 3 INVITE", absent=["Contact"]),
            send(inside_ack(3)),
            send(
                """
                SIP/2.0 200 OK
                Via:[$via]
                From:[$from]
                To:[$to]
                [last_Call-ID:]
                CSeq:[$cseq]
                Contact: <sip:95500@[local_ip]:[local_port]>
                """,
                SDP + "a=inactive\n",
                retrans_ms=500,
            ),
            recv("ACK"),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            *ANSWERS,
            *B_KNOWS_IT,
            send(theirs("INVITE", 1), SDP + "a=inactive\n", retrans_ms=500),
            recv(100, optional=True),
            recv(200, "a=inactive"),
            send(theirs("ACK", 1)),
            *B_IS_HUNG_UP,
        ),
    )
    await stage.play(uac, (uas, stage.first))


async def test_a_held_call_is_taken_up_again(stage: SippStage) -> None:
    """Hold by leg B and back, the descriptions octet for octet in both directions."""
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            *A_HAS_IT,
            recv("INVITE", "a=sendonly", "Content-Type: application/sdp", absent=["Carrier/1"]),
            send(reply("200 OK"), SDP + "a=recvonly\n", retrans_ms=500),
            recv("ACK"),
            recv("INVITE", "a=sendrecv"),
            send(reply("200 OK"), SDP + "a=sendrecv\n", retrans_ms=500),
            recv("ACK"),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            *ANSWERS,
            *B_KNOWS_IT,
            send(theirs("INVITE", 1), SDP + "a=sendonly\n", retrans_ms=500),
            recv(100, optional=True),
            recv(200, "a=recvonly"),
            send(theirs("ACK", 1)),
            send(theirs("INVITE", 2), SDP + "a=sendrecv\n", retrans_ms=500),
            recv(100, optional=True),
            recv(200, "a=sendrecv"),
            send(theirs("ACK", 2)),
            *B_IS_HUNG_UP,
        ),
    )
    await stage.play(uac, (uas, stage.first))


async def test_an_offer_that_is_not_taken_leaves_the_call_as_it_was(stage: SippStage) -> None:
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            send(ours("INVITE", 2), SDP + "a=sendonly\n", retrans_ms=500),
            recv(100, optional=True),
            recv(488, "CSeq: 2 INVITE", absent=["Carrier/1"]),
            send(inside_ack(2)),
            *A_HANGS_UP,
        ),
    )
    refusal = reply("488 Not Acceptable Here")
    uas = Scenario("uas", (*ANSWERS, recv("INVITE"), send(refusal, retrans_ms=500), recv("ACK"), *B_IS_HUNG_UP))
    await stage.play(uac, (uas, stage.first))


async def test_later_requests_that_are_lost_or_repeated(stage: SippStage) -> None:
    """Leg A repeats its ACK and its BYE; leg B repeats its 200 after the ACK, and misses the first INFO and BYE."""
    bye = ours("BYE", 9).replace("branch=[branch]", "branch=z9hG4bK-bye-[pid]-[call_number]")
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            send(ours("ACK", 1)),
            send(ours("INFO", 2)),
            recv(200, "CSeq: 2 INFO"),
            send(bye),
            recv(200, "CSeq: 9 BYE"),
            send(bye),
            recv(200, "CSeq: 9 BYE"),
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE", kept={"via": "Via:", "from": "From:", "to": "To:"}),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP),
            recv("ACK", "CSeq: 1 ACK"),
            send(
                """
                SIP/2.0 200 OK
                Via:[$via]
                From:[$from]
                To:[$to];tag=[pid]b[call_number]
                [last_Call-ID:]
                CSeq: 1 INVITE
                Contact: <sip:b@[local_ip]:[local_port]>
                """,
                SDP,
            ),
            recv("ACK", "CSeq: 1 ACK"),
            recv("INFO"),
            recv("INFO"),
            send(reply("200 OK")),
            recv("BYE"),
            recv("BYE"),
            send(reply("200 OK")),
        ),
    )
    for each in (uac, uas):
        each.options = ("-nr", "-default_behaviors", "all,-abortunexp")
    await stage.play(uac, (uas, stage.first))
    assert [line["by"] for line in await stage.house.event("call.ended")] == ["a"]
