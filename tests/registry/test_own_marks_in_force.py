"""What texts are held against comes from the records of the day, is made once for a lane, and follows every change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proxy.content_reader import ContentReader
from proxy.core.bound import Shelf, bound
from proxy.core.content import Content
from proxy.core.own_marks import OnRecord
from proxy.core.pack import Pack
from proxy.core.records import Period
from proxy.core.snapshot import Snapshot
from proxy.policy import lane_facts
from proxy.registry.content_words import read_lexicon, read_vocabulary
from proxy.registry.packs import pack_from
from proxy.registry.snapshots import SnapshotBuilder
from proxy.rules.content import CONTENT_RULES
from proxy.rules.sender_record import asked_of, periods
from proxy.settings import SettingsError
from tests.rules.scene import NOON, YEAR, build
from tests.rules.texts import MARKS, PARTNER, READ
from tests.store.open_store import SECRET, owned, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

BANK = {"id": "jianglan", "name": "江澜银行股份有限公司（虚构）", "kind": "bank", "short_names": ["江澜"]}
HOUSE = {"institutions": [BANK]}
PACK = Pack("test", 1)


def record_of(scene: Any) -> OnRecord:
    request, snapshot, now = build(scene)
    facts, _ = lane_facts(request.account, request.sender, request.purpose, "sms", snapshot, now)
    asked = asked_of(facts, CONTENT_RULES)
    assert asked is not None
    return asked.record


def test_names_of_the_institution_and_of_who_is_entrusted_today() -> None:
    own = record_of(READ)
    assert own.names == {"江澜银行", "江澜", "江澜银行信用卡中心", "江澜卡中心"}
    assert own.partners == {"元麓科技"}
    assert record_of(READ.but("entrustment.period", Period(0, int(NOON)))).partners == frozenset()
    assert record_of(READ.but("entrustment.purposes", frozenset(("collection",)))).partners == frozenset()
    assert record_of(PARTNER).partners == {"元麓科技"}
    assert (own.phones, own.domains) == ({"4000001001"}, {"jl.example", "jianglan-bank.example"})


def test_what_is_over_counts_no_more_and_ends_its_lane() -> None:
    over = tuple((table, type(mark)(mark.owner, mark.names, Period(0, int(NOON)))) for table, mark in MARKS)
    record = record_of(READ.but("marks", over))
    assert (record.phones, record.products, record.domains) == (frozenset(), frozenset(), frozenset())
    _, snapshot, _ = build(READ)
    assert set(periods(snapshot, "jianglan", "yuanlu")) == {YEAR}
    soon = Period(0, int(NOON) + 5)
    request, snapshot, now = build(READ.but("marks", (("products", type(MARKS[0][1])("jianglan", ("安居贷",), soon)),)))
    _, edges = lane_facts(request.account, request.sender, request.purpose, "sms", snapshot, now)
    assert min(edges) == NOON + 5


async def test_records_and_words_come_into_force_with_the_next_snapshot(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        builder = SnapshotBuilder(store, SECRET.person_key, reader())
        await take_in(store, HOUSE)
        first = await builder.build(PACK)
        assert owners(first) == (["jianglan"], [], [])
        await take_in(
            store,
            {
                "service_phones": [{"owner": "jianglan", "phone": "0571-00001234"}],
                "products": [{"institution": "jianglan", "name": "安居贷", "aliases": ["安居"]}],
            },
        )
        second = await builder.build(PACK)
        assert owners(second) == (["jianglan"], ["jianglan"], ["jianglan"])
        assert (await builder.build(PACK)).own_marks is second.own_marks
        assert owners(first) == (["jianglan"], [], [])

        class Other(ContentReader):
            def read(self, text: str) -> Content:
                return super().read(text)

        builder.reader = Other(read_lexicon(), read_vocabulary("optout"))
        third = await builder.build(PACK)
        assert third.reader is builder.reader
        assert third.own_marks is not second.own_marks


def owners(snapshot: Snapshot) -> tuple[list[str], list[str], list[str]]:
    marks = snapshot.own_marks
    found = marks.signatures.owners("江澜银行"), marks.phones.owners("57100001234"), marks.products.owners("安居")
    return sorted(found[0]), sorted(found[1]), sorted(found[2])


def pack_with(content: dict[str, Any] | None) -> Pack:
    basis = {"basis": "product default"}
    table: dict[str, Any] = {
        "pack": {"id": "p", "version": 1, "region": "CN", "source": "x", "effective": "2026-01-01"},
        "validity": {"cap_s": 1, **basis},
        "collection_refusal": {"closes_channel": True, **basis},
    }
    return pack_from(table | ({} if content is None else {"content": content | basis}), "p.toml")


def test_a_pack_says_what_texts_have_to_hold() -> None:
    unsaid = pack_with(None)
    assert (unsaid.refusal_in_texts, unsaid.refusal_by_link, unsaid.unrecorded_passes) == ({"marketing"}, True, True)
    strict = pack_with({"refusal_in": ["collection"], "refusal_by_link": False, "unrecorded": "refuse"})
    assert (strict.refusal_in_texts, strict.refusal_by_link, strict.unrecorded_passes) == ({"collection"}, False, False)
    assert {one.rule for one in strict.citations if one.key == "content"} == {"content.refusal", "content.contact"}
    other = Pack("q", 1, region="CN")
    together = bound(other, Shelf((strict,)), "account", (), NOON * 2).strictest
    assert together.refusal_in_texts == {"marketing", "collection"}
    assert (together.refusal_by_link, together.unrecorded_passes) == (False, False)


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"refusal_in": ["service"]}, "content.refusal_in"),
        ({"refusal_in": ["marketing"], "unrecorded": "maybe"}, "content.unrecorded"),
        ({}, "content.refusal_in"),
        ({"refusal_in": [], "more": 1}, "content.more"),
    ],
)
def test_what_is_wrong_in_a_pack_is_named(content: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError) as raised:
        pack_with(content)
    assert key in str(raised.value)
