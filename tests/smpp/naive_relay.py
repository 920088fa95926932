"""What mirror binds of one account do, as simply as possible: lists, dictionaries, and a search for everything.

Written from the manual (docs/manual/smpp.md) and ADR 0015, not from the code, to be compared with it step by step. It
knows no octets but those of a request as a whole, no sequence_number of tdgate's own, and no deadline: each second it
looks at everything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

DENIED, DEFERRED, UNKNOWN, UNREADABLE, LATER, WRONG_STATE = 0x0439, 0x14, 0x0460, 0x01, 0x64, 0x04


@dataclass(eq=False)
class Ask:
    """A submit_sm of an ESME. `place` of a part is (recipient, reference), `like` what all parts must agree in."""

    bind: Bind
    sequence: int
    octets: bytes
    to: str
    text: str
    place: tuple[str, int] | None = None
    number: int = 0
    like: tuple[Any, ...] = ()
    #: queued, held, refusing, permitted, sent, over
    state: str = "queued"
    since: int = 0
    upstream: int = 0

    @property
    def total(self) -> int:
        return int(self.like[0])


@dataclass(eq=False)
class Delivery:
    """A deliver_sm of a carrier: `waits_for` requests, on disk, queued, or with the ESME (`since`)."""

    bind: Bind
    sequence: int
    octets: bytes
    state: str = "new"
    waits_for: list[Ask] = field(default_factory=list)
    since: int = 0
    downstream: int = 0


@dataclass(eq=False)
class Whole:
    """A message in parts: by number, the requests that brought it, the first leading."""

    place: tuple[str, int]
    like: tuple[Any, ...]
    begun: int
    #: gathering, refusing, permitted, over
    state: str = "gathering"
    parts: dict[int, list[Ask]] = field(default_factory=dict)
    said: dict[int, Ask] = field(default_factory=dict)
    odd: list[Ask] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    answers: dict[int, tuple[int, bytes]] = field(default_factory=dict)
    teller: Bind | None = None
    status: int = 0
    is_unknown: bool = False
    ended: bool = False

    def text(self) -> str:
        return "".join(self.said[number].text for number in sorted(self.said))

    def asks(self) -> list[Ask]:
        return [ask for number in self.parts for ask in self.parts[number]] + self.odd


@dataclass(eq=False)
class Bind:
    """One ESME bind and its carrier bind."""

    name: int
    #: bound, leaving, gone
    esme: str = "bound"
    carrier: bool = True
    draining: bool = False
    unbind: int | None = None
    asks: list[Ask] = field(default_factory=list)
    queue: list[Ask] = field(default_factory=list)
    permitted: list[Ask] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    disk: list[tuple[str, Any, int]] = field(default_factory=list)
    quiet_since: int = 0
    counts: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "rejected": 0, "unknown": 0})
    #: what is written to either side, since it was looked at
    to_esme: list[tuple[Any, ...]] = field(default_factory=list)
    to_carrier: list[tuple[Any, ...]] = field(default_factory=list)

    def those(self, *states: str) -> list[Ask]:
        return [ask for ask in self.asks if ask.state in states]

    @property
    def held(self) -> list[Ask]:
        return self.those("held")

    @property
    def others(self) -> list[Ask]:
        return self.those("queued", "refusing", "permitted", "sent")


class NaiveRelay:
    """All binds of an account. Times are whole seconds."""

    def __init__(
        self,
        *,
        carrier_window: int,
        esme_window: int,
        account_window: int,
        response_s: int,
        parts_deadline_s: int,
        quiet_s: int,
        parts_most_octets: int,
    ) -> None:
        self.now = 1000
        self.carrier_window, self.esme_window, self.account_window = carrier_window, esme_window, account_window
        self.response_s, self.parts_deadline_s, self.quiet_s = response_s, parts_deadline_s, quiet_s
        self.parts_most_octets = parts_most_octets
        self.binds: list[Bind] = []
        self.wholes: list[Whole] = []
        #: Why each verdict was given, since it was looked at.
        self.verdicts: list[str] = []

    def bind(self) -> Bind:
        self.binds.append(Bind(len(self.binds), quiet_since=self.now))
        return self.binds[-1]

    # ---- the ESME ----------------------------------------------------------------------------------------------

    def submits(self, ask: Ask) -> None:
        bind = ask.bind
        if bind.held:
            bind.quiet_since = self.now
        if bind.esme == "leaving":
            bind.to_esme.append(("submit_resp", ask.sequence, WRONG_STATE, b""))
            return
        bind.asks.append(ask)
        if bind.queue or len(bind.those("sent")) >= self.carrier_window:
            bind.queue.append(ask)
        else:
            self._consider(ask)

    def _consider(self, ask: Ask) -> None:
        bind = ask.bind
        if bind.draining or not bind.carrier:
            self.verdicts.append("internal.draining" if bind.draining else "internal.upstream")
            self._answer(ask, DEFERRED)
        elif ask.place is not None:
            self._hold(ask)
        elif ask.text.startswith("bad"):
            self._answer(ask, UNREADABLE)
        elif ask.text.startswith("yes"):
            self._send(ask)
        elif ask.text.startswith("slow"):
            ask.state = "refusing"
            bind.disk.append(("ask", ask, DENIED))
        else:
            self._answer(ask, DENIED)

    def _send(self, ask: Ask) -> None:
        ask.state, ask.since = "sent", self.now
        ask.bind.to_carrier.append(("submit", ask))

    def _answer(self, ask: Ask, status: int, body: bytes = b"", command: str = "submit_resp") -> None:
        ask.state = "over"
        ask.bind.asks.remove(ask)
        if ask.bind.esme != "gone":
            ask.bind.to_esme.append((command, ask.sequence, status, body))

    def unbinds(self, bind: Bind, sequence: int) -> None:
        if bind.held:
            bind.quiet_since = self.now
        if bind.esme == "leaving":
            bind.to_esme.append(("unbind_resp", sequence, WRONG_STATE, b""))
            return
        bind.esme, bind.unbind = "leaving", sequence

    def settled(self) -> None:
        """What holds after each step: an unbind is answered once nothing else is open."""
        for bind in self.binds:
            if bind.unbind is not None and not bind.asks and bind.esme != "gone":
                bind.to_esme.append(("unbind_resp", bind.unbind, 0, b""))
                bind.unbind = None

    def esme_answers(self, delivery: Delivery, command: str, status: int, body: bytes) -> None:
        bind = delivery.bind
        self.esme_speaks(bind)
        bind.deliveries.remove(delivery)
        bind.to_carrier.append((command, delivery.sequence, status, body))
        self._deliver_more(bind)

    def esme_speaks(self, bind: Bind) -> None:
        """The ESME says something that changes nothing."""
        if bind.held:
            bind.quiet_since = self.now

    def esme_lost(self, bind: Bind) -> None:
        bind.esme, bind.unbind = "gone", None
        for delivery in [one for one in bind.deliveries if one.state != "disk"]:
            self._give_back(delivery)
        for ask in bind.queue:
            bind.asks.remove(ask)
        bind.queue = []
        broken = []
        for whole in [one for one in self.wholes if one.state == "gathering"]:
            for number in whole.parts:
                whole.parts[number] = [ask for ask in whole.parts[number] if ask.bind is not bind]
            if not all(whole.parts.values()):
                broken.append(whole)
        for ask in bind.held:
            ask.state = "over"
            bind.asks.remove(ask)
        for whole in broken:
            self._refuse(whole, "message.partial bind", bind)

    # ---- parts -------------------------------------------------------------------------------------------------

    def _hold(self, ask: Ask) -> None:
        bind = ask.bind
        ask.state = "held"
        bind.quiet_since = self.now
        before = len(self.verdicts), len(bind.to_esme)
        self._place(ask)
        # Whoever has a verdict to come is not stuck.
        waits = before == (len(self.verdicts), len(bind.to_esme))
        if waits and not bind.others and len(bind.held) >= self.account_window:
            for whole in self._gathered_on(bind)[:1]:
                self._refuse(whole, "message.partial stalled", bind)

    def _gathered_on(self, bind: Bind) -> list[Whole]:
        gathering = [one for one in self.wholes if one.state == "gathering"]
        return [one for one in gathering if any(ask.bind is bind for ask in one.asks())]

    def _place(self, ask: Ask) -> None:
        assert ask.place is not None
        known = [one for one in self.wholes if one.place == ask.place]
        gathering = [one for one in known if one.state == "gathering"]
        if gathering:
            self._gather(gathering[0], ask)
            return
        for whole in reversed([one for one in known if one.state in ("refusing", "permitted")]):
            said = whole.said.get(ask.number)
            if said is not None and said.octets == ask.octets:
                if ask.number in whole.answers:
                    self._answer(ask, *whole.answers[ask.number])
                else:
                    whole.parts[ask.number].append(ask)
                return
            if said is None and whole.state == "refusing" and whole.like == ask.like:
                whole.odd.append(ask)
                whole.seen.add(ask.number)
                return
        for whole in [one for one in known if one.state == "refused"]:
            if self.now >= whole.begun + 2 * self.parts_deadline_s:
                self._forget(whole)
            elif ask.number not in whole.seen and ask.total == whole.like[0]:
                whole.seen.add(ask.number)
                self._answer(ask, whole.status)
                return
            else:
                self._forget(whole)
        if not self._room_for(ask):
            return
        whole = Whole(ask.place, ask.like, self.now)
        self.wholes.append(whole)
        self._gather(whole, ask)

    def _forget(self, whole: Whole) -> None:
        whole.state = "over"
        self.wholes.remove(whole)

    def _room_for(self, ask: Ask) -> bool:
        kept = [one.said[number] for one in self.wholes if one.state == "gathering" for number in one.said]
        if sum(len(one.octets) for one in kept) + len(ask.octets) <= self.parts_most_octets:
            return True
        self.verdicts.append("throughput.account")
        if ask.text.startswith("slow"):
            ask.bind.disk.append(("part", ask, DEFERRED))
        else:
            self._answer(ask, DEFERRED)
        return False

    def _gather(self, whole: Whole, ask: Ask) -> None:
        said = whole.said.get(ask.number)
        if said is not None and said.octets == ask.octets:
            whole.parts[ask.number].append(ask)
        elif said is not None or whole.like != ask.like:
            whole.odd.append(ask)
            self._refuse(whole, "pdu.ambiguous parts", ask.bind)
        elif self._room_for(ask):
            whole.parts[ask.number], whole.said[ask.number] = [ask], ask
            whole.seen.add(ask.number)
            if len(whole.parts) == whole.like[0]:
                self._judge(whole, ask.bind)
            else:
                for one in whole.asks():
                    one.bind.quiet_since = self.now

    def _judge(self, whole: Whole, by: Bind) -> None:
        leading = [whole.parts[number][0] for number in sorted(whole.parts)]
        for number in whole.parts:
            bind = whole.parts[number][0].bind
            if bind.draining or not bind.carrier:
                self._refuse(whole, "internal.draining" if bind.draining else "internal.upstream", by)
                return
        if not whole.text().startswith("yes"):
            self._refuse(whole, "whole", by)
            return
        self.verdicts.append("whole")
        self._decided(whole, "permitted")
        whole.teller = by
        for ask in leading:
            ask.state = "permitted"
            ask.bind.permitted.append(ask)
        for ask in leading:
            self._send_permitted(ask.bind)

    def _decided(self, whole: Whole, state: str) -> None:
        """A decided message is the latest of its place, whenever it began."""
        whole.state = state
        self.wholes.remove(whole)
        self.wholes.append(whole)

    def _refuse(self, whole: Whole, why: str, by: Bind) -> None:
        self.verdicts.append(why)
        self._decided(whole, "refusing")
        status = DEFERRED if why.startswith("internal") else DENIED
        if whole.text().startswith("slow"):
            by.disk.append(("whole", whole, status))
        else:
            self._refused(whole, status)

    def _refused(self, whole: Whole, status: int) -> None:
        for older in [one for one in self.wholes if one.place == whole.place and one.state == "refused"]:
            if len(whole.seen) < whole.like[0]:
                self._forget(older)
        whole.state, whole.status = "refused", status
        asks = whole.asks()
        if len(whole.seen) >= whole.like[0]:
            self._forget(whole)
        for ask in asks:
            if ask.state == "held":
                self._answer(ask, status)

    def _part_ended(self, ask: Ask, status: int, body: bytes, how: str, command: str = "submit_resp") -> None:
        """A permitted part has its answer; so has its message when all have."""
        whole = next(one for one in self.wholes if ask.number in one.parts and one.parts[ask.number][:1] == [ask])
        assert whole.teller is not None
        whole.answers[ask.number] = status, body, command  # type: ignore[assignment]
        counts = whole.teller.counts
        whole.is_unknown |= how == "unknown"
        if how == "rejected" and not whole.ended:
            whole.ended = True
            counts["rejected"] += 1
        for other in whole.parts[ask.number][1:]:
            if other.state == "held":
                self._answer(other, status, body, command)
        if len(whole.answers) == whole.like[0]:
            if not whole.ended:
                counts["unknown" if whole.is_unknown else "accepted"] += 1
            self._forget(whole)

    def _send_permitted(self, bind: Bind) -> None:
        while bind.permitted and bind.carrier and len(bind.those("sent")) < self.carrier_window:
            self._send(bind.permitted.pop(0))

    def _go_on(self, bind: Bind) -> None:
        self._send_permitted(bind)
        while bind.queue and len(bind.those("sent")) < self.carrier_window:
            self._consider(bind.queue.pop(0))

    def drains(self, bind: Bind, on: bool) -> None:
        bind.draining = on
        if on:
            for whole in self._gathered_on(bind):
                self._refuse(whole, "internal.draining", bind)

    # ---- the carrier -------------------------------------------------------------------------------------------

    def carrier_answers(self, ask: Ask, command: str, status: int, body: bytes) -> None:
        bind = ask.bind
        how = "accepted" if command == "submit_resp" and status == 0 else "rejected"
        self._answer(ask, status, body, command)
        if ask.place is None:
            bind.counts[how] += 1
        else:
            self._part_ended(ask, status, body, how, command)
        self._release(bind)
        self._go_on(bind)
        if bind.held:
            bind.quiet_since = self.now

    def _left_unknown(self, ask: Ask) -> None:
        self._answer(ask, UNKNOWN)
        if ask.place is None:
            ask.bind.counts["unknown"] += 1
        else:
            self._part_ended(ask, UNKNOWN, b"", "unknown")

    def delivers(self, delivery: Delivery, kind: str, about: str) -> None:
        bind = delivery.bind
        if kind == "bad":
            bind.to_carrier.append(("deliver_resp", delivery.sequence, UNREADABLE, b""))
            return
        bind.deliveries.append(delivery)
        if kind == "TD":
            delivery.state = "disk"
            bind.disk.append(("reply", delivery, 0))
            return
        if kind == "receipt":
            delivery.waits_for = [ask for ask in bind.those("sent") if ask.to[-8:] == about[-8:]]
        if delivery.waits_for:
            delivery.state = "waits"
        else:
            self._deliver(delivery)

    def _release(self, bind: Bind) -> None:
        for delivery in [one for one in bind.deliveries if one.state == "waits"]:
            if all(ask.state == "over" for ask in delivery.waits_for):
                self._deliver(delivery)

    def _deliver(self, delivery: Delivery) -> None:
        bind = delivery.bind
        if bind.esme != "bound":
            self._give_back(delivery)
            return
        # What is queued goes in the order in which it was ready.
        bind.deliveries.remove(delivery)
        bind.deliveries.append(delivery)
        delivery.state = "queued"
        self._deliver_more(bind)

    def _deliver_more(self, bind: Bind) -> None:
        for delivery in [one for one in bind.deliveries if one.state == "queued"]:
            if bind.esme != "bound":
                if len([one for one in bind.deliveries if one.state == "with esme"]) < self.esme_window:
                    self._give_back(delivery)
            elif len([one for one in bind.deliveries if one.state == "with esme"]) < self.esme_window:
                delivery.state, delivery.since = "with esme", self.now
                bind.to_esme.append(("deliver", delivery))

    def _give_back(self, delivery: Delivery) -> None:
        delivery.bind.deliveries.remove(delivery)
        if delivery.bind.carrier:
            delivery.bind.to_carrier.append(("deliver_resp", delivery.sequence, LATER, b""))

    def carrier_lost(self, bind: Bind) -> None:
        bind.carrier = False
        bind.deliveries = []
        for ask in sorted(bind.those("sent"), key=lambda one: one.upstream):
            self._left_unknown(ask)
        while bind.permitted:
            self._left_unknown(bind.permitted.pop(0))
        for whole in self._gathered_on(bind):
            self._refuse(whole, "internal.upstream", bind)
        while bind.queue:
            self._consider(bind.queue.pop(0))

    def carrier_back(self, bind: Bind) -> None:
        bind.carrier = True

    # ---- the disk, and time ------------------------------------------------------------------------------------

    def disk(self, bind: Bind, place: int, ok: bool) -> None:
        kind, what, status = bind.disk.pop(place)
        if kind == "whole":
            self._refused(what, status)
        elif kind in ("ask", "part"):
            if what.state != "over":
                self._answer(what, status)
        elif what in bind.deliveries:
            if ok:
                self._deliver(what)
            else:
                self._give_back(what)

    def second(self) -> None:
        self.now += 1
        for bind in self.binds:
            self._look_at(bind)

    def _look_at(self, bind: Bind) -> None:
        late = [ask for ask in bind.those("sent") if self.now >= ask.since + self.response_s]
        for ask in sorted(late, key=lambda one: one.upstream):
            self._left_unknown(ask)
        for delivery in [one for one in bind.deliveries if one.state == "with esme"]:
            if self.now >= delivery.since + self.response_s:
                self._give_back(delivery)
        self._release(bind)
        self._go_on(bind)
        if bind.held:
            for whole in [one for one in self.wholes if one.state == "gathering"]:
                if self.now >= whole.begun + self.parts_deadline_s:
                    self._refuse(whole, "message.partial late", bind)
            if not bind.others and self.now >= bind.quiet_since + self.quiet_s:
                bind.quiet_since = self.now
                for whole in self._gathered_on(bind):
                    self._refuse(whole, "message.partial stalled", bind)
        self._deliver_more(bind)
