"""What the octets of a message say: the alphabets behind data_coding, and every reading that is plausible.

Owns the table from data_coding to alphabets (configuration per route) and the reading itself. Must never pick one
reading where two are plausible, repair octets for a judgement, or read what it has no exact table for: no reading
means undecodable, and the policy refuses that.

How: octets that mean the same in every alphabet of an entry (most of ASCII) are found by one `translate` and read
once. All else goes through the readers of the entry in order, and the distinct results are the readings. UTF-16 has a
reader of its own, which also asks whether the octets make sense only the other way round.

data_coding 0 to 15 are SMPP's own values (SMPP v3.4 §5.2.19); the others have the meaning of 3GPP TS 23.038 §4.
"""

import codecs
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from proxy.smpp.gsm import ESCAPE, GSM_TABLE, decode_gsm, encode_gsm

__all__ = [
    "ALPHABETS",
    "DEFAULT_TABLE",
    "AlphabetTable",
    "alphabet_table",
    "broken_readings",
    "encode_gsm",
    "encode_text",
    "joint_table",
    "part_readings",
    "readings",
    "reply_readings",
]

Reader = Callable[[bytes], tuple[str, ...]]

_decode_utf16_be = codecs.utf_16_be_decode

_PRINTABLE: Final = bytes((0x09, 0x0A, 0x0D, *range(0x20, 0x7F)))
_INVARIANT: Final = bytes(octet for octet in _PRINTABLE if GSM_TABLE[octet] == chr(octet) and octet != ESCAPE)
"""Octets that are the same character in GSM 03.38, ASCII and everything built upon ASCII."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""No text holds these; a reading that does is the wrong one."""

_UTF16_HIGH: Final = bytes(
    (
        0x00,  # Latin
        0x03,  # Greek
        0x04,  # Cyrillic
        *range(0x20, 0x28),  # punctuation, arrows, signs
        *range(0x30, 0x34),  # CJK punctuation, kana
        *range(0x4E, 0xA0),  # CJK
        *range(0xAC, 0xE0),  # Hangul, surrogates
        0xFE,
        0xFF,  # full width, BOM
    )
)
"""First octets of UTF-16 units in texts that people write; where others stand, the octet order is wrong."""


def _common_characters() -> frozenset[str]:
    """Gather what ordinary texts are made of: GB 2312, Latin, kana, punctuation and pictures."""
    gb2312 = bytes(octet for high in range(0xA1, 0xF8) for low in range(0xA1, 0xFF) for octet in (high, low))
    blocks = (
        range(0x20, 0x7F),
        range(0xA0, 0x250),
        range(0x2010, 0x2028),
        range(0x20A0, 0x20C1),
        range(0x2600, 0x27C0),
        range(0x1F300, 0x1FB00),
    )
    return frozenset(gb2312.decode("gb2312", "ignore")).union(
        "\t\n\r\ufe0f\u200d", *(map(chr, block) for block in blocks)
    )


