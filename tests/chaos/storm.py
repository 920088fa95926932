"""A storm: the real tdgate between many senders and carriers, while wires, routes and the process itself fail.

Owns the plan (seeded) and the order of the run: start, traffic with harm, calm, refused once more, an orderly end. What
was seen is in `books`; nothing is judged here. Mirror and pool mode run side by side in one process.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos import traffic
from tests.chaos.books import Books, Delivery, Kill, now
from tests.chaos.carrier import Carrier, Spelling, Temper
from tests.chaos.checker import OWN
from tests.chaos.sender import Sender
from tests.chaos.wires import Wire, drawing
from tests.wire.house import House, make_template

_STUCK_S = 90.0
_QUIET_S = 30.0
#: The ids of all carriers are the same numbers; each writes them in its own way.
SPELLINGS = {
    "hold": Spelling(),
    "close": Spelling("{:d}", "{:010d}"),
    "one": Spelling("{:x}", "{:010d}"),
    "two": Spelling("{:08X}", "{:x}"),
}
#: Short, so that no stall takes long to be noticed.
TIMERS: dict[str, Any] = {
    "enquire_link_timer_s": 2.0,
    "response_timer_s": 3.0,
    "pdu_timer_s": 3.0,
    "session_init_timer_s": 5.0,
    "inactivity_timer_s": 300.0,
    "parts_quiet_ms": 1000,
    "parts_deadline_s": 6.0,
    "mo_parts_wait_ms": 500,
    "delivery_retry_s": 0.3,
    "drain_s": 10.0,
    "password_delay_first_s": 0.05,
    "password_delay_most_s": 0.4,
}
#: Long enough to come back after a cut, short enough to be over in the end.
STALLED: dict[str, Any] = {"deadline_s": 6.0, "retry_first_s": 0.2, "retry_most_s": 1.0}


@dataclass(frozen=True)
class Plan:
    """How much of what; everything follows from `seed`, but for what the machine's pace decides."""

    messages: int = 3000
    seed: int = 1
    kills: int = 3
    deaths: int = 6
    binds: int = 2
    #: PDUs until a harmed direction is harmed, on average.
    mean_pdus: int = 300
    temper: Temper = field(default_factory=Temper)


