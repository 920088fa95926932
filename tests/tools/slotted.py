"""Values of the hot path are plain classes: what they hold, to compare them by, and copies with something changed."""

from __future__ import annotations

from typing import Any, TypeVar

One = TypeVar("One")


def held(one: Any) -> dict[str, Any]:
    """Everything that a value holds, by name."""
    return {name: getattr(one, name) for name in type(one).__slots__}


def changed(one: One, **fields: Any) -> One:
    """The same value with some fields changed."""
    return type(one)(**held(one) | fields)
