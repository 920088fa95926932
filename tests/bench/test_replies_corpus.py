"""The corpus of replies is what its script writes, and the blind part meets its bounds."""

import importlib.util
import itertools
import json
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from bench import replies
from bench.messages.corpus import read
from proxy.commands.optout import read_vocabulary
from proxy.optout_parser import parse

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]


def _script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reply_corpus", ROOT / "scripts" / "reply_corpus.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_parts_are_what_the_script_writes_from_the_phrases() -> None:
    script = _script()
    for name, rows in zip(script.PARTS, script.corpus(), strict=True):
        assert (replies.FOLDER / f"{name}.jsonl").read_text("utf-8") == script.written(rows)


def test_it_is_large_enough_and_no_family_stands_in_both_parts() -> None:
    families, texts = [], []
    for name in replies.PARTS:
        rows = [json.loads(line) for line in (replies.FOLDER / f"{name}.jsonl").read_text("utf-8").splitlines()]
        families.append({row["family"] for row in rows})
        texts.append({(row["text"], row.get("message")) for row in rows})
    assert sum(map(len, texts)) >= 3000
    for one, other in itertools.combinations(range(len(replies.PARTS)), 2):
        assert not families[one] & families[other]
        assert not texts[one] & texts[other]


@cache
def parts() -> dict[str, list[replies.Row]]:
    """WHY not at import: every run of any test would read the corpus."""
    return replies.read_parts()


def test_the_blind_part_meets_its_bounds() -> None:
    assert replies.met(parts()["blind"]), replies.summary(parts()["blind"])


def test_the_unread_part_has_no_false_wish_and_no_error_in_keywords() -> None:
    figures = replies.summary(parts()["unread"])
    assert figures["false wishes"] == figures["errors in keywords alone and letters inside words"] == "0"


def test_the_manual_has_these_figures_to_the_digit() -> None:
    assert replies.of_the_manual() == replies.published(parts()), "python -m bench.replies --manual"


def test_no_message_of_a_sender_is_read_as_a_wish() -> None:
    vocabulary = read_vocabulary()
    texts = [message.text for message in read("blind")]
    bodies = [text.partition("】")[2] or text for text in texts]
    assert [text for text in (*texts, *bodies) if parse(text, vocabulary).label == "optin"] == []


def test_the_examples_are_read_as_labelled() -> None:
    rows = replies.readings(replies.examples(ROOT / "tests" / "data" / "optout_examples.jsonl"))
    wrong = [(one.text, read) for one, read in rows if (one.label, one.scope) != (read.label, read.scope)]
    assert not wrong
