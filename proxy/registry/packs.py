"""Reads rule packs: TOML → `core.pack.Pack`, every error with file, key and reason.

Owns the form of a pack file, one version each: `NAME.toml`, and `NAME@….toml` beside it for versions of other dates.
Every value names its `basis`: the sentence of an authority, or "product default" where no authority fixed it (Z1 J1),
and has a place for the official Chinese sentence. Must never let a floor rule run in shadow, or a rule that the
catalogue does not know.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct

from proxy.core.bound import Shelf
from proxy.core.catalogue import CATALOGUE
from proxy.core.pack import Cap, Citation, DebtRole, Hours, Mode, Pack, RuleSetting
from proxy.core.purposes import PURPOSE_BITS, Channel, Purpose
from proxy.core.regions import REGIONS
from proxy.core.workdays import NO_CALENDAR, Calendar
from proxy.registry.calendars import calendar_from
from proxy.registry.dates import since_s
from proxy.settings import SettingsError, checked, read_toml

S = TypeVar("S", bound=Struct)

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)|24:00")
_PACKAGE: Final = Path(__file__).resolve().parent.parent


class _Head(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    version: int
    region: str
    source: str
    effective: str
    effective_basis: str = ""
    shadow: bool = False
    share: float = 1.0
    calendar: str = ""


class _Hours(Struct, frozen=True, forbid_unknown_fields=True):
    opens: str
    closes: str
    basis: str
    purposes: list[Purpose]
    channels: list[Channel]
    days: Literal["all", "workdays", "holidays"] = "all"
    official: str = ""


class _InstitutionHours(Struct, frozen=True, forbid_unknown_fields=True):
    institution: str
    opens: str
    closes: str
    basis: str
    official: str = ""


class _Frequency(Struct, frozen=True, forbid_unknown_fields=True):
    purposes: list[Purpose]
    channels: list[Channel]
    most: int
    hours: int
    basis: str
    per_channel: bool = False
    official: str = ""


class _Collection(Struct, frozen=True, forbid_unknown_fields=True):
    roles: list[DebtRole]
    basis: str
    verified_days: int = 0
    official: str = ""


class _Rule(Struct, frozen=True, forbid_unknown_fields=True):
    basis: str
    mode: Mode = "enforce"
    share: float = 1.0
    official: str = ""


class _Validity(Struct, frozen=True, forbid_unknown_fields=True):
    cap_s: int
    basis: str
    official: str = ""


class _CollectionRefusal(Struct, frozen=True, forbid_unknown_fields=True):
    closes_channel: bool
    basis: str
    official: str = ""


class _Entrustment(Struct, frozen=True, forbid_unknown_fields=True):
    depth_most: int
    basis: str
    official: str = ""


class _RefusalInCalls(Struct, frozen=True, forbid_unknown_fields=True):
    purposes: list[Purpose]
    basis: str
    official: str = ""


class _Library(Struct, frozen=True, forbid_unknown_fields=True):
    attest_days: int
    basis: str
    official: str = ""


class _Content(Struct, frozen=True, forbid_unknown_fields=True):
    refusal_in: list[Purpose]
    basis: str
    refusal_by_link: bool = True
    unrecorded: Literal["pass", "refuse"] = "pass"
    official: str = ""


class _Liaison(Struct, frozen=True, forbid_unknown_fields=True):
    required: bool
    basis: str
    official: str = ""


_SECTIONS: Final = (
    "pack",
    "hours",
    "institution_hours",
    "frequency",
    "rules",
    "validity",
    "collection",
    "collection_refusal",
    "content",
    "entrustment",
    "refusal_in_calls",
    "liaison",
    "library",
)
#: As many contacts of a person as are remembered at most, and the longest window.
_CONTACTS_MOST: Final = 100
_WINDOW_MOST_H: Final = 24 * 31


def find_config(kind: str, name: str) -> Path:
    """The file that a name means: a path (with a slash or a suffix) as it is, else `NAME.toml` that ships.

    `kind` is what is looked for (`packs`, `codes`, `vocabulary`): its own folder of the shipped configuration where it
    has one, else the top. Raises SettingsError where there is no such file.
    """
    if "/" in name or Path(name).suffix:
        found = Path(name)
    else:
        # WHY two places: a wheel carries the configuration inside the package, a checkout has it at the top.
        places = (_PACKAGE / "config", _PACKAGE.parent / "config")
        folder = next((place for place in places if place.is_dir()), places[0])
        found = (folder / kind if (folder / kind).is_dir() else folder) / f"{name}.toml"
    if not found.is_file():
        raise SettingsError([f"{found}: -: no such file"])
    return found


def _read(path: Path) -> Pack:
    return pack_from(read_toml(path), str(path))


def read_packs(name: str) -> tuple[Pack, ...]:
    """Every version of a pack, that of the file itself first; raises SettingsError with every error."""
    path = find_config("packs", name)
    versions, errors = [_read(path)], []
    for beside in sorted(path.parent.glob(f"{path.stem}@*.toml")):
        try:
            version = _read(beside)
        except SettingsError as error:
            errors += error.errors
            continue
        if version.id != versions[0].id:
            errors.append(f"{beside}: pack.id: must be {versions[0].id}, as in {path.name}")
        elif any(version.since == one.since or version.version == one.version for one in versions):
            errors.append(f"{beside}: pack.version: another file has this version or this date")
        else:
            versions.append(version)
    if errors:
        raise SettingsError(errors)
    return tuple(versions)


def read_shelf(base: str, names: Iterable[str], region: str) -> tuple[Pack, Shelf]:
    """The base pack, and the shelf with what stands beside it; raises SettingsError with every error."""
    errors: list[str] = []
    found: list[tuple[Pack, ...]] = []
    for name in (base, *names):
        try:
            versions = read_packs(name)
        except SettingsError as error:
            errors += error.errors
            continue
        if any(versions[0].id == other[0].id for other in found):
            errors.append(f"policy.packs: {name}: {versions[0].id} is named twice")
        found.append(versions)
    if region and region not in REGIONS:
        errors.append(f"policy.region: {region}: no such province; write it as CN-ZJ")
    if errors:
        raise SettingsError(errors)
    shelf = [pack for versions in found[1:] for pack in versions]
    return found[0][0], Shelf((*found[0][1:], *shelf), region)


def pack_from(table: Mapping[str, Any], file: str) -> Pack:
    """The pack that a TOML table describes; raises SettingsError with every error."""
    errors = [f"{file}: {key}: unknown key; known are {', '.join(_SECTIONS)}" for key in table if key not in _SECTIONS]
    reading = _Reading(file, errors)
    head = reading.struct(_Head, table.get("pack", {}), "pack")
    since = reading.date(head.effective, "pack.effective") if head is not None else 0
    calendar = reading.calendar(head.calendar) if head is not None and head.calendar else NO_CALENDAR
    if head is not None and head.region not in REGIONS:
        # WHY refused: a pack of a place that is none would bind nowhere, and nobody would see it.
        errors.append(
            f"{file}: pack.region: {head.region or 'empty'}: no such region; write CN, or a province as CN-ZJ"
        )
    if head is not None and not 0.0 <= head.share <= 1.0:
        errors.append(f"{file}: pack.share: must be from 0 to 1")
    if head is not None and head.effective_basis:
        reading.citations.append(Citation("pack.effective", "", head.effective, head.effective_basis))
    hours, holiday_hours = reading.hours(table.get("hours", []))
    caps = reading.caps(table.get("frequency", []))
    roles, verified_days = reading.roles(table.get("collection"))
    if holiday_hours and calendar is NO_CALENDAR:
        errors.append(f"{file}: pack.calendar: missing; hours of holidays need one")
    institution_hours = reading.institution_hours(table.get("institution_hours", []))
    rules = reading.rules(table.get("rules", {}))
    validity = reading.struct(_Validity, table.get("validity", {}), "validity")
    collection = reading.struct(_CollectionRefusal, table.get("collection_refusal", {}), "collection_refusal")
    default = {"depth_most": 1, "basis": "product default"}
    entrustment = reading.struct(_Entrustment, table.get("entrustment", default), "entrustment")
    if entrustment is not None and not 1 <= entrustment.depth_most <= 8:
        errors.append(f"{file}: entrustment.depth_most: must be from 1 to 8")
    in_calls = reading.refusal_in_calls(table.get("refusal_in_calls"))
    liaison = reading.struct(_Liaison, table.get("liaison", {"required": False, "basis": "product default"}), "liaison")
    attest_days = reading.attest_days(table.get("library"))
    content = reading.content(table.get("content"))
    if validity is not None and validity.cap_s < 0:
        errors.append(f"{file}: validity.cap_s: must not be negative")
    if not (head and validity and collection and entrustment and liaison) or errors:
        raise SettingsError(errors)
    reading.cite("validity", "pdu.unsupported", f"validity_period at most {validity.cap_s} s", validity)
    closes = "collection on its channel too" if collection.closes_channel else "marketing only"
    reading.cite("entrustment", "entrustment.depth", f"at most {entrustment.depth_most} partners", entrustment)
    reading.cite("collection_refusal", "suppression.active", f"a refusal of collection closes {closes}", collection)
    return Pack(
        id=head.id,
        version=head.version,
        region=head.region,
        source=head.source,
        effective=head.effective,
        hours=hours,
        institution_hours=institution_hours,
        rules=rules,
        shadow=head.shadow,
        validity_cap_s=validity.cap_s,
        collection_refusal_closes_channel=collection.closes_channel,
        share=head.share,
        since=since,
        holiday_hours=holiday_hours,
        calendar=calendar,
        caps=caps,
        collection_roles=roles,
        debtor_verified_days=verified_days,
        citations=tuple(reading.citations),
        entrustment_depth_most=entrustment.depth_most,
        refusal_in_calls=in_calls,
        liaison_required=liaison.required,
        library_attest_days=attest_days,
        refusal_in_texts=frozenset(content.refusal_in),
        refusal_by_link=content.refusal_by_link,
        unrecorded_passes=content.unrecorded == "pass",
    )


class _Reading:
    """Reads sections of one file and gathers their errors."""

    def __init__(self, file: str, errors: list[str]) -> None:
        self._file = file
        self._errors = errors
        self.citations: list[Citation] = []

    def fault(self, key: str, reason: str) -> None:
        self._errors.append(f"{self._file}: {key}: {reason}")

    def struct(self, kind: type[S], table: Any, key: str) -> S | None:
        if not isinstance(table, Mapping):
            self.fault(key, "must be a table")
            return None
        try:
            found = checked(kind, table, f"{self._file}: {key}")
        except SettingsError as error:
            # `checked` writes "FILE: KEY: REASON"; here the key stands below another.
            self._errors += [line.replace(f"{key}: ", f"{key}.", 1) for line in error.errors]
            return None
        if getattr(found, "basis", "-") == "":
            self.fault(f"{key}.basis", 'empty; name the source, or "product default"')
        return found

    def cite(self, key: str, rule: str, value: str, entry: Any) -> None:
        """Remembers on what a value rests."""
        self.citations.append(Citation(key, rule, value, entry.basis, entry.official))

    def date(self, text: str, key: str) -> int:
        """The first second of a local date."""
        try:
            return since_s(date.fromisoformat(text))
        except ValueError:
            self.fault(key, "must be a date such as 2026-01-01")
            return 0

    def calendar(self, name: str) -> Calendar:
        """The calendar of a name that ships, or of a path."""
        try:
            path = find_config("holidays", name)
            return calendar_from(read_toml(path), str(path))
        except SettingsError as error:
            self._errors += error.errors
            return NO_CALENDAR

    def caps(self, tables: Any) -> tuple[Cap, ...]:
        found: list[Cap] = []
        for key, table in self.listed(tables, "frequency"):
            entry = self.struct(_Frequency, table, key)
            if entry is None:
                continue
            if not 1 <= entry.most <= _CONTACTS_MOST:
                self.fault(f"{key}.most", f"must be from 1 to {_CONTACTS_MOST}")
            elif not 1 <= entry.hours <= _WINDOW_MOST_H:
                self.fault(f"{key}.hours", f"must be from 1 to {_WINDOW_MOST_H}")
            elif not entry.channels:
                self.fault(f"{key}.channels", "must name one at least")
            else:
                groups = [{one} for one in entry.channels] if entry.per_channel else [set(entry.channels)]
                for purpose in entry.purposes:
                    if any((purpose, channel) not in PURPOSE_BITS for channel in entry.channels):
                        self.fault(f"{key}.purposes", f"{purpose} is not counted; marketing and collection are")
                    found += [Cap(purpose, frozenset(group), entry.most, entry.hours * 3600) for group in groups]
                each = " each" if entry.per_channel else ""
                value = f"{'/'.join(entry.purposes)} {'+'.join(entry.channels)}{each}: {entry.most} in {entry.hours} h"
                self.cite(key, "frequency.cap", value, entry)
        return tuple(found)

    def roles(self, table: Any) -> tuple[frozenset[DebtRole], int]:
        """Who may be reached for collection, and for how many days a record of it counts."""
        entry = None if table is None else self.struct(_Collection, table, "collection")
        if entry is None:
            return frozenset(), 0
        if entry.verified_days < 0:
            self.fault("collection.verified_days", "must not be negative")
        if not entry.roles:
            self.fault("collection.roles", "must name one at least; leave the section out to reach anybody")
        self.cite("collection", "debtor.unknown", ", ".join(entry.roles), entry)
        return frozenset(entry.roles), entry.verified_days

    def listed(self, tables: Any, key: str) -> list[tuple[str, Any]]:
        if not isinstance(tables, list):
            self.fault(key, "must be a list of tables")
            return []
        return [(f"{key}.{place}", table) for place, table in enumerate(tables)]

    def hours(self, tables: Any) -> tuple[dict[tuple[Purpose, Channel], Hours], dict[tuple[Purpose, Channel], Hours]]:
        """The hours of workdays, and those of holidays where they differ."""
        found: dict[tuple[Purpose, Channel], Hours] = {}
        holidays: dict[tuple[Purpose, Channel], Hours] = {}
        kinds: list[tuple[Purpose, Channel, str]] = []
        for key, table in self.listed(tables, "hours"):
            entry = self.struct(_Hours, table, key)
            span = None if entry is None else self.span(entry.opens, entry.closes, key)
            if entry is None or span is None:
                continue
            for purpose in entry.purposes:
                for channel in entry.channels:
                    into = holidays if entry.days == "holidays" else found
                    if (purpose, channel) in into:
                        self.fault(key, f"{purpose}/{channel} stands twice")
                    into[(purpose, channel)] = span
            days = "" if entry.days == "all" else f" on {entry.days}"
            value = f"{'/'.join(entry.purposes)} {'+'.join(entry.channels)}: {entry.opens}-{entry.closes}{days}"
            self.cite(key, "hours.closed", value, entry)
            kinds += [(purpose, channel, entry.days) for purpose in entry.purposes for channel in entry.channels]
        for purpose, channel, days in kinds:
            other = {"workdays": "holidays", "holidays": "workdays"}.get(days)
            if other is not None and (purpose, channel, other) not in kinds:
                self.fault("hours", f"{purpose}/{channel} has hours on {days}, and none on {other}")
        return found, holidays

    def institution_hours(self, tables: Any) -> dict[str, Hours]:
        found: dict[str, Hours] = {}
        for key, table in self.listed(tables, "institution_hours"):
            entry = self.struct(_InstitutionHours, table, key)
            span = None if entry is None else self.span(entry.opens, entry.closes, key)
            if entry is not None and span is not None:
                if entry.institution in found:
                    self.fault(key, f"{entry.institution} stands twice")
                found[entry.institution] = span
                self.cite(key, "hours.closed", f"{entry.institution}: {entry.opens}-{entry.closes}", entry)
        return found

    def span(self, opens: str, closes: str, key: str) -> Hours | None:
        minutes = []
        for name, text in (("opens", opens), ("closes", closes)):
            if not _CLOCK.fullmatch(text):
                self.fault(f"{key}.{name}", "must be HH:MM from 00:00 to 24:00")
                return None
            minutes.append(int(text[:2]) * 60 + int(text[3:]))
        if minutes[0] > minutes[1]:
            self.fault(f"{key}.opens", "lies after closes; hours do not go over midnight")
            return None
        return Hours(*minutes)

    def attest_days(self, table: Any) -> int:
        """For how many days an attestation of a number library counts; a pack that says nothing asks for none."""
        entry = self.struct(_Library, table, "library") if table is not None else None
        if entry is None:
            return 0
        if entry.attest_days < 1:
            self.fault("library.attest_days", "must be 1 at least; leave the section out to ask for none")
        self.cite("library", "library.stale", f"attested at least every {entry.attest_days} days", entry)
        return entry.attest_days

    def content(self, table: Any) -> _Content:
        """What texts have to hold; a pack that says nothing wants what Z18 says."""
        unsaid = _Content(["marketing"], "product default")
        entry = self.struct(_Content, table, "content") if table is not None else None
        if entry is None:
            return unsaid
        if not {"marketing", "collection"}.issuperset(entry.refusal_in):
            self.fault("content.refusal_in", "marketing and collection only")
        link = "a link suffices" if entry.refusal_by_link else "a link alone is none"
        self.cite("content", "content.refusal", f"in {'/'.join(entry.refusal_in)}; {link}", entry)
        self.cite("content", "content.contact", f"nothing on record of the sender: {entry.unrecorded}", entry)
        return entry

    def refusal_in_calls(self, table: Any) -> frozenset[Purpose]:
        """The purposes of calls in which a person has to be able to refuse; a pack that says nothing wants none."""
        entry = self.struct(_RefusalInCalls, table, "refusal_in_calls") if table is not None else None
        if entry is None:
            return frozenset()
        self.cite("refusal_in_calls", "suppression.active", f"{'/'.join(entry.purposes)} calls hear a refusal", entry)
        return frozenset(entry.purposes)

    def rules(self, tables: Any) -> dict[str, RuleSetting]:
        if not isinstance(tables, Mapping):
            self.fault("rules", "must be a table")
            return {}
        found = {}
        for rule, table in tables.items():
            key = f'rules."{rule}"'
            entry = self.struct(_Rule, table, key)
            known = CATALOGUE.get(rule)
            if known is None:
                self.fault(key, "the catalogue has no such rule")
            elif entry is not None:
                if not 0.0 <= entry.share <= 1.0:
                    self.fault(f"{key}.share", "must be from 0 to 1")
                if known.floor and (entry.mode != "enforce" or entry.share < 1.0):
                    self.fault(key, "belongs to the floor, which is always enforced in full")
                found[rule] = RuleSetting(entry.mode, entry.share)
                share = f", {entry.share:.0%} of the accounts" if entry.share < 1.0 else ""
                self.cite(key, rule, f"{entry.mode}{share}", entry)
        return found
