"""The shortest way through a submit_sm takes just the plain ones, and says of them what the careful way says."""

from __future__ import annotations

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.smpp.consts import SUBMIT_SM
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.plain_submit import read_plain
from proxy.smpp.short_message import read_sm
from proxy.smpp.submit import SubmitReader
from proxy.smpp.text import DEFAULT_TABLE
from tests.rules.scene import ACCOUNT, NOON
from tests.tools.slotted import held
from tests.tools.smpp_octets import cstrings, mutated, pdus, submit, tlv_octets, tlvs, with_length

pytestmark = pytest.mark.unit

ZERO = st.just(b"\0")
OCTET = st.integers(0, 255).map(lambda each: bytes((each,)))
RARELY = st.one_of(ZERO, ZERO, ZERO, ZERO, ZERO, OCTET)
CSTRING = cstrings(21).map(lambda each: each + b"\0")
#: A source_key that many of the submits begin with.
LIKELY = b"\0\1\x0110690001\0"
TIME = st.one_of(ZERO, ZERO, ZERO, ZERO, ZERO, st.just(b"000001000000000R\0"))
#: Submits of which most are plain: each option is mostly zero.
NEARLY_PLAIN = st.fixed_dictionaries(
    {
        "service_type": st.one_of(ZERO, st.sampled_from([b"CMT\0", b"USSD\0", b"12345\0"])),
        "source_addr_ton": st.one_of(OCTET, st.just(b"\1")),
        "source_addr_npi": st.just(b"\1"),
        "source_addr": st.one_of(CSTRING, st.just(b"10690001\0")),
        "dest_addr_ton": OCTET,
        "dest_addr_npi": OCTET,
        "destination_addr": CSTRING,
        "esm_class": RARELY,
        "protocol_id": RARELY,
        "priority_flag": OCTET,
        "schedule_delivery_time": TIME,
        "validity_period": TIME,
        "registered_delivery": OCTET,
        "replace_if_present_flag": RARELY,
        "data_coding": OCTET,
        "sm_default_msg_id": RARELY,
        "short_message": st.binary(max_size=254).map(lambda each: bytes((len(each),)) + each),
        "tlvs": st.one_of(st.just(b""), st.just(b""), tlvs().map(tlv_octets)),
    }
).map(lambda fields: submit(**fields))
SUBMITS = st.one_of(NEARLY_PLAIN, pdus(("submit_sm",)), mutated(NEARLY_PLAIN).map(lambda raw: raw.ljust(16, b"\0")))


def as_submit(raw: bytes) -> bytes:
    """The octets with a header that a session lets through as a submit_sm."""
    return with_length(raw[:4] + struct.pack(">I", SUBMIT_SM) + raw[8:])


@given(SUBMITS)
@example(submit(short_message=b"\xff" + b"a" * 255))
@example(submit(short_message=b"\xfe" + b"a" * 254))
@example(submit(short_message=b"\0"))
@example(submit(source_addr=b"\0", destination_addr=b"\0"))
@example(submit(destination_addr=b"1" * 20 + b"\0"))
@example(submit(destination_addr=b"1" * 21 + b"\0"))
@example(submit(service_type=b"123456\0"))
@example(submit(tlvs=b"\0"))
@example(submit()[:-1])
def test_just_what_is_plain_is_read_as_plain(raw):
    raw = as_submit(raw)
    try:
        sm = read_sm(raw)
    except PduError:
        assert not read_plain(raw, b"")[0]
        assert not read_plain(raw, LIKELY)[0]
        return
    options = (
        sm.esm_class,
        sm.protocol_id,
        sm.schedule,
        sm.validity,
        sm.replace_if_present,
        sm.sm_default_msg_id,
        sm.tlvs,
    )
    plain = (sm.source_key, sm.dest_ton, sm.dest_npi, sm.dest, sm.data_coding, sm.short_message)
    for likely in (b"", LIKELY, sm.source_key):
        found = read_plain(raw, likely)
        assert (found if found[0] else None) == (None if any(options) else plain)


