"""Which packs bind, and what they come to together: the strictest of each rule.

Owns the choice by region and date, and the combination. Pure. The base is the pack that the installation names; others
bind where their region is that of the institution, of a connecting telecom enterprise, or, where the number tells it
for certain, of the person. A version is in force from its date on until another one of the same pack is.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.pack import ASKED_FOR, Cap, DebtRole, Mode, Pack
from proxy.core.purposes import Channel, Purpose
from proxy.core.regions import COUNTRY
from proxy.core.timetable import Timetable, timetable_of

_STRICTNESS: Final[dict[Mode, int]] = {"off": 0, "shadow": 1, "enforce": 2}


class Shelf(Struct, frozen=True):
    """The packs beside the base, and other versions of it; `region` is the province of whoever runs this installation,
    empty where it serves the whole country.
    """

    packs: tuple[Pack, ...] = ()
    region: str = ""


class BoundCap(Struct, frozen=True):
    """A cap, and the pack that it stands in."""

    pack: Pack
    cap: Cap


class Bound(Struct, frozen=True):
    """The packs that bind, the base first; `strictest` is the base with the tightest single values of all of them."""

    packs: tuple[Pack, ...]
    strictest: Pack

    @property
    def others(self) -> str:
        """Those that bind beside the base, for the record: `cn-zhejiang@1 cn-ningxia@1`."""
        return " ".join([pack.name for pack in self.packs[1:]])

    def mode(self, rule: str, account: str, *, each: bool = False) -> Mode:
        """The mode of a rule for an account: the strictest that any of them sets; without one, the base's.

        `each`: of a rule for which each of them has values of its own, those that set no mode for it count too.
        """
        modes = [self.packs[0].mode_for(rule, account)]
        own = rule in ASKED_FOR
        modes += [pack.mode_for(rule, account) for pack in self.packs[1:] if each or own or rule in pack.rules]
        return max(modes, key=_STRICTNESS.__getitem__)

    def timetables(self, institution: str, purpose: Purpose, channel: Channel) -> tuple[Timetable, ...]:
        """The hours of each pack, in their order, without those that never close."""
        tables = [timetable_of(pack, institution, purpose, channel) for pack in self.packs]
        return tuple([table for table in tables if not table.always])

    def caps(self, purpose: Purpose, channel: Channel) -> tuple[BoundCap, ...]:
        """The caps that a contact on this channel counts under, in the order of their packs."""
        found = [(pack, cap) for pack in self.packs for cap in pack.caps]
        return tuple([BoundCap(pack, cap) for pack, cap in found if cap.purpose == purpose and channel in cap.channels])


def bound(base: Pack, shelf: Shelf, account: str, regions: Iterable[str], now: float) -> Bound:
    """The packs that bind an account at a moment (UTC seconds) in these regions, of which "" is the whole country."""
    places = {region or COUNTRY for region in (shelf.region, *regions)}
    found = [_in_force([base, *(pack for pack in shelf.packs if pack.id == base.id)], now) or base]
    ids = sorted({pack.id for pack in shelf.packs if pack.id != base.id})
    for name in ids:
        pack = _in_force([one for one in shelf.packs if one.id == name], now)
        if pack is not None and any(_covers(pack.region, place) for place in places):
            found.append(pack)
    return Bound(tuple(found), _strictest(found, account) if len(found) > 1 else found[0])


def _in_force(versions: list[Pack], now: float) -> Pack | None:
    return max((one for one in versions if one.since <= now), key=lambda one: (one.since, one.version), default=None)


def _covers(region: str, place: str) -> bool:
    return place == region or region == COUNTRY or place.startswith(f"{region}-")


def _strictest(packs: list[Pack], account: str) -> Pack:
    # WHY not of a pack in shadow: single values stand in rules of the floor, too, which cannot run in shadow.
    held = [packs[0], *(pack for pack in packs[1:] if pack.mode_for("", account) == "enforce")]
    named = [pack.roles for pack in held if pack.roles]
    # WHY told apart: no roles at all is anybody, none that all packs allow is nobody.
    roles: frozenset[DebtRole] = frozenset.intersection(*named) if named else frozenset()
    return replace(
        packs[0],
        validity_cap_s=min(pack.validity_cap_s for pack in held),
        collection_refusal_closes_channel=any(pack.collection_refusal_closes_channel for pack in held),
        collection_roles=roles,
        collection_closed=bool(named) and not roles,
        refusal_in_calls=frozenset[Purpose]().union(*(pack.refusal_in_calls for pack in held)),
        debtor_verified_days=min((pack.debtor_verified_days for pack in held if pack.debtor_verified_days), default=0),
        library_attest_days=min((pack.attest_days for pack in held if pack.attest_days), default=0),
        liaison_required=any(pack.liaison_required for pack in held),
        entrustment_depth_most=min(pack.entrustment_depth_most for pack in held),
        refusal_in_texts=frozenset[Purpose]().union(*(pack.refusal_in_texts for pack in held)),
        refusal_by_link=all(pack.refusal_by_link for pack in held),
        unrecorded_passes=all(pack.unrecorded_passes for pack in held),
    )


#: A shelf without anything on it.
EMPTY_SHELF: Final = Shelf()
