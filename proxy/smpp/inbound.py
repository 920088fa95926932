"""Reads what a carrier delivers: a receipt, or what a person wrote back.

Owns the branch between the two: only esm_class types 0x04 and 0x20 are receipts (SMPP v3.4 §5.2.12), so a receipt that
quotes "TD" refuses nothing, and a user acknowledgement that says "TD" does. Must never decide what a text means.
"""

from msgspec import Struct

from proxy.core import addresses
from proxy.smpp.consts import DATA_SM, TAG_MESSAGE_PAYLOAD
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.receipt import is_final, is_receipt, receipt_ids
from proxy.smpp.short_message import ShortMessage, read_data_sm, read_sm
from proxy.smpp.text import AlphabetTable, reply_readings
from proxy.smpp.udh import split_udh

_UDHI = 0x40


class Receipt(Struct, frozen=True, gc=False):
    """A delivery receipt: the ids by which it may name its message, and the address that the message went to.

    `final` says that nothing more will become of the message.
    """

    ids: tuple[bytes, ...]
    about: bytes
    final: bool = True


class Reply(Struct, frozen=True, gc=False):
    """What a person wrote: `person` canonical (None where the address has no form), `number` the one written to.

    `readings` are all plausible readings; () where the text cannot be decoded.
    """

    person: str | None
    number: str | None
    readings: tuple[str, ...]


def read_inbound(pdu: Pdu, table: AlphabetTable) -> Receipt | Reply:
    """Reads a deliver_sm or data_sm from the SMSC side; raises PduError with the status to answer."""
    sm = read_data_sm(pdu.raw) if pdu.command_id == DATA_SM else read_sm(pdu.raw)
    octets = sm.short_message
    if sm.tlvs:
        # WHY: where both stand, what the person wrote may be in either: both are read.
        payloads = [value for tag, value in sm.tlvs if tag == TAG_MESSAGE_PAYLOAD]
        if not octets and payloads:
            octets = payloads[0]
    if is_receipt(sm.esm_class):
        said = _behind_header(octets) if sm.esm_class & _UDHI else octets
        return Receipt(receipt_ids(sm, said), sm.source, is_final(sm, said))
    return Reply(
        _person(sm.source_ton, sm.source_npi, sm.source),
        addresses.sender(sm.dest_ton, sm.dest_npi, sm.dest),
        _texts(sm, octets, table),
    )


def _person(ton: int, npi: int, octets: bytes) -> str | None:
    """Who wrote: the canonical form under the TON and NPI given, or under those that a submit_sm could have had.

    WHY lenient: carriers write a reply's source as network specific, alphanumeric or without its plus; a person who
    can be reached must be able to refuse however the address comes back.
    """
    for as_ton, as_npi in ((ton, npi), (1, 1), (0, 1)):
        found = addresses.recipient(as_ton, as_npi, octets)
        if found is not None:
            return found
    return None


def _texts(sm: ShortMessage, octets: bytes, table: AlphabetTable) -> tuple[str, ...]:
    bodies = [octets]
    bodies += [value for tag, value in sm.tlvs if tag == TAG_MESSAGE_PAYLOAD and value != octets]
    found: list[str] = []
    for body in bodies:
        plain = _behind_header(body) if sm.esm_class & _UDHI else body
        found += [text for text in reply_readings(plain, sm.data_coding, table) if text not in found]
    return tuple(found)


def _behind_header(body: bytes) -> bytes:
    try:
        return split_udh(body)[1]
    except PduError:
        # WHY: a header that cannot be read may be no header at all; a refusal must not be lost over it.
        return body
