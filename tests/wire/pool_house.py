"""A house with two carriers for a pool, and the few things that tests of pools say over and over.

    async def test_…(pool: PoolHouse) -> None:         # a fixture; its registry is the fixture `pool_template`
        await pool.open()
        esme = await pool.bind("pool-jl")

Both carriers number their messages alike, so that whatever confuses their ids shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from tests.tools.raw_smsc import RawSession, RawSmsc
from tests.tools.wire import Frame, message_body, pdu, receipt_text
from tests.wire.house import House
from tests.wire.people import account, registry

#: What both carriers number their messages by: the same ids on either side.
CARRIER_ID = "c0{:06x}"
T = TypeVar("T")
UNKNOWN_OUTCOME, THROTTLED, REFUSED = 0x0460, 0x58, 0x0429
POOLED = registry(
    accounts=[
        account("pool-jl", "jianglan", "marketing", route="pool"),
        account("pool-yx", "yunxiu", "marketing", route="pool"),
    ]
)


class PoolHouse(House):
    """A house with two carriers: `smsc` and `other`, each with two binds unless told otherwise."""

    async def __aenter__(self) -> PoolHouse:
        await super().__aenter__()
        self.smsc.id_format = CARRIER_ID
        self.other = RawSmsc(id_format=CARRIER_ID)
        await self.other.listen()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await super().__aexit__(*raised)
        await self.other.close()

    @property
    def carriers(self) -> tuple[RawSmsc, RawSmsc]:
        return self.smsc, self.other

    async def open(
        self, *, smpp: dict[str, Any] | None = None, tables: dict[str, Any] | None = None, **routes: dict[str, Any]
    ) -> PoolHouse:
        """Starts it and waits until every bind stands. `one` and `two` change the routes."""
        whole = {
            name: {"port": smsc.port, "system_id": f"gate-{name}", "password": "pw", "binds": 2, **routes.get(name, {})}
            for name, smsc in zip(("one", "two"), self.carriers, strict=True)
        }
        pools = {"smpp.pools.pool": {"routes": ["one", "two"]}, **(tables or {})}
        await self.start(smpp=smpp or {}, routes=whole, **pools)
        for name, smsc in zip(("one", "two"), self.carriers, strict=True):
            await smsc.wait(lambda name=name, smsc=smsc: len(standing(smsc)) >= whole[name]["binds"])
        return self

    async def open_two(self, **more: Any) -> RawSession:
        """Starts it with one route of one bind, to `other`; `smsc` is the carrier of mirror mode. Its session."""
        route = {"port": self.other.port, "system_id": "gate", "password": "pw", "binds": 1, **more}
        await self.start(routes={"two": route}, **{"smpp.pools.pool": {"routes": ["two"]}})
        await self.other.wait(lambda: standing(self.other))
        return standing(self.other)[0]

    async def carried(self, check: Callable[[], T | None]) -> T:
        """The first true value of `check`, asked at every PDU that either carrier gets."""
        waits = [asyncio.ensure_future(smsc.wait(check)) for smsc in self.carriers]
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    def answer_all(self, answer: Callable[[Frame, RawSession], bytes | list[bytes] | None]) -> None:
        """Has both carriers answer so."""
        self.smsc.answer = self.other.answer = answer


class Held:
    """A carrier that answers requests of one command when it is told to: `smsc.answer = Held(SUBMIT_SM)`."""

    def __init__(self, command: int) -> None:
        self.command = command
        self.frames: list[tuple[Frame, RawSession]] = []

    def __call__(self, frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != self.command:
            return None
        self.frames.append((frame, session))
        return b""

    async def answer(self, place: int, body: bytes = b"", status: int = 0) -> None:
        """Answers the request at this place."""
        frame, session = self.frames[place]
        await session.send(pdu(self.command | 0x80000000, body, status=status, sequence=frame.sequence))


def standing(smsc: RawSmsc) -> list[RawSession]:
    return [one for one in smsc.sessions if one.bind_command and not one.closed.is_set()]


def id_of(frame: Frame) -> str:
    return frame.body.partition(b"\0")[0].decode()


def receipt(message_id: str, number: str, person: str, state: str = "DELIVRD", tlvs: bytes = b"") -> bytes:
    said = receipt_text(message_id, state)
    return message_body(person, number, said, esm_class=4, source_ton=1, source_npi=1, dest_ton=0) + tlvs


async def told(session: RawSession, body: bytes) -> int:
    """Delivers something and gives the status that it is answered with."""
    return (await session.answered(await session.deliver(body))).status
