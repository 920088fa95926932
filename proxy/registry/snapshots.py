"""Makes the policy's snapshot of a store's records, in slices that leave the loop to the wire.

Owns the way from columns to the structs of `core.records`. A builder remembers what it made: at the next revision only
rows that changed are read. The persons' indexes are the owner's own and stay the same objects, so that a refusal which
arrives while a snapshot is built is in it.
"""

import asyncio
from collections.abc import Callable, Iterable
from functools import lru_cache
from sys import intern
from typing import Any, Final, Generic, Literal, Protocol, TypeVar, cast

from proxy.core.content import Reader as TextReader
from proxy.core.number_library import NumberLibrary
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
    Period,
    Segment,
    Telecom,
    Template,
)
from proxy.core.shared_map import SharedMap
from proxy.core.snapshot import Snapshot
from proxy.language.names import people_in
from proxy.lists.entry import ListEntry
from proxy.registry.fields import SqlValue
from proxy.registry.news import News
from proxy.registry.own_marks import MARK_MAKERS, MarkShelf
from proxy.registry.ports import Reader, Row
from proxy.registry.tables import FOLLOWED, TABLES
from proxy.registry.wordings import WordingShelf

_SLICE_ROWS: Final = 200
#: Up to so many changed rows of a table are read in one turn.
_AT_ONCE: Final = 200
#: Parts of a library that are let go of in one turn, some hundred rows each.
_SLICE_RELEASED: Final = 4
#: Up to so many changed numbers the library is changed; beyond, it is made anew.
_CHANGES_MOST: Final = 300
Named = dict[str, Any]
_Rows = dict[tuple[SqlValue, ...], Any]
_Change = tuple[Number | None, Number | None]
T = TypeVar("T")
K = TypeVar("K")


class SnapshotSource(Reader, Protocol):
    """A reader that also holds the indexes of persons."""

    suppressions_index: PersonIndex
    consents_index: PersonIndex
    preferences_index: PersonIndex
    donotcall: tuple[PersonIndex, ...]
    debtors_index: PersonIndex
    notices_index: PersonIndex

    async def news(self, after: int, most: int) -> News:
        """What is newer than a revision; of each table at most so many rows."""
        ...


@lru_cache(maxsize=256)
def _purposes(kept: str) -> frozenset[Purpose]:
    return frozenset(cast(list[Purpose], kept.split(",")))


@lru_cache(maxsize=16)
def _channels(kept: str) -> frozenset[Channel]:
    return frozenset(cast(list[Channel], kept.split(",")))


@lru_cache(maxsize=4096)
def _period(since: int, until: int) -> Period:
    # WHY kept: 10^5 numbers share a few dozen periods, as they do their owners (`intern`).
    return Period(since, until)


def _shared(value: SqlValue) -> SqlValue:
    return intern(value) if type(value) is str else value


def _lines(kept: str) -> tuple[str, ...]:
    return tuple(kept.split("\n")) if kept else ()


def institution(row: Named) -> Institution:
    caps = (row["calls_per_s"], row["calls_most"], row["call_s_most"])
    return Institution(
        row["id"], row["name"], row["kind"], _lines(row["short_names"]), *caps, row["region"], row["page"]
    )


def licence(row: Named) -> Licence:
    period = Period(row["since"], row["until"])
    scope = (_purposes(row["purposes"]), _channels(row["channels"]), period)
    return Licence(row["institution"], *scope, row["region"], row["issuer"])


def telecom(row: Named) -> Telecom:
    licence = Period(row["since"], row["until"])
    return Telecom(row["id"], row["name"], row["kind"], licence, row["licence_no"], row["region"])


def partner(row: Named) -> Partner:
    return Partner(row["id"], row["name"], Period(row["since"], row["until"]))


def entrustment(row: Named) -> Entrustment:
    scope = (_purposes(row["purposes"]), _channels(row["channels"]), Period(row["since"], row["until"]))
    regions = frozenset(row["regions"].split(",")) if row["regions"] else frozenset[str]()
    return Entrustment(row["institution"], row["partner"], *scope, row["document_hash"], regions, row["parent"])


