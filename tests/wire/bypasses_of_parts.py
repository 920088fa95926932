"""Ways around the policy by long messages: parts that are none, that contradict one another, or that hide something.

Data only, as in `bypasses.py`.
"""

from __future__ import annotations

from tests.tools.wire import DATA_SM, data_sm_body, tlv
from tests.wire.bypasses import (
    AMBIGUOUS,
    CALLBACK,
    PARTIAL,
    PAYLOAD,
    PURPOSE,
    REFUSED,
    UCS2,
    UNDECODABLE,
    UNSUPPORTED,
    Way,
    submit,
    udh,
)
from tests.wire.people import IMPORTED, PERSONS


def place(reference: int, total: int, number: int, *elements: bytes, wide: bool = False) -> bytes:
    """A user data header that makes a text a part, with other elements behind."""
    if wide:
        return udh(b"\x08\x04" + reference.to_bytes(2, "big") + bytes([total, number]), *elements, rest=b"")
    return udh(bytes([0, 3, reference, total, number]), *elements, rest=b"")


def sar(reference: int, total: int, number: int) -> bytes:
    """The TLVs that make a text a part."""
    return tlv(0x020C, reference.to_bytes(2, "big")) + tlv(0x020E, bytes([total])) + tlv(0x020F, bytes([number]))


def part(header: bytes, said: bytes = UCS2, **fields: object) -> bytes:
    """A submit_sm with this user data header."""
    return submit(header + said, esm_class=0x40, **fields)


