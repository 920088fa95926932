"""`python -m tests.fuzz.texts reply|content [libFuzzer options]`: coverage-guided fuzzing of the two readers of texts.

Owns the harness: no text may raise, nor cost more than its length allows. Needs `atheris` (the extra `fuzz`), which
`make fuzz` installs into an environment of its own.
"""

from __future__ import annotations

import sys
import time
from typing import Final

import atheris

with atheris.instrument_imports(include=["proxy.language", "proxy.optout_parser"]):
    from proxy.commands.content import read_lexicon
    from proxy.commands.optout import read_vocabulary
    from proxy.language.content import read_content
    from proxy.optout_parser import parse

VOCABULARY: Final = read_vocabulary()
LEXICON: Final = read_lexicon()
#: Times that the instrumented readers may take for a character, and for a text at all; far above what they take.
CHARACTER_NS: Final = 400_000
TEXT_NS: Final = 60_000_000


def texts(data: bytes) -> tuple[str, str]:
    """A text and the message it answers: UTF-16 as it comes, so that halves of surrogate pairs come, too."""
    at = data[0] * len(data) // 256 if data else 0
    return data[1 + at :].decode("utf-16-le", "surrogatepass" if len(data) % 2 else "replace"), data[1:at].decode(
        "utf-8", "replace"
    )


def read(data: bytes, reader: str) -> None:
    try:
        text, message = texts(data)
    except UnicodeDecodeError:
        return
    began = time.process_time_ns()
    if reader == "reply":
        reading = parse(text, VOCABULARY, (), message or None)
        assert reading.label in ("optout", "optin", "help", "none")
    else:
        read_content(text, LEXICON)
    spent = time.process_time_ns() - began
    if spent > TEXT_NS + CHARACTER_NS * (len(text) + len(message)):
        raise RuntimeError(f"{spent / 1e6:.0f} ms for {len(text)} characters")


def main() -> None:
    reader = sys.argv.pop(1)
    atheris.Setup(sys.argv, lambda data: read(data, reader))
    atheris.Fuzz()


if __name__ == "__main__":
    main()
