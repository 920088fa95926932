"""The keys of persons as files and store together have them: one key, two during a rotation, two until one is retired.

Owns the reading of that state, for the owner of the store and for whoever reads beside it. Must never guess: a key that
the store speaks of and that is not there is an error which says what to put back.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import quote

from proxy.registry.keys import (
    PersonKeyError,
    PersonSecret,
    begin_next,
    former_of,
    key_id_of,
    load_person_key,
    next_of,
    person_key_for,
)
from proxy.store.donotcall_file import DONOTCALL_FOLDER
from proxy.store.person_base import made_with
from proxy.store.ported_file import PORTED_FILE

NEXT: Final = "person_key_next"
FORMER: Final = "person_key_former"
MOVED: Final = "person_key_moved"
MOVED_AT: Final = "person_key_moved_at"


def secret_for(database: Path, path: Path) -> PersonSecret:
    """The keys of a store for whoever writes: made together with a new store. Raises PersonKeyError."""
    if not database.exists():
        return person_key_for(database, path)
    return load_secret(database, path)


def load_secret(database: Path, path: Path) -> PersonSecret:
    """The keys of a store; raises PersonKeyError."""
    if not path.exists() and database.exists():
        return person_key_for(database, path)  # which says what to put back
    secret = load_person_key(path)
    known = _meta(database)
    if NEXT in known:
        if not next_of(path).exists() or key_id_of(next_of(path)) != int(known[NEXT]):
            raise PersonKeyError(f"{next_of(path)}: missing or another key, although a rotation to it is under way")
        begin_next(secret, path)
        secret.person_key.moved_to(bytes.fromhex(known.get(MOVED, "")))
    elif next_of(path).exists() and known.get("person_key_id") == str(key_id_of(next_of(path))):
        begin_next(secret, path)
        secret.person_key.all_moved()
    elif FORMER in known:
        if not former_of(path).exists() or key_id_of(former_of(path)) != int(known[FORMER]):
            raise PersonKeyError(f"{former_of(path)}: missing or another key, although it is not retired yet")
        secret.recall(load_person_key(former_of(path)))
        secret.person_key.all_moved()
    return secret


def files_under(database: Path, key_id: int) -> list[str]:
    """Files of hashes that were made with a key of persons, and can be of use with no other."""
    found = [*database.with_name(DONOTCALL_FOLDER).glob("*.base"), database.with_name(PORTED_FILE)]
    return [path.name for path in found if path.exists() and made_with(path) == key_id]


def _meta(database: Path) -> dict[str, str]:
    if not database.exists():
        return {}
    try:
        with closing(sqlite3.connect(f"file:{quote(str(database))}?mode=ro", uri=True, timeout=5)) as reading:
            if not reading.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone():
                return {}
            return dict(reading.execute("SELECT name, value FROM meta WHERE name LIKE 'person_key%'").fetchall())
    except sqlite3.Error as error:
        raise PersonKeyError(f"{database}: which keys it needs cannot be read: {error}") from error
