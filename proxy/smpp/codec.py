"""Every PDU of SMPP v3.4, and the broadcast ones of v5.0, from octets to named values and back.

Owns the one table of mandatory fields (`LAYOUTS`) and the general reader and writer that walk it. Must never correct
what it reads: `encode(decode(x)) == x` on octets for every PDU that decodes. The hot path has its own reader of
submit_sm, deliver_sm and data_sm in `short_message`, which falls back on this one for whatever is not plain.

Values are judged for their form only (size, NUL, counts). What a flag, an address or a time means is the policy's.
"""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from proxy.smpp import consts
from proxy.smpp.consts import (
    ESME_RBINDFAIL,
    ESME_RINVCMDID,
    ESME_RINVCMDLEN,
    ESME_RINVDESTFLAG,
    ESME_RINVDLNAME,
    ESME_RINVDSTADR,
    ESME_RINVEXPIRY,
    ESME_RINVMSGID,
    ESME_RINVMSGLEN,
    ESME_RINVNUMDESTS,
    ESME_RINVPASWD,
    ESME_RINVSCHED,
    ESME_RINVSERTYP,
    ESME_RINVSRCADR,
    ESME_RINVSYSID,
    ESME_RINVSYSTYP,
    HEADER_OCTETS,
    RESPONSE_BIT,
    SM_LENGTH_MAX,
)
from proxy.smpp.pdu import HEADER, PduError
from proxy.smpp.tlv import Tlv, encode_tlvs, parse_tlvs


class SmeAddress(msgspec.Struct, frozen=True):
    """A destination of submit_multi that is a number (dest_flag 1)."""

    ton: int
    npi: int
    address: bytes
    """destination_addr without its NUL, at most 20 octets."""


class DistributionList(msgspec.Struct, frozen=True):
    """A destination of submit_multi that is a list kept by the SMSC (dest_flag 2)."""

    name: bytes
    """dl_name without its NUL, at most 20 octets."""


class UnsuccessSme(msgspec.Struct, frozen=True):
    """A destination of submit_multi that the SMSC did not take, and why."""

    ton: int
    npi: int
    address: bytes
    error_status: int
    """A command_status."""


Value = int | bytes | list[SmeAddress | DistributionList] | list[UnsuccessSme]


class Fields(msgspec.Struct, frozen=True):
    """A decoded PDU."""

    command_id: int
    status: int
    sequence: int
    values: dict[str, Value]
    """Mandatory fields by name in wire order; cstrings as bytes without the NUL, short_message without its length.

    Empty where a response came without its body.
    """
    tlvs: tuple[Tlv, ...] = ()


class _Kind(NamedTuple):
    """How one sort of field is read (from offset, to the next offset) and written."""

    read: Callable[[bytes, int], tuple[Value, int]]
    write: Callable[[Value], bytes]
    absent: Value
    """What `encode` writes where the caller gives no value."""


def _truncated(name: str) -> PduError:
    return PduError(ESME_RINVCMDLEN, f"truncated.{name}")


def _read_cstring(raw: bytes, at: int, name: str, limit: int, status: int) -> tuple[bytes, int]:
    """Read up to the NUL, which is the `limit`-th octet at the latest."""
    end = raw.find(0, at, at + limit)
    if end < 0:
        # WHY: with fewer octets left than the field may have, it is the PDU that is too short, not the field too long.
        raise _truncated(name) if len(raw) < at + limit else PduError(status, f"overlong.{name}")
    return raw[at:end], end + 1


def _write_cstring(value: object, name: str, limit: int) -> bytes:
    if not isinstance(value, bytes) or 0 in value or len(value) >= limit:
        raise ValueError(f"{name}: at most {limit - 1} octets without NUL")
    return value + b"\0"


def _write_int(value: object, name: str, octets: int) -> bytes:
    if not isinstance(value, int) or not 0 <= value < 1 << 8 * octets:
        raise ValueError(f"{name}: an integer of {octets} octets")
    return value.to_bytes(octets, "big")


def _cstring(name: str, limit: int, status: int) -> tuple[str, _Kind]:
    def read(raw: bytes, at: int) -> tuple[Value, int]:
        return _read_cstring(raw, at, name, limit, status)

    def write(value: Value) -> bytes:
        return _write_cstring(value, name, limit)

    return name, _Kind(read, write, b"")


def _int8(name: str) -> tuple[str, _Kind]:
    def read(raw: bytes, at: int) -> tuple[Value, int]:
        if at >= len(raw):
            raise _truncated(name)
        return raw[at], at + 1

    def write(value: Value) -> bytes:
        return _write_int(value, name, 1)

    return name, _Kind(read, write, 0)


