"""Loads one address so many times a second, evenly, until SIGTERM: `python -m bench.page_reader URL PER_S`.

Prints one JSON line at its end: loads, failures, and the slowest load in milliseconds.
"""

from __future__ import annotations

import json
import signal
import sys
import time
import urllib.error
import urllib.request
from types import FrameType


def main() -> int:
    url, per_s = sys.argv[1], float(sys.argv[2])
    ended = False

    def end(sign: int, frame: FrameType | None) -> None:
        nonlocal ended
        ended = True

    signal.signal(signal.SIGTERM, end)
    loads = failures = 0
    slowest_s = 0.0
    due = time.monotonic()
    while not ended:
        began = time.monotonic()
        try:
            with urllib.request.urlopen(url, timeout=5) as page:
                page.read()
        except (urllib.error.URLError, OSError):
            failures += 1
        loads += 1
        slowest_s = max(slowest_s, time.monotonic() - began)
        due = max(due + 1 / per_s, time.monotonic() - 1)
        time.sleep(max(0.0, due - time.monotonic()))
    print(json.dumps({"loads": loads, "failures": failures, "slowest_ms": round(slowest_s * 1000, 1)}), flush=True)
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main())
