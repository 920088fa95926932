"""No refusal in a call is acknowledged before it is on disk: the real process, a database that somebody else holds."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Call
from proxy.sip.message import SipRequest
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, make_template, text
from tests.wire.people import PERSONS
from tests.wire.test_calls_judged import VOICE

pytestmark = pytest.mark.wire

PERSON = PERSONS[1]
REFUSED = 0x0429
DTMF = "Content-Type: application/dtmf"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("keeping") / "template", VOICE)


@pytest.fixture
async def talk(template: Path, tmp_path: Path) -> AsyncIterator[Talk]:
    async with House(template, tmp_path) as house:
        yield Talk(house)


class Talk:
    """A call between two peers through the real process."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.a, self.b = Peer(), Peer()
        self.port = 0

    async def begin(self, keypad: dict[str, Any] | None = None, **carrier: Any) -> None:
        """Up to the INVITE on leg B."""
        await self.house.start(
            **{
                "sip": {"listeners": [{"port": 0}], "keypad": keypad or {}},
                "sip.trunks.callcentre": {"account": "jl-voice", "addresses": ["127.0.0.1/32"]},
                "sip.carriers.default": {"options_s": 0.0, "gateways": [{"port": self.b.port}], **carrier},
            }
        )
        self.port = await self.house.until(lambda: self.house.ports.get("sip"))
        await self.call()

    async def call(self) -> None:
        self.a.send(asking(self.a, uri=f"sip:{PERSON}@127.0.0.1"), self.port)
        self.invite = await self.b.asked("INVITE")

    def answer(self, status: int, request: SipRequest | None = None) -> None:
        contact = f"<sip:b@127.0.0.1:{self.b.port}>"
        asked = request or self.invite
        tag = "" if asked.to.tag else "b"
        self.b.send(a_response(asked, status, to_tag=tag, contact=contact).octets(), self.port)

    async def talking(self) -> None:
        self.answer(200)
        answer = await self.a.answered(200)
        self.called = (answer.first("to") or b"").decode()
        await self.b.asked("ACK")
        self.from_a("ACK", 1)

    def from_a(self, method: str, number: int) -> None:
        cseq = f"{number} {method}"
        self.a.send(
            asking(self.a, method, branch=f"{method}{number}", called=self.called, cseq=cseq, body=b""), self.port
        )

    def from_b(self, method: str, number: int, *headers: str, body: bytes = b"") -> None:
        asked = asking(
            self.b,
            method,
            branch=f"{method}{number}",
            caller=(self.invite.first("to") or b"").decode() + ";tag=b",
            called=(self.invite.first("from") or b"").decode(),
            call_id=self.invite.call_id.decode(),
            cseq=f"{number} {method}",
            contact=f"<sip:b@127.0.0.1:{self.b.port}>",
            headers=headers,
            body=body,
        )
        self.b.send(asked, self.port)

    async def agreed(self, side: Peer, method: str) -> None:
        side.send(a_response(await side.asked(method), 200).octets(), self.port)

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else can write to the registry."""
        database = self.house.state / "registry.db"
        with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as locking:
            locking.execute("BEGIN IMMEDIATE")
            yield
            locking.execute("ROLLBACK")

    async def binds(self) -> None:
        """In memory it binds before the disk has said anything."""
        esme = await self.house.bind("jl")
        assert (await esme.request(SUBMIT_SM, text(to=PERSON))).status == REFUSED

    async def is_recorded(self, how: str) -> None:
        assert [one.source for one in self.house.suppressions()] == [how]
        await self.house.end()

    async def is_there_after_a_kill(self) -> None:
        assert [one.closes for one in self.house.suppressions()] != []
        await self.house.kill()
        await self.house.start()
        await self.binds()
        await self.house.end()


async def test_a_bye_for_607_is_answered_once_the_disk_has_it(talk: Talk) -> None:
    await talk.begin(end_user=True)
    await talk.talking()
    with talk.held():
        talk.from_b("BYE", 1, "Reason: SIP;cause=607")
        await talk.agreed(talk.a, "BYE")
        await talk.house.event("refusal.failed", reason="store")
        talk.from_b("BYE", 1, "Reason: SIP;cause=607")
        await talk.binds()
        assert talk.b.nothing(), "the caller was told that it is over, the person not that it is kept"
        assert talk.house.suppressions() == []
    await talk.b.answered(200)
    await talk.is_there_after_a_kill()


async def test_a_607_is_acknowledged_once_the_disk_has_it(talk: Talk) -> None:
    await talk.begin(end_user=True)
    with talk.held():
        talk.answer(607)
        await talk.binds()
        talk.answer(607)
        await talk.binds()
        assert talk.b.nothing()
        assert talk.house.suppressions() == []
    await talk.b.asked("ACK")
    await talk.a.answered(607)
    await talk.is_there_after_a_kill()


async def test_a_key_is_answered_once_the_disk_has_it(talk: Talk) -> None:
    await talk.begin()
    await talk.talking()
    with talk.held():
        talk.from_b("INFO", 1, DTMF, body=b"9")
        talk.from_b("INFO", 1, DTMF, body=b"9")
        await talk.binds()
        assert talk.a.nothing()
        assert talk.b.nothing()
    await talk.agreed(talk.a, "INFO")
    await talk.b.answered(200)
    # The call goes on: it is not configured otherwise.
    talk.from_b("INFO", 2, DTMF, body=b"1")
    await talk.agreed(talk.a, "INFO")
    await talk.b.answered(200)
    talk.from_a("BYE", 2)
    await talk.a.answered(200)
    await talk.agreed(talk.b, "BYE")
    await talk.is_recorded("keypad")


async def test_the_call_is_released_where_that_is_configured(talk: Talk) -> None:
    await talk.begin({"release": True})
    await talk.talking()
    with talk.held():
        talk.from_b("INFO", 1, DTMF, body=b"9")
        await talk.binds()
        assert talk.a.nothing()
        assert talk.b.nothing()
    await talk.b.answered(200)
    for side in (talk.a, talk.b):
        bye = await side.asked("BYE")
        assert bye.first("reason") == b'Q.850;cause=21;text="suppression.active"'
        side.send(a_response(bye, 200).octets(), talk.port)
    (ended,) = await talk.house.record(lambda one: isinstance(one, Call))
    assert (ended.side, ended.cause) == ("us", "refused")
    await talk.is_recorded("keypad")


async def test_a_607_that_crosses_the_callers_cancel_counts(talk: Talk) -> None:
    await talk.begin(end_user=True)
    talk.answer(180)
    await talk.a.answered(180)
    talk.a.send(asking(talk.a, "CANCEL", uri=f"sip:{PERSON}@127.0.0.1", cseq="1 CANCEL"), talk.port)
    await talk.a.answered(200)
    await talk.a.answered(487)
    await talk.agreed(talk.b, "CANCEL")
    talk.answer(607)
    await talk.b.asked("ACK")
    await talk.is_recorded("607")


async def test_a_key_and_a_607_that_cross_the_callers_bye_count(talk: Talk) -> None:
    await talk.begin(end_user=True)
    await talk.talking()
    talk.from_a("BYE", 2)
    await talk.a.answered(200)
    bye = await talk.b.asked("BYE")
    talk.from_b("INFO", 1, DTMF, body=b"9")
    await talk.b.answered(481)
    talk.from_b("BYE", 2, "Reason: SIP;cause=607")
    await talk.b.answered(200)
    talk.b.send(a_response(bye, 200).octets(), talk.port)
    await talk.is_recorded("keypad")
