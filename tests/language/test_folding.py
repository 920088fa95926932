"""Folding: what reads the same is spelt the same, and nothing else is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.language.folding import FLAG, atoms, fold

pytestmark = pytest.mark.unit

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=40)


@pytest.mark.parametrize(
    "written",
    [
        "ＴＤ", "T\u200bD", "T\u00adD", "\u202eTD\u202c", "T\ufe0fD", "T\U000e0101D", "T\x00D", "\ufeffTD",
        "𝐓𝐃", "𝓣𝓓", "ⓉⒹ", "🅃🄳", "🆃🅳", "ᵀᴰ", "ᴛᴅ",
        "ТD", "ΤD", "ꓔꓓ", "ᎢᎠ", "丅D", "ŤĎ", "T\u0336D\u0338", "TĐ", "T\u034fD", "T\u3164D", "T\u2060D", "тⅾ",
    ],
)  # fmt: skip
def test_every_way_to_write_td_is_td(written: str) -> None:
    assert fold(written) == "td"


@pytest.mark.parametrize(
    ("written", "folded"), [("ТД", "tд"), ("丁D", "丁d"), ("TO", "to"), ("T0", "t0"), ("тдс", "tдc")]
)
def test_what_only_sounds_or_means_the_same_stays(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize(
    ("written", "folded"),
    [
        ("退訂", "退订"),
        ("拒絕", "拒绝"),
        ("取消訂閱", "取消订阅"),
        ("恢復", "恢复"),
        ("帮助\uff01", "帮助,"),
        ("\uf9d6", "\u6dea"),
        ("幫助", "帮助"),
    ],
)
def test_han_is_compared_in_one_form(written: str, folded: str) -> None:
    assert fold(written) == folded


@pytest.mark.parametrize("zero", ["0", "０", "٠", "०", "๐", "𝟎", "⁰", "₀", "0\ufe0f\u20e3", "〇"])
def test_a_zero_of_any_script_is_a_zero(zero: str) -> None:
    assert fold(zero) == "0"


def test_separators_stay_visible_and_amounts_stay_amounts() -> None:
    assert fold("0.00") == "0,00"
    assert fold("0%") == "0%"
    assert fold("  a \t b\u3000c ") == "a b c"
    assert fold("td？") == "td?"
    assert fold("don’t") == "dont"
    assert fold("t\nd") == "t,d"


def test_emoji_separate_and_flags_are_marked() -> None:
    assert fold("TD👍🏽") == "td,,"
    assert fold("👨‍👩‍👧") == ",,,"
    assert fold("🇹🇩") == f",{FLAG}td,"


def test_composition_comes_last() -> None:
    assert fold("\u1100\u1161") == "가"
    assert fold("ｶﾞ") == "ガ"


def test_atoms_are_words_and_single_characters_of_unspaced_scripts() -> None:
    assert atoms(fold("回T退订, don't 0")) == ["回", "t", "退", "订", ",", "dont", "0"]


def test_every_code_point_folds_once_and_for_all() -> None:
    everything = [
        chr(code)
        for code in [*range(0x3400), *range(0xA000, 0xAC00), *range(0xD7A4, 0x1FFFF), *range(0xE0000, 0xE0200)]
    ]
    assert [char for char in everything if fold(fold(char)) != fold(char)] == []


@given(ANY_TEXT)
def test_folding_is_idempotent(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(ANY_TEXT)
def test_atoms_lose_nothing_but_spaces(text: str) -> None:
    folded = fold(text)
    assert "".join(atoms(folded)) == folded.replace(" ", "")
