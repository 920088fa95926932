"""No text raises, and none costs more than twice as much for being twice as long: counted in lines run, by no clock."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

from proxy.language.content import read_content
from proxy.optout_parser import parse
from tests.tools.shipped import shipped_lexicon, shipped_vocabulary

VOCABULARY = shipped_vocabulary()
LEXICON = shipped_lexicon()
GRAMMAR = VOCABULARY.grammar
assert GRAMMAR is not None
WORDS = sorted(GRAMMAR.words)
#: Beginnings of long words that never end as one: the longest word is sought again at each place.
BEGUN = sorted(GRAMMAR.prefixes)
SEPARATORS = ("", " ", ",", ".", "?", "\n", "\u200b", "，但", "😡", "\ud83d", "【", "】", "0", "T")


#: What a text is made of nothing but: nested quotations, one letter, marks upon marks, separators, figures, pictures.
PILES = (
    "T", "别", "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301\u0301", "T\u0336", ".", ",", " ", "\n", "?", "零",
    "1", "1%", "¥1,", "1.", "138 ", "400-", "“【(", "【", "】", "【】", "【自动】", "“‘", "\u200b",
    "\u200d👨", "🇹", "❌\ufe0f", "×", "📩🙅🏻", "不是不", "别再", "T,", "-a", "www.", "http://", "a@",
    "发自我的", "sent from my ", "转发：", "ᄀ", "ก็", "क्", "ﷺ", "ﬃ", "\ud83d", "\u202e", "\U000e0061",
    "ﾞｶ", "b fa ", "unsubscrib", "re sub", "start sending ", "之前退了", "如果", "你们发的：", "您，", "have i😡",
)  # fmt: skip


def read_reply(text: str) -> None:
    reading = parse(text, VOCABULARY, ("Y", "88"), message="【江澜银行】回复R退订")
    assert reading.label in ("optout", "optin", "help", "none")
    assert 0 <= reading.confidence <= 1


def read_message(text: str) -> None:
    read_content(text, LEXICON)


READERS: dict[str, tuple[Callable[[str], None], int]] = {"reply": (read_reply, 1000), "content": (read_message, 4000)}


def hostile(chance: random.Random, characters: int) -> str:
    """A few pieces, again and again, up to a length."""
    pieces = [chance.choice((chance.choice(WORDS), chance.choice(BEGUN))) for _ in range(chance.randint(1, 3))]
    pieces.insert(chance.randrange(len(pieces) + 1), chance.choice(SEPARATORS))
    one = chance.choice(("", " ")).join(pieces) or "别"
    return (one * (characters // len(one) + 1))[:characters]


def lines_run(read: Callable[[str], None], text: str) -> int:
    count = 0

    def traced(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if "/proxy/" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return traced

    before = sys.gettrace()
    sys.settrace(traced)
    try:
        read(text)
    finally:
        sys.settrace(before)
    return count


def too_dear(read: Callable[[str], None], text: str) -> tuple[int, int] | None:
    """The lines run for half the text and for all of it where all takes more than twice as many; else None."""
    read(text)  # What is worked out once (tables, memos) is worked out now.
    middle, whole = len(text) // 2, lines_run(read, text)
    half = 0
    # WHY several: one may be what is read with less ado (keywords alone, letters spelt); one ends as all does.
    for part in (text[:middle], text[-middle:], text[: middle - 1], text[: middle - 3]):
        half = max(half, lines_run(read, part))
        if whole <= 2.3 * half + 500:
            return None
    return half, whole


@pytest.mark.unit
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("seed", range(12))
def test_twice_the_text_costs_at_most_twice_as_much(reader: str, seed: int) -> None:
    read, most = READERS[reader]
    chance = random.Random(f"{reader}/{seed}")
    text = hostile(chance, most)
    assert too_dear(read, text) is None, text[:40]


@pytest.mark.unit
@pytest.mark.parametrize("reader", READERS)
def test_a_pile_of_one_thing_costs_by_its_length(reader: str) -> None:
    read, most = READERS[reader][0], 400
    dear = []
    for pile in PILES:
        text = (pile * (most // len(pile) + 1))[:most]
        lines = too_dear(read, text)
        if lines is not None:
            dear.append((pile, *lines))
    assert dear == []


@pytest.mark.unit
@pytest.mark.parametrize("reader", READERS)
def test_no_hostile_text_raises(reader: str) -> None:
    read, _ = READERS[reader]
    chance = random.Random(reader)
    for _ in range(300):
        read(hostile(chance, chance.randint(1, 120)))


@pytest.mark.soak
@pytest.mark.parametrize("reader", READERS)
def test_a_hundred_thousand_hostile_texts(reader: str) -> None:
    read, most = READERS[reader]
    chance = random.Random(f"soak {reader}")
    for nth in range(100_000):
        if nth % 1000:
            read(hostile(chance, chance.randint(1, 120)))
            continue
        text = hostile(chance, most)
        assert too_dear(read, text) is None, text[:40]
