"""Reviewed templates on the socket, in one process: what fits passes, what hides in a variable does not, and a verdict
that changes is that of the next message.

The pack asks that marketing be reviewed. 全部机构、号码与人员均为虚构。
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from proxy.control import call
from proxy.evidence.records import Decision
from tests.tools.raw_esme import RawEsme
from tests.tools.wire import DATA_SM, RESP, SUBMIT_SM, data_sm_body, message_body, tlv
from tests.wire.house import ROOT, House, make_template
from tests.wire.people import PERSONS, REGISTRY

pytestmark = [pytest.mark.wire, pytest.mark.asyncio(loop_scope="module")]

OFFER = "【江澜银行】尊敬的{name}先生，“安居贷”额度{amount}元，编号{digits}，咨询400-000-1001，回T退订"
ENGLISH = (
    "[Jianglan Bank] Dear {name}, auto loan up to {amount}, ref {digits}, call 400-000-1001. Reply STOP to opt out"
)
NEVER = "【江澜银行】“安居贷”日息低至{amount}%，无需征信，咨询400-000-1001，回T退订"
TURNS = "【江澜银行】{name}女士您好，夏季理财{digits}期，详询柜台，拒收请回复TD"
REVIEWED = {"state": "reviewed", "submitted_by": "甲（虚构）", "reviewed": "2026-03-01", "reviewed_by": "乙（虚构）"}
REFUSED = 0x0420
WINDOW = 4


def filled(wording: str, name: str = "施", amount: str = "35000", digits: str = "20250305") -> str:
    return wording.format(name=name, amount=amount, digits=digits)


@pytest.fixture(scope="module")
def reviewed_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    one = {"institution": "jianglan", "purposes": ["marketing"]}
    rows = [
        {"id": "offer", "text": OFFER, **one, **REVIEWED},
        {"id": "english", "text": ENGLISH, **one, **REVIEWED},
        {"id": "never", "text": NEVER, **one, **REVIEWED, "state": "rejected", "reason": "利率表述不当"},
        {"id": "turns", "text": TURNS, **one, "state": "submitted", "submitted_by": "甲（虚构）"},
    ]
    return make_template(tmp_path_factory.mktemp("reviewed") / "template", {**REGISTRY, "templates": rows})


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(reviewed_template: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with House(reviewed_template, tmp_path_factory.mktemp("templates")) as made:
        pack = made.folder / "asks.toml"
        asks = '\n[rules."template.unreviewed"]\nbasis = "product default"\n'
        pack.write_text((ROOT / "config/packs/cn-open.toml").read_text("utf-8") + asks, "utf-8")
        await made.start(policy={"pack": pack, "packs": []}, evidence={"linger_ms": 5}, smpp={"parts_quiet_ms": 15_000})
        yield made
        await made.end()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def esme(house: House) -> RawEsme:
    return await house.bind("jl")


def refused(house: House, detail: str) -> int:
    """How many decisions of this detail the evidence has."""
    return sum(one.detail == detail for one in house.decisions())


async def are_refused(house: House, detail: str, count: int) -> None:
    """Waits for the evidence to have so many decisions of this detail."""
    await house.record(lambda one: isinstance(one, Decision) and one.detail == detail, count)


def ucs2(said: str, place: int = 0) -> bytes:
    return message_body("10690001", PERSONS[10 + place % 20], said.encode("utf-16-be"), data_coding=8)


async def test_a_known_wording_passes_with_other_values_and_is_one_template(house: House, esme: RawEsme) -> None:
    for place in range(8):
        said = filled(OFFER, "施陈王李"[place % 4], str(35000 + place), str(20250305 + place))
        assert (await esme.request(SUBMIT_SM, ucs2(said, place))).status == 0
    code, out, err = await house.command("content", "templates", "--json")
    assert code == 0, err
    (told,) = [one for one in json.loads(out)["templates"] if "编号" in (one["wording"] or "")]
    # The first two were read: from the third on it is known.
    assert told["messages"] >= 6
    assert told["wording"] == OFFER.format(name="{name}", amount="{figures}", digits="{figures}").replace(
        "400-000-1001", "{phone}"
    )


HELD = {
    "a link": filled(OFFER, name="x.cn"),
    "a telephone": filled(OFFER, digits="13800138000"),
    "a telephone in a sum": filled(OFFER, amount="0571,8888,8888"),
    "a sentence": filled(OFFER, name="施先生，速加微信办理"),
    "a telephone with points": filled(OFFER, amount="138.0013.8000"),
    "a phrase of the table": filled(OFFER, name="贷款"),
    "another signature": filled(OFFER, name="施【越湖证券】"),
    "more digits than it holds": filled(OFFER, digits="1" * 21),
    "another way to refuse": filled(OFFER, digits="1，回Y退订"),
    "an invisible link": filled(OFFER, name="施\u200bx.cn"),
}


@pytest.mark.parametrize("held", HELD)
async def test_what_hides_in_a_variable_is_read_anew_and_refused(esme: RawEsme, held: str) -> None:
    assert (await esme.request(SUBMIT_SM, ucs2(HELD[held]))).status == REFUSED
    assert (await esme.request(SUBMIT_SM, ucs2(filled(OFFER)))).status == 0


@pytest.mark.parametrize(
    "said", [filled(NEVER, amount="0.02"), filled(NEVER, amount="0.3"), filled(NEVER).replace("征信", " 征·信")]
)
async def test_a_rejected_wording_is_refused_in_any_spelling(house: House, esme: RawEsme, said: str) -> None:
    before = refused(house, "rejected")
    for _ in range(3):
        assert (await esme.request(SUBMIT_SM, ucs2(said))).status == REFUSED
    await are_refused(house, "rejected", before + 3)


GOOD, BAD, NO = filled(OFFER), filled(OFFER, digits="13800138000"), filled(NEVER, amount="0.02")
IN_ENGLISH = filled(ENGLISH, "Li Lei", "5000", "77123")
ENCODED = {
    "UCS-2": (8, GOOD.encode("utf-16-be"), BAD.encode("utf-16-be"), NO.encode("utf-16-be")),
    "GB 18030": (15, GOOD.encode("gb18030"), BAD.encode("gb18030"), NO.encode("gb18030")),
    "GSM 03.38": (
        0,
        IN_ENGLISH.encode().replace(b"[", b"\x1b<").replace(b"]", b"\x1b>"),
        IN_ENGLISH.replace("Li Lei", "go to x.cn").encode().replace(b"[", b"\x1b<").replace(b"]", b"\x1b>"),
        b"",
    ),
}


@pytest.mark.parametrize("alphabet", ENCODED)
async def test_the_same_in_each_alphabet_and_as_a_payload(house: House, esme: RawEsme, alphabet: str) -> None:
    coding, *texts = ENCODED[alphabet]
    for octets, expected in zip(texts, ("", "unknown", "rejected"), strict=True):
        if not octets:
            continue
        before = refused(house, expected)
        bodies = [
            (SUBMIT_SM, message_body("10690001", PERSONS[9], octets, data_coding=coding)),
            (SUBMIT_SM, message_body("10690001", PERSONS[9], b"", data_coding=coding, tlvs=tlv(0x0424, octets))),
            (DATA_SM, data_sm_body("10690001", PERSONS[9], octets, data_coding=coding)),
        ]
        answers = [(await esme.request(command, body)).status for command, body in bodies]
        assert answers == [REFUSED if expected else 0] * 3
        await are_refused(house, expected, before + 3)


async def test_parts_are_held_against_the_whole(house: House, esme: RawEsme) -> None:
    for ref, (said, expected) in enumerate(((GOOD, ""), (BAD, "unknown"), (NO, "rejected")), 70):
        before = refused(house, expected)
        octets = said.encode("utf-16-be")
        half = len(octets) // 4 * 2
        for place, piece in enumerate((octets[:half], octets[half:]), 1):
            head = bytes([5, 0, 3, ref, 2, place])
            body = message_body("10690001", PERSONS[8], head + piece, data_coding=8, esm_class=0x40)
            await esme.submit(SUBMIT_SM, body)
        assert [(await esme.expect(SUBMIT_SM | RESP)).status for _ in range(2)] == [REFUSED if expected else 0] * 2
        await are_refused(house, expected, before + 1)


class Traffic:
    """One bind that says the text whose verdict changes, and in between one whose verdict does not."""

    def __init__(self, esme: RawEsme) -> None:
        self._esme = esme
        self.statuses: list[int] = []
        self.sent: list[str] = []
        self._stop = False
        self._step = asyncio.Condition()

    async def run(self) -> None:
        waiting: dict[int, int] = {}
        for place in count():
            if self._stop and not waiting:
                return
            if not self._stop:
                wording = (TURNS, TURNS, OFFER)[place % 3]
                said = filled(wording, "施陈王李"[place % 4], str(35000 + place), str(2025 + place))
                waiting[await self._esme.submit(SUBMIT_SM, ucs2(said, place))] = len(self.sent)
                self.sent.append(wording)
                self.statuses.append(-1)
            if self._stop or len(waiting) >= WINDOW:
                answer = await self._esme.expect(SUBMIT_SM | RESP)
                async with self._step:
                    self.statuses[waiting.pop(answer.sequence)] = answer.status
                    self._step.notify_all()
                await asyncio.sleep(0.001)

    def stop(self) -> None:
        self._stop = True

    async def goes_on(self, more: int = 25) -> None:
        wanted = len(self.statuses) + more
        async with asyncio.timeout(60), self._step:
            await self._step.wait_for(lambda: len(self.statuses) >= wanted)


DETAIL_AFTER = {"review.passed": "", "review.rejected": "rejected", "review.submitted": "review", "": "review"}


def detail_after(causes: list[str]) -> str:
    """What a pack that asks for review says of a template after these steps, the oldest first."""
    latest, before = ["", "", *causes][:-3:-1]
    # What was rejected stays so until somebody passes it.
    return DETAIL_AFTER[before if (before, latest) == ("review.rejected", "review.submitted") else latest]


async def test_a_verdict_that_changes_is_that_of_the_next_message(house: House) -> None:
    async def review(verb: str, by: str, **more: Any) -> None:
        args = {"kind": "template", "id": "turns", "by": by, **more}
        await asyncio.to_thread(call, house.state / "control.sock", f"review.{verb}", args)

    before, carried = len(house.decisions()), len(house.smsc.of(SUBMIT_SM))
    traffic = {name: Traffic(await house.bind(name)) for name in ("jl-two", "jl-win")}
    running = [asyncio.create_task(one.run()) for one in traffic.values()]
    watched = traffic["jl-two"]
    await watched.goes_on()
    for _ in range(2):
        await review("pass", "乙（虚构）", checklist=["用语", "退订方式"])
        await watched.goes_on()
        await review("submit", "甲（虚构）")
        await watched.goes_on()
        await review("reject", "乙（虚构）", reason="虚构")
        await watched.goes_on()
        await review("submit", "甲（虚构）")
        await watched.goes_on()
    for one in traffic.values():
        one.stop()
    await asyncio.gather(*running)
    statuses = [status for one in traffic.values() for status in one.statuses]
    assert set(statuses) == {0, REFUSED}
    decisions = (await house.record(lambda one: isinstance(one, Decision), before + len(statuses)))[before:]
    assert len(decisions) == len({one.id for one in decisions}) == len(statuses)
    assert statuses.count(0) == len(house.smsc.of(SUBMIT_SM)) - carried
    # Each is judged by the verdict of the revision that its decision names; what is reviewed passes all along.
    with sqlite3.connect(house.state / "registry.db") as store:
        causes = [(int(at), str(cause)) for at, cause in store.execute("SELECT revision, cause FROM revisions")]
    for name, one in traffic.items():
        mine = sorted([each for each in decisions if each.account == name], key=lambda each: each.id)
        for decision, wording, status in zip(mine, one.sent, one.statuses, strict=True):
            steps = [(at, cause) for at, cause in causes if at <= decision.revision and cause in DETAIL_AFTER]
            expected = "" if wording == OFFER else detail_after([cause for _, cause in sorted(steps)])
            assert (status, decision.detail) == (REFUSED if expected else 0, expected)
    assert {one.detail for one in decisions} == {"", "rejected", "review"}
    assert len({one.revision for one in decisions}) >= 8
