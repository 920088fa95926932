"""A trace of one account's PDUs for a limited time: what passed, without what it said or to whom.

Owns the lines and their file. Must never write an octet of a text, an address in clear, a password, or go on beyond its
time or size. How it works: while a trace is open each link of the account has a `Tap` that sees the octets as they come
and go; it frames them anew and writes one JSON object for each PDU. Off, it costs a link one look at a None.
"""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from proxy.core.addresses import masked, recipient
from proxy.core.persons import PersonKey
from proxy.smpp.codec import DistributionList, decode
from proxy.smpp.consts import COMMAND_NAMES
from proxy.smpp.pdu import HEADER, PduError

Side = Literal["esme", "carrier"]

#: Fields that hold an address, and where its type of number and plan stand.
_ADDRESSES: Final = {
    "source_addr": ("source_addr_ton", "source_addr_npi"),
    "destination_addr": ("dest_addr_ton", "dest_addr_npi"),
    "esme_addr": ("esme_addr_ton", "esme_addr_npi"),
}
#: Of these not even a keyed hash is kept: there are few enough to try.
_SECRET: Final = frozenset(("password",))
_HEADER_OCTETS: Final = 16
#: A PDU that claims more is not waited for: the link itself ends at the limit of its session.
_PDU_MOST: Final = 1 << 20
_encode: Final = msgspec.json.Encoder().encode


class PduTrace:
    """One open trace. `full` is called once, when it has written `octets_most` or cannot write."""

    def __init__(self, path: Path, key: PersonKey, octets_most: int, full: Callable[[str], None]) -> None:
        """Creates the file, mode 0600; raises OSError."""
        path.parent.mkdir(mode=0o700, exist_ok=True)
        self.path = path
        self.lines = 0
        self.octets = 0
        self._key = key
        self._octets_most = octets_most
        self._full = full
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def tap(self, side: Side, unframed: bytes) -> "Tap":
        """A tap for one link; `unframed` is the beginning of a PDU that came before."""
        return Tap(self, side, unframed)

    def write(self, side: Side, direction: str, raws: list[bytes]) -> None:
        """One line for each PDU."""
        if self._file < 0 or not raws:
            return
        at_us = time.time_ns() // 1000
        lines = b"".join(_encode(described(raw, side, direction, at_us, self._key)) + b"\n" for raw in raws)
        if self.octets + len(lines) > self._octets_most:
            self._full("size")
            return
        try:
            # WHY on the loop: some hundred octets into the page cache, for a few minutes, for one account.
            written = os.write(self._file, lines)
        except OSError:
            written = 0
        if written != len(lines):
            self._full("disk")
            return
        self.octets += written
        self.lines += len(raws)

    def close(self) -> None:
        """Writes nothing more."""
        file, self._file = self._file, -1
        if file >= 0:
            os.close(file)


class Tap:
    """What one link shows to a trace: octets as they come, in pieces of any size, and PDUs as they go."""

    def __init__(self, trace: PduTrace, side: Side, unframed: bytes) -> None:
        self._trace = trace
        self._side: Side = side
        self._rest = b""
        self._lost = False
        self.came(unframed)

    def came(self, octets: bytes) -> None:
        """Octets that were read."""
        if self._lost:
            return
        data = self._rest + octets
        raws, at = _framed(data)
        self._rest = data[at:]
        self._lost = _cannot_be(self._rest)
        self._trace.write(self._side, "in", raws)

    def goes(self, octets: bytes | bytearray) -> None:
        """Octets that are written: whole PDUs."""
        self._trace.write(self._side, "out", _framed(bytes(octets))[0])


def _cannot_be(rest: bytes) -> bool:
    return len(rest) >= 4 and not _HEADER_OCTETS <= int.from_bytes(rest[:4]) <= _PDU_MOST


def _framed(data: bytes) -> tuple[list[bytes], int]:
    """The whole PDUs at the beginning, and where what is left begins."""
    raws, at = [], 0
    while len(data) - at >= _HEADER_OCTETS:
        length = int.from_bytes(data[at : at + 4])
        if not _HEADER_OCTETS <= length <= len(data) - at:
            break
        raws.append(data[at : at + length])
        at += length
    return raws, at


def described(raw: bytes, side: Side, direction: str, at_us: int, key: PersonKey) -> dict[str, Any]:
    """One PDU as its line has it: the numbers of header and body, and of everything else what is not personal."""
    length, command_id, status, sequence = HEADER.unpack_from(raw, 0)
    line: dict[str, Any] = {
        "at_us": at_us,
        "side": side,
        "direction": direction,
        "command": COMMAND_NAMES.get(command_id, f"0x{command_id:08x}"),
        "status": status,
        "sequence": sequence,
        "length": length,
    }
    try:
        fields = decode(raw)
    except PduError:
        line["malformed"] = True
        return line
    values = fields.values
    body: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, int):
            body[name] = value
        elif isinstance(value, bytes):
            if name in _SECRET:
                body[name] = {"octets": len(value)}
            elif name in _ADDRESSES:
                ton, npi = (_whole(values.get(one)) for one in _ADDRESSES[name])
                body[name] = _address(ton, npi, value, key)
            elif value:
                body[name] = {"octets": len(value), "fingerprint": key.fingerprint(value).hex()}
        else:
            body[name] = [
                {"octets": len(one.name), "list": True}
                if isinstance(one, DistributionList)
                else _address(one.ton, one.npi, one.address, key)
                for one in value
            ]
    if body:
        line["body"] = body
    if fields.tlvs:
        line["tlvs"] = [{"tag": f"0x{tag:04x}", "octets": len(value)} for tag, value in fields.tlvs]
    return line


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _address(ton: int, npi: int, octets: bytes, key: PersonKey) -> dict[str, Any]:
    if not octets:
        return {"octets": 0}
    canonical = recipient(ton, npi, octets)
    return {
        "octets": len(octets),
        "masked": masked(canonical) if canonical is not None else "***",
        "fingerprint": key.fingerprint(octets).hex(),
    }
