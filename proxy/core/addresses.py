"""One canonical form of addresses, so that a refusal binds however the number is written.

A recipient's form is E.164 digits without the plus (`8613800138000`). A sender's form is its digits without country
code (`10690001`, `95588`, `057100001234`: a fixed line with its trunk 0), a Chinese mobile's E.164 digits, a plus and
the digits of a foreign number, or the exact alphanumeric text. What has no form is None, and the policy refuses it as
`address.invalid`.

How it works: a fast path for Chinese mobile numbers by slices; every other writing of one by a single expression; all
else through `phonenumbers`, which the tests also hold against the fast path. Never guesses: octets that are left over,
and digits that are two subscribers' at once, make the address invalid.
"""

import re
from functools import lru_cache
from typing import Final

import phonenumbers

TON_UNKNOWN: Final = 0
TON_INTERNATIONAL: Final = 1
TON_NATIONAL: Final = 2
TON_NETWORK: Final = 3
TON_SUBSCRIBER: Final = 4
TON_ALPHANUMERIC: Final = 5
TON_ABBREVIATED: Final = 6

_RECIPIENT_TONS: Final = frozenset((TON_UNKNOWN, TON_INTERNATIONAL, TON_NATIONAL))
_SENDER_NUMERIC_TONS: Final = frozenset(
    (TON_UNKNOWN, TON_INTERNATIONAL, TON_NATIONAL, TON_NETWORK, TON_SUBSCRIBER, TON_ABBREVIATED)
)
#: 0 unknown, 1 E.164, 8 national, 6 land mobile, 9 private: the plans in which a telephone number can stand.
_TELEPHONE_NPIS: Final = frozenset((0, 1, 6, 8, 9))
_STRAY: Final = str.maketrans("", "", " -().")
_MOBILE_SECOND: Final = b"3456789"

# Carrier selection and IP dialling before a subscriber number in China: 179xx, 11xxx, 12xxx, 12583x, 10193.
_CARRIER: Final = r"(?:179\d\d|12583[123]|1[12]\d{3}|10193)"
_COUNTRY_OR_TRUNK: Final = r"(?:0{0,2}86)?0?"
_MOBILE: Final = re.compile(rf"{_COUNTRY_OR_TRUNK}(?:{_CARRIER}{_COUNTRY_OR_TRUNK})?(1[3-9]\d{{9}})")
_CARRIER_BEFORE_FIXED: Final = re.compile(rf"{_CARRIER}(?=(?:0|86)\d{{9}})")

#: How ports, hotlines and freephone numbers begin, and trunk numbers (0). No foreign country code begins 10 or 11.
_DOMESTIC: Final = re.compile(r"0|1[012]|9[56]|[48]00\d{7}$")
_DOMESTIC_ONLY: Final = re.compile(r"1[01]")
#: What a carrier or an ESME may mark as international although it is a port; with a plus it would be a country's code.
_DOMESTIC_MISMARKED: Final = re.compile(r"0|1[01]|95|96\d{3,4}$|[48]00\d{7}$")
_PORT: Final = re.compile(r"10[016]|1[12]|9[56]")

#: Texts that show as a number on a handset: a digit, and nothing but digits, their look-alikes and signs.
_SHOWS_AS_NUMBER: Final = re.compile(r"(?=.*\d)[\W_]*(?:[\dIlOo][\W_]*){3,}")


def recipient(ton: int, npi: int, octets: bytes) -> str | None:
    """The canonical form of a destination address (SMPP v3.4 §5.2.5–5.2.9), None where it has none."""
    if octets.isdigit() and ton <= TON_NATIONAL and npi <= 1:
        if len(octets) == 13 and octets[:3] == b"861" and octets[3] in _MOBILE_SECOND:
            return octets.decode()
        if len(octets) == 11 and octets[0] == 0x31 and octets[1] in _MOBILE_SECOND:
            return "86" + octets.decode()
    return _recipient_slow(ton, npi, octets)


@lru_cache(maxsize=4096)
def _recipient_slow(ton: int, npi: int, octets: bytes) -> str | None:
    if ton not in _RECIPIENT_TONS or npi not in _TELEPHONE_NPIS:
        return None
    written = _written(octets)
    if written is None:
        return None
    digits, plus = written
    return _chinese_mobile(digits, plus) or _subscriber(ton, digits, plus)


