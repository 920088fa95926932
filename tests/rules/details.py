"""The details a rule can name, read from the source of its function."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from proxy.rules.rule import LaneRule, Rule


def details_of_rule(rule: Rule) -> Iterator[str]:
    """The details of a rule, of what it asks of each request too."""
    yield from details_of(rule.judge)
    if isinstance(rule, LaneRule) and rule.each is not None:
        yield from details_of(rule.each)


def details_of(judge: Callable[..., Any]) -> Iterator[str]:
    """The texts that a rule's function returns, read from its source."""
    for node in ast.walk(ast.parse(inspect.getsource(judge))):
        if isinstance(node, ast.Return) and node.value is not None:
            for part in _results(node.value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def _results(value: ast.expr) -> Iterator[ast.expr]:
    if isinstance(value, ast.IfExp):
        yield from _results(value.body)
        yield from _results(value.orelse)
    else:
        yield value
