"""Writes the sections of collection as an import reads them: debtors, notices, open objections. See `exporting`."""

from typing import Any, Final

from proxy.registry import dates
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Reader

_PAGE_ROWS: Final = 1000


async def sections(reader: Reader, secret: PersonSecret) -> dict[str, list[dict[str, Any]]]:
    """Each section with its rows, numbers in clear. Raises StoreError."""
    return {
        "debtors": await _debtors(reader, secret),
        "debtor_notices": await _notices(reader, secret),
        "objections": await _objections(reader, secret),
    }


async def _debtors(reader: Reader, secret: PersonSecret) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while rows := await reader.debtors(after=after, most=_PAGE_ROWS):
        found += [
            {
                "recipient": secret.unseal(row.number, row.person),
                "institution": row.institution,
                "role": row.role,
                "verified": dates.moment_text(row.at_us),
                "source": row.source,
                "document_hash": row.document_hash,
            }
            for row in rows
        ]
        after = rows[-1].id
    return found


async def _notices(reader: Reader, secret: PersonSecret) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while rows := await reader.notices(after=after, most=_PAGE_ROWS):
        found += [
            {
                "recipient": secret.unseal(row.number, row.person),
                "institution": row.institution,
                "partner": row.partner,
                "at": dates.moment_text(row.at_us),
                "way": row.way,
                "source": row.source,
                "document_hash": row.document_hash,
            }
            for row in rows
        ]
        after = rows[-1].id
    return found


async def _objections(reader: Reader, secret: PersonSecret) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after = 0
    while rows := await reader.objections(after=after, most=_PAGE_ROWS):
        found += [
            {
                "recipient": secret.unseal(row.number, row.person),
                "institution": row.institution,
                "at": dates.moment_text(row.at_us),
                "source": row.source,
                "label": row.label,
            }
            for row in rows
        ]
        after = rows[-1].id
    return found
