"""What a million open messages cost: `python tests/trail/measure_memory.py [messages] [octets of a carrier's id]`.

Resident memory of the whole process (what the interpreter takes by itself beside it), CPU per message for what the loop
does to one (accepted, by_carrier, final, with a flush per batch of 10) while all the others stay open, the longest
batch, and what a start takes that reads all of it again. Carrier ids are decimal.
"""

import gc
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

from proxy.trail.limits import Limits
from proxy.trail.trail import Trail

BATCH = 10
ROUNDS = 20_000


def resident() -> float:
    """MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def carrier_id(number: int, octets: int) -> bytes:
    return b"%0*d" % (octets, 7_000_000_000 + number * 7)


def cpu(work: str, done: int, begun: float) -> None:
    print(f"{work:38}{(time.process_time() - begun) / done * 1e6:8.2f} µs of CPU per message")


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    octets = int(sys.argv[2]) if len(sys.argv) > 2 else 16
    limits = Limits(open_most=count + BATCH * ROUNDS)
    person = bytes(range(16))
    bare = resident()
    with tempfile.TemporaryDirectory() as directory:
        trail = Trail.open(Path(directory), limits=limits)
        begun = time.process_time()
        for number in range(count):
            trail.accepted(1 << 32 | number, "jianglan-01", "cmcc", carrier_id(number, octets), os.urandom(16))
            if not number % BATCH:
                trail.flush()
        trail.flush()
        cpu("accepted", count, begun)
        print(f"resident with {count} open            {resident():8.1f} MB ({bare:.1f} before)")
        ids = [
            [(1 << 32 | number, carrier_id(number, octets)) for number in range(first, first + BATCH)]
            for first in range(count, count + BATCH * ROUNDS, BATCH)
        ]
        # WHY: as tdgate does after its start; else a collection over the ids made above is measured.
        gc.collect()
        gc.freeze()
        longest, least = 0.0, 1.0
        begun = time.process_time()
        for batch in ids:
            started = time.perf_counter()
            for ours, theirs in batch:
                trail.accepted(ours, "jianglan-01", "cmcc", theirs, person)
            trail.flush()
            for ours, theirs in batch:
                trail.by_carrier("cmcc", theirs)
                trail.final(ours, "DELIVRD")
            trail.flush()
            took = time.perf_counter() - started
            longest, least = max(longest, took), min(least, took)
        cpu("accepted, by_carrier, final, 2 flushes", BATCH * ROUNDS, begun)
        print(f"a batch of {BATCH}: best {least * 1e6:.1f} µs, longest {longest * 1e3:.2f} ms")
        trail.close()
        print(f"files {sum(path.stat().st_size for path in Path(directory).iterdir()) / 1e6:.1f} MB")
        began = time.perf_counter()
        trail = Trail.open(Path(directory), limits=limits)
        print(f"a start that reads it again {time.perf_counter() - began:.2f} s, {trail.used} messages")
        trail.close()
    print(f"most ever resident {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.1f} MB (two trails)")


if __name__ == "__main__":
    main()
