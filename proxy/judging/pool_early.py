"""Receipts that came before the answer to their message, in pool mode: found by the ids that the answer may bring.

Owns their order and how long they wait. Must never lose one: whoever takes one out delivers it or says that it is about
nothing. How it works: each stands under every id that it may mean, folded as the trail folds ids; an answer looks under
its own. WHY: on the day of a move receipts for messages of another system come by the thousand, and none is known here.
"""

from collections.abc import Callable
from typing import Final

from proxy.pool.bind import PoolBind
from proxy.smpp.inbound import Receipt
from proxy.smpp.pdu import Pdu

_EARLY_MOST: Final = 10_000
_EARLY_S: Final = 5.0


class Early:
    """A receipt that waits for the answer to its message. `until` is monotonic seconds."""

    __slots__ = ("bind", "names", "pdu", "receipt", "until")

    def __init__(self, bind: PoolBind, pdu: Pdu, receipt: Receipt, until: float, names: frozenset[bytes]) -> None:
        self.bind: Final = bind
        self.pdu: Final = pdu
        self.receipt: Final = receipt
        self.until: Final = until
        #: The ids that it may mean.
        self.names: Final = names


class EarlyInPool:
    """All of a pool. `likely_ids` as in `smpp/receipt_ids.py`."""

    def __init__(self, likely_ids: Callable[[bytes], tuple[bytes, ...]]) -> None:
        self._likely_ids = likely_ids
        #: In the order in which they came.
        self._all: dict[Early, None] = {}
        self._by_name: dict[tuple[str, bytes], dict[Early, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def wait(self, bind: PoolBind, pdu: Pdu, receipt: Receipt, now: float) -> bool:
        """Lets a receipt wait; False where there is no room."""
        if len(self._all) >= _EARLY_MOST:
            return False
        names = frozenset([_folded(form) for each in receipt.ids for form in (each, *self._likely_ids(each))])
        early = Early(bind, pdu, receipt, now + _EARLY_S, names)
        self._all[early] = None
        for name in names:
            self._by_name.setdefault((bind.route, name), {})[early] = None
        return True

    def about(self, route: str, carrier_id: bytes) -> list[Early]:
        """Those that may be about the message to which a carrier has just given this id; they stay."""
        return list(self._by_name.get((route, _folded(carrier_id)), ()))

    def remove(self, early: Early) -> None:
        """It is delivered."""
        del self._all[early]
        for name in early.names:
            key = (early.bind.route, name)
            theirs = self._by_name[key]
            del theirs[early]
            if not theirs:
                del self._by_name[key]

    def expired(self, now: float) -> list[Early]:
        """Takes out those that waited long enough."""
        late: list[Early] = []
        for early in self._all:
            if early.until > now:
                break
            late.append(early)
        for early in late:
            self.remove(early)
        return late

    def leave(self, bind: PoolBind) -> None:
        """A bind is gone: its carrier was never answered, and sends them again."""
        for early in [one for one in self._all if one.bind is bind]:
            self.remove(early)


def _folded(message_id: bytes) -> bytes:
    """As `trail.by_carrier` compares ids: whatever their case and leading zeros."""
    return message_id.lstrip(b"0").upper()
