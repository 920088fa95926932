"""Values of the hot path are plain classes: what they hold, to compare them by, and copies with something changed."""

from __future__ import annotations

from functools import cache
from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, TypeVar

One = TypeVar("One")
#: What a value only remembers: no part of what it is.
_MEMOS = ("against",)


def held(one: Any) -> dict[str, Any]:
    """Everything that a value holds, by name."""
    return {name: getattr(one, name) for name in _names(type(one))}


@cache
def _names(kind: type) -> tuple[str, ...]:
    # WHY not __slots__: a compiled class has none.
    kinds = (GetSetDescriptorType, MemberDescriptorType)
    return tuple(name for name in dir(kind) if name not in _MEMOS and isinstance(getattr(kind, name), kinds))


def changed(one: One, **fields: Any) -> One:
    """The same value with some fields changed."""
    return type(one)(**held(one) | fields)
