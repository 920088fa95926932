"""What ids cost that wait for their receipts: a million of them, in the whole process of a pool.

    python -m bench.waiting_ids [--ids 1000000] [--json]

They are sent as messages like any others, and the carrier never sends a receipt. Memory is VmRSS of the process.
"""

import argparse
import json
import sys
from typing import Final

from msgspec.structs import asdict

from bench.bound_figures import Figure, all_met, told
from bench.pool_process import PoolProcess

IDS: Final = 1_000_000
_MB_MOST: Final = 250.0
_LIMIT_S: Final = 600


def measure(ids: int = IDS) -> list[Figure]:
    """Sends `ids` messages that no receipt comes for; raises RuntimeError or OSError where that fails."""
    with PoolProcess(binds=4, receipts=False) as pool:
        before = pool.rss_mb()
        found = pool.load("-b", 10, "-w", 100, "-W", 0, "-t", _LIMIT_S, "-n", ids)
        if found["acked"] < ids:
            raise RuntimeError(f"{found['acked']:,} of {ids:,} messages in {_LIMIT_S} s")
        after = pool.rss_mb()
        return [
            Figure("resident before", before, "MB"),
            Figure(f"resident with {found['acked']:,} ids that wait", after, "MB", _MB_MOST),
            Figure("octets an id", (after - before) * 1e6 / found["acked"], "octets"),
            Figure("messages a second meanwhile", found["msgs_per_s"], "/s"),
        ]


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures; exit code 1 where one is beyond its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--ids", type=int, default=IDS)
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    found = measure(parsed.ids)
    print(json.dumps([asdict(one) for one in found], indent=1) if parsed.json else told(found))
    return int(not all_met(found))


if __name__ == "__main__":
    sys.exit(main())
