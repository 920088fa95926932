"""`tdgate optout`: reads replies from standard input and says line for line what each of them asks for.

Owns the glue between streams and the parser. Never decides about a text, never writes a text to standard error.

How it works: every input line gives exactly one output line, in order. A line that is no JSON object with a text gives
the reading of an unreadable reply, `{"label": "none", "scope": null, "matched": null, "confidence": 0.0, "error": …}`,
so that the lines stay paired; the command then ends with exit code 1. Exit codes: 0 all lines read, 1 a line or the
vocabulary was wrong, 2 usage.
"""

import argparse
import json
import os
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from proxy.commands import optout_review
from proxy.optout_parser import Reading, Vocabulary, VocabularyError, load_vocabulary, parse
from proxy.registry.packs import find_config

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UNREADABLE: Final = Reading("none", None, None, 0.0)


class _Line(msgspec.Struct):
    text: str
    offered: list[str] = []
    message: str | None = None


def add_arguments(commands: Any) -> None:
    """Adds the command to the subparsers of `tdgate`; its parser sets `run`."""
    parser = commands.add_parser("optout", help="what replies ask for, line for line")
    parser.set_defaults(run=run)
    _add_options(parser)
    optout_review.add_arguments(parser.add_subparsers(metavar="VERB"))


def _add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--plain", action="store_true", help="each input line is a reply itself, not a JSON object")
    parser.add_argument(
        "--vocabulary", type=Path, metavar="FILE", help="the words to use instead of config/optout.toml"
    )
    parser.add_argument(
        "--offered",
        action="append",
        default=[],
        metavar="WORD",
        help="a refusal keyword that the number itself offered",
    )


def run(arguments: argparse.Namespace) -> int:
    """Reads standard input to its end; the exit code."""
    try:
        vocabulary = read_vocabulary(arguments.vocabulary)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, VocabularyError) as error:
        sys.stderr.write(f"tdgate optout: {error}\n")
        return 1
    offered = [_encodable(word) for word in arguments.offered]
    try:
        return read_lines(sys.stdin.buffer, sys.stdout.buffer, vocabulary, plain=arguments.plain, offered=offered)
    except BrokenPipeError:
        # WHY: the interpreter flushes standard output once more at its end, and must not fail there again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def main(argv: list[str] | None = None) -> int:
    """The command on its own: `python -m proxy.commands.optout`."""
    parser = argparse.ArgumentParser(prog="tdgate optout", description="Says what replies ask for, line for line.")
    _add_options(parser)
    return run(parser.parse_args(argv))


def packaged_vocabulary_path() -> Path:
    """Where the vocabulary that ships with the product lies, in an installed copy or in the source tree."""
    return find_config("vocabulary", "optout")


def read_vocabulary(path: Path | None = None) -> Vocabulary:
    """The vocabulary in a TOML file, by default the one that ships with the product.

    Raises `OSError`, `UnicodeDecodeError`, `tomllib.TOMLDecodeError` and `VocabularyError`.
    """
    path = packaged_vocabulary_path() if path is None else path
    with path.open("rb") as file:
        data: Mapping[str, Any] = tomllib.load(file)
    return load_vocabulary(data, str(path))


def read_lines(
    lines: Iterable[bytes], out: BinaryIO, vocabulary: Vocabulary, *, plain: bool, offered: Sequence[str] = ()
) -> int:
    """Writes one JSON line for each line; 1 if any line could not be read, else 0.

    Lines end with a line feed (a carriage return before it belongs to the end, too). Each is flushed as it is written,
    so that the command can stand in a pipe.
    """
    encoder = msgspec.json.Encoder()
    everywhere = list(offered)
    code = 0
    for raw in lines:
        line = raw.rstrip(b"\r\n").removeprefix(_BYTE_ORDER_MARK)
        try:
            asked = _Line(line.decode()) if plain else _decoded(line)
        except (ValueError, RecursionError) as error:
            # WHY: the lines stay paired, and no part of the text gets into the message.
            code = 1
            out.write(encoder.encode({**msgspec.structs.asdict(_UNREADABLE), "error": _reason(error)}) + b"\n")
        else:
            out.write(encoder.encode(parse(asked.text, vocabulary, asked.offered + everywhere, asked.message)) + b"\n")
        out.flush()
    return code


def _decoded(line: bytes) -> _Line:
    """A JSON line. Raises `ValueError` (of which all decoding errors are) and `RecursionError`."""
    try:
        asked = msgspec.json.decode(line, type=_Line)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # WHY: a reply cut off in the middle of an emoji holds half a surrogate pair, which only this decoder takes.
        asked = msgspec.convert(json.loads(line), _Line)
    asked.offered = [_encodable(word) for word in asked.offered]
    return asked


def _encodable(word: str) -> str:
    """WHY: an offered word is written out again as `matched`, and UTF-8 has no half surrogate pairs."""
    return word.encode("utf-8", "replace").decode()


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, msgspec.ValidationError):
        return 'expected an object with a string "text"'
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"


if __name__ == "__main__":
    sys.exit(main())
