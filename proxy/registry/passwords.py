"""Passwords of accounts: argon2id, with parameters that a bind can afford (19 MiB, two passes, one lane).

Must never keep or show a password. Hashing takes some 25 ms of one core: off the loop, and bounded, by the caller.
"""

import secrets
from typing import Final

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
#: SMPP v3.4 §4.1.1: a password of at most 8 octets and a NUL.
PASSWORD_MOST_OCTETS: Final = 8
#: Written in place of a hash: this account has no password.
NO_PASSWORD: Final = "none"


def checked_password(value: object) -> str:
    """A password as SMPP can carry it; raises ValueError with a reason that does not repeat it."""
    if not isinstance(value, str) or not value:
        raise ValueError("must be text, not empty")
    if len(value) > PASSWORD_MOST_OCTETS or not value.isascii() or not value.isprintable():
        raise ValueError(f"SMPP carries at most {PASSWORD_MOST_OCTETS} printable ASCII characters")
    return value


def hash_password(password: str) -> str:
    """The argon2id hash of a password in PHC form."""
    return _HASHER.hash(password)


def hash_of_nothing() -> str:
    """The hash of a password that nobody has, for an account that binds nowhere: a trunk.

    WHY not an empty one: who guesses must not see, by how long it takes, which accounts have none.
    """
    return _HASHER.hash(secrets.token_hex(32))


def checked_hash(value: object) -> str:
    """An argon2 hash in PHC form; raises ValueError."""
    try:
        extract_parameters(str(value))
    except InvalidHashError as error:
        raise ValueError("not an argon2 hash in PHC form ($argon2id$…)") from error
    return str(value)
