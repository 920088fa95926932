"""What desks take out of the spool, where a disk that cannot be read concerns nobody but the account whose it is.

Must never drop what cannot be read: it stays where it is, before what comes after it, and is tried again.
"""

from collections.abc import Callable
from typing import Final

from proxy.spool.entry import Entry
from proxy.spool.errors import SpoolDamagedError
from proxy.spool.spool import Spool


class WaitingDeliveries:
    """The `Deliveries` of all desks (see `pool/desk.py`)."""

    def __init__(self, spool: Spool, log: Callable[..., None]) -> None:
        self._spool: Final = spool
        self._log: Final = log

    def take(self, account: str, most: int) -> list[Entry]:
        """The account's next entries; none while the first cannot be read, which is told of."""
        try:
            return self._spool.take(account, most)
        except (OSError, SpoolDamagedError):
            # WHY caught: it is asked for in the tick, and while writing, of everybody.
            self._log("spool.unreadable", account=account)
            return []

    def done(self, entry: Entry) -> bool:
        return self._spool.done(entry)

    def give_back_entry(self, entry: Entry) -> bool:
        return self._spool.give_back_entry(entry)
