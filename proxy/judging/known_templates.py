"""Tells which templates of messages the running process knows, for whoever operates it.

Owns what is told of a template: how often it came, what its texts say, what rules found of the latest. Must never tell
a wording that came seldom, nor a figure or a name before its title: what came once may be one person's.
"""

from heapq import nsmallest
from typing import Any, Final, Protocol

from proxy.language.templates import Template

TEMPLATES_VERB: Final = "content.templates"
_MARKS: Final = (
    "has_identity",
    "has_contact",
    "has_product",
    "has_refusal",
    "discloses_debtor",
    "threatens",
    "insults",
)
_MOST: Final = 1_000


class Known(Protocol):
    """Who remembers templates."""

    def templates(self, principal: str = "") -> list[Template]:
        """Those of one principal, or of all, in no order."""
        ...


def templates_told(reader: Known, arguments: dict[str, Any]) -> dict[str, Any]:
    """The templates of one principal, or of all; those that came most often first. Moments are UTC microseconds."""
    known = reader.templates(str(arguments.get("principal", "")))
    # WHY not sorted: there may be tens of thousands, and messages wait meanwhile.
    first = nsmallest(_MOST, known, key=lambda one: (-one.seen, one.id))
    return {"templates": [_told(one) for one in first], "more": max(0, len(known) - _MOST)}


def _told(one: Template) -> dict[str, Any]:
    content = one.content
    return {
        "id": one.id,
        "principal": one.owner[0],
        "number": one.owner[1],
        "messages": one.seen,
        "accounts": dict(sorted(one.accounts.items(), key=lambda each: (-each[1], each[0]))),
        "first_us": int(one.first * 1e6),
        "last_us": int(one.last * 1e6),
        "category": content.category,
        "marks": [mark for mark in _MARKS if getattr(content, mark)],
        "findings": sorted({f"{found.rule}/{found.detail}" for found in one.found}),
        "against": one.against,
        "wording": one.shape if one.is_shown else None,
    }
