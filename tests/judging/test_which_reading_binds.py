"""Of several plausible readings: a refusal in any binds; a wish to receive only if nothing else says anything."""

from __future__ import annotations

from typing import Any, cast

import pytest

from proxy.judging.hearing import Hearing, RefusalStore, Understood
from proxy.judging.latest_messages import LatestMessages
from proxy.judging.uncertain import Review, binding
from proxy.optout_parser import parse
from proxy.registry.doubts import Doubt
from proxy.smpp.inbound import Reply
from proxy.smpp.text import DEFAULT_TABLE, reply_readings
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import ACCOUNT, BASE, PERSON, build
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

VOCABULARY = shipped_vocabulary()
SNAPSHOT = build(BASE)[1]
NOISE = "協䅒"


class Listening:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.journal = journal_over(LogDouble())

    def _note(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))

    def understand(
        self, *readings: str, person: str | None = PERSON, number: str | None = "10690001"
    ) -> Understood | None:
        hearing = Hearing(cast(RefusalStore, None), self.journal, LatestMessages(), self._note)
        return hearing.understand(Reply(person, number, readings), ACCOUNT, SNAPSHOT, VOCABULARY)


def label_of(*readings: str) -> str | None:
    understood = Listening().understand(*readings)
    return None if understood is None else understood.reading.label


@pytest.mark.parametrize("others", [("START",), (NOISE,), ("HELP",), ("谢谢",), ("START", NOISE, "HELP"), ("",)])
@pytest.mark.parametrize("refusal", ["TD", "退订", "STOP"])
def test_a_refusal_in_any_reading_binds(refusal: str, others: tuple[str, ...]) -> None:
    assert label_of(refusal, *others) == "optout"
    assert label_of(*others, refusal) == "optout"


@pytest.mark.parametrize("readings", [("别打电话", "退订"), ("退订", "别打电话")])
def test_of_two_refusals_the_wider_binds(readings: tuple[str, ...]) -> None:
    understood = Listening().understand(*readings)
    assert understood is not None
    assert understood.reading.scope == "voice"


@pytest.mark.parametrize("others", [(), (NOISE,), ("START",), ("", NOISE), ("恢复接收",)])
def test_a_wish_binds_where_the_other_readings_say_nothing(others: tuple[str, ...]) -> None:
    assert label_of("START", *others) == "optin"
    assert label_of(*others, "START") == "optin"


@pytest.mark.parametrize("other", ["HELP", "START?"])
def test_a_wish_does_not_bind_beside_a_reading_that_says_something_else(other: str) -> None:
    assert label_of(other) is None
    assert label_of("START", other) != "optin"
    assert label_of(other, "START") != "optin"


@pytest.mark.parametrize("text", ["START", "恢复接收", "开通", "TD", "退订"])
@pytest.mark.parametrize("encoding", ["gb18030", "utf-16-be", "utf-8"])
@pytest.mark.parametrize("data_coding", [0, 1, 3, 4, 8, 15])
def test_what_was_sent_under_a_wrong_data_coding_never_turns_into_its_opposite(
    text: str, encoding: str, data_coding: int
) -> None:
    readings = reply_readings(text.encode(encoding), data_coding, DEFAULT_TABLE)
    assert label_of(*readings) in (None, label_of(text))
    if text in readings:
        assert label_of(*readings) == label_of(text)


@pytest.mark.parametrize("readings", [(), ("",), ("你好",), ("HELP",), ("谢谢",)])
def test_what_asks_for_nothing_is_nothing(readings: tuple[str, ...]) -> None:
    listening = Listening()
    assert listening.understand(*readings) is None
    assert listening.journal.counters.counts["reply.received"] == 1
    assert listening.events == []


def test_a_refusal_of_nobody_is_told_without_a_word_of_it() -> None:
    listening = Listening()
    assert listening.understand("TD", person=None) is None
    assert listening.events == [("reply.unattributed", {"account": ACCOUNT.id})]


def test_a_refusal_to_no_number_is_to_the_account_it_came_back_to() -> None:
    understood = Listening().understand("TD", number=None)
    assert understood is not None
    assert (understood.number, [one.institution for one in understood.answered]) == ("", ["jianglan"])
    assert understood.answered[0].purposes == ACCOUNT.purposes


@pytest.mark.parametrize(
    ("readings", "confidence"),
    [
        (("START TD",), 0.3), (("START", "START TD"), 0.3), (("x" * 2000,), 0.0), (("TD?",), None),
        (("别的都行，短信算了吧", NOISE), None), (("天天发有意思吗", NOISE), 0.55), (("已举报", NOISE), 0.6),
    ],
)  # fmt: skip
def test_what_is_uncertain_counts_meanwhile_and_waits_for_a_verdict(
    readings: tuple[str, ...], confidence: float | None
) -> None:
    understood = Listening().understand(*readings)
    if confidence is None:
        assert understood is None or understood.doubt is None
        return
    assert understood is not None
    assert understood.reading.label == "optout"
    assert understood.doubt is not None
    assert (understood.doubt.text in readings, understood.doubt.confidence, understood.doubt.binds) == (
        True,
        confidence,
        True,
    )


@pytest.mark.parametrize("readings", [("已举报", "TD"), ("TD", "START TD")])
def test_a_certain_refusal_in_any_reading_leaves_no_doubt(readings: tuple[str, ...]) -> None:
    understood = Listening().understand(*readings)
    assert understood is not None
    assert (understood.reading.label, understood.doubt) == ("optout", None)


@pytest.mark.parametrize("readings", [("START?",), ("x" * 2000, NOISE), ("恢复？", NOISE), ("START", "x" * 2000)])
def test_what_asks_or_was_not_meant_is_no_doubt(readings: tuple[str, ...]) -> None:
    assert Listening().understand(*readings) is None


def test_where_it_is_so_configured_a_doubt_counts_as_nothing_and_waits_all_the_same() -> None:
    found = binding([("已举报", parse("已举报", VOCABULARY))], Review(meanwhile="none", most=7))
    assert found is not None
    reading, doubt = found
    assert (reading.label, doubt) == ("none", Doubt("已举报", 0.6, False, 7))
