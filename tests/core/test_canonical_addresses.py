"""One person, one form: every writing of a subscriber number is the same recipient, or none at all (Z16)."""

from __future__ import annotations

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.addresses import (
    TON_ALPHANUMERIC,
    TON_INTERNATIONAL,
    TON_NATIONAL,
    TON_UNKNOWN,
    masked,
    recipient,
    sender,
)

pytestmark = pytest.mark.unit

MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
TONS = st.sampled_from((TON_UNKNOWN, TON_INTERNATIONAL, TON_NATIONAL))
NPIS = st.sampled_from((0, 1))
CARRIERS = ("17951", "17950", "17911", "17909", "17900", "12593", "12520", "125831", "125833", "11808", "10193")
COUNTRIES = ("", "0", "86", "086", "0086", "860", "0860", "00860")
DIGITS = st.text("0123456789", min_size=1, max_size=20)


def _strays(draw: st.DrawFn, text: str) -> str:
    return "".join(char + draw(st.sampled_from(("", "", "", " ", "-", ".", "(", ")"))) for char in text)


@st.composite
def writings(draw: st.DrawFn) -> tuple[str, bytes]:
    """(a Chinese mobile, one of its writings without a plus, or with one before 86)."""
    mobile = draw(MOBILES)
    country = draw(st.sampled_from(COUNTRIES))
    carrier = draw(st.sampled_from(("", *CARRIERS)))
    inner = draw(st.sampled_from(COUNTRIES)) if carrier else ""
    written = country + carrier + inner + mobile
    plus = "+" if country.lstrip("0").startswith("86") and draw(st.booleans()) else ""
    return mobile, (plus + _strays(draw, written)).encode()


@given(writings(), TONS, NPIS)
def test_every_writing_of_one_mobile_is_one_recipient(case: tuple[str, bytes], ton: int, npi: int) -> None:
    mobile, octets = case
    assert recipient(ton, npi, octets) == "86" + mobile


@given(writings(), TONS, NPIS)
def test_every_writing_of_one_mobile_is_one_sender(case: tuple[str, bytes], ton: int, npi: int) -> None:
    mobile, octets = case
    assert sender(ton, npi, octets) == "86" + mobile


@given(MOBILES)
def test_fast_path_agrees_with_the_oracle(mobile: str) -> None:
    number = phonenumbers.parse(mobile, "CN")
    if phonenumbers.is_valid_number(number):
        expected = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
        assert recipient(TON_UNKNOWN, 1, mobile.encode()) == expected
        assert recipient(TON_INTERNATIONAL, 1, b"86" + mobile.encode()) == expected


@given(DIGITS, TONS, NPIS)
def test_a_form_is_its_own_form(digits: str, ton: int, npi: int) -> None:
    form = recipient(ton, npi, digits.encode())
    if form is not None:
        assert recipient(TON_INTERNATIONAL, 1, form.encode()) == form
        assert recipient(TON_UNKNOWN, 1, b"+" + form.encode()) == form
        assert recipient(TON_UNKNOWN, 1, b"00" + form.encode()) == form


@given(
    st.text("0123456789", min_size=6, max_size=14), st.sampled_from(("", "1", "44", "49", "81", "852", "853", "886"))
)
def test_a_foreign_number_has_one_form_or_none(rest: str, country: str) -> None:
    """A plus, 00 and the international type of number say the same; a bare one is never taken for another person."""
    written = country + rest
    forms = {
        recipient(TON_UNKNOWN, 1, b"+" + written.encode()),
        recipient(TON_UNKNOWN, 1, b"00" + written.encode()),
        recipient(TON_NATIONAL, 1, b"+" + written.encode()),
        recipient(TON_INTERNATIONAL, 1, b"+" + written.encode()),
    }
    assert len(forms) == 1
    marked = recipient(TON_INTERNATIONAL, 1, written.encode())
    plus = forms.pop()
    if plus is not None:
        assert marked == plus


@pytest.mark.parametrize("ton", [TON_UNKNOWN, TON_INTERNATIONAL, TON_NATIONAL])
@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"+",
        b"1",
        b"13800138000a",
        b"1380013800",
        b"138001380000",
        b"12800138000",
        b"++8613800138000",
        b"86+13800138000",
        b"8613800138000\x00",
        b"8613800138000\n",
        "１３８００１３８０００".encode(),
        b"\xff13800138000",
        b"868613800138000",
        b"13800138000,13900139000",
        b"95588",
        b"0013800138000",
    ],
)
def test_what_is_left_over_has_no_form(ton: int, octets: bytes) -> None:
    assert recipient(ton, 1, octets) is None


@pytest.mark.parametrize(("ton", "npi"), [(3, 1), (4, 1), (5, 0), (6, 1), (7, 1), (255, 1), (1, 3), (1, 18), (0, 255)])
def test_other_types_and_plans_have_no_form(ton: int, npi: int) -> None:
    assert recipient(ton, npi, b"8613800138000") is None


@pytest.mark.parametrize(
    "octets",
    [b"+13802138000", b"0013802138000", b"+14155550123"],
)
def test_a_north_american_number_that_reads_as_a_chinese_mobile_has_no_form(octets: bytes) -> None:
    """Without its plus it is another person's, so neither writing may be trusted."""
    assert recipient(TON_UNKNOWN, 1, octets) is None


def test_bare_digits_that_are_two_subscribers_have_no_form() -> None:
    """85291234567 may be a Hong Kong mobile: only a plus, 00 or the type of number says so."""
    assert recipient(TON_UNKNOWN, 1, b"85291234567") is None
    assert recipient(TON_INTERNATIONAL, 1, b"85291234567") == "85291234567"
    assert recipient(TON_UNKNOWN, 1, b"+852 9123 4567") == "85291234567"


