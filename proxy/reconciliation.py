"""What the wire has seen against what the library declares: used, refused, never used, refused tomorrow. Pure.

Owns the comparison (Z10). What depends on sender, account and day is asked of the rules themselves over the registry as
it is, at noon of the next day; what depends on a person or a text is told as it was recorded. Must never show more of a
sender than the record does: what may be a person's number stays hidden, and is in no draft.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, cast

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.catalogue import CATALOGUE
from proxy.core.ground import ASKS_MESSAGE, OUTCOME_REFUSE, OUTCOME_SHADOW
from proxy.core.pack import CHINA_OFFSET_S, Mode
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Account, Number, Period
from proxy.core.snapshot import Snapshot
from proxy.evidence.records import ALLOW, Decision
from proxy.policy import lane_facts
from proxy.rules.rule import LaneRule, RequestRule, no_pack
from proxy.rules.table import RULES

_DAY_S: Final = 86_400
#: Senders can be invented without end.
_KEPT_MOST: Final = 200_000
_PASSING: Final = frozenset(("hours.closed", "throughput.account", "frequency.cap"))
_OF_REQUESTS: Final = frozenset(rule.id for rule in RULES if isinstance(rule, RequestRule)) - _PASSING
_HIDDEN: Final = "#"


class Use:
    """What was recorded of one sender of one account on one channel."""

    def __init__(self, account: str, sender: str, channel: Channel, at_us: int) -> None:
        self.account: Final = account
        self.sender: Final = sender
        self.channel: Final[Channel] = channel
        self.purposes: Final[set[Purpose]] = set()
        self.permitted = self.refused = 0
        self.first_us = self.last_us = at_us

    @property
    def hidden(self) -> bool:
        """Whether it may be a person's number, of which the record keeps a mask and a hash."""
        return not self.sender or _HIDDEN in self.sender


class Foreseen(Struct, frozen=True):
    """What would refuse an account tomorrow: so many of the recorded messages, from so many senders.

    `basis` is `library` where the rule was asked anew, `recorded` where it hung on a person or a text then.
    """

    account: str
    rule: str
    detail: str
    mode: Mode
    basis: str
    senders: int
    messages: int


