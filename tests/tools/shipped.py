"""What the product ships for reading texts, read once for all tests that only use it: each reading takes 0.1 s."""

from __future__ import annotations

from functools import cache

from proxy.commands.optout import read_vocabulary
from proxy.language.lexicon import Lexicon
from proxy.optout_parser import Vocabulary, parse
from proxy.registry.content_words import read_lexicon


@cache
def shipped_vocabulary() -> Vocabulary:
    return read_vocabulary()


@cache
def shipped_lexicon() -> Lexicon:
    return read_lexicon()


def read_reply(text: str) -> tuple[str, str | None]:
    """Label and scope of a reply by the shipped vocabulary."""
    reading = parse(text, shipped_vocabulary())
    return reading.label, reading.scope