def number(row: Named) -> Number:
    return Number(
        address=row["address"],
        principal=intern(row["principal"]),
        operator=intern(row["operator"]),
        channels=_channels(row["channels"]),
        purposes=_purposes(row["purposes"]),
        period=_period(row["since"], row["until"]),
        extensible=bool(row["extensible"]),
        binary=bool(row["binary"]),
        disposed=bool(row["disposed"]),
        telecom=intern(row["telecom"]),
        refusal_keywords=_lines(row["refusal_keywords"]),
    )


def claim(row: Named, institution: str) -> Number:
    """A number that an institution's submission claims."""
    return Number(
        address=row["address"],
        principal=institution,
        operator=row["operator"],
        channels=_channels(row["channels"]),
        purposes=_purposes(row["purposes"]),
        period=Period(row["since"], row["until"]),
        extensible=bool(row["extensible"]),
        telecom=row["telecom"],
    )


def followed_number(entry: ListEntry) -> Number:
    """A number of another house's list, as one's own library would have it."""
    return Number(
        address=entry.address,
        principal=intern(entry.institution),
        operator=intern(entry.operator),
        channels=_channels(",".join(entry.channels)),
        purposes=_purposes(",".join(entry.purposes)),
        period=_period(entry.since, entry.until),
        extensible=entry.extensible,
        binary=entry.binary,
        disposed=entry.disposed,
        telecom=intern(entry.telecom),
    )


def account(row: Named) -> Account:
    since, until = row["telecom_licence_since"], row["telecom_licence_until"]
    return Account(
        id=row["id"],
        principal=row["principal"],
        operator=row["operator"],
        purposes=_purposes(row["purposes"]),
        password_hash=row["password_hash"],
        reviewed=people_in(_lines(row["reviewed_by"])) >= 2,  # Z8: two different people
        # Not noted: then the enterprises that it names have licences of their own.
        telecom_licence=Period(since, until) if until or not row["telecoms"] else Period(),
        responsible=row["responsible"],
        route=row["route"],
        addresses=_lines(row["addresses"]),
        max_binds=row["max_binds"],
        rate_per_s=row["rate_per_s"],
        window=row["window"],
        code_map=row["code_map"],
        vendor_base=row["vendor_base"],
        status_text=bool(row["status_text"]),
        binary=bool(row["binary"]),
        own_receiver=bool(row["own_receiver"]),
        replace_sm=bool(row["replace_sm"]),
        client_certificate=row["client_certificate"],
        calls_per_s=row["calls_per_s"],
        calls_most=row["calls_most"],
        call_s_most=row["call_s_most"],
        call_map=row["call_map"],
        asserts_identity=bool(row["asserts_identity"]),
        telecoms=_lines(row["telecoms"]),
    )


def liaison(row: Named) -> Liaison:
    return Liaison(row["institution"], row["name"], Period(row["since"], row["until"]))


def segment(row: Named) -> Segment:
    scope = (_channels(row["channels"]), _purposes(row["purposes"]), Period(row["since"], row["until"]))
    return Segment(row["id"], row["first"], row["last"], *scope)


def attestation(row: Named) -> tuple[str, int]:
    """(institution, UTC seconds)."""
    return row["institution"], row["attested"] // 1_000_000


def template(row: Named) -> Template:
    reviewed = row["state"] == "reviewed" and bool(row["reviewed_by"])
    # WHY submitted, too: what somebody rejected before stays rejected until it is passed.
    rejected = row["state"] in ("rejected", "submitted") and bool(row["reviewed_by"])
    return Template(row["id"], row["institution"], _purposes(row["purposes"]), row["text"], reviewed, rejected)


def hold(row: Named) -> Hold:
    return Hold(cast(Literal["account", "number"], row["kind"]), row["target"], row["reason"])


_MAKERS: Final = {
    "institutions": institution,
    "licences": licence,
    "telecoms": telecom,
    "partners": partner,
    "entrustments": entrustment,
    "liaisons": liaison,
    "numbers": number,
    "templates": template,
    "segments": segment,
    "attestations": attestation,
    "accounts": account,
    "holds": hold,
    **MARK_MAKERS,
}
#: Tables whose change makes the marks of texts anew.
_MARKED: Final = frozenset((*MARK_MAKERS, "institutions", "partners", "entrustments"))


