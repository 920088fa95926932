"""The refusal keywords of a number are refusals where that number offered them, and nowhere else (Z18 Z19)."""

from __future__ import annotations

from typing import Any, cast

import pytest

from proxy.judging.hearing import Hearing, RefusalStore
from proxy.judging.latest_messages import LatestMessages
from proxy.smpp.inbound import Reply
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import ACCOUNT, BASE, PERSON, build
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

VOCABULARY = shipped_vocabulary()
OFFERING = build(BASE.but("row.refusal_keywords", ("88", "不要")))[1]
OFFERING_NOTHING = build(BASE)[1]


def heard(said: str, snapshot: Any, number: str | None = "10690001") -> bool:
    hearing = Hearing(cast(RefusalStore, None), journal_over(LogDouble()), LatestMessages(), lambda *_, **__: None)
    reply = Reply(PERSON, number, (said,))
    understood = hearing.understand(reply, ACCOUNT, snapshot, VOCABULARY)
    assert hearing.refuses(reply, snapshot, VOCABULARY) == (understood is not None)
    return understood is not None and understood.reading.label == "optout"


@pytest.mark.parametrize("said", ["88", " 88。", "不要"])
def test_a_word_that_the_number_offered_is_a_refusal(said: str) -> None:
    assert heard(said, OFFERING)
    assert heard(said, OFFERING, "1069000188")  # an extension of the port that offered it
    assert heard(said, OFFERING, "1069")  # digits were cut off: it may be to any number below
    assert not heard(said, OFFERING_NOTHING)
    assert not heard(said, OFFERING, "10699999")
    assert not heard(said, OFFERING, None)


def test_within_a_sentence_it_is_none_and_other_words_stay_what_they_are() -> None:
    assert not heard("我有88元", OFFERING)
    assert heard("TD", OFFERING)
