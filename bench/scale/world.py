"""A state directory of a given size, written straight into a store: records, states, ledgers, and contacts.

Owns what the world holds, and nothing of how it is measured. Everything is drawn from a fixed seed, but for what the
product makes itself when it first opens the store (its keys). All names and numbers are invented. Rows are written in
the order of their keys, so that no index is built at random places: 10^7 rows take a minute instead of an hour.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import struct
import sys
import time
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, Final
from zlib import crc32

from msgspec import Struct

from bench.cases import NUMBER, PASSWORD, PERSON_PREFIX
from proxy.core.contacts import second_of
from proxy.core.persons import PersonKey, index_key
from proxy.core.purposes import ALL_MARKETING, COLLECTION_SMS, MARKETING_SMS
from proxy.registry import passwords
from proxy.registry.dates import day_number, parse_date, since_s, until_s
from proxy.registry.keys import person_key_for
from proxy.registry.tables import TABLES
from proxy.store.opening import open_owner
from proxy.store.reader import signed

#: The institution for which all traffic is sent, and one that has nothing to do with it.
JIANGLAN: Final = "jianglan"
SINCE: Final = "2020-01-01"
UNTIL: Final = "2099-12-31"
#: Accounts of the load: acct0 … of the institution itself.
LOAD_ACCOUNTS: Final = 10
#: The account and number by which changes are looked for: those of a partner that the institution entrusts.
PROBE_ACCOUNT: Final = "probe"
PROBE_NUMBER: Final = "10690002"
PROBE_PARTNER: Final = "p000"
#: Persons that agreed and that changes are tried on: this prefix and six digits. The load never sends to them.
PROBE_PREFIX: Final = "8613900"
PROBE_PERSONS: Final = 20_000
#: Persons that the load sends to: `PERSON_PREFIX` and six digits, as many of them as there is room for.
_LOAD_PERSONS_MOST: Final = 1_000_000
_INSTITUTIONS: Final = 100
_AT_ONCE: Final = 50_000
_SHOWN: Final = 1_000_000


class Size(Struct, frozen=True):
    """How much of each there is."""

    numbers: int = 100_000
    entrustments: int = 10_000
    suppressions: int = 10_000_000
    consents: int = 10_000_000
    contacts: int = 0
    ledgers: bool = True


def configuration(state: Path, port: int, upstream: int, pack: Path) -> str:
    """tdgate.toml: mirror mode, one carrier, a pack that is open all day."""
    return (
        f'state = "{state}"\n'
        f"[[smpp.listeners]]\nport = {port}\n"
        f"[smpp.routes.default]\nport = {upstream}\n"
        f'[policy]\npack = "{pack}"\n'
        '[console]\nenabled = false\n[log]\nlevel = "warning"\n'
    )


#: Open all day, with a cap on collection, so that contacts are counted.
PACK: Final = """
[pack]
id = "scale"
version = 1
region = "CN"
source = "for the bench only"
effective = "2026-01-01"
shadow = false
[[hours]]
purposes = ["marketing", "collection"]
channels = ["sms", "voice"]
opens = "00:00"
closes = "24:00"
basis = "product default"
[[frequency]]
purposes = ["collection"]
channels = ["sms", "voice"]
most = 3
hours = 24
basis = "product default"
[validity]
cap_s = 86400
basis = "product default"
[collection_refusal]
closes_channel = true
basis = "product default"
"""


def say(line: str) -> None:
    """A line of progress."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def make(folder: Path, size: Size) -> Path:
    """Writes `folder`/var and the pack; returns the pack's path. Raises OSError or sqlite3.Error."""
    state = folder / "var"
    state.mkdir(parents=True)
    pack = folder / "scale.toml"
    pack.write_text(PACK, "utf-8")
    database = state / "registry.db"
    secret = person_key_for(database, state / "keys" / "person.key")
    asyncio.run(_opened(database, secret))
    for base in state.glob("*.base"):
        base.unlink()
    with sqlite3.connect(database, isolation_level=None) as store:
        store.execute("PRAGMA journal_mode = OFF")
        store.execute("PRAGMA synchronous = OFF")
        store.execute("PRAGMA cache_size = -400000")
        store.execute("DELETE FROM meta WHERE name LIKE 'base %'")
        store.execute("BEGIN")
        _records(store, size)
        _persons(store, secret.person_key, size)
        store.execute("COMMIT")
        store.execute("PRAGMA journal_mode = WAL")
    store.close()
    if size.contacts:
        _contacts(state / "contacts", secret.person_key, size.contacts)
    return pack


