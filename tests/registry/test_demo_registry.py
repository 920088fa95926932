"""The registry that ships as an example, through import, store and snapshot, as the policy judges it."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.core.decision import Permit
from proxy.core.persons import index_key
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.policy import evaluate
from proxy.registry.exporting import export
from proxy.registry.packs import read_packs
from proxy.registry.snapshots import SnapshotBuilder, build_snapshot
from proxy.registry.tables import TABLES
from tests.store.open_store import SECRET, owned, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

DEMO = Path(__file__).resolve().parents[2] / "examples" / "registry" / "demo.json"
NOW = 1_790_000_000.0  # 2026-09-21 21:33 in Asia/Shanghai
NOW_US = int(NOW * 1e6)


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DEMO.read_text(encoding="utf-8"))
    del found["about"]
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """The shipped registry as the policy reads it; imported once, since the policy changes nothing of it."""

    async def imported() -> Snapshot:
        async with owned(tmp_path_factory.mktemp("demo"), now_us=NOW_US) as store:
            await take_in(store, document(), NOW_US)
            return await build_snapshot(store, SECRET.person_key, read_packs("cn-open")[0], reader())

    return asyncio.run(imported())


def verdict(snapshot: Snapshot, account: str, sender: str, recipient: str = "8613800138000") -> str:
    request = Request(
        id=1,
        channel="sms",
        account=snapshot.accounts[account],
        sender=sender,
        recipient=recipient,
        readings=("你好",),
        octets=b"",
        received_at=NOW,
    )
    answer = evaluate(request, snapshot, NOW)
    return "permit" if isinstance(answer, Permit) else answer.decision.rule


@pytest.mark.parametrize(
    ("account", "sender", "expected"),
    [
        ("jianglan-mkt", "10690001", "permit"),
        ("jianglan-mkt", "1069000188", "permit"),  # an extension of a port
        ("jianglan-svc", "10690002", "permit"),
        ("jianglan-col", "10690003", "permit"),
        ("yuanlu-jl", "10690011", "permit"),
        ("mingting-col", "10690201", "permit"),
        ("jianglan-mkt", "10699999", "number.unregistered"),
        ("jianglan-mkt", "10690002", "purpose.mismatch"),
        ("yuanlu-yx", "10690111", "entrustment.expired"),
        ("yunxiu-mkt", "10690120", "number.expired"),
        ("yunxiu-mkt", "10690001", "entrustment.missing"),
        ("xingqiao-mkt", "10690203", "number.disposed"),
        ("zehe-mkt", "10690301", "hours.closed"),
        ("unreviewed", "10690101", "account.unreviewed"),
    ],
)
def test_good_senders_pass_and_bad_ones_are_refused(demo: Snapshot, account: str, sender: str, expected: str) -> None:
    assert verdict(demo, account, sender) == expected


def test_persons_of_the_demo(demo: Snapshot) -> None:
    assert verdict(demo, "jianglan-mkt", "10690001", "8613800138007") == "suppression.active"
    assert verdict(demo, "jianglan-svc", "10690002", "8613800138007") == "permit"
    assert verdict(demo, "jianglan-mkt", "10690001", "8613900139000") == "consent.missing"


async def test_a_disposal_and_a_hold_bind_with_the_next_snapshot(tmp_path: Path) -> None:
    async with owned(tmp_path, now_us=NOW_US) as store:
        await take_in(store, document(), NOW_US)
        builder, pack = SnapshotBuilder(store, SECRET.person_key, reader()), read_packs("cn-open")[0]
        first = await builder.build(pack)
        await store.dispose("10690001", disposed=True, reason="x", by="y")
        second = await builder.build(pack)
        assert verdict(second, "jianglan-mkt", "10690001") == "number.disposed"
        assert verdict(second, "jianglan-mkt", "1069000188") == "number.disposed"
        await store.dispose("10690001", disposed=False, reason="x", by="y")
        await store.hold("account", "jianglan-mkt", "x", "y")
        third = await builder.build(pack)
        assert verdict(third, "jianglan-mkt", "10690001") == "fraud.hold"
        await store.lift_hold("account", "jianglan-mkt", "y")
        assert verdict(await builder.build(pack), "jianglan-mkt", "10690001") == "permit"
        assert verdict(first, "jianglan-mkt", "10690001") == "permit"  # a snapshot never changes
        assert [first.revision, second.revision, third.revision] == [1, 2, 4]


async def test_a_snapshot_of_changes_equals_one_of_the_whole(tmp_path: Path) -> None:
    async with owned(tmp_path, now_us=NOW_US) as store:
        pack, whole = read_packs("cn-open")[0], document()
        builder = SnapshotBuilder(store, SECRET.person_key, reader())
        await builder.build(pack)
        for table in ("institutions", "partners", "licences", "entrustments", "numbers", "accounts"):
            await take_in(store, {table: whole[table]}, NOW_US)
            grown = await builder.build(pack)
        anew = await build_snapshot(store, SECRET.person_key, pack, reader())
        for name in ("revision", "accounts", "institutions", "partners", "holds"):
            assert getattr(grown, name) == getattr(anew, name)
        assert {k: set(v) for k, v in grown.licences.items()} == {k: set(v) for k, v in anew.licences.items()}
        assert {k: set(v) for k, v in grown.entrustments.items()} == {k: set(v) for k, v in anew.entrustments.items()}
        for row in whole["numbers"]:
            assert grown.numbers.find(row["address"]) == anew.numbers.find(row["address"]) != ()


async def test_export_and_import_into_an_empty_store_is_the_identity(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    async with owned(tmp_path / "a", now_us=NOW_US) as one, owned(tmp_path / "b", now_us=NOW_US) as two:
        await take_in(one, document() | {"holds": [{"kind": "account", "target": "x", "reason": "y"}]}, NOW_US)
        await one.withdraw("8613800138001", "jianglan", 3, NOW_US, "api")
        written = await export(one, SECRET, secrets=True)
        del written["about"]
        await take_in(two, json.loads(json.dumps(written)), NOW_US)
        again = await export(two, SECRET, secrets=True)
        del again["about"]
        assert again == written
        assert len(written["numbers"]) == 13
        digest, salt = SECRET.person_key.digest("8613800138001"), SECRET.person_key.salt("jianglan")
        # What was withdrawn is told as such, and does not hold there either.
        assert [row["withdrawn_source"] for row in written["consents"] if row["withdrawn"]] == ["api"]
        assert two.consents_index.get(index_key(digest, salt)) == 0
        pack = read_packs("cn-open")[0]
        left = await build_snapshot(one, SECRET.person_key, pack, reader())
        right = await build_snapshot(two, SECRET.person_key, pack, reader())
        assert (left.accounts, left.institutions, left.held_accounts) == (
            right.accounts,
            right.institutions,
            right.held_accounts,
        )


async def test_secrets_and_persons_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    async with owned(tmp_path, now_us=NOW_US) as store:
        await take_in(store, document(), NOW_US)
        written = json.dumps(await export(store), ensure_ascii=False)
        assert "argon2" not in written
        assert "13800138" not in written


async def test_the_second_example_goes_on_from_the_first_and_together_they_show_every_section(tmp_path: Path) -> None:
    more = json.loads((DEMO.with_name("chain.json")).read_text(encoding="utf-8"))
    del more["about"]
    async with owned(tmp_path, now_us=NOW_US) as store:
        await take_in(store, document(), NOW_US)
        await take_in(store, more, NOW_US)
        counts = await store.counts()
        snapshot = await build_snapshot(store, SECRET.person_key, read_packs("cn-open")[0], reader())
    assert [name for name in TABLES if not counts[name]] == ["holds"]
    assert verdict(snapshot, "jianglan-mkt", "10690001") == "permit"
    assert snapshot.telecoms["示例通信（虚构）"].id == "shili"
