"""What octets say under each data_coding: every plausible reading, and none where there is none."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.smpp.text import (
    ALPHABETS,
    DEFAULT_TABLE,
    alphabet_table,
    broken_readings,
    encode_text,
    joint_table,
    part_readings,
    readings,
    reply_readings,
)
from tests.tools.naming import case_of

pytestmark = pytest.mark.unit

TEXTS = [
    "【江澜银行】“安居贷”年化3.5%起，最高40万元，咨询400-000-1001，回T退订",
    "【云岫消费金融】您的验证码为１２３４５６，請勿洩露。",
    "退订",
    "TD",
    "一",
    "刀",
    "最",
    "开",
    "囧",
    "喆",
    "　",
    "👍谢谢",
    "Привет",
    "まって下さい",
    "안녕하세요",
    "NUMBER NINE",
    "a",
    "€5",
    "",
]


#: No character of it is half a surrogate pair when octets are out of step.
SAID = "恭喜您获得贷款额度立即申请不需要请发送退订"
GB = SAID.encode("gb18030")


def read(octets: bytes, data_coding: int) -> tuple[str, ...]:
    return readings(octets, data_coding, DEFAULT_TABLE)


@pytest.mark.parametrize("text", TEXTS)
def test_utf16_as_declared_has_one_reading(text: str) -> None:
    for data_coding in (8, 0x18, 0x48, 0xE0, 0xEF):
        assert read(text.encode("utf-16-be"), data_coding) == (text,)


@pytest.mark.parametrize("text", ["TD", "STOP", "取消退订", "拒收，谢谢", "T退订"])
def test_utf16_that_makes_sense_only_in_the_other_order_has_both_readings(text: str) -> None:
    octets = text.encode("utf-16-le")
    assert read(octets, 8) == (octets.decode("utf-16-be"), text)


@pytest.mark.parametrize("text", ["退订", "Tel", "ñ", "Привет"])
def test_a_byte_order_mark_is_believed_and_is_no_text(text: str) -> None:
    assert read(b"\xfe\xff" + text.encode("utf-16-be"), 8) == (text,)
    swapped = b"\xff\xfe" + text.encode("utf-16-le")
    assert read(swapped, 8) == (swapped.decode("utf-16-be"), text)


@pytest.mark.parametrize(
    "octets",
    [
        b"\x90",
        b"\x90\x00\x8b",
        b"\xd8\x3d",
        b"\x90\x00\xd8\x3d",
        b"\xdc\x4d\x90\x00",
        b"\xd8\x3d\x90\x00",
        b"\xd8\x3d\xd8\x3d",
        # In the other order this would be 付, but a lone surrogate is undecodable whatever else might be read.
        b"\xd8\x4e",
    ],
)
def test_odd_octets_and_lone_surrogates_are_undecodable(octets: bytes) -> None:
    assert read(octets, 8) == ()


@given(st.binary(max_size=140))
@example(b"\xfe\xff")
@example(b"\xff\xfe")
def test_utf16_reads_what_it_writes_or_nothing(octets: bytes) -> None:
    found = read(octets, 8)
    assert len(found) <= 2
    for text in found:
        assert octets in (
            text.encode("utf-16-be"),
            text.encode("utf-16-le"),
            b"\xfe\xff" + text.encode("utf-16-be"),
            b"\xff\xfe" + text.encode("utf-16-le"),
        )


@given(st.text(alphabet="ABCXYZabcxyz0189 !\"#%&'()*+,-./:;<=>?\n\r", max_size=160))
def test_what_is_the_same_in_every_alphabet_is_read_once(text: str) -> None:
    for data_coding in (0, 1, 3, 6, 7, 10, 14, 15, 0x10, 0x40, 0xC0, 0xD0, 0xF0, 0xF3):
        assert read(text.encode("ascii"), data_coding) == (text,)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"user@b.cn", ("user¡b.cn", "user@b.cn")),
        (b"user\x00b.cn", ("user@b.cn",)),
        (b"[JL] TD", ("ÄJLÑ TD", "[JL] TD")),
        (b"\x1b<JL\x1b> TD", ("[JL] TD",)),
        (b"$5", ("¤5", "$5")),
        (b"\x025", ("$5",)),
        (b"\x1bT\x1bD", ("TD",)),
        (b"a\tb", ("aÇb", "a\tb")),
    ],
)
def test_the_default_alphabet_is_gsm_or_ascii(octets: bytes, expected: tuple[str, ...]) -> None:
    assert read(octets, 0) == expected
    assert read(octets, 0xF1) == expected


def test_the_default_alphabet_beyond_a_septet_is_what_the_carrier_makes_of_it() -> None:
    assert read("退订TD".encode(), 0)[0] == "退订TD"
    assert "退订TD" in read("退订TD".encode("gb18030"), 0)
    assert "Grüße" in read("Grüße".encode("latin-1"), 0)
    assert read(b"\x81", 0) == ()


@pytest.mark.parametrize("octets", [b"\xff" + GB, GB + b"\xff", GB[:-1], GB[:8] + b"\xff" + GB[8:]])
def test_a_wrong_octet_hides_no_text_behind_an_alphabet_that_holds_all(octets: bytes) -> None:
    found = read(octets, 0)
    assert not any(SAID[:4] in text or SAID[-5:] in text for text in found)
    more = broken_readings(octets, 0, DEFAULT_TABLE, found)
    assert any(SAID[:4] in text or SAID[-5:] in text for text in more)
    assert broken_readings(octets, 0, DEFAULT_TABLE, ()) == broken_readings(octets, 15, DEFAULT_TABLE, ("x",)) == ()
    assert read(octets, 15) == ()
    assert all("退" not in text for text in read(octets, 3))


@pytest.mark.parametrize(
    ("pieces", "data_coding"),
    [
        ((b"A\xb0", GB + b"A"), 15),
        ((b"A\xb0", GB + b"A"), 0),
        ((b"\0A\x4e", SAID.encode("utf-16-be") + b"\x4e"), 8),
        ((b"\0A", ("\ufeff" + SAID).encode("utf-16-le")), 8),
    ],
)
def test_parts_are_read_together_and_apart_where_that_makes_two_texts(
    pieces: tuple[bytes, ...], data_coding: int
) -> None:
    together, others = part_readings(pieces, data_coding, DEFAULT_TABLE)
    assert together == read(b"".join(pieces), data_coding)
    assert not any(SAID in text for text in together)
    assert any(SAID in text for text in others), others


def test_what_is_utf8_is_nothing_else_besides() -> None:
    octets = f"{SAID} apply now".encode()
    found = read(octets, 0)
    assert found[0] == f"{SAID} apply now"
    assert broken_readings(octets, 0, DEFAULT_TABLE, found) == ()
    assert part_readings((octets[:10], octets[10:]), 0, DEFAULT_TABLE) == (found, ())


def test_parts_in_an_alphabet_with_shifts_are_read_apart() -> None:
    ((_,), (apart,)) = part_readings((b"\x1b$B$3$s", b"STOP"), 10, DEFAULT_TABLE)
    assert apart.endswith("STOP")


@pytest.mark.parametrize("data_coding", [0, 1, 3, 8, 15])
@given(data=st.data())
def test_parts_that_end_between_characters_are_read_as_the_whole(data_coding: int, data: st.DataObject) -> None:
    codec = {0: "ascii", 1: "ascii", 3: "latin-1", 8: "utf-16-be", 15: "gb18030"}[data_coding]
    alphabet = "ABC " if codec in ("ascii", "latin-1") else "ABC 退订𠮷€"
    texts = data.draw(st.lists(st.text(alphabet=alphabet, max_size=9), min_size=1, max_size=4))
    pieces = [text.encode(codec) for text in texts]
    assert part_readings(pieces, data_coding, DEFAULT_TABLE) == (read(b"".join(pieces), data_coding), ())


def test_a_character_that_was_cut_is_whole_and_what_nobody_reads_stays_unread() -> None:
    octets = "🛑退订".encode("utf-16-be")
    assert part_readings((octets[:2], octets[2:]), 8, DEFAULT_TABLE) == (("🛑退订",), ())
    assert part_readings((GB[:3], GB[3:]), 15, DEFAULT_TABLE)[0] == (SAID,)
    assert part_readings((GB, b"\xff"), 15, DEFAULT_TABLE) == ((), ())


@pytest.mark.parametrize("data_coding", [0x10, 0x40, 0xC0, 0xD0, 0xF0])
def test_gsm_by_its_own_specification_has_no_octets_beyond_a_septet(data_coding: int) -> None:
    assert read("Grüße".encode("latin-1"), data_coding) == ()
    assert read("退订".encode("gb18030"), data_coding) == ()


@pytest.mark.parametrize("octets", [b"\x80", b"\xe9", b"TD\xff"])
def test_ascii_is_seven_bits(octets: bytes) -> None:
    assert read(octets, 1) == ()


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"[a_b]@$\t\r\n", ("[a_b]@$\t\r\n", "Äa§bÑ¡¤Ç\r\n")),
        (b"a\x00b", ("a@b",)),
        (b"\x025", ("$5",)),
    ],
)
def test_ascii_is_judged_as_gsm_too_since_senders_write_that_under_its_data_coding(
    octets: bytes, expected: tuple[str, ...]
) -> None:
    assert read(octets, 1) == expected


def test_latin_1_and_what_calls_itself_so() -> None:
    assert read(b"caf\xe9 \xa3", 3) == ("café £",)
    assert read(b"\x93quoted\x94 \x80", 3) == ("“quoted” €",)
    assert read(b"\x81", 3) == ()
    assert read(b"T\x00D", 3) == ()


@pytest.mark.parametrize("text", ["退订", "【江澜银行】𠮷，回复TD", "€㐀", "abc"])
def test_gb18030(text: str) -> None:
    assert read(text.encode("gb18030"), 15) == (text,)


def test_gb18030_vectors() -> None:
    assert read(bytes.fromhex("cdcbb6a9"), 15) == ("退订",)
    assert read(bytes.fromhex("8139ee39"), 15) == ("㐀",)
    assert read(bytes.fromhex("95328236"), 15) == ("𠀀",)
    for octets in ("cd", "cdcbb6", "ff", "81308130", "cd00", "8130"):
        assert read(bytes.fromhex(octets), 15) == (), octets


@pytest.mark.parametrize(
    ("data_coding", "octets", "text"),
    [
        (6, bytes.fromhex("bfe0d8d2d5e2"), "Привет"),
        (7, bytes.fromhex("f9ece5ed"), "שלום"),
        (10, b"\x1b$B\x24\x22\x1b(B", "あ"),
        (14, bytes.fromhex("c7d1"), "한"),
    ],
)
def test_other_alphabets_of_smpp(data_coding: int, octets: bytes, text: str) -> None:
    assert read(octets, data_coding) == (text,)


@pytest.mark.parametrize(("data_coding", "octets"), [(6, b"\x80"), (7, b"\xbf"), (10, b"\x1b$B\x24"), (14, b"\xc7")])
def test_other_alphabets_refuse_what_they_do_not_hold(data_coding: int, octets: bytes) -> None:
    assert read(octets, data_coding) == ()


READ = {0, 1, 3, 6, 7, 8, 10, 14, 15}
GENERAL = {group + alphabet + c for group in (0x10, 0x40, 0x50) for alphabet in (0, 8) for c in range(4)}
WAITING = set(range(0xC0, 0xF0))
CLASS = {*range(0xF0, 0xF4), *range(0xF8, 0xFC)}


def test_binary_compressed_and_reserved_are_undecodable_and_nothing_else() -> None:
    for data_coding in range(256):
        octets = "TD".encode("utf-16-be") if DEFAULT_TABLE.names(data_coding) == ("utf-16-be",) else b"TD"
        expected = ("TD",) if data_coding in READ | GENERAL | WAITING | CLASS else ()
        with case_of(data_coding):
            assert read(octets, data_coding) == expected


@pytest.mark.parametrize("data_coding", [0, 0x10, 0xC0, 0xF0])
def test_a_national_table_is_never_read_as_the_default_one(data_coding: int) -> None:
    assert readings(b"TD", data_coding, DEFAULT_TABLE, national_shift=True) == ()
    assert readings(b"user@b", data_coding, DEFAULT_TABLE, national_shift=True) == ()


def test_a_national_table_changes_nothing_in_ucs_2() -> None:
    assert readings("退订".encode("utf-16-be"), 8, DEFAULT_TABLE, national_shift=True) == ("退订",)


@given(st.binary(max_size=140), st.integers(0, 255))
def test_any_octets_have_distinct_readings_or_none(octets: bytes, data_coding: int) -> None:
    found = read(octets, data_coding)
    assert len(set(found)) == len(found)
    assert reply_readings(octets, data_coding, DEFAULT_TABLE)[: len(found)] == found


def test_a_route_names_its_own_alphabets() -> None:
    table = alphabet_table({0: ["gb18030"], 8: ("utf-16-le",), 4: ["utf-8"], 15: []})
    assert readings("[退订]".encode("gb18030"), 0, table) == ("[退订]",)
    assert readings(b"\xff\xfe" + "退订".encode("utf-16-le"), 8, table) == ("退订",)
    assert readings(b"\x00\xd8", 8, table) == ()
    assert readings("退订".encode(), 4, table) == ("退订",)
    assert readings("退订".encode("gb18030"), 15, table) == ()
    assert readings(b"TD", 15, table) == ()
    assert readings(b"TD", 1, table) == ("TD",)
    assert table.names(8) == ("utf-16-le",)


@pytest.mark.parametrize("name", sorted(ALPHABETS))
def test_every_alphabet_can_be_named(name: str) -> None:
    octets = b"T\0D\0" if name == "utf-16-le" else b"\0T\0D" if name == "utf-16-be" else b"TD"
    assert readings(octets, 9, alphabet_table({9: [name]}))[-1] == "TD"


@given(
    st.binary(max_size=40).map(lambda octets: bytes(octet & 0x7F for octet in octets)),
    st.sampled_from(sorted(ALPHABETS)),
)
@example(b"\x7f", "latin-1")
@example(b"[\\]~", "shift_jis")
@example(b"\x1b$B\x24\x22\x1b(B", "iso-2022-jp")
def test_septets_are_read_as_each_alphabet_reads_them(octets: bytes, name: str) -> None:
    table = alphabet_table({9: [name], 11: [name, "ascii"]})
    assert readings(octets, 9, table) == ALPHABETS[name](octets)
    assert readings(octets, 11, table) == tuple(dict.fromkeys(ALPHABETS[name](octets) + ALPHABETS["ascii"](octets)))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [({0: ["gsm", "klingon"]}, "klingon"), ({256: ["gsm"]}, "256"), ({-1: ["gsm"]}, "-1"), ({0: "gsm"}, "gsm")],
)
def test_an_unknown_alphabet_is_named(overrides: dict[int, list[str]], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        alphabet_table(overrides)


@pytest.mark.parametrize(
    ("octets", "data_coding"),
    [
        # a picture cut in two at the end of the message
        ("退订".encode("utf-16-be") + b"\xd8\x3d", 8),
        ("退订".encode("utf-16-be") + b"\x00", 8),
        ("退订".encode("gb18030") + b"\xb6", 15),
        ("退订".encode("gb18030"), 4),
        ("退订".encode(), 2),
        ("退订".encode("utf-16-be"), 4),
        ("退订".encode("utf-16-le"), 5),
        (b"TD", 9),
        (b"TD", 0xBF),
    ],
)
def test_a_reply_is_read_as_far_as_it_can_be(octets: bytes, data_coding: int) -> None:
    found = reply_readings(octets, data_coding, DEFAULT_TABLE)
    assert read(octets, data_coding) == ()
    assert any(text.startswith(("退订", "TD")) for text in found), found


def test_a_reply_whose_exact_reading_makes_no_sense_is_read_otherwise_too() -> None:
    # the other order, with a picture cut in two: as declared it is a control character, a Yi syllable and 㷘
    octets = "退订".encode("utf-16-le") + b"\x3d\xd8"
    exact = read(octets, 8)
    assert exact == ("\x90ꊋ㷘",)
    assert reply_readings(octets, 8, DEFAULT_TABLE) == (*exact, "退订")


def test_an_exact_reply_is_read_exactly() -> None:
    assert reply_readings("退订".encode("utf-16-be"), 8, DEFAULT_TABLE) == ("退订",)
    assert reply_readings("안녕".encode("utf-16-be"), 8, DEFAULT_TABLE)[0] == "안녕"
    assert reply_readings(b"", 8, DEFAULT_TABLE) == ("",)
    assert reply_readings(b"", 4, DEFAULT_TABLE) == ()


def test_texts_are_written_in_gsm_or_ucs_2() -> None:
    assert encode_text("TD €") == (0, b"TD \x1be")
    assert encode_text("退订") == (8, bytes.fromhex("90008ba2"))
    assert encode_text("👍") == (8, bytes.fromhex("d83ddc4d"))
    with pytest.raises(ValueError):
        encode_text("\ud83d")


@given(st.text(max_size=70))
def test_what_is_written_is_among_the_readings(text: str) -> None:
    data_coding, octets = encode_text(text)
    found = read(octets, data_coding)
    assert text in found or text.startswith(("\ufeff", "\ufffe"))


# ---- one table for several routes ----


def test_routes_that_read_alike_share_a_table() -> None:
    one, other = alphabet_table({8: ["utf-16-be"]}), alphabet_table({})
    assert joint_table([one, other]) is one


@given(st.binary(max_size=12), st.integers(0, 255))
def test_what_may_go_by_several_routes_has_the_readings_of_each_or_none(octets: bytes, coding: int) -> None:
    tables = [
        alphabet_table({}),
        alphabet_table({0: ["gb18030"], 8: ["utf-16-le"], 3: ["cp1252"]}),
        alphabet_table({8: ["gb18030", "utf-8"], 15: []}),
    ]
    apart = [readings(octets, coding, table) for table in tables]
    together = readings(octets, coding, joint_table(tables))
    if all(apart):
        assert set(together) == {text for texts in apart for text in texts}
    else:
        assert together == ()


@pytest.mark.parametrize("said", ["點樣先可", "以取消訂閱", "別再發了"])
def test_traditional_characters_of_a_reply_have_one_reading(said: str) -> None:
    assert reply_readings(said.encode("utf-16-be"), 8, DEFAULT_TABLE) == (said,)