def _read_short_message(raw: bytes, at: int) -> tuple[Value, int]:
    if at >= len(raw):
        raise _truncated("sm_length")
    length = raw[at]
    end = at + 1 + length
    if length > SM_LENGTH_MAX:
        raise PduError(ESME_RINVMSGLEN, "overlong.short_message")
    if end > len(raw):
        raise PduError(ESME_RINVMSGLEN, "sm_length.beyond")
    return raw[at + 1 : end], end


def _write_short_message(value: Value) -> bytes:
    if not isinstance(value, bytes) or len(value) > SM_LENGTH_MAX:
        raise ValueError(f"short_message: at most {SM_LENGTH_MAX} octets")
    return bytes((len(value),)) + value


def _read_destinations(raw: bytes, at: int) -> tuple[Value, int]:
    if at >= len(raw):
        raise _truncated("number_of_dests")
    count = raw[at]
    at += 1
    # WHY: 254 is the specification's limit, and none at all is a message to nobody.
    if not 1 <= count <= 254:
        raise PduError(ESME_RINVNUMDESTS, "number_of_dests")
    found: list[SmeAddress | DistributionList] = []
    for _ in range(count):
        if at >= len(raw):
            raise _truncated("dest_flag")
        flag = raw[at]
        at += 1
        if flag == 1:
            if at + 2 > len(raw):
                raise _truncated("dest_addr_ton")
            ton, npi = raw[at], raw[at + 1]
            address, at = _read_cstring(raw, at + 2, "destination_addr", 21, ESME_RINVDSTADR)
            found.append(SmeAddress(ton, npi, address))
        elif flag == 2:
            name, at = _read_cstring(raw, at, "dl_name", 21, ESME_RINVDLNAME)
            found.append(DistributionList(name))
        else:
            raise PduError(ESME_RINVDESTFLAG, "dest_flag")
    return found, at


def _write_destinations(value: Value) -> bytes:
    if not isinstance(value, list) or not 1 <= len(value) <= 254:
        raise ValueError("dest_address: 1 to 254 destinations")
    parts = [_write_int(len(value), "number_of_dests", 1)]
    for each in value:
        if isinstance(each, SmeAddress):
            ton, npi = _write_int(each.ton, "dest_addr_ton", 1), _write_int(each.npi, "dest_addr_npi", 1)
            parts += b"\x01", ton, npi, _write_cstring(each.address, "destination_addr", 21)
        elif isinstance(each, DistributionList):
            parts += b"\x02", _write_cstring(each.name, "dl_name", 21)
        else:
            raise ValueError("dest_address: an SmeAddress or a DistributionList")
    return b"".join(parts)


def _read_unsuccess(raw: bytes, at: int) -> tuple[Value, int]:
    if at >= len(raw):
        raise _truncated("no_unsuccess")
    count = raw[at]
    at += 1
    found: list[UnsuccessSme] = []
    for _ in range(count):
        if at + 2 > len(raw):
            raise _truncated("dest_addr_ton")
        ton, npi = raw[at], raw[at + 1]
        address, at = _read_cstring(raw, at + 2, "destination_addr", 21, ESME_RINVDSTADR)
        if at + 4 > len(raw):
            raise _truncated("error_status_code")
        found.append(UnsuccessSme(ton, npi, address, int.from_bytes(raw[at : at + 4], "big")))
        at += 4
    return found, at


def _write_unsuccess(value: Value) -> bytes:
    if not isinstance(value, list) or len(value) > 255:
        raise ValueError("unsuccess_sme: at most 255 destinations")
    parts = [_write_int(len(value), "no_unsuccess", 1)]
    for each in value:
        if not isinstance(each, UnsuccessSme):
            raise ValueError("unsuccess_sme: an UnsuccessSme")
        ton, npi = _write_int(each.ton, "dest_addr_ton", 1), _write_int(each.npi, "dest_addr_npi", 1)
        address = _write_cstring(each.address, "destination_addr", 21)
        parts += ton, npi, address, _write_int(each.error_status, "error_status_code", 4)
    return b"".join(parts)


Layout = tuple[tuple[str, _Kind], ...]

