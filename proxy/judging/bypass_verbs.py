"""The bypass as verbs of the control socket: `bypass.ask`, `bypass.approve`, `bypass.end`, `bypass.list`.

Owns the reading of arguments and what is answered. Must never take an argument that it did not declare.
"""

from typing import Any, Final

import msgspec
from msgspec import Struct

from proxy.judging.bypass import Asked, BypassDesk
from proxy.registry.ports import VerbError


class _Ask(Struct, frozen=True, forbid_unknown_fields=True):
    by: str
    reason: str
    minutes: int
    account: str = ""


class _Named(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    by: str


class _List(Struct, frozen=True, forbid_unknown_fields=True):
    pass


BYPASS_VERBS: Final[dict[str, type[Struct]]] = {
    "bypass.ask": _Ask,
    "bypass.approve": _Named,
    "bypass.end": _Named,
    "bypass.list": _List,
}


async def bypass_verb(desk: BypassDesk, verb: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Performs one; raises VerbError, and KeyError for a verb that is none of these."""
    try:
        asked = msgspec.convert(arguments, BYPASS_VERBS[verb])
    except msgspec.ValidationError as error:
        raise VerbError(f"{verb}: {error}", usage=True) from error
    if isinstance(asked, _Ask):
        found = [await desk.ask(asked.by, asked.reason, asked.minutes, asked.account)]
    elif isinstance(asked, _Named):
        act = desk.approve if verb == "bypass.approve" else desk.end
        found = [await act(asked.id, asked.by)]
    else:
        found = desk.standing()
    return {"bypasses": [shown(one) for one in found]}


def shown(one: Asked) -> dict[str, Any]:
    """One bypass for programs: times are UTC in microseconds."""
    return {
        "id": one.id,
        "state": "open" if one.is_open else "asked",
        "account": one.account,
        "asked_by": one.by,
        "approved_by": one.approved_by,
        "reason": one.reason,
        "minutes": one.minutes,
        "asked_at_us": int(one.asked_at * 1e6),
        "until_us": int(one.until * 1e6),
    }
