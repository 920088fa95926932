"""`python -m tests.mutation`: one line per mutant of the rule table; exit 1 if any goes unnoticed."""

from __future__ import annotations

import sys

from tests.mutation.rule_table import mutants, noticed_by


def main() -> int:
    found = mutants()
    unnoticed = 0
    for mutant in found:
        names = list(noticed_by(mutant))
        unnoticed += not names
        by = f"{len(names)} cases, first: {names[0]}" if names else "UNNOTICED"
        print(f"{mutant.rule:22} {mutant.change:16} {by}")
    print(f"{len(found)} mutants, {unnoticed} unnoticed")
    return 1 if unnoticed else 0


if __name__ == "__main__":
    sys.exit(main())