class Traffic:
    """Takes decisions in the order of the log."""

    def __init__(self) -> None:
        self._uses: Final[dict[tuple[str, str, str], Use]] = {}
        #: (account, rule) → messages.
        self._hits: Final[dict[tuple[str, str], int]] = {}
        self.decisions = self.left_out = 0

    def take(self, record: Decision, rules: Sequence[str]) -> None:
        """One decision; `rules` are the ids that its outcomes are read by, none where they are not known."""
        if record.asks != ASKS_MESSAGE:
            return
        self.decisions += 1
        key = (record.account, record.sender, record.channel)
        use = self._uses.get(key)
        if use is None:
            if len(self._uses) >= _KEPT_MOST:
                self.left_out += 1
                return
            use = self._uses[key] = Use(record.account, record.sender, cast(Channel, record.channel), record.at_us)
        use.last_us = record.at_us
        use.purposes.add(cast(Purpose, record.purpose))
        if record.effect == ALLOW:
            use.permitted += 1
        else:
            use.refused += 1
        for rule, octet in zip(rules, record.outcomes, strict=False):
            if octet in (OUTCOME_REFUSE, OUTCOME_SHADOW) and rule in _OF_REQUESTS:
                hit = (record.account, rule)
                self._hits[hit] = self._hits.get(hit, 0) + 1

    @property
    def uses(self) -> list[Use]:
        """What was seen, by account, sender and channel."""
        return [self._uses[key] for key in sorted(self._uses)]

    def foreseen(self, snapshot: Snapshot, now: float) -> list[Foreseen]:
        """What would refuse this traffic tomorrow under a snapshot. `now` is UTC seconds."""
        noon = ((now + CHINA_OFFSET_S) // _DAY_S + 1.5) * _DAY_S - CHINA_OFFSET_S
        found: dict[tuple[str, str, str, Mode], tuple[int, int]] = {}
        for use in self.uses:
            for rule, detail, mode in refusals(use, snapshot, noon):
                key = (use.account, rule, detail, mode)
                senders, messages = found.get(key, (0, 0))
                found[key] = senders + 1, messages + use.permitted + use.refused
        rows = [Foreseen(*key, "library", *counted) for key, counted in found.items()]
        for (account, rule), messages in self._hits.items():
            rows.append(Foreseen(account, rule, "", _mode(snapshot, account, rule), "recorded", 0, messages))
        return sorted(rows, key=lambda one: (one.account, one.basis, -one.messages, one.rule))


def _mode(snapshot: Snapshot, account: str, rule: str) -> Mode:
    return "enforce" if CATALOGUE[rule].floor else snapshot.pack.mode_for(rule, account)


def refusals(use: Use, snapshot: Snapshot, moment: float) -> Iterator[tuple[str, str, Mode]]:
    """(rule, detail, mode) of every rule of sender, account and day that refuses at a moment; hours left out."""
    account = snapshot.accounts.get(use.account)
    if account is None or use.hidden:
        if account is not None:
            yield "number.unregistered", "unknown", _mode(snapshot, account.id, "number.unregistered")
        return
    facts, _ = lane_facts(account, use.sender, None, use.channel, snapshot, moment)
    for rule in RULES:
        if not isinstance(rule, LaneRule) or rule.id in _PASSING or use.channel not in rule.channels:
            continue
        floor = CATALOGUE[rule.id].floor
        mode = "enforce" if floor else facts.bound.mode(rule.id, account.id, each=rule.set_by is not no_pack)
        if mode != "off" and rule.applies(facts) and (detail := rule.judge(facts)) is not None:
            yield rule.id, detail, mode


def state_of(use: Use, snapshot: Snapshot, now: float) -> str:
    """How a seen sender stands in the library today, for the account that used it."""
    account = snapshot.accounts.get(use.account)
    if account is None:
        return "no account"
    if use.hidden:
        return "hidden"
    rows = snapshot.numbers.find(use.sender)
    if not rows:
        return "unregistered"
    if any(row.disposed for row in (*rows, *snapshot.numbers.above(use.sender))):
        return "disposed"
    mine = [row for row in rows if _is_of(row, account)]
    if not mine:
        return "another's"
    if not any(use.channel in row.channels for row in mine):
        return "not for this channel"
    if any(row.period.holds(now) for row in mine):
        return "declared"
    return "not yet" if any(now < row.period.since for row in mine) else "over"


def _is_of(row: Number, account: Account) -> bool:
    return row.principal == account.principal and row.operator == account.operator


def unused(numbers: Iterable[Number], uses: Iterable[Use], snapshot: Snapshot, now: float) -> list[Number]:
    """Declared numbers, today in their period, that nobody for whom they are declared was seen to use."""
    seen: dict[tuple[str, str], set[str]] = {}
    for use in uses:
        account = snapshot.accounts.get(use.account)
        if account is not None and not use.hidden:
            seen.setdefault((account.principal, account.operator), set()).add(use.sender)
    ordered = {whose: sorted(senders) for whose, senders in seen.items()}
    found = []
    for row in numbers:
        senders = ordered.get((row.principal, row.operator), [])
        if row.period.holds(now) and not row.disposed and not _was_used(row, senders):
            found.append(row)
    return found


def _was_used(row: Number, senders: list[str]) -> bool:
    at = bisect_left(senders, row.address)
    if at == len(senders):
        return False
    return senders[at] == row.address or (row.extensible and senders[at].startswith(row.address))


def drafted(uses: Iterable[Use], snapshot: Snapshot, period: Period) -> list[Number]:
    """Rows for what was seen and stands in no library: each sender for the account that used it, as it was used."""
    found: dict[tuple[str, str, str], Number] = {}
    for use in uses:
        account = snapshot.accounts.get(use.account)
        if account is None or use.hidden or snapshot.numbers.find(use.sender):
            continue
        key = (use.sender, account.principal, account.operator)
        channels, purposes = frozenset((use.channel,)), frozenset(use.purposes)
        former = found.get(key)
        if former is not None:
            channels, purposes = channels | former.channels, purposes | former.purposes
        telecom = account.telecoms[0] if account.telecoms else ""
        found[key] = Number(*key, channels, purposes, period, telecom=telecom)
    return list(found.values())


def with_numbers(snapshot: Snapshot, numbers: Iterable[Number]) -> Snapshot:
    """The snapshot as it would be with these numbers in the library."""
    return replace(snapshot, numbers=snapshot.numbers.changed([(None, row) for row in numbers]), lanes={})
