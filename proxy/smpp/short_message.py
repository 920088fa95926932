"""The fast readers of the PDUs that carry text: submit_sm, deliver_sm and data_sm, read by offset.

Owns the hot path's view of a message. Must never accept or refuse anything that `codec.decode` does not: a PDU that
is not in its limits is handed to `codec`, which says what is wrong with it.

How: three readers, each falling back on the next. `read_sm` takes the plain PDU (no service_type, no times, a number
of 11 or 13 digits without search) with one search and one unpack; `_read_sm_by_offset` searches each NUL within the
limit of its field; `codec` reads and refuses the rest. A bound method and a tuple of ready structs per shape, not
calls per field: this is the most often called function of the product.
"""

import struct
from typing import Final

from proxy.smpp.codec import Fields, decode
from proxy.smpp.consts import DATA_SM, DELIVER_SM, ESME_RINVCMDID, SUBMIT_SM
from proxy.smpp.pdu import HEADER, PduError
from proxy.smpp.tlv import Tlv, parse_tlvs

_ADDRESS_OCTETS: Final = 20
"""Longest source_addr and destination_addr without the NUL."""

_PLAIN_SHAPES: Final = tuple(
    tuple(struct.Struct(f">II8xxBB{source}sxBB{dest}sx10B").unpack_from for dest in range(_ADDRESS_OCTETS + 1))
    for source in range(_ADDRESS_OCTETS + 1)
)
"""Header to sm_length of an SM with empty service_type and times, by the lengths of its two addresses."""

_SM_COMMANDS: Final = frozenset({SUBMIT_SM, DELIVER_SM})
_unpack_header = HEADER.unpack_from
_unpack_three = struct.Struct("3B").unpack_from
_unpack_five = struct.Struct("5B").unpack_from


class ShortMessage:
    """The fields of a submit_sm, deliver_sm or data_sm; those that data_sm lacks are 0 or empty."""

    __slots__ = (
        "data_coding", "dest", "dest_npi", "dest_ton", "esm_class", "priority_flag", "protocol_id",
        "registered_delivery", "replace_if_present", "schedule", "service_type", "short_message", "sm_default_msg_id",
        "source", "source_key", "source_npi", "source_ton", "tlvs", "validity",
    )  # fmt: skip

    def __init__(
        self,
        service_type: bytes,
        source_ton: int,
        source_npi: int,
        source: bytes,
        dest_ton: int,
        dest_npi: int,
        dest: bytes,
        esm_class: int,
        protocol_id: int,
        priority_flag: int,
        schedule: bytes,
        validity: bytes,
        registered_delivery: int,
        replace_if_present: int,
        data_coding: int,
        sm_default_msg_id: int,
        short_message: bytes,
        tlvs: tuple[Tlv, ...],
        source_key: bytes,
    ) -> None:
        self.service_type: Final = service_type
        self.source_ton: Final = source_ton
        self.source_npi: Final = source_npi
        #: source_addr without its NUL.
        self.source: Final = source
        self.dest_ton: Final = dest_ton
        self.dest_npi: Final = dest_npi
        #: destination_addr without its NUL.
        self.dest: Final = dest
        self.esm_class: Final = esm_class
        self.protocol_id: Final = protocol_id
        self.priority_flag: Final = priority_flag
        #: schedule_delivery_time without its NUL.
        self.schedule: Final = schedule
        #: validity_period without its NUL.
        self.validity: Final = validity
        self.registered_delivery: Final = registered_delivery
        self.replace_if_present: Final = replace_if_present
        self.data_coding: Final = data_coding
        self.sm_default_msg_id: Final = sm_default_msg_id
        #: The octets of short_message, UDH included; message_payload is among `tlvs`.
        self.short_message: Final = short_message
        self.tlvs: Final = tlvs
        #: service_type to source_addr as they stand on the wire, NULs included: a key for memos.
        self.source_key: Final = source_key


def read_sm(raw: bytes) -> ShortMessage:
    """Read a submit_sm or deliver_sm (SMPP v3.4 §4.4.1, §4.6.1).

    Raises `PduError` with the status that `codec.decode` gives; ESME_RINVCMDID for any other command.
    """
    size = len(raw)
    if size > 32 and not raw[16]:
        b = raw.find(0, 19, 40)
        if b > 0 and size > b + 16:
            # WHY: a look at where the NUL of 11 or 13 digits stands is five times cheaper than a search; that no
            # other NUL stands before it is checked on the unpacked address. A delivery goes to a shorter number.
            c = b + 14
            if raw[c] or raw[7] == DELIVER_SM:
                c = b + 16
                if raw[c] or raw[7] == DELIVER_SM:
                    c = raw.find(0, b + 3, b + 24)
            if 0 < c < size - 10:
                (
                    length,
                    command_id,
                    source_ton,
                    source_npi,
                    source,
                    dest_ton,
                    dest_npi,
                    dest,
                    esm_class,
                    protocol_id,
                    priority_flag,
                    schedule,
                    validity,
                    registered_delivery,
                    replace_if_present,
                    data_coding,
                    sm_default_msg_id,
                    sm_length,
                ) = _PLAIN_SHAPES[b - 19][c - b - 3](raw)
                c += 11
                end = c + sm_length
                if (
                    not (schedule or validity)
                    and 0 not in dest
                    and sm_length != 255
                    and end <= size == length
                    and command_id in _SM_COMMANDS
                ):
                    return ShortMessage(
                        b"",
                        source_ton,
                        source_npi,
                        source,
                        dest_ton,
                        dest_npi,
                        dest,
                        esm_class,
                        protocol_id,
                        priority_flag,
                        b"",
                        b"",
                        registered_delivery,
                        replace_if_present,
                        data_coding,
                        sm_default_msg_id,
                        raw[c:end],
                        () if end == size else parse_tlvs(raw, end),
                        raw[16 : b + 1],
                    )
    return _read_sm_by_offset(raw)