def _frequent_traditional() -> frozenset[str]:
    lows = (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    octets = bytes(octet for high in range(0xA4, 0xC6) for low in lows for octet in (high, low))
    return frozenset(octets.decode("big5", "ignore"))


_COMMON: Final = _common_characters()
#: What ordinary replies are made of: the first plane of Big5 besides, since persons answer in traditional characters.
_ORDINARY: Final = _COMMON | _frequent_traditional()


def _read_gsm(octets: bytes) -> tuple[str, ...]:
    text = decode_gsm(octets)
    return () if text is None else (text,)


def _read_ascii(octets: bytes) -> tuple[str, ...]:
    return () if octets.translate(None, _PRINTABLE) else (octets.decode("ascii"),)


def _by_codec(codec: str) -> Reader:
    # WHY: `bytes.decode` looks the codec up by name each time, which costs more than a short text.
    decode = codecs.getdecoder(codec)

    def read(octets: bytes) -> tuple[str, ...]:
        try:
            text = decode(octets)[0]
        except UnicodeDecodeError:
            return ()
        return (text,) if text.isprintable() or not _CONTROL.search(text) else ()

    return read


def _read_utf16_be(octets: bytes) -> tuple[str, ...]:
    try:
        text = _decode_utf16_be(octets, "strict", True)[0]
    except UnicodeDecodeError:
        return ()
    # WHY: the comparison is true for a BOM of either order, and `strip` looks at few octets of any real text.
    if text > "\ufdff" or not octets[1::2].strip(_UTF16_HIGH):
        return _either_order(octets, text)
    return (text,)


def _either_order(octets: bytes, text: str) -> tuple[str, ...]:
    """Judge the rare octets that may be UTF-16 in little-endian order although data_coding 8 is big-endian."""
    if text[:1] == "\ufeff":
        return (text[1:],)
    try:
        swapped = octets.decode("utf-16-le")
    except UnicodeDecodeError:
        return (text,)
    if swapped[:1] == "\ufeff":
        return text, swapped[1:]
    if swapped and _COMMON.issuperset(swapped) and not _COMMON.issuperset(text):
        return text, swapped
    return (text,)


def _read_utf16_le(octets: bytes) -> tuple[str, ...]:
    try:
        return (octets.decode("utf-16-le").removeprefix("\ufeff"),)
    except UnicodeDecodeError:
        return ()


ALPHABETS: Final[Mapping[str, Reader]] = MappingProxyType(
    {
        "gsm": _read_gsm,
        "ascii": _read_ascii,
        "utf-16-be": _read_utf16_be,
        "utf-16-le": _read_utf16_le,
        **{
            name: _by_codec(name)
            for name in (
                "utf-8",
                "gb18030",
                "gbk",
                "big5",
                "latin-1",
                "cp1252",
                "iso-8859-5",
                "iso-8859-8",
                "iso-2022-jp",
                "shift_jis",
                "euc-jp",
                "euc-kr",
            )
        },
    }
)
"""Every alphabet a route may name, and its reader: octets to no reading, one or several."""

_HOLDS_ALL: Final = frozenset({"latin-1", "cp1252", "iso-8859-5", "iso-8859-8"})
"""Alphabets of one octet for a character: nearly any octets are a text in them."""
_CUT_ANYWHERE: Final = _HOLDS_ALL | {"gsm", "ascii"}
"""Alphabets in which parts read apart say what they say together."""

_NOT_ASCII: Final = frozenset({"utf-16-be", "utf-16-le"})
_MANY_OCTETS: Final = frozenset({"utf-8", "gb18030", "gbk", "big5", "shift_jis", "euc-jp", "euc-kr"})
_STATEFUL: Final = frozenset({"gsm", "iso-2022-jp", "shift_jis"})
"""Alphabets in which an octet below 0x80 is not always its ASCII character."""


class _Entry:
    """How one data_coding is read.

    `plain` tells whether octets of `_INVARIANT` mean themselves in every alphabet of the entry; `septet_readers` are
    `readers` for octets below 0x80, which all alphabets built upon ASCII read alike; `broken` names alphabets in which
    octets are read without those that are wrong, where another one reads them all.
    """

    __slots__ = ("broken", "names", "plain", "readers", "septet_readers")

    def __init__(
        self,
        plain: bool,
        names: tuple[str, ...],
        readers: tuple[Reader, ...],
        septet_readers: tuple[Reader, ...],
        broken: tuple[str, ...] = (),
    ) -> None:
        self.plain: Final = plain
        self.names: Final = names
        self.readers: Final = readers
        self.septet_readers: Final = septet_readers
        self.broken: Final = broken


class AlphabetTable:
    """Alphabets by data_coding, the declared one first; made by `alphabet_table`."""

    __slots__ = ("entries",)

    def __init__(self, entries: tuple[_Entry, ...]) -> None:
        #: 256 of them.
        self.entries: Final = entries

    def names(self, data_coding: int) -> tuple[str, ...]:
        """Name the alphabets of a data_coding; () for binary and for what is not read."""
        return self.entries[data_coding].names


_SMSC_DEFAULT: Final = ("gsm", "ascii", "utf-8", "gb18030", "latin-1")
"""WHY so many: data_coding 0 is whatever the SMSC says. Octets beyond 0x7F are in neither GSM nor ASCII, and what a
carrier makes of them is then UTF-8, GBK or Latin-1; each that reads is judged."""

_SMPP: Final[Mapping[int, tuple[str, ...]]] = MappingProxyType(
    {
        0: _SMSC_DEFAULT,
        # DEVIATION §5.2.19: node-smpp writes GSM 03.38 under 1 ("IA5"), and carriers pass it on as their default.
        1: ("ascii", "gsm"),
        # WHY: what calls itself Latin-1 with octets 0x80 to 0x9F in it is Windows-1252; else the two are equal.
        3: ("latin-1", "cp1252"),
        6: ("iso-8859-5",),
        7: ("iso-8859-8",),
        8: ("utf-16-be",),
        10: ("iso-2022-jp",),
        14: ("euc-kr",),
        15: ("gb18030",),
    }
)
"""Not here, thus undecodable: 2 and 4 octets, 5 and 13 JIS in an encoding the specification leaves open, 9
pictograms, 11 and 12 reserved."""


def _default_names(data_coding: int) -> tuple[str, ...]:
    """Tell what a data_coding means before any route says otherwise."""
    if data_coding < 0x10:
        return _SMPP.get(data_coding, ())
    gsm = ("gsm", "ascii")
    group = data_coding >> 4
    if group in (0xC, 0xD):
        return gsm
    if group == 0xE:
        return ("utf-16-be",)
    if group == 0xF:
        return () if data_coding & 0x04 else gsm
    # Groups 00xx and 01xx: bit 5 compressed, bits 3 and 2 the alphabet; 10xx and alphabet 3 are reserved.
    if group >= 0x8 or data_coding & 0x20:
        return ()
    return (gsm, (), ("utf-16-be",), ())[data_coding >> 2 & 0x03]


def alphabet_table(overrides: Mapping[int, Sequence[str]]) -> AlphabetTable:
    """Make the table of a route: the defaults, and for the data_codings named here the alphabets given, in order.

    No alphabets means undecodable. Raises ValueError that names what is no data_coding or no alphabet.
    """
    for data_coding, names in overrides.items():
        if not 0 <= data_coding <= 0xFF:
            raise ValueError(f"no such data_coding: {data_coding}")
        unknown = [name for name in names if name not in ALPHABETS]
        if unknown or isinstance(names, str):
            raise ValueError(
                f"data_coding {data_coding}: no such alphabet: {', '.join(unknown) or names}"
                f" (known: {', '.join(sorted(ALPHABETS))})"
            )
    entries = []
    for data_coding in range(0x100):
        names = tuple(overrides.get(data_coding, _default_names(data_coding)))
        plain = bool(names) and _NOT_ASCII.isdisjoint(names)
        readers = tuple(ALPHABETS[name] for name in names)
        broken = tuple(name for name in names if name in _MANY_OCTETS) if not _HOLDS_ALL.isdisjoint(names) else ()
        septet_names = [name if name in _NOT_ASCII | _STATEFUL else "ascii" for name in names]
        septet_readers = tuple(ALPHABETS[name] for name in dict.fromkeys(septet_names))
        entries.append(_Entry(plain, names, readers, septet_readers, broken))
    return AlphabetTable(tuple(entries))


def joint_table(tables: Sequence[AlphabetTable]) -> AlphabetTable:
    """Make the table for octets that may go by several routes: every reading of each, and none where one has none.

    WHY none: what one carrier cannot read is judged by nobody who could say what that carrier makes of it.
    """
    first = tables[0]
    if all(table.entries[each].names == first.entries[each].names for table in tables for each in range(0x100)):
        return first
    return AlphabetTable(tuple([_joint_entry([table.entries[each] for table in tables]) for each in range(0x100)]))


def _joint_entry(entries: list[_Entry]) -> _Entry:
    if len({entry.names for entry in entries}) == 1:
        return entries[0]
    names = tuple(dict.fromkeys([name for entry in entries for name in entry.names]))
    if not all(entry.names for entry in entries):
        return _Entry(False, (), (), ())
    plain = all(entry.plain for entry in entries)
    reader = _joint_reader(entries)
    broken = tuple(dict.fromkeys([name for entry in entries for name in entry.broken]))
    return _Entry(plain, names, (reader,), (reader,), broken)


def _joint_reader(entries: list[_Entry]) -> Reader:
    def read(octets: bytes) -> tuple[str, ...]:
        found: list[str] = []
        for entry in entries:
            texts = _read(entry, octets)
            if not texts:
                return ()
            found += texts
        return tuple(dict.fromkeys(found))

    return read


def _read(entry: _Entry, octets: bytes) -> tuple[str, ...]:
    """Every reading of octets under one data_coding."""
    readers = entry.septet_readers if octets.isascii() else entry.readers
    if len(readers) == 1:
        return readers[0](octets)
    return tuple(dict.fromkeys([text for read in readers for text in read(octets)]))


DEFAULT_TABLE: Final = alphabet_table({})


def readings(octets: bytes, data_coding: int, table: AlphabetTable, national_shift: bool = False) -> tuple[str, ...]:
    """Read a message's text in every plausible way: distinct readings, the declared alphabet's first; () if none.

    `octets` come without UDH. Where the UDH named a national shift table (`udh.national_shift`), `national_shift` is
    true, and a data_coding that may be GSM 03.38 is undecodable: the octets are in a table that is not known here.
    """
    entry = table.entries[data_coding]
    if entry.plain and not octets.translate(None, _INVARIANT) and not national_shift:
        return (octets.decode("ascii"),)
    if national_shift and "gsm" in entry.names:
        return ()
    return _read(entry, octets)


def broken_readings(octets: bytes, data_coding: int, table: AlphabetTable, found: tuple[str, ...]) -> tuple[str, ...]:
    """What else octets say to whoever passes over those that are wrong, beside the readings `found`; none without any.

    WHY: with one wrong octet in it a text would be read as accented letters alone, and be shown all the same.
    """
    broken = table.entries[data_coding].broken
    if not broken or not found or octets.isascii() or _is_utf8(octets, broken):
        return ()
    more = [octets.decode(name, "ignore") for name in broken]
    return tuple(dict.fromkeys([text for text in more if text not in found]))


def _is_utf8(octets: bytes, names: Sequence[str]) -> bool:
    """Whether octets are UTF-8 where that may be meant: nothing else looks so by chance, nor falls out of step."""
    if "utf-8" not in names:
        return False
    try:
        octets.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def part_readings(
    pieces: Sequence[bytes], data_coding: int, table: AlphabetTable
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """`readings` of a message that came in these parts, in order, and what else it says: see `broken_readings`, and
    what parts say that are read alone.

    WHY: a part that ends within a character makes another text of all that follows, for whoever joins first or for
    whoever reads first; carriers and handsets do either.
    """
    whole = b"".join(pieces)
    found = readings(whole, data_coding, table)
    if not found or _is_utf8(whole, table.names(data_coding)):
        return found, ()
    more = [_apart(pieces, name) for name in table.names(data_coding) if name not in _CUT_ANYWHERE]
    more += broken_readings(whole, data_coding, table, found)
    return found, tuple(dict.fromkeys([text for text in more if text and text not in found]))


def _apart(pieces: Sequence[bytes], name: str) -> str:
    """What parts say in an alphabet if each is read alone; "" where it is what they say together."""
    if name in _NOT_ASCII:
        # WHY not surrogates that were cut: one picture is lost, and all else stays where it is.
        if not any(len(piece) % 2 or piece.startswith(b"\xff\xfe") for piece in pieces):
            return ""
        orders = ["utf-16-le" if piece.startswith(b"\xff\xfe") else name for piece in pieces]
        return "".join([piece.decode(order, "ignore") for piece, order in zip(pieces, orders, strict=True)])
    if name not in _STATEFUL and all(piece.isascii() for piece in pieces):
        return ""
    return "".join([piece.decode(name, "ignore") for piece in pieces])


def reply_readings(octets: bytes, data_coding: int, table: AlphabetTable) -> tuple[str, ...]:
    """Read what a person wrote back, as far as it can be read at all: `readings`, and more where they make no sense.

    WHY: a refusal must not be lost because a carrier cut a character in two or declared the wrong alphabet. Only for
    replies: what a sender submits is judged on exact readings. Octets that no reading holds are left out; alphabets
    that nobody declared count only where they give ordinary text.
    """
    exact = readings(octets, data_coding, table)
    # WHY not where a NUL stands: it is "@" in GSM 03.38, so UCS-2 under data_coding 0, or padding, would make sense.
    odd = 0 in octets and _NOT_ASCII.isdisjoint(table.names(data_coding))
    if not odd and any(_ORDINARY.issuperset(text) for text in exact):
        return (*exact, *_otherwise(octets, table.names(data_coding), exact))
    found = [*exact, *(readings(octets.strip(b"\0"), data_coding, table) if odd else ())]
    for name in table.names(data_coding):
        if name in _NOT_ASCII:
            found += [octets.decode(each, "ignore") for each in ("utf-16-be", "utf-16-le")]
        elif name not in ("gsm", "ascii"):
            found.append(_CONTROL.sub("", octets.decode(name, "ignore")))
    for name in (*_SMSC_DEFAULT, "utf-16-be", "utf-16-le"):
        found += [text for text in ALPHABETS[name](octets) if _ORDINARY.issuperset(text)]
    return tuple(dict.fromkeys(text for text in found if text))


def _otherwise(octets: bytes, names: tuple[str, ...], exact: tuple[str, ...]) -> tuple[str, ...]:
    """What ordinary octets of a reply say in an alphabet that its carrier may have meant: Latin-1 and UTF-16 hold all.

    WHY: "退订" in GB 18030 is four letters of Latin-1, and "STOP" in ASCII two Han characters.
    """
    if octets.isascii():
        names = ("ascii",) if "utf-16-be" in names else ()
    else:
        names = ("utf-8", "gb18030") if "latin-1" in names else ()
    found = [text for name in names for text in ALPHABETS[name](octets) if text not in exact]
    return tuple([text for text in found if _ORDINARY.issuperset(text)])


def encode_text(text: str) -> tuple[int, bytes]:
    """Write a text for sending: (data_coding, octets), GSM 03.38 as 0 where it fits, else UCS-2 as 8.

    Raises ValueError for a text with half a surrogate pair.
    """
    octets = encode_gsm(text)
    if octets is not None:
        return 0, octets
    return 8, text.encode("utf-16-be")
