"""A database of the schema before migrates, and its rows keep their meaning."""

import contextlib
import sqlite3
from pathlib import Path

import pytest

from proxy.core.pack import Pack
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Entrustment, Licence, Period
from proxy.registry.snapshots import build_snapshot
from proxy.store.schema import APPLICATION_ID, migrations
from tests.store.open_store import SECRET, owned, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

MARKETING: frozenset[Purpose] = frozenset(("marketing",))
SMS: frozenset[Channel] = frozenset(("sms",))


async def test_records_of_schema_3(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "registry.db")) as old:
        for version, script in migrations():
            if version <= 3:
                old.executescript(f"{script}\nPRAGMA application_id={APPLICATION_ID};\nPRAGMA user_version={version};")
        old.execute("INSERT INTO institutions VALUES ('bank', '示例银行（虚构）', 'bank', '', 1, 0, 0, 0)")
        old.execute("INSERT INTO licences VALUES ('bank', 'marketing', 'sms', 10, 20, 1)")
        old.execute("INSERT INTO partners VALUES ('agency', '合作方（虚构）', 10, 20, 1)")
        old.execute("INSERT INTO entrustments VALUES ('bank', 'agency', 'marketing', 'sms', 10, 20, 'paper', 1)")
        old.execute("UPDATE counters SET value = 1 WHERE name = 'revision'")
        old.commit()
    async with owned(tmp_path) as store:
        snapshot = await build_snapshot(store, SECRET.person_key, Pack("test", 1), reader())
        again = await take_in(store, {"institutions": [{"id": "bank", "name": "示例银行（虚构）", "kind": "bank"}]})
    assert snapshot.licences == {"bank": (Licence("bank", MARKETING, SMS, Period(10, 20)),)}
    assert snapshot.partners["agency"].contract == Period(10, 20)
    entrusted = Entrustment("bank", "agency", MARKETING, SMS, Period(10, 20), "paper")
    assert snapshot.entrustments == {("bank", "agency"): (entrusted,)}
    assert snapshot.institutions["bank"].region == ""
    assert again["institutions"] == 0
