"""What binds cost: 1,000 ESME binds and 20 carrier binds of a pool, at 2,000 messages a second with a receipt for each.

    python -m bench.binds [--secs 5] [--json]

A hundred accounts with ten transceivers each, in a fresh process with a small registry. Memory is VmRSS after the load;
latency is that of submit_sm to its answer, from when it was due.
"""

import argparse
import json
import sys
from typing import Final

from msgspec.structs import asdict

from bench.bound_figures import Figure, all_met, told
from bench.pool_process import PoolProcess

_BINDS, _CARRIER_BINDS, _PER_S = 1000, 20, 2000
_MB_MOST: Final = 200.0
_P99_MS_MOST: Final = 5.0


def measure(secs: float = 5.0) -> list[Figure]:
    """Starts, binds, sends; raises RuntimeError or OSError where that fails."""
    with PoolProcess(binds=_CARRIER_BINDS, receipts=True) as pool:
        before = pool.rss_mb()
        found = pool.load("-b", _BINDS, "-w", 10, "-r", _PER_S, "-W", 2, "-t", secs)
        return [
            Figure("resident before any ESME bound", before, "MB"),
            Figure(
                f"resident with {_BINDS:,} ESME binds, {_CARRIER_BINDS} carrier binds", pool.rss_mb(), "MB", _MB_MOST
            ),
            Figure("messages a second", found["msgs_per_s"], "/s"),
            Figure("receipts a second", found["delivers"] / found["secs"], "/s"),
            Figure("answer, p50", found["p50_us"] / 1000, "ms"),
            Figure("answer, p99", found["p99_us"] / 1000, "ms", _P99_MS_MOST),
        ]


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures; exit code 1 where one is beyond its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--secs", type=float, default=5.0, help="measured seconds (default 5)")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    found = measure(parsed.secs)
    print(json.dumps([asdict(one) for one in found], indent=1) if parsed.json else told(found))
    return int(not all_met(found))


if __name__ == "__main__":
    sys.exit(main())
