"""What stands on disk at start, and what to do with an unfinished batch at its end.

Owns the difference between torn and damaged. Torn is what a kill or a power cut can leave: octets after the last
sound batch in which no other batch stands; they are moved aside. Anything else is damage, and then nothing is touched.
Only the last segment is read: its header holds the compact range of all leaves before it.
"""

import secrets
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Struct

from proxy.disk import Disk
from proxy.evidence.layout import LOG_ID_OCTETS, Head, LayoutError
from proxy.evidence.merkle import CompactRange
from proxy.evidence.records import KINDS, Stop, kind_of
from proxy.evidence.segments import Batch, first_of, has_batch_after, read_batch, read_segment_header, segment_paths


class EvidenceDamagedError(Exception):
    """The log is not as it was written, and not as a kill leaves it: a person must look before it goes on."""


class Recovered(Struct):
    """Where the log goes on.

    `name` and `used`: the current segment and its octets, empty and 0 when there is none. `clean`: the last record is
    a Stop, or the log is new. `head` is None when the log is empty.
    """

    log_id: bytes
    tree: CompactRange
    boot: int = 0
    name: str = ""
    used: int = 0
    key_id: bytes = b""
    clean: bool = True
    torn_octets: int = 0
    head: Head | None = None


def recover(disk: Disk, directory: Path, keys: Mapping[bytes, Ed25519PublicKey]) -> Recovered:
    """Reads the end of the log, moves an unfinished batch aside; `keys` by key id.

    Raises EvidenceDamagedError, OSError.
    """
    torn_octets = 0
    for path in reversed(segment_paths(directory)):
        found, size = _scan(path, keys)
        torn = size - (found.used if found else 0)
        if torn and torn_octets:
            raise EvidenceDamagedError(f"{path.name}: unfinished octets in two segments")
        if torn:
            at = found.used if found else 0
            disk.set_aside(path.name, at, _free_name(directory, f"{path.name}.{at}.torn"))
            torn_octets = torn
        elif found is None:
            disk.set_aside(path.name, 0, _free_name(directory, f"{path.name}.0.torn"))
        if found:
            found.torn_octets = torn_octets
            found.clean = found.clean and not torn_octets
            return found
    return Recovered(
        log_id=secrets.token_bytes(LOG_ID_OCTETS), tree=CompactRange(), torn_octets=torn_octets, clean=not torn_octets
    )


def _free_name(directory: Path, name: str) -> str:
    number = 0
    free = name
    while (directory / free).exists():
        number += 1
        free = f"{name}.{number}"
    return free


def _scan(path: Path, keys: Mapping[bytes, Ed25519PublicKey]) -> tuple[Recovered | None, int]:
    """The state after the sound batches of one segment, None when it has none; and the size of the file."""
    size = path.stat().st_size
    with path.open("rb") as file:
        try:
            header = read_segment_header(file)
            tree = CompactRange(header.first, header.hashes)
        except LayoutError as error:
            if has_batch_after(file, 0):
                raise EvidenceDamagedError(f"{path.name}: {error}, yet batches follow") from error
            return None, size
        if header.first != first_of(path):
            raise EvidenceDamagedError(f"{path.name}: begins with leaf {header.first}")
        key = keys.get(header.key_id)
        if key is None:
            raise EvidenceDamagedError(f"{path.name}: written with the key {header.key_id.hex()}, which is not given")
        last: Batch | None = None
        offset = header.octets
        while offset < size:
            try:
                batch = read_batch(file, offset, header.log_id)
                after = tree.copy()
                fault = "" if batch is None else _fault(batch, after, key if batch.end == size else None)
            except LayoutError as error:
                batch, fault = None, str(error)
            if batch is None or fault:
                if (batch is not None and batch.end < size) or has_batch_after(file, offset + 1):
                    raise EvidenceDamagedError(f"{path.name} at octet {offset}: {fault}, yet more follows")
                break
            tree, last = after, batch
            offset = batch.end
    if last is None:
        return None, size
    if offset < size and not last.head.is_signed_by(key):
        raise EvidenceDamagedError(f"{path.name} at octet {last.offset}: wrong signature, yet more follows")
    found = Recovered(
        log_id=header.log_id,
        tree=tree,
        boot=last.header.boot,
        name=path.name,
        used=offset,
        key_id=header.key_id,
        clean=KINDS.get(kind_of(last.records[-1])) is Stop,
        head=last.head,
    )
    return found, size


def _fault(batch: Batch, tree: CompactRange, key: Ed25519PublicKey | None) -> str:
    """Appends a well-framed batch to the tree and says what is wrong with it; `key`: to check its signature too."""
    if batch.header.first != tree.size:
        return f"first index {batch.header.first} instead of {tree.size}"
    tree.extend(batch.records)
    if tree.root() != batch.head.root:
        return "records and root do not agree"
    if key is not None and not batch.head.is_signed_by(key):
        return "wrong signature"
    return ""
