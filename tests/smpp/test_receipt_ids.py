"""The id in a receipt: which ids it may mean, and that nothing but the id changes when it is replaced by ours."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.smpp import consts
from proxy.smpp.pdu import PduError
from proxy.smpp.receipt import receipt_fields, receipt_ids
from proxy.smpp.receipt_ids import likely_ids, receipt_text
from proxy.smpp.receipt_ids import rewritten as rewritten_as_read
from proxy.smpp.short_message import read_data_sm, read_sm
from tests.tools.naming import case_of
from tests.tools.smpp_octets import header, pdus, submit, tlv_octets

pytestmark = pytest.mark.unit

OURS = b"0000000100000abc"
SOURCE, DEST = b"8613900001234\0", b"106900001234\0"
TEXT = b"id:%b sub:001 dlvrd:001 submit date:2503011200 done date:2503011201 stat:DELIVRD err:000 text:hello"
PLACES = ("short_message", "message_payload", "data_sm")


def receipt(
    text: bytes, *tlvs: tuple[int, bytes], where: str = "short_message", data_coding: int = 0, esm_class: int = 4
) -> bytes:
    payload = [(consts.TAG_MESSAGE_PAYLOAD, text)] if where != "short_message" else []
    stream = tlv_octets([*tlvs, *payload])
    if where == "data_sm":
        body = b"\0\1\1" + SOURCE + b"\0\1" + DEST + bytes((esm_class, 0, data_coding)) + stream
        return header(consts.DATA_SM, 0, 7, body)
    return submit(
        command="deliver_sm",
        source_addr=SOURCE,
        destination_addr=DEST,
        esm_class=bytes((esm_class,)),
        data_coding=bytes((data_coding,)),
        short_message=bytes((len(text),)) + text if where == "short_message" else b"\0",
        tlvs=stream,
    )


def rewritten(raw: bytes, ours: bytes) -> bytes:
    read = read_data_sm if raw[4:8] == b"\0\0\1\3" else read_sm
    return rewritten_as_read(raw, read(raw), ours)


def tlv(value: bytes) -> tuple[int, bytes]:
    return consts.TAG_RECEIPTED_MESSAGE_ID, value


@pytest.mark.parametrize("where", PLACES)
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (TEXT % b"0123456789", TEXT % OURS),
        (b"ID:aB-9 STAT:DELIVRD", b"ID:" + OURS + b" STAT:DELIVRD"),
        (b"Id: 42 Sub:001 Stat:EXPIRED", b"Id: " + OURS + b" Sub:001 Stat:EXPIRED"),
        (b"id : 42 sub:001", b"id : " + OURS + b" sub:001"),
        (b"stat:DELIVRD err:000 id:42", b"stat:DELIVRD err:000 id:" + OURS),
        (b"sub:001 id:42\0", b"sub:001 id:" + OURS + b"\0"),
        (b"sub:001\r\nid:\t42\r\nstat:DELIVRD", b"sub:001\r\nid:\t" + OURS + b"\r\nstat:DELIVRD"),
        (b"id:42", b"id:" + OURS),
        (b"id:42 text:id:42 and id:43", b"id:" + OURS + b" text:id:42 and id:43"),
        (b"text:hello id:42 stat:DELIVRD", b"text:hello id:" + OURS + b" stat:DELIVRD"),
        (b"msgid:5 id:6 valid:7", b"msgid:5 id:" + OURS + b" valid:7"),
        (b"id:6ba7b810-9dad-11d1-80b4-00c04fd430c8 \xa4\xff", b"id:" + OURS + b" \xa4\xff"),
        (b"id:" + b"7" * 64 + b" stat:DELIVRD", b"id:" + OURS + b" stat:DELIVRD"),
    ],
)
def test_the_id_of_the_text_is_replaced_and_nothing_else(where: str, before: bytes, after: bytes) -> None:
    assert rewritten(receipt(before, where=where), OURS) == receipt(after, where=where)
    for order, data_coding in (("utf-16-be", 8), ("utf-16-be", 0x18), ("utf-16-be", 0), ("utf-16-le", 8)):
        if where == "short_message" and 2 * max(len(before), len(after)) > 254:
            continue
        wide = [text.decode("latin-1").encode(order) for text in (before, after)]
        got = rewritten(receipt(wide[0], where=where, data_coding=data_coding), OURS)
        assert got == receipt(wide[1], where=where, data_coding=data_coding)


@pytest.mark.parametrize("where", PLACES)
def test_a_chinese_text_in_ucs2_is_left_as_it_is(where: str) -> None:
    before, after = (
        f"\ufeffid:{each} stat:DELIVRD text:江澜银行".encode("utf-16-be") for each in ("42", OURS.decode())
    )
    assert rewritten(receipt(before, where=where, data_coding=8), OURS) == receipt(after, where=where, data_coding=8)
    assert receipt_text(before, 8) == b"?id:42 stat:DELIVRD text:????"


def test_ascii_that_is_declared_as_ucs2_is_rewritten_as_ascii() -> None:
    assert rewritten(receipt(b"id:42 stat:X", data_coding=8), OURS) == receipt(b"id:%b stat:X" % OURS, data_coding=8)
    assert receipt_text(b"id:42 stat:X", 8) == b"id:42 stat:X"


def test_the_tlv_and_the_text_are_both_replaced_in_whatever_radix_they_stand() -> None:
    other = (0x1400, b"\1\2")
    before = receipt(TEXT % b"123", other, tlv(b"7B\0"), (consts.TAG_MESSAGE_STATE, b"\2"), tlv(b"7B"), other)
    after = receipt(TEXT % OURS, other, tlv(OURS + b"\0"), (consts.TAG_MESSAGE_STATE, b"\2"), tlv(OURS + b"\0"), other)
    assert rewritten(before, OURS) == after


def test_the_tlv_alone_is_enough() -> None:
    assert rewritten(receipt(b"", tlv(b"7B\0")), OURS) == receipt(b"", tlv(OURS + b"\0"))
    assert rewritten(receipt(b"stat:DELIVRD", tlv(b"7B\0")), OURS) == receipt(b"stat:DELIVRD", tlv(OURS + b"\0"))


def test_a_number_in_the_quoted_text_is_the_senders_where_the_tlv_names_another() -> None:
    before, after = receipt(b"stat:X text:id:42", tlv(b"77\0")), receipt(b"stat:X text:id:42", tlv(OURS + b"\0"))
    assert rewritten(before, OURS) == after
    before = receipt(b"text:x id:119", tlv(b"77\0"))
    assert rewritten(before, OURS) == receipt(b"text:x id:" + OURS, tlv(OURS + b"\0"))


def test_a_text_in_both_places_is_rewritten_in_both() -> None:
    payload = (consts.TAG_MESSAGE_PAYLOAD, b"id:42 stat:DELIVRD")
    after = (consts.TAG_MESSAGE_PAYLOAD, b"id:" + OURS + b" stat:DELIVRD")
    assert rewritten(receipt(b"Id:42", payload), OURS) == receipt(b"Id:" + OURS, after)


@pytest.mark.parametrize("where", PLACES)
def test_a_user_data_header_stays_in_front(where: str) -> None:
    udh = b"\5\0\3\7\2\1"
    before, after = receipt(udh + b"id:42 x", where=where, esm_class=0x44), udh + b"id:" + OURS + b" x"
    assert rewritten(before, OURS) == receipt(after, where=where, esm_class=0x44)
    broken = b"\xff\0\3id:42 x"
    after = broken.replace(b"42", OURS)
    assert rewritten(receipt(broken, where=where, esm_class=0x44), OURS) == receipt(after, where=where, esm_class=0x44)


def test_what_is_no_receipt_comes_back_as_it_is() -> None:
    for esm_class in [each for each in range(256) if each >> 2 & 0x0F not in (0b0001, 0b1000)]:
        raw = receipt(b"id:42 stat:DELIVRD", tlv(b"42\0"), esm_class=esm_class)
        with case_of(esm_class):
            assert rewritten(raw, OURS) == raw


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (receipt(b"stat:DELIVRD"), "receipt.no_id"),
        (receipt(b"id: sub:001"), "receipt.no_id"),
        (receipt(b""), "receipt.no_id"),
        (receipt(b"id:" + b"7" * 65), "receipt.overlong_id"),
        (receipt(b"id:4 text:" + b"x" * 244), "receipt.too_long"),
        (receipt(("id:4 text:" + "x" * 117).encode("utf-16-be"), data_coding=8), "receipt.too_long"),
        (receipt(b"id:4 " + b"x" * 65_525, where="message_payload"), "receipt.too_long"),
        (receipt(b"id:4 " + b"x" * 65_525, where="data_sm"), "receipt.too_long"),
    ],
)
def test_what_cannot_be_rewritten_safely_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(PduError) as caught:
        rewritten(raw, OURS)
    assert caught.value.reason == reason


def test_the_longest_text_that_still_fits() -> None:
    text = b"id:%b text:" + b"x" * (254 - 9 - len(OURS))
    assert len(text % OURS) == 254
    assert rewritten(receipt(text % b"4"), OURS) == receipt(text % OURS)


@pytest.mark.parametrize("ours", [b"", b"a b", b"a\0", b"a" * 65, "é".encode()])
def test_an_id_that_is_none_is_not_written(ours: bytes) -> None:
    with pytest.raises(ValueError):
        rewritten(receipt(b"id:42"), ours)


# A naive model: a receipt is a list of fields, written once with one id and once with the other.
NAMES = ("id", "sub", "dlvrd", "submit date", "done date", "stat", "err")
IDS = st.one_of(
    st.integers(0, 1 << 64).map(lambda each: b"%d" % each),
    st.integers(0, 1 << 64).map(lambda each: b"%016x" % each),
    st.text("0123456789abcdefABCDEFghxyz-._", min_size=1, max_size=20).map(str.encode),
)


@st.composite
def fields(draw: st.DrawFn) -> tuple[list[tuple[str, str]], str]:
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, 6))]
    names = [each for each in names if each != "id"]
    names.insert(draw(st.integers(0, len(names))), "id")
    written = []
    for name in names:
        spelled = "".join(draw(st.sampled_from((char.lower(), char.upper()))) for char in name)
        colon = draw(st.sampled_from((":", ": ", " :")))
        written.append((spelled + colon, draw(st.text("0123456789DELIVR", min_size=1, max_size=6))))
    quoted = draw(st.one_of(st.just(""), st.text("江澜a id:42", max_size=8).map(lambda each: " text:" + each)))
    return written, quoted


def write(parts: list[tuple[str, str]], message_id: bytes, separator: str, quoted: str) -> str:
    written = [key + (message_id.decode() if key.lower().startswith("id") else value) for key, value in parts]
    return separator.join(written) + quoted


@given(
    fields(), IDS, st.sampled_from((" ", "\n", "\r\n", "  ")), st.sampled_from(PLACES), st.sampled_from((0, 3, 8)),
    st.booleans(), st.sampled_from((b"", b"\5\0\3\7\2\1")), st.sampled_from((0x04, 0x20, 0x07)),
)  # fmt: skip
def test_against_a_naive_writer(
    drawn: tuple[list[tuple[str, str]], str],
    theirs: bytes,
    separator: str,
    where: str,
    data_coding: int,
    with_tlv: bool,
    udh: bytes,
    esm_class: int,
) -> None:
    parts, quoted = drawn
    codec = "utf-16-be" if data_coding == 8 else "gb18030"
    both = [udh + write(parts, each, separator, quoted).encode(codec) for each in (theirs, OURS)]
    esm_class |= 0x40 if udh else 0
    stream = [[tlv(each + b"\0")] if with_tlv else [] for each in (theirs, OURS)]
    if where == "short_message" and max(map(len, both)) > 254:
        if len(both[0]) > 254:
            return
        with pytest.raises(PduError):
            rewritten(receipt(both[0], *stream[0], data_coding=data_coding, esm_class=esm_class), OURS)
        return
    before, after = (
        receipt(text, *more, where=where, data_coding=data_coding, esm_class=esm_class)
        for text, more in zip(both, stream, strict=True)
    )
    assert rewritten(before, OURS) == after
    sm = read_data_sm(after) if where == "data_sm" else read_sm(after)
    assert receipt_ids(sm, receipt_text(both[1][len(udh) :], data_coding)) == (OURS,)


@given(pdus(names=("deliver_sm", "data_sm")), st.binary(max_size=60))
@example(receipt(b"id:1"), b"")
def test_any_pdu_is_rewritten_or_refused_and_stays_well_formed(raw: bytes, more: bytes) -> None:
    read = read_data_sm if raw[4:8] == b"\0\0\1\3" else read_sm
    try:
        got = rewritten(raw, OURS)
    except PduError:
        return
    before, after = read(raw), read(got)
    assert after.source_key == before.source_key
    assert [tag for tag, _ in after.tlvs] == [tag for tag, _ in before.tlvs]
    assert len(got) == int.from_bytes(got[:4], "big")
    assert rewritten(got, OURS) == got


@given(st.binary(max_size=120), st.sampled_from((0, 8)))
def test_any_text_is_read_as_the_reader_of_receipts_reads_it(text: bytes, data_coding: int) -> None:
    view = receipt_text(text, data_coding)
    assert len(view) in (len(text), len(text) // 2)
    assert receipt_fields(view) is not None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (b"123", (b"123", b"7B", b"291")),
        (b"0000000123", (b"0000000123", b"7B", b"291")),
        (b"7b", (b"7b", b"123")),
        (b"007B", (b"007B", b"123")),
        (b"0", (b"0",)),
        (b"0000", (b"0000",)),
        (b"7", (b"7",)),
        (b"10", (b"10", b"A", b"16")),
        (b"order-9", (b"order-9",)),
        (b"6ba7b810-9dad-11d1-80b4-00c04fd430c8", (b"6ba7b810-9dad-11d1-80b4-00c04fd430c8",)),
        (b"1" * 33, (b"1" * 33,)),
        (b"", (b"",)),
    ],
)
def test_likely_ids(written: bytes, expected: tuple[bytes, ...]) -> None:
    assert likely_ids(written) == expected


@given(st.integers(0, (1 << 64) - 1), st.integers(0, 20), st.integers(0, 20), st.sampled_from(("x", "X")))
def test_the_other_radix_is_found_however_it_is_padded(number: int, one: int, other: int, case: str) -> None:
    decimal, hexadecimal = f"{number:0{one}d}".encode(), f"{number:0{other}{case}}".encode()

    def folded(each: bytes) -> bytes:
        return each.lstrip(b"0").upper()

    assert folded(hexadecimal) in [folded(each) for each in likely_ids(decimal)]
    assert folded(decimal) in [folded(each) for each in likely_ids(hexadecimal)]
    assert likely_ids(decimal)[0] == decimal
    assert len(set(map(folded, likely_ids(decimal)))) == len(likely_ids(decimal)) <= 3
