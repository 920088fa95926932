"""What the product ships for reading texts, read once for all tests that only use it: each reading takes 0.1 s."""

from __future__ import annotations

from functools import cache

from proxy.commands.content import read_lexicon
from proxy.commands.optout import read_vocabulary
from proxy.language.lexicon import Lexicon
from proxy.optout_parser import Vocabulary


@cache
def shipped_vocabulary() -> Vocabulary:
    return read_vocabulary()


@cache
def shipped_lexicon() -> Lexicon:
    return read_lexicon()
