"""Bodies of the PDUs that carry text, written from plain values.

Owns the layout of submit_sm, deliver_sm (SMPP v3.4 §4.4.1, §4.6.1) and data_sm (§4.7.1) without their header, so that a
load can write a body once and send it many times. Must never check what a flag means.
"""

from collections.abc import Iterable

from proxy.smpp import consts
from proxy.smpp.codec import Value, encode
from simulators.wording import Segment

Tlvs = Iterable[tuple[int, bytes]]


def _octets(address: str | bytes) -> bytes:
    return address if isinstance(address, bytes) else address.encode("latin-1")


def guess_ton_npi(address: str | bytes) -> tuple[int, int]:
    """Give TON and NPI that suit an address: letters 5/0, a leading + or 86 with a mobile number 1/1, else 0/0."""
    octets = _octets(address)
    if not octets.lstrip(b"+").isdigit():
        return (5, 0) if octets else (0, 0)
    return (1, 1) if octets.startswith(b"+") or (octets.startswith(b"86") and len(octets) == 13) else (0, 0)


def message_body(
    source: str | bytes,
    destination: str | bytes,
    segment: Segment,
    *,
    service_type: str = "",
    source_ton: int | None = None,
    source_npi: int | None = None,
    dest_ton: int | None = None,
    dest_npi: int | None = None,
    esm_class: int = 0,
    protocol_id: int = 0,
    priority_flag: int = 0,
    schedule: str = "",
    validity: str = "",
    registered_delivery: int = 0,
    replace_if_present: int = 0,
    tlvs: Tlvs = (),
) -> bytes:
    """Write the body of a submit_sm or deliver_sm; ValueError where a value does not fit its field."""
    values: dict[str, Value] = {
        "service_type": service_type.encode("latin-1"),
        "source_addr": _octets(source),
        "destination_addr": _octets(destination),
        "esm_class": esm_class | segment.esm_class,
        "protocol_id": protocol_id,
        "priority_flag": priority_flag,
        "schedule_delivery_time": schedule.encode("latin-1"),
        "validity_period": validity.encode("latin-1"),
        "registered_delivery": registered_delivery,
        "replace_if_present_flag": replace_if_present,
        "data_coding": segment.data_coding,
        "short_message": segment.octets,
        **_tons(source, destination, source_ton, source_npi, dest_ton, dest_npi),
    }
    return encode(consts.SUBMIT_SM, 0, 0, values, (*segment.tlvs, *tlvs))[consts.HEADER_OCTETS :]


def data_body(
    source: str | bytes,
    destination: str | bytes,
    segment: Segment,
    *,
    registered_delivery: int = 0,
    tlvs: Tlvs = (),
) -> bytes:
    """Write the body of a data_sm, its text in message_payload."""
    payload = () if not segment.octets else ((consts.TAG_MESSAGE_PAYLOAD, segment.octets),)
    values: dict[str, Value] = {
        "source_addr": _octets(source),
        "destination_addr": _octets(destination),
        "esm_class": segment.esm_class,
        "registered_delivery": registered_delivery,
        "data_coding": segment.data_coding,
        **_tons(source, destination, None, None, None, None),
    }
    return encode(consts.DATA_SM, 0, 0, values, (*payload, *segment.tlvs, *tlvs))[consts.HEADER_OCTETS :]


def _tons(
    source: str | bytes,
    destination: str | bytes,
    source_ton: int | None,
    source_npi: int | None,
    dest_ton: int | None,
    dest_npi: int | None,
) -> dict[str, int]:
    source_guess, dest_guess = guess_ton_npi(source), guess_ton_npi(destination)
    return {
        "source_addr_ton": source_guess[0] if source_ton is None else source_ton,
        "source_addr_npi": source_guess[1] if source_npi is None else source_npi,
        "dest_addr_ton": dest_guess[0] if dest_ton is None else dest_ton,
        "dest_addr_npi": dest_guess[1] if dest_npi is None else dest_npi,
    }
