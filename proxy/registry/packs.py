"""Reads rule packs: TOML → `core.pack.Pack`, every error with file, key and reason.

Owns the form of a pack file. Every value names its `basis`: the sentence of an authority, or "product default" where no
authority fixed it (Z1 J1). Must never let a floor rule run in shadow, or a rule that the catalogue does not know.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from msgspec import Struct

from proxy.core.catalogue import CATALOGUE
from proxy.core.pack import Hours, Mode, Pack, RuleSetting
from proxy.core.purposes import Channel, Purpose
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
    shadow: bool = False


class _Hours(Struct, frozen=True, forbid_unknown_fields=True):
    opens: str
    closes: str
    basis: str
    purposes: list[Purpose]
    channels: list[Channel]


class _InstitutionHours(Struct, frozen=True, forbid_unknown_fields=True):
    institution: str
    opens: str
    closes: str
    basis: str


class _Rule(Struct, frozen=True, forbid_unknown_fields=True):
    basis: str
    mode: Mode = "enforce"
    share: float = 1.0


class _Validity(Struct, frozen=True, forbid_unknown_fields=True):
    cap_s: int
    basis: str


class _CollectionRefusal(Struct, frozen=True, forbid_unknown_fields=True):
    closes_channel: bool
    basis: str


class _Entrustment(Struct, frozen=True, forbid_unknown_fields=True):
    depth_most: int
    basis: str


class _RefusalInCalls(Struct, frozen=True, forbid_unknown_fields=True):
    purposes: list[Purpose]
    basis: str


class _Liaison(Struct, frozen=True, forbid_unknown_fields=True):
    required: bool
    basis: str


_SECTIONS: Final = (
    *("pack", "hours", "institution_hours", "rules", "validity", "collection_refusal", "entrustment"),
    *("refusal_in_calls", "liaison"),
)


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


def read_pack(name: str) -> Pack:
    """The pack of a name that ships, or of a path; raises SettingsError with every error."""
    path = find_config("packs", name)
    return pack_from(read_toml(path), str(path))


def pack_from(table: Mapping[str, Any], file: str) -> Pack:
    """The pack that a TOML table describes; raises SettingsError with every error."""
    errors = [f"{file}: {key}: unknown key; known are {', '.join(_SECTIONS)}" for key in table if key not in _SECTIONS]
    reading = _Reading(file, errors)
    head = reading.struct(_Head, table.get("pack", {}), "pack")
    hours = reading.hours(table.get("hours", []))
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
    if validity is not None and validity.cap_s < 0:
        errors.append(f"{file}: validity.cap_s: must not be negative")
    if not (head and validity and collection and entrustment and liaison) or errors:
        raise SettingsError(errors)
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
        entrustment_depth_most=entrustment.depth_most,
        refusal_in_calls=in_calls,
        liaison_required=liaison.required,
    )


class _Reading:
    """Reads sections of one file and gathers their errors."""

    def __init__(self, file: str, errors: list[str]) -> None:
        self._file = file
        self._errors = errors

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

    def listed(self, tables: Any, key: str) -> list[tuple[str, Any]]:
        if not isinstance(tables, list):
            self.fault(key, "must be a list of tables")
            return []
        return [(f"{key}.{place}", table) for place, table in enumerate(tables)]

    def hours(self, tables: Any) -> dict[tuple[Purpose, Channel], Hours]:
        found: dict[tuple[Purpose, Channel], Hours] = {}
        for key, table in self.listed(tables, "hours"):
            entry = self.struct(_Hours, table, key)
            span = None if entry is None else self.span(entry.opens, entry.closes, key)
            if entry is None or span is None:
                continue
            for purpose in entry.purposes:
                for channel in entry.channels:
                    if (purpose, channel) in found:
                        self.fault(key, f"{purpose}/{channel} stands twice")
                    found[(purpose, channel)] = span
        return found

    def institution_hours(self, tables: Any) -> dict[str, Hours]:
        found: dict[str, Hours] = {}
        for key, table in self.listed(tables, "institution_hours"):
            entry = self.struct(_InstitutionHours, table, key)
            span = None if entry is None else self.span(entry.opens, entry.closes, key)
            if entry is not None and span is not None:
                if entry.institution in found:
                    self.fault(key, f"{entry.institution} stands twice")
                found[entry.institution] = span
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

    def refusal_in_calls(self, table: Any) -> frozenset[Purpose]:
        """The purposes of calls in which a person has to be able to refuse; a pack that says nothing wants none."""
        entry = self.struct(_RefusalInCalls, table, "refusal_in_calls") if table is not None else None
        return frozenset(entry.purposes) if entry is not None else frozenset()

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
        return found
