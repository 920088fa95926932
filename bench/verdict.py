"""The figures that are bound, and whether a run met them. They compare hops of the same run, never absolute values."""

from __future__ import annotations

from dataclasses import dataclass

from bench.run import Row


@dataclass(frozen=True)
class Bound:
    """tdgate's `figure` under `load` is at most `factor` times that of `peer`."""

    load: str
    figure: str
    factor: float
    peer: str


@dataclass(frozen=True)
class Verdict:
    """A bound held against a case. `ratio` is None where one of the two was not measured, which counts as missed."""

    case: str
    bound: Bound
    ratio: float | None

    @property
    def met(self) -> bool:
        return self.ratio is not None and self.ratio <= self.bound.factor

    def __str__(self) -> str:
        bound = self.bound
        said = "not measured" if self.ratio is None else f"{self.ratio:.3g}"
        what = f"{bound.figure} at {bound.load} over {bound.peer}'s"
        return f"{'met   ' if self.met else 'MISSED'}  {self.case:9} {what:45} {said:>12}  (at most {bound.factor:g})"


BOUNDS = (
    Bound("10x10", "cpu_s_per_1k", 0.25, "node-smpp"),
    Bound("10x100", "cpu_s_per_1k", 0.25, "node-smpp"),
    Bound("1x1", "cpu_s_per_1k", 2.0, "haproxy"),
    Bound("10x10@1000", "p99_us", 3.0, "haproxy"),
)
BOUND_CASES = ("plain", "page")


def judge(rows: list[Row]) -> list[Verdict]:
    """One verdict for each bound in each bound case that was run."""
    found = {(row.case, row.hop, row.load): row for row in rows}
    verdicts = []
    for case in BOUND_CASES:
        if not any(row.case == case for row in rows):
            continue
        for bound in BOUNDS:
            ours = found.get((case, "tdgate", bound.load))
            theirs = found.get((case, bound.peer, bound.load))
            ratio = None
            if ours and theirs and not ours.errors and theirs.figures.get(bound.figure):
                mine = ours.figures.get(bound.figure)
                ratio = None if mine is None else mine / theirs.figures[bound.figure]
            verdicts.append(Verdict(case, bound, ratio))
    return verdicts
