"""The codec: identity on octets for every PDU, and a status of its own for everything that is none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.smpp import consts
from proxy.smpp.codec import DistributionList, SmeAddress, UnsuccessSme, Value, decode, encode
from proxy.smpp.pdu import PduError
from tests.tools.smpp_octets import COMMANDS, FIELDS, LIMITS, header, limit, mutated, pdus, submit, with_length

pytestmark = pytest.mark.unit

OVERLONG = {
    "system_id": consts.ESME_RINVSYSID,
    "password": consts.ESME_RINVPASWD,
    "system_type": consts.ESME_RINVSYSTYP,
    "address_range": consts.ESME_RBINDFAIL,
    "service_type": consts.ESME_RINVSERTYP,
    "source_addr": consts.ESME_RINVSRCADR,
    "destination_addr": consts.ESME_RINVDSTADR,
    "esme_addr": consts.ESME_RINVDSTADR,
    "message_id": consts.ESME_RINVMSGID,
    "schedule_delivery_time": consts.ESME_RINVSCHED,
    "validity_period": consts.ESME_RINVEXPIRY,
    "final_date": consts.ESME_RINVCMDLEN,
}


def again(raw: bytes) -> bytes:
    fields = decode(raw)
    return encode(fields.command_id, fields.status, fields.sequence, fields.values, fields.tlvs)


def refused(raw: bytes) -> tuple[int, str]:
    with pytest.raises(PduError) as caught:
        decode(raw)
    return caught.value.status, caught.value.reason


def minimal(name: str, field: str | None = None, octets: bytes = b"") -> bytes:
    """A PDU whose fields are all empty but one."""
    least = {"cstring": b"\0", "int8": b"\0", "sm_length": b"\0", "number_of_dests": b"\1\2\0", "no_unsuccess": b"\0"}
    body = b"".join(octets if each == field else least[kind] for each, kind in FIELDS[name])
    return header(COMMANDS[name], 0, 1, body)


@given(pdus())
def test_every_pdu_of_the_table_is_read_and_written_back(raw: bytes) -> None:
    assert again(raw) == raw


@given(mutated(pdus()))
@example(b"")
@example(bytes(16))
def test_whatever_is_accepted_is_written_back(raw: bytes) -> None:
    outcome: bytes | int
    try:
        outcome = again(raw)
    except PduError as error:
        outcome = error.status
    assert outcome == raw or outcome in consts.STATUS_NAMES


@given(st.binary(max_size=80))
def test_any_octets_give_fields_or_a_pdu_error(body: bytes) -> None:
    for command_id in COMMANDS.values():
        raw = header(command_id, 0, 1, body)
        try:
            fields = decode(raw)
        except PduError:
            continue
        assert encode(command_id, 0, 1, fields.values, fields.tlvs) == raw


def test_fields_of_a_submit_sm() -> None:
    fields = decode(submit(tlvs=bytes.fromhex("0204 0002 0102 1400 0001 ff")))
    assert (fields.command_id, fields.status, fields.sequence) == (consts.SUBMIT_SM, 0, 7)
    assert fields.values == {
        "service_type": b"",
        "source_addr_ton": 0,
        "source_addr_npi": 1,
        "source_addr": b"106900001234",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": b"8613900001234",
        "esm_class": 0,
        "protocol_id": 0,
        "priority_flag": 0,
        "schedule_delivery_time": b"",
        "validity_period": b"",
        "registered_delivery": 1,
        "replace_if_present_flag": 0,
        "data_coding": 8,
        "sm_default_msg_id": 0,
        "short_message": b"\x90\x00\x8b\xa2",
    }
    assert fields.tlvs == ((0x0204, b"\x01\x02"), (0x1400, b"\xff"))


def test_destinations_of_a_submit_multi() -> None:
    destinations: list[SmeAddress | DistributionList] = [SmeAddress(1, 1, b"8613900001234"), DistributionList(b"vip")]
    raw = encode(consts.SUBMIT_MULTI, 0, 1, {"dest_address": destinations, "short_message": b"hi"})
    # header, service_type, source: then number_of_dests and the two entries
    assert raw[20:].startswith(b"\x02\x01\x01\x018613900001234\0\x02vip\0")
    assert decode(raw).values["dest_address"] == destinations


def test_destinations_that_the_smsc_did_not_take() -> None:
    unsuccess = [UnsuccessSme(1, 1, b"8613900001234", consts.ESME_RINVDSTADR)]
    raw = encode(consts.SUBMIT_MULTI_RESP, 0, 1, {"message_id": b"a", "unsuccess_sme": unsuccess})
    assert raw[16:] == b"a\0\x01\x01\x018613900001234\0\0\0\0\x0b"
    assert decode(raw).values["unsuccess_sme"] == unsuccess


@pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name in FIELDS for field, kind in FIELDS[name] if kind == "cstring"]
)
def test_the_longest_cstring_is_read_and_one_octet_more_is_refused(name: str, field: str) -> None:
    most = limit(name, field)
    longest = minimal(name, field, b"7" * (most - 1) + b"\0")
    assert decode(longest).values[field] == b"7" * (most - 1)
    assert again(longest) == longest
    assert refused(minimal(name, field, b"7" * most + b"\0")) == (OVERLONG[field], f"overlong.{field}")


def test_every_limit_is_tried() -> None:
    assert LIMITS.keys() == OVERLONG.keys()


@pytest.mark.parametrize("name", [name for name in FIELDS if FIELDS[name]])
def test_a_pdu_cut_off_anywhere_is_refused(name: str) -> None:
    whole = minimal(name)
    assert again(whole) == whole
    for end in range(16, len(whole)):
        if name == "deliver_sm_resp" and end == 16:
            continue
        status, reason = refused(with_length(whole[:end]))
        assert status == consts.ESME_RINVCMDLEN
        assert reason.startswith("truncated.")


def test_a_cstring_without_nul_at_the_end_of_the_pdu() -> None:
    raw = header(consts.SUBMIT_SM_RESP, 0, 1, b"abc")
    assert refused(raw) == (consts.ESME_RINVCMDLEN, "truncated.message_id")


@pytest.mark.parametrize("octets", [b"", b"\0", bytes(15)])
def test_less_than_a_header(octets: bytes) -> None:
    assert refused(octets) == (consts.ESME_RINVCMDLEN, "truncated.header")


@pytest.mark.parametrize("length", [0, 8, 15, 17, 0xFFFFFFFF])
def test_a_command_length_that_is_not_the_octets_there_are(length: int) -> None:
    raw = length.to_bytes(4, "big") + header(consts.ENQUIRE_LINK, 0, 1, b"")[4:]
    assert refused(raw) == (consts.ESME_RINVCMDLEN, "command_length")


@pytest.mark.parametrize("command_id", [0, 0x0A, 0x00010200, 0x80000102, 0x8000000B, 0xFFFFFFFF])
def test_a_command_that_is_not_in_the_table(command_id: int) -> None:
    assert refused(header(command_id, 0, 1, b"")) == (consts.ESME_RINVCMDID, "command_id")


def test_sm_length_beyond_the_pdu() -> None:
    assert refused(submit(short_message=b"\x05\x90\x00\x8b\xa2")) == (consts.ESME_RINVMSGLEN, "sm_length.beyond")


def test_sm_length_beyond_254() -> None:
    assert decode(submit(short_message=b"\xfe" + bytes(254))).values["short_message"] == bytes(254)
    raw = submit(short_message=b"\xff" + bytes(255))
    assert refused(raw) == (consts.ESME_RINVMSGLEN, "overlong.short_message")


@pytest.mark.parametrize("tail", [b"\0", b"\x04\x24", b"\x04\x24\x00", b"\x04\x24\x00\x02a", b"\x04\x24\xff\xff"])
def test_broken_tlvs(tail: bytes) -> None:
    assert refused(submit(tlvs=tail))[0] == consts.ESME_RINVTLVSTREAM


@pytest.mark.parametrize("name", [name for name in FIELDS if not FIELDS[name]])
def test_octets_behind_a_pdu_without_body(name: str) -> None:
    assert refused(header(COMMANDS[name], 0, 1, b"\x04\x24\0\0")) == (consts.ESME_RINVCMDLEN, "trailing")


@pytest.mark.parametrize(
    ("destinations", "status", "reason"),
    [
        (b"\0", consts.ESME_RINVNUMDESTS, "number_of_dests"),
        (b"\xff" + b"\x02a\0" * 255, consts.ESME_RINVNUMDESTS, "number_of_dests"),
        (b"\1\0\1\1a\0", consts.ESME_RINVDESTFLAG, "dest_flag"),
        (b"\1\3\1\1a\0", consts.ESME_RINVDESTFLAG, "dest_flag"),
        (b"\1\1\1\1" + b"7" * 21 + b"\0", consts.ESME_RINVDSTADR, "overlong.destination_addr"),
        (b"\1\2" + b"7" * 21 + b"\0", consts.ESME_RINVDLNAME, "overlong.dl_name"),
    ],
)
def test_destinations_that_are_none(destinations: bytes, status: int, reason: str) -> None:
    raw = minimal("submit_multi", "dest_address", destinations)
    assert refused(raw) == (status, reason)


def test_as_many_destinations_as_there_may_be() -> None:
    raw = minimal("submit_multi", "dest_address", b"\xfe" + b"\x02a\0" * 254)
    assert decode(raw).values["dest_address"] == [DistributionList(b"a")] * 254
    assert again(raw) == raw


RESPONSES = [name for name in FIELDS if name.endswith("_resp") and FIELDS[name]]


@pytest.mark.parametrize("name", RESPONSES)
@pytest.mark.parametrize("tail", [b"", b"\x00\x1d\x00\x03no\0"])
def test_a_response_with_a_status_keeps_its_body_or_the_lack_of_it(name: str, tail: bytes) -> None:
    bare = header(COMMANDS[name], consts.ESME_RSUBMITFAIL, 1, tail)
    assert decode(bare).values == {}
    assert again(bare) == bare
    full = header(COMMANDS[name], consts.ESME_RSUBMITFAIL, 1, minimal(name)[16:] + tail)
    assert [*decode(full).values] == [field for field, _ in FIELDS[name]]
    assert again(full) == full


@pytest.mark.parametrize("name", RESPONSES)
def test_a_good_response_has_its_body(name: str) -> None:
    bare = header(COMMANDS[name], 0, 1, b"")
    if name == "deliver_sm_resp":
        assert again(bare) == bare
    else:
        assert refused(bare)[0] == consts.ESME_RINVCMDLEN


def test_a_request_with_a_status_still_needs_its_body() -> None:
    assert refused(header(consts.SUBMIT_SM, 8, 1, b""))[0] == consts.ESME_RINVCMDLEN


def test_a_broken_response_names_its_field_and_not_its_tlvs() -> None:
    raw = header(consts.SUBMIT_SM_RESP, 8, 1, b"7" * 80 + b"\0")
    assert refused(raw) == (consts.ESME_RINVMSGID, "overlong.message_id")


def test_fields_that_are_not_given_are_empty() -> None:
    assert encode(consts.DATA_SM, 0, 1, {"source_addr": b"1"})[16:] == b"\0\0\x001\0\0\0\0\0\0\0"


@pytest.mark.parametrize(
    ("command_id", "values"),
    [
        (0x0A, {}),
        (consts.SUBMIT_SM, {"sourceaddr": b""}),
        (consts.SUBMIT_SM, {"source_addr": b"7" * 21}),
        (consts.SUBMIT_SM, {"source_addr": b"a\0b"}),
        (consts.SUBMIT_SM, {"source_addr": 7}),
        (consts.SUBMIT_SM, {"esm_class": 256}),
        (consts.SUBMIT_SM, {"esm_class": -1}),
        (consts.SUBMIT_SM, {"esm_class": b"\0"}),
        (consts.SUBMIT_SM, {"short_message": bytes(255)}),
        (consts.SUBMIT_SM, {"short_message": 1}),
        (consts.SUBMIT_MULTI, {}),
        (consts.SUBMIT_MULTI, {"dest_address": [DistributionList(b"a")] * 255}),
        (consts.SUBMIT_MULTI, {"dest_address": [UnsuccessSme(1, 1, b"", 1)]}),
        (consts.SUBMIT_MULTI_RESP, {"unsuccess_sme": [DistributionList(b"a")]}),
        (consts.SUBMIT_MULTI_RESP, {"unsuccess_sme": [UnsuccessSme(1, 1, b"", 1)] * 256}),
    ],
)
def test_what_no_pdu_can_hold_is_not_written(command_id: int, values: dict[str, Value]) -> None:
    with pytest.raises(ValueError):
        encode(command_id, 0, 1, values)


@pytest.mark.parametrize(("status", "sequence"), [(-1, 1), (1 << 32, 1), (0, -1), (0, 1 << 32)])
def test_header_values_that_do_not_fit(status: int, sequence: int) -> None:
    with pytest.raises(ValueError):
        encode(consts.ENQUIRE_LINK, status, sequence, {})


def test_no_tlv_where_there_is_no_body() -> None:
    with pytest.raises(ValueError, match="no TLV in enquire_link"):
        encode(consts.ENQUIRE_LINK, 0, 1, {}, ((0x1400, b""),))
