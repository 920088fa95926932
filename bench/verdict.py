"""The figures that are bound, and whether a run met them. They compare hops of the same run, never absolute values."""

from __future__ import annotations

from dataclasses import dataclass

from bench.run import Row


@dataclass(frozen=True)
class Bound:
    """tdgate's `figure` under `load` is at most `factor` times that of `peer`.

    With `beside` it is tdgate's own in that case, as (case, load), that it is compared with.
    """

    load: str
    figure: str
    factor: float
    peer: str
    beside: tuple[str, str] | None = None

    @property
    def whose(self) -> str:
        return f"{self.peer}'s" if self.beside is None else "that of " + " ".join(self.beside)


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
        what = f"{bound.figure} at {bound.load} over {bound.whose}"
        return f"{'met   ' if self.met else 'MISSED'}  {self.case:9} {what:45} {said:>12}  (at most {bound.factor:g})"


BOUNDS = (
    Bound("10x10", "cpu_s_per_1k", 0.25, "node-smpp"),
    Bound("10x100", "cpu_s_per_1k", 0.25, "node-smpp"),
    Bound("1x1", "cpu_s_per_1k", 2.0, "haproxy"),
    Bound("10x10@1000", "p99_us", 3.0, "haproxy"),
)
BOUND_CASES = ("plain", "page")
#: By case: what is bound in it alone.
CASE_BOUNDS = {"texts": Bound("10x10", "cpu_s_per_1k", 0.5, "node-smpp")}
#: By case: what a message costs beside a simpler one, of the same build in the same run.
OWN_BOUNDS = {
    "parts": Bound("10x30", "cpu_s_per_1k", 2.5, "tdgate", ("plain", "10x10")),
    "pool": Bound("10x10", "cpu_s_per_1k", 1.3, "tdgate", ("receipts", "10x10")),
}


def judge(rows: list[Row]) -> list[Verdict]:
    """One verdict for each bound in each bound case that was run.

    A bound beside another case of tdgate's own is judged where both were run.
    """
    cases = {row.case for row in rows}
    found = {(row.case, row.hop, row.load): row for row in rows}
    verdicts = []
    for case in BOUND_CASES:
        if case in cases:
            verdicts += [_judge(found, case, bound, (case, bound.peer, bound.load)) for bound in BOUNDS]
    for case, bound in CASE_BOUNDS.items():
        if case in cases:
            verdicts.append(_judge(found, case, bound, (case, bound.peer, bound.load)))
    for case, bound in OWN_BOUNDS.items():
        if bound.beside is not None and {case, bound.beside[0]} <= cases:
            other, load = bound.beside
            verdicts.append(_judge(found, case, bound, (other, bound.peer, load)))
    return verdicts


def _judge(found: dict[tuple[str, str, str], Row], case: str, bound: Bound, peer: tuple[str, str, str]) -> Verdict:
    ours, theirs = found.get((case, "tdgate", bound.load)), found.get(peer)
    ratio = None
    if ours and theirs and not ours.errors and not theirs.errors and theirs.figures.get(bound.figure):
        mine = ours.figures.get(bound.figure)
        ratio = None if mine is None else mine / theirs.figures[bound.figure]
    return Verdict(case, bound, ratio)
