"""The merged list of an authority by department and segment, with usage (J23). Pure.

Owns who counts: of a settled case only the institution it was settled for; of an open one both, and the case.
"""

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from proxy.core.number_library import NumberLibrary
from proxy.core.records import Number, Segment

Named = dict[str, Any]
#: What is no special segment, and what no department has merged.
OUTSIDE: Final = "-"


class Tally:
    """One row of a summary: a department and a segment."""

    def __init__(self) -> None:
        self.institutions: Final[set[str]] = set()
        self.numbers: Final[set[str]] = set()
        self.cases = self.permitted = self.refused = 0
        self.senders: Final[set[str]] = set()


class Merged(Struct, frozen=True):
    """One number of the merged list, as its department has it."""

    department: str
    number: Number


class Summary:
    """Counts a merged list, then what was seen of it."""

    def __init__(
        self, merged: Iterable[Merged], segments: Iterable[Segment], settled: dict[tuple[str, str], str]
    ) -> None:
        """`settled`: (address, institution) → for whom, where it was settled for another."""
        self._segments = tuple(segments)
        self._tallies: Final[dict[tuple[str, str], Tally]] = {}
        kept = [one for one in merged if (one.number.address, one.number.principal) not in settled]
        self._departments = {(one.number.address, one.number.principal): one.department for one in kept}
        self._library = NumberLibrary([one.number for one in kept])
        for one in kept:
            tally = self._tally(one.department, one.number.address)
            tally.institutions.add(one.number.principal)
            tally.numbers.add(one.number.address)

    def case(self, address: str, holder: str) -> None:
        """An open case of a number that `holder` had first."""
        department = self._departments.get((address, holder), OUTSIDE)
        self._tally(department, address).cases += 1

    def use(self, sender: str, principal: str, permitted: int, refused: int) -> None:
        """What was seen of a sender that an account of `principal` used."""
        rows = self._library.find(sender)
        row = next((one for one in rows if one.principal == principal), None)
        department = OUTSIDE if row is None else self._departments[row.address, row.principal]
        tally = self._tally(department, sender)
        tally.senders.add(sender)
        tally.permitted += permitted
        tally.refused += refused

    def _tally(self, department: str, address: str) -> Tally:
        segment = next((one.id for one in self._segments if one.covers(address)), OUTSIDE)
        return self._tallies.setdefault((department, segment), Tally())

    @property
    def rows(self) -> list[Named]:
        """By department and segment; `-` is what no department has merged, or no segment holds."""
        return [
            {
                "department": department,
                "segment": segment,
                "institutions": len(tally.institutions),
                "numbers": len(tally.numbers),
                "open_cases": tally.cases,
                "senders_used": len(tally.senders),
                "permitted": tally.permitted,
                "refused": tally.refused,
            }
            for (department, segment), tally in sorted(self._tallies.items())
        ]
