"""One long message whose parts tdgate keeps on disk and has answered for, and where it stands. Sans-IO.

Owns nothing beyond itself: `stalled` drives it. States of a message: it gathers its parts; ready, it waits for its next
try; busy, it is judged or its mark is written; going, its parts are at the carrier; ending, its receipts are written;
over, it is only remembered.
"""

from collections.abc import Callable
from typing import Final

from proxy.smpp.concat import Claim, Key, Part
from proxy.smpp.consts import STATE_UNKNOWN, SUBMIT_SM_RESP
from proxy.smpp.pdu import response

GATHERING: Final = "gathering"
READY: Final = "ready"
BUSY: Final = "busy"
GOING: Final = "going"
ENDING: Final = "ending"
OVER: Final = "over"


class Kept:
    """One part. `id` is the message_id that its sender was given, `claims` wait for that answer.

    `is_out` while it is at the carrier; `end` is the message_state in which it is over, 0 while it is not: where the
    carrier took it, its own word counts from then on.
    """

    __slots__ = ("claims", "end", "id", "is_out", "is_stored", "is_taken", "is_told", "part", "record", "status")

    def __init__(self, part: Part, id_: int, record: bytes) -> None:
        self.part: Final = part
        self.id: Final = id_
        self.record: Final = record
        self.claims: list[Claim] = []
        self.is_stored = False
        self.is_out = False
        self.is_taken = False
        self.end = 0
        #: The command_status that says why.
        self.status = 0
        #: Whether a receipt of that end was written, or none is asked for.
        self.is_told = False

    @property
    def name(self) -> bytes:
        """The message_id as its sender knows it."""
        return kept_name(self.id)

    @property
    def waits(self) -> bool:
        """Whether it is still to be sent."""
        return not (self.is_out or self.is_taken or self.end)


class KeptMessage:
    """A message. Times are UTC seconds; `mark` is the record of how far it got, empty before the first try."""

    __slots__ = (
        "decision_id", "end_at", "expires", "id", "is_broken", "is_sealed", "is_unknown", "kept", "key", "mark",
        "next_try", "sealed_thens", "serial", "since", "state", "status", "total", "tries", "untold",
    )  # fmt: skip

    def __init__(self, id_: int, key: Key, total: int, since: float, expires: float) -> None:
        self.id: Final = id_
        self.key: Final = key
        self.total: Final = total
        self.since: Final = since
        self.expires = expires
        self.state = GATHERING
        self.kept: dict[int, Kept] = {}
        self.mark = b""
        self.serial = 0
        self.tries = 0
        self.next_try = 0.0
        self.end_at = 0.0
        self.decision_id = 0
        #: The latest status with which the carrier refused a part of it.
        self.status = 0
        self.is_broken = False
        #: Whether its end is on disk, and who waits for that.
        self.is_sealed = False
        self.sealed_thens: list[Callable[[bool], None]] = []
        self.is_unknown = False
        #: Receipts that are not on disk yet.
        self.untold = 0

    def in_order(self) -> list[Kept]:
        return [self.kept[number] for number in sorted(self.kept)]

    @property
    def is_whole(self) -> bool:
        """Whether all parts are there and on disk."""
        return len(self.kept) == self.total and all(one.is_stored for one in self.kept.values())

    @property
    def is_untouched(self) -> bool:
        """Whether nothing of it has ever gone out, as far as is known."""
        return all(one.waits for one in self.kept.values())

    @property
    def may_have_arrived(self) -> bool:
        """Whether its carrier took a part of it, or may have."""
        return any(one.is_taken or one.is_out or one.end == STATE_UNKNOWN for one in self.kept.values())

    def fits(self, part: Part) -> bool:
        for one in self.kept.values():
            return one.part.fits(part)
        return True


def kept_name(id_: int) -> bytes:
    """The spelling of an id of tdgate's own: sixteen lower-case hexadecimal digits, as in pool mode."""
    return b"%016x" % id_


def kept_answer(kept: Kept) -> bytes:
    """The submit_sm_resp for a part that is kept (sequence_number 0)."""
    return response(SUBMIT_SM_RESP, 0, 0, kept.name + b"\0")
