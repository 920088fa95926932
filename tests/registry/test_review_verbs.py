"""Review takes two people, goes on from the state it found, and leaves a trace; whoever comes second is told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.core.pack import Pack
from proxy.registry.ports import Alter, StaleError, VerbError
from proxy.registry.snapshots import build_snapshot
from proxy.registry.verb import VerbContext
from proxy.registry.verbs import perform
from proxy.store.sqlite import SqliteStore
from tests.store.open_store import BANK, LENDER, NOW_US, SECRET, owned, take_in
from tests.tools.words import reader

pytestmark = pytest.mark.unit

DIGEST = "ab" * 32
ACCOUNT = {
    "id": "acct",
    "principal": "bank",
    "operator": "bank",
    "purposes": "marketing",
    "password_hash": "none",
    "telecom_licence_since": "2026-01-01",
    "telecom_licence_until": "2036-12-31",
    "responsible": "责任人（虚构）",
}
TEMPLATE = {"id": "spring", "institution": "bank", "purposes": "marketing", "text": "【示例】你好"}


class Desk:
    """Verbs on one store, as a person gives them."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

    async def __call__(self, verb: str, **args: Any) -> dict[str, Any]:
        context = VerbContext(self.store, self.store, SECRET, lambda: NOW_US, self.store.imports)
        return await perform(context, verb, args)

    async def refused(self, verb: str, **args: Any) -> str:
        with pytest.raises(VerbError) as caught:
            await self(verb, **args)
        return str(caught.value)

    async def is_active(self) -> bool:
        snapshot = await build_snapshot(self.store, SECRET.person_key, Pack("test", 1), reader())
        return snapshot.accounts["acct"].reviewed

    async def submit(self) -> None:
        await self("onboarding.submit", account="acct", documents=[f"licence={DIGEST}"], by="甲")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK, LENDER], "accounts": [ACCOUNT], "templates": [TEMPLATE]})
        yield Desk(store)


async def test_an_account_is_active_when_a_second_person_approved(desk: Desk) -> None:
    await desk.submit()
    assert not await desk.is_active()
    assert "nothing to approve" in await desk.refused("onboarding.approve", account="acct", by="乙")
    await desk("onboarding.review", account="acct", by="乙")
    assert "nothing to review" in await desk.refused("onboarding.review", account="acct", by="丁")
    assert "somebody else" in await desk.refused("onboarding.approve", account="acct", by="乙")
    assert not await desk.is_active()
    await desk("onboarding.approve", account="acct", by="丙")
    assert await desk.is_active()
    assert "approved already" in await desk.refused(
        "onboarding.submit", account="acct", documents=[f"licence={DIGEST}"], by="甲"
    )
    noted = [(one.verb, one.target, one.by) for one in await desk.store.measures()]
    assert noted == [
        ("onboarding.submitted", "acct", "甲"),
        ("onboarding.reviewed", "acct", "乙"),
        ("onboarding.approved", "acct", "丙"),
    ]


@pytest.mark.parametrize("until", ["submitted", "reviewed", "approved"])
async def test_documents_can_be_sent_back_at_every_step_and_come_anew(desk: Desk, until: str) -> None:
    assert "nothing was submitted" in await desk.refused("onboarding.reject", account="acct", reason="x", by="乙")
    await desk.submit()
    if until != "submitted":
        await desk("onboarding.review", account="acct", by="乙")
    if until == "approved":
        await desk("onboarding.approve", account="acct", by="丙")
    assert "already" in await desk.refused("onboarding.submit", account="acct", documents=[f"a={DIGEST}"], by="甲")
    await desk("onboarding.reject", account="acct", reason="许可过期", by="丁")
    assert not await desk.is_active()
    assert "rejected" in await desk.refused("onboarding.reject", account="acct", reason="x", by="丁")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ({"account": "nobody"}, "not registered"),
        ({"documents": []}, "at least one"),
        ({"documents": ["licence"]}, "NAME=SHA256"),
        ({"by": " "}, "empty"),
    ],
)
async def test_what_cannot_be_submitted(desk: Desk, args: dict[str, Any], says: str) -> None:
    given = {"account": "acct", "documents": [f"licence={DIGEST}"], "by": "甲"}
    assert says in await desk.refused("onboarding.submit", **(given | args))


async def test_an_import_leaves_an_approval_unless_it_changes_what_was_approved(desk: Desk) -> None:
    await desk.submit()
    await desk("onboarding.review", account="acct", by="乙")
    await desk("onboarding.approve", account="acct", by="丙")
    await take_in(desk.store, {"accounts": [ACCOUNT | {"window": 7}]})
    assert await desk.is_active()
    await take_in(desk.store, {"accounts": [ACCOUNT | {"purposes": ["marketing", "collection"]}]})
    assert not await desk.is_active()


async def test_whoever_comes_second_is_told_and_nothing_is_written(desk: Desk) -> None:
    before = await desk.store.revision()
    change = Alter("templates", {"id": "spring", "state": "submitted"}, {"state": "reviewed"})
    with pytest.raises(StaleError, match="somebody changed it"):
        await desk.store.amend("review.passed", "spring", [change], reason="", by="乙")
    assert await desk.store.revision() == before
    assert await desk.store.measures() == []