class _Groups(Generic[K, T]):
    """Rows of one table by a key of their own, each group in the order in which its rows came."""

    __slots__ = ("_by", "_shared", "_touched")

    def __init__(self, by: Callable[[T], K]) -> None:
        self._by = by
        self._shared: SharedMap[K, tuple[T, ...]] = SharedMap()
        #: Groups that are not in the shared map yet.
        self._touched: dict[K, tuple[T, ...]] = {}

    def put(self, former: T | None, new: T) -> None:
        """A new row, or one in place of a former one."""
        key = self._by(new)
        stood = self._of(key)
        if former is None:
            self._touched[key] = (*stood, new)
        elif self._by(former) == key:
            self._touched[key] = tuple([new if one is former else one for one in stood])
        else:
            of_former = self._by(former)
            self._touched[of_former] = tuple([one for one in self._of(of_former) if one is not former])
            self._touched[key] = (*stood, new)

    def _of(self, key: K) -> tuple[T, ...]:
        touched = self._touched.get(key)
        return self._shared.get(key, ()) if touched is None else touched

    def snapshot(self) -> SharedMap[K, tuple[T, ...]]:
        """All groups as they are now: the same map where nothing changed."""
        if self._touched:
            self._shared = self._shared.changed([(key, rows or None) for key, rows in self._touched.items()])
            self._touched = {}
        return self._shared


