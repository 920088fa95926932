"""A call that rang is a contact, one that did not is none, and calls count with messages: on the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.evidence.records import Call
from tests.tools.sipp import SDP, SIPP, Scenario, free_port, recv, send
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, make_template, text
from tests.wire.people import PERSONS
from tests.wire.test_calls_judged import VOICE, ack, answered, invite

pytestmark = [pytest.mark.wire, pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)")]

ROOT = Path(__file__).resolve().parents[2]
PERSON = PERSONS[1]
OFTEN = 0x0441
CAP = """
[[frequency]]
purposes = ["marketing"]
channels = ["sms", "voice"]
most = 2
hours = 24
basis = "product default"
"""


@pytest.fixture
def voice_registry(tmp_path: Path) -> Path:
    return make_template(tmp_path / "template", VOICE)


@pytest.fixture
async def house(voice_registry: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(voice_registry, tmp_path / "house") as made:
        yield made


async def called(house: House, gateway: int, ringing: bool, status: int) -> None:
    """One call: the carrier's side is busy, after ringing or at once; `status` is what the caller gets."""
    reached = status == 486
    rings = (recv(180),) if ringing and reached else ()
    uac = Scenario(
        "uac",
        (
            send(invite(PERSON), SDP, retrans_ms=500),
            recv(100, optional=True),
            *rings,
            recv(status, "" if reached else "Retry-After:"),
            send(ack(PERSON)),
        ),
    )
    busy = (*((send(answered("180 Ringing")),) if ringing else ()), send(answered("486 Busy Here")), recv("ACK"))
    uas = Scenario("uas", (recv("INVITE"), *busy))
    try:
        await uas.start(house.folder, local=gateway, remote=house.ports["sip"])
        await uac.start(house.folder, local=free_port(), remote=house.ports["sip"])
        await uac.done()
        if reached:
            await uas.done()
    finally:
        await uac.end()
        await uas.end()


async def test_a_call_that_rang_counts_with_the_messages(house: House) -> None:
    pack = house.folder / "own.toml"
    pack.write_text((ROOT / "config/packs/cn-open.toml").read_text(encoding="utf-8") + CAP, encoding="utf-8")
    gateway = free_port()
    tables = {
        "policy": {"pack": pack},
        "sip": {"listeners": [{"port": 0}]},
        "sip.trunks.callcentre": {"account": "jl-voice", "addresses": ["127.0.0.1/32"]},
        "sip.carriers.default": {"options_s": 0.0, "no_answer_s": 1.0, "gateways": [{"port": gateway}]},
    }
    await house.start(**tables)
    await house.until(lambda: house.ports.get("sip"))
    for _ in range(3):
        await called(house, gateway, ringing=False, status=486)
    await called(house, gateway, ringing=True, status=486)
    await house.record(lambda one: isinstance(one, Call) and one.rang_us > 0)
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSON))).status == 0
    assert (await esme.request(SUBMIT_SM, text("10690001", PERSON))).status == OFTEN
    await called(house, gateway, ringing=True, status=603)
    assert house.refused_by() == ["frequency.cap"] * 2
    await house.end()
