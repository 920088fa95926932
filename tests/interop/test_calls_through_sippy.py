"""sippy's b2bua_simple as the carrier behind the real tdgate; SIPp at both ends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop.callers import NUMBER, PERSON, CallHouse, ports
from tests.interop.peers.sippy import Sippy
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
)
from tests.interop.sipp_sides import theirs as sent_by_callee
from tests.interop.stage import Stage
from tests.tools.sipp import KEPT, SDP, SIPP, free_port, pause, recv, send

pytestmark = [
    pytest.mark.interop,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)"),
]

#: sippy's sender threads may reorder a 180 and a 200 that come back to back.
A_MOMENT = pause(100)


class SippyStage(Stage):
    sippy: Sippy
    behind: int


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(tmp_path_factory: pytest.TempPathFactory, caller_state: Path) -> AsyncIterator[SippyStage]:
    folder = tmp_path_factory.mktemp("through-sippy")
    behind = free_port()
    async with Sippy(folder, behind=behind) as sippy, CallHouse(caller_state, folder) as house:
        carrier = {"gateways": ports(sippy.port), "options_s": 0.3}
        await house.open({"callcentre": {"addresses": ["127.0.0.1/32"]}}, {"default": carrier})
        made = SippyStage(house, folder)
        made.sippy, made.behind = sippy, behind
        yield made
        # It has no OPTIONS (501), and lives: nobody calls it down.
        assert "OPTIONS sip:" in sippy.messages
        assert house.logged("gateway.down") == []
        await house.end()


async def test_a_call_is_held_and_ended_by_the_caller(stage: SippyStage) -> None:
    uas = (
        recv("INVITE", f"<sip:{NUMBER}@", f"INVITE sip:{PERSON}@", "m=audio 6000", absent=SECRETS),
        send(answer("180 Ringing")),
        A_MOMENT,
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK"),
        recv("INVITE", "a=sendonly", absent=SECRETS),
        send(reply("200 OK"), SDP + "a=recvonly\n", retrans_ms=500),
        recv("ACK"),
        *is_hung_up(),
    )
    hidden = ("Sippy", f"127.0.0.1:{stage.sippy.port}", f"127.0.0.1:{stage.behind}")
    uac = (
        *calls(PERSON, absent=hidden),
        A_MOMENT,
        send(inside("INVITE", 2, PERSON), SDP + "a=sendonly\n", retrans_ms=500),
        recv(100, optional=True),
        recv(200, "a=recvonly", absent=hidden),
        send(inside("ACK", 2, PERSON)),
        A_MOMENT,
        send(inside("BYE", 3, PERSON), retrans_ms=500),
        recv(200),
    )
    await stage.play(uac, (uas, stage.behind))


async def test_a_call_is_held_and_ended_by_the_called_side(stage: SippyStage) -> None:
    uas = (
        KEPT,
        send(answer("180 Ringing")),
        A_MOMENT,
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK"),
        # Until leg A has acknowledged too, whoever asks again is told to wait (491).
        recv("INFO"),
        send(reply("200 OK")),
        send(sent_by_callee("INVITE", 1), SDP + "a=sendonly\n", retrans_ms=500),
        recv(100, optional=True),
        recv(200, "a=recvonly"),
        send(sent_by_callee("ACK", 1)),
        A_MOMENT,
        send(sent_by_callee("BYE", 2), retrans_ms=500),
        recv(200),
    )
    uac = (
        *calls(PERSON),
        send(inside("INFO", 2, PERSON), retrans_ms=500),
        recv(200),
        recv("INVITE", "a=sendonly"),
        send(reply("200 OK"), SDP + "a=recvonly\n", retrans_ms=500),
        recv("ACK"),
        recv("BYE"),
        send(reply("200 OK")),
    )
    await stage.play(uac, (uas, stage.behind))


async def test_a_refusal_behind_it_comes_back(stage: SippyStage) -> None:
    uas = (recv("INVITE"), send(answer("486 Busy Here"), retrans_ms=500), recv("ACK"))
    await stage.play(is_refused(PERSON, 486, absent=("Contact", "Sippy")), (uas, stage.behind))


async def test_a_call_is_cancelled_behind_it(stage: SippyStage) -> None:
    uas = (
        '<recv request="INVITE"><action>'
        '<ereg regexp=".*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>'
        "</action></recv>",
        send(answer("180 Ringing")),
        recv("CANCEL"),
        send(reply("200 OK")),
        send(
            """
            SIP/2.0 487 Request Terminated
            Via:[$via]
            [last_From:]
            [last_To:];tag=[pid]b[call_number]
            [last_Call-ID:]
            CSeq: 1 INVITE
            """.replace("CSeq: 1", "CSeq: [cseq]"),
            retrans_ms=500,
        ),
        recv("ACK"),
    )
    await stage.play(is_cancelled(PERSON), (uas, stage.behind))


async def test_early_media_passes_it(stage: SippyStage) -> None:
    uas = (
        recv("INVITE"),
        send(answer("183 Session Progress"), SDP),
        A_MOMENT,
        send(answer("200 OK"), SDP, retrans_ms=500),
        recv("ACK"),
        *is_hung_up(),
    )
    uac = (
        send(asked("INVITE", PERSON), SDP, retrans_ms=500),
        recv(100, optional=True),
        recv(183, "m=audio 6000", "Content-Type: application/sdp"),
        recv(200, more='rrs="true"'),
        send(inside("ACK", 1, PERSON)),
        A_MOMENT,
        *hangs_up(PERSON),
    )
    await stage.play(uac, (uas, stage.behind))
