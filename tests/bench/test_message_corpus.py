"""The corpus of messages: made anew it is the same, its size and split are as promised, and it is read as published."""

import json
from functools import cache
from pathlib import Path

import pytest

from bench.messages.__main__ import TARGETS, figures, manual_table
from bench.messages.corpus import Message, build, read
from bench.messages.train import OUT, trained
from proxy.language.content import read_content
from proxy.registry.content_words import read_lexicon


@cache
def parts() -> dict[str, list[Message]]:
    """WHY not at import: every run of any test would make the corpus."""
    return dict(zip(("train", "blind"), build(), strict=True))


@pytest.mark.unit
def test_the_files_are_what_the_families_give() -> None:
    for part, messages in parts().items():
        assert read(part) == messages


def test_the_weights_are_what_the_corpus_teaches() -> None:
    assert trained() == OUT.read_bytes()


@pytest.mark.unit
def test_size_and_split() -> None:
    both = [*parts()["train"], *parts()["blind"]]
    assert len(both) >= 1500
    assert sum(message.discloses_debtor for message in both) >= 150
    assert not {m.family for m in parts()["train"]} & {m.family for m in parts()["blind"]}
    assert not {m.text for m in parts()["train"]} & {m.text for m in parts()["blind"]}


@pytest.mark.unit
def test_published_figures_hold_and_meet_the_targets() -> None:
    lexicon = read_lexicon()
    published = json.loads((Path(__file__).parents[2] / "data" / "messages" / "figures.json").read_text())
    for part, messages in parts().items():
        assert figures(messages, [read_content(m.text, lexicon) for m in messages]) == published[part]["all"]
    blind = published["blind"]["all"]
    rows = {"all": {"messages": len(parts()["blind"])} | blind, **published["blind"]["kinds"]}
    assert manual_table(rows) in (Path(__file__).parents[2] / "docs" / "manual" / "content.md").read_text("utf-8")
    assert all(blind[name] >= least for name, least in TARGETS.items())
    assert blind["disclosure false"] <= 0.02
