"""A window of requests that wait for their responses: sequence_numbers, deadlines, and what each answer belongs to.

Owns the allotment of sequence_numbers towards one peer. Must never answer anything itself. How it works: entries are
kept in the order in which they were opened; they all wait equally long, so the first is always the next to expire.
"""

from typing import Final, Generic, TypeVar

Held = TypeVar("Held")

_LAST_SEQUENCE: Final = 0x7FFFFFFF


def is_later(sequence: int, other: int) -> bool:
    """Whether of two sequence_numbers of one window the first was given out after the other."""
    # WHY not `>`: the numbers begin anew at 1. Two that are open together are never half the range apart.
    return 0 < (sequence - other) % _LAST_SEQUENCE <= _LAST_SEQUENCE // 2


class Window(Generic[Held]):
    """At most `size` open requests, each for at most `timeout_s` seconds of monotonic time."""

    __slots__ = ("_last", "_timeout_s", "entries", "size")

    def __init__(self, size: int, timeout_s: float) -> None:
        #: sequence_number → (deadline, what is held), oldest first; open to hot loops, which only read and delete.
        self.entries: dict[int, tuple[float, Held]] = {}
        self._last = 0
        self.size = size
        self._timeout_s = timeout_s

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def full(self) -> bool:
        return len(self.entries) >= self.size

    def next_sequence(self) -> int:
        """A sequence_number from 1 to 0x7FFFFFFF that no open request has (SMPP v3.4 §3.2)."""
        sequence = self._last + 1
        if sequence > _LAST_SEQUENCE:
            sequence = 1
        while sequence in self.entries:
            sequence = sequence % _LAST_SEQUENCE + 1
        self._last = sequence
        return sequence

    def open(self, held: Held, now: float) -> int:
        """Enters a request and returns its sequence_number. INVARIANT: the caller asked `full` first."""
        sequence = self._last + 1
        if sequence > _LAST_SEQUENCE or sequence in self.entries:
            sequence = self.next_sequence()
        else:
            self._last = sequence
        self.entries[sequence] = (now + self._timeout_s, held)
        return sequence

    def peek(self, sequence: int) -> Held | None:
        """What an open sequence_number holds, without closing it."""
        entry = self.entries.get(sequence)
        return entry[1] if entry is not None else None

    def close(self, sequence: int) -> Held | None:
        """Takes a request out; None where the response is late, unsolicited or a duplicate."""
        entry = self.entries.pop(sequence, None)
        return entry[1] if entry is not None else None

    def held(self) -> list[Held]:
        """All open requests, oldest first."""
        return [held for _, held in self.entries.values()]

    def drain(self) -> list[Held]:
        """Takes all open requests out, oldest first: the peer is gone."""
        held = self.held()
        self.entries.clear()
        return held

    def next_deadline(self) -> float | None:
        """Monotonic time at which the oldest request expires."""
        for deadline, _ in self.entries.values():
            return deadline
        return None

    def expired(self, now: float) -> list[tuple[int, Held]]:
        """Takes out what has waited too long, with its sequence_numbers."""
        late: list[tuple[int, Held]] = []
        while self.entries:
            sequence, (deadline, held) = next(iter(self.entries.items()))
            if deadline > now:
                break
            del self.entries[sequence]
            late.append((sequence, held))
        return late
