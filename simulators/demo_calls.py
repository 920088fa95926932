"""Calls in the demonstration: the trunks of the institutions on one side, the persons' telephones on the other.

Owns both simulated ends. Must never look at the product's inside: what it knows was answered on the wire, or arrived.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec

from simulators.calls.settings import Answer, CallShape, UacSettings, UasSettings
from simulators.calls.uac import OutgoingCall, Uac
from simulators.calls.uas import IncomingCall, Uas
from simulators.demo_script import KEY
from simulators.demo_world import PRESSES, B, C, passwords

_COUNTRY: Final = "86"
_TALK_S: Final = 3.0
#: In the round a person hangs up at once; in the traffic after it calls last a while, so that some are seen.
_ANSWERS: Final = (
    Answer(to=_COUNTRY + PRESSES.number, press=KEY, talk_s=0.0),
    Answer(to=_COUNTRY + C.number, press=KEY, press_s=1.0, talk_s=_TALK_S),
    Answer(to=_COUNTRY + B.number, talk_s=_TALK_S),
)


class Rang(msgspec.Struct, frozen=True):
    """What came of a call: the final status, the person's side where it reached one."""

    status: int
    reached: IncomingCall | None


class Phones:
    """The carrier's gateway, and the telephones behind it."""

    def __init__(self) -> None:
        self.uas: Final = Uas(UasSettings(talk_s=0.0), _ANSWERS)

    @property
    def port(self) -> int:
        """Where the gateway listens."""
        return self.uas.port

    @property
    def calls(self) -> list[IncomingCall]:
        """All that arrived, in order."""
        return self.uas.calls


class Callers:
    """The trunks, each with its own credentials, opened when first needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._passwords = passwords()
        self._open: dict[str, Uac] = {}

    async def call(self, account: str, caller: str, callee: str) -> OutgoingCall:
        """Begin a call; the other side hangs up."""
        uac = self._open.get(account)
        if uac is None:
            settings = UacSettings(port=self._port, username=account, password=self._passwords[account])
            uac = self._open[account] = Uac(settings)
            await uac.start()
        return uac.call(callee, shape=CallShape(caller=caller, talk_s=-1.0))

    async def close(self) -> None:
        """Closes them all."""
        for uac in self._open.values():
            await uac.stop()


@asynccontextmanager
async def phones() -> AsyncIterator[Phones]:
    """Telephones that can be called, until the end."""
    made = Phones()
    async with made.uas:
        yield made


@asynccontextmanager
async def callers_of(port: int) -> AsyncIterator[Callers]:
    """Trunks that are closed at the end."""
    callers = Callers(port)
    try:
        yield callers
    finally:
        await callers.close()


async def called(callers: Callers, there: Phones, account: str, caller: str, person: str) -> Rang:
    """Make a call and wait for its end; raises TimeoutError."""
    before = len(there.calls)
    call = await callers.call(account, caller, person)
    await call.ended()
    came = there.calls[before] if len(there.calls) > before else None
    if came is not None:
        await came.ended()
        if (came.callee, came.caller) != (_COUNTRY + person, caller):
            came = None
    return Rang(call.status, came)
