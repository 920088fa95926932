"""Who binds: passwords checked off the loop, a bounded number at once, failures answered alike and ever later.

Owns the memory of recent failures and of passwords that were right (as a keyed hash, for this process only), so that
500 ESMEs that bind again at once cost one hash each and no Argon2. Must never tell an unknown system_id from a wrong
password: both take a full check and get their answer at the same moment. Must never log a password. Must never let one
peer lock out another: the threads serve the peers' addresses in turn, and what may wait is counted for each address.
"""

import asyncio
import hmac
import secrets
from base64 import b64encode
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import Final

import argon2
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import ARGON2_VERSION

from proxy.binds.turns import Turns
from proxy.core.records import Account

_KEPT: Final = 10_000
#: How many may wait in the line of a pair that has failed. WHY not of one that has not: where the many binds of one
#: account come back at once after a restart, all wait for one check, and none after it.
_LINE_MOST: Final = 32
#: OWASP's first choice for Argon2id: 19 MiB, two passes, one lane.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)


class TooManyChecksError(Exception):
    """More binds of this peer wait for their password check than are allowed to: it shall come again later."""


class Credentials:
    """Checks passwords. Times are seconds of the loop's clock.

    `at_once` checks run at one time; `pending_most` of one peer's address may wait for theirs or be in it.
    """

    def __init__(self, *, at_once: int, pending_most: int, delay_first_s: float, delay_most_s: float) -> None:
        # WHY: Argon2 gives up the GIL while it works, so these threads never hold the wire.
        self._pool = ThreadPoolExecutor(max_workers=at_once, thread_name_prefix="password")
        self._pending_most = pending_most
        self._delay_first_s = delay_first_s
        self._delay_most_s = delay_most_s
        self._secret = secrets.token_bytes(32)
        self._right: dict[str, tuple[str, bytes]] = {}
        self._failures: OrderedDict[tuple[str, str], int] = OrderedDict()
        #: By (system_id, peer): a guess begins when the one before it was answered.
        self._guesses: Turns[tuple[str, str]] = Turns()
        #: By peer's address, for the threads. WHY: so none has more in the pool's own line than there are threads, and
        #: another's check waits for no more of it, however many it has waiting here.
        self._checks: Turns[str] = Turns(at_once)
        self._nobody = hash_of_nobody()

    async def check(self, account: Account | None, system_id: str, password: bytes, peer: str) -> bool:
        """Whether this password opens this account (None: there is none of that name).

        Answers a failure no sooner than a delay that doubles with each failure of (system_id, peer). Attempts of one
        pair wait for each other, so that guessing in parallel gains nothing. Raises TooManyChecksError.
        """
        if account is not None and self._was_right(account, password):
            return True
        key = (system_id, peer)
        if self._is_crowded(key):
            raise TooManyChecksError
        async with self._guesses.turn(key):
            return await self._check_now(account, password, key)

    def _is_crowded(self, key: tuple[str, str]) -> bool:
        """Whether no more of a pair may wait. INVARIANT: it does not hang on whether there is such an account."""
        return key in self._failures and self._guesses.standing(key) > _LINE_MOST

    async def _check_now(self, account: Account | None, password: bytes, key: tuple[str, str]) -> bool:
        if account is not None and self._was_right(account, password):
            return True
        peer = key[1]
        # WHY the line again: of those who stood in it before their pair failed, no more may wait than of others.
        if self._is_crowded(key) or self._checks.standing(peer) >= self._pending_most:
            raise TooManyChecksError
        loop = asyncio.get_running_loop()
        failures = self._failures.get(key, 0)
        answer_at = loop.time() + min(self._delay_first_s * 2.0**failures, self._delay_most_s)
        known = account.password_hash if account is not None else self._nobody
        # WHY only this: who waits for a late answer, or behind one, takes no thread's time from anybody.
        async with self._checks.turn(peer):
            right = await loop.run_in_executor(self._pool, _verify, known, password)
        if right and account is not None:
            self._right[account.id] = (account.password_hash, self._digest(password))
            self._failures.pop(key, None)
            return True
        self._failures[key] = min(failures + 1, 32)
        self._failures.move_to_end(key)
        while len(self._failures) > _KEPT:
            self._failures.popitem(last=False)
        await asyncio.sleep(max(0.0, answer_at - loop.time()))
        return False

    def _digest(self, password: bytes) -> bytes:
        return blake2b(password, key=self._secret, digest_size=32).digest()

    def _was_right(self, account: Account, password: bytes) -> bool:
        known = self._right.get(account.id)
        # The hash is part of it, so that a changed password ends what was remembered.
        return (
            known is not None
            and known[0] == account.password_hash
            and hmac.compare_digest(known[1], self._digest(password))
        )

    def close(self) -> None:
        """Ends the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def hash_of_nobody() -> str:
    """What an unknown system_id is checked against: drawn, not worked out, so no password is known to fit it.

    WHY: checking against it costs what a check costs, and a start of the process costs none.
    """
    salt, digest = (
        b64encode(secrets.token_bytes(size)).decode("ascii").rstrip("=") for size in (HASHER.salt_len, HASHER.hash_len)
    )
    costs = f"m={HASHER.memory_cost},t={HASHER.time_cost},p={HASHER.parallelism}"
    return f"$argon2id$v={ARGON2_VERSION}${costs}${salt}${digest}"


def _verify(known: str, password: bytes) -> bool:
    try:
        return argon2.PasswordHasher().verify(known, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
