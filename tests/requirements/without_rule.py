"""`python -m tests.requirements.without_rule RULE run …`: tdgate with one rule taken out of its table.

Shows that a pair of requests can fail: without its rule the refused one is not refused, or not for that reason.
"""

from __future__ import annotations

import sys

from proxy.rules import table


def main() -> int:
    rule, *words = sys.argv[1:]
    assert rule in table.RULE_IDS, rule
    table.RULES = tuple(one for one in table.RULES if one.id != rule)  # type: ignore[misc]
    table.RULE_IDS = tuple(one.id for one in table.RULES)  # type: ignore[misc]
    # WHY only now: whatever is imported from here on takes the shorter table for the whole.
    from proxy.cli import main as tdgate

    return tdgate(words)


if __name__ == "__main__":
    sys.exit(main())
