"""Counts for billing: what each account sent over each route, and how it ended, told to the evidence log as it goes.

Owns the sums over binds and the pace of their records. Must never count on the way of a message: binds count for
themselves, and are looked at once a minute, at midnight and at the end. INVARIANT: the first Tally of an account and
route in a run is all zeros and precedes the account's first Decision, so that whoever reads the log after a kill knows
from where on Decisions have to be counted (`evidence/counting.py`).
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Protocol

from msgspec import Struct

from proxy.core.pack import CHINA_OFFSET_S
from proxy.evidence.records import Record, Tally

_DAY_S: Final = 86_400
#: Why a pause is never shorter: a timer may wake a little before its time.
_PAUSE_LEAST_S: Final = 0.01


class Asking(Protocol):
    """What a bind counts of requests (`AccountGate`)."""

    submitted: int
    permitted: int
    refused: int
    deferred: int
    replies: int


class Answering(Protocol):
    """What a bind counts of answers (`MirrorRelay`)."""

    accepted: int
    rejected: int
    unknown: int

    @property
    def receipts(self) -> int: ...

    @property
    def open_messages(self) -> int: ...


class Arrivals:
    """What came back for an account of a pool, on no bind of its own: counted like a bind that sends nothing."""

    submitted = permitted = refused = deferred = 0
    accepted = rejected = unknown = open_messages = 0

    def __init__(self) -> None:
        self.replies = 0
        self.receipts = 0


class Figures(Struct):
    """Sums since the process began. `submitted = permitted + refused + deferred`."""

    submitted: int = 0
    permitted: int = 0
    refused: int = 0
    deferred: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    replies: int = 0
    receipts: int = 0

    def add(self, asking: Asking, answering: Answering) -> None:
        """Adds what one bind counted so far."""
        self.submitted += asking.submitted
        self.permitted += asking.permitted
        self.refused += asking.refused
        self.deferred += asking.deferred
        self.replies += asking.replies
        self.accepted += answering.accepted
        self.rejected += answering.rejected
        self.unknown += answering.unknown
        self.receipts += answering.receipts


class _Strand:
    """One account on one route in this run: its binds, what ended ones had counted, and what was told last."""

    def __init__(self, at_us: int) -> None:
        self.binds: dict[Asking, Answering] = {}
        self.leaving: set[Asking] = set()
        self.ended = Figures()
        self.told = Figures()
        self.told_at_us = at_us
        self.open = 0

    def sums(self) -> Figures:
        found = Figures(*(getattr(self.ended, name) for name in Figures.__struct_fields__))
        for asking, answering in self.binds.items():
            found.add(asking, answering)
        return found

    def forget_ended(self) -> None:
        for asking in tuple(self.leaving):
            answering = self.binds[asking]
            # WHY only then: what a broken bind left open is still to be told as unknown.
            if not answering.open_messages:
                self.ended.add(asking, answering)
                del self.binds[asking]
                self.leaving.discard(asking)


class Tallies:
    """Sums per (account, route). Used on the loop only.

    `append` takes a record for the evidence log and says whether it did; `now_us` is UTC in microseconds.
    """

    def __init__(self, append: Callable[[Record], bool], now_us: Callable[[], int], every_s: float) -> None:
        self._append = append
        self._now_us = now_us
        self._every_s = every_s
        self._strands: dict[tuple[str, str], _Strand] = {}

    def join(self, account: str, route: str, asking: Asking, answering: Answering) -> None:
        """A bind begins to count."""
        strand = self._strands.get((account, route))
        if strand is None:
            # WHY: an account's first Tally on another route must not hide what it did since its last one.
            self.write()
            now_us = self._now_us()
            strand = self._strands[account, route] = _Strand(now_us)
            self._append(_tally(account, route, now_us, now_us, 0, 0, Figures()))
        strand.binds[asking] = answering

    def leave(self, account: str, route: str, asking: Asking) -> None:
        """A bind ended; what it still has open is waited for."""
        strand = self._strands[account, route]
        if asking in strand.binds:
            strand.leaving.add(asking)

    def write(self) -> None:
        """Records what changed since the last time; what the log does not take is recorded with the next."""
        now_us = self._now_us()
        for (account, route), strand in self._strands.items():
            sums = strand.sums()
            pending = sum(each.open_messages for each in strand.binds.values())
            names = Figures.__struct_fields__
            new = Figures(*(getattr(sums, name) - getattr(strand.told, name) for name in names))
            if new == _NOTHING and pending == strand.open:
                strand.told_at_us = now_us
            elif self._append(_tally(account, route, now_us, strand.told_at_us, strand.open, pending, new)):
                strand.told, strand.told_at_us, strand.open = sums, now_us, pending
            strand.forget_ended()

    def totals(self) -> list[tuple[str, str, Figures]]:
        """(account, route, sums of this run), sorted, for the window."""
        return [(account, route, strand.sums()) for (account, route), strand in sorted(self._strands.items())]

    async def run(self) -> None:
        """Writes every so often and at each midnight (Asia/Shanghai), until cancelled."""
        while True:
            await asyncio.sleep(pause_s(self._now_us() / 1e6, self._every_s))
            self.write()


_NOTHING: Final = Figures()


def pause_s(now: float, every_s: float) -> float:
    """How long to wait at `now` (UTC seconds): to the next round, at most to midnight in Asia/Shanghai."""
    return max(_PAUSE_LEAST_S, min(every_s, _DAY_S - (now + CHINA_OFFSET_S) % _DAY_S))


def utc_us() -> int:
    """UTC now, microseconds."""
    return time.time_ns() // 1000


def _tally(account: str, route: str, at_us: int, since_us: int, carried: int, pending: int, new: Figures) -> Tally:
    return Tally(
        at_us=at_us,
        since_us=since_us,
        account=account,
        route=route,
        submitted=new.submitted,
        permitted=new.permitted,
        refused=new.refused,
        deferred=new.deferred,
        carried=carried,
        accepted=new.accepted,
        rejected=new.rejected,
        unknown=new.unknown,
        open=pending,
        replies=new.replies,
        receipts=new.receipts,
    )
