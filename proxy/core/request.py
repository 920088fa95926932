"""What is asked of the policy: one message or call, as it was read, and the octets that ask it."""

from typing import Final

from proxy.core.content import Against
from proxy.core.finding import Finding
from proxy.core.lane import Lane
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Account


class Request:
    """One question. `readings` are all plausible readings of the text, empty where it cannot be decoded; but for the
    first `exact` they are what carriers or handsets may make of octets that are wrong or out of step. `sender` and
    `recipient` are canonical, None where they have no form. `octets` are the PDU; `received_at` is UTC seconds. `by_id`
    is a request about a message sent earlier (query_sm, cancel_sm), which has no text and no recipient of its own.
    `counted` is a message that was permitted before and is asked about again: its contact counts already.
    """

    __slots__ = (
        "account",
        "against",
        "binary",
        "by_id",
        "channel",
        "counted",
        "exact",
        "findings",
        "has_receiver",
        "id",
        "octets",
        "over_rate",
        "purpose",
        "readings",
        "received_at",
        "recipient",
        "scheduled",
        "sender",
        "validity_s",
    )

    def __init__(
        self,
        id: int,
        channel: Channel,
        account: Account,
        sender: str | None,
        recipient: str | None,
        readings: tuple[str, ...],
        octets: bytes,
        received_at: float,
        findings: tuple[Finding, ...] = (),
        binary: bool = False,
        purpose: Purpose | None = None,
        scheduled: bool = False,
        validity_s: int | None = None,
        has_receiver: bool = True,
        over_rate: bool = False,
        by_id: bool = False,
        counted: bool = False,
        exact: int = 0,
    ) -> None:
        self.id: Final = id
        self.channel: Final[Channel] = channel
        self.account: Final = account
        self.sender: Final = sender
        self.recipient: Final = recipient
        self.readings: Final = readings
        self.octets: Final = octets
        self.received_at: Final = received_at
        self.findings: Final = findings
        self.binary: Final = binary
        self.purpose: Final = purpose
        self.scheduled: Final = scheduled
        self.validity_s: Final = validity_s
        self.has_receiver: Final = has_receiver
        self.over_rate: Final = over_rate
        self.by_id: Final = by_id
        self.counted = counted
        self.exact: Final = exact or len(readings)
        #: What its text says against it, and the lane for which that was found: a memo of `rules/content.py`.
        self.against: tuple[Lane, tuple[Against, ...]] | None = None