def _written(octets: bytes) -> tuple[str, bool] | None:
    """The bare digits of an address, and whether a plus stood before them; None where anything else is in it."""
    try:
        text = octets.decode("ascii").translate(_STRAY)
    except UnicodeDecodeError:
        return None
    digits = text.removeprefix("+")
    return (digits, digits != text) if digits.isdigit() else None


def _chinese_mobile(digits: str, plus: bool) -> str | None:
    """A Chinese mobile in any of its writings.

    WHY a bare one may be marked as international: many ESMEs mark everything so, and carriers deliver it. After a plus
    only 86 is China's.
    """
    if plus and not digits.lstrip("0").startswith("86"):
        return None
    found = _MOBILE.fullmatch(digits)
    return None if found is None else "86" + found[1]


def _subscriber(ton: int, digits: str, plus: bool) -> str | None:
    """Fixed lines and foreign numbers."""
    if not plus:
        digits = _CARRIER_BEFORE_FIXED.sub("", digits)
    abroad = digits.removeprefix("00")
    if plus or abroad != digits:
        return _e164("+" + abroad)
    if digits.startswith("0") or ton == TON_NATIONAL:
        return _e164(digits)
    if digits.startswith("86") or ton == TON_INTERNATIONAL:
        return _e164("+" + digits)
    at_home = _e164(digits)
    # WHY: without trunk 0, plus or a type of number, these may be two subscribers; a refusal would bind one of them.
    return None if _e164("+" + digits) is not None else at_home


def _e164(number: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    found = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")
    # WHY: +1 380 213 8000 written without its plus is the Chinese mobile 138 0213 8000: two persons, one writing.
    return None if _MOBILE.fullmatch(found) and not found.startswith("86") else found


@lru_cache(maxsize=4096)
def sender(ton: int, npi: int, octets: bytes) -> str | None:
    """The canonical form of a source address, None where it has none; an empty one has none.

    An alphanumeric address that consists of digits shows as that number on a handset, so it is that number. What only
    looks like a number, control characters, and spaces at either end could show as another sender: no form.
    """
    written = _written(octets)
    if ton == TON_ALPHANUMERIC:
        text = octets.decode("ascii", "replace")
        if not octets.isascii() or not text or not text.isprintable() or text != text.strip():
            return None
        if written is None:
            return None if _SHOWS_AS_NUMBER.fullmatch(text) else text
        return _number(TON_UNKNOWN, *written)
    if ton not in _SENDER_NUMERIC_TONS or npi not in _TELEPHONE_NPIS or written is None:
        return None
    return _number(ton, *written)


def _number(ton: int, digits: str, plus: bool) -> str | None:
    found = _chinese_mobile(digits, plus) or _port(ton, digits, plus)
    return found if found is not None and 3 <= len(found.removeprefix("+")) <= 20 else None


def _port(ton: int, digits: str, plus: bool) -> str | None:
    # WHY: carriers write the same port with and without the country code, in either direction.
    abroad = digits if plus else digits.removeprefix("00")
    marked = plus or abroad != digits
    if marked and abroad.startswith("0"):
        return None  # no country's code begins so
    if abroad.startswith("86") and len(abroad) >= 7:
        at_home = abroad[2:]
        if marked or ton == TON_INTERNATIONAL or _DOMESTIC.match(at_home) or _is_fixed(at_home):
            return _with_trunk(at_home)
    international = marked or ton == TON_INTERNATIONAL
    domestic = (_DOMESTIC_ONLY if marked else _DOMESTIC_MISMARKED).match(abroad)
    if not international or domestic or len(abroad) <= 6:
        return _with_trunk(abroad)
    # WHY: a foreign number keeps its plus, so that it can never be taken for a domestic port.
    return "+" + abroad


def _with_trunk(digits: str) -> str:
    """A fixed line with its trunk 0, all else as it is."""
    return "0" + digits if not digits.startswith("0") and not _PORT.match(digits) and _is_fixed(digits) else digits


def _is_fixed(digits: str) -> bool:
    if len(digits) not in (10, 11):
        return False
    try:
        parsed = phonenumbers.parse("+86" + digits)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.number_type(parsed) == phonenumbers.PhoneNumberType.FIXED_LINE


def masked(canonical: str) -> str:
    """A recipient for a screen: three and two digits of a Chinese mobile, less of all else (J13)."""
    if len(canonical) == 13:
        return f"{canonical[2:5]}******{canonical[-2:]}"
    return f"***{canonical[-2:]}" if len(canonical) > 6 else "***"
