"""GSM 03.38, one septet an octet, as SMPP carries it: the default alphabet and its extension table.

Owns the two tables of 3GPP TS 23.038 §6.2.1 and reading and writing by them. Must never read an octet beyond 0x7F as
text, nor stand in for a national language table: a message whose UDH names one is not in this alphabet.
"""

import codecs
import re
from typing import Final

ESCAPE: Final = 0x1B

GSM_TABLE: Final = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
"""The default alphabet by octet; the escape stands for itself."""

GSM_EXTENSION: Final[dict[int, str]] = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
"""What an octet means behind an escape."""

_ENCODING: Final[dict[int, bytes]] = {
    **{ord(char): bytes((octet,)) for octet, char in enumerate(GSM_TABLE) if octet != ESCAPE},
    **{ord(char): bytes((ESCAPE, octet)) for octet, char in GSM_EXTENSION.items()},
}

_EXTENSION_BY_CHAR: Final = {
    **{GSM_TABLE[octet]: char for octet, char in GSM_EXTENSION.items()},
    "\x1b": " ",
    "": " ",
}
_ESCAPED: Final = re.compile("\x1b(.?)", re.DOTALL)

_decode = codecs.charmap_decode
_encode = codecs.charmap_encode


def decode_gsm(octets: bytes) -> str | None:
    """Read octets as GSM 03.38; None where one is beyond 0x7F.

    An escape before an octet without an extension gives the octet's own character; a second escape, or one at the
    end, gives a space, as handsets show them (3GPP TS 23.038 §6.2.1.1).
    """
    if not octets.isascii():
        return None
    text = _decode(octets, "strict", GSM_TABLE)[0]
    return _ESCAPED.sub(_extended, text) if "\x1b" in text else text


def _extended(escaped: re.Match[str]) -> str:
    return _EXTENSION_BY_CHAR.get(escaped[1], escaped[1])


def encode_gsm(text: str) -> bytes | None:
    """Write text in GSM 03.38, escaped where the extension table has the character; None where neither table has it."""
    try:
        return _encode(text, "strict", _ENCODING)[0]
    except UnicodeEncodeError:
        return None
