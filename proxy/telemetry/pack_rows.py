"""Rule packs as people read them: source, region, date, state, and on what each value rests (Z1 J1).

Pure. The same rows stand in the status file, behind `GET /api/v1/rules` and in `tdgate rules list`.
"""

from collections.abc import Sequence

from msgspec import Struct

from proxy.core.bound import Shelf
from proxy.core.pack import Pack


class PackValue(Struct, frozen=True):
    """One value of a pack: the rule it belongs to, what it says, its basis, and the official sentence where known."""

    rule: str
    value: str
    basis: str
    official: str


class PackRow(Struct, frozen=True):
    """One version of one pack. `state` is `in force`, `replaced` by a later version, or `coming`; `binds` where."""

    id: str
    version: int
    region: str
    source: str
    effective: str
    state: str
    binds: str
    shadow: bool
    share: float
    values: tuple[PackValue, ...] = ()


def pack_rows(base: Pack, shelf: Shelf, now: float) -> tuple[PackRow, ...]:
    """A row for each version of each pack, the base first; `now` is UTC seconds."""
    packs = (base, *shelf.packs)
    return tuple([_row(pack, base, [one for one in packs if one.id == pack.id], now) for pack in packs])


def _row(pack: Pack, base: Pack, versions: Sequence[Pack], now: float) -> PackRow:
    begun = [one for one in versions if one.since <= now]
    if not begun and pack.id == base.id:
        begun = [base]  # Of the base, some version is always in force.
    newest = max(begun, key=lambda one: (one.since, one.version), default=None)
    state = "in force" if pack is newest else "coming" if pack.since > now else "replaced"
    values = [PackValue(one.rule, one.value, one.basis, one.official) for one in pack.citations]
    where = "everywhere" if pack.id == base.id or pack.region == "CN" else pack.region
    return PackRow(
        pack.id,
        pack.version,
        pack.region,
        pack.source,
        pack.effective,
        state,
        where,
        pack.shadow,
        pack.share,
        tuple(values),
    )
