"""The table of content: what it refuses, and how its phrases are found."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from proxy.language.lexicon import LexiconError, find, load_lexicon

pytestmark = pytest.mark.unit

EMPTY: dict[str, Any] = {
    "identity": {
        name: [] for name in ("suffixes", "kinds_before", "not_names", "neutral", "suffixes_en", "not_names_en")
    },
    "product": {"kinds": [], "not_kinds": []},
}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"colour": {}}, "colour: unknown key"),
        ({"concepts": {"sell": "优惠"}}, "concepts.sell: expected an array"),
        ({"concepts": {"sell": ["贷"]}}, "fewer than two characters"),
        ({"sounds": {"逾期": ["yu qi a"]}}, "one syllable for each character"),
        ({"parts": {"贷": "代"}}, "two or more characters"),
        ({"product": {"kinds": []}}, "expected the keys kinds, not_kinds"),
        ({"rules": [{"category": "spam", "weight": 1}]}, "expected a category and a weight"),
        ({"rules": [{"category": "fraud", "weight": True}]}, "expected a category and a weight"),
        ({"rules": [{"category": "fraud", "weight": 1, "all": ["none-such"]}]}, "unknown concept 'none-such'"),
        ({"rules": [{"category": "fraud", "weight": 1, "every": []}]}, "expected a table of"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(LexiconError, match=reason):
        load_lexicon(EMPTY | change, "x.toml")


def test_the_longer_phrase_covers_the_shorter_one() -> None:
    lexicon = load_lexicon(EMPTY | {"concepts": {"a": ["逾期"], "b": ["以免逾期"], "c": ["期内"]}})
    assert [hit.concepts for hit in find("以免逾期内", lexicon)] == [("b",), ("c",)]


def test_latin_phrases_stand_as_whole_words() -> None:
    lexicon = load_lexicon(EMPTY | {"concepts": {"a": ["apr"]}})
    assert [(hit.start, hit.end) for hit in find("april apr 贷apr贷 aprs", lexicon)] == [(6, 9), (11, 14)]


def test_spellings_by_sound_are_mixed() -> None:
    lexicon = load_lexicon(EMPTY | {"concepts": {"a": ["已逾期"]}, "sounds": {"逾期": ["yu qi", "雨期"]}})
    assert {"已逾期", "已yuqi", "已yq", "已yu期", "已逾q", "已雨期"} <= set(lexicon.phrases)


def test_the_table_that_ships_loads() -> None:
    path = Path(__file__).parents[2] / "config" / "content.toml"
    assert load_lexicon(tomllib.loads(path.read_text("utf-8")), str(path)).rules
