"""The octets of a submit_multi and of its answer, built and read by hand."""

from __future__ import annotations

from tests.tools.wire import Frame, cstring
from tests.wire.people import TEXT

UCS2 = TEXT.encode("utf-16-be")
EVERYBODY = b"\2" + cstring("everybody")


def sme(person: str) -> bytes:
    return b"\1\1\1" + cstring(person)


def multi(*listed: bytes, source: str = "10690001", tlvs: bytes = b"") -> bytes:
    head = cstring("") + bytes([0, 0]) + cstring(source) + bytes([len(listed)]) + b"".join(listed)
    return head + bytes(3) + cstring("") + cstring("") + bytes([1, 0, 8, 0, len(UCS2)]) + UCS2 + tlvs


def unsuccess(frame: Frame) -> list[tuple[str, int]]:
    """(address, status) of each entry of a submit_multi_resp, read by its own offsets."""
    body = frame.body
    at = body.index(0) + 1
    count, at = body[at], at + 1
    found = []
    for _ in range(count):
        end = body.index(0, at + 2)
        found.append((body[at + 2 : end].decode(), int.from_bytes(body[end + 1 : end + 5])))
        at = end + 5
    assert at == len(body) or body[at : at + 1] != b"\0"
    return found
