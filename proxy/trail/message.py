"""What the trail tells of one message, and the spelling of the id that its ESME knows.

Must never hold a number or a text: the person is a digest.
"""

import re
from typing import Final

_ESME_ID: Final = re.compile(rb"[0-9A-Fa-f]{16}")


class Message:
    """One message that a carrier accepted.

    `decision_id` is its own id; `shown` what the ESME knows it by: the same, but for persons of a submit_multi, whose
    messages have one id together. `carrier_id` that of the carrier, empty where it gave none.
    `person` is the recipient's digest (16 octets). `at` is when it was accepted, UTC seconds. `state` is that of its
    final receipt, "" while it is open.
    """

    __slots__ = ("account", "at", "carrier_id", "decision_id", "person", "route", "shown", "state")

    def __init__(
        self,
        decision_id: int,
        account: str,
        route: str,
        carrier_id: bytes,
        person: bytes,
        at: int,
        state: str,
        shown: int = 0,
    ) -> None:
        self.decision_id: Final = decision_id
        self.account: Final = account
        self.route: Final = route
        self.carrier_id: Final = carrier_id
        self.person: Final = person
        self.at: Final = at
        self.state: Final = state
        self.shown: Final = shown or decision_id


def esme_id(decision_id: int) -> bytes:
    """The message_id that the ESME sees: 16 lower-case hexadecimal digits."""
    return b"%016x" % decision_id


def decision_of(message_id: bytes) -> int | None:
    """The decision id of a message_id as `esme_id` writes it, in either case; None for any other octets."""
    return int(message_id, 16) if _ESME_ID.fullmatch(message_id) is not None else None
