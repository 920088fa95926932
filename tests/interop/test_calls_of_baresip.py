"""Two telephones (baresip), the real tdgate between them: they talk, and media goes straight from one to the other."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from tests.interop.callers import (
    ANOTHER,
    NAME,
    NUMBER,
    PASSWORD,
    PERSON,
    REFUSED,
    UNREGISTERED,
    CallHouse,
)
from tests.interop.peers.baresip import Baresip, sip_port

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

CALLER_HZ, CALLEE_HZ = 440, 1000
#: A quarter of a second of frames of 20 ms.
SOME = 13
A_WHILE = 40


@dataclass
class Line:
    house: CallHouse
    caller: Baresip
    unregistered: Baresip
    callee: Baresip

    async def dial(self, person: str, by: Baresip | None = None) -> None:
        await (by or self.caller).command("dial", f"sip:{person}@127.0.0.1:{self.house.sip}")

    async def closed(self, *telephones: Baresip) -> list[str]:
        """What each was told at the end of its call."""
        return [str((await each.event("CALL_CLOSED"))["param"]) for each in telephones]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def line(tmp_path_factory: pytest.TempPathFactory, caller_state: Path) -> AsyncIterator[Line]:
    """A caller that proves itself by digest, and one with a number of nobody's; the callee is the carrier's gateway."""
    folder = tmp_path_factory.mktemp("baresip")
    gateway = sip_port()
    proof = f";auth_user=callcentre;auth_pass={PASSWORD}"
    async with (
        Baresip("callee", folder, user=PERSON, tone_hz=CALLEE_HZ, port=gateway, account=";answermode=auto") as callee,
        Baresip("caller", folder, user=NUMBER, tone_hz=CALLER_HZ, account=proof, display="Fake Bank") as caller,
        Baresip("other", folder, user=UNREGISTERED, tone_hz=CALLER_HZ, account=proof) as other,
        CallHouse(caller_state, folder) as house,
    ):
        trunk = {"addresses": ["127.0.0.1/32"], "username": "callcentre", "password": PASSWORD}
        await house.open({"callcentre": trunk}, {"default": [gateway]}, algorithms=["MD5"])
        yield Line(house, caller, other, callee)
        await house.end()


async def test_two_people_talk_hold_and_hang_up(line: Line) -> None:
    caller, callee = line.caller, line.callee
    await line.dial(PERSON)
    await caller.event("CALL_ESTABLISHED")
    rang = await callee.event("CALL_ESTABLISHED")
    assert rang["peerdisplayname"] == NAME
    assert rang["peeruri"] == f"sip:{NUMBER}@127.0.0.1"
    await caller.talked(A_WHILE)
    await callee.talked(A_WHILE)

    for holder, held in ((caller, callee), (callee, caller)):
        before = len(held.messages)
        await holder.command("hold")
        await held.event("CALL_REMOTE_SDP", lambda one: one["param"] == "offer")
        await holder.event("CALL_REMOTE_SDP", lambda one: one["param"] == "answer")
        said = held.messages[before:]
        assert re.search(r"^INVITE .*?^a=sendonly", said, re.M | re.S)
        assert "a=recvonly" in said
        await holder.command("resume")
        await held.event("CALL_REMOTE_SDP", lambda one: one["param"] == "offer")
        await holder.event("CALL_REMOTE_SDP", lambda one: one["param"] == "answer")
        sent, received = await holder.packets()
        await holder.talked(max(sent, received) + SOME)
        sent, received = await held.packets()
        await held.talked(max(sent, received) + SOME)

    await caller.command("hangup")
    await line.closed(caller, callee)
    (record,) = await line.house.calls(1)
    assert (record.result, record.status, record.side) == ("answered", 200, "a")
    # Each heard the other's tone, and nothing else.
    assert abs(callee.heard_hz() - CALLER_HZ) < 20
    assert abs(caller.heard_hz() - CALLEE_HZ) < 20


async def test_the_called_person_hangs_up(line: Line) -> None:
    known = len(await line.house.calls(0))
    await line.dial(PERSON)
    await line.caller.event("CALL_ESTABLISHED")
    await line.callee.event("CALL_ESTABLISHED")
    await line.caller.talked(SOME)
    await line.callee.command("hangup")
    await line.closed(line.callee, line.caller)
    record = (await line.house.calls(known + 1))[-1]
    assert (record.result, record.side) == ("answered", "b")


async def test_a_refused_call_is_told_to_the_caller_and_rings_nowhere(line: Line) -> None:
    rang = len(line.callee.events)
    await line.dial(REFUSED)
    assert await line.closed(line.caller) == ["607 Unwanted"]
    await line.dial(PERSON, line.unregistered)
    assert await line.closed(line.unregistered) == ["403 Forbidden"]
    assert line.callee.events[rang:] == []
    assert {"suppression.active", "number.unregistered"} <= set(line.house.refused_by())


async def test_a_telephone_that_knows_nobody_of_that_number(line: Line) -> None:
    """The carrier's own refusal reaches the caller as it is."""
    await line.dial(ANOTHER)
    assert await line.closed(line.caller) == ["404 Not Found"]


async def test_neither_telephone_learns_of_the_other(line: Line) -> None:
    await line.dial(PERSON)
    await line.caller.event("CALL_ESTABLISHED")
    await line.caller.command("hangup")
    await line.closed(line.caller, line.callee)
    to_callee, to_caller = line.callee.heard, line.caller.heard
    assert any(one.startswith("INVITE") for one in to_callee)
    assert any(one.startswith("SIP/2.0 200") for one in to_caller)
    for head in to_callee:
        assert not re.search(rf"Fake Bank|callcentre|127\.0\.0\.1:{line.caller.port}|sip:{NUMBER}-", head), head
    for head in to_caller:
        assert not re.search(rf"127\.0\.0\.1:{line.callee.port}|sip:{PERSON}-", head), head
