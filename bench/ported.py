"""What ported numbers cost: importing a CSV of them, the file, loading it, the memory it takes, and a look-up.

    python -m bench.ported [--rows 1000000] [--json]

A CSV of invented numbers is written, taken in as `tdgate routing import-ported` does (read, checked, sorted, written),
and loaded in a fresh process as the proxy does at start. Growth is that of VmRSS in /proc/self/status, mapped pages
counted, after look-ups all over the file; `peak` is the importer's. Look-ups are `CarrierTable.of` with the digest at
hand, in random order: a number that was ported, and one that is known by its prefix.
"""

import argparse
import json
import multiprocessing
import random
import resource
import sys
import tempfile
import time
from itertools import pairwise
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

from msgspec import Struct

from proxy.core.persons import PersonKey
from proxy.registry.carriers import read_carriers, read_ported
from proxy.store.ported_file import PortedRows, load_ported

_KEY: Final = PersonKey(bytes(32), 1)
_LOOK_UPS: Final = 200_000
_STEP: Final = 7


class Imported(Struct, frozen=True):
    """What an import took: seconds, and megabytes (10^6 octets)."""

    read_s: float
    sort_s: float
    write_s: float
    peak_mb: float
    file_mb: float


class Figures(Struct, frozen=True):
    """One size: seconds, megabytes of growth, microseconds a look-up."""

    rows: int
    imported: Imported
    load_s: float
    rss_mb: float
    ported_us: float
    prefix_us: float


def _number(place: int) -> str:
    """An invented number: every seventh of 130 0000 0000 and up, so that its neighbours are not ported."""
    return str(13_000_000_000 + place * _STEP)


def _write_csv(path: Path, rows: int) -> None:
    names = ("mobile", "中国联通", "telecom", "broadnet")
    with path.open("w", encoding="utf-8") as file:
        file.write("number,carrier\n")
        file.writelines(f"{_number(place)},{names[place & 3]}\n" for place in range(rows))


def _import(folder: Path, told: "multiprocessing.Queue[Imported]") -> None:
    carriers = read_carriers()
    rows = PortedRows(carriers.names, _KEY.key_id)
    moments = [time.perf_counter()]
    _, problems = read_ported(folder / "ported.csv", carriers, _KEY, rows)
    moments.append(time.perf_counter())
    conflicts = rows.settle()
    moments.append(time.perf_counter())
    rows.write(folder / "ported.base")
    moments.append(time.perf_counter())
    if problems or conflicts:
        raise RuntimeError(f"{len(problems) + len(conflicts)} wrong rows")
    read_s, sort_s, write_s = (after - before for before, after in pairwise(moments))
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    told.put(Imported(read_s, sort_s, write_s, peak_mb, (folder / "ported.base").stat().st_size / 1e6))


def _rss_mb() -> float:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise RuntimeError("/proc/self/status has no VmRSS")


def _load(folder: Path, rows: int, imported: Imported, told: "multiprocessing.Queue[Figures]") -> None:
    draw = random.Random(1)
    places = [draw.randrange(rows) for _ in range(_LOOK_UPS)]
    ported = [(f"86{_number(place)}", _KEY.digest(f"86{_number(place)}")) for place in places]
    others = [f"86{int(_number(place)) + 1}" for place in places]
    known = [(recipient, _KEY.digest(recipient)) for recipient in others]
    prefixes = read_carriers()
    before = _rss_mb()
    began = time.perf_counter()
    table = prefixes.with_ported(load_ported(folder / "ported.base", _KEY.key_id))
    load_s = time.perf_counter() - began
    took = []
    for pairs in (ported, known):
        began = time.perf_counter()
        for recipient, person in pairs:
            table.of(recipient, person)
        took.append((time.perf_counter() - began) / len(pairs) * 1e6)
    rss_mb = _rss_mb() - before
    if not all(table.ported.of(person) for _, person in ported) or any(table.ported.of(person) for _, person in known):
        raise RuntimeError("a ported number is not found, or one is found that was not ported")
    told.put(Figures(rows, imported, load_s, rss_mb, *took))


def measure(rows: int) -> Figures:
    """Imports and loads so many rows, each in a fresh process."""
    processes = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="tdgate-bench-") as name:
        folder = Path(name)
        _write_csv(folder / "ported.csv", rows)
        imports: multiprocessing.Queue[Imported] = processes.Queue()
        importing = processes.Process(target=_import, args=(folder, imports))
        _run(importing)
        imported = imports.get(timeout=10)
        loads: multiprocessing.Queue[Figures] = processes.Queue()
        loading = processes.Process(target=_load, args=(folder, rows, imported, loads))
        _run(loading)
        return loads.get(timeout=10)


def _run(process: BaseProcess) -> None:
    process.start()
    process.join()
    if process.exitcode != 0:
        raise RuntimeError(f"the measuring process ended with {process.exitcode}")


def main(arguments: list[str] | None = None) -> int:
    """Prints one line a figure, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    found = measure(parsed.rows)
    told = {name: getattr(found.imported, name) for name in Imported.__struct_fields__}
    told |= {name: getattr(found, name) for name in Figures.__struct_fields__ if name != "imported"}
    if parsed.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        sys.stdout.writelines(f"{name:>10}  {value:,.2f}\n" for name, value in told.items())
    return 0


if __name__ == "__main__":
    sys.exit(main())
