"""What rules find of known templates is what they find of texts that are read in full; and what is told of them."""

from __future__ import annotations

import random
import re

import msgspec
import pytest

from proxy.content_reader import ContentReader
from proxy.core.content import Against
from proxy.core.pack import RuleSetting
from proxy.core.records import Template
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.judging.known_templates import templates_told
from proxy.policy import evaluate
from proxy.registry.wordings import WordingShelf
from proxy.rules.content import CONTENT_RULES
from tests.rules.scene import BASE, Scene, build
from tests.tools.shipped import shipped_lexicon, shipped_vocabulary
from tests.tools.slotted import changed

pytestmark = pytest.mark.unit

RULES = {rule: RuleSetting() for rule in CONTENT_RULES}
SCENE = BASE.but("reads", True).but("pack.rules", RULES)
SENTENCES = (
    "【江澜银行】“安居贷”年化{3}.5%起，编号{20250305}，咨询400-000-1001，回T退订",
    "【江澜银行】尊敬的{施}先生，信用卡额度{35000}元待领取，400-000-1001，回T退订",
    "【澜海银行】尊敬的{施}先生，信用卡额度{35000}元待领取，400-000-1001，回T退订",
    "【江澜银行】{陈}女士，您尾号{7788}的卡已逾期{3}天，请还款{500}元，400-000-1001",
    "{陈晨}您好，江澜银行信用卡分期{12}期低至{3}折，详询400-000-1001",
    "【江澜银行】验证码{410022}，请勿泄露",
)


def fresh() -> ContentReader:
    return ContentReader(shipped_lexicon(), shipped_vocabulary())


def asked(scene: Scene, reader: ContentReader) -> tuple[Request, Snapshot, float]:
    request, snapshot, now = build(scene)
    return request, msgspec.structs.replace(snapshot, reader=reader), now


def found(text: str, request: Request, snapshot: Snapshot, now: float) -> tuple[str, str, tuple[Against, ...]]:
    decision = evaluate(changed(request, readings=(text,)), snapshot, now).decision
    return decision.rule, decision.detail, decision.findings


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_known_text_is_held_against_the_same_record(sentence: str) -> None:
    source = random.Random(sentence)
    warm = fresh()
    request, snapshot, now = asked(SCENE, warm)
    plain = re.sub("[{}]", "", sentence)
    for _ in range(3):
        found(plain, request, snapshot, now)

    def other(match: re.Match[str]) -> str:
        letters = "0123456789" if match.group(1)[0].isdigit() else "王李施陈某他江澜"
        return "".join(source.choice(letters) for _ in match.group(1))

    cold = fresh()
    known = 0
    for _ in range(60):
        text = re.sub(r"\{([^}]*)\}", other, sentence)
        known += warm._templates.known(("jianglan", "10690001"), text) is not None
        new = msgspec.structs.replace(snapshot, lanes={}, reader=cold, asked={})
        cold._templates._shelves.clear()
        cold._recalled = None
        assert found(text, request, snapshot, now) == found(text, request, new, now)
    assert known > 10


def test_a_new_record_is_asked_of_known_texts_too() -> None:
    reader = fresh()
    text = "【江澜银行】“安居贷”年化3.5%起，编号20250305，咨询400-000-1001，回T退订"
    request, snapshot, now = asked(SCENE, reader)
    for _ in range(3):
        assert found(text, request, snapshot, now)[0] == ""
    other = asked(SCENE.but("institution.name", "云岫银行").but("institution.short_names", ("云岫",)), reader)
    assert found(text, *other)[0].startswith("content.")


def test_a_rejected_wording_is_known_among_texts_that_are_read_alike() -> None:
    reader = fresh()
    text = "【江澜银行】尊敬的{}先生，信用卡额度{}元待领取，400-000-1001，回T退订"
    rejected = Template("no", "jianglan", frozenset(("marketing",)), text.format("王", "1"), False, True)
    request, snapshot, now = asked(SCENE, reader)
    rejections = WordingShelf().rejected([rejected], reader)
    snapshot = msgspec.structs.replace(snapshot, rejections=rejections, lanes={})
    answers = []
    for place in range(24):
        name = "陈施王"[place % 3]
        answers.append((name, found(text.format(name, 35000 + place), request, snapshot, now)[1]))
    assert reader._templates.known(("jianglan", "10690001"), text.format("李", 36000)) is not None
    assert {detail for name, detail in answers if name == "王"} == {"rejected"}
    assert {detail for name, detail in answers if name != "王"} == {""}


def test_one_text_to_many_is_learnt_when_it_comes_again() -> None:
    reader = fresh()
    text = "【江澜银行】“安居贷”年化3.5%起，编号20250305，咨询400-000-1001，回T退订"
    owner = ("jianglan", "10690001")
    known = [reader.recall(owner, text) for _ in range(3)]
    assert known[0] is None
    assert known[1] is known[2] is not None


def test_several_lanes_of_one_sender_ask_one_thing() -> None:
    request, snapshot, now = asked(SCENE, fresh())
    for sender in ("10690001", "106900011", "106900012"):
        evaluate(changed(request, sender=sender), snapshot, now)
    assert len(snapshot.lanes) == 3
    assert len({id(lane.asked) for lane in snapshot.lanes.values()}) == len(snapshot.asked) == 1


def test_what_is_told_of_templates_holds_no_figure_and_nothing_seldom() -> None:
    reader = fresh()
    request, snapshot, now = asked(SCENE, reader)
    for number in range(12):
        found(
            f"【澜海银行】尊敬的施先生，信用卡额度{35100 + number}元待领取，400-000-1001，回T退订",
            changed(request, recipient=f"86138001380{number:02}", received_at=now + number),
            snapshot,
            now,
        )
    for number in range(3):
        found(f"【江澜银行】{number}施某请查收", request, snapshot, now)
    told = templates_told(reader, {})["templates"]
    assert [row["wording"] is None for row in told] == [False, True]
    assert told[0]["wording"] == "【澜海银行】尊敬的{name}先生，信用卡额度{figures}元待领取，{phone}，回T退订"
    assert "content.spoof/other" in told[0]["findings"]
    assert (told[0]["category"], told[0]["number"], told[0]["messages"]) == ("marketing", "10690001", 11)
    assert (told[0]["accounts"], told[0]["against"]) == ({request.account.id: 11}, 11)
    assert (told[0]["first_us"], told[0]["last_us"]) == (int((now + 1) * 1e6), int((now + 11) * 1e6))
    assert templates_told(reader, {"principal": "yunxiu"}) == {"templates": [], "more": 0}


def test_a_finding_names_the_template_known_or_not() -> None:
    texts = [f"【澜海银行】尊敬的施先生，信用卡额度{35100 + number}元待领取，400-000-1001" for number in range(4)]
    request, snapshot, now = asked(SCENE, fresh())
    ids = [evaluate(changed(request, readings=(text,)), snapshot, now).decision.template for text in texts]
    assert len(set(ids)) == 1
    assert len(ids[0]) == 10
