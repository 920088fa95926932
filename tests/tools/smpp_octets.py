"""SMPP as the specification's table says it, independent of the product's own tables: layouts, strategies, raw PDUs."""

from __future__ import annotations

import re
import struct
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

CARD = (Path(__file__).resolve().parents[1] / "data" / "smpp_v34.md").read_text(encoding="utf-8")

COMMANDS: dict[str, int] = {}
FIELDS: dict[str, list[tuple[str, str]]] = {}
for _line in CARD[CARD.index("| PDU") : CARD.index("## TLVs")].splitlines():
    _row = re.match(r"\| (\w+)(?: \(v5\))? \| (0x[0-9a-f]{8}) \| (.*) \|$", _line)
    if _row:
        COMMANDS[_row[1]] = int(_row[2], 16)
        # Commas inside the description of a list are not between fields.
        FIELDS[_row[1]] = re.findall(r"(\w+):(cstring|int8|int32|sm_length|number_of_dests|no_unsuccess)\b", _row[3])

TAGS = {
    name: (int(tag, 16), kind)
    for tag, name, kind in re.findall(r"^\| (0x[0-9a-f]{4}) \| (\w+)(?: \(v5\))? \| (.*) \|$", CARD, re.MULTILINE)
}
STATUSES = {
    name: int(code, 16) for code, name in re.findall(r"^\| (0x[0-9a-f]{8}) \| (ESME_\w+).* \|$", CARD, re.MULTILINE)
}

LIMITS = {
    "system_id": 16,
    "password": 9,
    "system_type": 13,
    "address_range": 41,
    "service_type": 6,
    "source_addr": 21,
    "destination_addr": 21,
    "esme_addr": 65,
    "message_id": 65,
    "schedule_delivery_time": 17,
    "validity_period": 17,
    "final_date": 17,
}
LONG_ADDRESSES = ("data_sm", "alert_notification")


def limit(pdu: str, field: str) -> int:
    """The most octets of a cstring, NUL included."""
    return 65 if pdu in LONG_ADDRESSES and field.endswith("_addr") else LIMITS[field]


def header(command_id: int, status: int, sequence: int, body: bytes) -> bytes:
    return struct.pack(">IIII", 16 + len(body), command_id, status, sequence) + body


def with_length(raw: bytes) -> bytes:
    """The same octets with a command_length that is right."""
    return struct.pack(">I", len(raw)) + raw[4:]


def cstrings(octets: int) -> st.SearchStrategy[bytes]:
    return st.lists(st.integers(1, 255), max_size=octets - 1).map(bytes)


def _address() -> st.SearchStrategy[bytes]:
    return st.tuples(st.integers(0, 255), st.integers(0, 255), cstrings(21)).map(
        lambda each: bytes(each[:2]) + each[2] + b"\0"
    )


def _destinations() -> st.SearchStrategy[bytes]:
    sme = _address().map(lambda each: b"\x01" + each)
    listed = cstrings(21).map(lambda each: b"\x02" + each + b"\0")
    return st.lists(st.one_of(sme, listed), min_size=1, max_size=5).map(
        lambda each: bytes((len(each),)) + b"".join(each)
    )


def _unsuccess() -> st.SearchStrategy[bytes]:
    one = st.tuples(_address(), st.binary(min_size=4, max_size=4)).map(b"".join)
    return st.lists(one, max_size=5).map(lambda each: bytes((len(each),)) + b"".join(each))


def _field(pdu: str, name: str, kind: str) -> st.SearchStrategy[bytes]:
    if kind == "cstring":
        return cstrings(limit(pdu, name)).map(lambda each: each + b"\0")
    if kind == "int8":
        return st.integers(0, 255).map(lambda each: bytes((each,)))
    if kind == "sm_length":
        return st.binary(max_size=254).map(lambda each: bytes((len(each),)) + each)
    return _destinations() if kind == "number_of_dests" else _unsuccess()


def tlvs() -> st.SearchStrategy[list[tuple[int, bytes]]]:
    tags = st.one_of(st.sampled_from([tag for tag, _ in TAGS.values()]), st.integers(0, 0xFFFF))
    return st.lists(st.tuples(tags, st.binary(max_size=40)), max_size=4)


def tlv_octets(stream: list[tuple[int, bytes]]) -> bytes:
    return b"".join(struct.pack(">HH", tag, len(value)) + value for tag, value in stream)


@st.composite
def pdus(draw: st.DrawFn, names: tuple[str, ...] = tuple(COMMANDS)) -> bytes:
    """Well-formed PDUs, written from the specification's table."""
    name = draw(st.sampled_from(names))
    status = draw(st.one_of(st.just(0), st.sampled_from(sorted(STATUSES.values())), st.integers(0, 0xFFFFFFFF)))
    body = b"".join(draw(_field(name, field, kind)) for field, kind in FIELDS[name])
    if body:
        body += tlv_octets(draw(tlvs()))
        if name.endswith("_resp") and status and draw(st.booleans()):
            body = tlv_octets(draw(tlvs())) if draw(st.booleans()) else b""
    return header(COMMANDS[name], status, draw(st.integers(0, 0xFFFFFFFF)), body)


@st.composite
def mutated(draw: st.DrawFn, source: st.SearchStrategy[bytes]) -> bytes:
    """PDUs with octets changed, cut out or put in; mostly with the command_length made right again."""
    octets = bytearray(draw(source))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(octets)))
        what = draw(st.sampled_from(("set", "cut", "put", "end")))
        if what == "set" and at < len(octets):
            octets[at] = draw(st.one_of(st.sampled_from((0, 1, 2, 254, 255)), st.integers(0, 255)))
        elif what == "cut":
            del octets[at : at + draw(st.integers(1, 8))]
        elif what == "put":
            octets[at:at] = draw(st.one_of(st.binary(min_size=1, max_size=8), st.just(b"\0"), st.just(b"7" * 70)))
        elif what == "end":
            del octets[at:]
    raw = bytes(octets)
    return raw if len(raw) < 4 or draw(st.integers(0, 9)) == 0 else with_length(raw)


def submit(**changes: Any) -> bytes:
    """The body and header of a plain submit_sm with some fields' octets replaced, as they stand on the wire."""
    fields = {
        "service_type": b"\0",
        "source_addr_ton": b"\0",
        "source_addr_npi": b"\1",
        "source_addr": b"106900001234\0",
        "dest_addr_ton": b"\1",
        "dest_addr_npi": b"\1",
        "destination_addr": b"8613900001234\0",
        "esm_class": b"\0",
        "protocol_id": b"\0",
        "priority_flag": b"\0",
        "schedule_delivery_time": b"\0",
        "validity_period": b"\0",
        "registered_delivery": b"\1",
        "replace_if_present_flag": b"\0",
        "data_coding": b"\x08",
        "sm_default_msg_id": b"\0",
        "short_message": b"\x04\x90\x00\x8b\xa2",
        "tlvs": b"",
    }
    command = changes.pop("command", "submit_sm")
    unknown = changes.keys() - fields.keys()
    assert not unknown, unknown
    return header(COMMANDS[command], 0, 7, b"".join((fields | changes).values()))
