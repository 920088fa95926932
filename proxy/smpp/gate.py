"""What a relay asks of the rest of the house, as one small protocol.

The relay is sans-IO and knows no policy, no store and no log. Whoever builds one hands it a `Gate`; answers that have
to wait for the disk come back later through the relay's own methods.
"""

from typing import Protocol

from proxy.core.decision import Decision, Permit, Refusal
from proxy.smpp.inbound import Receipt, Reply
from proxy.smpp.pdu import Pdu
from proxy.smpp.several import Several

#: How a permitted message ended at the carrier where it was not just accepted.
REJECTED = "rejected"
UNKNOWN = "unknown"
LATE = "late"
#: What became of a permitted message that a person's refusal called back.
CANCELLED = "cancelled"
KEPT = "kept"


class Gate(Protocol):
    """One account's way to policy, evidence and suppression list."""

    def judge(self, pdu: Pdu, in_flight: int) -> Permit | Refusal:
        """Asks the policy about a request of the ESME; `in_flight` counts its unanswered ones, this one included.

        Raises PduError where the PDU cannot be read.
        """
        ...

    def judge_several(self, pdu: Pdu, in_flight: int) -> Several | Refusal:
        """Asks the policy about each destination of a submit_multi; a Refusal where the whole cannot be taken now.

        While its `waiting` is not 0, `MirrorRelay.several_durable` follows. Raises PduError where it cannot be read.
        """
        ...

    def unanswerable(self, pdu: Pdu, rule: str) -> Refusal:
        """A refusal for a reason that lies in tdgate or the carrier (`internal.*`)."""
        ...

    def status(self, refusal: Refusal) -> int:
        """The command_status that the account's code map gives a refusal."""
        ...

    def status_text(self, refusal: Refusal) -> bytes:
        """TLVs that follow a refusal for accounts that ask for them, else empty."""
        ...

    def status_of(self, rule: str) -> int:
        """The command_status of a catalogue id that came up without a request in hand (`outcome.unknown`)."""
        ...

    def awaits_disk(self, refusal: Refusal, pdu: Pdu) -> bool:
        """Whether the answer waits for the evidence; if so `MirrorRelay.refusal_durable(pdu, refusal)` follows."""
        ...

    def read_inbound(self, pdu: Pdu) -> Receipt | Reply:
        """Reads a delivery of the carrier; raises PduError with the status to answer."""
        ...

    def hear(self, reply: Reply, pdu: Pdu) -> bool:
        """Lays what a person asked over the snapshot; True where it has to be on disk before the carrier is answered.

        `MirrorRelay.reply_durable(pdu, ok)` follows.
        """
        ...

    def accepted(self, message_id: bytes, raw: bytes, decision: Decision) -> None:
        """The carrier took a permitted message, under this id; `raw` are its octets."""
        ...

    def accepted_several(self, message_id: bytes, several: Several) -> None:
        """The carrier took a submit_multi, under this id."""
        ...

    def cancelled(self, decision_id: int, status: int | None) -> None:
        """The carrier's answer to a cancel_sm of tdgate's own for a message; None where it gave none in time."""
        ...

    def acknowledged(self, pdu: Pdu) -> None:
        """The carrier was told that a delivery arrived: it will not send it again."""
        ...

    def outcome(self, decision_id: int, result: str, status: int, message_id: bytes) -> None:
        """Tells how a permitted message ended where the carrier did not just take it."""
        ...

    def is_own_receipt(self, receipt: Receipt) -> bool:
        """Whether a receipt is for a message that tdgate itself sent, so that the ESME never sees it."""
        ...

    def own_answered(self, decision_id: int, message_id: bytes) -> None:
        """The carrier's answer to a message that tdgate itself sent."""
        ...

    def note(self, event: str) -> None:
        """Counts and logs an event of the catalogue, without personal data."""
        ...
