"""What comes to an ESME: replies of people, and receipts.

Owns the reading of a deliver_sm or data_sm. Must never take a person's text that quotes a receipt for one: only
esm_class says so (SMPP v3.4 §5.2.12).
"""

import msgspec

from proxy.smpp import consts
from proxy.smpp.short_message import ShortMessage
from proxy.smpp.tlv import first_tlv
from simulators import wording
from simulators.arrivals import read_message
from simulators.receipts import STATE_NAMES, ReceiptFields, read_receipt

_RECEIPT_TYPES = (consts.ESM_TYPE_RECEIPT, consts.ESM_TYPE_INTERMEDIATE)


class Delivery(msgspec.Struct, frozen=True):
    """A deliver_sm or data_sm that reached the ESME."""

    command: int
    raw: bytes
    message: ShortMessage

    @property
    def is_receipt(self) -> bool:
        """Whether esm_class says that it is a receipt or an intermediate notification."""
        return self.message.esm_class & consts.ESM_TYPE_MASK in _RECEIPT_TYPES

    @property
    def source(self) -> str:
        """source_addr as it stood."""
        return self.message.source.decode("latin-1")

    @property
    def destination(self) -> str:
        """destination_addr as it stood."""
        return self.message.dest.decode("latin-1")

    @property
    def tlvs(self) -> tuple[tuple[int, bytes], ...]:
        """All TLVs in wire order."""
        return self.message.tlvs

    @property
    def text(self) -> str:
        """The text as a person reads it, without UDH."""
        octets, _ = wording.split_udh(self.message.short_message, self.message.esm_class, self.message.tlvs)
        return wording.decode(octets, self.message.data_coding)

    @property
    def state(self) -> str:
        """The state that the receipt gives, `?` where it gives none; without reading the text where a TLV says it."""
        value = first_tlv(self.message.tlvs, consts.TAG_MESSAGE_STATE)
        if value is not None and len(value) == 1 and value[0] in STATE_NAMES:
            return STATE_NAMES[value[0]]
        return self.receipt.state or "?"

    @property
    def receipt(self) -> ReceiptFields:
        """What the receipt says."""
        octets, _ = wording.split_udh(self.message.short_message, self.message.esm_class, self.message.tlvs)
        return read_receipt(octets, self.message.tlvs)


def read_delivery(command: int, raw: bytes) -> Delivery:
    """Read a deliver_sm or data_sm; raises PduError."""
    return Delivery(command, raw, read_message(command, raw))
