"""SIPp on both sides of the real process: what reaches the carrier, what comes back, and who gives up when."""

from __future__ import annotations

import pytest

from tests.tools.sip_house import PERSON, REFUSED
from tests.tools.sipp import SDP, SIPP, Scenario, pause, recv, send
from tests.wire.sipp_stage import SippStage
from tests.wire.sipp_words import (
    A_HANGS_UP,
    ANSWERS,
    B_IS_HUNG_UP,
    CANCELLED,
    INVITE,
    INVITED,
    JUDGED,
    answer,
    basic_uas,
    cancelling,
    failed_ack,
    ours,
    reply,
    to_refused,
)

pytestmark = [
    pytest.mark.wire,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)"),
]


async def test_a_call_passes_and_neither_side_knows_the_other(stage: SippStage) -> None:
    hidden = ["192\\.0\\.2\\.77", "Carrier/1", rf"127\.0\.0\.1:{stage.first}"]
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180, r"Contact: <sip:tdgate@127\.0\.0\.1", absent=hidden),
            recv(
                200, r"Contact: <sip:tdgate@127\.0\.0\.1", "m=audio 6000", "Allow: ", absent=hidden, more='rrs="true"'
            ),
            send(ours("ACK", 1)),
            send(ours("BYE", 2), retrans_ms=500),
            recv(200),
        ),
    )
    await stage.play(uac, (basic_uas(), stage.first))
    await stage.house.event("call.ended")


async def test_a_refused_call_never_reaches_the_carrier(stage: SippStage) -> None:
    uac = Scenario(
        "uac",
        (
            send(to_refused(INVITE), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(607, 'Reason: Q.850;cause=21;text="suppression.person"'),
            send(failed_ack(person=REFUSED)),
        ),
    )
    await stage.play(uac, never=stage.first)


async def test_a_call_is_cancelled_before_it_rings(stage: SippStage) -> None:
    """A carrier that has said nothing yet gets the CANCEL after its first 1xx (RFC 3261 §9.1)."""
    late = Scenario("uas", (INVITED, pause(700), send(answer("100 Trying")), *CANCELLED))
    await stage.play(cancelling(), (late, stage.first))


async def test_a_call_is_cancelled_after_the_carrier_s_100(stage: SippStage) -> None:
    uas = Scenario("uas", (INVITED, send(answer("100 Trying")), *CANCELLED))
    await stage.play(cancelling(pause(200)), (uas, stage.first))
    (ended,) = await stage.house.event("call.ended")
    assert (ended["by"], ended["answered"]) == ("a", False)


async def test_a_call_is_cancelled_while_it_rings(stage: SippStage) -> None:
    uas = Scenario("uas", (INVITED, pause(400), send(answer("180 Ringing")), *CANCELLED))
    await stage.play(cancelling(recv(180)), (uas, stage.first))
    assert (await stage.house.event("call.ended"))[0]["by"] == "a"


async def test_a_call_is_cancelled_with_early_media(stage: SippStage) -> None:
    uas = Scenario("uas", (INVITED, pause(400), send(answer("183 Session Progress"), SDP), *CANCELLED))
    await stage.play(cancelling(recv(183, "m=audio 6000")), (uas, stage.first))


async def test_a_call_is_cancelled_as_it_is_answered(stage: SippStage) -> None:
    """The carrier's 200 crosses our CANCEL: leg A hears 487, leg B is acknowledged and ended (RFC 3261 §9.1, §15)."""
    uas = Scenario(
        "uas",
        (
            recv("INVITE", *JUDGED, kept={"via": "Via:"}),
            pause(400),
            send(answer("180 Ringing")),
            recv("CANCEL", "Reason: SIP;cause=200"),
            send(reply("200 OK")),
            send(
                """
                SIP/2.0 200 OK
                Via:[$via]
                [last_From:]
                [last_To:];tag=[pid]b[call_number]
                [last_Call-ID:]
                CSeq: 1 INVITE
                Contact: <sip:b@[local_ip]:[local_port]>
                """,
                SDP,
                retrans_ms=500,
            ),
            recv("ACK", "CSeq: 1 ACK"),
            recv("BYE", "BYE sip:b@", absent=["evil"]),
            send(reply("200 OK")),
        ),
    )
    await stage.play(cancelling(recv(180)), (uas, stage.first))
    (ended,) = await stage.house.event("call.ended")
    assert (ended["by"], ended["answered"]) == ("a", False)


async def test_a_cancel_after_the_answer_changes_nothing(stage: SippStage) -> None:
    """It is answered (its INVITE is known still), and the call goes on until somebody hangs up (RFC 3261 §9.2)."""
    invite = INVITE.replace("branch=[branch]", "branch=z9hG4bK-same-[pid]-[call_number]")
    cancel = ours("CANCEL", 1).replace("branch=[branch]", "branch=z9hG4bK-same-[pid]-[call_number]")
    cancel = cancel.replace("[next_url]", f"sip:{PERSON}@[remote_ip]:[remote_port]").replace("[peer_tag_param]", "")
    uac = Scenario(
        "uac",
        (
            send(invite, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 1)),
            send(cancel, retrans_ms=500),
            recv(200, "CSeq: 1 CANCEL"),
            send(ours("INFO", 2), retrans_ms=500),
            recv(200, "CSeq: 2 INFO"),
            send(ours("BYE", 9), retrans_ms=500),
            recv(200, "CSeq: 9 BYE"),
        ),
    )
    uas = Scenario("uas", (*ANSWERS, recv("INFO"), send(reply("200 OK")), *B_IS_HUNG_UP))
    await stage.play(uac, (uas, stage.first))
    (ended,) = await stage.house.event("call.ended")
    assert (ended["by"], ended["answered"]) == ("a", True)


async def test_early_media_passes(stage: SippStage) -> None:
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(183, "m=audio 6000", "Content-Type: application/sdp"),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 1)),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE"),
            send(answer("183 Session Progress"), SDP),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK"),
            *B_IS_HUNG_UP,
        ),
    )
    await stage.play(uac, (uas, stage.first))


async def test_an_offer_may_come_with_the_answer(stage: SippStage) -> None:
    """No body in the INVITE: the offer is in the 200, the answer in the ACK (RFC 3261 §13.2.1)."""
    uac = Scenario(
        "uac",
        (
            send(INVITE, retrans_ms=500),
            recv(100, optional=True),
            recv(200, "m=audio 6000", more='rrs="true"'),
            send(ours("ACK", 1), SDP.replace("6000", "7000")),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE", absent=["m=audio"]),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK", "m=audio 7000"),
            *B_IS_HUNG_UP,
        ),
    )
    await stage.play(uac, (uas, stage.first))