async def test_a_template_is_reviewed_by_somebody_else_with_a_checklist(desk: Desk) -> None:
    spring = {"kind": "template", "id": "spring"}
    assert "not submitted" in await desk.refused("review.pass", **spring, checklist=["签名"], by="乙")
    await desk("review.submit", **spring, by="甲")
    assert [row["id"] for row in (await desk("review.list", state="submitted"))["rows"]] == ["spring"]
    assert "somebody else" in await desk.refused("review.pass", **spring, checklist=["签名"], by="甲")
    assert "what was checked" in await desk.refused("review.pass", **spring, checklist=[], by="乙")
    await desk("review.pass", **spring, checklist=["签名", "退订"], by="乙")
    snapshot = await build_snapshot(desk.store, SECRET.person_key, Pack("test", 1), reader())
    ((template,),) = snapshot.templates.values()
    assert template.reviewed
    await take_in(desk.store, {"templates": [TEMPLATE]})
    assert not (await desk("review.list", state="draft"))["rows"]
    await take_in(desk.store, {"templates": [TEMPLATE | {"text": "【示例】再见"}]})
    assert (await desk("review.list", state="draft"))["rows"]
    assert "kind: must be" in await desk.refused("review.submit", kind="number", id="spring", by="甲")
    assert "is registered" in await desk.refused("review.submit", kind="campaign", id="spring", by="甲")


async def test_one_person_alone_takes_back_no_rejection(desk: Desk) -> None:
    spring = {"kind": "template", "id": "spring"}

    async def state() -> tuple[bool, bool]:
        snapshot = await build_snapshot(desk.store, SECRET.person_key, Pack("test", 1), reader())
        ((template,),) = snapshot.templates.values()
        return template.reviewed, template.rejected

    await desk("review.submit", **spring, by="甲")
    assert await state() == (False, False)
    await desk("review.reject", **spring, reason="虚构", by="乙")
    assert await state() == (False, True)
    await desk("review.submit", **spring, by="乙")
    assert await state() == (False, True)
    await desk("review.pass", **spring, checklist=["签名"], by="甲")
    assert await state() == (True, False)
    await desk("review.submit", **spring, by="乙")
    assert await state() == (False, False)


async def test_a_handover_ends_the_former_as_the_new_one_begins(desk: Desk) -> None:
    new = {"institution": "bank", "contact": "0571-88880000", "by": "甲"}
    await desk("liaison.handover", **new, name="林一", since="2026-01-01")
    told = await desk("liaison.handover", **new, name="林二", since="2026-05-01", deputy="林三")
    assert told["ended"] == ["林一"]
    rows = (await desk("registry.liaisons"))["rows"]
    assert [(row["name"], row["until"], row["state"]) for row in rows] == [
        ("林一", "2026-04-30", "over"),
        ("林二", "forever", "valid"),
    ]
    assert "later day" in await desk.refused("liaison.handover", **new, name="林四", since="2026-05-01")
    assert "not registered" in await desk.refused("liaison.handover", **(new | {"institution": "x"}), name="林四")
    assert "lies before" in await desk.refused("liaison.handover", **new, name="林四", until="2026-01-01")


async def test_a_wording_is_put_on_record_and_submitted_in_one_step(desk: Desk) -> None:
    wording = {"id": "summer", "institution": "bank", "purposes": ["marketing"], "by": "甲"}
    text = "【示例】{name}您好，夏季活动开始"
    assert "institution" in await desk.refused("review.record", **wording | {"institution": "nobody"}, text=text)
    assert "text" in await desk.refused("review.record", **wording, text="【示例】{link}")
    assert "spring" in await desk.refused("review.record", **wording | {"id": "spring"}, text=text)
    assert "spring" in await desk.refused("review.record", **wording, text=TEMPLATE["text"])
    assert (await desk("review.record", **wording, text=text))["state"] == "submitted"
    summer = {"kind": "template", "id": "summer"}
    assert "somebody else" in await desk.refused("review.pass", **summer, checklist=["用语"], by="甲 （虚构）")
    # Whoever acts for another institution does not find it.
    assert "no template" in await desk.refused("review.reject", **summer, institution="lender", reason="x", by="乙")
    await desk("review.reject", **summer, institution="bank", reason="x", by="乙")
    snapshot = await build_snapshot(desk.store, SECRET.person_key, Pack("test", 1), reader())
    assert set(snapshot.rejections) == {"bank"}
    await desk("review.submit", **summer, by="甲")
    await desk("review.pass", **summer, checklist=["用语"], by="乙")
    snapshot = await build_snapshot(desk.store, SECRET.person_key, Pack("test", 1), reader())
    assert (set(snapshot.wordings), snapshot.rejections) == ({"bank"}, {})


async def test_a_token_to_review_with_names_its_person(desk: Desk) -> None:
    token = {"institution": "bank", "until": "2099-12-31", "by": "甲"}
    for label in ("", " ", "…"):
        assert "label" in await desk.refused("token.create", **token, scopes=["templates:review"], label=label)
    made = await desk("token.create", **token, scopes=["templates:review", "precheck"], label="乙（虚构）")
    assert made["scopes"] == "precheck,templates:review"
    await desk("token.create", **token, scopes=["precheck"])
