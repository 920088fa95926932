"""Replies whose source or text a carrier wrote oddly: who can be reached can refuse."""

import struct

import pytest

from proxy.core import addresses
from proxy.smpp.consts import DELIVER_SM
from proxy.smpp.inbound import Reply, read_inbound
from proxy.smpp.pdu import Pdu
from proxy.smpp.text import DEFAULT_TABLE
from tests.tools.naming import case_of

pytestmark = pytest.mark.unit


def deliver(source: bytes, ton: int, npi: int, octets: bytes = b"TD", data_coding: int = 0) -> Reply:
    body = b"\0" + bytes((ton, npi)) + source + b"\0" + b"\0\0" + b"10690001\0" + b"\0\0\0\0\0\0\0"
    body += bytes((data_coding, 0, len(octets))) + octets
    raw = struct.pack(">IIII", 16 + len(body), DELIVER_SM, 0, 1) + body
    found = read_inbound(Pdu(DELIVER_SM, 0, 1, raw), DEFAULT_TABLE)
    assert isinstance(found, Reply)
    return found


@pytest.mark.parametrize("source", [b"13800138000", b"8613800138000", b"+8613800138000", b"013800138000"])
def test_a_chinese_mobile_is_the_same_person_under_every_type_of_number(source: bytes) -> None:
    for ton in range(8):
        for npi in (0, 1, 3, 4, 6, 8, 9, 14, 18):
            with case_of(ton, npi):
                assert deliver(source, ton, npi).person == "8613800138000"


@pytest.mark.parametrize("digits", ["85291234567", "6591234567", "447911123456"])
@pytest.mark.parametrize("ton", [0, 1, 2, 3, 5])
def test_a_foreign_number_that_can_be_sent_to_can_answer_under_any_type(digits: str, ton: int) -> None:
    sent_to = addresses.recipient(1, 1, digits.encode())
    assert sent_to == digits
    assert deliver(digits.encode(), ton, 1).person == sent_to


@pytest.mark.parametrize(
    ("octets", "data_coding"),
    [(b"\0T\0D", 0), (b"T\0D\0", 0), (b"TD\0", 0), (b"TD\0\0", 0), (b"\0T\0D", 3), (b"\x90\x00\x8b\xa2", 0)],
)
def test_a_refusal_in_another_alphabet_than_declared_or_padded_is_among_the_readings(
    octets: bytes, data_coding: int
) -> None:
    found = deliver(b"13800138000", 1, 1, octets, data_coding).readings
    assert {"TD", "退订"} & set(found)
