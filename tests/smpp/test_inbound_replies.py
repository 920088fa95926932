"""What a carrier delivers: receipts are never replies, and "TD" is read wherever and however it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp import consts
from proxy.smpp.inbound import Receipt, Reply, joined, read_inbound
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.text import DEFAULT_TABLE, alphabet_table
from tests.tools.smpp_octets import header, submit, tlv_octets

pytestmark = pytest.mark.unit

PERSON, PORT = "8613800138000", "10690001"
TD = "TD"
#: "TD" as carriers send it: data_coding and octets.
WRITTEN = [
    (0, b"TD"),
    (1, b"TD"),
    (3, b"TD"),
    (4, b"TD"),
    (8, TD.encode("utf-16-be")),
    (8, b"\xfe\xff" + TD.encode("utf-16-be")),
    (8, b"\xff\xfe" + TD.encode("utf-16-le")),
    (8, TD.encode("utf-16-le")),
    (8, b"TD"),
    (15, b"TD"),
    (0x11, b"TD"),
    (0x18, TD.encode("utf-16-be")),
    (0xC0, b"TD"),
    (0xE0, TD.encode("utf-16-be")),
    (0xF0, b"TD"),
    (0xF5, b"TD"),
]
HEADERS = [b"\0", b"\5\0\3\7\2\1", b"\6\x08\4\0\7\2\1", b"\6\5\4\x0b\x84\x23\xf0", b"\3\x24\1\1"]


def deliver(octets: bytes, *, esm_class: int = 0, data_coding: int = 0, where: str = "short_message", **more) -> Pdu:
    """A deliver_sm, or a data_sm where the text stands in one."""
    addresses = {
        "source_addr_ton": b"\1",
        "source_addr": PERSON.encode() + b"\0",
        "dest_addr_ton": b"\0",
        "destination_addr": PORT.encode() + b"\0",
    }
    payload = tlv_octets([(consts.TAG_MESSAGE_PAYLOAD, octets)])
    if where == "data_sm":
        body = b"\0\1\1" + addresses["source_addr"] + b"\0\1" + addresses["destination_addr"]
        raw = header(consts.DATA_SM, 0, 7, body + bytes((esm_class, 0, data_coding)) + payload)
        return Pdu(consts.DATA_SM, 0, 7, raw)
    text = {"short_message": bytes((len(octets),)) + octets, "tlvs": b""}
    if where == "message_payload":
        text = {"short_message": b"\0", "tlvs": payload}
    fields = addresses | {"esm_class": bytes((esm_class,)), "data_coding": bytes((data_coding,))} | text | more
    return Pdu(consts.DELIVER_SM, 0, 7, submit(command="deliver_sm", **fields))


PLACES = ["short_message", "message_payload", "data_sm"]


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(("data_coding", "octets"), WRITTEN)
def test_a_reply_is_read_in_every_alphabet_and_place(where, data_coding, octets):
    found = read_inbound(deliver(octets, data_coding=data_coding, where=where), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert (found.person, found.number) == (PERSON, PORT)
    assert TD in found.readings


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize("udh", HEADERS)
@pytest.mark.parametrize(("data_coding", "octets"), [WRITTEN[0], WRITTEN[4], WRITTEN[9]])
def test_a_reply_is_read_behind_a_header(where, udh, data_coding, octets):
    pdu = deliver(udh + octets, esm_class=0x40, data_coding=data_coding, where=where)
    found = read_inbound(pdu, DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert TD in found.readings


def test_a_header_that_is_none_loses_no_reply():
    found = read_inbound(deliver(b"TD", esm_class=0x40), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert TD in found.readings


@given(st.integers(0, 255), st.sampled_from(PLACES), st.sampled_from([b"TD", b"id:A1 stat:DELIVRD text:TD", b""]))
def test_esm_class_alone_says_what_is_a_receipt(esm_class, where, octets):
    found = read_inbound(deliver(octets, esm_class=esm_class, where=where), DEFAULT_TABLE)
    assert isinstance(found, Receipt) == (esm_class & 0x3C in (0x04, 0x20))


@pytest.mark.parametrize("esm_class", [0x04, 0x20, 0x07, 0x44, 0x60, 0x84, 0xC4, 0xE3])
@pytest.mark.parametrize("where", PLACES)
def test_a_receipt_that_quotes_td_is_no_reply(esm_class, where):
    quoted = b"id:A1 sub:001 dlvrd:001 stat:DELIVRD err:000 text:TD"
    octets = (b"\5\0\3\7\2\1" if esm_class & 0x40 else b"") + quoted
    found = read_inbound(deliver(octets, esm_class=esm_class, where=where), DEFAULT_TABLE)
    # A notification (0x20) is not the end of its message.
    assert isinstance(found, Receipt)
    assert (found.ids, found.about, found.final) == ((b"A1",), PERSON.encode(), esm_class & 0x20 == 0)


@pytest.mark.parametrize("esm_class", [0x08, 0x10, 0x18, 0x24, 0x48, 0x90])
def test_acknowledgements_of_a_person_are_replies(esm_class):
    octets = b"\0TD" if esm_class & 0x40 else b"TD"
    found = read_inbound(deliver(octets, esm_class=esm_class), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert TD in found.readings


def test_a_reply_that_looks_like_a_receipt_is_a_reply():
    tlvs = tlv_octets([(consts.TAG_RECEIPTED_MESSAGE_ID, b"A1\0"), (consts.TAG_MESSAGE_STATE, b"\2")])
    found = read_inbound(deliver(b"TD", tlvs=tlvs), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert found.readings == (TD,)


@pytest.mark.parametrize(("beside", "payload"), [(b"TD", b"hello"), (b"hello", b"TD"), (b"", b"TD")])
def test_two_texts_are_both_read(beside, payload):
    tlvs = tlv_octets([(consts.TAG_MESSAGE_PAYLOAD, payload)])
    pdu = deliver(b"", short_message=bytes((len(beside),)) + beside, tlvs=tlvs)
    found = read_inbound(pdu, DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert TD in found.readings


def test_of_two_payloads_both_are_read():
    tlvs = tlv_octets([(consts.TAG_MESSAGE_PAYLOAD, b"hello"), (consts.TAG_MESSAGE_PAYLOAD, b"TD")])
    found = read_inbound(deliver(b"", tlvs=tlvs), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert found.readings[0] == "hello"
    assert TD in found.readings


def test_readings_are_distinct():
    found = read_inbound(deliver(b"TD", tlvs=tlv_octets([(consts.TAG_MESSAGE_PAYLOAD, b"TD")])), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert found.readings == (TD,)


def test_the_routes_table_is_used():
    octets = "退訂".encode("big5")
    table = alphabet_table({15: ["big5"]})
    found = read_inbound(deliver(octets, data_coding=15), table)
    assert isinstance(found, Reply)
    assert found.readings[0] == "退訂"


def test_receipt_ids_of_the_tlv_and_the_text():
    tlvs = tlv_octets([(consts.TAG_RECEIPTED_MESSAGE_ID, b"00A1\0")])
    found = read_inbound(deliver(b"id:161 stat:DELIVRD", esm_class=4, tlvs=tlvs), DEFAULT_TABLE)
    assert isinstance(found, Receipt)
    assert (found.ids, found.about, found.final) == ((b"00A1", b"161"), PERSON.encode(), True)


def test_a_receipt_without_any_id():
    found = read_inbound(deliver(b"", esm_class=4), DEFAULT_TABLE)
    assert isinstance(found, Receipt)
    assert (found.ids, found.about, found.final) == ((), PERSON.encode(), True)


@pytest.mark.parametrize(
    ("source", "person"),
    [(b"13800138000", PERSON), (b"+8613800138000", PERSON), (b"JIANGLAN", None), (b"", None), (b"12", None)],
)
def test_whose_reply_it_is(source, person):
    found = read_inbound(deliver(b"TD", source_addr=source + b"\0", source_addr_ton=b"\0"), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert found.person == person


def test_a_reply_to_no_number_still_has_its_person():
    found = read_inbound(deliver(b"TD", destination_addr=b"\0"), DEFAULT_TABLE)
    assert found == Reply(PERSON, None, (TD,))


NO_TEXT = bytes.fromhex("53ea130a")
LONG = NO_TEXT * 40


@pytest.mark.parametrize(
    ("octets", "esm_class", "shown"),
    [
        (NO_TEXT, 0, NO_TEXT.hex()),
        (LONG, 0, LONG[:140].hex() + "…"),
        (b"\3\x24\1\1" + NO_TEXT, 0x40, NO_TEXT.hex()),
        (b"\x7f" + NO_TEXT, 0x40, "7f" + NO_TEXT.hex()),
        (b"\6\5\4\x0b\x84\x23\xf0" + NO_TEXT, 0x40, ""),
        (b"", 0, ""),
        (TD.encode(), 0, ""),
    ],
)
def test_octets_in_no_alphabet_are_shown_and_those_of_applications_are_not(octets, esm_class, shown):
    found = read_inbound(deliver(octets, esm_class=esm_class, data_coding=4), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    assert found.unread == (f"data_coding 4: {shown}" if shown else "")
    assert bool(found.readings) == (octets == TD.encode())


def test_parts_in_no_alphabet_are_shown_unless_the_whole_is_text():
    def part(number, octets, data_coding):
        head = bytes((5, 0, 3, 7, 2, number))
        found = read_inbound(deliver(head + octets, esm_class=0x40, data_coding=data_coding), DEFAULT_TABLE)
        assert isinstance(found, Reply)
        return found

    octets = "退订".encode("utf-16-be")
    assert joined([part(1, octets[:1], 8), part(2, octets[1:], 8)], DEFAULT_TABLE).unread == ""
    torn = joined([part(1, NO_TEXT, 4), part(2, b"thanks", 0)], DEFAULT_TABLE)
    assert (torn.readings, torn.unread) == (("thanks",), f"data_coding 4: {NO_TEXT.hex()}")
    assert joined([part(1, NO_TEXT, 4), part(2, NO_TEXT, 4)], DEFAULT_TABLE).unread.count(NO_TEXT.hex()) == 2


def test_the_only_part_there_is_is_whole():
    found = read_inbound(deliver(b"\5\0\3\7\1\1TD", esm_class=0x40), DEFAULT_TABLE)
    assert found == Reply(PERSON, PORT, (TD,))


def test_a_reply_with_an_option_and_no_text_says_nothing():
    tlvs = tlv_octets([(consts.TAG_USER_MESSAGE_REFERENCE, b"\0\1")])
    found = read_inbound(deliver(b"", tlvs=tlvs), DEFAULT_TABLE)
    assert found == Reply(PERSON, PORT, ("",))


@pytest.mark.parametrize("cut", range(17, 50))
def test_a_delivery_cut_short_is_an_error_or_says_less(cut):
    raw = deliver(b"TD").raw
    with pytest.raises(PduError):
        read_inbound(Pdu(consts.DELIVER_SM, 0, 7, len(raw[:cut]).to_bytes(4) + raw[4:cut]), DEFAULT_TABLE)


@given(st.binary(max_size=254), st.integers(0, 255), st.integers(0, 255), st.sampled_from(PLACES))
def test_any_text_in_any_coding_is_read_or_not_but_never_raises(octets, esm_class, data_coding, where):
    found = read_inbound(deliver(octets, esm_class=esm_class, data_coding=data_coding, where=where), DEFAULT_TABLE)
    if isinstance(found, Reply):
        assert len(set(found.readings)) == len(found.readings)
