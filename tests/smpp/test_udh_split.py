"""User data headers: split exactly, and read where they change what the message is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.consts import ESME_RINVESMCLASS
from proxy.smpp.pdu import PduError
from proxy.smpp.udh import concatenation, national_shift, ports, split_udh

pytestmark = pytest.mark.unit

CONCATENATED = bytes.fromhex("05 00 03 2a 03 02")


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=20)), max_size=8),
    st.binary(max_size=140),
)
def test_elements_and_text_are_told_apart(elements: list[tuple[int, bytes]], text: bytes) -> None:
    header = b"".join(bytes((identifier, len(value))) + value for identifier, value in elements)
    assert split_udh(bytes((len(header),)) + header + text) == (tuple(elements), text)


@given(st.binary(max_size=60))
def test_any_octets_are_split_without_loss_or_refused(octets: bytes) -> None:
    outcome: bytes | int
    try:
        elements, rest = split_udh(octets)
        header = b"".join(bytes((identifier, len(value))) + value for identifier, value in elements)
        outcome = bytes((len(header),)) + header + rest
    except PduError as error:
        outcome = error.status
    assert outcome in (octets, ESME_RINVESMCLASS)


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        ("", "udh.absent"),
        ("05 00 03 2a 03", "udh.truncated"),
        ("ff 00", "udh.truncated"),
        ("01 00 54", "udh.element"),
        ("05 00 04 2a 03 02 54", "udh.element"),
        ("06 00 03 2a 03 02 00 54", "udh.element"),
    ],
)
def test_headers_that_do_not_add_up(octets: str, reason: str) -> None:
    with pytest.raises(PduError) as caught:
        split_udh(bytes.fromhex(octets))
    assert (caught.value.status, caught.value.reason) == (ESME_RINVESMCLASS, reason)


@pytest.mark.parametrize(
    ("elements", "part"),
    [
        ((), None),
        (((0x00, b"\x2a\x03\x02"),), (0x2A, 3, 2)),
        (((0x08, b"\x01\x2a\x03\x03"),), (0x012A, 3, 3)),
        (((0x70, b"x"), (0x00, b"\x2a\x01\x01")), (0x2A, 1, 1)),
        (((0x00, b"\x2a\x03\x02"), (0x00, b"\x2a\x03\x02")), (0x2A, 3, 2)),
    ],
)
def test_parts(elements: tuple[tuple[int, bytes], ...], part: tuple[int, int, int] | None) -> None:
    assert concatenation(elements) == part


@pytest.mark.parametrize(
    "elements",
    [
        ((0x00, b"\x2a\x03"),),
        ((0x00, b"\x2a\x03\x02\x00"),),
        ((0x08, b"\x2a\x03\x02"),),
        ((0x00, b"\x2a\x00\x00"),),
        ((0x00, b"\x2a\x03\x00"),),
        ((0x00, b"\x2a\x03\x04"),),
        ((0x00, b"\x2a\x03\x02"), (0x00, b"\x2b\x03\x02")),
        ((0x00, b"\x2a\x03\x02"), (0x08, b"\x00\x2a\x03\x01")),
    ],
)
def test_parts_that_cannot_be(elements: tuple[tuple[int, bytes], ...]) -> None:
    with pytest.raises(PduError) as caught:
        concatenation(elements)
    assert (caught.value.status, caught.value.reason) == (ESME_RINVESMCLASS, "udh.concatenation")


def test_ports_in_both_sizes() -> None:
    assert ports(()) is None
    assert ports(((0x04, b"\xf0\xf1"),)) == (0xF0, 0xF1)
    assert ports(((0x00, b"\x2a\x03\x02"), (0x05, b"\x0b\x84\x23\xf0"))) == (0x0B84, 0x23F0)
    for element in ((0x04, b"\1"), (0x05, b"\1\2\3")):
        with pytest.raises(PduError):
            ports((element,))


def test_national_tables() -> None:
    assert national_shift(((0x00, b"\x2a\x03\x02"),)) is None
    assert national_shift(((0x24, b"\x01"),)) == (0, 1)
    assert national_shift(((0x25, b"\x03"), (0x24, b"\x01"))) == (3, 1)
    # Language 0 is the default alphabet, yet the element is there: the caller sees it.
    assert national_shift(((0x24, b"\x00"),)) == (0, 0)
    with pytest.raises(PduError):
        national_shift(((0x25, b""),))
