"""Tells which templates of messages the running process knows, for whoever operates it.

Owns what is told of a template: how often it came, what its texts say, what rules found of the latest. Must never tell
a wording that came seldom, nor a figure or a name before its title: what came once may be one person's.
"""

from collections.abc import Iterable
from typing import Any, Final

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


def templates_told(known: Iterable[Template], arguments: dict[str, Any]) -> dict[str, Any]:
    """The templates of one principal, or of all; those that came most often first. Moments are UTC microseconds."""
    principal = str(arguments.get("principal", ""))
    kept = [one for one in known if not principal or one.owner[0] == principal]
    return {"templates": [_told(one) for one in kept[:_MOST]], "more": max(0, len(kept) - _MOST)}


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
