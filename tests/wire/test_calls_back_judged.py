"""A person calls back through the real process: to whoever called, on record, and the key closes both channels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.core.purposes import ALL_MARKETING
from proxy.evidence.records import Call
from proxy.sip.message import SipRequest
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, make_template, tdgate, text
from tests.wire.people import PERSONS, account, number, registry
from tests.wire.test_calls_judged import EVER, GIVEN

pytestmark = pytest.mark.wire

PERSON = PERSONS[1]
REFUSED = 0x0429
VOICE = registry(
    numbers=[number("95500", "jianglan", "marketing", channels=["sms", "voice"])],
    licences=[{"institution": "jianglan", "purposes": ["marketing"], "channels": ["voice"], **EVER}],
    accounts=[account("jl-voice-a", "jianglan", "marketing"), account("jl-voice-b", "jianglan", "marketing")],
    consents=[
        {"recipient": each, "institution": "jianglan", "channels": ["voice"], "source": "虚构", **GIVEN}
        for each in (PERSONS[1], PERSONS[2])
    ],
)


PAGE = "https://www.jianglan.example/outbound"
VOICE["institutions"] = [each | {"page": PAGE} if each["id"] == "jianglan" else each for each in VOICE["institutions"]]


class Called:
    """One side of a call that it was asked for."""

    def __init__(self, peer: Peer, port: int, invite: SipRequest) -> None:
        self.peer, self.port, self.invite = peer, port, invite

    def answer(self, request: SipRequest, status: int, tag: str = "") -> None:
        contact = f"<sip:x@{self.peer.host}:{self.peer.port}>"
        self.peer.send(a_response(request, status, to_tag=tag, contact=contact).octets(), self.port)

    async def taken(self) -> None:
        self.answer(self.invite, 200, "them")
        await self.peer.asked("ACK")

    async def hung_up(self) -> None:
        self.answer(await self.peer.asked("BYE"), 200)


@pytest.fixture
def template(tmp_path: Path) -> Path:
    return make_template(tmp_path / "template", VOICE)


async def test_who_calls_back_reaches_who_called_and_can_refuse(template: Path, tmp_path: Path) -> None:
    carrier, first, second = Peer("127.0.0.3"), Peer("127.0.0.1"), Peer("127.0.0.2")
    trunks = {
        f"sip.trunks.{name}": {
            "account": f"jl-voice-{name}",
            "addresses": [f"{peer.host}/32"],
            "gateways": [{"host": peer.host, "port": peer.port}],
            "options_s": 0.0,
        }
        for name, peer in (("a", first), ("b", second))
    }
    gateways = [{"host": "127.0.0.3", "port": carrier.port}]
    async with House(template, tmp_path) as house:
        await house.start(
            **{
                "sip": {"listeners": [{"port": 0}]},
                **trunks,
                "sip.carriers.default": {"options_s": 0.0, "gateways": gateways},
            }
        )
        port = await house.until(lambda: house.ports.get("sip"))

        async def call(peer: Peer, to: Peer, name: str, **own: Any) -> tuple[Called, dict[str, Any]]:
            peer.send(asking(peer, branch=name, call_id=name, **own), port)
            called = Called(to, port, await to.asked("INVITE"))
            await called.taken()
            answer = await peer.answered(200)
            inside = {**own, "call_id": name, "called": (answer.first("to") or b"").decode()}
            peer.send(asking(peer, "ACK", branch=name + "ack", **inside), port)
            return called, inside

        async def hang_up(peer: Peer, called: Called, inside: dict[str, Any]) -> None:
            branch = str(inside["call_id"]) + "bye"
            peer.send(asking(peer, "BYE", branch=branch, cseq="9 BYE", **inside), port)
            await called.hung_up()
            await peer.answered(200)

        calls = {"uri": f"sip:{PERSON}@127.0.0.1", "caller": "<sip:95500@127.0.0.2>;tag=b"}
        told = {"headers": ("Call-Info: <https://elsewhere.example/>;purpose=icon",)}
        called, inside = await call(second, carrier, "out", **calls, **told)
        assert called.invite.each("call-info") == [f"<{PAGE}>;purpose=info".encode()]
        await hang_up(second, called, inside)
        back = {"uri": "sip:95500@127.0.0.1", "caller": f"<sip:{PERSON}@c.example>;tag=p"}
        # Somebody whom neither called reaches the first trunk, the person that the second one called reaches that one.
        other = back | {"caller": f"<sip:{PERSONS[2]}@c.example>;tag=p"}
        await hang_up(carrier, *await call(carrier, first, "other", **other))
        called, inside = await call(carrier, second, "back", **back)
        digit = {"headers": ("Content-Type: application/dtmf",), "body": b"9"}
        carrier.send(asking(carrier, "INFO", branch="info", cseq="2 INFO", **inside, **digit), port)
        called.answer(await second.asked("INFO"), 200)
        await carrier.answered(200)
        (refusal,) = house.suppressions()
        assert (refusal.channel, refusal.source, refusal.closes) == ("voice", "keypad", ALL_MARKETING)
        await hang_up(carrier, called, inside)
        second.send(asking(second, branch="again", call_id="again", **calls), port)
        await second.answered(607)
        esme = await house.bind("jl")
        assert (await esme.request(SUBMIT_SM, text(to=PERSON))).status == REFUSED
        await house.end()
        code, out, _ = await tdgate("calls", "export", "--config", house.config, "--json")
        rows = [json.loads(line) for line in out.splitlines()]
        assert code == 0
        assert [(row["direction"], row["account"], row["result"], row["caller"], row["carrier"]) for row in rows] == [
            ("out", "jl-voice-b", "answered", "95500", "default"),
            ("in", "jl-voice-a", "answered", "95500", "default"),
            ("in", "jl-voice-b", "answered", "95500", "default"),
            ("out", "jl-voice-b", "refused_here", "95500", ""),
        ]
        assert rows[0]["person"] == rows[2]["person"] != rows[1]["person"]
        records = [each for each in house.records() if isinstance(each, Call)]
        assert refusal.decision == records[2].id
