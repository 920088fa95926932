"""The trail of messages between the carrier's answer and the final receipt: looked up in memory, kept in files.

Owns both ways of finding a message: by the id the ESME was given, and by (route, carrier's id). Must never take one
message for another: a carrier that repeats an id gets all candidates back, and whoever cannot tell them apart must not
deliver. Holds digests of persons only.

How: `accepted` and `final` change memory at once and queue a record; `flush`, at the end of a loop turn and before the
answers of that turn are written, puts the queue in the newest segment with one write. A kill after that loses nothing;
a power cut may lose what was written in the last `sync_ms` and the time of one fdatasync (about 100 ms at most on a
disk that keeps up): receipts for those messages find nobody. All methods are called on one thread.
"""

import secrets
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from proxy.trail.layout import (
    ACCEPTED,
    ACCEPTED_OCTETS,
    ACCOUNT,
    CARRIER_ID_OCTETS_MOST,
    FINAL,
    PERSON_OCTETS,
    ROUTE,
    SHOWN,
    STATE,
    pack_accepted_head,
    pack_final,
    pack_frame,
    pack_name,
    pack_shown,
)
from proxy.trail.limits import Limits
from proxy.trail.message import Message
from proxy.trail.names import Names
from proxy.trail.recovery import Recovered, recover
from proxy.trail.segments import Segments
from proxy.trail.shown import ShownIds
from proxy.trail.table import Table

#: Messages looked at in one step of the work that is done beside: what a step costs bounds how late a loop turn ends.
_SWEEP_SLOTS: Final = 2_048
_FORGET_IN_FLUSH: Final = 64
_CARRY_IN_FLUSH: Final = 128
_SAMPLE_SLOTS: Final = 64
#: Segments are kept down to this many times what is open in them.
_SLACK: Final = 3
_MEAN_ID_OCTETS: Final = 64
_SEGMENTS_MOST: Final = 200


def utc_us() -> int:
    """UTC now, microseconds since the epoch."""
    return time.time_ns() // 1000


