"""SIPp as a carrier that refuses, is busy, is silent, forks or asks for credentials, on each transport."""

from __future__ import annotations

import pytest

from tests.tools.sipp import KEPT, SDP, SIPP, Scenario, pause, recv, send
from tests.wire.sipp_stage import CHALLENGED, HASTY, STREAMED, SippStage
from tests.wire.sipp_words import (
    A_HANGS_UP,
    A_HAS_IT,
    ANSWERED,
    B_IS_HUNG_UP,
    B_KNOWS_IT,
    INVITE,
    JUDGED,
    answer,
    basic_uas,
    failed_ack,
    ours,
    refused,
    refusing,
    reply,
    theirs,
)

pytestmark = [
    pytest.mark.wire,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)"),
]


@pytest.mark.parametrize(
    ("status", "seen", "holds"),
    [
        ("486 Busy Here", 486, ("SIP/2.0 486 Busy Here",)),
        ("603 Decline", 603, ("SIP/2.0 603 Decline",)),
        ("404 Not Found", 404, ()),
        ("600 Busy Everywhere", 600, ()),
        ("606 Not Acceptable", 606, ()),
        ("301 Moved Permanently", 480, ("Reason: SIP;cause=301",)),
        ("302 Moved Temporarily", 480, ("Reason: SIP;cause=302",)),
        ("407 Proxy Authentication Required", 500, ("Reason: SIP;cause=407",)),
    ],
)
async def test_a_carrier_says_no_and_nobody_else_is_asked(
    stage: SippStage, status: str, seen: int, holds: tuple[str, ...]
) -> None:
    await stage.play(refused(seen, *holds), (refusing("uas", status), stage.first), never=stage.second)


async def test_a_gateway_that_is_busy_leads_to_the_next(stage: SippStage) -> None:
    uac = Scenario("uac", (*ANSWERED, *A_HANGS_UP))
    await stage.play(uac, (refusing("first", "503 Service Unavailable"), stage.first), (basic_uas(), stage.second))
    assert [line["status"] for line in await stage.house.event("call.failed_over")] == [503]


async def test_a_gateway_that_is_silent_leads_to_the_next(stage: SippStage) -> None:
    """Nobody listens at the first one: after `no_answer_s` without any 1xx the second one is called."""
    uac = Scenario("uac", (*ANSWERED, *A_HANGS_UP))
    await stage.play(uac, (basic_uas(), stage.second), host=HASTY)
    assert [line["status"] for line in await stage.house.event("call.failed_over")] == [408]


async def test_a_gateway_that_rang_is_the_only_one(stage: SippStage) -> None:
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180),
            recv(503, absent=["Contact"]),
            send(failed_ack()),
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE"),
            send(answer("180 Ringing")),
            send(answer("503 Service Unavailable"), retrans_ms=500),
            recv("ACK"),
        ),
    )
    await stage.play(uac, (uas, stage.first), never=stage.second)


async def test_a_carrier_that_asks_for_credentials_gets_them(stage: SippStage) -> None:
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="abc", algorithm=SHA-256, qop="auth"'
    uas = Scenario(
        "uas",
        (
            recv("INVITE", "CSeq: 1 INVITE", absent=["Proxy-Authorization"]),
            send(answer("407 Proxy Authentication Required", extra=challenge), retrans_ms=500),
            recv("ACK"),
            recv("INVITE", "CSeq: 2 INVITE", 'Proxy-Authorization: Digest username="tdgate", realm="carrier"', *JUDGED),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK", "CSeq: 2 ACK"),
            *B_IS_HUNG_UP,
        ),
    )
    await stage.play(Scenario("uac", (*ANSWERED, *A_HANGS_UP)), (uas, stage.first), host=CHALLENGED)


#: Via and Contact of an INVITE that came over TCP.
OVER_TCP = "".join(
    f'<ereg regexp="{each}" search_in="msg" check_it="true" assign_to="held"/>'
    for each in ("Via: SIP/2.0/TCP 127", "Contact: .*transport=tcp")
)


