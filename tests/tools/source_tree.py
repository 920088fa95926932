"""The sources of the proxy as syntax trees, read once for all tests that hold something over them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PROXY = Path(__file__).resolve().parents[2] / "proxy"


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, outer ones first."""
    return tuple(ast.walk(ast.parse(text_of(path), str(path))))


@cache
def all_sources() -> tuple[Path, ...]:
    return tuple(sorted(PROXY.rglob("*.py")))


def where(word: str, paths: Iterable[Path]) -> list[Path]:
    """The files in whose text a word stands: what has or calls something by a name holds that name.

    WHY: to read all sources takes three seconds, and hardly any is about the same thing.
    """
    return [path for path in paths if word in text_of(path)]
