"""The reader of texts that ships, made once for all tests of a process."""

from __future__ import annotations

from functools import cache

from proxy.content_reader import ContentReader
from tests.tools.shipped import shipped_lexicon, shipped_vocabulary


@cache
def reader() -> ContentReader:
    """What the composition root makes of the default configuration."""
    return ContentReader(shipped_lexicon(), shipped_vocabulary())
