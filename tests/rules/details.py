"""The details a rule can name, read from the source of its function."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from textwrap import dedent
from typing import Any

from proxy.rules import content, held_against
from proxy.rules.rule import LaneRule, Rule


def details_of_rule(rule: Rule) -> Iterator[str]:
    """The details of a rule, of what it asks of each request too."""
    if rule.gate is not None:
        yield from details_of_texts(rule.id)
    yield from details_of(rule.judge)
    if isinstance(rule, LaneRule) and rule.each is not None:
        yield from details_of(rule.each)


def details_of_texts(rule: str) -> Iterator[str]:
    """What a text may be found to be under a rule, read from the source of the comparison."""
    if rule == "purpose.mismatch":
        yield from details_of(held_against.other_purpose)
    if rule == "content.link":
        yield from details_of(held_against.wrong_link)
    for module in (held_against, content):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in ("Against", "_each", "_whole")
            ):
                named = [part.value for part in node.args[:2] if isinstance(part, ast.Constant)]
                if len(named) == 2 and named[0] == rule:
                    yield str(named[1])


def details_of(judge: Callable[..., Any]) -> Iterator[str]:
    """The texts that a rule's function returns, read from its source."""
    for node in ast.walk(ast.parse(dedent(inspect.getsource(judge)))):
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
