"""Changes one place of one function for a moment, and asks whether a test of the named files notices.

Owns the change and the running of the tests. How it works: the function is compiled anew from its changed source, and
its code put in place of the old one, so that everybody who holds the function runs the change. The tests are called
directly, with each set of their parameters; property tests, and tests with fixtures, are left out.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import inspect
import itertools
import sys
import textwrap
from collections.abc import Callable, Iterator
from types import FunctionType
from typing import Any

import pytest
from msgspec import Struct

from proxy.sip.memory import Memory


class Change(Struct, frozen=True):
    """`where` is `module:Class.function`; `old` stands in its source exactly once, and becomes `new`."""

    where: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def name(self) -> str:
        """For people."""
        return f"{self.where.rpartition('.proxy.')[2]}: {self.old} → {self.new or 'nothing'}"


def noticed_by(change: Change) -> str:
    """The first test that fails with this change; empty where none does."""
    with changed(change):
        for module in change.tests:
            for name, run in _tests_of(importlib.import_module(module)):
                try:
                    run()
                except (Exception, pytest.fail.Exception):  # noqa: BLE001  WHY: whatever a change raises, it is noticed
                    return name
    return ""


@contextlib.contextmanager
def changed(change: Change) -> Iterator[None]:
    """The change is there within."""
    function = _function(change.where)
    before = function.__code__
    function.__code__ = _compiled(function, change)
    _forget()
    try:
        yield
    finally:
        function.__code__ = before
        _forget()


def _forget() -> None:
    """WHY: what was read before the change would hide it, and what was read with it would outlive it."""
    for module in [one for name, one in sys.modules.items() if name.startswith("proxy.sip.")]:
        for value in vars(module).values():
            if isinstance(value, Memory):
                value._young.clear()
                value._old.clear()


def _function(where: str) -> FunctionType:
    module, _, path = where.partition(":")
    found: Any = importlib.import_module(module)
    for part in path.split("."):
        found = inspect.getattr_static(found, part)
    found = getattr(found, "fget", None) or getattr(found, "__wrapped__", found)
    assert isinstance(found, FunctionType), where
    return found


def _compiled(function: FunctionType, change: Change) -> Any:
    source = textwrap.dedent(inspect.getsource(function))
    source = source[source.index("def ") :]
    assert source.count(change.old) == 1, (change.where, change.old, source.count(change.old))
    scope = dict(function.__globals__)
    source = source.replace(change.old, change.new)
    if function.__code__.co_freevars:
        # A method that says `super()`: its class is a variable of what stands around it.
        source = f"def around(__class__):\n{textwrap.indent(source, '    ')}\n    return {function.__name__}"
    exec(compile("from __future__ import annotations\n" + source, change.where, "exec"), scope)
    made = scope["around"](None) if function.__code__.co_freevars else scope[function.__name__]
    assert made.__code__.co_freevars == function.__code__.co_freevars, change.where
    return made.__code__


def _tests_of(module: Any) -> Iterator[tuple[str, Callable[[], None]]]:
    for name, test in vars(module).items():
        if not name.startswith("test_") or hasattr(test, "hypothesis"):
            continue
        marks = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
        given = {each for mark in marks for each in _names(mark)}
        if set(inspect.signature(test).parameters) != given:
            continue
        for sets in itertools.product(*([_set(mark, one) for one in mark.args[1]] for mark in marks)):
            yield name, _call(test, {key: value for each in sets for key, value in each.items()})


def _names(mark: Any) -> list[str]:
    names = mark.args[0]
    return [each.strip() for each in names.split(",")] if isinstance(names, str) else list(names)


def _set(mark: Any, one: Any) -> dict[str, Any]:
    names = _names(mark)
    values = getattr(one, "values", None)
    if isinstance(values, tuple):
        return dict(zip(names, values, strict=True))
    return {names[0]: one} if len(names) == 1 else dict(zip(names, one, strict=True))


def _call(test: Callable[..., Any], values: dict[str, Any]) -> Callable[[], None]:
    def run() -> None:
        found = test(**values)
        if inspect.iscoroutine(found):
            asyncio.run(found)

    return run
