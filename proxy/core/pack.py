"""A rule pack as the policy sees it: hours, caps, modes; versioned data, never code.

Owns the meaning of a pack's fields. Reading TOML is somebody else's work, and so is which packs bind (`core/bound.py`).
"""

from hashlib import blake2b
from typing import Final, Literal

from msgspec import Struct

from proxy.core.purposes import Channel, Purpose
from proxy.core.workdays import NO_CALENDAR, Calendar

Mode = Literal["enforce", "shadow", "off"]
#: Who somebody is to a debt.
DebtRole = Literal["debtor", "guarantor", "contact"]

_DAY_S: Final = 86_400
CHINA_OFFSET_S: Final = 8 * 3600  # WHY: China has one zone and no daylight saving time, so an offset is exact.


#: Rules that run only where a pack names them: no notice asks for them of everybody.
ASKED_FOR: Final = frozenset(
    (
        "debtor.unknown",
        "debtor.uninformed",
        "collection.objection",
        "library.stale",
        "content.spoof",
        "content.disclosure",
        "content.threat",
        "content.identity",
        "content.contact",
        "content.product",
        "content.link",
        "content.refusal",
    )
)
#: Who may be reached for collection where a pack asks for debtor records and does not say more.
LIABLE: Final[frozenset[DebtRole]] = frozenset(("debtor", "guarantor"))

#: For how many days an attestation of a number library counts where a pack names the rule only.
_ATTEST_DAYS: Final = 90


class Hours(Struct, frozen=True):
    """Open hours of local time, minutes after midnight: from `opens` inclusive to `closes` exclusive.

    `opens == 0 and closes == 1440` is open all day, `opens == closes` never.
    """

    opens: int = 0
    closes: int = 1440

    def within(self, other: "Hours") -> "Hours":
        """The hours in which both are open; never, where there are none."""
        opens, closes = max(self.opens, other.opens), min(self.closes, other.closes)
        return Hours(opens, closes) if opens < closes else Hours(0, 0)


class Cap(Struct, frozen=True):
    """At most `most` contacts of one person by one institution for one purpose in any `window_s` seconds (C1 C4 J7).

    `channels` are counted together.
    """

    purpose: Purpose
    channels: frozenset[Channel]
    most: int
    window_s: int


class RuleSetting(Struct, frozen=True):
    """How one rule of a pack runs. `share` of the accounts (0..1) has it enforced, the rest in shadow."""

    mode: Mode = "enforce"
    share: float = 1.0

    def mode_for(self, name: str, account: str) -> Mode:
        """The mode for one account: which accounts are in the share is fixed by a hash, so that it only grows.

        `name` is what is rolled out, a rule or a pack.
        """
        if self.mode != "enforce" or self.share >= 1.0:
            return self.mode
        draw = int.from_bytes(blake2b(f"{name}\0{account}".encode(), digest_size=4).digest()) / (1 << 32)
        return "enforce" if draw < self.share else "shadow"


class Citation(Struct, frozen=True):
    """On what one value of a pack rests: the sentence of an authority, or "product default".

    `official` is the Chinese sentence itself, empty until somebody has it from the authority.
    """

    key: str
    rule: str
    value: str
    basis: str
    official: str = ""


class Pack(Struct, frozen=True):
    """One version of one rule pack (Z1 J1), in force from `since` (UTC seconds) on.

    `hours` per purpose and channel, `holiday_hours` on days that `calendar` calls holidays, where they differ;
    `institution_hours` narrow them for one institution, down to never (an emergency brake). `validity_cap_s` is the
    longest validity_period a message may have, 0 = none allowed at all. `shadow` and `share` are of all its rules that
    it sets no mode for. `entrustment_depth_most` is how many partners may stand between institution and sender's
    number: 1 is direct only; `refusal_in_calls` are the purposes of calls in which a person has to be able to refuse:
    where no way is configured, `check-config` warns; `collection_roles` are those to a debt who may be reached for
    collection, empty: whoever it is; `debtor_verified_days` is for how many days a verified debtor record counts, 0 =
    for ever;
    `library_attest_days`: after so many days without an attestation a library is stale (Z10), 0 = never;
    `collection_closed`: packs that bind together leave nobody whom collection may reach;
    `liaison_required`: an institution without a liaison officer activates no number (J19). `refusal_in_texts` are the
    categories of texts that offer a way to refuse (Z18 J12), `refusal_by_link` tells whether a link alone is one,
    `unrecorded_passes` whether a text passes with a telephone, product or link where nothing of that kind is on record
    of its sender.
    """

    id: str
    version: int
    region: str = ""
    source: str = ""
    effective: str = ""
    hours: dict[tuple[Purpose, Channel], Hours] = {}
    institution_hours: dict[str, Hours] = {}
    rules: dict[str, RuleSetting] = {}
    shadow: bool = False
    validity_cap_s: int = _DAY_S
    collection_refusal_closes_channel: bool = True
    share: float = 1.0
    since: int = 0
    holiday_hours: dict[tuple[Purpose, Channel], Hours] = {}
    calendar: Calendar = NO_CALENDAR
    caps: tuple[Cap, ...] = ()
    citations: tuple[Citation, ...] = ()
    entrustment_depth_most: int = 1
    refusal_in_calls: frozenset[Purpose] = frozenset()
    liaison_required: bool = False
    collection_roles: frozenset[DebtRole] = frozenset()
    debtor_verified_days: int = 0
    library_attest_days: int = 0
    collection_closed: bool = False
    refusal_in_texts: frozenset[Purpose] = frozenset(("marketing",))
    refusal_by_link: bool = True
    unrecorded_passes: bool = True

    def asks(self, rule: str) -> bool:
        """Whether a rule runs at all: most do, those of `ASKED_FOR` where they are named or have values here."""
        named = rule not in ASKED_FOR or rule in self.rules
        valued = {"debtor.unknown": bool(self.collection_roles), "library.stale": bool(self.library_attest_days)}
        return named or valued.get(rule, False)

    @property
    def reviews_texts(self) -> bool:
        """Whether only reviewed texts go out. WHY not asked for: what was rejected goes out nowhere."""
        return "template.unreviewed" in self.rules

    @property
    def attest_days(self) -> int:
        """For how many days an attestation counts, 0: none is asked for. Naming the rule alone asks for the default."""
        return self.library_attest_days or (_ATTEST_DAYS if "library.stale" in self.rules else 0)

    @property
    def roles(self) -> frozenset[DebtRole]:
        """Who may be reached for collection, empty: whoever it is. Naming the rule alone asks for who is liable."""
        return self.collection_roles or (LIABLE if "debtor.unknown" in self.rules else frozenset())

    def setting(self, rule: str) -> RuleSetting:
        """How a rule runs under this pack; see `mode_for` for one account."""
        unsaid = (_SHADOW if self.shadow else _ENFORCE) if self.asks(rule) else _OFF
        return self.rules.get(rule, unsaid)

    def mode_for(self, rule: str, account: str) -> Mode:
        """The mode of a rule for one account: its own setting, else that of the pack as a whole."""
        own = self.rules.get(rule)
        if own is not None:
            return own.mode_for(rule, account)
        if not self.asks(rule):
            return "off"
        return RuleSetting("shadow" if self.shadow else "enforce", self.share).mode_for(self.id, account)

    @property
    def name(self) -> str:
        """`ID@VERSION`."""
        return f"{self.id}@{self.version}"


_ENFORCE: Final = RuleSetting()
_SHADOW: Final = RuleSetting(mode="shadow")
_OFF: Final = RuleSetting(mode="off")
