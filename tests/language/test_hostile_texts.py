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


@pytest.mark.unit
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("seed", range(12))
def test_twice_the_text_costs_at_most_twice_as_much(reader: str, seed: int) -> None:
    read, most = READERS[reader]
    chance = random.Random(f"{reader}/{seed}")
    text = hostile(chance, most)
    read(text)  # What is worked out once (tables, memos) is worked out now.
    half, whole = lines_run(read, text[: most // 2]), lines_run(read, text)
    assert whole <= 2.3 * half + 500, (text[:40], half, whole)


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
        half, whole = lines_run(read, text[: most // 2]), lines_run(read, text)
        assert whole <= 2.3 * half + 500, (text[:40], half, whole)
