"""A lane: what the rules say of (account, sender, declared purpose) alone, remembered for as long as it holds.

Licence, entrustment, library, period, purpose and hours do not depend on who receives a message. Judged once per
revision and kept, they leave per message only the recipient, the text and the wire. A lane is a memo of a part of one
pure function, never a second policy: it is only made and read by `proxy/policy.py`.
"""

from collections.abc import Callable
from typing import Any, Final

from proxy.core.contacts import CountedCap
from proxy.core.ground import Ground
from proxy.core.own_marks import Asked
from proxy.core.purposes import Purpose
from proxy.core.records import Account, Number

#: (rule's place in the table, catalogue id, detail)
Hit = tuple[int, str, str]


class SetBy:
    """Whose value a refusal rests on: the pack, and whether it only records (`shadow`)."""

    __slots__ = ("pack", "shadow", "version")

    def __init__(self, pack: str, version: int, shadow: bool) -> None:
        self.pack: Final = pack
        self.version: Final = version
        self.shadow: Final = shadow


class Lane:
    """`since <= now < until` (UTC seconds) is when it holds.

    `bit` is the purpose's bit in consents and suppressions (0: none applies), `day` the day number of `since` in
    Asia/Shanghai, `salt` ties persons to the principal. `ground` is that of a message that every
    remaining check lets pass; `checks` are these checks, with their places in the
    table; `short_checks` those of them that an ordinary request can fail. `other_grounds` are those of
    messages that some check did not let pass, `weighed` the same by what was found, where nothing else counts.
    `closed_by` is the pack whose hours close it, `caps` are those that a contact counts under, enforced ones first.
    `roles` (`core/debtors.py`) are those that may be reached for collection, empty: whoever it is; `verified_days` is
    for how many days a verified role counts, 0 = for ever. `asked` is what is asked of texts, None where no rule reads
    them; `reviewed_by` is the pack that lets only reviewed ones out.
    """

    __slots__ = (
        "account",
        "asked",
        "bit",
        "caps",
        "checks",
        "clean",
        "closed_by",
        "day",
        "errors",
        "ground",
        "hits",
        "modes",
        "number",
        "other_grounds",
        "principal",
        "purpose",
        "reviewed_by",
        "roles",
        "salt",
        "short_checks",
        "since",
        "until",
        "validity_cap_s",
        "verified_days",
        "weighed",
    )

    def __init__(
        self,
        *,
        since: float,
        until: float,
        account: Account,
        principal: str,
        purpose: Purpose,
        bit: int,
        salt: int,
        day: int,
        number: Number | None,
        validity_cap_s: int,
        ground: Ground,
        hits: tuple[Hit, ...],
        errors: tuple[int, ...],
        # A check is `(request, lane, person, snapshot) -> str | None`; its type stands in proxy/rules/rule.py.
        checks: tuple[tuple[int, Callable[..., Any]], ...],
        short_checks: tuple[tuple[int, Callable[..., Any]], ...],
        modes: tuple[str, ...],
        clean: bool,
        other_grounds: dict[tuple[str, str, str, bytes, str], Ground],
        weighed: dict[tuple[tuple[Hit, ...], tuple[int, ...]], Ground],
        closed_by: "SetBy | None" = None,
        caps: tuple[CountedCap, ...] = (),
        roles: frozenset[int] = frozenset(),
        verified_days: int = 0,
        asked: Asked | None = None,
        reviewed_by: "SetBy | None" = None,
    ) -> None:
        self.since: Final = since
        self.until: Final = until
        self.account: Final = account
        self.principal: Final = principal
        self.purpose: Final[Purpose] = purpose
        self.bit: Final = bit
        self.salt: Final = salt
        self.day: Final = day
        self.number: Final = number
        self.validity_cap_s: Final = validity_cap_s
        self.ground: Final = ground
        self.hits: Final = hits
        self.errors: Final = errors
        self.checks: Final = checks
        self.short_checks: Final = short_checks
        self.modes: Final = modes
        self.clean: Final = clean
        self.other_grounds: Final = other_grounds
        self.weighed: Final = weighed
        self.closed_by: Final = closed_by
        self.caps: Final = caps
        self.roles: Final = roles
        self.verified_days: Final = verified_days
        self.asked: Final = asked
        self.reviewed_by: Final = reviewed_by
