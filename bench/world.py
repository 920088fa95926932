"""The state directories that the bench starts tdgate on: made once, kept below `bench/build/`, copied for each run.

Owns how the world of `bench.cases` becomes a registry: records by the product's own import command, persons by the
product's own writer of base files, out of a throw-away table of states. 10^7 rows in the ledger would take minutes and
gigabytes and change nothing of what is measured: the proxy reads the base. Never measures.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

from bench import cases
from proxy.core.persons import PersonKey, index_key
from proxy.core.purposes import ALL_MARKETING, MARKETING_SMS
from proxy.registry.dates import day_number, parse_date, until_s
from proxy.registry.keys import load_person_key
from proxy.store.person_base import BaseIdentity, ValueCode, write_base
from proxy.store.person_load import CONSENTS, SUPPRESSIONS
from proxy.store.reader import signed

INSTITUTION: Final = "jianglan"
UNTIL: Final = "2099-12-31"
_SINCE: Final = "2020-01-01"
_ROOT: Final = Path(__file__).resolve().parent.parent
#: A kept world is made anew when any of these changed.
_MADE_OF: Final = (
    "bench/world.py",
    "proxy/core/addresses.py",
    "proxy/core/persons.py",
    "proxy/core/purposes.py",
    "proxy/registry/keys.py",
    "proxy/registry/passwords.py",
    "proxy/store/person_base.py",
    "proxy/store/migrations/0001_registry.sql",
    "proxy/store/migrations/0004_records.sql",
)


def records() -> dict[str, Any]:
    """The sections of the registry file: one invented institution, its number, and `ACCOUNTS` accounts."""
    period = {"since": _SINCE, "until": UNTIL}
    return {
        "about": "虚构 invented, for the bench",
        "institutions": [{"id": INSTITUTION, "name": "江澜银行（虚构）", "kind": "bank", "short_names": ["江澜银行"]}],
        "licences": [{"institution": INSTITUTION, "purposes": ["marketing"], "channels": ["sms"], **period}],
        "numbers": [
            {
                "address": cases.NUMBER,
                "principal": INSTITUTION,
                "operator": INSTITUTION,
                "telecom": "示例通信（虚构）",
                "channels": ["sms"],
                "purposes": ["marketing"],
                "extensible": True,
                **period,
            }
        ],
        "service_phones": [{"owner": INSTITUTION, "phone": "400-000-1001", **period}],
        "products": [
            {"institution": INSTITUTION, "name": name, **period} for name in ("安居贷", "薪享贷", "税易贷", "乡兴贷")
        ],
        "accounts": [
            {
                "id": cases.account(number),
                "principal": INSTITUTION,
                "operator": INSTITUTION,
                "purposes": ["marketing"],
                "password": cases.PASSWORD,
                "reviewed_by": ["审核甲（虚构）", "审核乙（虚构）"],
                "telecom_licence_since": _SINCE,
                "telecom_licence_until": UNTIL,
                "responsible": "责任人（虚构）",
                "window": 1000,
            }
            for number in range(cases.ACCOUNTS)
        ],
    }


def put_state(state: Path, suppressed: float) -> None:
    """A fresh state directory of the world at `state`; a former one is thrown away.

    Bases are hard links where the file system allows: the product maps them, and replaces them whole.
    """
    kept = _kept(suppressed)
    shutil.rmtree(state, ignore_errors=True)
    shutil.copytree(kept, state, copy_function=_link_or_copy)


def _link_or_copy(source: str, target: str) -> str:
    if source.endswith(".base"):
        try:
            os.link(source, target)
        except OSError:
            return shutil.copy2(source, target)
        return target
    return shutil.copy2(source, target)


def _kept(suppressed: float) -> Path:
    folder = _ROOT / "bench" / "build"
    name = f"world-{_digest(suppressed)}"
    found = folder / name
    if not found.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="world-making-", dir=folder) as made:
            state = Path(made) / "var"
            _make(Path(made), state, suppressed)
            try:
                state.rename(found)
            except OSError:
                # WHY: another bench may have made the same one meanwhile.
                if not found.is_dir():
                    raise
        _forget_others(folder)
    return found


def _forget_others(folder: Path) -> None:
    """Worlds of former versions go: 100 MB each."""
    current = {f"world-{_digest(case.suppressed)}" for case in cases.CASES.values()}
    for one in folder.glob("world-*"):
        if one.name not in current and not one.name.startswith("world-making-"):
            shutil.rmtree(one, ignore_errors=True)


def _digest(suppressed: float) -> str:
    world = (suppressed, cases.OTHER_SUPPRESSIONS, cases.PERSONS, cases.person(0), records())
    total = blake2b(repr(world).encode(), digest_size=8)
    for name in _MADE_OF:
        total.update((_ROOT / name).read_bytes())
    return total.hexdigest()


def _make(folder: Path, state: Path, suppressed: float) -> None:
    config, file = folder / "tdgate.toml", folder / "registry.json"
    config.write_text(f'state = "{state}"\n', "utf-8")
    file.write_text(json.dumps(records(), ensure_ascii=False), "utf-8")
    command = [sys.executable, "-m", "proxy", "registry", "import", "--config", str(config), str(file)]
    subprocess.run(command, check=True, cwd=_ROOT, stdout=subprocess.DEVNULL)
    key = load_person_key(state / "keys" / "person.key").person_key
    salt = key.salt(INSTITUTION)
    until_day = day_number(until_s(parse_date(UNTIL)))
    agreed = sorted((_key(key, salt, cases.person(n)), MARKETING_SMS | until_day << 8) for n in range(cases.PERSONS))
    refused = sorted((_key(key, salt, person), ALL_MARKETING) for person in cases.suppressed_persons(suppressed))
    with sqlite3.connect(state / "registry.db", isolation_level=None) as store:
        meta = dict(store.execute("SELECT name, value FROM meta").fetchall())
        (position,) = store.execute("SELECT value FROM counters WHERE name = 'position'").fetchone()
        store_id = bytes.fromhex(meta["store_id"])
        for plan, entries in ((CONSENTS, agreed), (SUPPRESSIONS, heapq.merge(refused, _others()))):
            checksum = _write(folder, state / plan.file_name, store_id, key.key_id, plan.code, position, entries)
            store.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (f"base {plan.file_name}", checksum.hex()))
    store.close()


def _key(key: PersonKey, salt: int, person: str) -> int:
    return index_key(key.digest(person), salt)


def _others() -> Iterator[tuple[int, int]]:
    """The keys of people who are never sent to: hashes are random, so random keys they are, in ascending order."""
    draw = random.Random(1)
    step = (1 << 64) // cases.OTHER_SUPPRESSIONS
    for place in range(cases.OTHER_SUPPRESSIONS):
        yield place * step + draw.randrange(step), ALL_MARKETING


def _write(
    folder: Path,
    base: Path,
    store_id: bytes,
    key_id: int,
    code: ValueCode,
    position: int,
    entries: Iterable[tuple[int, int]],
) -> bytes:
    """One base file; returns its checksum, which the store has to remember."""
    database = folder / "states.db"
    with sqlite3.connect(database, isolation_level=None) as made:
        made.execute("PRAGMA journal_mode = OFF")
        made.execute("PRAGMA synchronous = OFF")
        made.execute("CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER)")
        made.execute("INSERT INTO counters VALUES ('position', ?)", (position,))
        made.execute("CREATE TABLE states (key INTEGER PRIMARY KEY, value INTEGER)")
        made.execute("BEGIN")
        made.executemany("INSERT INTO states VALUES (?, ?)", ((signed(key), value) for key, value in entries))
        made.execute("COMMIT")
    made.close()
    checksum = write_base(database, "states", BaseIdentity(store_id, key_id, code), base)[1]
    database.unlink()
    return checksum
