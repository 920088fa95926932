"""The key of persons: how subscriber numbers become pseudonyms, and how they are sealed beside them (J13).

Owns the key file (`keys/person.key`, mode 0600, outside the database) with two secrets: one for the keyed hash, one for
AES-256-GCM. Must never log or return key material. The key id is derived from the secrets, so that a swapped file is
noticed. A sealed number is nonce (12) ‖ ciphertext ‖ tag (16), bound to its pseudonym as associated data.

A third secret, for the salts of institutions, outlives rotations; files of before have none, and then the first hash
secret stays on in that part. During a rotation the new key stands beside (`person.key.next`), afterwards the former one
(`person.key.former`) until nothing is left that was made with it.
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
    salt: bytes = b""


class PersonSecret:
    """Both secrets at work: pseudonyms through `person_key`, sealed numbers through `seal` and `unseal`."""

    __slots__ = ("_aead", "_former_aead", "person_key")

    def __init__(self, hash_secret: bytes, seal_secret: bytes, salting: bytes = b"") -> None:
        for secret in (hash_secret, seal_secret):
            if len(secret) != _SECRET_OCTETS:
                raise ValueError(f"a secret has {_SECRET_OCTETS} octets")
        self.person_key: Final = PersonKey(hash_secret, _id_of(hash_secret, seal_secret), salting)
        self._aead = AESGCM(seal_secret)
        self._former_aead: AESGCM | None = None

    @property
    def key_id(self) -> int:
        """Names the key in every record (32 bits); in a rotation the new one."""
        return self.person_key.key_id

    def begin(self, hash_secret: bytes, seal_secret: bytes) -> None:
        """A rotation begins: what is sealed from now on is sealed with the new key, both unseal."""
        self.person_key.begin(hash_secret, _id_of(hash_secret, seal_secret))
        self._former_aead, self._aead = self._aead, AESGCM(seal_secret)

    def recall(self, former: "PersonSecret") -> None:
        """The key that this one followed lives still."""
        self.person_key.recall(former.person_key)
        self._former_aead = former._aead

    def retire(self) -> None:
        """Forgets the former key."""
        self.person_key.retire()
        self._former_aead = None

    def seal(self, recipient: str, person: bytes) -> bytes:
        """A canonical recipient, encrypted and bound to its pseudonym."""
        nonce = os.urandom(_NONCE_OCTETS)
        return nonce + self._aead.encrypt(nonce, recipient.encode(), person)

    def unseal(self, sealed: bytes, person: bytes) -> str:
        """The recipient again; raises PersonKeyError where key, pseudonym or octets do not belong together."""
        for aead in (self._aead, self._former_aead):
            try:
                if aead is not None:
                    return aead.decrypt(sealed[:_NONCE_OCTETS], sealed[_NONCE_OCTETS:], person).decode()
            except (InvalidTag, ValueError):
                continue
        raise PersonKeyError("a sealed number does not belong to this key and person")


def _id_of(hash_secret: bytes, seal_secret: bytes) -> int:
    return int.from_bytes(blake2b(hash_secret + seal_secret, digest_size=4, person=b"key id").digest())


def create_person_key(path: Path) -> PersonSecret:
    """Makes a new key and its file (mode 0600); raises PersonKeyError when the file exists or cannot be written."""
    made = _KeyFile(_FORMAT, *(os.urandom(_SECRET_OCTETS) for _ in range(3)))
    _write(path, made)
    return PersonSecret(made.hash, made.seal, made.salt)


def create_next_key(path: Path) -> None:
    """Makes the key that follows the one in a file, beside it; one that stands there stays. Raises PersonKeyError."""
    now, beside = _read(path), next_of(path)
    if beside.exists():
        _read(beside)
        return
    _write(beside, _KeyFile(_FORMAT, os.urandom(_SECRET_OCTETS), os.urandom(_SECRET_OCTETS), now.salt or now.hash))


def begin_next(secret: PersonSecret, path: Path) -> None:
    """Begins to use the next key of a file beside the one in it; raises PersonKeyError."""
    found = _read(next_of(path))
    secret.begin(found.hash, found.seal)


def key_id_of(path: Path) -> int:
    """Names the key in a file; raises PersonKeyError."""
    found = _read(path)
    return _id_of(found.hash, found.seal)


def next_of(path: Path) -> Path:
    """Where the next key stands during a rotation."""
    return path.with_name(f"{path.name}.next")


def former_of(path: Path) -> Path:
    """Where the former key stands after one."""
    return path.with_name(f"{path.name}.former")


def promote_next(path: Path) -> None:
    """The next key takes the place of the one in a file, which becomes the former; may be done again after a kill.

    Raises PersonKeyError.
    """
    try:
        former_of(path).unlink(missing_ok=True)
        os.link(path, former_of(path))
        os.replace(next_of(path), path)
        _sync(path.parent)
    except OSError as error:
        raise PersonKeyError(f"{path}: {error.strerror}") from error


def remove_former(path: Path) -> None:
    """Destroys the former key; raises PersonKeyError."""
    try:
        former_of(path).unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise PersonKeyError(f"{former_of(path)}: {error.strerror}") from error


def _write(path: Path, made: _KeyFile) -> None:
    """WHY written aside and linked: a key file that was cut short must never be found."""
    aside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(msgspec.json.encode(made) + b"\n")
                file.flush()
                os.fsync(descriptor)
            os.link(aside, path)
        finally:
            aside.unlink(missing_ok=True)
        _sync(path.parent)
    except OSError as error:
        raise PersonKeyError(f"{path}: {error.strerror}") from error


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def load_person_key(path: Path) -> PersonSecret:
    """The key in a file; raises PersonKeyError, also when group or others have any right on it."""
    found = _read(path)
    return PersonSecret(found.hash, found.seal, found.salt)


def _read(path: Path) -> _KeyFile:
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
        PersonSecret(found.hash, found.seal, found.salt)
    except (msgspec.DecodeError, ValueError) as error:
        raise PersonKeyError(f"{path}: damaged, or no key of persons") from error
    return found


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