@dataclass
class Storm:
    plan: Plan
    folder: Path
    say: Callable[[str], None] = lambda line: None
    books: Books = field(default_factory=Books)

    async def run(self) -> Path:
        """The whole storm; gives the state folder that it left. Raises TimeoutError where nothing goes on any more."""
        # WHY a thread: an import runs a loop of its own.
        template = await asyncio.to_thread(make_template, self.folder / "template", traffic.registry())
        async with House(template, self.folder / "house") as house:
            self.house = house
            self._make()
            try:
                await self._blow()
            finally:
                await self._clear()
            return house.state

    # ---- who is there ----------------------------------------------------------------------------------------------

    def _make(self) -> None:
        plan, books = self.plan, self.books
        self._numbers = itertools.count(1)
        self._messages = itertools.count(1)
        sent: dict[tuple[int, bytes], Any] = {}
        draw = drawing(plan.mean_pdus, TIMERS["response_timer_s"])
        self.front = Wire("front", plan.seed, 0, draw)
        self.carriers: dict[str, Carrier] = {}
        self.wires: dict[str, Wire] = {}
        for name in (*traffic.MIRRORS, *traffic.POOLED):
            wire = self.wires[name] = Wire(name, plan.seed, 0, draw)
            self.carriers[name] = Carrier(
                name,
                books,
                SPELLINGS[name],
                plan.temper,
                random.Random(f"{plan.seed}/carrier/{name}"),
                sent,
                self._acknowledged,
                wire.belongs,
            )
        self.senders = [
            Sender(
                side,
                books,
                random.Random(f"{plan.seed}/sender/{side.name}"),
                lambda: self.front.port,
                sent,
                self._numbers.__next__,
                self.front.belongs,
                binds=plan.binds,
                puts_off=0.01,
            )
            for side in traffic.SIDES
        ]
        self._by_account = {sender.side.name: sender for sender in self.senders}

    def _acknowledged(self, delivery: Delivery) -> None:
        """A carrier was told that a person's TD arrived: from now on that person must be left alone."""
        if delivery.kind == "td" and not self._by_account[delivery.account].ending:
            sender = self._by_account[delivery.account]
            sender.write(next(self._messages), delivery.person, closed="td")
            sender.pump()

    def _configure(self) -> None:
        pack = self.folder / "pack.toml"
        pack.write_text(traffic.PACK, encoding="utf-8")
        route = {"connect_timeout_s": 3.0, "backoff_first_s": 0.1, "backoff_most_s": 0.5, "window": 100}
        routes: dict[str, Any] = {
            name: {**route, "port": self.wires[name].port, "on_loss": name} for name in traffic.MIRRORS
        }
        for name in traffic.POOLED:
            routes[name] = {
                **route,
                "port": self.wires[name].port,
                "system_id": f"gate-{name}",
                "password": "pw",
                "binds": 2,
            }
        self.house.configure(
            smpp={**TIMERS, "stalled": STALLED},
            routes=routes,
            policy={"pack": str(pack)},
            evidence={"segment_octets": 4_000_000},
            **{"smpp.pools.pool": {"routes": list(traffic.POOLED)}},
        )

    # ---- the run ----------------------------------------------------------------------------------------------------

    async def _blow(self) -> None:
        for carrier in self.carriers.values():
            await carrier.live()
        for name, wire in self.wires.items():
            wire.target_port = self.carriers[name].port
            await wire.listen()
        await self.front.listen()
        self._configure()
        await self._start()
        chance = random.Random(f"{self.plan.seed}/plan")
        # WHY: a sender that waits for each answer, and each part for the disk, gets through little.
        more = max(8, self.plan.messages // 1000)
        turns = [sender for sender in self.senders for _ in range(1 if sender.side.window == 1 else more)]
        for place in range(self.plan.messages):
            sender = turns[place % len(turns)]
            if chance.random() < 0.01:
                sender.write(next(self._messages), chance.choice(traffic.IMPORTED), closed="import")
            else:
                message = next(self._messages)
                sender.write(message, traffic.person_of(message))
        for sender in self.senders:
            sender.start()
        ticking = asyncio.create_task(self._tick())
        try:
            await self._harm(chance)
            # WHY not all: those that each stall and cut meets would take as long as all others together.
            await self._until(lambda: self.finished >= 0.96 * self.plan.messages, "most messages")
            self._calm()
            await self._until(lambda: all(not sender.unfinished for sender in self.senders), "messages")
            self.say(f"calm: {self.figures()}")
            await self._until(self._is_quiet, "quiet", _QUIET_S, gives_up=True)
            self._ask_the_refused()
            await self._until(lambda: all(sender.idle for sender in self.senders), "the refused")
            # WHY: a long message that was answered part by part is refused behind its last answer, by a receipt.
            await self._until(self._all_refused, "receipts of the refused", _QUIET_S, gives_up=True)
            await self._until(self._nothing_is_kept, "what is kept", _QUIET_S, gives_up=True)
        finally:
            ticking.cancel()
            await asyncio.gather(ticking, return_exceptions=True)
        for sender in self.senders:
            await sender.unbind(10.0)
        await self.house.end()

    async def _start(self) -> None:
        self.books.run += 1
        await self.house.start()
        self.front.target_port = self.house.port

    async def _harm(self, chance: random.Random) -> None:
        """Kills the process and lets routes die, each at its share of the messages."""
        plan = self.plan
        moments = [(place + chance.uniform(0.2, 0.8)) / plan.kills * 0.95 for place in range(plan.kills)]
        events = [(moment, "kill") for moment in moments]
        events += [((place + chance.uniform(0.1, 0.9)) / plan.deaths * 0.95, "death") for place in range(plan.deaths)]
        turn = itertools.cycle(self.carriers.values())
        dying: list[asyncio.Task[None]] = []
        for moment, what in sorted(events):
            await self._until(lambda moment=moment: self.finished >= moment * plan.messages, what)
            if what == "kill":
                self.say(f"kill -9: {self.figures()}")
                await self.house.kill()
                self.books.kills.append(Kill(self.books.run, now()))
                await self._start()
            else:
                dying.append(asyncio.create_task(self._die(next(turn), chance.uniform(0.2, 1.5))))
        await asyncio.gather(*dying)

    async def _die(self, carrier: Carrier, for_s: float) -> None:
        self.say(f"route {carrier.name} dies: {self.figures()}")
        self.books.deaths += 1
        carrier.die()
        await asyncio.sleep(for_s)
        await carrier.live()

    def _calm(self) -> None:
        for wire in (self.front, *self.wires.values()):
            wire.heal()
        for sender in self.senders:
            sender.calm = True
        for carrier in self.carriers.values():
            carrier.calm = True
            carrier.pump()

    def _ask_the_refused(self) -> None:
        """Everybody whose TD was acknowledged is written to once more, to be refused."""
        deliveries = self.books.deliveries
        asked = [each for each in deliveries.values() if each.kind == "td" and each.acknowledged]
        whole = [halves for halves in self.books.halves if all(deliveries[half].acknowledged for half in halves)]
        asked += [deliveries[first] for first, _ in whole]
        for delivery in asked:
            closed = "td" if delivery.kind == "td" else ""
            self._by_account[delivery.account].write(next(self._messages), delivery.person, closed=closed)
        for sender in self.senders:
            sender.pump()

    def _all_refused(self) -> bool:
        """Whether whoever was answered for a message to somebody who refused was told that it is none."""
        told = b"".join([receive.body for receive in self.books.receives])
        kept = [
            answer.message_id
            for attempt in self.books.attempts.values()
            if attempt.closed
            for part in attempt.parts
            for answer in part.answers
            if not answer.status and answer.message_id
        ]
        return all(message_id in told for message_id in kept)

    @property
    def finished(self) -> int:
        return sum(sender.finished for sender in self.senders)

    def _is_quiet(self) -> bool:
        """Nothing is on its way any more: every carrier got its answers, every account what was acknowledged."""
        if not all(carrier.idle for carrier in self.carriers.values()):
            return False
        if not all(sender.idle for sender in self.senders):
            return False
        arrived = len({receive.body for receive in self.books.receives if not receive.answered})
        if arrived < len({each.body for each in self.books.deliveries.values() if each.acknowledged}):
            return False
        return self._nothing_is_kept()

    def _nothing_is_kept(self) -> bool:
        """Whether all parts that tdgate may have answered for are at a carrier, or their ESMEs were told of them."""
        taken = {arrival.body for arrival in self.books.arrivals if arrival.status == 0}
        told = {own[1] for receive in self.books.receives if (own := OWN.search(receive.body)) is not None}
        return all(
            part.body in taken or part.answers[0].message_id in told
            for attempt in self.books.attempts.values()
            if len(attempt.parts) > 1
            for part in attempt.parts
            if part.answers and part.answers[0].status == 0
        )

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(0.1)
            for sender in self.senders:
                sender.watch()
                sender.pump()
            for carrier in self.carriers.values():
                for session in tuple(carrier.sessions):
                    session.watch()
                carrier.pump()

    async def _until(
        self, condition: Callable[[], bool], what: str, limit_s: float = _STUCK_S, *, gives_up: bool = False
    ) -> None:
        """Waits until something holds; TimeoutError (or, if it `gives_up`, nothing) when the books stand still."""
        seen, since = -1, time.monotonic()
        # WHY a pause: hundreds of connections make progress at once, and each condition is about all of them.
        while not condition():
            await asyncio.sleep(0.05)
            state = len(self.books.arrivals) + len(self.books.receives) + self.finished
            if state != seen:
                seen, since = state, time.monotonic()
            elif time.monotonic() - since > limit_s:
                if gives_up:
                    return
                raise TimeoutError(f"seed {self.plan.seed}: stuck, waiting for {what}: {self.figures()}")

    def figures(self) -> str:
        books = self.books
        return (
            f"{self.finished} of {self.plan.messages} messages ended, {len(books.attempts)} attempts, "
            f"{len(books.arrivals)} at carriers, {len(books.deliveries)} deliveries, {len(books.receives)} received, "
            f"{len(books.esme_lines)} + {len(books.carrier_lines)} connections, {len(books.kills)} kills"
        )

    async def _clear(self) -> None:
        for sender in self.senders:
            await sender.close()
        for carrier in self.carriers.values():
            await carrier.close()
        for wire in (self.front, *self.wires.values()):
            for harm, count in wire.harms.items():
                self.books.harms[harm] = self.books.harms.get(harm, 0) + count
            await wire.close()
