"""A person refuses in a call and is left alone on both channels: the real process between SIPp, and an ESME beside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.core.purposes import ALL_MARKETING
from tests.tools.sipp import KEPT, SDP, SIPP, Scenario, free_port, message, recv, send
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, make_template, tdgate, text
from tests.wire.people import PERSONS
from tests.wire.sipp_words import answer, reply, theirs
from tests.wire.test_calls_judged import VOICE, ack, inside, invite

pytestmark = [pytest.mark.wire, pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)")]

PERSON = PERSONS[1]
REFUSED = 0x0429


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("refusing") / "template", VOICE)


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(template, tmp_path) as made:
        yield made


async def started(house: House, gateway: int, **carrier: Any) -> int:
    await house.start(
        **{
            "sip": {"listeners": [{"port": 0}]},
            "sip.trunks.callcentre": {"account": "jl-voice", "addresses": ["127.0.0.1/32"]},
            "sip.carriers.default": {
                "options_s": 0.0, "no_answer_s": 1.0, "gateways": [{"port": gateway}], **carrier
            },
        }
    )  # fmt: skip
    return await house.until(lambda: house.ports.get("sip"))


async def play(house: House, port: int, uac: Scenario, uas: Scenario | None = None, gateway: int = 0) -> None:
    sides = [uas, uac] if uas is not None else [uac]
    try:
        if uas is not None:
            await uas.start(house.folder, local=gateway, remote=port)
        await uac.start(house.folder, local=free_port(), remote=port)
        for side in reversed(sides):
            await side.done()
    finally:
        for side in sides:
            await side.end()


CALL = (
    send(invite(PERSON), SDP, retrans_ms=500),
    recv(100, optional=True),
    recv(180),
    recv(200, more='rrs="true"'),
    send(inside("ACK", 1)),
)
TAKEN = (KEPT, send(answer("180 Ringing")), send(answer("200 OK"), SDP, retrans_ms=500), recv("ACK"))


def failing(status: int, *holds: str) -> Scenario:
    steps = (
        send(invite(PERSON), SDP, retrans_ms=500),
        recv(100, optional=True),
        recv(status, *holds),
        send(ack(PERSON)),
    )
    return Scenario(f"failing{status}", steps)


async def is_left_alone(house: House, port: int, source: str) -> None:
    """The next message and the next call are refused; the evidence says why, and the export how it began."""
    await house.until(lambda: house.suppressions() or None)
    (record,) = house.suppressions()
    assert (record.channel, record.source, record.closes) == ("voice", source, ALL_MARKETING)
    assert record.institutions == ("jianglan",)
    assert record.decision in [one.id for one in house.decisions()]
    await play(house, port, failing(607, 'Reason: Q.850;cause=21;text="suppression.active"'))
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text(to=PERSON))).status == REFUSED
    code, rows, _ = await tdgate("calls", "export", "--config", house.config, "--json")
    assert code == 0
    assert rows.splitlines()[-1].count("refused_here") == 1


@pytest.mark.parametrize(
    ("kind", "body"), [("application/dtmf-relay", "Signal=9\nDuration=160\n"), ("application/dtmf", "9")]
)
async def test_the_key_closes_messages_and_calls(house: House, kind: str, body: str) -> None:
    gateway = free_port()
    port = await started(house, gateway)
    info = message(theirs("INFO", 1, f"Content-Type: {kind}"))
    uas = Scenario(
        "uas",
        (
            *TAKEN,
            f'<send retrans="500"><![CDATA[\n{info}{body}\n]]></send>',
            recv(200),
            recv("BYE"),
            send(reply("200 OK")),
        ),
    )
    # WHY not the last To: that is the INFO's by now.
    bye = inside("BYE", 2).replace("[last_To:]", f"To: <sip:{PERSON}@pbx.example>[peer_tag_param]")
    hangs_up = (send(bye, retrans_ms=500), recv(200))
    uac = Scenario("uac", (*CALL, recv("INFO", f"Content-Type: {kind}"), send(reply("200 OK")), *hangs_up))
    await play(house, port, uac, uas, gateway)
    await is_left_alone(house, port, "keypad")
    await house.end()


async def test_a_607_of_the_person_closes_messages_and_calls(house: House) -> None:
    gateway = free_port()
    port = await started(house, gateway, end_user=True)
    uas = Scenario("uas", (recv("INVITE"), send(answer("607 Unwanted"), retrans_ms=500), recv("ACK")))
    await play(house, port, failing(607), uas, gateway)
    await is_left_alone(house, port, "607")
    await house.end()


async def test_a_bye_for_607_closes_messages_and_calls(house: House) -> None:
    gateway = free_port()
    port = await started(house, gateway, end_user=True)
    bye = theirs("BYE", 1, "Reason: SIP;cause=607")
    uas = Scenario("uas", (*TAKEN, send(bye, retrans_ms=500), recv(200)))
    uac = Scenario("uac", (*CALL, recv("BYE"), send(reply("200 OK"))))
    await play(house, port, uac, uas, gateway)
    await is_left_alone(house, port, "607")
    await house.end()


async def test_a_607_of_a_carrier_is_nobodys_refusal(house: House) -> None:
    gateway = free_port()
    port = await started(house, gateway)
    uas = Scenario("uas", (recv("INVITE"), send(answer("607 Unwanted"), retrans_ms=500), recv("ACK")))
    await play(house, port, failing(607), uas, gateway)
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text(to=PERSON))).status == 0
    assert house.suppressions() == []
    await house.end()
