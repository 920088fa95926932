"""What was found of a known text is asked anew as soon as anything that it rests upon is another."""

from __future__ import annotations

import msgspec
import pytest

from proxy.content_reader import ContentReader
from proxy.core.own_marks import Mark
from proxy.core.pack import RuleSetting
from proxy.core.records import Number, Template
from proxy.core.request import Request
from proxy.core.snapshot import NumberLibrary, Snapshot
from proxy.policy import evaluate
from proxy.rules.content import CONTENT_RULES
from tests.rules.scene import BASE, YEAR, Scene, build
from tests.tools.shipped import shipped_lexicon, shipped_vocabulary
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

ASKED = BASE.but("reads", True).but("pack.rules", {rule: RuleSetting() for rule in CONTENT_RULES})
OFFER = "【江澜银行】“安居贷”年化3.5%起，编号20250305，咨询{}，回T退订"


def warmed(scene: Scene, text: str) -> tuple[Request, Snapshot, float]:
    """A request, a snapshot and its time; its reader knows this text, against which nothing was found."""
    request, snapshot, now = build(scene)
    snapshot = msgspec.structs.replace(snapshot, reader=ContentReader(shipped_lexicon(), shipped_vocabulary()))
    for _ in range(4):
        assert found(text, request, snapshot, now) == []
    assert snapshot.reader is not None
    assert snapshot.reader.recall(("jianglan", "10690001"), text) is not None
    return request, snapshot, now


def found(text: str, request: Request, snapshot: Snapshot, now: float) -> list[str]:
    decision = evaluate(changed(request, readings=(text,)), snapshot, now).decision
    return [f"{one.rule}/{one.detail}" for one in decision.findings] or [decision.rule] * bool(decision.rule)


def test_another_purpose_of_the_same_number_asks_for_itself() -> None:
    text = OFFER.format("400-000-1001")
    both = frozenset(("marketing", "service"))
    scene = ASKED.but("row.purposes", both).but("account.purposes", both)
    request, snapshot, now = warmed(scene.but("request.purpose", "marketing"), text)
    assert found(text, changed(request, purpose="service"), snapshot, now) == ["purpose.mismatch/marketing"]
    assert found(text, request, snapshot, now) == []


def test_a_telephone_that_another_registers_is_found_in_a_known_text() -> None:
    text = OFFER.format("400-000-7007")
    request, snapshot, now = warmed(ASKED, text)
    theirs = build(ASKED.but("marks", (("service_phones", Mark("lanhai", ("4000007007",), YEAR)),)))[1].own_marks
    later = msgspec.structs.replace(snapshot, own_marks=theirs, lanes={})
    assert found(text, request, later, now) == ["content.contact/other"]


def test_a_number_that_the_sender_calls_from_no_more_is_found_in_a_known_text() -> None:
    text = OFFER.format("95001")
    calls = Number("95001", "jianglan", "jianglan", frozenset(("voice",)), frozenset(("service",)), YEAR)
    marks = (("service_phones", Mark("jianglan", ("4000001001",), YEAR)),)
    request, snapshot, now = warmed(ASKED.but("marks", marks).but("others", (calls,)), text)
    assert ASKED.row is not None
    later = msgspec.structs.replace(snapshot, numbers=NumberLibrary([ASKED.row]), lanes={})
    assert found(text, request, later, now) == ["content.contact/unknown"]


def test_a_name_that_stood_where_names_vary_names_nobody_in_the_next_text() -> None:
    text = "{}您好，信用卡分期12期低至3折，详询400-000-1001，回T退订"
    scene = ASKED.but("marks", (("signatures", Mark("jianglan", ("陈晨",), YEAR)),))
    request, snapshot, now = warmed(scene, text.format("陈晨"))
    assert found(text.format("李蕾"), request, snapshot, now) == ["content.identity/none"]


def test_what_one_sender_says_is_not_known_of_another() -> None:
    text = OFFER.format("400-000-1001")
    _, snapshot, _ = warmed(ASKED, text)
    assert snapshot.reader is not None
    assert snapshot.reader.recall(("yunxiu", "10690101"), text) is None


def test_figures_that_a_reviewed_wording_has_as_they_stand_do_not_vary_with_the_reader() -> None:
    wording = "【江澜银行】“安居贷”年化3.5%起，活动{digits}，编号20250305，咨询400-000-1001，回T退订"
    reviewed = Template("spring", "jianglan", frozenset(("marketing",)), wording, reviewed=True)
    scene = BASE.but("reads", True).but("pack.rules", {"template.unreviewed": RuleSetting()} | ASKED.pack.rules)
    text = wording.replace("{digits}", "17")
    request, snapshot, now = warmed(scene.but("templates", (reviewed,)), text)
    assert found(text.replace("17", "18"), request, snapshot, now) == []
    assert found(text.replace("20250305", "20250306"), request, snapshot, now) == ["template.unreviewed"]


def test_a_value_that_a_variable_may_not_hold_is_none_in_a_text_that_is_read_alike() -> None:
    wording = "【江澜银行】“安居贷”最高{amount}元，咨询400-000-1001，回T退订"
    reviewed = Template("spring", "jianglan", frozenset(("marketing",)), wording, reviewed=True)
    scene = BASE.but("reads", True).but("pack.rules", {"template.unreviewed": RuleSetting()} | ASKED.pack.rules)
    request, snapshot, now = warmed(scene.but("templates", (reviewed,)), wording.replace("{amount}", "200000"))
    assert found(wording.replace("{amount}", "300000"), request, snapshot, now) == []
    assert found(wording.replace("{amount}", "030000"), request, snapshot, now) == ["template.unreviewed"]
