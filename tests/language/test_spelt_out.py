"""Latin words whose letters stand apart are read as words, and each letter still knows its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.language.content import read_content
from proxy.language.views import view
from proxy.registry.content_words import read_lexicon

pytestmark = pytest.mark.unit

LEXICON = read_lexicon()
OFFER = "[Zhijiang Bank] Personal loan from 3.5% APR, apply now, call 400-000-1001. Reply STOP to opt out"


@pytest.mark.parametrize("apart", [" ", ".", "-", "_", "*", ",", "@", "·", "\n", "😀", ". "])
def test_an_advertisement_with_its_letters_apart_is_one(apart: str) -> None:
    content = read_content(apart.join(OFFER), LEXICON)
    assert (content.category, "category" in content.evidence) == ("marketing", True)
    assert content.confidence >= 0.6


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("l.o.a.n", "loan"),
        ("a l.o.a.n for you", "a loan for you"),
        ("P e r s o n a l   l o a n", "personal loan"),
        ("p.e.r.s.o.n.a.l l.o.a.n", "personal loan"),
        ("x.y.z", "x y z"),
        ("T D", "t d"),
        ("a b c de", "a b c de"),
        ("1 a b c 2", "1 a b c 2"),
    ],
)
def test_four_letters_in_a_row_are_a_word(text: str, bare: str) -> None:
    assert view(text, {}).bare == bare


@given(st.text(alphabet="ab., 1贷-", max_size=40))
def test_every_letter_of_the_bare_view_stands_at_its_place(text: str) -> None:
    seen = view(text, {})
    assert len(seen.bare) == len(seen.bare_at)
    assert seen.bare_at == sorted(seen.bare_at)
    assert all(one in " ,." or text[at] == one for one, at in zip(seen.bare, seen.bare_at, strict=True))