class SnapshotBuilder:
    """Makes one snapshot after the other of one source."""

    def __init__(self, source: SnapshotSource, person_key: PersonKey, reader: TextReader) -> None:
        self._source = source
        #: Reads the texts; whoever reloads its words puts another one here.
        self.reader = reader
        self._marks = MarkShelf()
        #: Parts of a snapshot that are made of whole tables, by table; a table that changed has none.
        self._made: dict[str, Any] = {}
        self._wordings = WordingShelf()
        self._person_key = person_key
        self._revision = -1
        self._kept: dict[str, dict[tuple[SqlValue, ...], Any]] = {name: {} for name in _MAKERS}
        # WHY kept: grouping 10^4 rows takes some 10 ms of the loop, at every change of anything.
        self._entrustments = _Groups[tuple[str, str], Entrustment](lambda one: (one.institution, one.partner))
        self._licences = _Groups[str, Licence](lambda one: one.institution)
        self._liaisons = _Groups[str, Liaison](lambda one: one.institution)
        self._templates = _Groups[tuple[str, str], Template](lambda one: (one.institution, one.text))
        self._groups: dict[str, _Groups[Any, Any]] = {
            "entrustments": self._entrustments,
            "licences": self._licences,
            "liaisons": self._liaisons,
            "templates": self._templates,
        }
        #: Rows of other houses' lists, by issuer and key.
        self._followed: dict[tuple[str, bytes], Number] = {}
        self._numbers = NumberLibrary()
        #: What was read of numbers and is not in the library yet. INVARIANT: it outlives a reading that fails halfway.
        self._renumbered: list[_Change] = []
        #: Rows of a library that was made anew since, on their way out.
        self._retired: list[dict[str, tuple[Number, ...]]] = []
        self._building = asyncio.Lock()

    async def build(self, pack: Pack) -> Snapshot:
        """The snapshot of the newest revision. Raises StoreError; the former snapshot then stays valid."""
        async with self._building:
            news = await self._source.news(self._revision, _AT_ONCE)
            for table in _MAKERS:
                if table in news.rows:
                    rows = news.rows[table]
                    if rows is None:
                        await self._read(table)
                    else:
                        self._take(table, rows)
            if FOLLOWED in news.rows:
                await self._read_followed()
            await self._renumber()
            self._revision = news.revision
            return self._assemble(pack)

    async def _read(self, table: str) -> None:
        async for rows in self._source.rows(table, after=self._revision, slice_rows=_SLICE_ROWS):
            self._take(table, rows)
            await asyncio.sleep(0)

    def _take(self, table: str, rows: Iterable[Row]) -> None:
        """Rows of a table that are new or have changed; of holds all that there are."""
        shape, make = TABLES[table], _MAKERS[table]
        if table == "holds":
            # WHY anew: what was deleted is missing, and holds are few.
            self._kept[table] = {}
        kept, names, groups, (first, *others) = self._kept[table], shape.names, self._groups.get(table), shape.key
        for row in rows:
            named = dict(zip(names, row, strict=True))
            key = (named[first], *[_shared(named[name]) for name in others])
            former, kept[key] = kept.get(key), make(named)
            if groups is not None:
                groups.put(former, kept[key])
            if table in _MARKED:
                self._marks.changed(table, kept[key])
            if table == "numbers":
                self._renumbered.append((former, kept[key]))
        self._made.pop(table, None)
        if table == "templates":
            self._wordings.changed()

    async def _read_followed(self) -> None:
        """Lists of other houses: their numbers stand in the library beside one's own (J16)."""
        async for rows in self._source.followed(after=self._revision, slice_rows=_SLICE_ROWS):
            for issuer, entry, gone in rows:
                former = self._followed.pop((issuer, entry.key()), None)
                new = None if gone else followed_number(entry)
                if new is not None:
                    self._followed[issuer, entry.key()] = new
                self._renumbered.append((former, new))
            await asyncio.sleep(0)

    async def _renumber(self) -> None:
        changes = self._renumbered
        if 0 < len(changes) <= _CHANGES_MOST:
            self._numbers = self._numbers.changed(changes)
        elif changes:
            # WHY: a thread gives the loop a turn every few milliseconds; the grouping itself takes 0.3 µs a number.
            rows = [*self._kept["numbers"].values(), *self._followed.values()]
            self._retired += self._numbers.groups()
            self._numbers = await asyncio.to_thread(NumberLibrary, rows)
        self._renumbered = []

    async def release(self) -> None:
        """Lets go of what no snapshot needs any more: to be called when the newest one is in force.

        WHY in slices: 10^5 rows that are freed at once, with the last snapshot that held them, hold the wire for some
        50 ms.
        """
        retired = self._retired
        while retired:
            del retired[-_SLICE_RELEASED:]
            await asyncio.sleep(0)

    def _assemble(self, pack: Pack) -> Snapshot:
        kept = self._kept
        templates = kept["templates"].values()
        return Snapshot(
            revision=self._revision,
            pack=pack,
            person_key=self._person_key,
            accounts=self._of("accounts", _by_id),
            institutions=self._of("institutions", _by_id),
            licences=self._licences.snapshot(),
            telecoms=self._of("telecoms", _by_id_and_name),
            partners=self._of("partners", _by_id),
            entrustments=self._entrustments.snapshot(),
            liaisons=self._liaisons.snapshot(),
            templates=self._templates.snapshot(),
            segments=self._of("segments", lambda rows: tuple(rows.values())),
            attested=self._of("attestations", _latest),
            numbers=self._numbers,
            holds=self._of("holds", lambda rows: frozenset(rows.values())),
            held_accounts=self._held("account"),
            held_numbers=self._held("number"),
            consents=self._source.consents_index,
            suppressions=self._source.suppressions_index,
            preferences=self._source.preferences_index,
            donotcall=self._source.donotcall,
            debtors=self._source.debtors_index,
            notices=self._source.notices_index,
            wordings=self._wordings.worded(templates),
            rejections=self._wordings.rejected(templates, self.reader),
            own_marks=self._marks.marks({table: kept[table].values() for table in _MARKED}, self.reader),
            reader=self.reader,
        )

    def _of(self, table: str, make: Callable[[_Rows], Any]) -> Any:
        """A part that is made of a whole table: the same object until the table changes."""
        if table not in self._made:
            self._made[table] = make(self._kept[table])
        return self._made[table]

    def _held(self, kind: Literal["account", "number"]) -> frozenset[str]:
        return frozenset(one.target for one in self._kept["holds"].values() if one.kind == kind)


def _latest(attested: _Rows) -> dict[str, int]:
    # WHY sorted: of several moments of one institution the latest comes last, and stays.
    return dict(sorted(attested.values()))


def _by_id_and_name(telecoms: _Rows) -> dict[str, Telecom]:
    # INVARIANT: an id goes before a name, so no name can stand in for another enterprise's id.
    # WHY sorted: of two of one name the same is meant after a restart.
    rows = sorted(telecoms.values(), key=lambda one: one.id)
    return {one.name: one for one in rows} | {one.id: one for one in rows}


def _by_id(kept: _Rows) -> dict[str, Any]:
    return {str(key[0]): one for key, one in kept.items()}


async def build_snapshot(source: SnapshotSource, person_key: PersonKey, pack: Pack, reader: TextReader) -> Snapshot:
    """One snapshot, for those who need no second: `tdgate explain`, tests, benches."""
    return await SnapshotBuilder(source, person_key, reader).build(pack)