@pytest.mark.parametrize(
    "octets",
    [b"01012345678", b"861012345678", b"+861012345678", b"00861012345678", b"8601012345678", b"010-1234-5678",
     b"1795101012345678", b"17951861012345678"],
)  # fmt: skip
def test_a_fixed_line_is_one_recipient(octets: bytes) -> None:
    assert recipient(TON_UNKNOWN, 1, octets) == "861012345678"


@pytest.mark.parametrize(
    ("expected", "octets"),
    [
        ("10690001", [b"10690001", b"8610690001", b"+8610690001", b"008610690001", b"1069 0001", b"+10690001"]),
        ("95588", [b"95588", b"8695588", b"+8695588", b"(95)588", b"+95588"]),
        ("106900018877", [b"106900018877", b"86106900018877"]),
        ("955880012", [b"955880012", b"86955880012", b"0086955880012"]),
        ("057100001234", [b"057100001234", b"57100001234", b"8657100001234", b"+86 571 0000 1234", b"86057100001234"]),
        ("4000001001", [b"4000001001", b"400-000-1001", b"864000001001"]),
        ("100861234", [b"100861234", b"86100861234"]),
    ],
)
def test_every_writing_of_one_sender_is_one_form(expected: str, octets: list[bytes]) -> None:
    for one in octets:
        assert sender(TON_UNKNOWN, 1, one) == expected, one
        assert sender(TON_ALPHANUMERIC, 0, one) == expected, one


@pytest.mark.parametrize("port", [b"10690001", b"106900010001", b"95588", b"955880012", b"01012345678", b"4000001001"])
def test_a_port_marked_as_international_is_that_port(port: bytes) -> None:
    """ESMEs and carriers that mark everything so: a reply's number has to match the one that was sent from (Z19)."""
    assert sender(TON_INTERNATIONAL, 1, port) == port.decode()


@given(
    st.sampled_from(("106", "100", "101", "110", "121", "123", "955", "96")),
    st.text("0123456789", min_size=2, max_size=15),
)
def test_a_port_keeps_its_digits(start: str, rest: str) -> None:
    """Extension digits must never turn a port into a fixed line with a trunk 0."""
    form = sender(TON_UNKNOWN, 1, (start + rest).encode())
    assert form == start + rest or (form is not None and form.startswith("861") and len(start + rest) >= 16)


@given(DIGITS, st.sampled_from(("", "+", "00")))
def test_an_alphanumeric_sender_of_digits_is_that_number(digits: str, before: str) -> None:
    written = (before + digits).encode()
    assert sender(TON_ALPHANUMERIC, 0, written) == sender(TON_UNKNOWN, 0, written)


@given(DIGITS, st.sampled_from((0, 1, 2, 3, 4, 6)), st.sampled_from(("", "+", "00")))
def test_a_senders_form_is_its_own_form(digits: str, ton: int, before: str) -> None:
    form = sender(ton, 1, (before + digits).encode())
    if form is not None:
        assert sender(TON_UNKNOWN, 1, form.encode()) == form
        assert form.removeprefix("+").isdigit()


@given(DIGITS)
def test_a_foreign_sender_is_never_a_domestic_port(digits: str) -> None:
    """With a plus, only China's code leads to a form without one, but for what no country's code can begin with."""
    form = sender(TON_UNKNOWN, 1, b"+" + digits.encode())
    if form is not None and not form.startswith("+"):
        assert digits.lstrip("0").startswith("86") or digits.startswith(("10", "11", "0")) or len(digits) <= 6


@pytest.mark.parametrize("octets", [b"JLBANK", b"Jianglan Bank", b"O2", b"B2B", b"JL-95588-A", b"Yuan&Lu"])
def test_an_alphanumeric_sender_is_its_exact_text(octets: bytes) -> None:
    assert sender(TON_ALPHANUMERIC, 0, octets) == octets.decode()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" JLBANK",
        b"JLBANK ",
        b"JL\x08BANK",
        b"JL\x00BANK",
        "江澜".encode(),
        b"95588!",
        b"95,588",
        b"9_5588",
        b"*95588#",
        b"1O69OOO1",
        b"|0690001",
        b"l0690001",
        b"++95588",
        b"12",
        b"1" * 21,
    ],
)
def test_what_could_show_as_another_sender_has_no_form(octets: bytes) -> None:
    assert sender(TON_ALPHANUMERIC, 0, octets) is None


@pytest.mark.parametrize("octets", [b"", b"JLBANK", b"95588a", b"12", b"1" * 21, b"95588\x00", b"\xff"])
def test_a_numeric_sender_consists_of_digits(octets: bytes) -> None:
    assert sender(TON_UNKNOWN, 1, octets) is None


@pytest.mark.parametrize(("ton", "npi"), [(7, 1), (255, 0), (0, 3), (1, 4), (0, 255)])
def test_a_sender_of_another_type_or_plan_has_no_form(ton: int, npi: int) -> None:
    assert sender(ton, npi, b"95588") is None


def test_a_carrier_prefix_before_a_port_is_part_of_the_number() -> None:
    """It shows with its prefix, so it is not the port behind it."""
    assert sender(TON_UNKNOWN, 1, b"101931069000188") == "101931069000188"


@given(DIGITS)
def test_a_masked_number_shows_at_most_five_digits(digits: str) -> None:
    shown = masked(digits)
    assert sum(char.isdigit() for char in shown) <= 5
    assert len(digits) <= 6 or digits not in shown


def test_a_masked_mobile() -> None:
    assert masked("8613800138000") == "138******00"
