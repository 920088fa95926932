"""Simulated people at the SMSC side: they get messages, answer as a scenario says, and expect to be left alone then.

Owns the rules of answering and the record of what arrived after a refusal had been acknowledged. Must never judge by
content what may still come: a rule names what it closes and what it spares.

    handset = Handset([Rule(reply="TD")])
    port = await handset.start()
    await handset.acknowledged(1)
    assert not handset.after_refusal
"""

import asyncio
from typing import Literal

import msgspec

from simulators.arrivals import Arrived, Joiner
from simulators.smsc import Smsc
from simulators.smsc_settings import SmscSettings
from simulators.watch import LIMIT_S


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a person answers, and what."""

    reply: str
    """The text of the answer."""
    to: str = ""
    """Only messages to this number; a `*` at its end: to numbers that begin so. Empty: to anybody."""
    sender: str = ""
    """Only messages from this number (`*` as above). Empty: from anybody."""
    containing: str = ""
    """Only messages with this in their text."""
    after_ms: float = 0.0
    """How long the person takes."""
    times: int = 1
    """How often each person answers by this rule; 0: always."""
    encoding: str = "auto"
    data_coding: int | None = None
    command: Literal["deliver_sm", "data_sm"] = "deliver_sm"
    effect: Literal["refusal", "release", "none"] = "refusal"
    """What the answer means: nothing may follow a refusal until a release."""
    closes: tuple[str, ...] = ()
    """Sending numbers (`*` as above) that the refusal closes; empty: the number answered to."""
    spares: tuple[str, ...] = ()
    """Texts with one of these in them may still come (a verification code, say)."""


class _Refusal(msgspec.Struct):
    """A refusal of one person, effective from its acknowledgement on."""

    person: str
    rule: Rule
    closes: tuple[str, ...]
    acknowledged: bool = False


def matches(pattern: str, number: str) -> bool:
    """Tell whether a number is the one of a pattern, or begins with what stands before its `*`."""
    if not pattern:
        return True
    return number.startswith(pattern[:-1]) if pattern.endswith("*") else number == pattern


class Handset:
    """People behind an SMSC of their own, which is reachable as `smsc`."""

    def __init__(
        self,
        rules: list[Rule] | tuple[Rule, ...] = (),
        settings: SmscSettings | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        smsc: Smsc | None = None,
    ) -> None:
        """Take the rules, the first that fits counts; `smsc` to use one that is made otherwise (TLS, clock)."""
        self.rules = tuple(rules)
        self.smsc = smsc or Smsc(settings, host=host, port=port, seed=seed)
        self.smsc.on_message = self._arrived
        self.replies = 0
        """Answers sent."""
        self.statuses: list[int] = []
        """What the answers were answered with."""
        self.after_refusal: list[Arrived] = []
        """What arrived after a refusal that closes it had been acknowledged: must stay empty."""
        self._joiner = Joiner()
        self._answered: dict[tuple[int, str], int] = {}
        self._refusals: list[_Refusal] = []

    async def start(self) -> int:
        """Listen; returns the port."""
        return await self.smsc.start()

    async def stop(self) -> None:
        """Stop listening and end all connections."""
        await self.smsc.stop()

    async def __aenter__(self) -> "Handset":
        await self.start()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.stop()

    async def submitted(self, count: int = 1, limit_s: float | None = LIMIT_S) -> list[Arrived]:
        """Return all messages that arrived as soon as there are `count`."""
        return await self.smsc.submitted(count, limit_s)

    async def acknowledged(self, count: int = 1, limit_s: float | None = LIMIT_S) -> list[int]:
        """Return the statuses of all answers as soon as `count` of them were acknowledged; TimeoutError."""
        await self.smsc.watch.until(lambda: len(self.statuses) >= count, limit_s)
        return list(self.statuses)

    def _arrived(self, arrived: Arrived) -> None:
        for refusal in self._refusals:
            if (
                refusal.acknowledged
                and refusal.person == arrived.destination
                and any(matches(closed, arrived.source) for closed in refusal.closes)
                and not any(spared in arrived.text for spared in refusal.rule.spares)
            ):
                self.after_refusal.append(arrived)
                break
        text = self._joiner.whole(arrived)
        if text is None:
            return
        for index, rule in enumerate(self.rules):
            if (
                matches(rule.to, arrived.destination)
                and matches(rule.sender, arrived.source)
                and rule.containing in text
            ):
                key = (index, arrived.destination)
                if rule.times and self._answered.get(key, 0) >= rule.times:
                    continue
                self._answered[key] = self._answered.get(key, 0) + 1
                loop = asyncio.get_running_loop()
                # WHY call_soon at the least: the person answers what the SMSC has acknowledged.
                loop.call_later(rule.after_ms / 1000, self._answer, rule, arrived)
                return

    def _answer(self, rule: Rule, arrived: Arrived) -> None:
        refusal = None
        if rule.effect == "refusal":
            refusal = _Refusal(arrived.destination, rule, rule.closes or (arrived.source,))
            self._refusals.append(refusal)

        def done(status: int | None) -> None:
            self.statuses.append(-1 if status is None else status)
            if status == 0 and refusal is not None:
                refusal.acknowledged = True
            self.smsc.watch.tell()

        if rule.effect == "release":
            self._refusals = [each for each in self._refusals if each.person != arrived.destination]
        self.replies += 1
        self.smsc.reply(
            arrived.destination,
            arrived.source,
            rule.reply,
            encoding=rule.encoding,
            data_coding=rule.data_coding,
            command=rule.command,
            system_id=arrived.system_id,
            done=done,
        )
