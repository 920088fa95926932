"""The registry at one revision, as the policy reads it: immutable but for two overlays that only add.

The overlays are the persons' indexes (a refusal that has just arrived binds on the next PDU) and the memo of lanes.
A new revision is a new snapshot; it is put in place by swapping one reference.
"""

from bisect import bisect_left, bisect_right, insort
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from msgspec import Struct, field

from proxy.core.bound import EMPTY_SHELF, Shelf
from proxy.core.contacts import Contacts
from proxy.core.content import Reader
from proxy.core.lane import Lane
from proxy.core.own_marks import Asked, OwnMarks
from proxy.core.pack import Pack
from proxy.core.persons import PersonIndex, PersonKey
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import (
    Account,
    Entrustment,
    Hold,
    Institution,
    Liaison,
    Licence,
    Number,
    Partner,
    Segment,
    Telecom,
    Template,
)
from proxy.core.rejections import Rejections
from proxy.core.wording import Wording

ALL_ACCOUNTS: Final = ""
#: Account, channel, sender, declared purpose, whether it is about an earlier message, and where the person is.
LaneKey = tuple[str, Channel, str | None, Purpose | None, bool, str]


class NumberLibrary:
    """Numbers by address: exact, or the longest registered port of which the sender is an extension (Z9)."""

    __slots__ = ("_lengths", "_ports", "_rows", "_sorted")

    def __init__(self, numbers: Iterable[Number] = ()) -> None:
        rows: dict[str, list[Number]] = {}
        for number in numbers:
            rows.setdefault(number.address, []).append(number)
        self._rows = {address: tuple(found) for address, found in rows.items()}
        self._sorted = sorted(self._rows)
        #: How many registered ports there are of each length.
        self._ports = Counter(len(address) for address in rows if address.isdigit())
        self._lengths = sorted(self._ports, reverse=True)

    def changed(self, changes: Iterable[tuple[Number | None, Number | None]]) -> "NumberLibrary":
        """This library with rows replaced, (former, new): None for former adds, None for new takes away.

        Costs a copy of two tables (some 3 ms at 10^5 numbers) and microseconds for each change; `self` stays as it is.
        """
        made = NumberLibrary()
        made._rows, made._sorted, made._ports = self._rows.copy(), self._sorted.copy(), self._ports.copy()
        for former, new in changes:
            made._change(former, new)
        made._lengths = sorted(made._ports, reverse=True)
        return made

    def _change(self, former: Number | None, new: Number | None) -> None:
        row = new or former
        if row is None:
            return
        address = row.address
        stood = self._rows.get(address, ())
        if former is None:
            found = stood if new is None else (*stood, new)
        elif new is None:
            found = tuple(each for each in stood if each is not former)
        else:
            found = tuple(new if each is former else each for each in stood)
        if found:
            self._rows[address] = found
        else:
            self._rows.pop(address, None)
        if bool(found) == bool(stood):
            return
        step = 1 if found else -1
        if found:
            insort(self._sorted, address)
        else:
            del self._sorted[bisect_left(self._sorted, address)]
        if address.isdigit():
            self._ports[len(address)] += step
            if not self._ports[len(address)]:
                del self._ports[len(address)]

    def find(self, sender: str) -> tuple[Number, ...]:
        """All rows of the number that `sender` is, or of the longest port it extends; () if it is in no library."""
        exact = self._rows.get(sender)
        if exact is not None or not sender.isdigit():
            return exact or ()
        for length in self._lengths:
            if length < len(sender):
                rows = tuple(row for row in self._rows.get(sender[:length], ()) if row.extensible)
                if rows:
                    return rows
        return ()

    def family(self, sender: str) -> tuple[Number, ...]:
        """All rows from which a reply to `sender` may stem: its own, the port's that it extends, and its extensions.

        A carrier may cut the extension digits off a reply's address, so a reply to a port can be for any of them.
        """
        rows = list(self.find(sender))
        if sender.isdigit():
            at = bisect_right(self._sorted, sender)
            while at < len(self._sorted) and self._sorted[at].startswith(sender):
                rows += self._rows[self._sorted[at]]
                at += 1
        return tuple(rows)

    def above(self, sender: str) -> tuple[Number, ...]:
        """All rows of every registered port that `sender` extends, the longest port first."""
        if not sender.isdigit():
            return ()
        found: list[Number] = []
        for length in self._lengths:
            rows = self._rows.get(sender[:length], ()) if length < len(sender) else ()
            if any(row.extensible for row in rows):
                found += rows
        return tuple(found)

    def groups(self) -> list[tuple[Number, ...]]:
        """All rows, by address: who holds them keeps them from being freed together with this library."""
        return list(self._rows.values())

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Number]:
        """Every row, in the order of addresses."""
        return (row for address in self._sorted for row in self._rows[address])


def notice_of(institution: str, partner: str) -> str:
    """What a debtor notice is salted with in `notices`: no id holds a line's end."""
    return f"{institution}\n{partner}"


class Snapshot(Struct, frozen=True):
    """Everything the policy may look at. `telecoms` are found by id and by name, `templates` by institution and text.
    `attested` tells when an institution's library was attested last (UTC seconds).
    `debtors` has values of `core/debtors.py`, `notices` 1 for each person who was told of a partner.

    `bypasses` are account (or ALL_ACCOUNTS) → UTC second at which it ends: until then all rules but the floor are in
    shadow for that account. Only `judging/bypass.py` lays them on a snapshot. `pack` is the base, `shelf` holds the
    others that may bind; `contacts` are live, and counted by whoever records a permit (`judging/contact_book.py`).
    `reader` reads texts, and `own_marks` is what they are held against: whoever makes snapshots of a registry has to
    give one, and without it no text is read. `asked` holds each thing that lanes ask of texts once;
    `wordings` are the templates with variables, by institution; `rejections` what was reviewed and rejected.
    """

    revision: int
    pack: Pack
    person_key: PersonKey
    accounts: dict[str, Account] = {}
    institutions: dict[str, Institution] = {}
    licences: dict[str, tuple[Licence, ...]] = {}
    telecoms: dict[str, Telecom] = {}
    partners: dict[str, Partner] = {}
    entrustments: dict[tuple[str, str], tuple[Entrustment, ...]] = {}
    liaisons: dict[str, tuple[Liaison, ...]] = {}
    templates: dict[tuple[str, str], tuple[Template, ...]] = {}
    segments: tuple[Segment, ...] = ()
    attested: dict[str, int] = {}
    numbers: NumberLibrary = field(default_factory=NumberLibrary)
    holds: frozenset[Hold] = frozenset()
    held_accounts: frozenset[str] = frozenset()
    held_numbers: frozenset[str] = frozenset()
    consents: PersonIndex = field(default_factory=PersonIndex)
    suppressions: PersonIndex = field(default_factory=PersonIndex)
    preferences: PersonIndex = field(default_factory=PersonIndex)
    donotcall: tuple[PersonIndex, ...] = ()
    debtors: PersonIndex = field(default_factory=PersonIndex)
    notices: PersonIndex = field(default_factory=PersonIndex)
    bypasses: dict[str, float] = {}
    shelf: Shelf = EMPTY_SHELF
    contacts: Contacts = field(default_factory=Contacts)
    own_marks: OwnMarks = OwnMarks()
    reader: Reader | None = None
    asked: dict[Asked, Asked] = field(default_factory=dict)
    wordings: dict[str, tuple[tuple[Wording, Template], ...]] = {}
    rejections: dict[str, Rejections] = {}
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
