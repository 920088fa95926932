"""Phrases with digits that could arise where digits may be any: found as by trying each place, in few steps."""

from __future__ import annotations

import re
import sys
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.language.content import read_whole
from proxy.language.lexicon import Lexicon, load_lexicon
from proxy.language.slots import _RUN, Names, _barred, _run_at, varies
from proxy.language.templates import _could_stand
from proxy.language.views import View, view
from tests.tools.example_budget import examples

pytestmark = pytest.mark.unit

Run = tuple[int, int]
EMPTY = {
    "identity": {
        name: [] for name in ("suffixes", "kinds_before", "not_names", "neutral", "suffixes_en", "not_names_en")
    },
    "product": {"kinds": [], "not_kinds": []},
}
PHRASES = ("618", "1折", "11折", "0费率", "费率0", "首月1元", "5% off", "18 1", "1,1", "分36期")
SMALL = load_lexicon(EMPTY | {"concepts": {"x": list(PHRASES)}})


def by_trying(
    seen: View, runs: list[Run], fixed: set[Run], lexicon: Lexicon
) -> tuple[list[tuple[int, str]], list[tuple[int, int, str]]]:
    """What `_barred` finds, by trying each phrase at each place; changes `fixed` as it does."""
    bare, at = seen.bare, seen.bare_at
    free = set()
    for i, place in enumerate(at):
        run = _run_at(place, runs) if bare[i].isdigit() else None
        if run is not None and run not in fixed:
            free.add(i)
    barred: list[tuple[int, str]] = []
    within: list[tuple[int, int, str]] = []
    for phrase in lexicon.figured:
        for start in range(len(bare) - len(phrase) + 1):
            held = [start + j for j in range(len(phrase)) if start + j in free]
            fits = all(
                char.isdigit() if start + j in free else bare[start + j] == char for j, char in enumerate(phrase)
            )
            if not held or not fits:
                continue
            runs_held = [_run_at(at[i], runs) for i in held]
            in_a_row = [at[i] for i in held] == list(range(at[held[0]], at[held[0]] + len(held)))
            if not in_a_row or len(set(runs_held)) > 1:
                fixed.update(run for run in runs_held if run is not None)
            elif len(held) < len(phrase):
                barred.append((at[held[0]], "".join(phrase[i - start] for i in held)))
            elif runs_held[0] is not None and (*runs_held[0], phrase) not in within:
                within.append((*runs_held[0], phrase))
    return barred, within


pieces = st.lists(st.sampled_from((*"0123456816810", *"折费率首月元分期，,. %", *PHRASES, "６18", "off")), max_size=30)


@settings(max_examples=examples(2))
@given(pieces, st.data())
def test_what_could_arise_is_what_trying_each_place_finds(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    seen = view(text, SMALL.parts)
    runs = [match.span() for match in _RUN.finditer(text)]
    fixed = set(data.draw(st.lists(st.sampled_from(runs), unique=True))) if runs else set()
    others = set(fixed)
    assert _barred(seen, runs, fixed, SMALL) == by_trying(seen, runs, others, SMALL)
    assert fixed == others


@given(
    st.text("ab", min_size=1, max_size=3),
    st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=8),
)
def test_a_name_could_stand_where_something_of_it_may_vary(name: str, places: list[tuple[str, bool]]) -> None:
    shape = "".join("[a-z]" if free else char for char, free in places)
    could = any(
        any(free for _, free in places[start : start + len(name)])
        and re.fullmatch("".join("." if free else char for char, free in places[start : start + len(name)]), name)
        for start in range(len(places) - len(name) + 1)
    )
    assert _could_stand(name, "".join(char for char, _ in places), [free for _, free in places]) == could, shape


def calls_of(text: str, lexicon: Lexicon) -> int:
    """How many functions a close look at a text calls: that does not depend on the machine."""
    reading = read_whole(text, lexicon)
    mask = Names(lexicon).mask(text)
    calls = 0

    def counted(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(counted)
    try:
        varies(text, mask, reading, lexicon)
    finally:
        sys.setprofile(None)
    return calls


def test_a_further_phrase_costs_a_close_look_a_few_calls() -> None:
    text = "编号20261122,尾号7788,1280.50元,9300.00元"
    more = load_lexicon(EMPTY | {"concepts": {"x": [*PHRASES, *(f"{n}购物" for n in range(100, 200))]}})
    further = calls_of(text, more) - calls_of(text, SMALL)
    assert 0 <= further <= 300
