"""The number library on the socket: a segment, an attestation, a number on its way in; each binds on the next PDU."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Note
from tests.tools.sipp import SDP, SIPP, Scenario, free_port, recv, send
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import ROOT, House, make_template, text
from tests.wire.people import PERSONS, account, number, registry
from tests.wire.test_calls_judged import ack, answered, invite

pytestmark = pytest.mark.wire

EVER = {"since": "2026-01-01", "until": "2099-12-31"}
BOTH = ["sms", "voice"]
LIBRARY = registry(
    institutions=[{"id": "juke", "name": "聚客商城（虚构）", "kind": "other"}],
    licences=[{"institution": "juke", "purposes": ["marketing"], "channels": BOTH, **EVER}],
    numbers=[
        number("10690551", "jianglan", "marketing"),
        number("10690552", "juke", "marketing"),
        number("10690553", "jianglan", "service"),
        number("95577", "juke", "marketing", channels=BOTH),
    ],
    accounts=[account("jk", "juke", "marketing"), account("jk-voice", "juke", "marketing")],
    consents=[
        {"recipient": PERSONS[1], "institution": who, "channels": BOTH, "given": "2026-03-01", "source": "虚构"}
        for who in ("jianglan", "juke")
    ],
) | {
    "liaisons": [{"institution": "jianglan", "name": "林一（虚构）", "contact": "0571-88880000", **EVER}],
}
SEGMENT = {"id": "finance", "first": "1069055", "last": "1069059", "channels": ["sms"], "purposes": ["marketing"]}
SEGMENTS = [
    {**SEGMENT, "department": "主管部门（虚构）", **EVER},
    {**SEGMENT, "id": "hotlines", "first": "955", "last": "955", "channels": BOTH, "department": "同上", **EVER},
]


@pytest.fixture(scope="module")
def library_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("library") / "template", LIBRARY)


@pytest.fixture
async def house(library_template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(library_template, tmp_path) as made:
        yield made


async def imported(house: House, document: dict[str, Any]) -> None:
    path = house.folder / "more.json"
    path.write_text(json.dumps(document, ensure_ascii=False), "utf-8")
    assert (await house.command("registry", "import", path))[0] == 0


async def test_a_segment_closes_numbers_to_whoever_is_no_financial_institution(house: House) -> None:
    await house.start()
    bank, service, shop = await house.bind("jl"), await house.bind("jl-svc"), await house.bind("jk")

    async def asked() -> list[int]:
        return [
            int((await one.request(SUBMIT_SM, text(source, PERSONS[1]))).status)
            for one, source in ((bank, "10690551"), (service, "10690553"), (shop, "10690552"))
        ]

    assert await asked() == [0, 0, 0]
    await imported(house, {"segments": SEGMENTS})
    assert await asked() == [0, 0x041B, 0x041B]
    assert house.refused_by() == ["segment.misuse"] * 2
    await house.end()


@pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)")
async def test_a_segment_closes_calls_too(house: House) -> None:
    gateway = free_port()
    tables: dict[str, Any] = {
        "sip": {"listeners": [{"port": 0}]},
        "sip.trunks.shop": {"account": "jk-voice", "addresses": ["127.0.0.1/32"]},
        "sip.carriers.default": {"options_s": 0.0, "no_answer_s": 1.0, "gateways": [{"port": gateway}]},
    }
    await house.start(**tables)
    port = await house.until(lambda: house.ports.get("sip"))
    carrier = Scenario("uas", (recv("INVITE"), send(answered("486 Busy Here")), recv("ACK")))
    for status, more in ((486, ""), (403, 'Reason: Q.850;cause=21;text="segment.misuse"')):
        called = (send(invite(PERSONS[1], "95577"), SDP, retrans_ms=500), recv(100, optional=True))
        uac = Scenario("uac", (*called, recv(status, more), send(ack(PERSONS[1], "95577"))))
        try:
            if status == 486:
                await carrier.start(house.folder, local=gateway, remote=port)
            await uac.start(house.folder, local=free_port(), remote=port)
            await uac.done()
        finally:
            await uac.end()
            await carrier.end()
        await imported(house, {"segments": SEGMENTS})
    assert house.refused_by() == ["segment.misuse"]
    await house.end()


async def test_a_library_that_nobody_attested_is_stale_where_the_pack_asks(house: House) -> None:
    pack = house.folder / "asks.toml"
    asks = '\n[library]\nattest_days = 30\nbasis = "product default"\n'
    pack.write_text((ROOT / "config/packs/cn-open.toml").read_text("utf-8") + asks, "utf-8")
    await house.start(policy={"pack": pack})
    bank, service = await house.bind("jl"), await house.bind("jl-svc")
    assert (await bank.request(SUBMIT_SM, text())).status == 0x041D
    assert (await service.request(SUBMIT_SM, text("10690002"))).status == 0
    assert (await house.command("registry", "attest", "jianglan", "--by", "林一（虚构）"))[0] == 0
    assert (await bank.request(SUBMIT_SM, text())).status == 0
    assert house.refused_by() == ["library.stale"]
    (note,) = await house.record(lambda one: isinstance(one, Note) and one.topic == "library.attested")
    assert note.actor == "林一（虚构）"
    await house.end()


async def test_a_number_works_when_it_was_accepted(house: House) -> None:
    await house.start()
    await imported(house, {"segments": SEGMENTS})
    bank = await house.bind("jl")
    what = ("--principal", "jianglan", "--telecom", "示例通信（虚构）", "--channels", "sms", "--purposes", "marketing")
    period = ("--since", "2026-01-01", "--until", "2099-12-31")
    applied = ("registry", "number", "apply", "10690559", *what, *period, "--by", "甲", "--json")
    code, told, _ = await house.command(*applied)
    assert code == 0
    intake = json.loads(told)["id"]
    assert (await bank.request(SUBMIT_SM, text("10690559"))).status == 0x0418
    assert (await house.command("registry", "intake", "accept", intake, "--by", "甲"))[0] == 1
    assert (await house.command("registry", "intake", "accept", intake, "--by", "乙"))[0] == 0
    assert (await bank.request(SUBMIT_SM, text("10690559"))).status == 0
    # The import of the house's own numbers is the first to be added.
    await house.record(lambda one: isinstance(one, Note) and one.topic == "number.added", 2)
    topics = [one.topic for one in house.records() if isinstance(one, Note) and one.topic[:7] == "number."]
    assert topics == ["number.added", "number.applied", "number.added"]
    await house.end()
