"""Counts contacts where permits are recorded, and takes back those that were none (C1 C4 J7).

Owns what a contact is: a permitted message, all its parts together, or a call that rang. It counts at the permit, and
is taken back where the carrier refuses it, or the call never rings. Must never take back what may have been sent: an
unknown end counts. How it works: the latest permits under a cap are remembered by decision, two generations of them.
"""

from collections.abc import Callable
from typing import Final

from proxy.core.contacts import Contacts, second_of
from proxy.core.decision import Decision
from proxy.core.ground import ASKS_MESSAGE, Ground
from proxy.core.persons import PersonKey
from proxy.core.purposes import PURPOSE_BITS

#: What is put on record: (bit, person, second, kind).
Keep = Callable[[int, int, int, int], None]
ADDED: Final = 1
TAKEN_BACK: Final = 2
_REMEMBERED: Final = 65_536
_DIGEST_OCTETS: Final = 16


class ContactBook:
    """The one that changes `Contacts`. Used on the loop only."""

    __slots__ = ("_contacts", "_keep", "_key", "_new", "_old", "_salts")

    def __init__(self, contacts: Contacts, key: PersonKey, keep: Keep) -> None:
        self._contacts = contacts
        self._key = key
        self._keep = keep
        self._salts: dict[str, int] = {}
        #: Decision → bit, person, second.
        self._new: dict[int, tuple[int, int, int]] = {}
        self._old: dict[int, tuple[int, int, int]] = {}

    def bit_of(self, ground: Ground) -> int:
        """The table in which permits on this ground are counted, 0 where in none."""
        if ground.effect != "allow" or ground.asks != ASKS_MESSAGE:
            return 0
        bit = PURPOSE_BITS.get((ground.purpose, ground.channel), 0)
        return bit if bit in self._contacts.tables else 0

    def permitted(self, bit: int, decision: Decision, at: float) -> None:
        """A permit was recorded, at UTC seconds."""
        if len(decision.person) != _DIGEST_OCTETS:
            return
        principal = decision.ground.principal
        salt = self._salts.get(principal)
        if salt is None:
            salt = self._salts[principal] = self._key.salt(principal)
        person = int.from_bytes(decision.person[:8]) ^ salt
        second = second_of(at)
        self._contacts.add(bit, person, second, second)
        self._keep(bit, person, second, ADDED)
        new = self._new
        new[decision.id] = (bit, person, second)
        if len(new) >= _REMEMBERED:
            self._old, self._new = new, {}

    def taken_back(self, decision_id: int) -> None:
        """What was permitted reached nobody."""
        found = self._new.pop(decision_id, None) or self._old.pop(decision_id, None)
        if found is not None:
            bit, person, second = found
            if self._contacts.take_back(bit, person, second):
                self._keep(bit, person, second, TAKEN_BACK)
