"""The value of CSeq: a number and a method (RFC 3261 §20.16)."""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import SEQUENCE_MOST, is_token, number
from proxy.sip.methods import METHODS


class CSeq:
    """`number` is below 2**31; `method` is as written, since methods know upper and lower case."""

    __slots__ = ("method", "number")

    def __init__(self, number: int, method: str) -> None:
        self.number: Final = number
        self.method: Final = method


def parse_cseq(value: bytes) -> CSeq:
    """Read an unfolded value; raises SipError(400): a number of 2**31 or more, a method that is no token."""
    parts = value.split()
    if len(parts) == 2 and len(parts[0]) < 10 and parts[0].isdigit():
        method = METHODS.get(parts[1])
        if method is not None:
            return CSeq(int(parts[0]), method)
    if len(parts) != 2 or not is_token(parts[1]):
        raise SipError(400, "cseq.form")
    return CSeq(number(parts[0], SEQUENCE_MOST, 400, "cseq.number"), parts[1].decode("ascii"))