async def _opened(database: Path, secret: Any) -> None:
    await (await open_owner(database, secret)).close()


# ---- records ----------------------------------------------------------------------------------------------------


def _records(store: sqlite3.Connection, size: Size) -> None:
    since, until = since_s(parse_date(SINCE)), until_s(parse_date(UNTIL))
    period = {"since": since, "until": until}
    scope = {"purposes": "marketing,collection", "channels": "sms"}
    institutions = [JIANGLAN, *(f"i{place:03}" for place in range(1, _INSTITUTIONS))]
    partners = [f"p{place:03}" for place in range(max(1, -(-size.entrustments // _INSTITUTIONS)))]
    _insert(store, "institutions", ({"id": one, "name": f"虚构{one}", "kind": "bank"} for one in institutions))
    _insert(store, "licences", ({"institution": one, **scope, **period} for one in institutions))
    _insert(store, "partners", ({"id": one, "name": f"虚构{one}", **period} for one in partners))
    pairs = ((one, other) for other in partners for one in institutions)
    entrusted = ({"institution": i, "partner": p, **scope, **period} for i, p in islice(pairs, size.entrustments))
    _insert(store, "entrustments", entrusted)
    numbers = {"telecom": "示例通信（虚构）", **scope, **period}
    own = (
        {"address": NUMBER, "principal": JIANGLAN, "operator": JIANGLAN, **numbers, "extensible": 1},
        {"address": PROBE_NUMBER, "principal": JIANGLAN, "operator": PROBE_PARTNER, **numbers, "extensible": 1},
    )
    _insert(store, "numbers", own)
    _insert(store, "numbers", (number_row(place) | numbers for place in range(size.numbers - len(own))))
    telecom = {"telecom_licence_since": since, "telecom_licence_until": until}
    account = {
        "principal": JIANGLAN,
        "purposes": "marketing",
        "password_hash": passwords.hash_password(PASSWORD),
        "reviewed_by": "审核甲（虚构）\n审核乙（虚构）",
        "responsible": "责任人（虚构）",
        "window": 1000,
        **telecom,
    }
    loads = [{"id": f"acct{place}", "operator": JIANGLAN, **account} for place in range(LOAD_ACCOUNTS)]
    _insert(store, "accounts", [*loads, {"id": PROBE_ACCOUNT, "operator": PROBE_PARTNER, **account}])
    store.execute("UPDATE counters SET value = 1 WHERE name = 'revision'")
    store.execute("INSERT INTO revisions VALUES (1, ?, 'bench', 0)", (time.time_ns() // 1000,))


def number_row(place: int) -> dict[str, Any]:
    """Who holds the number at a place of the library: address, principal and operator."""
    institution = f"i{1 + place % (_INSTITUTIONS - 1):03}"
    return {"address": f"1068{place:08}", "principal": institution, "operator": institution}


def _insert(store: sqlite3.Connection, table: str, rows: Iterable[dict[str, Any]]) -> None:
    shape = TABLES[table]
    defaults = {column.name: "" if column.default is None else column.default for column in shape.columns}
    names = [*shape.names, "revision"]
    sql = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
    whole = ({**defaults, **row, "revision": 1} for row in rows)
    store.executemany(sql, ([row[name] for name in names] for row in whole))


# ---- persons ----------------------------------------------------------------------------------------------------


def _persons(store: sqlite3.Connection, key: PersonKey, size: Size) -> None:
    salt = key.salt(JIANGLAN)
    until_day = day_number(until_s(parse_date(UNTIL)))
    agreed = [index_key(key.digest(f"{PROBE_PREFIX}{n:06d}"), salt) for n in range(PROBE_PERSONS)]
    loaded = min(_LOAD_PERSONS_MOST, max(0, size.consents - PROBE_PERSONS))
    say(f"persons of the load: {loaded:,}")
    agreed += [index_key(key.digest(f"{PERSON_PREFIX}{n:06d}"), salt) for n in range(loaded)]
    consents = _merged(agreed, size.consents, 1)
    _states(store, "consent_state", consents, MARKETING_SMS | until_day << 8)
    _states(store, "suppression_state", _merged([], size.suppressions, 2), ALL_MARKETING)
    if size.ledgers:
        moment = time.time_ns() // 1000 - 86_400_000_000
        about: tuple[Any, ...] = (JIANGLAN, MARKETING_SMS, until_day, "consent", "", "虚构", "", moment)
        named = "institution, bits, until_day, basis, product, source, proof_hash, recorded_us"
        _ledger(store, "consents", _merged(agreed, size.consents, 1), salt, key.key_id, moment, named, about)
        about = (JIANGLAN, ALL_MARKETING, "sms", "import", "", "", "", "")
        named = "institution, bits, channel, source, label, matched, number_to, decision"
        refused = _merged([], size.suppressions, 2)
        _ledger(store, "suppressions", refused, salt, key.key_id, moment, named, about)
    store.execute("UPDATE counters SET value = 1 WHERE name = 'position'")


def _merged(known: list[int], count: int, seed: int) -> Iterator[int]:
    """`known` keys and as many random ones as are missing, ascending: hashes are random, so random keys they are."""
    known = sorted(known)
    others = count - len(known)
    draw = random.Random(seed)
    step = (1 << 64) // max(others, 1)
    at = 0
    for place in range(others):
        key = place * step + draw.randrange(step)
        while at < len(known) and known[at] <= key:
            yield known[at]
            at += 1
        yield key
    yield from known[at:]


def _shown(what: str, rows: Iterable[Any]) -> Iterator[Any]:
    for place, row in enumerate(rows, 1):
        if place % _SHOWN == 0:
            say(f"{what}: {place:,}")
        yield row


def _states(store: sqlite3.Connection, table: str, keys: Iterable[int], value: int) -> None:
    sql = f"INSERT OR IGNORE INTO {table} (key, value, position) VALUES (?, ?, 1)"
    store.executemany(sql, ((signed(key), value) for key in _shown(table, keys)))


def _ledger(
    store: sqlite3.Connection,
    table: str,
    keys: Iterable[int],
    salt: int,
    key_id: int,
    moment: int,
    named: str,
    about: tuple[Any, ...],
) -> None:
    """Rows as the product would write them, but for numbers, which nobody could unseal."""
    sql = (
        f"INSERT INTO {table} (at_us, key, person, key_id, number, {named}) "
        f"VALUES (?, ?, ?, ?, ?, {', '.join('?' * len(about))})"
    )
    tail, sealed = bytes(8), bytes(41)
    store.executemany(
        sql,
        ((moment, signed(key), (key ^ salt).to_bytes(8) + tail, key_id, sealed, *about) for key in _shown(table, keys)),
    )


# ---- contacts ---------------------------------------------------------------------------------------------------


def _contacts(folder: Path, key: PersonKey, count: int) -> None:
    """Segments of as many contacts of different persons within the last hours, as a running process leaves them."""
    folder.mkdir()
    draw, now = random.Random(3), second_of(time.time())
    header = struct.pack("<8sII", b"tdgcont1", key.key_id, 0)
    before_check = struct.Struct("<QIBB")
    for number, first in enumerate(range(0, count, 65_535), 1):
        made = bytearray(header)
        for place in range(first, min(first + 65_535, count)):
            head = before_check.pack(
                draw.getrandbits(64) or 1, now - 36_000 * (count - place) // count, COLLECTION_SMS, 1
            )
            made += head + (crc32(head) & 0xFFFF).to_bytes(2, "little")
        (folder / f"{number:010d}.contacts").write_bytes(bytes(made).ljust(1 << 20, b"\0"))
        if number % 16 == 0:
            say(f"contacts: {first + 65_535:,}")


def name_of(size: Size) -> str:
    """A folder's name for a world of this size as this file makes it."""
    made_of = blake2b(repr(size).encode() + Path(__file__).read_bytes(), digest_size=6)
    migrations = Path(__file__).resolve().parents[2] / "proxy" / "store" / "migrations"
    for one in sorted(migrations.glob("*.sql")):
        made_of.update(one.read_bytes())
    return f"scale-{made_of.hexdigest()}"
