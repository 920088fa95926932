"""A store in a folder of its own, with a clock that stands still unless moved, and imports of literal rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from proxy.core.persons import index_key
from proxy.registry.documents import RawRow
from proxy.registry.importing import Known, Report, RowCheck, check_rows
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Refused
from proxy.registry.tables import KNOWN_TABLES, TABLES
from proxy.store.opening import open_owner
from proxy.store.sqlite import SqliteStore
from proxy.store.staging import StagedImport

NOW_US = 1_780_000_000_000_000  # 2026-05-28 in Asia/Shanghai
SECRET = PersonSecret(bytes(range(32)), bytes(range(32, 64)))
PERSON = "8613800138000"
BANK = {"id": "bank", "name": "示例银行（虚构）", "kind": "bank"}
LENDER = {"id": "lender", "name": "示例小贷（虚构）", "kind": "microloan"}


@asynccontextmanager
async def owned(folder: Path, now_us: int = NOW_US, secret: PersonSecret = SECRET) -> AsyncIterator[SqliteStore]:
    store = await open_owner(folder / "registry.db", secret, lambda: now_us)
    try:
        yield store
    finally:
        await store.close()


def key_of(recipient: str, institution: str) -> int:
    return index_key(SECRET.person_key.digest(recipient), SECRET.person_key.salt(institution))


def refused(*closes: tuple[str, int], recipient: str = PERSON, source: str = "reply", at_us: int = NOW_US) -> Refused:
    return Refused(at_us, recipient, closes, "sms", source=source, label="optout", matched="TD", number_to="10690001")


def rows_of(document: dict[str, list[dict[str, Any]]]) -> list[RawRow]:
    return [
        RawRow(table, place, dict(fields))
        for table in TABLES
        for place, fields in enumerate(document.get(table, []), 1)
    ]


def stage(folder: Path, document: dict[str, list[dict[str, Any]]], known: Known, now_us: int = NOW_US) -> Path:
    """A staged file of a document all of whose rows are right."""
    staged = StagedImport.beside(folder / "imports", SECRET.key_id)
    report: Report = check_rows(rows_of(document), RowCheck(known, SECRET, now_us), staged)
    assert report.problems == []
    staged.finish()
    return staged.path


async def take_in(
    store: SqliteStore, document: dict[str, list[dict[str, Any]]], now_us: int = NOW_US
) -> dict[str, int]:
    known = Known({table: await store.ids(table) for table in KNOWN_TABLES})
    return await store.adopt(stage(store.imports.parent, document, known, now_us))
