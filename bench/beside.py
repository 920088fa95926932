"""What is measured beside the hops: how soon the page shows what happens, what refusals cost, how well texts are read,
and the whole process.

Owns the order and how each is told; the measuring is done by `page_times`, `suppressions`, `rule_costs`, `accuracy`,
`reading`, `binds`, `waiting_ids`, `restart` and `calls`. A measurement that could not be made is told as such and
counts as missed.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import msgspec

from bench import accuracy, binds, reading, restart, rule_costs, suppressions, waiting_ids
from bench.bound_figures import Figure, all_met, told
from bench.calls import measure as calls
from bench.calls.hops import HOPS as CALL_HOPS

BESIDE: Final = (
    "page-times",
    "suppressions",
    "rule-costs",
    "accuracy",
    "reading",
    "binds",
    "waiting-ids",
    "restart",
    "calls",
)
PAGE_ROUNDS: Final = 10
SIZES: Final = (100_000, 1_000_000, 10_000_000)


class Beside(msgspec.Struct, frozen=True):
    """One measurement: its name, what is told of it, the figures, and whether what is bound was met."""

    name: str
    told: str
    figures: Any
    met: bool
    brief: str = ""
    """What the README has of it, where that is less."""

    def __str__(self) -> str:
        return f"{self.name}:\n{self.told}"


def measure_beside(names: Iterable[str], say: Callable[[str], None]) -> list[Beside]:
    """Each of the named measurements, in order."""
    found = []
    for name in names:
        say(name)
        found.append(_MEASURE[name]())
    return found


def _of_the_process(name: str, measure: Callable[[], list[Figure]]) -> Beside:
    try:
        figures = measure()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as missing:
        return Beside(name, f"MISSED  not measured: {missing}", {}, False)
    return Beside(name, told(figures), [msgspec.structs.asdict(one) for one in figures], all_met(figures))


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


def _rule_costs() -> Beside:
    try:
        found = rule_costs.costs(rule_costs.MESSAGES, rule_costs.ROUNDS)
    except (RuntimeError, OSError) as missing:
        return Beside("rule-costs", f"MISSED  not measured: {missing}", {}, False)
    return Beside("rule-costs", rule_costs.table(found), [asdict(one) for one in found], True)


def _calls() -> Beside:
    with tempfile.TemporaryDirectory(prefix="tdgate-calls-") as folder:
        found = calls.measure(Path(folder), list(CALL_HOPS.values()), list(calls.RATES), calls.SECS, calls.HELD)
    bound = calls.bound_of(found)
    right = bool(bound) and all_met(bound) and not any(one.error for one in found)
    return Beside("calls", f"{calls.table(found)}\n\n{told(bound)}", [asdict(one) for one in found], right)


def _accuracy() -> Beside:
    try:
        found = accuracy.measure()
    except (OSError, ValueError) as missing:
        return Beside("accuracy", f"MISSED  not measured: {missing}", {}, False)
    return Beside("accuracy", found.told, found.figures, found.met, found.brief)


_MEASURE: Final[dict[str, Callable[[], Beside]]] = {
    "page-times": _page_times,
    "suppressions": _suppressions,
    "rule-costs": _rule_costs,
    "accuracy": _accuracy,
    "reading": lambda: _of_the_process("reading", reading.measure),
    "binds": lambda: _of_the_process("binds", binds.measure),
    "waiting-ids": lambda: _of_the_process("waiting-ids", waiting_ids.measure),
    "restart": lambda: _of_the_process("restart", restart.measure),
    "calls": _calls,
}
