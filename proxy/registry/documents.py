"""Registry files as people send them: JSON documents, and CSV with any of three encodings.

Owns the way from a file to raw rows, nothing of their meaning. A CSV is streamed, so that 10^7 rows need no memory; its
encoding is UTF-8 (with or without BOM), UTF-16 with BOM, else GB18030, else an error. Row numbers are those of the
file's lines for CSV and count from 1 in each section for JSON.
"""

import codecs
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from proxy.registry.table import Table
from proxy.registry.tables import RECORD_TABLES, TABLES

_CHUNK: Final = 1 << 20
#: The revision of a record that whoever wrote a row had before them.
REVISION: Final = "revision"
#: What rows may carry besides a table's columns, and the headings that mean it.
EXTRA_COLUMNS: Final[dict[str, dict[str, str]]] = {
    table.name: {REVISION: REVISION, "修订号": REVISION} for table in RECORD_TABLES
}
EXTRA_COLUMNS["accounts"]["password"] = "password"


class DocumentError(Exception):
    """A file cannot be read as what it should be; the text says why, and names no row's content."""


class RawRow(Struct, frozen=True):
    """One row as written: `fields` by column name, `fault` where the row as such is broken."""

    table: str
    row: int
    fields: dict[str, Any]
    fault: str = ""


def read_rows(path: Path, table: str | None = None, encoding: str | None = None) -> Iterator[RawRow]:
    """The rows of a file, sections in the order of `TABLES`. A `.csv` needs the table's name.

    Raises DocumentError at the first step where the file as such is wrong.
    """
    if path.suffix.lower() == ".json":
        if table is not None:
            raise DocumentError(f"{path}: a table is named for CSV only; a JSON file has sections")
        return _json_rows(path)
    if table is None:
        raise DocumentError(f"{path}: name the table that this CSV holds: {', '.join(TABLES)}")
    if table not in TABLES:
        raise DocumentError(f"{table}: no such table; known are {', '.join(TABLES)}")
    return _csv_rows(path, TABLES[table], encoding or detect_encoding(path))


def _json_rows(path: Path) -> Iterator[RawRow]:
    try:
        # WHY: editors that write a mark before UTF-8 write it before JSON, too.
        document = msgspec.json.decode(path.read_bytes().removeprefix(codecs.BOM_UTF8))
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DocumentError(f"{path}: not JSON in UTF-8: {error}") from error
    if not isinstance(document, dict):
        raise DocumentError(f"{path}: must be an object with sections {', '.join(TABLES)}")
    unknown = sorted(set(document) - set(TABLES) - {"about"})
    if unknown:
        raise DocumentError(f"{path}: unknown section {', '.join(unknown)}; known are about, {', '.join(TABLES)}")
    for name, table in TABLES.items():
        section = document.get(name, [])
        if not isinstance(section, list):
            raise DocumentError(f"{path}: {name}: must be a list")
        for place, fields in enumerate(section, 1):
            if not isinstance(fields, dict):
                yield RawRow(name, place, {}, "must be an object")
                continue
            named, fault = _by_column(table, fields)
            yield RawRow(name, place, named, fault)


def _by_column(table: Table, fields: dict[str, Any]) -> tuple[dict[str, Any], str]:
    named: dict[str, Any] = {}
    unknown = []
    twice = []
    for heading, value in fields.items():
        name = _column_name(table, heading)
        if name is None:
            unknown.append(heading)
        elif name in named:
            twice.append(name)
        else:
            named[name] = value
    faults = []
    if unknown:
        faults.append(f"unknown field {', '.join(unknown)}; known are {', '.join(_known(table))}")
    if twice:
        faults.append(f"given twice: {', '.join(twice)}")
    return named, "; ".join(faults)


def _known(table: Table) -> tuple[str, ...]:
    return (*table.names, *EXTRA_COLUMNS.get(table.name, ()))


def _column_name(table: Table, heading: str) -> str | None:
    column = table.named(heading)
    return EXTRA_COLUMNS.get(table.name, {}).get(heading) if column is None else column.name


def detect_encoding(path: Path) -> str:
    """The encoding of a text file; raises DocumentError where none of ours fits the whole of it."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return "utf-16"
            for encoding in ("utf-8-sig", "gb18030"):
                file.seek(0)
                if _decodes(iter(lambda: file.read(_CHUNK), b""), encoding):
                    return encoding
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    raise DocumentError(f"{path}: neither UTF-8 nor GB18030")


def _decodes(chunks: Iterator[bytes], encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for chunk in chunks:
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _csv_rows(path: Path, table: Table, encoding: str) -> Iterator[RawRow]:
    try:
        with path.open(encoding=encoding, newline="") as file:
            lines = csv.reader(file, strict=True, delimiter=_delimiter(file.readline()))
            file.seek(0)
            try:
                yield from _csv_body(path, table, lines)
            except csv.Error as error:
                raise DocumentError(f"{path}: line {lines.line_num}: {error}") from error
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    except (UnicodeError, LookupError) as error:
        raise DocumentError(f"{path}: not {encoding}") from error


def _delimiter(heading: str) -> str:
    """What parts the cells: a comma, or what a spreadsheet writes instead where the heading holds none."""
    return next((mark for mark in ",\t;" if mark in heading), ",")


def _csv_body(path: Path, table: Table, lines: Any) -> Iterator[RawRow]:
    header = [heading.strip() for heading in next(lines, [])]
    names = [_column_name(table, heading) or heading for heading in header]
    _, fault = _by_column(table, dict.fromkeys(header))
    if len(set(header)) != len(header):
        fault = "a heading stands twice"
    missing = [column.name for column in table.columns if column.required and column.name not in names]
    if missing:
        fault = "; ".join(filter(None, (fault, f"mandatory columns are missing: {', '.join(missing)}")))
    if fault:
        raise DocumentError(f"{path}: line 1: {fault}")
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            yield RawRow(table.name, lines.line_num, {}, f"{len(cells)} fields where the heading has {len(header)}")
            continue
        yield RawRow(table.name, lines.line_num, dict(zip(names, cells, strict=True)))
