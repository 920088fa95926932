"""A rule pack as the policy sees it: hours, caps, modes; versioned data, never code.

Owns the meaning of a pack's fields. Reading TOML is somebody else's work.
"""

from hashlib import blake2b
from typing import Final, Literal

from msgspec import Struct

from proxy.core.purposes import Channel, Purpose

Mode = Literal["enforce", "shadow", "off"]

_DAY_S: Final = 86_400
CHINA_OFFSET_S: Final = 8 * 3600  # WHY: China has one zone and no daylight saving time, so an offset is exact.


#: Rules that run only where a pack names them: no notice asks for them of everybody.
ASKED_FOR: Final = frozenset(("template.unreviewed",))


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

    def next_change(self, now: float) -> tuple[bool, float]:
        """(open now?, UTC second of the next change, at most a day away), in Asia/Shanghai."""
        local = now + CHINA_OFFSET_S
        midnight = local - local % _DAY_S
        minute = (local - midnight) / 60
        is_open = self.opens <= minute < self.closes
        later = [edge for edge in (self.opens, self.closes, 1440) if edge > minute]
        return is_open, midnight + min(later) * 60 - CHINA_OFFSET_S

    def opens_in(self, now: float) -> float:
        """Seconds until it opens, of a moment at which it is closed; 0 where it is open, and where it never opens."""
        if self.opens >= self.closes:
            return 0.0
        minute = (now + CHINA_OFFSET_S) % _DAY_S / 60
        if self.opens <= minute < self.closes:
            return 0.0
        return (self.opens - minute) % 1440 * 60


class RuleSetting(Struct, frozen=True):
    """How one rule of a pack runs. `share` of the accounts (0..1) has it enforced, the rest in shadow."""

    mode: Mode = "enforce"
    share: float = 1.0

    def mode_for(self, rule: str, account: str) -> Mode:
        """The mode for one account: which accounts are in the share is fixed by a hash, so that it only grows."""
        if self.mode != "enforce" or self.share >= 1.0:
            return self.mode
        draw = int.from_bytes(blake2b(f"{rule}\0{account}".encode(), digest_size=4).digest()) / (1 << 32)
        return "enforce" if draw < self.share else "shadow"


class Pack(Struct, frozen=True):
    """One version of one rule pack (Z1 J1).

    `hours` per purpose and channel; `institution_hours` narrow them for one institution, down to never (an emergency
    brake); `validity_cap_s` is the longest validity_period a message may have, 0 = none allowed at all;
    `entrustment_depth_most` is how many partners may stand between institution and sender's number: 1 is direct only;
    `refusal_in_calls` are the purposes of calls in which a person has to be able to refuse: where no way is configured,
    `check-config` warns.
    `liaison_required`: an institution without a liaison officer activates no number (J19).
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
    entrustment_depth_most: int = 1
    refusal_in_calls: frozenset[Purpose] = frozenset()
    liaison_required: bool = False

    def setting(self, rule: str) -> RuleSetting:
        unsaid = _OFF if rule in ASKED_FOR else _SHADOW if self.shadow else _ENFORCE
        return self.rules.get(rule, unsaid)


_ENFORCE: Final = RuleSetting()
_SHADOW: Final = RuleSetting(mode="shadow")
_OFF: Final = RuleSetting(mode="off")
