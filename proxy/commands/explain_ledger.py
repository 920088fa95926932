"""What the ledgers of persons say of one person and one institution, as facts of an explanation.

Owns these sentences: when, from where, on what basis, until when. Reads only; a person's number stays sealed.
"""

from typing import Final

from proxy.core.debtors import NOBODY
from proxy.core.preferences import declined_bits
from proxy.core.purposes import CHANNELS, OBJECTION, STRICTEST_FIRST, bit_names
from proxy.core.records import Period
from proxy.explaining.seen import Ledger, day, listing, moment
from proxy.explaining.shape import Campaign, Fact
from proxy.registry.tables import TABLES
from proxy.store.reader import StoreReader

#: Of each ledger the latest so many rows.
_MOST: Final = 20
_PAGE_ROWS: Final = 1000


async def ledger_of(reader: StoreReader, person: bytes, institution: str) -> Ledger:
    """What stands in the ledgers of consents, refusals, debts and notices; raises StoreError."""
    return {
        "consent.missing": await _consents(reader, person, institution),
        "suppression.active": await _refusals(reader, person, institution),
        "collection.objection": await _objections(reader, person, institution),
        "debtor.unknown": await _debtors(reader, person, institution),
        "debtor.uninformed": await _notices(reader, person, institution),
        "preference.declined": await _preferences(reader, person, institution),
    }


async def campaigns_of(reader: StoreReader, institution: str) -> tuple[Campaign, ...]:
    """Every campaign of an institution (C2); raises StoreError."""
    names, found = TABLES["campaigns"].names, []
    async for rows in reader.rows("campaigns"):
        for row in rows:
            named = dict(zip(names, row, strict=True))
            if named["institution"] == institution:
                purposes = frozenset(one for one in STRICTEST_FIRST if one in str(named["purposes"]).split(","))
                channels = frozenset(one for one in CHANNELS if one in str(named["channels"]).split(","))
                period = Period(int(named["since"] or 0), int(named["until"] or 0))
                about = (str(named["id"]), str(named["name"]), str(named["responsible"]))
                found.append(Campaign(*about, purposes, channels, period, str(named["state"])))
    return tuple(found)


async def _consents(reader: StoreReader, person: bytes, institution: str) -> tuple[Fact, ...]:
    rows = await reader.consents(person=person, institution=institution, most=_PAGE_ROWS)
    found = []
    for row in rows[-_MOST:]:
        product = f" for {row.product}" if row.product else ""
        proof = f", proof {row.proof_hash}" if row.proof_hash else ""
        ended = f", withdrawn for {listing(bit_names(row.withdrawn))}" if row.withdrawn else ""
        found.append(
            Fact(
                "consent",
                f"given {moment(row.at_us / 1e6)}, basis {row.basis}{product}, {listing(bit_names(row.bits))}, "
                f"before {day(row.until_day)}, source {row.source}{proof}{ended}",
            )
        )
    return tuple(found)


async def _refusals(reader: StoreReader, person: bytes, institution: str) -> tuple[Fact, ...]:
    rows = await reader.suppressions(person=person, institution=institution, most=_PAGE_ROWS)
    found = []
    for row in rows[-_MOST:]:
        lifted = "" if row.released_at is None else f", lifted {moment(row.released_at / 1e6)}"
        read = f", read as {row.label}" if row.label else ""
        closes = listing(bit_names(row.bits & ~OBJECTION))
        found.append(Fact("refusal", f"{moment(row.at_us / 1e6)}, source {row.source}{read}, closes {closes}{lifted}"))
    return tuple(found)


async def _objections(reader: StoreReader, person: bytes, institution: str) -> tuple[Fact, ...]:
    rows = await reader.objections(person=person, institution=institution, most=_PAGE_ROWS)
    return tuple([Fact("objection", f"{moment(row.at_us / 1e6)}, source {row.source}") for row in rows[-_MOST:]])


async def _debtors(reader: StoreReader, person: bytes, institution: str) -> tuple[Fact, ...]:
    rows = await reader.debtors(person=person, institution=institution, most=_PAGE_ROWS)
    said = [
        f"{'nobody' if row.role == NOBODY else row.role}, verified {moment(row.at_us / 1e6)}, "
        f"source {row.source or '–'}"
        for row in rows[-_MOST:]
    ]
    return tuple([Fact("debtor.record", one) for one in said])


async def _notices(reader: StoreReader, person: bytes, institution: str) -> tuple[Fact, ...]:
    rows = await reader.notices(person=person, institution=institution, most=_PAGE_ROWS)
    said = [f"of {row.partner} on {moment(row.at_us / 1e6)}, by {row.way or '–'}" for row in rows[-_MOST:]]
    return tuple([Fact("debtor.told", one) for one in said])


async def _preferences(reader: StoreReader, person: bytes, institution: str) -> tuple[Fact, ...]:
    rows = [
        row
        for name in ("", institution)
        for row in (await reader.preferences(person=person, institution=name, most=_PAGE_ROWS))[-_MOST:]
    ]
    return tuple(
        [
            Fact(
                "preference.told",
                f"{moment(row.at_us / 1e6)}, {row.institution or 'all institutions'}, "
                f"declined {listing(bit_names(declined_bits(row.value)))}, source {row.source}",
            )
            for row in rows
        ]
    )
