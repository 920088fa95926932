"""The library as such: whether somebody said in time that it is whole and right (Z10). Where a pack asks for it."""

from typing import Final

from proxy.rules.rule import LaneFacts, LaneRule

_DAY_S: Final = 86_400


def _kept(facts: LaneFacts) -> bool:
    return facts.purpose in ("marketing", "collection") and bool(facts.pack.attest_days)


def _stale(facts: LaneFacts) -> str | None:
    at = facts.snapshot.attested.get(facts.account.principal)
    if at is None:
        return "never"
    return "age" if facts.now >= at + facts.pack.attest_days * _DAY_S else None


STALE: Final = LaneRule("library.stale", ("Z10",), _stale, _kept)
