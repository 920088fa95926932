"""Figures of the whole process that have a bound: how they are told, and whether they were met."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct


class Figure(Struct, frozen=True):
    """What was measured, its unit, and the most it may be; no bound where `most` is None."""

    name: str
    value: float
    unit: str
    most: float | None = None

    @property
    def met(self) -> bool:
        return self.most is None or self.value <= self.most

    def __str__(self) -> str:
        bound = "" if self.most is None else f"  (at most {self.most:,g})"
        word = "      " if self.most is None else "met   " if self.met else "MISSED"
        shown = f"{self.value:,.0f}" if self.value >= 1000 else f"{self.value:,.3g}"
        return f"{word}  {self.name:56} {shown:>12} {self.unit}{bound}"


def told(figures: Sequence[Figure]) -> str:
    """For the screen: one line a figure."""
    return "\n".join(str(figure) for figure in figures)


def all_met(figures: Sequence[Figure]) -> bool:
    return all(figure.met for figure in figures)
