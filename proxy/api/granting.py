"""Who asks: the token of a request, looked up in the store each time, so that a revoked one ends with the next request.

Reads only. Must never log a token, nor tell why one is none: unknown, expired and revoked look the same.
"""

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from hmac import compare_digest
from pathlib import Path
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from proxy.registry.ports import ApiToken, StoreError
from proxy.registry.tokens import TOKEN_CHARACTERS, digest_of, state_of

_SCHEME: Final = "bearer"
_COLUMNS: Final = ", ".join(ApiToken.__struct_fields__)


class Granted(Struct, frozen=True):
    """What a token allows. `label` is the person's name, where one acts in it."""

    token: str
    institution: str
    scopes: frozenset[str]
    label: str = ""


def token_in(header: str) -> str:
    """The token of an Authorization header (RFC 6750 §2.1); empty where it has none."""
    scheme, _, token = header.partition(" ")
    token = token.strip(" ")
    return token if scheme.lower() == _SCHEME and len(token) == TOKEN_CHARACTERS and token.isascii() else ""


class TokenBook:
    """Tokens as the store has them. `clock` gives UTC seconds."""

    def __init__(self, database: Path, clock: Callable[[], float] = time.time) -> None:
        self._name = f"file:{quote(str(database))}?mode=ro"
        self._clock = clock

    def find(self, token: str) -> Granted | None:
        """What a token allows now, None where it is none; raises StoreError."""
        digest = digest_of(token)
        # WHY opened each time: a store that was put back from a backup is another file under the same name.
        try:
            with closing(sqlite3.connect(self._name, uri=True, isolation_level=None, timeout=2)) as reading:
                row = reading.execute(f"SELECT {_COLUMNS} FROM api_tokens WHERE digest = ?", (digest,)).fetchone()
        except sqlite3.Error as error:
            raise StoreError(f"tokens cannot be read: {error}") from error
        found = None if row is None else ApiToken(*row)
        if found is None or not compare_digest(found.digest, digest):
            return None
        if state_of(found, int(self._clock() * 1e6)) != "valid":
            return None
        return Granted(found.id, found.institution, frozenset(found.scopes.split(",")), found.label)
