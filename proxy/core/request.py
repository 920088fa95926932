"""What is asked of the policy: one message or call, as it was read, and the octets that ask it."""

from msgspec import Struct

from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Account


class Finding(Struct, frozen=True):
    """Something a reader of the wire saw that closes the request: `rule` of the catalogue and which case of it."""

    rule: str
    detail: str


class Request(Struct, frozen=True, gc=False):
    """One question. `readings` are all plausible readings of the text, empty where it cannot be decoded; `sender` and
    `recipient` are canonical, None where they have no form. `octets` are the PDU; `received_at` is UTC seconds. `by_id`
    is a request about a message sent earlier (query_sm, cancel_sm), which has no text and no recipient of its own.
    """

    id: int
    channel: Channel
    account: Account
    sender: str | None
    recipient: str | None
    readings: tuple[str, ...]
    octets: bytes
    received_at: float
    findings: tuple[Finding, ...] = ()
    binary: bool = False
    purpose: Purpose | None = None
    scheduled: bool = False
    validity_s: int | None = None
    has_receiver: bool = True
    over_rate: bool = False
    by_id: bool = False
