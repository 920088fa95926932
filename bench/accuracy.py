"""`python -m bench.accuracy`: how well texts are read: the manual's figures of replies and messages, made anew.

Owns the comparison with what the manual says; the figures are those of `bench.replies` and `bench.messages`. Same
corpora and words give the same digits, on every machine and in every build.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import msgspec

from bench import replies
from bench.messages import __main__ as messages
from bench.messages.corpus import read
from proxy.language.content import read_content
from proxy.registry.content_words import read_lexicon

_MESSAGES: Final = Path(__file__).resolve().parents[1] / "docs" / "manual" / "content.md"


class Accuracy(msgspec.Struct, frozen=True):
    """The tables, a few lines of them, and whether bounds are met and the manual says the same."""

    told: str
    brief: str
    figures: dict[str, object]
    met: bool


def measure() -> Accuracy:
    """Reads both corpora. Raises `OSError`, and `ValueError` where one is broken."""
    parts = replies.read_parts()
    of_replies = replies.published(parts)
    blind = read("blind")
    lexicon = read_lexicon()
    contents = [read_content(message.text, lexicon) for message in blind]
    whole = messages.figures(blind, contents)
    rows = {"all": {"messages": float(len(blind))} | whole, **messages.by_kind(blind, contents)}
    of_messages = messages.manual_table(rows)
    bounds = {
        "replies": replies.met(parts["blind"]),
        "messages": all(whole[name] >= least for name, least in messages.TARGETS.items())
        and whole["disclosure false"] <= messages.MOST_FALSE_DISCLOSURE,
        "docs/manual/optout.md": of_replies == replies.of_the_manual(),
        "docs/manual/content.md": of_messages in _MESSAGES.read_text("utf-8"),
    }
    said = {True: "met    ", False: "MISSED "}
    lines = [
        f"{said[held]} {name}{' as published' if '/' in name else ' of the blind part'}"
        for name, held in bounds.items()
    ]
    brief = "\n".join([*lines, "", *of_replies.splitlines()[:11], "", *of_messages.splitlines()[:3]])
    told = "\n".join(
        [*lines, "", "replies", of_replies, "", "messages, the blind part by kind of evasion", of_messages]
    )
    figures = {
        "replies": {name: replies.summary(rows) for name, rows in parts.items()},
        "messages": whole,
        "held": bounds,
    }
    return Accuracy(told, brief, figures, all(bounds.values()))


def main() -> int:
    """Prints the tables; exit code 1 where a bound is missed or the manual says something else."""
    found = measure()
    print(found.told)
    return int(not found.met)


if __name__ == "__main__":
    sys.exit(main())
