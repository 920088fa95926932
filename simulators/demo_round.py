"""One round of the demonstration: every step of a script is done, and what came of it is noted.

Owns the simulated senders, and the comparison of what came with what was expected. Who sends is an ESME of
`simulators`, who receives a handset of `simulators`; between them is the product. Must never look at the product's
inside: statuses come from the wire, arrivals from the carrier's side, rules from the evidence log.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final, Literal

import msgspec

from proxy.smpp import consts
from simulators import wording
from simulators.bodies import message_body
from simulators.demo_calls import Callers, Phones, called
from simulators.demo_house import House
from simulators.demo_script import EAGER, TD, Answered, Bind, Call, Presses, Send, Step, Writes
from simulators.demo_world import JIANGLAN_NUMBERS, A, passwords
from simulators.esme import BindRefused, Esme
from simulators.handset import Handset, Rule

_SPARED: Final = ("验证码", "云岫")


class Came(msgspec.Struct):
    """What came of a step: the status (None: no answer), whether the carrier got the message, the rule in evidence."""

    status: int | None
    reached: bool = False
    decided: bool = False
    rule: str = ""
    note: str = ""


class Row(msgspec.Struct, frozen=True):
    """A step with what came of it."""

    step: Step
    came: Came
    as_expected: bool


class RoundResult(msgspec.Struct, frozen=True):
    """All rows; what the carrier got beyond what was permitted; messages after a refusal; what verify said; calls."""

    rows: tuple[Row, ...]
    permitted: int
    arrived: int
    unchanged: bool
    after_refusal: int
    verified: bool
    verify_said: str
    calls_permitted: int
    calls_arrived: int

    @property
    def ok(self) -> bool:
        """Whether every outcome was the expected one."""
        return (
            all(row.as_expected for row in self.rows)
            and self.permitted == self.arrived
            and self.unchanged
            and self.after_refusal == 0
            and self.verified
            and self.calls_permitted == self.calls_arrived
        )


def person_with_a_handset() -> Handset:
    """The carrier's side: person A answers the eager advertisement with a refusal."""
    return Handset(
        [Rule(reply=TD, to=A.number, containing=EAGER[6:], encoding="ucs2", closes=JIANGLAN_NUMBERS, spares=_SPARED)]
    )


