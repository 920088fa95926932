"""What a page of templates shows: those of the wire beside those on record, filtered, with what the viewer may do.

Pure. Must never show a wording that the proxy did not tell.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

from msgspec import Struct

from proxy.language.names import is_one_person
from proxy.reviewing.on_record import Record

#: What somebody may do with a template on record; "other": somebody else has to.
May = Literal["", "submit", "review", "other"]
_VARIABLE: Final = re.compile(r"\{([a-z]+)\}")
#: A wording on record that is of several states is shown by the first of these.
_FIRST: Final = ("reviewed", "submitted", "rejected", "draft")
#: What a variable of the wire is in a wording on record; a telephone is written out.
_AS_VARIABLE: Final = {"figures": "{digits}", "name": "{name}", "link": "", "phone": ""}
#: Figures before these are sums and rates, which may have a point.
_SUMS: Final = re.compile(r"\{digits\}(?=[元%％])")
STATES: Final = ("none", *_FIRST)
VERDICTS: Final = ("clear", "against")

Piece = tuple[str, str]


class Passed(Struct, frozen=True):
    """A template as it passed on the wire. `pieces` are (variable, "") and ("", words); empty: it is not shown.

    Moments are UTC microseconds. `against` of `messages` had something found; `findings` are those of the latest.
    """

    id: str
    institution: str
    number: str
    accounts: tuple[tuple[str, int], ...]
    messages: int
    against: int
    first_us: int
    last_us: int
    category: str
    marks: tuple[str, ...]
    findings: tuple[str, ...]
    pieces: tuple[Piece, ...]
    record: Record | None
    draft: str
    """The wording as it could be put on record; telephones and links are to be written in."""

    @property
    def verdict(self) -> str:
        return "against" if self.findings else "clear"

    @property
    def state(self) -> str:
        return "none" if self.record is None else self.record.state


class Kept(Struct, frozen=True):
    """A template on record, with what passed of it and what the viewer may do."""

    record: Record
    pieces: tuple[Piece, ...]
    messages: int
    may: May


class Filter(Struct, frozen=True):
    """What is asked for; empty is everything."""

    institution: str = ""
    account: str = ""
    category: str = ""
    verdict: str = ""
    state: str = ""

    def takes(self, one: Passed) -> bool:
        return (
            self.institution in ("", one.institution)
            and (not self.account or self.account in dict(one.accounts))
            and self.category in ("", one.category)
            and self.verdict in ("", one.verdict)
            and self.state in ("", one.state)
        )


def pieces_of(wording: str) -> tuple[Piece, ...]:
    """A wording in pieces: words, and its variables."""
    parts = _VARIABLE.split(wording)
    return tuple((part, "") if place % 2 else ("", part) for place, part in enumerate(parts) if part)


def passed(
    rows: Iterable[Mapping[str, Any]], known: Mapping[str, Record], telephones: Mapping[str, str]
) -> list[Passed]:
    """What the proxy told of its templates. `known` are those on record by the id on the wire, `telephones` those of
    institutions that have exactly one.
    """
    return [_passed(row, known.get(str(row["id"])), telephones.get(str(row["principal"]), "")) for row in rows]


def _passed(row: Mapping[str, Any], record: Record | None, telephone: str) -> Passed:
    wording = row["wording"] or ""
    written = _AS_VARIABLE | {"phone": _spelt(telephone)}
    return Passed(
        id=row["id"],
        institution=row["principal"],
        number=row["number"],
        accounts=tuple(row["accounts"].items()),
        messages=row["messages"],
        against=row["against"],
        first_us=row["first_us"],
        last_us=row["last_us"],
        category=row["category"],
        marks=tuple(row["marks"]),
        findings=tuple(row["findings"]),
        pieces=pieces_of(wording),
        record=record,
        draft=_SUMS.sub("{amount}", _VARIABLE.sub(lambda found: written.get(found[1], ""), wording)),
    )


def _spelt(telephone: str) -> str:
    """A telephone as messages mostly write it: 400-000-1001."""
    if len(telephone) == 10 and telephone.startswith(("400", "800")):
        return f"{telephone[:3]}-{telephone[3:6]}-{telephone[6:]}"
    return telephone


def by_wire_id(pairs: Iterable[tuple[str, Record]]) -> dict[str, Record]:
    """Records by the id on the wire; of several the one that decides there."""
    found: dict[str, Record] = {}
    for wire_id, record in pairs:
        held = found.get(wire_id)
        if held is None or _FIRST.index(record.state) < _FIRST.index(held.state):
            found[wire_id] = record
    return found


def kept(records: Iterable[Record], seen: Iterable[Passed], scopes: frozenset[str], name: str) -> list[Kept]:
    """Templates on record, those that wait for this viewer first."""
    counts: dict[str, int] = {}
    for one in seen:
        if one.record is not None:
            counts[one.record.id] = counts.get(one.record.id, 0) + one.messages
    found = [Kept(one, pieces_of(one.text), counts.get(one.id, 0), _may(one, scopes, name)) for one in records]
    order = ("review", "other", "submit", "")
    return sorted(found, key=lambda one: (order.index(one.may), STATES.index(one.record.state), one.record.id))


def _may(record: Record, scopes: frozenset[str], name: str) -> May:
    if record.state != "submitted":
        return "submit" if "templates:submit" in scopes else ""
    if "templates:review" not in scopes:
        return ""
    return "other" if is_one_person(name, record.submitted_by) else "review"
