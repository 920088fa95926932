"""The sources of the proxy as syntax trees, read once for all tests that hold something over them."""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

PROXY = Path(__file__).resolve().parents[2] / "proxy"


@cache
def nodes(path: Path) -> tuple[ast.AST, ...]:
    """All nodes of a file, outer ones first."""
    return tuple(ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))))


@cache
def all_sources() -> tuple[Path, ...]:
    return tuple(sorted(PROXY.rglob("*.py")))
