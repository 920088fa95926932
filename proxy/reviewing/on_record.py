"""Templates on record of one institution, as the store has them, and which template of the wire each of them is.

Reads only, beside the store's owner. Must never show another institution's. The words that messages are read by are
loaded when they are first needed, and again when their files change.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from msgspec import Struct

from proxy.core.wording import VARIABLES
from proxy.language.content import read_whole
from proxy.language.templates import Templates, id_of_shape
from proxy.registry.content_words import files_of_words, read_lexicon
from proxy.registry.ports import StoreError
from proxy.registry.tables import TABLES
from proxy.settings import Settings

_COLUMNS: Final = ("id", "institution", "campaign", "purposes", "text", "state", "submitted_by", "reviewed",
                   "reviewed_by", "checklist", "reason")  # fmt: skip
assert set(_COLUMNS) <= set(TABLES["templates"].names)
#: What stands for a variable where a wording is compared with what came; more than one where texts write it so.
_SAMPLES: Final = {
    "name": ("王",),
    "digits": ("1",),
    "amount": ("100.00",),
    "code": ("1234",),
    "date": ("2026-01-02", "2026年1月2日", "1月2日"),
}
assert set(_SAMPLES) == set(VARIABLES)
_SHAPES_KEPT: Final = 20_000


class Record(Struct, frozen=True):
    """One template on record; moments in UTC microseconds, 0 for never."""

    id: str
    institution: str
    campaign: str
    purposes: tuple[str, ...]
    text: str
    state: str
    submitted_by: str
    reviewed: int
    reviewed_by: str
    checklist: tuple[str, ...]
    reason: str


class RecordBook:
    """Templates and names of a store."""

    def __init__(self, database: Path) -> None:
        self._name = f"file:{quote(str(database))}?mode=ro"

    def templates(self, institution: str) -> list[Record]:
        """All of an institution, by id; raises StoreError."""
        sql = f"SELECT {', '.join(_COLUMNS)} FROM templates WHERE institution = ? ORDER BY id"
        return [_record(dict(zip(_COLUMNS, row, strict=True))) for row in self._rows(sql, institution)]

    def name_of(self, institution: str) -> str:
        """An institution's name; raises StoreError."""
        found = self._rows("SELECT name FROM institutions WHERE id = ?", institution)
        return str(found[0][0]) if found else institution

    def telephone_of(self, institution: str) -> str:
        """Its telephone, where it has exactly one on record; raises StoreError."""
        found = self._rows("SELECT DISTINCT phone FROM service_phones WHERE owner = ? LIMIT 2", institution)
        return str(found[0][0]) if len(found) == 1 else ""

    def _rows(self, sql: str, *values: str) -> list[Any]:
        try:
            with closing(sqlite3.connect(self._name, uri=True, isolation_level=None, timeout=2)) as reading:
                return reading.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise StoreError(f"templates cannot be read: {error}") from error


def _record(row: dict[str, Any]) -> Record:
    listed = {name: tuple(one for one in str(row[name]).split(mark) if one)
              for name, mark in (("purposes", ","), ("checklist", "\n"))}  # fmt: skip
    return Record(**{**row, **listed, "reviewed": int(row["reviewed"] or 0)})


class Likeness:
    """Which template of the wire a wording on record is."""

    def __init__(self, settings: Settings) -> None:
        self._words = settings.policy.vocabulary, settings.policy.content
        self._stamp: tuple[object, ...] = ()
        self._templates: Templates | None = None
        self._shapes: dict[str, tuple[str, ...]] = {}

    def ids(self, record: Record, numbers: Iterable[str]) -> Iterator[str]:
        """The ids that templates of this wording have on these numbers; raises SettingsError, OSError."""
        for shape in self._shapes_of(record.text):
            for number in numbers:
                yield id_of_shape((record.institution, number), shape)

    def _shapes_of(self, text: str) -> tuple[str, ...]:
        memory = self._loaded()
        found = self._shapes.get(text)
        if found is None:
            shapes: dict[str, None] = {}
            for sample in _samples_of(text):
                shapes[memory.shape(sample, read_whole(sample, memory.lexicon).content)] = None
            if len(self._shapes) >= _SHAPES_KEPT:
                self._shapes.clear()
            found = self._shapes[text] = tuple(shapes)
        return found

    def _loaded(self) -> Templates:
        files = files_of_words(*self._words)
        stamp = tuple((path.stat().st_mtime_ns, path.stat().st_size) for path in files if path.is_file())
        if self._templates is None or stamp != self._stamp:
            self._templates, self._stamp, self._shapes = Templates(read_lexicon(files[1])), stamp, {}
        return self._templates


def _samples_of(text: str) -> Iterator[str]:
    """A text with something in its variables: each way of writing dates, the same everywhere."""
    names = [name for name in _SAMPLES if f"{{{name}}}" in text]
    for values in product(*[_SAMPLES[name] for name in names]):
        sample = text
        for name, value in zip(names, values, strict=True):
            sample = sample.replace(f"{{{name}}}", value)
        yield sample