@pytest.mark.parametrize("transport", ["u1", "t1"], ids=["udp", "tcp"])
async def test_a_gateway_on_tcp_is_called_over_tcp(stage: SippStage, transport: str) -> None:
    """Via, Contact and later requests are of the transport of that side; the other one may be on another."""
    uas = Scenario(
        "uas",
        (
            KEPT.replace('request="INVITE"><action>', f'request="INVITE"><action>{OVER_TCP}'),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP),
            recv("ACK", "Via: SIP/2.0/TCP"),
            *B_KNOWS_IT,
            send(theirs("INVITE", 1), SDP + "a=inactive\n"),
            recv(100, optional=True),
            recv(200, "m=audio", "transport=tcp"),
            send(theirs("ACK", 1)),
            recv("BYE", "Via: SIP/2.0/TCP"),
            send(reply("200 OK")),
        ),
    )
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            *A_HAS_IT,
            recv("INVITE", "a=inactive", f"Via: SIP/2.0/{'UDP' if transport == 'u1' else 'TCP'}"),
            send(reply("200 OK"), SDP),
            recv("ACK"),
            *A_HANGS_UP,
        ),
    )
    await stage.play(uac, (uas, stage.stream), host=STREAMED, transport=transport, behind="t1")


async def test_a_trunk_on_tcp_calls_over_udp(stage: SippStage) -> None:
    uac = Scenario("uac", (*ANSWERED, *A_HANGS_UP))
    await stage.play(uac, (basic_uas(), stage.first), transport="t1")


async def test_a_gateway_that_gives_up_leads_to_the_next(stage: SippStage) -> None:
    """408 of a gateway says that nobody is behind it, as silence does."""
    uac = Scenario("uac", (*ANSWERED, *A_HANGS_UP))
    await stage.play(uac, (refusing("first", "408 Request Timeout"), stage.first), (basic_uas(), stage.second))
    assert [line["status"] for line in await stage.house.event("call.failed_over")] == [408]


async def test_the_last_gateway_s_answer_is_the_answer(stage: SippStage) -> None:
    both = [refusing(name, "503 Service Unavailable", "Retry-After: 7") for name in ("first", "other")]
    await stage.play(refused(503, absent=("Server: ",)), (both[0], stage.first), (both[1], stage.second))


async def test_a_fork_rings_twice_and_is_answered_twice(stage: SippStage) -> None:
    """Two dialogs of one gateway: both ring for leg A as one; the second 200 is acknowledged and ended at once."""
    uas = Scenario(
        "uas",
        (
            recv("INVITE", *JUDGED, kept={"via": "Via:", "from": "From:", "to": "To:"}),
            send(answer("180 Ringing", "one")),
            send(answer("183 Session Progress", "two"), SDP),
            send(answer("200 OK", "one"), SDP, retrans_ms=500),
            recv("ACK", "To: .*tag=one", "CSeq: 1 ACK"),
            send(
                """
                SIP/2.0 200 OK
                Via:[$via]
                From:[$from]
                To:[$to];tag=two
                [last_Call-ID:]
                CSeq: 1 INVITE
                Contact: <sip:two@[local_ip]:[local_port]>
                """,
                SDP,
            ),
            recv("ACK", "To: .*tag=two", "CSeq: 1 ACK", "ACK sip:two@"),
            recv("BYE", "To: .*tag=two", "BYE sip:two@"),
            send(reply("200 OK")),
            recv("BYE", "To: .*tag=one", "BYE sip:b@"),
            send(reply("200 OK")),
        ),
    )
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180, "To: .*tag="),
            recv(183, "m=audio 6000"),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 1)),
            # The second dialog is over before this one ends.
            pause(300),
            *A_HANGS_UP,
        ),
    )
    await stage.play(uac, (uas, stage.first))
    assert [line["by"] for line in await stage.house.event("call.ended")] == ["a"]