class Senders:
    """The binds of all senders, made when first needed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._passwords = passwords()
        self._bound: dict[tuple[str, str], Esme] = {}

    async def bound(self, account: str, kind: Literal["trx", "tx"] = "trx") -> Esme:
        """The bind of an account; raises BindRefused."""
        found = self._bound.get((account, kind))
        if found is None:
            found = Esme("127.0.0.1", self._port, account, self._passwords[account], bind=kind)
            await found.bind()
            self._bound[(account, kind)] = found
        return found

    async def unbind(self) -> None:
        """Ends them all."""
        for esme in self._bound.values():
            await esme.unbind()


@asynccontextmanager
async def senders_of(port: int) -> AsyncIterator[Senders]:
    """Senders that are unbound at the end."""
    senders = Senders(port)
    try:
        yield senders
    finally:
        await senders.unbind()


def body_of(act: Send) -> bytes:
    """The body of its submit_sm."""
    if act.raw is not None:
        segment = wording.Segment(act.raw, act.data_coding or 0)
    else:
        segment = wording.segments(act.text, data_coding=act.data_coding, long="refuse")[0]
    second = ((consts.TAG_MESSAGE_PAYLOAD, segment.octets),) if act.twice else ()
    return message_body(act.source, act.person.number, segment, schedule=act.schedule, tlvs=second)


class Ends(msgspec.Struct, frozen=True):
    """Everybody around the product: persons with handsets and telephones, senders and callers."""

    handset: Handset
    senders: Senders
    phones: Phones
    callers: Callers


class Round:
    """Does a script once."""

    def __init__(self, house: House, ends: Ends) -> None:
        self._house = house
        self._handset = ends.handset
        self._senders = ends.senders
        self._phones = ends.phones
        self._callers = ends.callers
        self._calls_permitted = 0
        self._bodies: list[bytes] = []

    async def run(self, script: Sequence[Step], progress: Callable[[int], None]) -> RoundResult:
        """Every step in order; `progress` is told how many are done. Raises TimeoutError where nothing comes."""
        came: list[Came] = []
        after_refusal: int | None = None
        for done, step in enumerate(script):
            if isinstance(step.act, Writes) and after_refusal is None:
                # WHY now: from here on the person wants messages again.
                after_refusal = len(self._handset.after_refusal)
            came.append(await self._do(step))
            progress(done + 1)
        await self._read_rules(came)
        arrived = self._handset.smsc.arrived
        verified, said = await self._house.verify()
        rows = tuple(Row(step, one, _as_expected(step, one)) for step, one in zip(script, came, strict=True))
        return RoundResult(
            rows,
            len(self._bodies),
            len(arrived),
            [each.raw[consts.HEADER_OCTETS :] for each in arrived] == self._bodies,
            len(self._handset.after_refusal) if after_refusal is None else after_refusal,
            verified,
            said,
            self._calls_permitted,
            len(self._phones.calls),
        )

    async def _do(self, step: Step) -> Came:
        act = step.act
        try:
            if isinstance(act, Send):
                return await self._send(act)
            if isinstance(act, Bind):
                return await self._bind(act)
            if isinstance(act, Call):
                return await self._call(act)
            if isinstance(act, Presses):
                return self._pressed(act)
            if isinstance(act, Answered):
                return Came((await self._handset.acknowledged(1))[-1])
            if isinstance(act, Writes):
                status = await self._handset.smsc.inject(act.person.number, act.number, act.text, system_id=act.account)
                return Came(status)
            esme = await self._senders.bound(act.account)
            reply = (await esme.replied(1))[-1]
            same = (reply.source, reply.destination, reply.text) == (act.person.number, act.number, act.text)
            return Came(0 if same else None)
        except (TimeoutError, ConnectionError) as wrong:
            return Came(None, note=type(wrong).__name__)

    async def _send(self, act: Send) -> Came:
        esme = await self._senders.bound(act.account, act.bind)
        before = len(self._handset.smsc.arrived)
        body = body_of(act)
        result = await esme.submit_body(consts.SUBMIT_SM, body)
        if result.status == 0:
            self._bodies.append(body)
        return Came(result.status, reached=len(self._handset.smsc.arrived) > before, decided=True)

    async def _call(self, act: Call) -> Came:
        rang = await called(self._callers, self._phones, act.account, act.source, act.person.number)
        permitted = rang.status == 200
        self._calls_permitted += permitted
        return Came(0 if permitted else rang.status, reached=rang.reached is not None, decided=True)

    def _pressed(self, act: Presses) -> Came:
        """Whether the key of the call before was taken."""
        heard = self._phones.calls[-1].pressed if self._phones.calls else []
        return Came(0 if heard == [200] else None if not heard else heard[-1])

    async def _bind(self, act: Bind) -> Came:
        try:
            await self._senders.bound(act.account)
        except BindRefused as refused:
            return Came(refused.status, decided=True)
        return Came(0)

    async def _read_rules(self, came: list[Came]) -> None:
        """Notes beside each message, and each refused bind, its rule in the evidence log: both are in order."""
        judged = [one for one in came if one.decided]
        decisions = await self._house.decisions(len(judged))
        for one, decision in zip(judged, decisions, strict=False):
            one.rule = decision.rule
        if len(decisions) != len(judged):
            for one in judged:
                one.note = f"{len(decisions)} decisions in evidence for {len(judged)} requests"


def _as_expected(step: Step, came: Came) -> bool:
    if came.note or came.status != step.status or came.rule != step.rule:
        return False
    return not isinstance(step.act, Send | Call) or came.reached == (step.status == 0)
