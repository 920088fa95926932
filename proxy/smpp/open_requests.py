"""What a relay keeps of the requests that it passed on, until their answers come: in both directions."""

from typing import Final

from proxy.smpp.pdu import Pdu


class Asked:
    """A permitted request that waits for the carrier. Without a `pdu` tdgate itself sent it."""

    __slots__ = ("decision_id", "pdu")

    def __init__(self, pdu: Pdu | None, decision_id: int) -> None:
        self.pdu: Final = pdu
        self.decision_id: Final = decision_id


class AskedPart(Asked):
    """A permitted part of a long message."""

    __slots__ = ()


class Delivered:
    """A delivery of the carrier that waits for the ESME."""

    __slots__ = ("pdu",)

    def __init__(self, pdu: Pdu) -> None:
        self.pdu: Final = pdu


def destination(pdu: Pdu) -> bytes:
    """The destination_addr of a submit_sm as it stands on the wire, to know its receipt by."""
    raw = pdu.raw
    after_source = raw.find(0, raw.find(0, 16) + 3)
    end = raw.find(0, after_source + 3)
    return raw[after_source + 3 : end] if after_source + 3 <= end else b""


def message_id(raw: bytes) -> bytes:
    """The message_id of a response, empty where it came without a body."""
    return raw[16:].partition(b"\0")[0]
