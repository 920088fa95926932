"""What the trail tells of one message, and how much the trail may keep.

Owns the two value types. Must never hold a number or a text: the person is a digest.
"""

from typing import Final

from msgspec import Struct


class Limits(Struct, frozen=True):
    """How much is kept, for how long, and in what files."""

    open_most: int = 1_000_000
    """Messages kept at a time, those in their grace time included. Beyond it the trail gives up one of the oldest."""
    kept_s: int = 3 * 86_400
    """How long a message waits for its final receipt."""
    grace_s: int = 600
    """How long a message is still found after its final receipt, since receipts repeat."""
    segment_octets: int = 16 << 20
    """A file that has reached this is followed by the next one."""
    segments_least: int = 8
    """Files that may stand before what is open in the oldest is written again and that file deleted."""
    sync_ms: int = 50
    """The longest that octets written wait for their fdatasync to begin."""


class Message:
    """One message that a carrier accepted.

    `decision_id` is the id the ESME knows, as an int; `carrier_id` that of the carrier, empty where it gave none.
    `person` is the recipient's digest (16 octets). `at` is when it was accepted, UTC seconds. `state` is that of its
    final receipt, "" while it is open.
    """

    __slots__ = ("account", "at", "carrier_id", "decision_id", "person", "route", "state")

    def __init__(
        self, decision_id: int, account: str, route: str, carrier_id: bytes, person: bytes, at: int, state: str
    ) -> None:
        self.decision_id: Final = decision_id
        self.account: Final = account
        self.route: Final = route
        self.carrier_id: Final = carrier_id
        self.person: Final = person
        self.at: Final = at
        self.state: Final = state


def esme_id(decision_id: int) -> bytes:
    """The message_id that the ESME sees: 16 lower-case hexadecimal digits."""
    return b"%016x" % decision_id


def decision_of(message_id: bytes) -> int | None:
    """The decision id of a message_id as `esme_id` writes it, in either case; None for any other octets."""
    if len(message_id) != 16 or not message_id.isalnum():
        return None
    try:
        return int(message_id, 16)
    except ValueError:
        return None
