"""What was exported and is imported into an empty store is the same registry, every column of every section."""

from pathlib import Path
from typing import Any

import pytest

from proxy.registry.exporting import export
from proxy.registry.tables import TABLES
from proxy.store.staging import PERSON_COLUMNS
from tests.store.open_store import SECRET, owned, take_in

pytestmark = pytest.mark.unit

DIGEST = "0123456789abcdef" * 4
EVER = {"since": "2026-01-01", "until": "2026-12-31"}
SCOPE = {"purposes": ["marketing", "collection"], "channels": ["sms", "voice"], **EVER}
WHOLE: dict[str, list[dict[str, Any]]] = {
    "institutions": [
        {"id": "bank", "name": "示例银行（虚构）", "kind": "bank", "short_names": ["示例", "例行"], "region": "CN-ZJ",
         "page": "https://bank.example/"},
        {"id": "fund", "name": "示例基金（虚构）", "kind": "fund"},
    ],
    "licences": [
        {"institution": "bank", **SCOPE, "issuer": "国家机关（虚构）"},
        {"institution": "bank", **SCOPE, "issuer": "地方机关（虚构）", "issuer_level": "local", "region": "浙江"},
    ],
    "telecoms": [
        {"id": "tong", "name": "通（虚构）", "kind": "carrier", "licence_no": "A1", **EVER},
        {"id": "ping", "name": "平（虚构）", "kind": "短信平台", "licence_no": "B2", "region": "CN-JS", **EVER},
    ],
    "partners": [
        {"id": "agency", "name": "合作方（虚构）", **EVER, "document_hash": DIGEST, "duties": "催收、记录",
         "due_diligence": "2025-12-01"},
        {"id": "agent", "name": "代理（虚构）", **EVER},
    ],
    "entrustments": [
        {"institution": "bank", "partner": "agency", **SCOPE, "document_hash": DIGEST, "regions": ["CN-JS", "CN-ZJ"]},
        {"institution": "bank", "partner": "agent", **SCOPE, "parent": "agency"},
    ],
    "numbers": [
        {"address": "10690001", "principal": "bank", "operator": "agency", "telecom": "通（虚构）", **SCOPE,
         "extensible": True, "refusal_keywords": ["T", "TD"]},
    ],
    "liaisons": [
        {"institution": "bank", "name": "林一（虚构）", "contact": "0571-88880000", "deputy": "林二（虚构）", **EVER}
    ],
    "accounts": [
        {"id": "acct", "principal": "bank", "operator": "agency", "purposes": "marketing", "password": "secret1",
         "telecoms": ["tong", "ping"], "responsible": "责任人（虚构）"},
        {"id": "old", "principal": "bank", "operator": "bank", "purposes": "marketing", "password": "secret2",
         "telecom_licence_since": "2026-01-01", "telecom_licence_until": "forever", "responsible": "责任人（虚构）",
         "reviewed_by": "甲；乙", "addresses": "10.0.0.0/8"},
    ],
    "onboardings": [
        {"account": "acct", "submitted": "2026-03-01T09:30:00.123456+08:00", "submitted_by": "甲",
         "documents": [f"licence={DIGEST}", f"委托书={DIGEST}"]},
        {"account": "old", "submitted": "2026-03-01", "submitted_by": "甲", "documents": [f"licence={DIGEST}"],
         "state": "approved", "reviewed": "2026-03-02", "reviewed_by": "乙", "approved": "2026-03-03",
         "approved_by": "丙"},
    ],
    "campaigns": [
        {"id": "spring", "institution": "bank", "name": "春（虚构）", "responsible": "责任人（虚构）", **SCOPE}
    ],
    "templates": [
        {"id": "one", "institution": "bank", "campaign": "spring", "purposes": "marketing", "text": "一\n二，回T退订",
         "state": "reviewed", "submitted_by": "甲", "reviewed": "2026-03-02", "reviewed_by": "乙",
         "checklist": ["签名", "退订"], "reason": "好"},
        {"id": "two", "institution": "bank", "purposes": "collection", "text": "三"},
    ],
    "signatures": [{"owner": "bank", "signature": "示例银行", "short_names": ["示例", "例行"], **EVER}],
    "service_phones": [{"owner": "agency", "phone": "400-000-1001", "label": "客服"}],
    "products": [{"institution": "bank", "name": "安居贷", "aliases": ["安居"], "since": "2026-01-01"}],
    "domains": [{"owner": "bank", "domain": "示例.cn"}],
    "segments": [
        {"id": "finance", "first": "1069055", "last": "1069059", "department": "部门（虚构）", **SCOPE}
    ],
    "attestations": [{"institution": "bank", "attested": "2026-03-01", "attested_by": "甲", "numbers": 1}],
    "intakes": [
        {"id": "rep-1", "path": "report", "address": "10690001", "principal": "bank", "operator": "agency",
         "telecom": "通（虚构）", **SCOPE, "submitted": "2026-03-01", "submitted_by": "甲", "state": "accepted",
         "decided": "2026-03-02", "decided_by": "乙", "reason": "好"},
    ],
    "submissions": [
        {"id": "sub-1", "institution": "bank", "department": "部门（虚构）", "state": "merged", "numbers": 1,
         "digest": DIGEST, "submitted": "2026-03-01", "submitted_by": "甲", "receipt": "R-1",
         "received": "2026-03-02", "received_by": "乙", "decided": "2026-03-03", "decided_by": "丙",
         "merged": "2026-03-04", "merged_by": "丁", "reason": "好"},
        {"id": "sub-2", "institution": "fund", "department": "部门（虚构）"},
    ],
    "claims": [
        {"submission": "sub-1", "address": "10690001", "operator": "agency", "telecom": "通（虚构）", **SCOPE,
         "extensible": True},
    ],
    "claim_cases": [
        {"id": "case-1", "address": "10690001", "holder": "bank", "claimant": "fund", "submission": "sub-1",
         "opened": "2026-03-04", "state": "settled", "settled": "2026-03-05", "settled_by": "丁",
         "settled_for": "bank", "reason": "在先"},
    ],
    "holds": [{"kind": "account", "target": "old", "reason": "试"}],
    "consents": [
        {"recipient": "13800138000", "institution": "bank", "channels": "sms", "given": "2026-03-01", "source": "form"},
        {"recipient": "13800138003", "institution": "bank", "channels": "sms;voice", "given": "2026-03-01",
         "source": "form", "withdrawn": "2026-04-01T10:00:00+08:00", "withdrawn_source": "hotline"},
    ],
    "debtors": [
        {"recipient": "13800138002", "institution": "bank", "role": "债务人", "verified": "2026-03-01", "source": "贷",
         "document_hash": DIGEST},
        {"recipient": "13800138002", "institution": "bank", "role": "none", "verified": "2026-04-01"},
        {"recipient": "057188880000", "institution": "bank", "role": "guarantor", "verified": "2026-03-01"},
    ],
    "debtor_notices": [
        {"recipient": "13800138002", "institution": "bank", "partner": "agency", "at": "2026-03-01", "way": "信函",
         "document_hash": DIGEST}
    ],
    "objections": [{"recipient": "13800138002", "institution": "bank", "at": "2026-03-02", "label": "非本人"}],
    "preferences": [
        {"recipient": "13800138001", "institution": "bank", "declines": "marketing", "channels": "voice",
         "opens": "9:00", "closes": "24:00", "at": "2026-03-01T09:30:00.000001+08:00", "source": "app"},
        {"recipient": "13800138001", "institution": "bank", "at": "2026-03-01T09:30:00+08:00"},
        {"recipient": "057188880000", "declines": "marketing,collection", "at": "2026-03-01"},
    ],
    "suppressions": [{"recipient": "13800138001", "institution": "bank", "at": "2026-03-01", "source": "hotline"}],
}  # fmt: skip


def test_every_section_is_here() -> None:
    assert set(WHOLE) == set(TABLES)


async def test_an_export_imported_into_an_empty_store_is_the_same(tmp_path: Path) -> None:
    async with owned(tmp_path / "one") as first:
        await take_in(first, WHOLE)
        told = await export(first, SECRET, secrets=True)
        again = {name: rows for name, rows in told.items() if name != "about"}
        assert all(again[name] for name in TABLES)
        async with owned(tmp_path / "two") as second:
            await take_in(second, again)
            assert await export(second, SECRET, secrets=True) == told
            for table in TABLES:
                if table in PERSON_COLUMNS:
                    continue
                assert [row async for rows in first.rows(table) for row in rows] == [
                    row async for rows in second.rows(table) for row in rows
                ]
        # The same file once more changes nothing.
        assert not any((await take_in(first, again)).values())
