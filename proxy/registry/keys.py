"""The key of persons: how subscriber numbers become pseudonyms, and how they are sealed beside them (J13).

Owns the key file (`keys/person.key`, mode 0600, outside the database) with two secrets: one for the keyed hash, one for
AES-256-GCM. Must never log or return key material. The key id is derived from the secrets, so that a swapped file is
noticed. A sealed number is nonce (12) ‖ ciphertext ‖ tag (16), bound to its pseudonym as associated data.
"""

import os
from hashlib import blake2b
from pathlib import Path
from typing import Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from proxy.core.persons import PersonKey

_FORMAT: Final = "tdgate-person-key/1"
_SECRET_OCTETS: Final = 32
_NONCE_OCTETS: Final = 12


class PersonKeyError(Exception):
    """The key file is missing, readable by others, damaged, or not the one a store was made with."""


class _KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: str
    hash: bytes
    seal: bytes


class PersonSecret:
    """Both secrets at work: pseudonyms through `person_key`, sealed numbers through `seal` and `unseal`."""

    __slots__ = ("_aead", "person_key")

    def __init__(self, hash_secret: bytes, seal_secret: bytes) -> None:
        for secret in (hash_secret, seal_secret):
            if len(secret) != _SECRET_OCTETS:
                raise ValueError(f"a secret has {_SECRET_OCTETS} octets")
        named = blake2b(hash_secret + seal_secret, digest_size=4, person=b"key id").digest()
        self.person_key: Final = PersonKey(hash_secret, int.from_bytes(named))
        self._aead = AESGCM(seal_secret)

    @property
    def key_id(self) -> int:
        """Names the key in every record (32 bits)."""
        return self.person_key.key_id

    def seal(self, recipient: str, person: bytes) -> bytes:
        """A canonical recipient, encrypted and bound to its pseudonym."""
        nonce = os.urandom(_NONCE_OCTETS)
        return nonce + self._aead.encrypt(nonce, recipient.encode(), person)

    def unseal(self, sealed: bytes, person: bytes) -> str:
        """The recipient again; raises PersonKeyError where key, pseudonym or octets do not belong together."""
        try:
            return self._aead.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], person).decode()
        except (InvalidTag, ValueError) as error:
            raise PersonKeyError("a sealed number does not belong to this key and person") from error


def create_person_key(path: Path) -> PersonSecret:
    """Makes a new key and its file (mode 0600); raises PersonKeyError when the file exists or cannot be written."""
    made = _KeyFile(_FORMAT, os.urandom(_SECRET_OCTETS), os.urandom(_SECRET_OCTETS))
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(msgspec.json.encode(made) + b"\n")
            file.flush()
            os.fsync(descriptor)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise PersonKeyError(f"{path}: {error.strerror}") from error
    return PersonSecret(made.hash, made.seal)


def load_person_key(path: Path) -> PersonSecret:
    """The key in a file; raises PersonKeyError, also when group or others have any right on it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            octets = file.read(4096)
    except OSError as error:
        raise PersonKeyError(f"{path}: {error.strerror}") from error
    if mode & 0o077:
        raise PersonKeyError(f"{path}: mode {mode & 0o777:04o} lets others at the key of persons; chmod 600 it")
    try:
        found = msgspec.json.decode(octets, type=_KeyFile)
        if found.format != _FORMAT:
            raise PersonKeyError(f"{path}: not in the format {_FORMAT}")
        return PersonSecret(found.hash, found.seal)
    except (msgspec.DecodeError, ValueError) as error:
        raise PersonKeyError(f"{path}: damaged, or no key of persons") from error


def load_or_create_person_key(path: Path) -> PersonSecret:
    """The key in a file, made on first use."""
    return load_person_key(path) if path.exists() else create_person_key(path)


def person_key_for(database: Path, path: Path) -> PersonSecret:
    """The key of a store: made together with a new store, never for one that exists. Raises PersonKeyError."""
    if not path.exists() and database.exists():
        # WHY: a new key beside an old store would make every refusal in it unknown.
        raise PersonKeyError(
            f"{path}: missing, although {database} exists, which can be read with that key only; put the key file "
            "back from its backup (mode 0600)"
        )
    return load_or_create_person_key(path)
