"""The user data header that stands before the text where esm_class has the UDHI bit (3GPP TS 23.040 §9.2.3.24).

Owns splitting the header from the text and reading the elements that change what a message is: parts, application
ports, national alphabets. Must never join parts and never guess: a header whose lengths do not add up is an error.
"""

from typing import Final

from proxy.smpp.consts import ESME_RINVESMCLASS
from proxy.smpp.pdu import PduError

Element = tuple[int, bytes]

CONCATENATION_8: Final = 0x00
PORTS_8: Final = 0x04
PORTS_16: Final = 0x05
CONCATENATION_16: Final = 0x08
NATIONAL_SINGLE_SHIFT: Final = 0x24
NATIONAL_LOCKING_SHIFT: Final = 0x25


def _malformed(reason: str) -> PduError:
    # WHY: ESME_RINVESMCLASS: it is the UDHI bit that promises a header which is not there.
    return PduError(ESME_RINVESMCLASS, f"udh.{reason}")


def split_udh(octets: bytes) -> tuple[tuple[Element, ...], bytes]:
    """Split user data into the header's elements and the octets behind it.

    Raises `PduError(ESME_RINVESMCLASS)` where the header is longer than the user data or its elements do not fill it.
    """
    if not octets:
        raise _malformed("absent")
    end = octets[0] + 1
    if end > len(octets):
        raise _malformed("truncated")
    at = 1
    found: list[Element] = []
    while at < end:
        if at + 2 > end:
            raise _malformed("element")
        value_at = at + 2
        value_end = value_at + octets[at + 1]
        if value_end > end:
            raise _malformed("element")
        found.append((octets[at], octets[value_at:value_end]))
        at = value_end
    return tuple(found), octets[end:]


def concatenation(elements: tuple[Element, ...]) -> tuple[int, int, int] | None:
    """Read (reference, total, number) of a part; None where the message is whole.

    Raises `PduError` where the element has another size, names a part that cannot be (0, or beyond the total), or
    where several of them disagree: handsets differ in what they make of that.
    """
    found: set[tuple[int, int, int]] = set()
    for identifier, value in elements:
        if identifier == CONCATENATION_8:
            if len(value) != 3:
                raise _malformed("concatenation")
            found.add((value[0], value[1], value[2]))
        elif identifier == CONCATENATION_16:
            if len(value) != 4:
                raise _malformed("concatenation")
            found.add((value[0] << 8 | value[1], value[2], value[3]))
    if not found:
        return None
    if len(found) > 1:
        raise _malformed("concatenation")
    part = found.pop()
    if not 1 <= part[2] <= part[1]:
        raise _malformed("concatenation")
    return part


def ports(elements: tuple[Element, ...]) -> tuple[int, int] | None:
    """Read the application ports (destination, originator); None where there are none. Raises `PduError` by size."""
    for identifier, value in elements:
        if identifier == PORTS_8:
            if len(value) != 2:
                raise _malformed("ports")
            return value[0], value[1]
        if identifier == PORTS_16:
            if len(value) != 4:
                raise _malformed("ports")
            return value[0] << 8 | value[1], value[2] << 8 | value[3]
    return None


def national_shift(elements: tuple[Element, ...]) -> tuple[int, int] | None:
    """Read the national language identifiers (locking, single) (3GPP TS 23.038 §6.2.1.2.4); None where there are none.

    Raises `PduError` where an element does not hold one octet.
    """
    locking = single = 0
    seen = False
    for identifier, value in elements:
        if identifier not in (NATIONAL_LOCKING_SHIFT, NATIONAL_SINGLE_SHIFT):
            continue
        if len(value) != 1:
            raise _malformed("national_shift")
        seen = True
        if identifier == NATIONAL_LOCKING_SHIFT:
            locking = value[0]
        else:
            single = value[0]
    return (locking, single) if seen else None
