"""Reads what routing goes by: the carriers file, and files of ported numbers as people send them.

Owns the way from a file to checked rows; what they mean is `routing.carriers`. A CSV is streamed, so that 10^7 rows
need no memory. Reasons never repeat a number.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from proxy.core.persons import PersonKey
from proxy.registry.documents import detect_encoding
from proxy.registry.importing import Problem
from proxy.registry.number_files import NUMBER, number_rows, written_recipient
from proxy.registry.packs import find_config
from proxy.routing.carriers import CarrierTable, CarrierTableError, load_carriers
from proxy.settings import SettingsError, read_toml

_HEADINGS: Final = {"number": NUMBER, "carrier": ("carrier", "运营商", "携入运营商")}
_TELL_EVERY: Final = 1000
_TABLE: Final = "ported"


class PortedSink(Protocol):
    """Where checked rows go."""

    def add(self, person: bytes, carrier: str, line: int) -> None:
        """Takes a number's pseudonym, its carrier and the line it stood in."""
        ...


def read_carriers(name: str = "carriers") -> CarrierTable:
    """The table of a name that ships, or of a path, no number ported; raises SettingsError with every error."""
    path = find_config("carriers", name)
    try:
        return load_carriers(read_toml(path))
    except CarrierTableError as error:
        raise SettingsError([f"{path}: {line}" for line in error.errors]) from error


def read_ported(
    path: Path,
    carriers: CarrierTable,
    person_key: PersonKey,
    sink: PortedSink,
    encoding: str | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[int, list[Problem]]:
    """Hands every right row of a CSV with the headings number and carrier to `sink`: how many, and what is wrong.

    Raises DocumentError where the file as such is wrong. `progress` is told how many rows were read, every 1000.
    """
    problems: list[Problem] = []
    writings: dict[str, str] = {}
    right = count = 0
    digest, add = person_key.newest, sink.add
    rows = number_rows(path, _HEADINGS, encoding or detect_encoding(path))
    for count, (line, (number, carrier), reason) in enumerate(rows, 1):
        if count % _TELL_EVERY == 0:
            progress(count)
        name = writings.get(carrier) or _carrier(carriers, carrier, writings)
        if reason:
            problems.append(Problem(_TABLE, line, "", reason))
            continue
        try:
            recipient = written_recipient(number)
        except ValueError as error:
            problems.append(Problem(_TABLE, line, "number", str(error)))
            recipient = ""
        if not name:
            known = ", ".join(carriers.names)
            problems.append(Problem(_TABLE, line, "carrier", f"no carrier of the carriers file; known are {known}"))
        elif recipient:
            add(digest(recipient), name, line)
            right += 1
    progress(count)
    return right, problems


def _carrier(carriers: CarrierTable, written: str, writings: dict[str, str]) -> str:
    found = carriers.named(written)
    if found is None:
        return ""
    writings[written] = found
    return found
