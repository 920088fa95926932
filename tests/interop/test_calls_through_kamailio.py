"""Kamailio as the carrier's proxy behind the real tdgate, and in front as the call centre's; SIPp at both ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from proxy.evidence.records import Call
from tests.interop.callers import ANOTHER, NAME, NUMBER, PERSON, CallHouse, ports
from tests.interop.peers.kamailio import FRONT_HOST, PASSWORD, Kamailio
from tests.interop.sipp_sides import (
    SECRETS,
    answer,
    asked,
    calls,
    hangs_up,
    inside,
    is_cancelled,
    is_hung_up,
    is_refused,
    reply,
    theirs,
)
from tests.interop.stage import Stage
from tests.tools.sipp import KEPT, SDP, SIPP, free_port, pause, recv, send

pytestmark = [
    pytest.mark.interop,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)"),
]

#: A trunk for each carrier: known by its address.
PLAIN, FAILING, PROVING, WATCHED = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.5"


class Proxied(Stage):
    kamailio: Kamailio
    straight: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory, caller_state: Path) -> AsyncIterator[Proxied]:
    folder = tmp_path_factory.mktemp("kamailio")
    straight = free_port()
    async with Kamailio(folder, forked=ANOTHER) as kamailio, CallHouse(caller_state, folder) as house:
        trunks = {
            "plain": {"addresses": [f"{PLAIN}/32"], "carrier": "plain"},
            "failing": {"addresses": [f"{FAILING}/32"], "carrier": "failing"},
            "proving": {"addresses": [f"{PROVING}/32"], "carrier": "proving"},
            "watched": {"addresses": [f"{WATCHED}/32"], "carrier": "watched"},
            "front": {"addresses": [f"{FRONT_HOST}/32"], "carrier": "straight"},
        }
        proof = {"username": "tdgate", "password": PASSWORD}
        carriers = {
            "plain": [kamailio.carrier],
            "failing": [kamailio.busy, kamailio.carrier],
            "proving": {"gateways": ports(kamailio.digest), **proof},
            "watched": {"gateways": ports(kamailio.moody), "options_s": 0.2},
            "straight": [straight],
        }
        await house.open(trunks, carriers)
        made = Proxied(house, folder)
        made.kamailio, made.straight = kamailio, straight
        yield made
        await house.end()


def invited(kamailio: Kamailio, port: int, *holds: str, absent: tuple[str, ...] = ()) -> str:
    """The INVITE as it comes out of Kamailio: by its route, with the judged identity."""
    return recv(
        "INVITE",
        rf"Record-Route: <sip:127\.0\.0\.1:{port};lr",
        rf"Via: SIP/2\.0/UDP 127\.0\.0\.1:{port}",
        rf'From: "{NAME}" <sip:{NUMBER}@127\.0\.0\.1>',
        rf'P-Asserted-Identity: "{NAME}" <sip:{NUMBER}@127\.0\.0\.1>',
        *holds,
        absent=(*SECRETS, *absent),
        more='rrs="true"',
    )


def through(port: int) -> str:
    return rf"Via: SIP/2\.0/UDP 127\.0\.0\.1:{port}"


async def test_requests_in_the_call_go_by_the_route_that_kamailio_recorded(line: Proxied) -> None:
    port = line.kamailio.carrier
    hidden = (f"127.0.0.1:{port}", "Record-Route", "Behind/1")
    uas = (
        invited(line.kamailio, port),
        send(answer("180 Ringing")),
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK", through(port), r"ACK sip:b@127\.0\.0\.1", absent=["Route: "]),
        recv("INVITE", through(port), "a=sendonly", absent=SECRETS),
        send(reply("200 OK"), SDP + "a=recvonly\n", retrans_ms=500),
        recv("ACK", through(port)),
        recv("BYE", through(port)),
        send(reply("200 OK")),
    )
    uac = (
        *calls(PERSON, absent=hidden),
        send(inside("INVITE", 2, PERSON), SDP + "a=sendonly\n", retrans_ms=500),
        recv(100, optional=True),
        recv(200, "a=recvonly", absent=hidden),
        send(inside("ACK", 2, PERSON)),
        send(inside("BYE", 3, PERSON), retrans_ms=500),
        recv(200),
    )
    await line.play(uac, (uas, line.kamailio.first), host=PLAIN)


async def test_the_called_side_asks_again_and_hangs_up_through_kamailio(line: Proxied) -> None:
    port = line.kamailio.carrier
    uas = (
        KEPT.replace('request="INVITE"', 'request="INVITE" rrs="true"'),
        send(answer("180 Ringing")),
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK", through(port)),
        # Until leg A has acknowledged too, whoever asks again is told to wait (491).
        recv("INFO", through(port)),
        send(reply("200 OK")),
        send(theirs("INVITE", 1), SDP + "a=inactive\n", retrans_ms=500),
        recv(100, optional=True),
        recv(200, "m=audio 6000"),
        send(theirs("ACK", 1)),
        send(theirs("BYE", 2), retrans_ms=500),
        recv(200),
    )
    uac = (
        *calls(PERSON),
        send(inside("INFO", 2, PERSON), retrans_ms=500),
        recv(200),
        recv("INVITE", "a=inactive", absent=[f"127.0.0.1:{port}"]),
        send(reply("200 OK"), SDP, retrans_ms=500),
        recv("ACK"),
        recv("BYE", absent=[f"127.0.0.1:{port}"]),
        send(reply("200 OK")),
    )
    await line.play(uac, (uas, line.kamailio.first), host=PLAIN)


async def test_a_call_is_cancelled_through_kamailio(line: Proxied) -> None:
    uas = (
        '<recv request="INVITE"><action>'
        '<ereg regexp=".*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>'
        '<ereg regexp="SIP.*" search_in="hdr" header="Via:" occurrence="2" check_it="true" assign_to="held"/>'
        "</action></recv>",
        send(answer("180 Ringing")),
        recv("CANCEL"),
        send(reply("200 OK")),
        send(
            """
            SIP/2.0 487 Request Terminated
            Via:[$via]
            Via: [$held]
            [last_From:]
            [last_To:];tag=[pid]b[call_number]
            [last_Call-ID:]
            CSeq: 1 INVITE
            """,
            retrans_ms=500,
        ),
        recv("ACK"),
    )
    await line.play(is_cancelled(PERSON), (uas, line.kamailio.first), host=PLAIN)


async def test_kamailio_without_circuits_leads_to_the_next_gateway(line: Proxied) -> None:
    uas = (
        invited(line.kamailio, line.kamailio.carrier),
        send(answer("180 Ringing")),
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK"),
        *is_hung_up(),
    )
    await line.play((*calls(PERSON), *hangs_up(PERSON)), (uas, line.kamailio.first), host=FAILING)
    (over,) = await line.house.event("call.failed_over")
    assert (over["status"], over["gateway"]) == (503, f"127.0.0.1:{line.kamailio.busy}")


async def test_kamailio_asks_for_credentials_and_gets_them(line: Proxied) -> None:
    """SHA-256 with qop; it takes them off before it passes the INVITE on."""
    uas = (
        invited(line.kamailio, line.kamailio.digest, "CSeq: 2 INVITE", absent=("Proxy-Authorization",)),
        send(answer("180 Ringing")),
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK", "CSeq: 2 ACK"),
        *is_hung_up(),
    )
    await line.play((*calls(PERSON), *hangs_up(PERSON)), (uas, line.kamailio.first), host=PROVING)


async def test_a_kamailio_that_answers_options_with_503_gets_no_calls(line: Proxied) -> None:
    await line.kamailio.mood(1)
    await line.house.event("gateway.down", gateway=f"127.0.0.1:{line.kamailio.moody}")
    await line.play(is_refused(PERSON, 503, absent=("Contact",)), host=WATCHED)
    await line.kamailio.mood(0)
    await line.house.event("gateway.up", gateway=f"127.0.0.1:{line.kamailio.moody}")
    uas = (
        invited(line.kamailio, line.kamailio.moody),
        send(answer("180 Ringing")),
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK"),
        *is_hung_up(),
    )
    await line.play((*calls(PERSON), *hangs_up(PERSON)), (uas, line.kamailio.first), host=WATCHED)


async def test_kamailio_forks_and_one_answers(line: Proxied) -> None:
    """Both ring; the one that did not answer is cancelled by Kamailio, and its 487 is nobody's business."""
    rings = (
        '<recv request="INVITE"><action>'
        '<ereg regexp=".*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>'
        '<ereg regexp="SIP.*" search_in="hdr" header="Via:" occurrence="2" check_it="true" assign_to="held"/>'
        "</action></recv>",
        send(answer("180 Ringing", "first")),
        recv("CANCEL"),
        send(reply("200 OK")),
        send(
            """
            SIP/2.0 487 Request Terminated
            Via:[$via]
            Via: [$held]
            [last_From:]
            [last_To:];tag=first
            [last_Call-ID:]
            CSeq: 1 INVITE
            """,
            retrans_ms=500,
        ),
        recv("ACK"),
    )
    answers = (
        invited(line.kamailio, line.kamailio.carrier),
        pause(200),
        send(answer("183 Session Progress", "second"), SDP),
        pause(200),
        send(answer("200 OK", "second"), SDP, retrans_ms=500),
        recv("ACK"),
        *is_hung_up(),
    )
    uac = (
        send(asked("INVITE", ANOTHER), SDP, retrans_ms=500),
        recv(100, optional=True),
        recv(180),
        recv(183, "m=audio 6000"),
        recv(200, "m=audio 6000", more='rrs="true"'),
        send(inside("ACK", 1, ANOTHER)),
        *hangs_up(ANOTHER),
    )
    await line.play(uac, (rings, line.kamailio.first), (answers, line.kamailio.second), host=PLAIN)


