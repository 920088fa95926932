"""CSV files of persons' numbers with something beside: streamed, so that 10^7 rows need no memory.

Owns the way from a file to cells; what they mean is for whoever asks. Reasons never repeat a number.
"""

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proxy.core import addresses
from proxy.registry import fields
from proxy.registry.documents import DocumentError

#: Column → how its heading may be written, in small letters.
Headings = Mapping[str, tuple[str, ...]]
NUMBER: tuple[str, ...] = ("number", "号码", "手机号码")


def number_rows(path: Path, headings: Headings, encoding: str) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """(line, cells in the order of `headings`, what is wrong with the row as such) of every row that is not empty.

    Raises DocumentError where the file as such is wrong.
    """
    try:
        with path.open(encoding=encoding, newline="") as file:
            lines = csv.reader(file, strict=True)
            try:
                yield from _body(path, lines, headings)
            except csv.Error as error:
                raise DocumentError(f"{path}: line {lines.line_num}: {error}") from error
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    except (UnicodeError, LookupError) as error:
        raise DocumentError(f"{path}: not {encoding}") from error


def _body(path: Path, lines: Any, headings: Headings) -> Iterator[tuple[int, tuple[str, ...], str]]:
    heading = [cell.strip().casefold() for cell in next(lines, [])]
    places = []
    for name, writings in headings.items():
        found = [place for place, cell in enumerate(heading) if cell in writings]
        if len(found) != 1:
            raise DocumentError(f"{path}: line 1: one column must be called {name} ({' or '.join(writings[1:])})")
        places += found
    width, none = len(heading), ("",) * len(places)
    for cells in lines:
        if len(cells) == width:
            yield lines.line_num, tuple([cells[place] for place in places]), ""
        elif any(cell.strip() for cell in cells):
            yield lines.line_num, none, f"{len(cells)} fields where the heading has {width}"


def written_recipient(number: str) -> str:
    """The canonical form of a person's number as a file has it; raises ValueError with a reason."""
    if len(number) == 11 and number.isascii():
        # WHY: of 10^7 rows nearly all are written so.
        found = addresses.recipient(addresses.TON_UNKNOWN, 1, number.encode())
        if found is not None:
            return found
    return fields.recipient(number)
