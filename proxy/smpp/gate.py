"""What a relay asks of the rest of the house, as one small protocol.

The relay is sans-IO and knows no policy, no store and no log. Whoever builds one hands it a `Gate`; answers that have
to wait for the disk come back later through the relay's own methods.
"""

from collections.abc import Sequence
from typing import Protocol

from proxy.core.decision import Decision, Permit, Refusal
from proxy.smpp.by_id import OwnMessage
from proxy.smpp.inbound import Receipt, Reply
from proxy.smpp.pdu import Pdu
from proxy.smpp.several import Several

#: How a permitted message ended at the carrier where it was not just accepted.
ACCEPTED = "accepted"
REJECTED = "rejected"
UNKNOWN = "unknown"
LATE = "late"
#: What became of a permitted message that a person's refusal called back.
CANCELLED = "cancelled"
KEPT = "kept"


class Gate(Protocol):
    """One account's way to policy, evidence and suppression list."""

    def judge(self, pdu: Pdu, in_flight: int) -> Permit | Refusal | None:
        """Asks the policy about a request of the ESME; `in_flight` counts its unanswered ones, this one included.

        None is no answer yet: the request is a part of a long message. The relay holds it and calls `hold` at once.
        Raises PduError where the PDU cannot be read.
        """
        ...

    def hold(self, now: float, held: int, others: int) -> None:
        """The relay holds the part that `judge` just gave back: one of `held`, with `others` unanswered beside them.

        Verdicts come through the relay's methods of `concat.Holder`, on all binds concerned, some before this returns.
        """
        ...

    def part_answered(self, pdu: Pdu, answer: bytes, result: str) -> None:
        """A permitted part has its answer: the carrier's (`accepted`, `rejected`), or one of tdgate's (`unknown`).

        What became of its message is told by `MirrorRelay.message_ended`, on the bind whose gate permitted it.
        """
        ...

    def parts_lost(self) -> None:
        """The ESME is gone, and what the relay held of it with it."""
        ...

    def parts_given_up(self, rule: str) -> None:
        """The relay can send nothing more (`internal.*`): what it holds is to be refused."""
        ...

    def parts_quiet(self) -> None:
        """The ESME says nothing more while only parts of it are unanswered: it waits for their answers."""
        ...

    def parts_deadline(self) -> float | None:
        """Monotonic time of the next `parts_due`; asked while parts are held."""
        ...

    def parts_due(self, now: float) -> None:
        """Sets of parts may have waited too long."""
        ...

    def own_message(self, pdu: Pdu) -> OwnMessage | None:
        """Whether the query_sm or cancel_sm that was just permitted is about a message known by an id of tdgate's own.

        If so its permit names the carrier's id already, where the carrier is the one to be asked.
        """
        ...

    def judge_several(self, pdu: Pdu, in_flight: int) -> Several | Refusal:
        """Asks the policy about each destination of a submit_multi; a Refusal where the whole cannot be taken now.

        While its `waiting` is not 0, `MirrorRelay.several_durable` follows. Raises PduError where it cannot be read.
        """
        ...

    def refused_now(self, pdu: Pdu) -> Refusal | None:
        """Why a message that was permitted before would be refused now, if so; records nothing."""
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

    def renamed(self, pdu: Pdu) -> Pdu | None:
        """A receipt under the id by which the ESME knows its message; as it is for any other message.

        None while that cannot be told: then the carrier is to send it again later.
        """
        ...

    def joined(self, replies: Sequence[Reply]) -> Reply:
        """The reply that parts are together, in order."""
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
