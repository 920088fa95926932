"""The registry at one revision, as the policy reads it: immutable but for two overlays that only add.

The overlays are the persons' indexes (a refusal that has just arrived binds on the next PDU) and the memo of lanes.
A new revision is a new snapshot; it is put in place by swapping one reference.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field

from proxy.core.bound import EMPTY_SHELF, Shelf
from proxy.core.contacts import Contacts
from proxy.core.content import Reader
from proxy.core.lane import Lane
from proxy.core.number_library import NumberLibrary
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
    licences: Mapping[str, tuple[Licence, ...]] = {}
    telecoms: dict[str, Telecom] = {}
    partners: dict[str, Partner] = {}
    entrustments: Mapping[tuple[str, str], tuple[Entrustment, ...]] = {}
    liaisons: Mapping[str, tuple[Liaison, ...]] = {}
    templates: Mapping[tuple[str, str], tuple[Template, ...]] = {}
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
    wordings: Mapping[str, tuple[tuple[Wording, Template], ...]] = {}
    rejections: dict[str, Rejections] = {}
    lanes: dict[LaneKey, Lane] = field(default_factory=dict)
