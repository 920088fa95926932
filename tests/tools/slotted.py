"""Values of the hot path are plain classes: what they hold, to compare them by, and copies with something changed."""

from __future__ import annotations

from types import GetSetDescriptorType, MemberDescriptorType
from typing import Any, TypeVar

One = TypeVar("One")
#: What a value only remembers: no part of what it is.
_MEMOS = ("against",)


def held(one: Any) -> dict[str, Any]:
    """Everything that a value holds, by name."""
    # WHY not __slots__: a compiled class has none.
    kinds = (GetSetDescriptorType, MemberDescriptorType)
    names = [name for name in dir(type(one)) if isinstance(getattr(type(one), name), kinds)]
    return {name: getattr(one, name) for name in names if name not in _MEMOS}


def changed(one: One, **fields: Any) -> One:
    """The same value with some fields changed."""
    return type(one)(**held(one) | fields)
