"""The octets of a spool: segment headers, sealed records, and what a record holds. Pure.

Owns the format and its cryptography. Must never touch a file or a clock.

    NUMBER.seg    header, then records of entries: [[id, at_us, account, octets], …] in MessagePack
    NUMBER.done   records of the ids in NUMBER.seg that are done with: [id, …]
    clean         one record, only after an orderly end: [highest id, [id that was handed out, …]]

    header        magic "TDGSPL01" 8 | number 8 | key id 8 | segment id 16 (random) | tag 16
    record        magic "TDGR" 4 | octets of what is sealed 4 | salt 16 | counter 8 | sealed

Integers are unsigned and big-endian. Each run draws a random salt and seals with HKDF-SHA256(key, salt); the nonce is
the counter of the run's seals, which goes on over all its files and never back, also after a failed write: so no nonce
is used twice with a key. Associated data: the segment's header, the kind of file, the record's offset and its header.
So a record means nothing at another place, in another file or under another length.
"""

import hmac
import secrets
from collections.abc import Sequence
from hashlib import sha256
from struct import Struct as Layout
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from proxy.spool.errors import SpoolDamagedError, SpoolKeyError

SEGMENT_MAGIC: Final = b"TDGSPL01"
RECORD_MAGIC: Final = b"TDGR"
KEY_OCTETS: Final = 32
#: Which file a record stands in; part of its associated data.
ENTRIES: Final = b"e"
DONE: Final = b"d"
CLEAN: Final = b"c"
CLEAN_NAME: Final = "clean"

_HEADER: Final = Layout(">8sQ8s16s")
_RECORD: Final = Layout(">4sI16sQ")
_OFFSET: Final = Layout(">Q")
_TAG_OCTETS: Final = 16
_SALT_OCTETS: Final = 16
HEADER_OCTETS: Final = _HEADER.size + _TAG_OCTETS
RECORD_OCTETS: Final = _RECORD.size

#: id, UTC in microseconds, account, octets.
EntryRow = tuple[int, int, str, bytes]

_encoder: Final = msgspec.msgpack.Encoder()
_entries: Final = msgspec.msgpack.Decoder(list[EntryRow])
_ids: Final = msgspec.msgpack.Decoder(list[int])
_clean: Final = msgspec.msgpack.Decoder(tuple[int, list[int]])


def segment_name(number: int) -> str:
    return f"{number:020d}.seg"


def done_name(number: int) -> str:
    return f"{number:020d}.done"


def encode_entries(rows: Sequence[EntryRow]) -> bytes:
    return _encoder.encode(rows)


def decode_entries(body: bytes) -> list[EntryRow]:
    return _entries.decode(body)


def encode_ids(ids: Sequence[int]) -> bytes:
    return _encoder.encode(ids)


def decode_ids(body: bytes) -> list[int]:
    return _ids.decode(body)


def encode_clean(highest: int, handed_out: Sequence[int]) -> bytes:
    return _encoder.encode((highest, handed_out))


def decode_clean(body: bytes) -> tuple[int, list[int]]:
    return _clean.decode(body)


def _derive(key: bytes, salt: bytes, use: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=KEY_OCTETS, salt=salt, info=b"tdgate spool 1 " + use).derive(key)


def _associated(header: bytes, kind: bytes, offset: int, record_header: bytes) -> bytes:
    return b"".join((header, kind, _OFFSET.pack(offset), record_header))


class Keys:
    """What comes of the key: seals of this run, and the opening of what any run sealed."""

    __slots__ = ("_aead", "_counter", "_header_key", "_key", "_key_id", "_opening", "_salt")

    def __init__(self, key: bytes) -> None:
        """Raises ValueError where the key has not 32 octets."""
        if len(key) != KEY_OCTETS:
            raise ValueError(f"a spool's key has {KEY_OCTETS} octets")
        self._key: Final = key
        self._key_id: Final = _derive(key, b"", b"key id")[:8]
        self._header_key: Final = _derive(key, b"", b"header")
        self._salt: Final = secrets.token_bytes(_SALT_OCTETS)
        self._aead: Final = AESGCM(_derive(key, self._salt, b"seal"))
        self._counter = 0
        self._opening: Final[dict[bytes, AESGCM]] = {self._salt: self._aead}

    def new_header(self, number: int) -> bytes:
        """The header of a new segment."""
        fixed = _HEADER.pack(SEGMENT_MAGIC, number, self._key_id, secrets.token_bytes(16))
        return fixed + self._tag(fixed)

    def check_header(self, header: bytes, number: int) -> None:
        """Raises SpoolKeyError, or SpoolDamagedError for a header that was not written so."""
        magic, found, key_id, _ = _HEADER.unpack(header[: _HEADER.size])
        name = segment_name(number)
        if magic != SEGMENT_MAGIC:
            raise SpoolDamagedError(f"{name}: not a segment of a spool")
        if hmac.compare_digest(self._tag(header[: _HEADER.size]), header[_HEADER.size :]):
            if found != number:
                raise SpoolDamagedError(f"{name}: is segment {found}")
            return
        if key_id != self._key_id:
            raise SpoolKeyError(f"{name}: written with another key")
        raise SpoolDamagedError(f"{name}: the header is not as it was written")

    def _tag(self, fixed: bytes) -> bytes:
        return hmac.digest(self._header_key, fixed, sha256)[:_TAG_OCTETS]

    def seal(self, header: bytes, kind: bytes, offset: int, body: bytes) -> bytes:
        """A record, for this offset of this file only; `header` is the segment's, empty for none."""
        # INVARIANT: the counter grows before it is used, whatever becomes of the write.
        self._counter += 1
        counter = self._counter
        head = _RECORD.pack(RECORD_MAGIC, len(body) + _TAG_OCTETS, self._salt, counter)
        return head + self._aead.encrypt(counter.to_bytes(12), body, _associated(header, kind, offset, head))

    def open(self, header: bytes, kind: bytes, offset: int, octets: bytes, at: int) -> tuple[bytes, int] | None:
        """The body of the record at `octets[at:]`, which stands at `offset` of its file, and its length as a whole.

        None where no sound record stands there.
        """
        if len(octets) - at < RECORD_OCTETS + _TAG_OCTETS:
            return None
        head = octets[at : at + RECORD_OCTETS]
        magic, size, salt, counter = _RECORD.unpack(head)
        end = at + RECORD_OCTETS + size
        if magic != RECORD_MAGIC or end > len(octets):
            return None
        aead = self._opening.get(salt)
        if aead is None:
            aead = AESGCM(_derive(self._key, salt, b"seal"))
        try:
            body = aead.decrypt(
                counter.to_bytes(12), octets[at + RECORD_OCTETS : end], _associated(header, kind, offset, head)
            )
        except InvalidTag:
            return None
        self._opening[salt] = aead
        return body, RECORD_OCTETS + size
