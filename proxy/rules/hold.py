"""Fraud holds (Z23): an account that is held, and a number with all its extensions, sends nothing."""

from typing import Final

from proxy.rules.rule import LaneFacts, LaneRule

_SHORTEST_NUMBER: Final = 3


def _held(facts: LaneFacts) -> str | None:
    if facts.account.id in facts.snapshot.held_accounts:
        return "account"
    held, sender = facts.snapshot.held_numbers, facts.sender
    if not held or sender is None:
        return None
    # WHY: every beginning of it, not the registered ports alone: a hold may name a number of no library.
    shortest = _SHORTEST_NUMBER if sender.isdigit() else len(sender)
    return "number" if any(sender[:end] in held for end in range(shortest, len(sender) + 1)) else None


FRAUD: Final = LaneRule("fraud.hold", ("Z23",), _held)
