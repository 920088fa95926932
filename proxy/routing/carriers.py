"""Whose subscriber a recipient is: by its prefix, unless the number was ported.

Owns the table in memory and the meaning of a carriers file (`config/carriers.toml`); reading TOML and the file of
ported numbers is somebody else's work. Must never hold a number in clear: ported ones are known by the person's digest,
which every decision has already made, so a look-up costs no hash. With 10^7 ported numbers one that was not ported is
taken for a ported one with a probability of 5e-13 (64 of the digest's 128 bits).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from proxy.core.persons import PersonIndex, index_key

#: A ported number has one octet for its carrier; 0 is "not ported".
CARRIERS_MOST: Final = 255

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_PREFIX: Final = re.compile(r"[1-9][0-9]{0,14}")


class CarrierTableError(ValueError):
    """The table is wrong; `errors` are lines `KEY: REASON`, all of them."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class PortedNumbers:
    """Ported numbers: the first 64 bits of a person's digest → 1 + the place of the new carrier in `names`."""

    __slots__ = ("index", "names")

    def __init__(self, index: PersonIndex, names: Sequence[str]) -> None:
        self.index: Final = index
        self.names: Final = tuple(names)

    def of(self, person: bytes) -> str:
        """The carrier a person's number was ported to, "" where it was not."""
        value = self.index.get(index_key(person, 0))
        return self.names[value - 1] if 0 < value <= len(self.names) else ""

    def __len__(self) -> int:
        return len(self.index)


class CarrierTable:
    """Prefixes of canonical recipients, and ported numbers over them.

    `names` are all carriers of the file. INVARIANT: made by `load_carriers` and `with_ported` only.
    """

    __slots__ = ("_lengths", "_prefixes", "_writings", "names", "ported")

    def __init__(self, prefixes: dict[str, str], writings: dict[str, str], ported: PortedNumbers) -> None:
        self._prefixes: Final = prefixes
        self._writings: Final = writings
        self._lengths: Final = sorted({len(prefix) for prefix in prefixes}, reverse=True)
        self.names: Final = tuple(dict.fromkeys(writings.values()))
        self.ported: Final = ported

    def of(self, recipient: str, person: bytes) -> str:
        """The carrier of a canonical recipient with its digest (16 octets), "" where none is known."""
        return self.ported.of(person) or self.by_prefix(recipient)

    def by_prefix(self, recipient: str) -> str:
        """The carrier that the longest prefix names, "" where none fits: whose a number is unless it was ported."""
        prefixes = self._prefixes
        for length in self._lengths:
            found = prefixes.get(recipient[:length])
            if found is not None:
                return found
        return ""

    def named(self, written: str) -> str | None:
        """The carrier that a text means: its name, or another writing of it in the file (中国移动); None where none."""
        return self._writings.get(written.strip().casefold())

    def with_ported(self, ported: PortedNumbers) -> "CarrierTable":
        """The same prefixes under other ported numbers."""
        return CarrierTable(self._prefixes, self._writings, ported)


def load_carriers(table: Mapping[str, Any]) -> CarrierTable:
    """Checks a table and lays it out, no number ported; raises CarrierTableError with every error in it."""
    errors = [
        f"{key}: unknown key; known are carriers, prefixes" for key in table if key not in ("carriers", "prefixes")
    ]
    writings = _carriers(table.get("carriers"), errors)
    prefixes = _prefixes(table.get("prefixes"), set(writings.values()), errors)
    if errors:
        raise CarrierTableError(errors)
    return CarrierTable(prefixes, writings, PortedNumbers(PersonIndex(), ()))


def _carriers(section: Any, errors: list[str]) -> dict[str, str]:
    """Every writing of every carrier → its name; a carrier's own name is one of its writings."""
    if not isinstance(section, Mapping) or not section:
        errors.append("carriers: missing, or not a table of names with their other writings")
        return {}
    if len(section) > CARRIERS_MOST:
        errors.append(f"carriers: more than {CARRIERS_MOST}")
    found: dict[str, str] = {}
    for name, others in section.items():
        key = f"carriers.{name}"
        if not _NAME.fullmatch(name):
            errors.append(f"{key}: a name has 1 to 32 of a-z 0-9 _ - and begins with a letter or digit")
        elif not isinstance(others, list) or not all(isinstance(one, str) and one.strip() for one in others):
            errors.append(f"{key}: must be a list of other writings, such as [] or ['中国移动']")
            others = []
        for writing in (name, *others):
            known = found.setdefault(writing.strip().casefold(), name)
            if known != name:
                errors.append(f"{key}: {writing} is a writing of {known} already")
    return found


def _prefixes(section: Any, names: set[str], errors: list[str]) -> dict[str, str]:
    if not isinstance(section, Mapping) or not section:
        errors.append("prefixes: missing, or not a table of prefixes with their carriers")
        return {}
    found: dict[str, str] = {}
    for prefix, name in section.items():
        if not _PREFIX.fullmatch(prefix):
            errors.append(f"prefixes.{prefix}: 1 to 15 digits with the country code, such as 86138")
        elif not isinstance(name, str) or name not in names:
            errors.append(f"prefixes.{prefix}: no carrier of this file; known are {', '.join(sorted(names)) or 'none'}")
        else:
            found[prefix] = name
    return found