@given(NEARLY_PLAIN)
def test_fast_and_careful_say_the_same(raw):
    pdu = Pdu(SUBMIT_SM, 0, 7, raw)
    if not read_plain(raw, b"")[0]:
        return
    one, other = (SubmitReader(ACCOUNT, DEFAULT_TABLE, 0x1401) for _ in range(2))
    assert held(one.submit(pdu, 1, NOON, True, False)) == held(other._careful(pdu, 1, NOON, True, False))
    # And again, now that the sender is known.
    assert held(one.submit(pdu, 2, NOON, False, True)) == held(other._careful(pdu, 2, NOON, False, True))


HEADERS = st.one_of(
    st.tuples(st.just(b"\5\0\3"), st.binary(min_size=1, max_size=1)),
    st.tuples(st.just(b"\6\x08\4"), st.binary(min_size=2, max_size=2)),
    st.tuples(st.sampled_from([b"\5\0\4", b"\x0b\0\3", b"\4\0\3", b"\5\x08\3"]), st.binary(max_size=3)),
).map(b"".join)
#: Parts of which most are plain but for their header.
NEARLY_PLAIN_PARTS = st.builds(
    lambda esm_class, header, total, number, text, source, more: submit(
        esm_class=bytes((esm_class,)),
        short_message=bytes((len(header) + 2 + len(text),)) + header + bytes((total, number)) + text,
        source_addr=source + b"\0",
        tlvs=more,
    ),
    st.sampled_from([0x40, 0x40, 0x40, 0x44, 0x00, 0xC0]),
    HEADERS,
    st.integers(0, 4),
    st.integers(0, 4),
    st.binary(max_size=100),
    st.sampled_from([b"10690001", b"10690001", b"", b"1" * 20]),
    st.sampled_from([b"", b"", b"", tlv_octets([(0x0204, b"\0\1")]), tlv_octets([(0x020E, b"\2")])]),
)


@given(NEARLY_PLAIN_PARTS)
def test_a_part_that_is_plain_is_what_the_careful_way_makes_of_it(raw):
    pdu = Pdu(SUBMIT_SM, 0, 7, raw)
    one, other = (SubmitReader(ACCOUNT, DEFAULT_TABLE, 0x1401) for _ in range(2))
    for has_receiver, over_rate in ((True, False), (False, True)):
        found = one.submit(pdu, 1, NOON, has_receiver, over_rate)
        wanted = other._careful(pdu, 1, NOON, has_receiver, over_rate)
        assert held(found) == held(wanted)
        is_part = other.part is not None and other.part.request is wanted
        assert is_part == (one.part is not None and one.part.request is found)
        if is_part:
            assert held(one.part) | {"request": None} == held(other.part) | {"request": None}


def test_a_plain_part_is_read_the_short_way():
    reader = SubmitReader(ACCOUNT, DEFAULT_TABLE, 0x1401)
    for header in (b"\5\0\3\7", b"\6\x08\4\1\7"):
        raw = submit(esm_class=b"\x40", short_message=bytes((len(header) + 6,)) + header + b"\3\1text")
        assert reader._plain_part(Pdu(SUBMIT_SM, 0, 7, raw), 1, NOON, True, False) is not None
        assert reader.part is not None
        assert (reader.part.total, reader.part.number, reader.part.text) == (3, 1, b"text")


def test_a_sender_is_remembered_with_what_was_found_of_it():
    reader = SubmitReader(ACCOUNT, DEFAULT_TABLE, 0x1401)
    pdu = Pdu(SUBMIT_SM, 0, 7, submit(service_type=b"USSD\0"))
    first, second = (reader.submit(pdu, 1, NOON, True, False) for _ in range(2))
    assert held(first) == held(second)
    assert [finding.detail for finding in first.findings] == ["service_type"]


def test_senders_that_are_invented_do_not_fill_memory():
    reader = SubmitReader(ACCOUNT, DEFAULT_TABLE, 0x1401)
    for each in range(9000):
        reader.submit(Pdu(SUBMIT_SM, 0, 7, submit(source_addr=b"%d\0" % each)), 1, NOON, True, False)
    assert len(reader._senders) <= 4096
