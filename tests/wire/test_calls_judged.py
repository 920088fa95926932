"""Calls through the real process with the real policy: SIPp on both sides, a registry with a voice number."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Call
from tests.tools.sipp import KEPT, SDP, SIPP, Scenario, free_port, message, recv, send
from tests.wire.house import House, make_template
from tests.wire.people import IMPORTED, PERSONS, account, number, registry

pytestmark = [pytest.mark.wire, pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)")]

EVER = {"since": "2026-01-01", "until": "2099-12-31"}
GIVEN = {"given": "2026-03-01", "until": "2099-12-31"}
VOICE = registry(
    numbers=[number("95500", "jianglan", "marketing", channels=["sms", "voice"])],
    licences=[{"institution": "jianglan", "purposes": ["marketing"], "channels": ["voice"], **EVER}],
    accounts=[account("jl-voice", "jianglan", "marketing")],
    consents=[
        {"recipient": each, "institution": "jianglan", "channels": ["voice"], "source": "虚构", **GIVEN}
        for each in (PERSONS[1], PERSONS[2], IMPORTED)
    ],
)


@pytest.fixture(scope="module")
def voice_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("voice") / "template", VOICE)


@pytest.fixture
async def house(voice_template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(voice_template, tmp_path) as made:
        yield made


async def started(house: House, gateway: int, **trunk: Any) -> int:
    """The process with one gateway; the port on which it takes calls."""
    tables: dict[str, Any] = {
        "sip": {"listeners": [{"port": 0}]},
        "sip.trunks.callcentre": {"account": "jl-voice", "addresses": ["127.0.0.1/32"], **trunk},
        "sip.carriers.default": {"options_s": 0.0, "no_answer_s": 1.0, "gateways": [{"port": gateway}]},
    }
    await house.start(**tables)
    return await house.until(lambda: house.ports.get("sip"))


def invite(person: str, caller: str = "95500") -> str:
    return f"""
    INVITE sip:{person}@[remote_ip]:[remote_port] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From: "Somebody else" <sip:{caller}@pbx.example>;tag=[pid]a[call_number]
    To: <sip:{person}@pbx.example>
    Call-ID: [call_id]
    CSeq: 1 INVITE
    Contact: <sip:95500@[local_ip]:[local_port]>
    """.rstrip()


def ack(person: str, caller: str = "95500") -> str:
    return f"""
    ACK sip:{person}@[remote_ip]:[remote_port] SIP/2.0
    [last_Via:]
    Max-Forwards: 70
    From: "Somebody else" <sip:{caller}@pbx.example>;tag=[pid]a[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: 1 ACK
    """


def inside(method: str, number: int) -> str:
    return f"""
    {method} [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From: "Somebody else" <sip:95500@pbx.example>;tag=[pid]a[call_number]
    [last_To:]
    Call-ID: [call_id]
    CSeq: {number} {method}
    Contact: <sip:95500@[local_ip]:[local_port]>
    """.rstrip()


def answered(status: str) -> str:
    return f"""
    SIP/2.0 {status}
    [last_Via:]
    [last_From:]
    [last_To:];tag=[pid]b[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port]>
    """.rstrip()


def theirs(method: str, number: int) -> str:
    """A request of the UAS inside the dialog."""
    return f"""
    {method} [$target] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From:[$to];tag=[pid]b[call_number]
    To:[$from]
    [last_Call-ID:]
    CSeq: {number} {method}
    Contact: <sip:b@[local_ip]:[local_port]>
    """.rstrip()


async def test_a_permitted_call_passes_and_is_on_record(house: House) -> None:
    gateway = free_port()
    port = await started(house, gateway)
    uac = Scenario(
        "uac",
        (
            send(invite(PERSONS[1]), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180),
            recv(200, more='rrs="true"'),
            send(inside("ACK", 1)),
            send(inside("BYE", 2), retrans_ms=500),
            recv(200),
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE", 'From: "江澜银行（虚构）" <sip:95500@', absent=["Somebody else", "pbx.example"]),
            send(answered("180 Ringing")),
            send(answered("200 OK"), SDP, retrans_ms=500),
            recv("ACK"),
            recv("BYE"),
            send(answered("200 OK").replace(";tag=[pid]b[call_number]", "")),
        ),
    )
    try:
        await uas.start(house.folder, local=gateway, remote=port)
        await uac.start(house.folder, local=free_port(), remote=port)
        await uac.done()
        await uas.done()
    finally:
        await uac.end()
        await uas.end()
    (record,) = await house.record(lambda one: isinstance(one, Call))
    assert (record.result, record.status, record.side, record.carrier) == ("answered", 200, "a", "default")
    assert house.refused_by() == []
    await house.end()


@pytest.mark.parametrize(
    ("person", "caller", "status", "rule"),
    [
        (IMPORTED, "95500", 607, "suppression.active"),
        (PERSONS[1], "95501", 403, "number.unregistered"),
        (PERSONS[1], "anonymous", 403, "caller.identity"),
        ("not-a-number", "95500", 484, "address.invalid"),
    ],
)
async def test_a_refused_call_is_answered_and_on_record(
    house: House, person: str, caller: str, status: int, rule: str
) -> None:
    gateway = free_port()
    port = await started(house, gateway)
    uac = Scenario(
        "uac",
        (
            send(invite(person, caller), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(status, f'Reason: Q.850;cause=21;text="{rule}"'),
            send(ack(person, caller)),
        ),
    )
    carrier = Scenario("uas", (recv("INVITE"),))
    try:
        await carrier.start(house.folder, local=gateway, remote=port)
        await uac.start(house.folder, local=free_port(), remote=port)
        await uac.done()
        assert carrier.received("INVITE") == []
    finally:
        await uac.end()
        await carrier.end()
    assert house.refused_by() == [rule]
    await house.end()


async def test_a_key_that_is_pressed_closes_both_channels(house: House) -> None:
    """The person presses 9: on record at once, the next call and the next message of that institution are refused."""
    gateway = free_port()
    port = await started(house, gateway)
    person = PERSONS[2]
    uac = Scenario(
        "uac",
        (
            send(invite(person), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(200, more='rrs="true"'),
            send(inside("ACK", 1)),
            recv("INFO", "Signal=9"),
            send(answered("200 OK").replace(";tag=[pid]b[call_number]", "")),
            recv("BYE"),
            send(answered("200 OK").replace(";tag=[pid]b[call_number]", "")),
        ),
    )
    info = message(theirs("INFO", 1) + "\nContent-Type: application/dtmf-relay") + "Signal=9\nDuration=100\n"
    uas = Scenario(
        "uas",
        (
            KEPT,
            send(answered("200 OK"), SDP, retrans_ms=500),
            recv("ACK"),
            f'<send retrans="500"><![CDATA[\n{info}\n]]></send>',
            recv(200),
            send(theirs("BYE", 2), retrans_ms=500),
            recv(200),
        ),
    )
    again = Scenario(
        "again",
        (
            send(invite(person), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(607, 'text="suppression.active"'),
            send(ack(person)),
        ),
    )
    try:
        await uas.start(house.folder, local=gateway, remote=port)
        await uac.start(house.folder, local=free_port(), remote=port)
        await uac.done()
        await uas.done()
        await again.start(house.folder, local=free_port(), remote=port)
        await again.done()
    finally:
        for each in (uac, uas, again):
            await each.end()
    (suppression,) = house.suppressions()
    assert (suppression.source, suppression.channel) == ("keypad", "voice")
    assert house.refused_by() == ["suppression.active"]
    await house.end()
