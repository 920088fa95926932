"""A document of a list: one line that says what it is, a signature over that line, and the rows, compressed.

Owns the form on disk and on every bus; they carry the same octets. The line names the hash of the rows, so the
signature (Ed25519, RFC 8032) holds for all of it. Must never look into the rows before the signature was proved: what
nobody signed is not even decompressed.
"""

import binascii
import zlib
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final, Literal

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from proxy.lists.entry import ListEntry, read_entry, read_key

Kind = Literal["snapshot", "delta", "head"]

FORMAT: Final = "tdgate-list/1"
DOCUMENT_MOST_OCTETS: Final = 256 << 20
_HEAD_MOST_OCTETS: Final = 4096
_CONTEXT: Final = b"tdgate-list\0"


class DocumentFault(Exception):
    """These octets are no document of that issuer; the text is the reason. Nothing of them may be believed."""


class Heading(Struct, frozen=True, forbid_unknown_fields=True):
    """What a document says of itself.

    A `snapshot` is the whole list at `number`; a `delta` leads from `number - 1` with the hash `before` to `number`; a
    `head` has no rows and tells which is the newest. `digest` is the list's hash afterwards, `rows` how many it has
    then. `made_at` is UTC seconds, `snapshot` the number of the newest whole list. `plain_octets` and `hash` are of the
    rows in this document.
    """

    format: Literal["tdgate-list/1"]
    issuer: str
    kind: Kind
    number: int
    digest: str
    rows: int
    made_at: int
    key: str
    before: str = ""
    snapshot: int = 0
    plain_octets: int = 0
    hash: str = ""


class ListDocument(Struct, frozen=True):
    """A document that was proved."""

    heading: Heading
    put: tuple[ListEntry, ...] = ()
    removed: tuple[bytes, ...] = ()


def key_id_of(key: Ed25519PublicKey) -> str:
    """The first 8 octets of SHA-256 over the raw public key, in hexadecimal."""
    return sha256(key.public_bytes_raw()).hexdigest()[:16]


def write_document(
    heading: Heading, key: Ed25519PrivateKey, put: Iterable[ListEntry] = (), removed: Iterable[bytes] = ()
) -> bytes:
    """The octets of a document; `key`, `plain_octets` and `hash` of the heading are filled in here."""
    lines = [b"-" + each for each in removed] + [b"+" + each.octets() for each in put]
    plain = b"\n".join(lines)
    body = zlib.compress(plain, 6) if plain else b""
    heading = msgspec.structs.replace(
        heading,
        key=key_id_of(key.public_key()),
        plain_octets=len(plain),
        hash=sha256(body).hexdigest() if body else "",
    )
    line = msgspec.json.encode(heading)
    signature = binascii.b2a_base64(key.sign(_CONTEXT + line), newline=False)
    return b"\n".join((line, signature, body))


def read_heading(octets: bytes, issuer: str, keys: Mapping[str, Ed25519PublicKey]) -> tuple[Heading, bytes]:
    """Prove what a document says of itself, and give the rows' octets unread; raises DocumentFault.

    `keys` are the issuer's public keys by id: two while one replaces the other.
    """
    if len(octets) > DOCUMENT_MOST_OCTETS:
        raise DocumentFault(f"longer than {DOCUMENT_MOST_OCTETS} octets")
    end = octets.find(b"\n", 0, _HEAD_MOST_OCTETS)
    signed = octets.find(b"\n", end + 1, end + _HEAD_MOST_OCTETS)
    if end < 0 or signed < 0:
        raise DocumentFault("not a document")
    line, body = octets[:end], octets[signed + 1 :]
    try:
        heading = msgspec.json.decode(line, type=Heading)
        signature = binascii.a2b_base64(octets[end + 1 : signed], strict_mode=True)
    except (msgspec.DecodeError, binascii.Error) as error:
        raise DocumentFault(f"not a document: {error}") from error
    if heading.issuer != issuer:
        raise DocumentFault("of another issuer")
    key = keys.get(heading.key)
    if key is None:
        raise DocumentFault(f"signed with the key {heading.key[:16]!r}, which is not known")
    try:
        key.verify(signature, _CONTEXT + line)
    except InvalidSignature as error:
        raise DocumentFault("the signature does not fit") from error
    if (sha256(body).hexdigest() if body else "") != heading.hash:
        raise DocumentFault("the rows are not those that were signed")
    return heading, body


def read_document(octets: bytes, issuer: str, keys: Mapping[str, Ed25519PublicKey]) -> ListDocument:
    """A proved document with its rows; raises DocumentFault."""
    heading, body = read_heading(octets, issuer, keys)
    return ListDocument(heading, *read_rows(heading, body))


def read_rows(heading: Heading, body: bytes) -> tuple[tuple[ListEntry, ...], tuple[bytes, ...]]:
    """The rows and the removed keys of a proved body; raises DocumentFault."""
    if not body:
        return (), ()
    unpacking = zlib.decompressobj()
    try:
        # WHY one more: what is longer than it says is noticed without unpacking all of it.
        plain = unpacking.decompress(body, min(heading.plain_octets, DOCUMENT_MOST_OCTETS) + 1)
    except zlib.error as error:
        raise DocumentFault(f"the rows cannot be unpacked: {error}") from error
    if len(plain) != heading.plain_octets or not unpacking.eof:
        raise DocumentFault("the rows are not as long as they say")
    put: list[ListEntry] = []
    removed: list[bytes] = []
    try:
        for line in plain.split(b"\n"):
            if line[:1] == b"+":
                put.append(read_entry(line[1:]))
            elif line[:1] == b"-":
                read_key(line[1:])
                removed.append(line[1:])
            else:
                raise ValueError("a line that neither adds nor removes")
    except ValueError as error:
        raise DocumentFault(f"row {len(put) + len(removed) + 1}: {error}") from error
    if heading.kind == "head" or (heading.kind == "snapshot" and (removed or len(put) != heading.rows)):
        raise DocumentFault("rows that a document of this kind does not have")
    return tuple(put), tuple(removed)
