"""What an observable is: the rows that it serves, a look at the running stage, and the sentence for what was seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.requirements.stage import Stage

Look = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True)
class Observable:
    """`look` raises AssertionError where `en` and `zh`, which say what is seen, are not true."""

    rows: tuple[str, ...]
    en: str
    zh: str
    look: Look

    @property
    def name(self) -> str:
        return self.look.__name__


class Shelf:
    """Collects the observables of a file in their order."""

    def __init__(self) -> None:
        self.all: list[Observable] = []

    def shows(self, rows: str, en: str, zh: str) -> Callable[[Look], Look]:
        """Adds the function below it."""

        def add(look: Look) -> Look:
            self.all.append(Observable(tuple(rows.split()), en, zh, look))
            return look

        return add
