"""`python -m tests.requirements`: plays all requirement rows once, and writes the page of the manual from that run.

python -m tests.requirements --write docs/manual/requirements.md --keep /tmp/rows
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.requirements.page import page
from tests.requirements.play import play


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.requirements", description=__doc__)
    parser.add_argument("--write", type=Path, help="the page; only written if everything held")
    parser.add_argument("--keep", type=Path, help="a folder for what the run leaves behind, the evidence log among it")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="requirements-") as made:
        folder = given.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        played = asyncio.run(play(folder))
    failures = played.failures()
    for name, reason in failures:
        print(f"{name}: {reason}", file=sys.stderr)
    if given.write is not None and not failures:
        given.write.write_text(page(played), encoding="utf-8")
    print(f"{len(played.shown)} pairs, {len(played.seen)} observables, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
