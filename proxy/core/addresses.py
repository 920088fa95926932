"""One canonical form of addresses, so that a refusal binds however the number is written.

A recipient's form is E.164 digits without the plus (`8613800138000`). A sender's form is its digits without country
code (`10690001`, `95588`, `057100001234`), a mobile's E.164 digits, or the exact alphanumeric text. What has no form is
None, and the policy refuses it as `address.invalid`.

How it works: a fast path for Chinese mobile numbers by slices; everything else goes through `phonenumbers`, which the
tests also hold against the fast path. Never guesses: octets that are left over make the address invalid.
"""

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

#: Carrier-selection and IP-dialling prefixes that stand before a subscriber number in China.
DIAL_PREFIXES: Final = ("17951", "17950", "17911", "17910", "17909", "17908", "12593", "12520", "11808", "10193")

_RECIPIENT_TONS: Final = frozenset((TON_UNKNOWN, TON_INTERNATIONAL, TON_NATIONAL))
_SENDER_NUMERIC_TONS: Final = frozenset(
    (TON_UNKNOWN, TON_INTERNATIONAL, TON_NATIONAL, TON_NETWORK, TON_SUBSCRIBER, TON_ABBREVIATED)
)
#: 0 unknown, 1 E.164, 8 national, 6 land mobile, 9 private: the plans in which a telephone number can stand.
_TELEPHONE_NPIS: Final = frozenset((0, 1, 6, 8, 9))
_STRAY: Final = str.maketrans("", "", " -\u00a0().")
_MOBILE_SECOND: Final = b"3456789"


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
    digits, international = _digits(octets)
    if digits is None:
        return None
    return _subscriber(digits, international)


def _digits(octets: bytes) -> tuple[str | None, bool]:
    """The bare digits, and whether a plus or 00 said that a country code comes first."""
    try:
        text = octets.decode("ascii").translate(_STRAY)
    except UnicodeDecodeError:
        return None, False
    international = text.startswith("+")
    text = text.removeprefix("+")
    if not text.isdigit():
        return None, False
    for prefix in DIAL_PREFIXES:
        # WHY: only before something as long as a subscriber number: 17951 alone is a service number of its own.
        if not international and text.startswith(prefix) and len(text) - len(prefix) >= 10:
            text = text[len(prefix) :]
            break
    if not international and text.startswith("00"):
        return text[2:], True
    return text, international


def _is_mobile(digits: str) -> bool:
    return len(digits) == 11 and digits[0] == "1" and digits[1] in "3456789"


def _subscriber(digits: str, international: bool) -> str | None:
    for country in ("86", "860"):
        if digits.startswith(country) and _is_mobile(digits[len(country) :]):
            return "86" + digits[len(country) :]
    if not international:
        national = digits.removeprefix("0")
        if _is_mobile(national):
            return "86" + national
    as_written = f"+{digits}" if international or digits.startswith("86") else digits
    try:
        number = phonenumbers.parse(as_written, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164).removeprefix("+")


@lru_cache(maxsize=4096)
def sender(ton: int, npi: int, octets: bytes) -> str | None:
    """The canonical form of a source address, None where it has none; an empty one has none.

    An alphanumeric address that consists of digits shows as that number on a handset, so it is that number. Control
    characters, and spaces at either end, could show as another sender: no form.
    """
    if ton == TON_ALPHANUMERIC:
        try:
            text = octets.decode("ascii")
        except UnicodeDecodeError:
            return None
        if not text or not text.isprintable() or text != text.strip():
            return None
        digits = text.translate(_STRAY).removeprefix("+")
        return _port(digits, text.startswith("+")) if digits.isdigit() else text
    if ton not in _SENDER_NUMERIC_TONS or npi not in _TELEPHONE_NPIS:
        return None
    bare, international = _digits(octets)
    return None if bare is None else _port(bare, international or ton == TON_INTERNATIONAL)


def _port(digits: str, international: bool) -> str | None:
    if not 3 <= len(digits) <= 20:
        return None
    mobile = _subscriber(digits, international) if len(digits.removeprefix("86").removeprefix("0")) == 11 else None
    if mobile is not None and _is_mobile(mobile[2:]) and mobile.startswith("86"):
        return mobile
    # WHY: carriers write the same port with and without the country code; an international one that is not China's
    # keeps it, so that it can never be taken for a domestic port.
    if international and digits.startswith("86"):
        return digits[2:]
    if international and len(digits) > 6:
        return "+" + digits
    return digits


def masked(canonical: str) -> str:
    """A recipient for a screen: three and two digits of a Chinese mobile, less of all else (J13)."""
    if len(canonical) == 13:
        return f"{canonical[2:5]}******{canonical[-2:]}"
    return f"***{canonical[-2:]}" if len(canonical) > 6 else "***"
