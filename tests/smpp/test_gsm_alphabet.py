"""GSM 03.38 against the vectors of the specification and an independent list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from smpplib import gsm as peer

from proxy.smpp.gsm import GSM_EXTENSION, GSM_TABLE, decode_gsm, encode_gsm
from tests.tools.naming import case_of

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"", ""),
        (b"\x00\x01\x02\x03", "@£$¥"),
        (b"\x04\x05\x06\x07\x08\x09", "èéùìòÇ"),
        (b"\x0a\x0b\x0c\x0d\x0e\x0f", "\nØø\rÅå"),
        (b"\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a", "Δ_ΦΓΛΩΠΨΣΘΞ"),
        (b"\x1c\x1d\x1e\x1f", "ÆæßÉ"),
        (b"\x24\x40\x60", "¤¡¿"),
        (b"\x5b\x5c\x5d\x5e\x5f", "ÄÖÑÜ§"),
        (b"\x7b\x7c\x7d\x7e\x7f", "äöñüà"),
        (b"TD 123,ok?", "TD 123,ok?"),
        (b"\x1b\x0a\x1b\x14\x1b\x28\x1b\x29\x1b\x2f", "\f^{}\\"),
        (b"\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40\x1b\x65", "[~]|€"),
        # An escape before anything else leaves the character of the default table: this reads TD.
        (b"\x1bT\x1bD", "TD"),
        (b"\x1b", " "),
        (b"T\x1b\x1bD", "T D"),
        (b"\x1b\x1b\x65", " e"),
        (b"\x1b\x1b\x1b\x65", " €"),
        (b"a\x1b\x0ab", "a\fb"),
    ],
)
def test_vectors(octets: bytes, text: str) -> None:
    assert decode_gsm(octets) == text


def test_octets_beyond_a_septet_are_not_gsm() -> None:
    for octet in range(0x80, 0x100):
        with case_of(octet):
            assert decode_gsm(bytes((octet,))) is None
            assert decode_gsm(b"TD" + bytes((octet,))) is None


def test_an_independent_table_agrees() -> None:
    # The peer's table differs at Ç, at the escape and at §, where the specification (23.038 §6.2.1) is as ours.
    theirs = peer.GSM_CHARACTER_TABLE[:128]
    differing = {at for at in range(128) if theirs[at] != GSM_TABLE[at]}
    assert differing <= {0x09, 0x1B, 0x5F}


@given(st.text(alphabet=[char for char in GSM_TABLE if char != "\x1b"] + list(GSM_EXTENSION.values())))
def test_what_is_written_is_read_back(text: str) -> None:
    octets = encode_gsm(text)
    assert octets is not None
    assert decode_gsm(octets) == text


@pytest.mark.parametrize("text", ["退订", "a退", "\x1b", "`", "ç", "ё"])
def test_what_has_no_code_is_not_written(text: str) -> None:
    assert encode_gsm(text) is None


def test_extension_is_written_with_its_escape() -> None:
    assert encode_gsm("€[") == b"\x1be\x1b<"