_SYSTEM_ID = _cstring("system_id", 16, ESME_RINVSYSID)
_PASSWORD = _cstring("password", 9, ESME_RINVPASWD)
_SERVICE_TYPE = _cstring("service_type", 6, ESME_RINVSERTYP)
_MESSAGE_ID = _cstring("message_id", 65, ESME_RINVMSGID)
# WHY: times hold 1 or 17 octets by the specification, yet carriers send others in deliver_sm and receipts must pass:
# the size is capped here, and `times` says which of them is a time.
_SCHEDULE = _cstring("schedule_delivery_time", 17, ESME_RINVSCHED)
_VALIDITY = _cstring("validity_period", 17, ESME_RINVEXPIRY)
_SHORT_MESSAGE: Final = ("short_message", _Kind(_read_short_message, _write_short_message, b""))
_DATA_CODING = _int8("data_coding")
_REGISTERED = _int8("registered_delivery")
_REPLACE = _int8("replace_if_present_flag")
_DEFAULT_MSG = _int8("sm_default_msg_id")
_PRIORITY = _int8("priority_flag")
_ESM_CLASS = _int8("esm_class")


def _source(limit: int = 21) -> Layout:
    address = _cstring("source_addr", limit, ESME_RINVSRCADR)
    return (_int8("source_addr_ton"), _int8("source_addr_npi"), address)


def _destination(limit: int = 21) -> Layout:
    address = _cstring("destination_addr", limit, ESME_RINVDSTADR)
    return (_int8("dest_addr_ton"), _int8("dest_addr_npi"), address)


_BIND: Layout = (
    _SYSTEM_ID,
    _PASSWORD,
    _cstring("system_type", 13, ESME_RINVSYSTYP),
    _int8("interface_version"),
    _int8("addr_ton"),
    _int8("addr_npi"),
    # WHY: no command_status names address_range; the bind is what fails by it.
    _cstring("address_range", 41, ESME_RBINDFAIL),
)
_SM_TAIL: Layout = (
    _ESM_CLASS,
    _int8("protocol_id"),
    _PRIORITY,
    _SCHEDULE,
    _VALIDITY,
    _REGISTERED,
    _REPLACE,
    _DATA_CODING,
    _DEFAULT_MSG,
    _SHORT_MESSAGE,
)
_SM: Layout = (_SERVICE_TYPE, *_source(), *_destination(), *_SM_TAIL)
_DESTINATIONS = ("dest_address", _Kind(_read_destinations, _write_destinations, []))
_UNSUCCESS = ("unsuccess_sme", _Kind(_read_unsuccess, _write_unsuccess, []))

LAYOUTS: Final[Mapping[int, Layout]] = MappingProxyType(
    {
        consts.BIND_RECEIVER: _BIND,
        consts.BIND_TRANSMITTER: _BIND,
        consts.BIND_TRANSCEIVER: _BIND,
        consts.OUTBIND: (_SYSTEM_ID, _PASSWORD),
        consts.QUERY_SM: (_MESSAGE_ID, *_source()),
        consts.SUBMIT_SM: _SM,
        consts.DELIVER_SM: _SM,
        consts.UNBIND: (),
        consts.REPLACE_SM: (_MESSAGE_ID, *_source(), _SCHEDULE, _VALIDITY, _REGISTERED, _DEFAULT_MSG, _SHORT_MESSAGE),
        consts.CANCEL_SM: (_SERVICE_TYPE, _MESSAGE_ID, *_source(), *_destination()),
        consts.ENQUIRE_LINK: (),
        consts.SUBMIT_MULTI: (_SERVICE_TYPE, *_source(), _DESTINATIONS, *_SM_TAIL),
        consts.ALERT_NOTIFICATION: (
            *_source(65),
            _int8("esme_addr_ton"),
            _int8("esme_addr_npi"),
            _cstring("esme_addr", 65, ESME_RINVDSTADR),
        ),
        consts.DATA_SM: (_SERVICE_TYPE, *_source(65), *_destination(65), _ESM_CLASS, _REGISTERED, _DATA_CODING),
        consts.BROADCAST_SM: (
            _SERVICE_TYPE,
            *_source(),
            _MESSAGE_ID,
            _PRIORITY,
            _SCHEDULE,
            _VALIDITY,
            _REPLACE,
            _DATA_CODING,
            _DEFAULT_MSG,
        ),
        consts.QUERY_BROADCAST_SM: (_MESSAGE_ID, *_source()),
        consts.CANCEL_BROADCAST_SM: (_SERVICE_TYPE, _MESSAGE_ID, *_source()),
        consts.GENERIC_NACK: (),
        consts.BIND_RECEIVER_RESP: (_SYSTEM_ID,),
        consts.BIND_TRANSMITTER_RESP: (_SYSTEM_ID,),
        consts.BIND_TRANSCEIVER_RESP: (_SYSTEM_ID,),
        consts.QUERY_SM_RESP: (
            _MESSAGE_ID,
            _cstring("final_date", 17, ESME_RINVCMDLEN),
            _int8("message_state"),
            _int8("error_code"),
        ),
        consts.SUBMIT_SM_RESP: (_MESSAGE_ID,),
        consts.DELIVER_SM_RESP: (_MESSAGE_ID,),
        consts.UNBIND_RESP: (),
        consts.REPLACE_SM_RESP: (),
        consts.CANCEL_SM_RESP: (),
        consts.ENQUIRE_LINK_RESP: (),
        consts.SUBMIT_MULTI_RESP: (_MESSAGE_ID, _UNSUCCESS),
        consts.DATA_SM_RESP: (_MESSAGE_ID,),
        consts.BROADCAST_SM_RESP: (_MESSAGE_ID,),
        consts.QUERY_BROADCAST_SM_RESP: (_MESSAGE_ID,),
        consts.CANCEL_BROADCAST_SM_RESP: (),
    }
)
"""Mandatory fields of each PDU in wire order (SMPP v3.4 §4, v5.0 §4.4)."""


