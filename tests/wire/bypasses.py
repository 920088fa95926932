"""Ways around the policy that are closed: what is sent, how it is answered under both code maps, and by which rule.

Data only; `test_no_way_around.py` tries all of it on the socket, in mirror mode and in a pool. Those of long messages
are in `bypasses_of_parts.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.tools.wire import (
    DATA_SM,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    cstring,
    data_sm_body,
    message_body,
    receipt_text,
    tlv,
)
from tests.wire.house import text
from tests.wire.people import IMPORTED, NOBODY, PERSONS, TEXT

QUERY_SM, REPLACE_SM, CANCEL_SM, SUBMIT_MULTI = 0x3, 0x7, 0x8, 0x21
BROADCAST_SM, QUERY_BROADCAST, CANCEL_BROADCAST = 0x111, 0x112, 0x113
PAYLOAD, CALLBACK, CALLBACK_ATAG, RECEIPTED_ID, STATE = 0x0424, 0x0381, 0x0303, 0x001E, 0x0427
PURPOSE, DISPLAY_TIME, MS_VALIDITY = 0x1401, 0x1201, 0x1204
UCS2 = TEXT.encode("utf-16-be")


def multi(*destinations: bytes) -> bytes:
    head = cstring("") + bytes([0, 0]) + cstring("10690001") + bytes([len(destinations)]) + b"".join(destinations)
    return head + bytes(3) + cstring("") + cstring("") + bytes([0, 0, 8, 0, len(UCS2)]) + UCS2


def sme(person: str) -> bytes:
    return b"\1\1\1" + cstring(person)


def replace() -> bytes:
    head = cstring("foreign") + bytes([0, 0]) + cstring("10690001") + cstring("") + cstring("")
    return head + bytes([0, 0, len(UCS2)]) + UCS2


def query(message_id: str) -> bytes:
    return cstring(message_id) + bytes([0, 0]) + cstring("10690001")


def cancel(message_id: str) -> bytes:
    addresses = bytes([0, 0]) + cstring("10690001") + bytes([1, 1]) + cstring(PERSONS[0])
    return cstring("") + cstring(message_id) + addresses


def udh(*elements: bytes, rest: bytes = UCS2) -> bytes:
    header = b"".join(elements)
    return bytes([len(header)]) + header + rest


def submit(message: bytes = UCS2, **fields: object) -> bytes:
    options = {"data_coding": 8} | fields
    return message_body(options.pop("source", "10690001"), options.pop("to", PERSONS[0]), message, **options)  # type: ignore[arg-type]


def data(source: str = "10690001", to: str = PERSONS[0], data_coding: int = 8, **fields: Any) -> bytes:
    return data_sm_body(source, to, UCS2, data_coding=data_coding, **fields)


@dataclass(frozen=True)
class Way:
    """One way around, and how it is closed. `rule` is what the evidence names, empty where no policy was asked."""

    name: str
    body: bytes
    vendor: int
    standard: int
    rule: str
    command: int = SUBMIT_SM
    answer: int = field(default=-1)
    #: More PDUs that are sent before any answer is awaited; all are answered alike.
    more: tuple[bytes, ...] = ()
    #: How many decisions there are for all of it.
    decisions: int = 1

    @property
    def answered_by(self) -> int:
        return self.command | RESP if self.answer < 0 else self.answer


AMBIGUOUS, PARTIAL, REFUSED = (0x0402, 0x45), (0x0421, 0x45), (0x0429, 0x0B)
UNSUPPORTED, UNDECODABLE = (0x45, 0x45), (0x0437, 0x45)
WAYS = [
    # Other commands than submit_sm: judged alike.
    Way(
        "submit_multi, all refused", multi(sme(IMPORTED), sme(NOBODY)), 0x0429, 0x0B, "suppression.active", SUBMIT_MULTI
    ),
    Way(
        "submit_multi, one refused twice",
        multi(sme(NOBODY), sme(NOBODY)),
        0x0428,
        0x0B,
        "consent.missing",
        SUBMIT_MULTI,
        decisions=2,
    ),
    Way("submit_multi to nobody", multi(), 0x33, 0x33, "", SUBMIT_MULTI),
    Way("submit_multi to 255", multi(*[sme(PERSONS[0])] * 255), 0x33, 0x33, "", SUBMIT_MULTI),
    Way("submit_multi, neither address nor list", multi(b"\3\1\1" + cstring(PERSONS[0])), 0x40, 0x40, "", SUBMIT_MULTI),
    Way(
        "submit_multi of a part",
        multi(sme(PERSONS[0])) + tlv(0x020E, b"\2"),
        *PARTIAL,
        "message.partial",
        SUBMIT_MULTI,
    ),
    Way(
        "submit_multi, text twice",
        multi(sme(PERSONS[0]), sme(PERSONS[1])) + tlv(PAYLOAD, UCS2),
        *AMBIGUOUS,
        "pdu.ambiguous",
        SUBMIT_MULTI,
        decisions=2,
    ),
    Way("data_sm to a refused person", data(to=IMPORTED), 0x0429, 0x0B, "suppression.active", DATA_SM),
    Way("data_sm from a number of nobody", data(source="10690999"), 0x0418, 0x0A, "number.unregistered", DATA_SM),
    Way("data_sm, payload twice", data(tlvs=tlv(PAYLOAD, UCS2)), *AMBIGUOUS, "pdu.ambiguous", DATA_SM),
    Way("data_sm, a part by sar", data(tlvs=tlv(0x020C, b"\0\7")), *PARTIAL, "message.partial", DATA_SM),
    Way(
        "data_sm, a part by UDH",
        data_sm_body("10690001", PERSONS[0], b"\5\0\3\7\2\1" + UCS2, data_coding=8, esm_class=0x40),
        *PARTIAL,
        "message.partial",
        DATA_SM,
    ),
    Way("data_sm, a port", data(tlvs=tlv(0x020B, b"\x0b\x84")), *AMBIGUOUS, "pdu.ambiguous", DATA_SM),
    Way(
        "data_sm, callback of another",
        data(tlvs=tlv(CALLBACK, b"\1\0\1" + b"10690202")),
        *AMBIGUOUS,
        "pdu.ambiguous",
        DATA_SM,
    ),
    Way("data_sm as a receipt", data(esm_class=0x04), *AMBIGUOUS, "pdu.ambiguous", DATA_SM),
    Way("data_sm as USSD", data(tlvs=tlv(0x0501, b"\2")), *UNSUPPORTED, "pdu.unsupported", DATA_SM),
    Way("data_sm, time to live", data(tlvs=tlv(0x0017, b"\0\0\0\1")), *UNSUPPORTED, "pdu.unsupported", DATA_SM),
    Way("data_sm, binary", data(data_coding=4), *UNDECODABLE, "content.undecodable", DATA_SM),
    Way("data_sm, 64 octets of address", data(to="8" * 64), 0x0B, 0x0B, "address.invalid", DATA_SM),
    # Closed until a later step opens them.
    Way("replace_sm", replace(), 0x13, 0x13, "pdu.unsupported", REPLACE_SM),
    Way("part by UDH, 8 bit", submit(udh(b"\x00\x03\x07\x02\x01"), esm_class=0x40), *PARTIAL, "message.partial"),
    Way("part by UDH, 16 bit", submit(udh(b"\x08\x04\x00\x07\x02\x01"), esm_class=0x40), *PARTIAL, "message.partial"),
    Way("last part, alone", submit(udh(b"\x00\x03\x08\x02\x02"), esm_class=0x40), *PARTIAL, "message.partial"),
    Way(
        "part by sar TLVs",
        submit(tlvs=tlv(0x020C, b"\0\7") + tlv(0x020E, b"\2") + tlv(0x020F, b"\1")),
        *PARTIAL,
        "message.partial",
    ),
    Way("part by one sar TLV", submit(tlvs=tlv(0x020E, b"\2")), *PARTIAL, "message.partial"),
    # Closed for good.
    Way("scheduled, relative", submit(schedule="000000010000000R"), 0x61, 0x61, "pdu.unsupported"),
    Way("scheduled, absolute", submit(schedule="301231235959000+"), 0x61, 0x61, "pdu.unsupported"),
    Way("scheduled, unreadable", submit(schedule="tomorrow morning"), 0x61, 0x61, "pdu.unsupported"),
    Way("default message without text", submit(b"", default_message=3), *UNSUPPORTED, "pdu.unsupported"),
    Way("default message beside text", submit(default_message=3), *AMBIGUOUS, "pdu.ambiguous"),
    Way("distribution list", multi(b"\2" + cstring("everybody")), 0x44, 0x44, "pdu.unsupported", SUBMIT_MULTI),
    Way(
        "distribution list among refused persons",
        multi(b"\2" + cstring("everybody"), sme(IMPORTED)),
        0x44,
        0x44,
        "pdu.unsupported",
        SUBMIT_MULTI,
    ),
    Way("empty source", submit(source=""), 0x0A, 0x0A, "address.invalid"),
    Way("empty alphanumeric source", submit(source="", source_ton=5), 0x0A, 0x0A, "address.invalid"),
    Way("empty destination", submit(to=""), 0x0B, 0x0B, "address.invalid"),
    Way("destination that is nobody's", submit(to="12"), 0x0B, 0x0B, "address.invalid"),
    Way("validity beyond the cap", submit(validity="000002000000000R"), 0x62, 0x62, "pdu.unsupported"),
    Way("validity, absolute, beyond", submit(validity="991231235959000+"), 0x62, 0x62, "pdu.unsupported"),
    Way("validity, unreadable", submit(validity="forever"), 0x62, 0x62, "pdu.unsupported"),
    Way("vendor command", b"\1\2\3", 0x03, 0x03, "pdu.unsupported", 0x00010200, GENERIC_NACK),
    Way("vendor command, high", text(), 0x03, 0x03, "pdu.unsupported", 0x000102FF, GENERIC_NACK),
    Way("broadcast_sm", b"\0" * 20, 0x03, 0x03, "pdu.unsupported", BROADCAST_SM, GENERIC_NACK),
    Way("query_broadcast_sm", b"\0" * 8, 0x03, 0x03, "pdu.unsupported", QUERY_BROADCAST, GENERIC_NACK),
    Way("cancel_broadcast_sm", b"\0" * 8, 0x03, 0x03, "pdu.unsupported", CANCEL_BROADCAST, GENERIC_NACK),
    Way("USSD service type", submit(service_type="USSD"), *UNSUPPORTED, "pdu.unsupported"),
    Way("silent message by protocol_id", submit(protocol_id=0x40), *UNSUPPORTED, "pdu.unsupported"),
    Way("replaces what waits at the carrier", submit(replace=1), *UNSUPPORTED, "pdu.unsupported"),
    # Ambiguous.
    Way("text twice", submit(tlvs=tlv(PAYLOAD, "还款".encode("utf-16-be"))), *AMBIGUOUS, "pdu.ambiguous"),
    Way("the same text twice", submit(tlvs=tlv(PAYLOAD, UCS2)), *AMBIGUOUS, "pdu.ambiguous"),
    Way(
        "payload twice",
        submit(b"", tlvs=tlv(PAYLOAD, UCS2) + tlv(PAYLOAD, "还款".encode("utf-16-be"))),
        *AMBIGUOUS,
        "pdu.ambiguous",
    ),
    Way("duplicate vendor TLV", submit(tlvs=tlv(0x1500, b"a") + tlv(0x1500, b"b")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("callback of another", submit(tlvs=tlv(CALLBACK, b"\1\0\1" + b"10690202")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("callback in DTMF", submit(tlvs=tlv(CALLBACK, b"\0\0\1" + b"\x10\x69")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("display of another", submit(tlvs=tlv(CALLBACK_ATAG, b"\0" + "江澜".encode())), *AMBIGUOUS, "pdu.ambiguous"),
    Way("UDH with ports, 8", submit(udh(b"\x04\x02\x0b\x0b"), esm_class=0x40), *AMBIGUOUS, "pdu.ambiguous"),
    Way("UDH with ports, 16", submit(udh(b"\x05\x04\x0b\x84\x23\xf0"), esm_class=0x40), *AMBIGUOUS, "pdu.ambiguous"),
    Way("port TLV", submit(tlvs=tlv(0x020B, b"\x0b\x84")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("UDH that nobody knows", submit(udh(b"\x70\x01\x00"), esm_class=0x40), *AMBIGUOUS, "pdu.ambiguous"),
    Way("UDH longer than the text", submit(b"\x30\x00\x03", esm_class=0x40), *AMBIGUOUS, "pdu.ambiguous"),
    Way(
        "pretends to be a receipt",
        submit(receipt_text("1"), data_coding=0, esm_class=0x04),
        *AMBIGUOUS,
        "pdu.ambiguous",
    ),
    Way("pretends to be a notification", submit(esm_class=0x20), *AMBIGUOUS, "pdu.ambiguous"),
    Way("receipt by TLV", submit(tlvs=tlv(RECEIPTED_ID, cstring("1"))), *AMBIGUOUS, "pdu.ambiguous"),
    Way("receipt by state TLV", submit(tlvs=tlv(STATE, b"\2")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("purpose that is none", submit(tlvs=tlv(PURPOSE, b"greeting\0")), *AMBIGUOUS, "pdu.ambiguous"),
    # Another's.
    Way("query of a foreign id", query("foreign"), 0x67, 0x67, "message.foreign", QUERY_SM),
    Way("cancel of a foreign id", cancel("foreign"), 0x11, 0x11, "message.foreign", CANCEL_SM),
    Way("cancel without id", cancel(""), 0x11, 0x11, "message.foreign", CANCEL_SM),
    # What cannot be read.
    Way("UCS-2 cut in half", submit(UCS2[:-1]), *UNDECODABLE, "content.undecodable"),
    Way("lone surrogate", submit(b"\xd8\x00\x00\x41"), *UNDECODABLE, "content.undecodable"),
    Way("broken GB18030", submit(b"\xb4\xba\xff\xff", data_coding=15), *UNDECODABLE, "content.undecodable"),
    Way("8 bit", submit(bytes(range(1, 60)), data_coding=4), *UNDECODABLE, "content.undecodable"),
    Way("national language shift", submit(udh(b"\x24\x01\x01"), esm_class=0x40), *UNDECODABLE, "content.undecodable"),
    # And what the rules close, so that the table shows both maps for each of them.
    Way("number of nobody", submit(source="10690999"), 0x0418, 0x0A, "number.unregistered"),
    Way("number of another institution", submit(source="10690202"), 0x0414, 0x45, "entrustment.missing"),
    Way("refused by import", submit(to=IMPORTED), 0x0429, 0x0B, "suppression.active"),
    Way("never agreed", submit(to=NOBODY), 0x0428, 0x0B, "consent.missing"),
    Way("another purpose", submit(tlvs=tlv(PURPOSE, b"collection\0")), 0x041C, 0x45, "purpose.mismatch"),
    # Other addresses than those that are judged.
    *(
        Way(f"a refused person as {written}", submit(to=written), *REFUSED, "suppression.active")
        for written in (IMPORTED[2:], "00" + IMPORTED, "+" + IMPORTED, "17951" + IMPORTED[2:], IMPORTED + " ")
    ),
    Way("source subaddress", submit(tlvs=tlv(0x0202, b"\xa0" + b"10690202")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("destination subaddress", submit(tlvs=tlv(0x0203, b"\xa0" + IMPORTED.encode())), *AMBIGUOUS, "pdu.ambiguous"),
    Way("destination as ported", submit(tlvs=tlv(0x0612, b"1390139001")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("source port TLV", submit(tlvs=tlv(0x020A, b"\x0b\x84")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("national language, locked", submit(udh(b"\x25\x01\x01"), esm_class=0x40), *UNDECODABLE, "content.undecodable"),
    Way("USSD by TLV", submit(tlvs=tlv(0x0501, b"\2")), *UNSUPPORTED, "pdu.unsupported"),
    Way("USSD as the bearer", submit(tlvs=tlv(0x0007, b"\4")), *UNSUPPORTED, "pdu.unsupported"),
    Way("a validity of the handset's", submit(tlvs=tlv(MS_VALIDITY, b"\1")), *UNSUPPORTED, "pdu.unsupported"),
    Way("pretends to be an acknowledgement", submit(esm_class=0x08), *AMBIGUOUS, "pdu.ambiguous"),
    Way("an empty payload beside a text", submit(tlvs=tlv(PAYLOAD, b"")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("query without id", query(""), 0x67, 0x67, "message.foreign", QUERY_SM),
]
