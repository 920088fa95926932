"""Recorded decisions asked again under other packs: what would change (C3). Pure.

Owns the comparison. Must never claim what a record does not show: of hours and caps it asks the new packs themselves,
of all other rules whether they hit then, and how the new packs run them now. What was decided under a bypass or for a
reason of the gateway's own is left out, and counted. A person's province is not on record: regional packs bind by the
institution here.
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Final, cast

from msgspec import Struct

from proxy.core.bound import Bound, Shelf, bound
from proxy.core.catalogue import CATALOGUE
from proxy.core.contacts import Contacts, CountedCap, bits_of, second_of
from proxy.core.ground import ASKS_MESSAGE, OUTCOME_REFUSE, OUTCOME_SHADOW
from proxy.core.pack import Pack
from proxy.core.purposes import PURPOSE_BITS, Channel, Purpose
from proxy.core.timetable import SHANGHAI
from proxy.evidence.records import EFFECT_NAMES, Call, Decision, Outcome

_HOURS: Final = "hours.closed"
_FREQUENCY: Final = "frequency.cap"
_REMEMBERED: Final = 200_000


class Change(Struct, frozen=True):
    """`refused`: permitted then; `permitted`: refused then, by `was`; `other`: refused by another rule."""

    change: str
    was: str
    rule: str
    account: str
    institution: str


class Replay:
    """Takes records in the order of the log. `region_of` tells an institution's region, "" where it is not known."""

    def __init__(self, base: Pack, shelf: Shelf, region_of: Callable[[str], str]) -> None:
        self._base = base
        self._shelf = shelf
        self._region_of = region_of
        self._contacts = Contacts([cap for pack in (base, *shelf.packs) for cap in pack.caps])
        #: The latest permits under the new packs that count as contacts: decision → bit, person, second.
        self._counted: dict[int, tuple[int, int, int]] = {}
        self._salts: dict[str, int] = {}
        self.decisions = self.left_out = 0
        self.changes: dict[Change, int] = {}

    def decision(self, record: Decision, rules: Sequence[str]) -> None:
        """One decision; `rules` are the ids that its outcomes are read by."""
        if record.asks != ASKS_MESSAGE:
            return
        self.decisions += 1
        judged = record.rule == "" or record.rule in rules
        if record.mode == "bypass" or not record.outcomes or not judged:
            self.left_out += 1
            return
        now = record.at_us / 1e6
        region = self._region_of(record.principal)
        packs = bound(self._base, self._shelf, record.account, (region,), now)
        effect, rule = self._judged(record, rules, packs, now)
        was = EFFECT_NAMES[record.effect]
        if effect == "allow":
            self._count(record)
        if (effect == "allow") != (was == "allow") or rule != record.rule:
            kind = "permitted" if effect == "allow" else "refused" if was == "allow" else "other"
            key = Change(kind, record.rule, rule, record.account, record.principal)
            self.changes[key] = self.changes.get(key, 0) + 1

    def _judged(self, record: Decision, rules: Sequence[str], packs: Bound, now: float) -> tuple[str, str]:
        """(effect, rule) under the new packs."""
        hit = [
            rule
            for rule, octet in zip(rules, record.outcomes, strict=False)
            if octet in (OUTCOME_REFUSE, OUTCOME_SHADOW) and rule not in (_HOURS, _FREQUENCY)
        ]
        hits = [rule for rule in hit if _is_floor(rule) or packs.mode(rule, record.account) == "enforce"]
        if self._closed(record, packs, now):
            hits.append(_HOURS)
        if self._often(record, packs, now):
            hits.append(_FREQUENCY)
        order = {rule: place for place, rule in enumerate(rules)}
        hits.sort(key=lambda rule: order.get(rule, len(order)))
        final = [rule for rule in hits if rule not in CATALOGUE or CATALOGUE[rule].kind == "final"]
        if final:
            return "deny", final[0]
        return ("defer", hits[0]) if hits else ("allow", "")

    def _closed(self, record: Decision, packs: Bound, now: float) -> bool:
        purpose, channel = cast(Purpose, record.purpose), cast(Channel, record.channel)
        return any(
            table.pack.mode_for(_HOURS, record.account) == "enforce" and not table.is_open((SHANGHAI,), now)
            for table in packs.timetables(record.principal, purpose, channel)
        )

    def _often(self, record: Decision, packs: Bound, now: float) -> bool:
        purpose, channel = cast(Purpose, record.purpose), cast(Channel, record.channel)
        person = self._person(record)
        for one in packs.caps(purpose, channel):
            if one.pack.mode_for(_FREQUENCY, record.account) == "enforce":
                bits = bits_of(purpose, one.cap.channels)
                cap = CountedCap(one.cap.most, one.cap.window_s, bits, one.pack.id, one.pack.version, False)
                if self._contacts.reached(cap, person, now):
                    return True
        return False

    def _count(self, record: Decision) -> None:
        bit = PURPOSE_BITS.get((cast(Purpose, record.purpose), cast(Channel, record.channel)), 0)
        if bit in self._contacts.tables:
            second = second_of(record.at_us / 1e6)
            person = self._person(record)
            self._contacts.add(bit, person, second, second)
            if len(self._counted) >= _REMEMBERED:
                self._counted.clear()
            self._counted[record.id] = (bit, person, second)

    def _person(self, record: Decision) -> int:
        salt = self._salts.get(record.principal)
        if salt is None:
            digest = blake2b(record.principal.encode(), digest_size=8).digest()
            salt = self._salts[record.principal] = int.from_bytes(digest)
        return int.from_bytes(record.person[:8]) ^ salt

    def outcome(self, record: Outcome) -> None:
        """What the carrier refused was no contact."""
        if record.result == "rejected":
            self._take_back(record.id)

    def call(self, record: Call) -> None:
        """What never rang was none either."""
        if not record.rang_us and not record.answered_us:
            self._take_back(record.id)

    def _take_back(self, decision_id: int) -> None:
        found = self._counted.pop(decision_id, None)
        if found is not None:
            self._contacts.take_back(*found)


def _is_floor(rule: str) -> bool:
    """Of the floor, or of a former version of the catalogue: what it refused, it refused."""
    return rule not in CATALOGUE or CATALOGUE[rule].floor
