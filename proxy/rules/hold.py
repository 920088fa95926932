"""Fraud holds (Z23): an account or a number that is held sends nothing."""

from typing import Final

from proxy.rules.rule import LaneFacts, LaneRule


def _held(facts: LaneFacts) -> str | None:
    if facts.account.id in facts.snapshot.held_accounts:
        return "account"
    held = facts.snapshot.held_numbers
    if facts.sender is not None and (facts.sender in held or any(row.address in held for row in facts.listed)):
        return "number"
    return None


FRAUD: Final = LaneRule("fraud.hold", ("Z23",), _held)