def _bodiless(command_id: int, status: int) -> bool:
    """Tell whether the PDU may leave its mandatory fields out."""
    # DEVIATION SMPP v3.4 §4.6.2: the message_id of deliver_sm_resp is unused, and many ESMEs send the header only.
    return command_id & RESPONSE_BIT != 0 and (status != 0 or command_id == consts.DELIVER_SM_RESP)


def decode(raw: bytes) -> Fields:
    """Read one whole PDU.

    Raises `PduError`: ESME_RINVCMDLEN where command_length is not the number of octets, where a field is cut off, or
    where octets follow a PDU that has no body; ESME_RINVCMDID for a command that v34 does not list; the status of the
    field where it is too long or malformed; ESME_RINVMSGLEN for sm_length; ESME_RINVTLVSTREAM for broken TLVs.

    Responses with a status may come without mandatory fields, with TLVs or not (SMPP v3.4 §4.1.2 and v5.0 differ).
    """
    if len(raw) < HEADER_OCTETS:
        raise PduError(ESME_RINVCMDLEN, "truncated.header")
    length, command_id, status, sequence = HEADER.unpack_from(raw)
    if length != len(raw):
        raise PduError(ESME_RINVCMDLEN, "command_length")
    layout = LAYOUTS.get(command_id)
    if layout is None:
        raise PduError(ESME_RINVCMDID, "command_id")
    if not layout:
        if length > HEADER_OCTETS:
            raise PduError(ESME_RINVCMDLEN, "trailing")
        return Fields(command_id, status, sequence, {})
    if not _bodiless(command_id, status):
        return Fields(command_id, status, sequence, *_read_body(raw, layout))
    if length == HEADER_OCTETS:
        return Fields(command_id, status, sequence, {})
    try:
        values, tlvs = _read_body(raw, layout)
    except PduError as broken:
        # WHY: v5 peers leave the fields out and explain themselves in TLVs (additional_status_info_text).
        try:
            return Fields(command_id, status, sequence, {}, parse_tlvs(raw, HEADER_OCTETS))
        except PduError:
            raise broken from None
    return Fields(command_id, status, sequence, values, tlvs)


def _read_body(raw: bytes, layout: Layout) -> tuple[dict[str, Value], tuple[Tlv, ...]]:
    at = HEADER_OCTETS
    values: dict[str, Value] = {}
    for name, kind in layout:
        values[name], at = kind.read(raw, at)
    return values, parse_tlvs(raw, at)


def encode(command_id: int, status: int, sequence: int, values: Mapping[str, Value], tlvs: Iterable[Tlv] = ()) -> bytes:
    """Write one PDU; fields that `values` does not name are 0 or empty.

    A response that may leave its mandatory fields out does so where `values` is empty. Raises ValueError for an
    unknown command or field, and for a value that its field does not hold: that is a mistake of ours, not a peer's.
    """
    layout = LAYOUTS.get(command_id)
    if layout is None:
        raise ValueError(f"no such command: {command_id:#010x}")
    unknown = values.keys() - {name for name, _ in layout}
    if unknown:
        raise ValueError(f"no such field in {consts.COMMAND_NAMES[command_id]}: {', '.join(sorted(unknown))}")
    optional = encode_tlvs(tlvs)
    if optional and not layout:
        raise ValueError(f"no TLV in {consts.COMMAND_NAMES[command_id]}")
    if values or not _bodiless(command_id, status):
        body = b"".join([kind.write(values.get(name, kind.absent)) for name, kind in layout]) + optional
    else:
        body = optional
    header = _write_int(HEADER_OCTETS + len(body), "command_length", 4) + _write_int(command_id, "command_id", 4)
    return header + _write_int(status, "command_status", 4) + _write_int(sequence, "sequence_number", 4) + body
