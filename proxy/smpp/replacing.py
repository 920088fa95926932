"""What a replace_sm makes of the message that it replaces: the whole that has to be judged. Sans-IO.

Owns what is kept of a message for that: everything but its text. Must never let the new text be judged for another
destination, source or coding than it will be read in. How it works: the replacement is written as the submit_sm that it
amounts to (SMPP v3.4 §4.10), and read like any other.
"""

from collections.abc import Mapping
from typing import Final

from proxy.core.addresses import sender
from proxy.core.request import Request
from proxy.smpp.codec import Value, decode, encode
from proxy.smpp.consts import SUBMIT_SM, TAG_MESSAGE_PAYLOAD
from proxy.smpp.pdu import Pdu
from proxy.smpp.tlv import Tlv

#: What a replacement says anew. An empty time leaves the message's own (SMPP v3.4 §4.10.1).
_NEW: Final = ("registered_delivery", "sm_default_msg_id", "short_message")
_TIMES: Final = ("schedule_delivery_time", "validity_period")


class Replaceable:
    """A submit_sm that a carrier took, without its text."""

    __slots__ = ("_fields", "_tlvs")

    def __init__(self, raw: bytes) -> None:
        fields = decode(raw)
        self._fields: Final[Mapping[str, Value]] = {
            name: value for name, value in fields.values.items() if name not in _NEW
        }
        self._tlvs: Final[tuple[Tlv, ...]] = tuple(
            [(tag, value) for tag, value in fields.tlvs if tag != TAG_MESSAGE_PAYLOAD]
        )

    @property
    def octets(self) -> int:
        """What its TLVs take."""
        return sum([len(value) for _, value in self._tlvs])

    def replaced_by(self, pdu: Pdu) -> Pdu | None:
        """The submit_sm that the message becomes; None where the source is another one. Raises PduError.

        An empty source is that of the message.
        """
        decoded = decode(pdu.raw)
        new = decoded.values
        if new["source_addr"] and _source(new) != _source(self._fields):
            return None
        fields = {**self._fields, **{name: new[name] for name in _NEW}}
        fields |= {name: new[name] for name in _TIMES if new[name]}
        # INVARIANT: the replace_sm goes on whole, so its TLVs are judged as well: one of them may be a text (SMPP v5).
        tlvs = (*self._tlvs, *decoded.tlvs)
        return Pdu(SUBMIT_SM, 0, pdu.sequence, encode(SUBMIT_SM, 0, pdu.sequence, fields, tlvs))


def _source(fields: Mapping[str, Value]) -> str | None:
    ton, npi, address = fields["source_addr_ton"], fields["source_addr_npi"], fields["source_addr"]
    assert isinstance(ton, int)
    assert isinstance(npi, int)
    assert isinstance(address, bytes)
    return sender(ton, npi, address)


def asking_with(request: Request, octets: bytes) -> Request:
    """The same question, asked by other octets: what is permitted is these."""
    return Request(
        request.id,
        request.channel,
        request.account,
        request.sender,
        request.recipient,
        request.readings,
        octets,
        request.received_at,
        request.findings,
        request.binary,
        request.purpose,
        request.scheduled,
        request.validity_s,
        request.has_receiver,
        request.over_rate,
        request.by_id,
        exact=request.exact,
    )
