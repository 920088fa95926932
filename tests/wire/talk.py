"""A call between two peers through the real process, with a registry that a test can keep others from writing to."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

from proxy.sip.message import SipRequest
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, text
from tests.wire.people import PERSONS

PERSON = PERSONS[1]
REFUSED = 0x0429


class Talk:
    """A call between two peers through the real process."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.a, self.b = Peer(), Peer()
        self.port = self.calls = 0

    async def begin(
        self,
        keypad: dict[str, Any] | None = None,
        digits: dict[str, Any] | None = None,
        call_id: str = "call-1@192.0.2.10",
        **carrier: Any,
    ) -> None:
        """Up to the INVITE on leg B."""
        await self.house.start(
            **{
                "sip": {"listeners": [{"port": 0}], "keypad": keypad or {}, "digits": [digits] if digits else []},
                "sip.trunks.callcentre": {"account": "jl-voice", "addresses": ["127.0.0.1/32"]},
                "sip.carriers.default": {"options_s": 0.0, "gateways": [{"port": self.b.port}], **carrier},
            }
        )
        self.port = await self.house.until(lambda: self.house.ports.get("sip"))
        await self.call(call_id)

    async def call(self, call_id: str = "call-1@192.0.2.10") -> None:
        self.call_id = call_id
        self.calls += 1
        self.a.send(asking(self.a, branch=str(self.calls), uri=f"sip:{PERSON}@127.0.0.1", call_id=call_id), self.port)
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
            asking(
                self.a,
                method,
                branch=f"{self.calls}{method}{number}",
                called=self.called,
                call_id=self.call_id,
                cseq=cseq,
                body=b"",
            ),
            self.port,
        )

    def from_b(self, method: str, number: int, *headers: str, body: bytes = b"") -> None:
        asked = asking(
            self.b,
            method,
            branch=f"{self.calls}{method}{number}",
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
