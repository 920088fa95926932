"""What is measured beside the hops: how soon the page shows what happens, and what refusals cost.

Owns the order and how each is told; the measuring is done by `page_times` and `suppressions`. A measurement that could
not be made is told as such and counts as missed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec

from bench import suppressions

BESIDE: Final = ("page-times", "suppressions")
PAGE_ROUNDS: Final = 10
SIZES: Final = (100_000, 1_000_000, 10_000_000)


class Beside(msgspec.Struct, frozen=True):
    """One measurement: its name, what is told of it, the figures, and whether what is bound was met."""

    name: str
    told: str
    figures: Any
    met: bool

    def __str__(self) -> str:
        return f"{self.name}:\n{self.told}"


def measure_beside(names: Iterable[str], say: Callable[[str], None]) -> list[Beside]:
    """Each of the named measurements, in order."""
    found = []
    for name in names:
        say(name)
        found.append(_page_times() if name == "page-times" else _suppressions())
    return found


def _page_times() -> Beside:
    try:
        from bench import page_times  # WHY here: it needs selenium, which nothing else of the bench does

        times = page_times.measure(PAGE_ROUNDS)
    except (ImportError, RuntimeError, OSError) as missing:
        return Beside("page-times", f"not measured: {missing}", {}, False)
    return Beside("page-times", str(times), msgspec.structs.asdict(times), True)


def _suppressions() -> Beside:
    found = [suppressions.measure(size) for size in SIZES]
    return Beside(
        "suppressions",
        suppressions.table(found),
        [msgspec.structs.asdict(one) for one in found],
        all(one.within for one in found),
    )