async def test_kamailio_forks_and_both_answer(line: Proxied) -> None:
    """Two 200: the first is the call, the second is acknowledged and ended at once (RFC 3261 §13.2.2.4)."""
    first = (
        invited(line.kamailio, line.kamailio.carrier),
        send(answer("200 OK", "first"), SDP, retrans_ms=500),
        recv("ACK", "tag=first"),
        recv("BYE", "tag=first"),
        send(reply("200 OK")),
    )
    second = tuple(each.replace("first", "second") for each in first)
    uac = (
        send(asked("INVITE", ANOTHER), SDP, retrans_ms=500),
        recv(100, optional=True),
        recv(200, "m=audio 6000", more='rrs="true"'),
        send(inside("ACK", 1, ANOTHER)),
        # The other one has been ended by now, or is ended meanwhile.
        pause(300),
        *hangs_up(ANOTHER),
    )
    await line.play(uac, (first, line.kamailio.first), (second, line.kamailio.second), host=PLAIN)


async def test_kamailio_in_front_is_on_the_way_of_every_request(line: Proxied) -> None:
    """The call centre's own proxy: it adds Via and Record-Route, and none of its names comes out at the carrier."""
    front = line.kamailio.front
    hidden = (FRONT_HOST, f":{front}", "Record-Route", *SECRETS)
    uas = (
        recv(
            "INVITE",
            rf'From: "{NAME}" <sip:{NUMBER}@127\.0\.0\.1>',
            "Max-Forwards: 1[0-9]",
            absent=hidden,
        ),
        send(answer("180 Ringing")),
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK", absent=hidden),
        *is_hung_up(),
    )
    recorded = (rf"Record-Route: <sip:{FRONT_HOST}:{front};lr", r"Contact: <sip:tdgate@127\.0\.0\.1")
    uac = (
        *calls(PERSON, *recorded, more=f"X-Next: {line.house.sip}"),
        *hangs_up(PERSON),
    )
    await line.play(uac, (uas, line.straight), host=PLAIN, to=(FRONT_HOST, front))
    await line.house.record(lambda one: isinstance(one, Call) and (one.carrier, one.result) == ("straight", "answered"))


async def test_the_called_side_hangs_up_behind_a_kamailio_in_front(line: Proxied) -> None:
    """Our own BYE towards leg A has Kamailio's Record-Route as its Route, and reaches the caller through it."""
    front = line.kamailio.front
    uas = (
        KEPT,
        send(answer("180 Ringing")),
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK"),
        send(theirs("BYE", 1), retrans_ms=500),
        recv(200),
    )
    uac = (
        *calls(PERSON, more=f"X-Next: {line.house.sip}"),
        recv("BYE", rf"Via: SIP/2\.0/UDP {FRONT_HOST}:{front}", rf"BYE sip:{NUMBER}@"),
        send(reply("200 OK")),
    )
    await line.play(uac, (uas, line.straight), host=PLAIN, to=(FRONT_HOST, front))
