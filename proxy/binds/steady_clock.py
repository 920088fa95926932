"""UTC that does not jump: what the clock said when the process began, and as much later as has passed since.

Owns the time by which things wait, are tried again and end by their age. WHY: a clock that is set forward by days would
drop everything that was acknowledged and waits on disk; one that is set back would stop retries for as long. Must never
date what somebody reads as evidence.
"""

import time
from typing import Final

_BEGAN_S: Final = time.time() - time.monotonic()


def steady_utc_s() -> float:
    """Seconds."""
    return _BEGAN_S + time.monotonic()


def steady_utc_us() -> int:
    """Microseconds."""
    return int(steady_utc_s() * 1_000_000)
