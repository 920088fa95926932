"""What refusals cost: loading 10^5, 10^6 and 10^7 of them, the memory they take, and a look-up.

    python -m bench.suppressions [--sizes 100000,1000000,10000000] [--json]

Each size runs in a process of its own. Loading is what the proxy does at start: map the base, check it whole, build the
directory, lay a tail of 1,000 later refusals over it. Growth is that of VmRSS in /proc/self/status, mapped pages
counted. Look-ups are the policy's own `PersonIndex.get`; `hit` and `miss` walk keys in random order, `digest` adds what
a message costs before it: the keyed hash of the number and the institution's salt. The base is made beforehand of
random keys, by the function that the store uses, out of a database with the same table of states.
"""

import argparse
import json
import multiprocessing
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from msgspec import Struct

from proxy.core.persons import PersonIndex, index_key
from proxy.registry.keys import PersonSecret
from proxy.store.person_base import BaseIdentity, map_base, write_base

_IDENTITY: Final = BaseIdentity(bytes(16), 1, "B")
_LOOK_UPS: Final = 200_000
_TAIL: Final = 1_000
_MB_MOST: Final = 150
_US_MOST: Final = 2.0
_LOAD_S_MOST: Final = 10.0


class Figures(Struct, frozen=True):
    """One size: seconds, megabytes (10^6 octets) of growth, microseconds a look-up."""

    entries: int
    made_s: float
    file_mb: float
    load_s: float
    rss_mb: float
    hit_us: float
    miss_us: float
    digest_us: float

    @property
    def within(self) -> bool:
        return self.rss_mb <= _MB_MOST and max(self.hit_us, self.miss_us) <= _US_MOST and self.load_s < _LOAD_S_MOST


def _keys(count: int, seed: int) -> Iterator[int]:
    """About `count` keys in ascending order, as random as hashes: equal steps, each with a random offset."""
    draw = random.Random(seed)
    step = (1 << 64) // count
    return (place * step + draw.randrange(step) for place in range(count))


def make_base(folder: Path, count: int) -> bytes:
    """A database of states and its base file; returns the base's checksum."""
    database = folder / "states.db"
    with sqlite3.connect(database, isolation_level=None) as made:
        made.execute("PRAGMA journal_mode = OFF")
        made.execute("PRAGMA synchronous = OFF")
        made.execute("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER)")
        made.execute("INSERT INTO counters VALUES ('position', 1)")
        made.execute("CREATE TABLE suppression_state (key INTEGER PRIMARY KEY, value INTEGER)")
        made.execute("BEGIN")
        rows = ((key - (1 << 63), 1 + key % 15) for key in _keys(count, 1))
        made.executemany("INSERT INTO suppression_state VALUES (?, ?)", rows)
        made.execute("COMMIT")
    made.close()
    return write_base(database, "suppression_state", _IDENTITY, folder / "base")[1]


def _rss_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no VmRSS")


def _per_look_up(index: PersonIndex, keys: list[int]) -> float:
    get: Callable[[int], int] = index.get
    began = time.perf_counter()
    for key in keys:
        get(key)
    return (time.perf_counter() - began) / len(keys) * 1e6


def _measure(folder: Path, count: int, checksum: bytes, made_s: float, told: "multiprocessing.Queue[Figures]") -> None:
    draw = random.Random(2)
    misses = [draw.getrandbits(64) for _ in range(_LOOK_UPS)]
    tail = misses[-_TAIL:]
    before = _rss_mb()
    began = time.perf_counter()
    base = map_base(folder / "base", _IDENTITY, 1, checksum)
    index = PersonIndex(base.keys, base.values)
    for key in tail:
        index.put(key, 3)
    load_s = time.perf_counter() - began
    hits = [base.keys[draw.randrange(count)] for _ in range(_LOOK_UPS)]
    hit_us, miss_us = _per_look_up(index, hits), _per_look_up(index, misses[:-_TAIL])
    after = _rss_mb()
    if not all(index.get(key) for key in islice(hits, 1000)):
        raise RuntimeError("an entry of the base is not found")
    secret = PersonSecret(bytes(32), bytes(32)).person_key
    salt, numbers = secret.salt("jianglan"), [f"86138{place:08d}" for place in range(_LOOK_UPS)]
    began = time.perf_counter()
    for number in numbers:
        index.get(index_key(secret.digest(number), salt))
    digest_us = (time.perf_counter() - began) / len(numbers) * 1e6
    file_mb = (folder / "base").stat().st_size / 1e6
    told.put(Figures(count, made_s, file_mb, load_s, after - before, hit_us, miss_us, digest_us))


def measure(count: int) -> Figures:
    """Makes a base of `count` entries and measures it in a fresh process."""
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="tdgate-bench-") as name:
        folder = Path(name)
        began = time.perf_counter()
        checksum = make_base(folder, count)
        made_s = time.perf_counter() - began
        told: multiprocessing.Queue[Figures] = processes.Queue()
        process = processes.Process(target=_measure, args=(folder, count, checksum, made_s, told))
        process.start()
        process.join()
        if process.exitcode != 0:
            raise RuntimeError(f"the measuring process ended with {process.exitcode}")
        return told.get(timeout=10)


def table(found: list[Figures]) -> str:
    """For the screen: one line a size."""
    lines = ["   entries  file MB   load s  RSS +MB   hit us  miss us  with digest us  within targets"]
    lines += [
        f"{one.entries:>10,} {one.file_mb:>8.1f} {one.load_s:>8.2f} {one.rss_mb:>8.1f} {one.hit_us:>8.2f} "
        f"{one.miss_us:>8.2f} {one.digest_us:>15.2f}  {'yes' if one.within else 'NO'}"
        for one in found
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Prints a table or JSON; exit code 1 where a figure is beyond its target."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--sizes", default="100000,1000000,10000000", help="entries, comma separated")
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    found = [measure(int(size)) for size in parsed.sizes.split(",")]
    if parsed.json:
        rows = [{name: getattr(one, name) for name in (*Figures.__struct_fields__, "within")} for one in found]
        targets = {"rss_mb": _MB_MOST, "look_up_us": _US_MOST, "load_s": _LOAD_S_MOST}
        sys.stdout.write(json.dumps({"targets": targets, "rows": rows}, indent=2) + "\n")
    else:
        sys.stdout.write(table(found) + "\n")
    return 0 if all(one.within for one in found) else 1


if __name__ == "__main__":
    sys.exit(main())
