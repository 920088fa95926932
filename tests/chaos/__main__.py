"""`python -m tests.chaos`: one storm of any size. Prints figures, and the seed with whatever is broken.

python -m tests.chaos --messages 100000 --seed 7 --keep /tmp/storm
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos.run import of_size, storm


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--keep", type=Path, help="a folder for what tdgate leaves behind")
    given = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="chaos-") as made:
        folder = given.keep or Path(made)
        folder.mkdir(parents=True, exist_ok=True)
        say(f"seed {given.seed}, {given.messages} messages, {folder}")
        verdict = asyncio.run(storm(of_size(given.messages, given.seed), folder, say))
    print(json.dumps({"seed": given.seed, "seconds": round(time.monotonic() - began), **verdict.figures}))
    for each in verdict.broken:
        print(f"BROKEN (seed {given.seed}): {each}")
    return 1 if verdict.broken else 0


if __name__ == "__main__":
    sys.exit(main())
