"""Counts per account, route and day, summed from the log's tallies; what a kill kept from being told is recovered.

Owns the sums and whether they agree. Read-only. How it works: a Tally says what happened since the one before. Where a
run ended without a Stop, what followed an account's last Tally is counted from its Decisions and Outcomes; of permits
whose answer nobody recorded (an ordinary acceptance leaves no Outcome) nobody knows how they ended: they are `unknown`.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Final

from msgspec import Struct

from proxy.core.ground import ASKS_MESSAGE
from proxy.core.pack import CHINA_OFFSET_S
from proxy.evidence.read import entries, find
from proxy.evidence.records import ALLOW, DENY, Decision, Gap, Outcome, Start, Stop, Tally, decode, kind_of
from proxy.evidence.segments import batches_of, first_of, segment_paths

_CHINA: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))
_KINDS: Final = frozenset((1, 2, 6, 7, 8, 11))
#: Segments that end earlier than this before a day have nothing of it: longer than any time between two tallies.
_MARGIN_S: Final = 7200


class Count(Struct):
    """One account on one route on one day (Asia/Shanghai). `carried` was open as the day began, `open` as it ended.

    `recovered` requests were not told by a Tally since the process was killed, and counted from Decisions. Where an
    account used several routes, which they took is not known: their route is "".
    """

    day: str
    account: str
    route: str
    submitted: int = 0
    permitted: int = 0
    refused: int = 0
    deferred: int = 0
    carried: int = 0
    accepted: int = 0
    rejected: int = 0
    unknown: int = 0
    open: int = 0
    replies: int = 0
    receipts: int = 0
    recovered: int = 0

    @property
    def balanced(self) -> bool:
        """Whether both equations hold."""
        return (
            self.submitted == self.permitted + self.refused + self.deferred
            and self.permitted + self.carried == self.accepted + self.rejected + self.unknown + self.open
        )


class Counts(Struct):
    """Rows in order of day, account and route. `problems` says in words what does not agree, empty when all does.

    `gaps` counts places of the log in the time asked for where records may be missing, `missed` those known to be.
    """

    rows: list[Count] = []
    problems: list[str] = []
    gaps: int = 0
    missed: int = 0


class _Tail:
    """What one account did since its last Tally of this run."""

    def __init__(self, last: Tally) -> None:
        self.last = last
        self.permits: set[int] = set()
        self.routes = {last.route}
        self.count = Count("", last.account, last.route)


class _Run:
    """The sums of one run of the process, and of each account what no Tally holds yet."""

    def __init__(self) -> None:
        self.rows: list[Count] = []
        self.problems: list[str] = []
        self._open: dict[tuple[str, str], int] = {}
        self._tails: dict[str, _Tail] = {}
        self._whose: dict[int, str] = {}

    def tally(self, one: Tally) -> None:
        key = (one.account, one.route)
        # WHY not the first one: a segment may begin in the middle of a run.
        if self._open.get(key, one.carried) != one.carried:
            self.problems.append(
                f"{one.account} {one.route} at {_moment(one.at_us)}: carried {one.carried}, "
                f"but {self._open[key]} were open before"
            )
        self._open[key] = one.open
        before = self._tails.get(one.account)
        tail = self._tails[one.account] = _Tail(one)
        if before is not None:
            for decision in before.permits:
                self._whose.pop(decision, None)
            tail.routes |= before.routes
        row = Count(_day(one.since_us), one.account, one.route)
        for name in _TALLIED:
            setattr(row, name, getattr(one, name))
        if not row.balanced:
            self.problems.append(f"{one.account} {one.route} at {_moment(one.at_us)}: a tally does not agree")
        self.rows.append(row)

    def decision(self, one: Decision) -> None:
        tail = self._tails.get(one.account)
        if tail is None or one.asks != ASKS_MESSAGE or one.channel != "sms":
            # WHY: without an opening Tally this is a run of before there were any, or somebody who never bound.
            return
        count = tail.count
        count.day = count.day or _day(one.at_us)
        count.submitted += 1
        if one.effect == ALLOW:
            count.permitted += 1
            tail.permits.add(one.id)
            self._whose[one.id] = one.account
        elif one.effect == DENY:
            count.refused += 1
        else:
            count.deferred += 1

    def outcome(self, one: Outcome, directory: Path) -> None:
        if one.result not in ("accepted", "rejected", "unknown"):
            return
        account = self._whose.pop(one.id, None)
        if account is None:
            # Permitted before the last Tally: it stands there as open, if it is a message.
            found = find(directory, one.id)
            record = found.record if found is not None else None
            if not isinstance(record, Decision) or record.asks != ASKS_MESSAGE:
                return
            account = record.account
        tail = self._tails.get(account)
        if tail is not None:
            setattr(tail.count, one.result, getattr(tail.count, one.result) + 1)

    def end(self, *, goes_on: bool = False) -> None:
        """What followed each account's last Tally: all there is of a run that ended, or not told yet where it goes on.

        Permits without an answer are unknown in the one, open in the other.
        """
        for account, tail in self._tails.items():
            one = tail.count
            one.carried = sum(held for (name, _), held in self._open.items() if name == account)
            rest = one.permitted + one.carried - one.accepted - one.rejected - one.unknown
            one.day = one.day or _day(tail.last.at_us)
            one.route = next(iter(tail.routes)) if len(tail.routes) == 1 else ""
            if goes_on:
                one.open = rest
            else:
                one.unknown += rest
                one.recovered = one.submitted + one.carried
            if one.submitted or one.carried:
                self.rows.append(one)


_TALLIED: Final = tuple(
    name for name in Count.__struct_fields__ if name not in ("day", "account", "route", "recovered")
)


def count(directory: Path, day: str = "", account: str = "") -> Counts:
    """The counts of a log that may be growing: of one day (YYYY-MM-DD, Asia/Shanghai), or of all; of one account, or of
    all. Raises LayoutError, RecordError, OSError, and ValueError for what is no day.
    """
    found = Counts()
    since_us, until_us = _bounds(day)
    # WHY running: what is read may begin in the middle of a run.
    run, running = _Run(), True
    for octets in _octets(directory, since_us):
        if kind_of(octets) not in _KINDS:
            continue
        record = decode(octets)
        if isinstance(record, Decision):
            run.decision(record)
        elif isinstance(record, Outcome):
            run.outcome(record, directory)
        elif isinstance(record, Tally):
            run.tally(record)
        elif isinstance(record, Gap):
            if since_us <= record.at_us < until_us:
                found.gaps += 1
                found.missed += record.missed
        elif isinstance(record, Start):
            run.end()
            _take(run, found)
            run, running = _Run(), True
        elif isinstance(record, Stop):
            run.end()
            _take(run, found)
            run, running = _Run(), False
    if running:
        run.end(goes_on=True)
    _take(run, found)
    sums: dict[tuple[str, str, str], Count] = {}
    for row in found.rows:
        if row.day == (day or row.day) and row.account == (account or row.account):
            _add(sums, row)
    found.rows = [sums[key] for key in sorted(sums)]
    found.problems += [
        f"{row.account} {row.route} on {row.day}: the sums do not agree" for row in found.rows if not row.balanced
    ]
    return found


def _take(run: _Run, found: Counts) -> None:
    found.rows += run.rows
    found.problems += run.problems


def _add(sums: dict[tuple[str, str, str], Count], row: Count) -> None:
    """Adds an interval to its day. `carried` is that of the day's first interval, and of each run's first: the others'
    is the `open` of the one before.
    """
    key = (row.day, row.account, row.route)
    total = sums.get(key)
    if total is None:
        sums[key] = row
        return
    # INVARIANT: intervals come in order; what one left open, the next carries, or a new run begins with none open.
    total.carried += row.carried - total.open
    for name in (*_SUMMED, "recovered"):
        setattr(total, name, getattr(total, name) + getattr(row, name))
    total.open = row.open


_SUMMED: Final = tuple(name for name in _TALLIED if name not in ("carried", "open"))


def _octets(directory: Path, since_us: int) -> Iterator[bytes]:
    """The records from the segment on in which a day may begin."""
    paths = segment_paths(directory)
    start = 0
    for path in paths:
        batch = next(batches_of(path), None)
        if batch is not None and batch.head.at_us < since_us - _MARGIN_S * 1_000_000:
            start = first_of(path)
    return (entry.octets for entry in entries(directory, start))


def _bounds(day: str) -> tuple[int, int]:
    if not day:
        return 0, 1 << 63
    begin = datetime.combine(date.fromisoformat(day), datetime.min.time(), _CHINA)
    return int(begin.timestamp() * 1e6), int((begin + timedelta(days=1)).timestamp() * 1e6)


def _day(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, _CHINA).date().isoformat()


def _moment(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="seconds")


def total(rows: Iterable[Count]) -> Count:
    """The sum of rows, for the last line of a table."""
    found = Count("", "", "")
    for row in rows:
        for name in (*_TALLIED, "recovered"):
            setattr(found, name, getattr(found, name) + getattr(row, name))
    return found