class Trail:
    """An open trail."""

    __slots__ = (
        "_accounts",
        "_clock",
        "_final_ids",
        "_final_times",
        "_grace_s",
        "_hand",
        "_home",
        "_kept_s",
        "_names_due",
        "_now",
        "_queue",
        "_routes",
        "_salts",
        "_segment_octets",
        "_segments",
        "_segments_least",
        "_shown",
        "_states",
        "_table",
        "given_up",
        "recovered",
        "rotation_error",
    )

    def __init__(self, segments: Segments, limits: Limits, clock: Callable[[], int]) -> None:
        """Use `open`."""
        self.given_up = 0
        """Open messages forgotten before their time since `open_most` were there."""
        self.rotation_error: OSError | None = None
        """Why the next segment could not be begun; the present one grows meanwhile."""
        self._clock: Final = clock
        self._segments: Final = segments
        self._table: Final = Table(limits.open_most)
        self._kept_s: Final = limits.kept_s
        self._grace_s: Final = limits.grace_s
        self._segment_octets: Final = limits.segment_octets
        self._segments_least: Final = limits.segments_least
        self._accounts: Final = Names(0xFFFF)
        self._routes: Final = Names(0xFFFF)
        self._states: Final = Names(0xFF)
        self._salts: Final[list[int]] = [0]
        self._queue: list[bytes] = []
        self._final_ids: Final[deque[int]] = deque()
        self._final_times: Final[deque[int]] = deque()
        self._hand = 1
        self._now = clock() // 1_000_000
        self._names_due = True
        self._home = 0
        self._shown: Final = ShownIds()
        self.recovered: Final[Recovered] = recover(
            segments, self._recall, self._recall_final, self._recall_shown, self._now, limits
        )
        segments.begin()
        self._home = _home_of(segments.numbers[-1])
        # WHY here: files that earlier starts left are dealt with before anybody waits.
        while len(segments.numbers) > self._segments_allowed() + 1:
            self._carry(_SWEEP_SLOTS)
            self._write()
        self._write()

    @classmethod
    def open(cls, directory: Path, *, limits: Limits | None = None, clock: Callable[[], int] = utc_us) -> "Trail":
        """Opens or creates the trail of a directory; blocks while it reads what stands there.

        `clock` gives UTC microseconds. A torn tail is left behind and counted in `recovered`. Raises TrailLockedError,
        OSError; ValueError for limits that would need too many files.
        """
        limits = limits or Limits()
        if _segments_for(limits.open_most, limits) > _SEGMENTS_MOST:
            raise ValueError("the trail would need too many files: larger segments, or fewer open messages")
        segments = Segments(directory, limits.sync_ms)
        try:
            return cls(segments, limits, clock)
        except BaseException:
            segments.close()
            raise

    def accepted(self, decision_id: int, account: str, route: str, carrier_id: bytes, person: bytes) -> None:
        """Enters a message that a carrier accepted; look-ups find it at once, `flush` writes it.

        An id entered twice is the later one's. An empty `carrier_id` is found by `by_ours` only. Raises ValueError for
        a carrier id of more than 64 octets and a person that is no digest of 16, struct.error for an id beyond 64 bits.
        """
        if len(carrier_id) > CARRIER_ID_OCTETS_MOST or len(person) != PERSON_OCTETS:
            raise ValueError("not a carrier's id of at most 64 octets and a digest of 16")
        queue = self._queue
        if not queue:
            self._now = self._clock() // 1_000_000
        now = self._now
        account_number = self._accounts.numbers.get(account, 0)
        if not account_number:
            account_number = self._new_name(ACCOUNT, self._accounts, account)
        route_number = self._routes.numbers.get(route, 0)
        if not route_number:
            route_number = self._new_name(ROUTE, self._routes, route)
        record = (
            pack_accepted_head(ACCEPTED, decision_id, now, account_number, route_number, person, len(carrier_id))
            + carrier_id
        )
        queue.append(record)
        self._enter(decision_id, self._home, route_number, carrier_id, record)

    def show(self, decision_id: int, shown: int) -> None:
        """The ESME knows a message that was just entered by another id; nothing where it is not (any more) known."""
        if self._table.slot_of(decision_id) and decision_id not in self._shown.by_message:
            self._shown.enter(decision_id, shown)
            self._queue.append(pack_shown(SHOWN, decision_id, shown))

    def all_shown_as(self, shown: int) -> tuple[Message, ...]:
        """All messages that the ESME knows by one id: one, or as many as a submit_multi had persons."""
        own = self._table.slot_of(shown)
        slots = [own] if own and shown not in self._shown.by_message else []
        slots += [self._table.slot_of(each) for each in self._shown.messages(shown)]
        return tuple([self._message(slot) for slot in slots if slot])

    def by_ours(self, decision_id: int) -> Message | None:
        """The message that the ESME knows by this id; see `message.decision_of` for its spelling."""
        slot = self._table.slot_of(decision_id)
        return self._message(slot) if slot else None

    def by_carrier(self, route: str, carrier_id: bytes) -> tuple[Message, ...]:
        """The messages that a carrier knows by this id: more than one where it repeated the id.

        Where none has exactly this id, those whose ids differ from it in case and leading zeros only.
        """
        route_number = self._routes.numbers.get(route, 0)
        if not route_number or not carrier_id:
            return ()
        folded = carrier_id.lstrip(b"0").upper()
        table = self._table
        slots = table.slots_of(hash(folded) ^ self._salts[route_number] or 1)
        exact: list[Message] = []
        alike: list[Message] = []
        for slot in slots:
            # INVARIANT: the hash only finds candidates; what counts is the route and the id that stand in the row.
            at, account, of_route, its_person, its_id = table.row(slot)
            if of_route != route_number:
                continue
            if its_id == carrier_id:
                found = exact
            elif its_id.lstrip(b"0").upper() == folded:
                found = alike
            else:
                continue
            found.append(
                Message(
                    table.ids[slot],
                    self._accounts.names[account],
                    route,
                    its_id,
                    its_person,
                    at,
                    self._states.names[table.states[slot]],
                    self._shown.by_message.get(table.ids[slot], 0),
                )
            )
        return tuple(exact or alike)

    def of_receipt(
        self, route: str, written: bytes, likely_ids: Callable[[bytes], tuple[bytes, ...]], person: bytes
    ) -> tuple[Message, ...]:
        """The message that a receipt speaks of; several where it cannot be told which, () where none is known.

        `written`: the id as the receipt has it; `likely_ids`: what else it may mean, asked only where the written one
        alone does not say (`smpp.receipt_ids.likely_ids`); `person`: the digest of the receipt's source address. A
        message of that person is the one, under whichever spelling it is found; among several the one still open.
        Without one, whoever has exactly the written id: carriers write addresses in forms of their own. Another radix
        counts only with the person.
        """
        found = self.by_carrier(route, written)
        if len(found) == 1 and found[0].person == person:
            return found
        theirs = _of_person(found, person)
        if theirs:
            return theirs
        for carrier_id in likely_ids(written):
            theirs = _of_person(self.by_carrier(route, carrier_id), person)
            if theirs:
                return theirs
        return found

    def final(self, decision_id: int, state: str) -> bool:
        """Ends a message: a final receipt came, or it was cancelled. False where it is unknown or has ended before.

        It is still found, with its state, for `grace_s`. Raises ValueError where `state` is empty or the 256th one.
        """
        slot = self._table.slot_of(decision_id)
        if not slot or self._table.states[slot]:
            return False
        queue = self._queue
        if not queue:
            self._now = self._clock() // 1_000_000
        number = self._states.numbers.get(state, 0)
        if not number:
            number = self._new_name(STATE, self._states, state)
        self._table.states[slot] = number
        queue.append(pack_final(FINAL, decision_id, self._now, number))
        self._final_ids.append(decision_id)
        self._final_times.append(self._now)
        return True

    def flush(self) -> None:
        """Writes what has queued; raises OSError, and then keeps it for the next call."""
        if not self._queue:
            return
        if self._final_ids:
            self._forget_finals(_FORGET_IN_FLUSH)
        if len(self._segments.numbers) > self._segments_allowed():
            self._carry(_CARRY_IN_FLUSH)
        self._write()

    def expire(self, now: int) -> None:
        """Forgets what is past its time at `now` (UTC µs), a part of it in each call; to be called about once a second.

        All messages are looked at within `open_most` / 2048 calls. Raises OSError as `flush` does.
        """
        self._now = now // 1_000_000
        self._forget_finals(_SWEEP_SLOTS)
        table = self._table
        oldest = self._now - self._kept_s
        hand = self._hand
        for _ in range(min(_SWEEP_SLOTS, table.top)):
            if hand > table.top:
                hand = 1
            # WHY no record: what stands in the files is past its time there too.
            if table.homes[hand] and not table.states[hand] and table.row(hand)[0] < oldest:
                self._remove(hand)
            hand += 1
        self._hand = hand
        if len(self._segments.numbers) > self._segments_allowed():
            self._carry(_SWEEP_SLOTS)
        self._write()

    @property
    def used(self) -> int:
        """Messages in memory, those in their grace time included."""
        return self._table.used

    @property
    def crowded(self) -> bool:
        """Whether seven eighths of `open_most` are taken: time to be loud, and to take less."""
        return self._table.used >= self._table.capacity - (self._table.capacity >> 3)

    @property
    def error(self) -> OSError | None:
        """Why the last fdatasync failed; None while all is well."""
        return self._segments.error

    def close(self) -> None:
        """Writes and syncs what has queued, and gives up the files and the lock."""
        try:
            self._write()
        finally:
            self._segments.close()

    def _message(self, slot: int) -> Message:
        at, account, route, person, carrier_id = self._table.row(slot)
        return Message(
            self._table.ids[slot],
            self._accounts.names[account],
            self._routes.names[route],
            carrier_id,
            person,
            at,
            self._states.names[self._table.states[slot]],
            self._shown.by_message.get(self._table.ids[slot], 0),
        )

    def _enter(self, decision_id: int, home: int, route: int, carrier_id: bytes, record: bytes) -> None:
        table = self._table
        key = 0
        if carrier_id:
            # WHY `or 1`: 0 says that a row is not found by key.
            key = hash(carrier_id.lstrip(b"0").upper()) ^ self._salts[route] or 1
        before = table.used
        if before == table.capacity and not table.slot_of(decision_id):
            self._make_room()
            before = table.used
        slot = table.add(decision_id, key, home, record)
        if table.used == before:
            table.remove(slot)
            table.add(decision_id, key, home, record)

    def _new_name(self, kind: int, names: Names, name: str) -> int:
        number = names.enter(name)
        if kind == ROUTE:
            # WHY: other routes' ids must not meet in the index, and nobody outside can know where an id will stand.
            self._salts.append(secrets.randbits(62))
        self._queue.append(pack_name(kind, number, name))
        return number

    def _make_room(self) -> None:
        """Frees a slot: the longest ended message, else the oldest of some open ones, which is then given up."""
        while self._final_ids:
            self._final_times.popleft()
            if self._forget(self._final_ids.popleft()):
                return
        table = self._table
        eldest, when = 0, 0
        for _ in range(_SAMPLE_SLOTS):
            if self._hand > table.top:
                self._hand = 1
            at = table.row(self._hand)[0]
            if not eldest or at < when:
                eldest, when = self._hand, at
            self._hand += 1
        self._queue.append(pack_final(FINAL, table.ids[eldest], self._now, 0))
        self._remove(eldest)
        self.given_up += 1

    def _forget(self, decision_id: int) -> bool:
        slot = self._table.slot_of(decision_id)
        # WHY: an id entered anew, or given up since, is not the one that ended.
        if not slot or not self._table.states[slot]:
            return False
        self._remove(slot)
        return True

    def _remove(self, slot: int) -> None:
        if self._shown.by_message:
            self._shown.forget(self._table.ids[slot])
        self._table.remove(slot)

    def _forget_finals(self, most: int) -> None:
        due = self._now - self._grace_s
        times = self._final_times
        while most and times and times[0] <= due:
            times.popleft()
            self._forget(self._final_ids.popleft())
            most -= 1

    def _segments_allowed(self) -> int:
        octets = self._table.used * (ACCEPTED_OCTETS + _MEAN_ID_OCTETS) * _SLACK
        return max(self._segments_least, octets // self._segment_octets + 2)

    def _carry(self, most: int) -> None:
        """Queues again what the oldest segment holds of messages that are not forgotten."""
        table = self._table
        old = _home_of(self._segments.numbers[0])
        slot = table.homes.find(old)
        while slot > 0 and most:
            self._queue.append(table.record(slot))
            shown = self._shown.by_message.get(table.ids[slot], 0)
            if shown:
                self._queue.append(pack_shown(SHOWN, table.ids[slot], shown))
            if table.states[slot]:
                self._queue.append(pack_final(FINAL, table.ids[slot], self._now, table.states[slot]))
            table.move_home(slot, self._home)
            most -= 1
            slot = table.homes.find(old, slot + 1)

    def _write(self) -> None:
        queue = self._queue
        segments = self._segments
        if queue:
            payload = b"".join(queue)
            if self._names_due:
                payload = self._all_names() + payload
            segments.append(pack_frame(payload))
            queue.clear()
            self._names_due = False
        numbers = segments.numbers
        # INVARIANT: oldest first, so no file that says a message was accepted outlives the one that says it ended.
        while len(numbers) > 1 and not self._table.live[_home_of(numbers[0])]:
            segments.drop_oldest()
        if segments.used >= self._segment_octets:
            try:
                segments.begin()
                self.rotation_error = None
            except OSError as error:
                self.rotation_error = error
            home = _home_of(numbers[-1])
            if home != self._home:
                self._home = home
                self._names_due = True

    def _all_names(self) -> bytes:
        parts: list[bytes] = []
        for kind, names in ((ACCOUNT, self._accounts), (ROUTE, self._routes), (STATE, self._states)):
            parts += [pack_name(kind, number, names.names[number]) for number in range(1, len(names.names))]
        return b"".join(parts)

    def _recall(
        self, segment: int, decision_id: int, at: int, account: str, route: str, person: bytes, carrier_id: bytes
    ) -> None:
        account_number = self._accounts.numbers.get(account) or self._new_name(ACCOUNT, self._accounts, account)
        route_number = self._routes.numbers.get(route) or self._new_name(ROUTE, self._routes, route)
        head = pack_accepted_head(ACCEPTED, decision_id, at, account_number, route_number, person, len(carrier_id))
        self._enter(decision_id, _home_of(segment), route_number, carrier_id, head + carrier_id)

    def _recall_shown(self, decision_id: int, shown: int) -> None:
        if self._table.slot_of(decision_id) and decision_id not in self._shown.by_message:
            self._shown.enter(decision_id, shown)

    def _recall_final(self, decision_id: int, at: int, state: str) -> None:
        slot = self._table.slot_of(decision_id)
        if not slot:
            return
        if not state or at <= self._now - self._grace_s:
            self._remove(slot)
            return
        number = self._states.numbers.get(state, 0) or self._new_name(STATE, self._states, state)
        if not self._table.states[slot]:
            self._final_ids.append(decision_id)
            self._final_times.append(at)
        self._table.states[slot] = number


def _of_person(found: tuple[Message, ...], person: bytes) -> tuple[Message, ...]:
    """Those of a person; of these the ones still open, where there are any."""
    theirs = tuple([each for each in found if each.person == person])
    return tuple([each for each in theirs if not each.state]) or theirs


def _home_of(segment: int) -> int:
    """The octet by which the table knows a segment."""
    return segment % 255 + 1


def _segments_for(messages: int, limits: Limits) -> int:
    octets = messages * (ACCEPTED_OCTETS + _MEAN_ID_OCTETS) * _SLACK
    return max(limits.segments_least, octets // limits.segment_octets + 2)