def _read_sm_by_offset(raw: bytes) -> ShortMessage:
    """Read any well-formed submit_sm or deliver_sm."""
    size = len(raw)
    find = raw.find
    # INVARIANT: a `find` that fails gives -1, and the chain of comparisons below then fails too.
    a = find(0, 16, 22)
    b = find(0, a + 3, a + 24)
    c = find(0, b + 3, b + 24)
    d = find(0, c + 4, c + 21)
    e = find(0, d + 1, d + 18)
    if 15 < a < b < c < d < e < size - 5:
        length, command_id, _, _ = _unpack_header(raw)
        registered, replace, coding, default, sm_length = _unpack_five(raw, e + 1)
        end = e + 6 + sm_length
        if sm_length != 255 and end <= size == length and command_id in _SM_COMMANDS:
            esm_class, protocol_id, priority_flag = _unpack_three(raw, c + 1)
            return ShortMessage(
                raw[16:a],
                raw[a + 1],
                raw[a + 2],
                raw[a + 3 : b],
                raw[b + 1],
                raw[b + 2],
                raw[b + 3 : c],
                esm_class,
                protocol_id,
                priority_flag,
                raw[c + 4 : d],
                raw[d + 1 : e],
                registered,
                replace,
                coding,
                default,
                raw[e + 6 : end],
                () if end == size else parse_tlvs(raw, end),
                raw[16 : b + 1],
            )
    return from_fields(decode(raw), raw, SUBMIT_SM, DELIVER_SM)


def read_data_sm(raw: bytes) -> ShortMessage:
    """Read a data_sm (SMPP v3.4 §4.7.1); its text, if any, is a message_payload among `tlvs`.

    Raises `PduError` with the status that `codec.decode` gives; ESME_RINVCMDID for any other command.
    """
    size = len(raw)
    find = raw.find
    # INVARIANT: as in `_read_sm_by_offset`; addresses of data_sm have 64 octets.
    a = find(0, 16, 22)
    b = find(0, a + 3, a + 68)
    c = find(0, b + 3, b + 68)
    if 15 < a < b < c < size - 3:
        length, command_id, _, _ = _unpack_header(raw)
        if command_id == DATA_SM and length == size:
            esm_class, registered, coding = _unpack_three(raw, c + 1)
            return ShortMessage(
                raw[16:a],
                raw[a + 1],
                raw[a + 2],
                raw[a + 3 : b],
                raw[b + 1],
                raw[b + 2],
                raw[b + 3 : c],
                esm_class,
                0,
                0,
                b"",
                b"",
                registered,
                0,
                coding,
                0,
                b"",
                () if c + 4 == size else parse_tlvs(raw, c + 4),
                raw[16 : b + 1],
            )
    return from_fields(decode(raw), raw, DATA_SM)


def from_fields(fields: Fields, raw: bytes, *commands: int) -> ShortMessage:
    """Turn what the general reader made of a PDU into the same struct, so that no PDU depends on the fast paths.

    A submit_multi has no address of its own: its `dest` is empty. Raises `PduError` where it is none of `commands`.
    """
    if fields.command_id not in commands:
        raise PduError(ESME_RINVCMDID, "command_id")

    def octets(name: str) -> bytes:
        value = fields.values.get(name, b"")
        assert isinstance(value, bytes)
        return value

    def number(name: str) -> int:
        value = fields.values.get(name, 0)
        assert isinstance(value, int)
        return value

    service_type, source = octets("service_type"), octets("source_addr")
    return ShortMessage(
        service_type=service_type,
        source_ton=number("source_addr_ton"),
        source_npi=number("source_addr_npi"),
        source=source,
        dest_ton=number("dest_addr_ton"),
        dest_npi=number("dest_addr_npi"),
        dest=octets("destination_addr"),
        esm_class=number("esm_class"),
        protocol_id=number("protocol_id"),
        priority_flag=number("priority_flag"),
        schedule=octets("schedule_delivery_time"),
        validity=octets("validity_period"),
        registered_delivery=number("registered_delivery"),
        replace_if_present=number("replace_if_present_flag"),
        data_coding=number("data_coding"),
        sm_default_msg_id=number("sm_default_msg_id"),
        short_message=octets("short_message"),
        tlvs=fields.tlvs,
        source_key=raw[16 : 16 + len(service_type) + len(source) + 4],
    )
