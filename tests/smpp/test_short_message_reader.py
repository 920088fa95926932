"""The fast readers say of every PDU what the codec says: the same fields, or the same status."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.smpp import consts, short_message
from proxy.smpp.codec import decode, encode
from proxy.smpp.pdu import PduError
from proxy.smpp.short_message import ShortMessage, read_data_sm, read_sm
from tests.tools.naming import case_of
from tests.tools.slotted import held
from tests.tools.smpp_octets import mutated, pdus, submit, with_length

pytestmark = pytest.mark.unit

NAMES = {
    "service_type": "service_type",
    "source_ton": "source_addr_ton",
    "source_npi": "source_addr_npi",
    "source": "source_addr",
    "dest_ton": "dest_addr_ton",
    "dest_npi": "dest_addr_npi",
    "dest": "destination_addr",
    "esm_class": "esm_class",
    "protocol_id": "protocol_id",
    "priority_flag": "priority_flag",
    "schedule": "schedule_delivery_time",
    "validity": "validity_period",
    "registered_delivery": "registered_delivery",
    "replace_if_present": "replace_if_present_flag",
    "data_coding": "data_coding",
    "sm_default_msg_id": "sm_default_msg_id",
    "short_message": "short_message",
}
TEXT_ONLY = {"schedule", "validity", "short_message"}


def by_reader(read: Callable[[bytes], ShortMessage], raw: bytes) -> object:
    try:
        sm = read(raw)
    except PduError as error:
        return error.status
    return held(sm)


def by_codec(raw: bytes, commands: set[int]) -> object:
    try:
        fields = decode(raw)
    except PduError as error:
        return error.status
    if fields.command_id not in commands:
        return consts.ESME_RINVCMDID
    found: dict[str, object] = {
        name: fields.values.get(wire, b"" if name in TEXT_ONLY else 0) for name, wire in NAMES.items()
    }
    found["tlvs"] = fields.tlvs
    found["source_key"] = b"".join(
        (
            found["service_type"],
            b"\0",
            bytes((found["source_ton"], found["source_npi"])),
            found["source"],
            b"\0",
        )  # type: ignore[arg-type]
    )
    return found


SM = pdus(("submit_sm", "deliver_sm"))
DATA = pdus(("data_sm",))


@st.composite
def plain(draw: st.DrawFn) -> bytes:
    """What is on the wire nearly always, and what the fastest reader is made for."""
    digits = st.integers(0, 20).flatmap(lambda size: st.binary(min_size=size, max_size=size))
    text = draw(st.one_of(st.binary(max_size=160), st.integers(0, 160).map(bytes)))
    flag = st.sampled_from((b"\0", b"\1", b"\x08"))
    return submit(
        command=draw(st.sampled_from(("submit_sm", "deliver_sm"))),
        source_addr=draw(digits).replace(b"\0", b"7") + b"\0",
        destination_addr=draw(digits).replace(b"\0", b"7") + b"\0",
        esm_class=draw(st.binary(min_size=1, max_size=1)),
        protocol_id=draw(st.sampled_from((b"\0", b"\x40"))),
        registered_delivery=draw(flag),
        data_coding=draw(flag),
        short_message=bytes((len(text),)) + text,
        tlvs=draw(st.sampled_from((b"", b"\x02\x04\0\2ab", b"\x14\0\0\0"))),
    )


@given(st.one_of(plain(), SM))
def test_submit_and_deliver_sm_are_read_as_the_codec_reads_them(raw: bytes) -> None:
    fields = by_reader(read_sm, raw)
    assert isinstance(fields, dict)
    assert fields == by_codec(raw, {consts.SUBMIT_SM, consts.DELIVER_SM})


@given(st.one_of(mutated(plain()), mutated(SM), mutated(pdus())))
@example(b"")
@example(submit(short_message=b"\xff" + bytes(255)))
@example(submit(short_message=b"\x05abcd"))
def test_broken_submit_and_deliver_sm_get_the_codecs_status(raw: bytes) -> None:
    assert by_reader(read_sm, raw) == by_codec(raw, {consts.SUBMIT_SM, consts.DELIVER_SM})


@given(st.one_of(DATA, mutated(DATA), mutated(pdus())))
@example(b"")
def test_data_sm_is_read_as_the_codec_reads_it(raw: bytes) -> None:
    assert by_reader(read_data_sm, raw) == by_codec(raw, {consts.DATA_SM})


@pytest.mark.parametrize("size", range(23))
def test_every_length_of_an_address(size: int) -> None:
    for tail in (b"\0", b"\1"):
        for text in (b"\0", b"\x02\0\0", b"\x0a" + bytes(10), b"\x04\x90\x00\x8b\xa2"):
            with case_of(tail, text):
                check_the_length_of_an_address(size, tail, text)


def check_the_length_of_an_address(size: int, tail: bytes, text: bytes) -> None:
    # WHY zeros: the octets where the NUL of 11 or 13 digits would stand are then zero as well.
    rest = {"registered_delivery": tail, "data_coding": tail, "esm_class": tail, "short_message": text}
    for raw in (
        submit(destination_addr=b"1" * size + b"\0", **rest),
        submit(source_addr=b"1" * size + b"\0", **rest),
        submit(service_type=b"CMT\0", destination_addr=b"1" * size + b"\0", **rest),
    ):
        assert by_reader(read_sm, raw) == by_codec(raw, {consts.SUBMIT_SM})
    if size < 21:
        assert read_sm(submit(destination_addr=b"1" * size + b"\0", **rest)).dest == b"1" * size


@pytest.mark.parametrize("size", range(18))
def test_every_length_of_a_time(size: int) -> None:
    for text in (b"\0", b"\x04\x90\x00\x8b\xa2", b"\x08" + bytes(8)):
        for field in ("schedule_delivery_time", "validity_period"):
            for flag in (b"\0", b"\1"):
                raw = submit(**{field: b"0" * size + b"\0"}, short_message=text, registered_delivery=flag)
                with case_of(text, field, flag):
                    assert by_reader(read_sm, raw) == by_codec(raw, {consts.SUBMIT_SM})


@pytest.mark.parametrize(
    "whole",
    [
        submit(),
        submit(destination_addr=b"13900001234\0", short_message=b"\0"),
        submit(service_type=b"CMT\0", validity_period=b"000001000000000R\0"),
        submit(tlvs=b"\x02\x04\0\2ab"),
        encode(consts.DATA_SM, 0, 1, {"destination_addr": b"13900001234"}, ((0x0424, b"TD"),)),
    ],
)
def test_a_pdu_cut_off_anywhere(whole: bytes) -> None:
    for end in range(len(whole) + 1):
        for raw in (whole[:end], with_length(whole[:end]) if end >= 16 else whole[:end]):
            assert by_reader(read_sm, raw) == by_codec(raw, {consts.SUBMIT_SM, consts.DELIVER_SM})
            assert by_reader(read_data_sm, raw) == by_codec(raw, {consts.DATA_SM})


@pytest.mark.parametrize(
    ("field", "octets", "status"),
    [
        ("service_type", b"7" * 6, consts.ESME_RINVSERTYP),
        ("source_addr", b"7" * 21, consts.ESME_RINVSRCADR),
        ("destination_addr", b"7" * 21, consts.ESME_RINVDSTADR),
        ("schedule_delivery_time", b"7" * 17, consts.ESME_RINVSCHED),
        ("validity_period", b"7" * 17, consts.ESME_RINVEXPIRY),
    ],
)
def test_overlong_fields(field: str, octets: bytes, status: int) -> None:
    assert by_reader(read_sm, submit(**{field: octets + b"\0"})) == status
    assert isinstance(by_reader(read_sm, submit(**{field: octets[1:] + b"\0"})), dict)


def test_a_command_length_that_is_not_the_octets_there_are() -> None:
    for raw in (submit(), submit(service_type=b"CMT\0")):
        assert by_reader(read_sm, raw + b"\0") == consts.ESME_RINVCMDLEN
        assert by_reader(read_sm, b"\0\0\0\x10" + raw[4:]) == consts.ESME_RINVCMDLEN
    data = encode(consts.DATA_SM, 0, 1, {})
    assert by_reader(read_data_sm, b"\0\0\0\x10" + data[4:]) == consts.ESME_RINVCMDLEN


@pytest.mark.parametrize(
    "raw",
    [
        submit(destination_addr=b"13900001234\0"),
        submit(destination_addr=b"8613900001234\0"),
        submit(destination_addr=b"861390000123456\0"),
        submit(source_addr=b"1" * 20 + b"\0", destination_addr=b"1" * 20 + b"\0"),
        submit(short_message=b"\0"),
        submit(command="deliver_sm", tlvs=b"\x04\x24\0\1T"),
    ],
)
def test_the_plain_pdu_is_taken_by_the_fastest_reader(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = held(read_sm(raw))
    monkeypatch.delattr(short_message, "_read_sm_by_offset")
    assert held(read_sm(raw)) == expected


@pytest.mark.parametrize(
    "raw",
    [
        submit(service_type=b"CMT\0"),
        submit(destination_addr=b"10690\0"),
        submit(schedule_delivery_time=b"250101000000000+\0"),
        submit(validity_period=b"000001000000000R\0"),
    ],
)
def test_the_well_formed_pdu_does_not_need_the_codec(raw: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = held(read_sm(raw))
    long_addresses = encode(consts.DATA_SM, 0, 1, {"source_addr": b"7" * 64, "destination_addr": b"8" * 64})
    expected_data = held(read_data_sm(long_addresses))
    monkeypatch.delattr(short_message, "decode")
    assert held(read_sm(raw)) == expected
    assert held(read_data_sm(long_addresses)) == expected_data


def test_the_key_is_what_the_wire_says_of_the_source() -> None:
    assert read_sm(submit()).source_key == b"\0\0\x01106900001234\0"
    assert read_sm(submit(service_type=b"CMT\0")).source_key == b"CMT\0\0\x01106900001234\0"


def test_no_tlvs_cost_no_tuple() -> None:
    assert read_sm(submit()).tlvs is read_sm(submit(destination_addr=b"13900001234\0")).tlvs


def test_a_source_longer_than_submit_sm_allows_is_fine_in_data_sm() -> None:
    raw = encode(consts.DATA_SM, 0, 1, {"source_addr": b"7" * 64, "destination_addr": b"8" * 64})
    assert read_data_sm(raw).source == b"7" * 64


@pytest.mark.parametrize("read", [read_sm, read_data_sm])
def test_other_commands_are_none_of_its_business(read: Callable[[bytes], ShortMessage]) -> None:
    with pytest.raises(PduError) as caught:
        read(encode(consts.ENQUIRE_LINK, 0, 1, {}))
    assert caught.value.status == consts.ESME_RINVCMDID