#: Seven-bit characters packed into octets, as they stand on the radio: not what SMPP says, yet sent by some.
PACKED = bytes.fromhex("e8329bfd06ddc3747419147687e5")
#: Alone and together. Each under a reference of its own, since a refused one is remembered for a while.
PART_WAYS = [
    Way(
        "all parts, to a refused person",
        part(place(50, 2, 1), to=IMPORTED),
        *REFUSED,
        "suppression.active",
        more=(part(place(50, 2, 2), to=IMPORTED),),
    ),
    Way(
        "all parts by sar, to a refused person",
        submit(tlvs=sar(51, 2, 2), to=IMPORTED),
        *REFUSED,
        "suppression.active",
        more=(submit(tlvs=sar(51, 2, 1), to=IMPORTED),),
    ),
    Way(
        "all parts in payloads, to a refused person",
        submit(b"", esm_class=0x40, to=IMPORTED, tlvs=tlv(PAYLOAD, place(52, 2, 1, wide=True) + UCS2)),
        *REFUSED,
        "suppression.active",
        more=(submit(b"", esm_class=0x40, to=IMPORTED, tlvs=tlv(PAYLOAD, place(52, 2, 2, wide=True) + UCS2)),),
    ),
    Way("the only part, to a refused person", part(place(53, 1, 1), to=IMPORTED), *REFUSED, "suppression.active"),
    Way(
        "the only part by sar, to a refused person",
        submit(tlvs=sar(54, 1, 1), to=IMPORTED),
        *REFUSED,
        "suppression.active",
    ),
    Way(
        "packed GSM in parts",
        part(place(55, 2, 1), PACKED, data_coding=0),
        *UNDECODABLE,
        "content.undecodable",
        more=(part(place(55, 2, 2), PACKED, data_coding=0),),
    ),
    Way(
        "parts to two spellings of a refused person",
        part(place(56, 2, 1), to=IMPORTED),
        *REFUSED,
        "suppression.active",
        more=(part(place(56, 2, 2), to="00" + IMPORTED),),
    ),
    Way("part 0", part(place(57, 2, 0)), *AMBIGUOUS, "pdu.ambiguous"),
    Way("part 3 of 2", part(place(58, 2, 3)), *AMBIGUOUS, "pdu.ambiguous"),
    Way("part of none", part(place(59, 0, 0)), *AMBIGUOUS, "pdu.ambiguous"),
    Way("part 0 by sar", submit(tlvs=sar(60, 2, 0)), *AMBIGUOUS, "pdu.ambiguous"),
    Way("part 3 of 2 by sar", submit(tlvs=sar(61, 2, 3)), *AMBIGUOUS, "pdu.ambiguous"),
    Way(
        "part by sar of a wrong size", submit(tlvs=tlv(0x020C, b"\7") + sar(62, 2, 1)[6:]), *AMBIGUOUS, "pdu.ambiguous"
    ),
    Way("UDH and sar that agree", part(place(63, 2, 1), tlvs=sar(63, 2, 1)), *AMBIGUOUS, "pdu.ambiguous"),
    Way("UDH and sar that differ", part(place(64, 2, 1), tlvs=sar(64, 2, 2)), *AMBIGUOUS, "pdu.ambiguous"),
    Way("a total of 1 in UDH, of 2 in sar", part(place(65, 1, 1), tlvs=sar(65, 2, 1)), *AMBIGUOUS, "pdu.ambiguous"),
    Way(
        "two headers of 8 and 16 bit that agree",
        part(place(66, 2, 1, b"\x08\x04\0\x42\2\1")),
        *AMBIGUOUS,
        "pdu.ambiguous",
    ),
    Way("two headers that differ", part(place(67, 2, 1, b"\x00\x03\x43\2\2")), *AMBIGUOUS, "pdu.ambiguous"),
    Way(
        "8- and then 16-bit reference",
        part(place(68, 2, 1)),
        *AMBIGUOUS,
        "pdu.ambiguous",
        more=(part(place(68, 2, 2, wide=True)),),
    ),
    Way("UDH and then sar", part(place(69, 2, 1)), *AMBIGUOUS, "pdu.ambiguous", more=(submit(tlvs=sar(69, 2, 2)),)),
    Way("another total", part(place(70, 2, 1)), *AMBIGUOUS, "pdu.ambiguous", more=(part(place(70, 3, 2)),)),
    Way(
        "another data_coding",
        part(place(71, 2, 1)),
        *AMBIGUOUS,
        "pdu.ambiguous",
        more=(part(place(71, 2, 2), data_coding=15),),
    ),
    Way(
        "another text under one number",
        part(place(72, 3, 1)),
        *AMBIGUOUS,
        "pdu.ambiguous",
        more=(part(place(72, 3, 1), UCS2[2:]),),
    ),
    Way(
        "another validity under one number",
        part(place(73, 3, 1)),
        *AMBIGUOUS,
        "pdu.ambiguous",
        more=(part(place(73, 3, 1), validity="000000120000000R"),),
    ),
    Way(
        "another purpose in a part",
        part(place(74, 2, 1), tlvs=tlv(PURPOSE, b"marketing\0")),
        *AMBIGUOUS,
        "pdu.ambiguous",
        more=(part(place(74, 2, 2)),),
    ),
    Way(
        "parts from two numbers",
        part(place(75, 2, 1)),
        *PARTIAL,
        "message.partial",
        more=(part(place(75, 2, 2), source="106900011234"),),
        decisions=2,
    ),
    Way(
        "parts to two persons",
        part(place(76, 2, 1)),
        *PARTIAL,
        "message.partial",
        more=(part(place(76, 2, 2), to=PERSONS[1]),),
        decisions=2,
    ),
    Way(
        "parts under two references",
        part(place(77, 2, 1)),
        *PARTIAL,
        "message.partial",
        more=(part(place(78, 2, 2)),),
        decisions=2,
    ),
    Way(
        "one part twice is no message",
        part(place(79, 2, 1)),
        *PARTIAL,
        "message.partial",
        more=(part(place(79, 2, 1)),),
    ),
    Way(
        "a part is scheduled",
        part(place(80, 2, 1)),
        0x61,
        0x61,
        "pdu.unsupported",
        more=(part(place(80, 2, 2), schedule="000000010000000R"),),
    ),
    Way(
        "a part is valid too long",
        part(place(81, 2, 1)),
        0x62,
        0x62,
        "pdu.unsupported",
        more=(part(place(81, 2, 2), validity="000002000000000R"),),
    ),
    Way(
        "a part that pretends to be a receipt",
        submit(place(82, 2, 1) + UCS2, esm_class=0x44),
        *AMBIGUOUS,
        "pdu.ambiguous",
    ),
    Way("a part for a port", part(place(83, 2, 1, b"\x05\x04\x0b\x84\x23\xf0")), *AMBIGUOUS, "pdu.ambiguous"),
    Way("a part that replaces", part(place(84, 2, 1), replace=1), *UNSUPPORTED, "pdu.unsupported"),
    Way("a part as USSD", part(place(85, 2, 1), service_type="USSD"), *UNSUPPORTED, "pdu.unsupported"),
    Way("a part with two texts", part(place(86, 2, 1), tlvs=tlv(PAYLOAD, UCS2)), *AMBIGUOUS, "pdu.ambiguous"),
    Way("a part with a kept text", part(place(87, 2, 1), default_message=3), *AMBIGUOUS, "pdu.ambiguous"),
    Way(
        "a part with the number of another",
        part(place(88, 2, 1), tlvs=tlv(CALLBACK, b"\1\0\1" + b"10690202")),
        *AMBIGUOUS,
        "pdu.ambiguous",
    ),
    Way("a part without source", part(place(89, 2, 1), source=""), *PARTIAL, "message.partial"),
    Way(
        "parts in a national alphabet, shifted",
        part(place(90, 2, 1, b"\x24\x01\x01"), PACKED, data_coding=0),
        *UNDECODABLE,
        "content.undecodable",
        more=(part(place(90, 2, 2, b"\x24\x01\x01"), PACKED, data_coding=0),),
    ),
    Way(
        "one part in a national alphabet, locked",
        part(place(91, 2, 1), PACKED, data_coding=0),
        *UNDECODABLE,
        "content.undecodable",
        more=(part(place(91, 2, 2, b"\x25\x01\x01"), PACKED, data_coding=0),),
    ),
    Way(
        "a character cut in two and never whole",
        part(place(92, 2, 1), UCS2[:-1]),
        *UNDECODABLE,
        "content.undecodable",
        more=(part(place(92, 2, 2), UCS2),),
    ),
    Way(
        "binary parts",
        part(place(93, 2, 1), data_coding=4),
        *UNDECODABLE,
        "content.undecodable",
        more=(part(place(93, 2, 2), data_coding=4),),
    ),
    Way(
        "data_sm, all parts",
        data_sm_body("10690001", PERSONS[0], place(94, 2, 1) + UCS2, data_coding=8, esm_class=64),
        *PARTIAL,
        "message.partial",
        DATA_SM,
        more=(data_sm_body("10690001", PERSONS[0], place(94, 2, 2) + UCS2, data_coding=8, esm_class=64),),
        decisions=2,
    ),
    Way(
        "data_sm, the only part, to a refused person",
        data_sm_body("10690001", IMPORTED, place(95, 1, 1) + UCS2, data_coding=8, esm_class=64),
        *REFUSED,
        "suppression.active",
        DATA_SM,
    ),
]
