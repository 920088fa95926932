"""What is demanded, read from `docs/requirements.md`: its rows, and the catalogue of refusals with its codes.

Owns the reading of that file and nothing of the product: what a row names as observable is what the tests look for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

FILE = Path(__file__).resolve().parents[2] / "docs" / "requirements.md"
_CODE = r"0x[0-9A-F]+"
_ROW = re.compile(r"[ZJC]\d+")


@dataclass(frozen=True)
class Demand:
    """One row: what the notice says, what the product does, what someone outside can observe."""

    id: str
    says: str
    actor: str
    does: str
    observable: str

    @property
    def rules(self) -> tuple[str, ...]:
        """The ids of refusals that the row names as observable, in its order."""
        return tuple(dict.fromkeys(one for one in re.findall(r"`([a-z]+\.[a-z]+)`", self.observable)))

    @property
    def like(self) -> tuple[str, ...]:
        """The rows that it goes back to: `as Z2`, `as Z7, Z8`, `as Z15 and Z16, with …`."""
        found = re.match(r"[aA]s ((?:[ZJC]\d+(?:, | and )?)+)", self.does)
        return tuple(_ROW.findall(found[1])) if found else ()


@dataclass(frozen=True)
class Refusal:
    """One rule of the catalogue and how it is told. `sip` are the statuses that a call may be refused with."""

    rule: str
    smpp: tuple[int, ...]
    sip: tuple[int, ...] = ()
    at_bind: tuple[int, ...] = ()

    @property
    def channels(self) -> tuple[str, ...]:
        return tuple(name for name, codes in (("sms", self.smpp), ("voice", self.sip)) if codes)


@dataclass(frozen=True)
class Demands:
    """The whole file."""

    rows: dict[str, Demand]
    refusals: dict[str, Refusal] = field(default_factory=dict)

    def rules_of(self, row: str) -> tuple[str, ...]:
        """The refusals that a row names, those of the rows that it goes back to included."""
        demand = self.rows[row]
        named = [rule for rule in demand.rules if rule in self.refusals]
        for other in demand.like:
            named += self.rules_of(other)
        return tuple(dict.fromkeys(named))


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _rules(cell: str) -> list[str]:
    """`licence.scope`, `.expired` …: a rule without its group is of the group before it."""
    found: list[str] = []
    for name in re.findall(r"`([a-z]*\.[a-z*]+)`", cell):
        group = found[-1].partition(".")[0] if name.startswith(".") else ""
        found.append(group + name)
    return found


def _each(cell: str, count: int) -> list[int]:
    """The codes of so many rules: one for all, one for each, or a range."""
    codes = [int(code, 16) for code in re.findall(_CODE, cell)]
    if re.search(f"{_CODE}–{_CODE}", cell):
        for first, last in pairwise(codes):
            codes = list(range(first, last + 1))
    return codes * count if len(codes) == 1 else codes


def _statuses(cell: str, rules: list[str]) -> dict[str, tuple[int, ...]]:
    """SIP: `403`; `603 or 608; `suppression.active` 607`; `603 with Retry-After`; none for a dash."""
    found: dict[str, tuple[int, ...]] = {}
    ordinary, *others = cell.split(";")
    usual = tuple(int(code) for code in re.findall(r"\b[3-6]\d\d\b", ordinary))
    own = {match[1]: (int(match[2]),) for each in others if (match := re.search(r"`(\S+)` (\d{3})", each))}
    for rule in rules:
        found[rule] = own.get(rule, usual)
    return found


def _refusals(lines: list[str]) -> dict[str, Refusal]:
    found: dict[str, Refusal] = {}
    for line in lines:
        names, vendor, _, _, sip, _ = _cells(line)
        rules = _rules(names)
        at_bind = re.match(rf"bind: ({_CODE}); (.*)", vendor)
        codes = _each(at_bind[2] if at_bind else vendor, len(rules))
        statuses = _statuses(sip, rules)
        for place, rule in enumerate(rules):
            own = tuple(codes[place : place + 1]) if len(codes) == len(rules) else tuple(codes)
            found[rule] = Refusal(rule, own, statuses[rule], (int(at_bind[1], 16),) if at_bind else ())
    return found


def read(file: Path = FILE) -> Demands:
    """All rows and the catalogue, in their order."""
    lines = file.read_text(encoding="utf-8").splitlines()
    rows = [Demand(*_cells(line)) for line in lines if re.match(r"\| [ZJC]\d+ \|", line)]
    catalogue = lines.index("## The catalogue of refusals")
    return Demands(
        {row.id: row for row in rows},
        _refusals([line for line in lines[catalogue:] if line.startswith("| `")]),
    )
