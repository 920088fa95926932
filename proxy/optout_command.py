"""`tdgate optout`: reads replies from standard input and says line for line what each of them asks for.

Owns the glue between streams and the parser. Never decides about a text, never writes a text to standard error.

How it works: every input line gives exactly one output line, in order. A line that is no JSON object with a text gives
the reading of an unreadable reply, `{"label": "none", "scope": null, "matched": null, "confidence": 0.0, "error": …}`,
so that the lines stay paired; the command then ends with exit code 1. Exit codes: 0 all lines read, 1 a line or the
vocabulary was wrong, 2 usage.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from proxy.optout_parser import Reading, Vocabulary, VocabularyError, load_vocabulary, parse

_PACKAGED: Final = Path(__file__).parent / "config" / "optout.toml"
_SOURCE_TREE: Final = Path(__file__).parent.parent / "config" / "optout.toml"


class _Line(msgspec.Struct):
    text: str
    offered: list[str] = []


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of `tdgate optout`."""
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
    lines: Iterable[bytes] = sys.stdin.buffer
    return read_lines(lines, sys.stdout.buffer, vocabulary, plain=arguments.plain, offered=arguments.offered)


def main(argv: list[str] | None = None) -> int:
    """The command on its own: `python -m proxy.optout_command`."""
    parser = argparse.ArgumentParser(prog="tdgate optout", description="Says what replies ask for, line for line.")
    add_arguments(parser)
    return run(parser.parse_args(argv))


def packaged_vocabulary_path() -> Path:
    """Where the vocabulary that ships with the product lies, in an installed copy or in the source tree."""
    return _PACKAGED if _PACKAGED.exists() else _SOURCE_TREE


def read_vocabulary(path: Path | None = None) -> Vocabulary:
    """The vocabulary in a TOML file, by default the one that ships with the product.

    Raises `OSError`, `UnicodeDecodeError`, `tomllib.TOMLDecodeError` and `VocabularyError`.
    """
    path = packaged_vocabulary_path() if path is None else path
    with path.open("rb") as file:
        data: Mapping[str, Any] = tomllib.load(file)
    return load_vocabulary(data, str(path))


def read_lines(
    lines: Iterable[bytes], out: BinaryIO, vocabulary: Vocabulary, *, plain: bool, offered: list[str] | None = None
) -> int:
    """Writes one JSON line for each line; 1 if any line could not be read, else 0.

    Lines end with a line feed (a carriage return before it belongs to the end, too). Each is flushed as it is written,
    so that the command can stand in a pipe.
    """
    encoder = msgspec.json.Encoder()
    decoder = msgspec.json.Decoder(_Line)
    code = 0
    for raw in lines:
        line = raw.rstrip(b"\r\n")
        try:
            if plain:
                reading = parse(line.decode(), vocabulary, offered or ())
            else:
                asked = decoder.decode(line)
                reading = parse(asked.text, vocabulary, [*asked.offered, *(offered or ())])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            code = 1
            out.write(encoder.encode({**_unreadable(), "error": _reason(error)}) + b"\n")
        else:
            out.write(encoder.encode(reading) + b"\n")
        out.flush()
    return code


def _unreadable() -> dict[str, object]:
    return msgspec.structs.asdict(Reading("none", None, None, 0.0))


def _reason(error: msgspec.DecodeError | UnicodeDecodeError) -> str:
    """What is wrong with the line, without any of its text."""
    if isinstance(error, msgspec.ValidationError):
        return 'expected an object with a string "text"'
    if isinstance(error, msgspec.DecodeError):
        return "not JSON"
    return "not UTF-8"


if __name__ == "__main__":
    sys.exit(main())
