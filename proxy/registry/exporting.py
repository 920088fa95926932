"""Writes the registry as one JSON document, in the form that an import reads.

Must never write a password's hash, or anything of a person, unless asked to: `secrets`, and the key of persons. What is
written and read again into an empty registry gives the same records.
"""

from typing import Any

from proxy.core.preferences import declined_bits, window
from proxy.core.purposes import PURPOSE_BITS
from proxy.registry import dates, exporting_debtors
from proxy.registry.documents import REVISION
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Reader, Row
from proxy.registry.table import Table
from proxy.registry.tables import RECORD_TABLES

_PAGE_ROWS = 1000


def written(table: Table, row: Row, *, secrets: bool = False) -> dict[str, Any]:
    """One record as a file says it; secret columns are left out unless asked for. A revision may end the row."""
    found = {
        column.name: column.field.write(value)
        for column, value in zip(table.columns, row, strict=False)
        if secrets or not column.secret
    }
    return found | {REVISION: row[-1]} if len(row) > len(table.columns) else found


async def export(
    reader: Reader, secret: PersonSecret | None = None, *, secrets: bool = False, revisions: bool = False
) -> dict[str, Any]:
    """The whole registry; persons (numbers in clear) only with the key of persons. Raises StoreError.

    With `revisions` each record names the one it is of, so that an import tells whoever comes second.
    """
    document: dict[str, Any] = {"about": {"revision": await reader.revision()}}
    for table in RECORD_TABLES:
        document[table.name] = [
            written(table, row, secrets=secrets)
            async for rows in reader.rows(table.name, revisions=revisions)
            for row in rows
        ]
    if secret is not None:
        document["consents"] = await _consents(reader, secret)
        document["suppressions"] = await _suppressions(reader, secret)
        document["preferences"] = await _preferences(reader, secret)
        document |= await exporting_debtors.sections(reader, secret)
    return document


def _scope(bits: int) -> list[tuple[list[str], list[str]]]:
    """Bits as (purposes, channels), one pair a purpose: a product of sets cannot say every set of bits."""
    by_purpose: dict[str, list[str]] = {}
    for (purpose, channel), bit in PURPOSE_BITS.items():
        if bits & bit:
            by_purpose.setdefault(purpose, []).append(channel)
    return [([purpose], channels) for purpose, channels in by_purpose.items()]


async def _consents(reader: Reader, secret: PersonSecret) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while rows := await reader.consents(after=after, most=_PAGE_ROWS):
        for row in rows:
            ends = [(row.bits & ~row.withdrawn, 0, "")]
            # WHY with those that ended: else an older file, imported later, would bring them back.
            ends += await reader.withdrawals(row) if row.withdrawn else []
            for purposes, channels, ended_us, ended_by in [
                (*scope, ended_us, ended_by) for bits, ended_us, ended_by in ends for scope in _scope(bits)
            ]:
                found.append(
                    {
                        "recipient": secret.unseal(row.number, row.person),
                        "institution": row.institution,
                        "purposes": purposes,
                        "channels": channels,
                        "given": dates.moment_text(row.at_us),
                        "until": dates.until_text(dates.day_start_s(row.until_day)),
                        "basis": row.basis,
                        "product": row.product,
                        "source": row.source,
                        "proof_hash": row.proof_hash,
                        "withdrawn": dates.moment_text(ended_us) if ended_us else "",
                        "withdrawn_source": ended_by,
                    }
                )
        after = rows[-1].id
    return found


async def _suppressions(reader: Reader, secret: PersonSecret) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while rows := await reader.suppressions(after=after, most=_PAGE_ROWS):
        for row in rows:
            for purposes, channels in _scope(row.bits) if row.released_at is None else []:
                found.append(
                    {
                        "recipient": secret.unseal(row.number, row.person),
                        "institution": row.institution,
                        "purposes": purposes,
                        "channels": channels,
                        "at": dates.moment_text(row.at_us),
                        "source": row.source,
                        "label": row.label,
                    }
                )
        after = rows[-1].id
    return found


async def _preferences(reader: Reader, secret: PersonSecret) -> list[dict[str, Any]]:
    """Every row: which one counts is told by its moment."""
    found: list[dict[str, Any]] = []
    after = 0
    while rows := await reader.preferences(after=after, most=_PAGE_ROWS):
        for row in rows:
            opens, closes = window(row.value)
            found.append(
                {
                    "recipient": secret.unseal(row.number, row.person),
                    "institution": row.institution,
                    **_declined(declined_bits(row.value)),
                    "opens": _clock(opens) if closes else "",
                    "closes": _clock(closes) if closes else "",
                    "at": dates.moment_text(row.at_us),
                    "source": row.source,
                }
            )
        after = rows[-1].id
    return found


def _declined(bits: int) -> dict[str, list[str]]:
    """INVARIANT: what declines does so for each of its purposes on each of its channels: it was told as two sets."""
    named = [pair for pair, bit in PURPOSE_BITS.items() if bits & bit]
    declines = dict.fromkeys(purpose for purpose, _ in named)
    channels = dict.fromkeys(channel for _, channel in named)
    return {"declines": list(declines), "channels": list(channels)}


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"
