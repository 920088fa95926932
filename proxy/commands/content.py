"""`tdgate content`: reads messages from standard input and says line for line what each of them is and holds.

Owns the glue between streams and the reader. Never decides about a text, never writes a text to standard error.

How it works: every input line gives exactly one output line, in order. A line that is no JSON object with a text gives
`{"category": null, "signature": null, …, "error": …}`, so that the lines stay paired; the command then ends with exit
code 1. Exit codes: 0 all lines read, 1 a line or the table was wrong, 2 usage.
"""

import argparse
import json
import os
import sys
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec

from proxy.language.content import read_content
from proxy.language.lexicon import Lexicon, LexiconError
from proxy.language.ngrams import ModelError
from proxy.registry.content_words import read_lexicon

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_UNREAD: Final = {
    "category": None,
    "signature": None,
    "has_identity": False,
    "has_contact": False,
    "has_product": False,
    "has_refusal": False,
    "discloses_debtor": False,
}


class _Line(msgspec.Struct):
    text: str


def add_arguments(commands: Any) -> None:
    """Adds the command to the subparsers of `tdgate`; its parser sets `run`."""
    parser = commands.add_parser("content", help="what messages are and hold, line for line")
    parser.add_argument("what", nargs="?", choices=("templates",), help="list what the running proxy knows 已知模板")
    parser.add_argument("--config", type=Path, metavar="FILE", help="of the running proxy, for templates")
    parser.add_argument("--principal", default="", metavar="ID", help="templates of this institution only")
    parser.add_argument("--json", action="store_true", help="templates as one JSON object")
    parser.add_argument("--plain", action="store_true", help="each input line is a message itself, not a JSON object")
    parser.add_argument("--table", type=Path, metavar="FILE", help="the table to use instead of config/content.toml")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Reads standard input to its end; the exit code."""
    if arguments.what == "templates":
        # WHY here: reading texts needs no proxy.
        from proxy.commands.templates import show_templates

        return show_templates(arguments)
    try:
        lexicon = read_lexicon(arguments.table)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, LexiconError, ModelError) as error:
        sys.stderr.write(f"tdgate content: {error}\n")
        return 1
    try:
        return read_lines(sys.stdin.buffer, sys.stdout.buffer, lexicon, plain=arguments.plain)
    except BrokenPipeError:
        # WHY: the interpreter flushes standard output once more at its end, and must not fail there again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def read_lines(lines: Iterable[bytes], out: BinaryIO, lexicon: Lexicon, *, plain: bool) -> int:
    """Writes one JSON line for each line; 1 if any line could not be read, else 0. Each line is flushed."""
    encoder = msgspec.json.Encoder()
    code = 0
    for raw in lines:
        line = raw.rstrip(b"\r\n").removeprefix(_BYTE_ORDER_MARK)
        try:
            text = line.decode() if plain else _text(line)
        except (ValueError, RecursionError) as error:
            # WHY: the lines stay paired, and no part of the text gets into the message.
            code = 1
            out.write(encoder.encode({**_UNREAD, "error": _reason(error)}) + b"\n")
        else:
            out.write(encoder.encode(read_content(text, lexicon)) + b"\n")
        out.flush()
    return code


def _text(line: bytes) -> str:
    """The text of a JSON line. Raises `ValueError` (of which all decoding errors are) and `RecursionError`."""
    try:
        return msgspec.json.decode(line, type=_Line).text
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        # WHY: a message cut off in the middle of an emoji holds half a surrogate pair, which only this decoder takes.
        return msgspec.convert(json.loads(line), _Line).text


def _reason(error: ValueError | RecursionError) -> str:
    if isinstance(error, msgspec.ValidationError):
        return 'expected an object with a string "text"'
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else "not JSON"
