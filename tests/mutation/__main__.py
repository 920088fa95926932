"""`python -m tests.mutation`: one line per mutant of the rule table; exit 1 if any goes unnoticed."""

from __future__ import annotations

import sys

from tests.mutation.rule_table import mutants


def main() -> int:
    found = mutants()
    for mutant in found:
        by = f"{len(mutant.noticed_by)} cases, first: {mutant.noticed_by[0]}" if mutant.noticed_by else "UNNOTICED"
        print(f"{mutant.rule:22} {mutant.change:16} {by}")
    unnoticed = sum(not mutant.noticed_by for mutant in found)
    print(f"{len(found)} mutants, {unnoticed} unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
