"""Calls through the real process with the simulators on both sides, and what the status says of them."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from simulators.calls.settings import Answer, CallFaults, CallShape, UacSettings, UasSettings
from simulators.calls.uac import Uac
from simulators.calls.uas import Uas
from tests.tools.simulator_process import certificate
from tests.tools.sipp import free_port
from tests.wire.house import House, make_template
from tests.wire.people import IMPORTED, PERSONS, account, number, registry

pytestmark = pytest.mark.wire

EVER = {"since": "2026-01-01", "until": "2099-12-31"}
GIVEN = {"given": "2026-03-01", "until": "2099-12-31"}
PRESSES, DECLINES, ANSWERS, BUSY = PERSONS[1], PERSONS[2], PERSONS[3], PERSONS[4]
VOICE = registry(
    numbers=[number("95500", "jianglan", "marketing", channels=["sms", "voice"])],
    licences=[{"institution": "jianglan", "purposes": ["marketing"], "channels": ["voice"], **EVER}],
    accounts=[account("jl-voice", "jianglan", "marketing")],
    consents=[
        {"recipient": each, "institution": "jianglan", "channels": ["voice"], "source": "虚构", **GIVEN}
        for each in (PRESSES, DECLINES, ANSWERS, BUSY, IMPORTED)
    ],
)
LOSSY = CallFaults(lose_ack=1)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return make_template(tmp_path / "template", VOICE)


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(template, tmp_path / "house") as made:
        yield made


async def test_a_trunk_and_its_persons(house: House, tmp_path: Path) -> None:
    answers = [Answer(to=PRESSES, press="9", talk_s=0.0), Answer(to=DECLINES, status=607), Answer(to=BUSY, ring_s=60.0)]
    nobody = free_port()
    pem = certificate(tmp_path)
    secured = {"port": 0, "transport": "tls", "tls": {"certificate": str(pem), "key": str(pem)}}
    async with Uas(UasSettings(talk_s=-1.0), answers) as uas:
        tables: dict[str, Any] = {
            "sip": {"listeners": [{"port": 0}, {"port": 0, "transport": "tcp"}, secured], "t1_s": 0.05},
            "sip.trunks.callcentre": {
                "account": "jl-voice",
                "addresses": ["127.0.0.1/32"],
                "username": "callcentre",
                "password": "invented",
            },
            "sip.carriers.default": {
                "options_s": 0.2,
                "gateways": [{"port": uas.port}, {"port": nobody, "priority": 2}],
            },
        }
        await house.start(**tables)
        port = await house.until(lambda: house.ports.get("sip"))
        proof = {"username": "callcentre", "password": "invented"}
        async with Uac(UacSettings(port=port, talk_s=-1.0, faults=LOSSY, **proof)) as uac:
            pressed = await uac.call(PRESSES).ended()
            assert (pressed.status, pressed.ended_by, uas.calls[-1].pressed) == (200, "peer", [200])
            again = await uac.call(PRESSES).ended()
            imported = await uac.call(IMPORTED).ended()
            assert [(call.status, call.rule) for call in (again, imported)] == [(607, "suppression.active")] * 2
            assert (await uac.call(DECLINES).ended()).status == 607
            assert (await uac.call(BUSY, shape=CallShape(cancel_s=0.05)).ended()).status == 487
            held = uac.call(ANSWERS)
            await held.decided()
            assert uas.calls[-1].caller == "95500"
            status = await house.status(lambda one: one["trunks"][0]["cancelled"] == 1 and not one["gateways"][1]["up"])
            [trunk] = status["trunks"]
            assert trunk == {
                "name": "callcentre",
                "account": "jl-voice",
                "principal": "jianglan",
                "now": 1,
                "most": 1,
                "asked": 6,
                "permitted": 4,
                "refused": 2,
                "deferred": 0,
                "answered": 1,
                "declined": 1,
                "failed": 0,
                "cancelled": 1,
                "back": 0,
            }
            first, second = status["gateways"]
            assert (first["up"], first["asked"], first["watched"]) == (True, 4, True)
            assert (second["up"], second["asked"], second["port"]) == (False, 0, nobody)
            kinds = [(row["kind"], row["port"]) for row in status["listeners"] if row["kind"] != "smpp"]
            assert kinds == [(kind, house.ports[kind]) for kind in ("sip", "sip+tcp", "sip+tls")]
            assert {(row["channel"], row["rule"]) for row in status["latest"]} == {
                ("voice", ""),
                ("voice", "suppression.active"),
            }
            assert PRESSES[2:] not in house.status_path.read_text()
            held.hang_up()
            assert (await held.ended()).ended_by == "us"
            assert uac.figures.challenged == 6
            await house.status(lambda one: one["trunks"][0]["now"] == 0 and one["trunks"][0]["answered"] == 2)
        trusted = ssl.create_default_context(cafile=pem)
        for transport, tls in (("tcp", None), ("tls", trusted)):
            settings = UacSettings(port=house.ports[f"sip+{transport}"], transport=transport, **proof)  # type: ignore[arg-type]
            async with Uac(settings, tls=tls) as uac:
                assert (await uac.call("13800138009", "95599").ended()).rule == "number.unregistered"
                assert (await uac.call(ANSWERS).ended()).ended_by == "us"
        await house.end()
