"""One number of a shared list, and how it is written: the same octets everywhere, so equal lists have equal hashes.

Owns the fields that leave the house (J18): the number, whom it serves, who uses it, its telecom enterprise, what for
and from when to when. Nothing here names a person.
"""

from typing import Final

import msgspec
from msgspec import Struct

from proxy.core.purposes import Channel, Purpose

#: What no field may be longer than, in characters: a signed document is still somebody else's.
_LONGEST: Final = 512


class ListEntry(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One row. `channels` and `purposes` are sorted and unique; times are UTC seconds, `until` exclusive.

    `disposed` numbers stay in the list: that they are closed is what the others have to know (Z14).
    """

    address: str
    institution: str
    operator: str
    since: int
    until: int
    telecom: str
    channels: tuple[Channel, ...]
    purposes: tuple[Purpose, ...]
    extensible: bool
    binary: bool
    disposed: bool
    institution_name: str
    operator_name: str

    def key(self) -> bytes:
        """What names the row: number, institution, operator and the beginning of its period."""
        return key_of(self.address, self.institution, self.operator, self.since)

    def octets(self) -> bytes:
        """The row in its one form; equal rows have equal octets."""
        return _encode(self)

    def texts(self) -> tuple[str, ...]:
        """Every field that is free text."""
        return (
            self.address,
            self.institution,
            self.operator,
            self.telecom,
            self.institution_name,
            self.operator_name,
        )


def key_of(address: str, institution: str, operator: str, since: int) -> bytes:
    """The key of a row, in its one form."""
    return _encode((address, institution, operator, since))


def read_entry(octets: bytes) -> ListEntry:
    """The row of its octets; raises ValueError where they are not its one form."""
    try:
        entry = msgspec.json.decode(octets, type=ListEntry)
    except msgspec.DecodeError as error:
        raise ValueError(f"not a row: {error}") from error
    if entry.octets() != octets:
        raise ValueError("not a row in its one form")
    if not entry.address or not entry.channels or not entry.purposes or entry.since >= entry.until:
        raise ValueError("a row without number, channel, purpose or period")
    for listed in (entry.channels, entry.purposes):
        if list(listed) != sorted(set(listed)):
            raise ValueError("channels and purposes must be sorted, each once")
    if any(len(text) > _LONGEST for text in entry.texts()):
        raise ValueError(f"a field of more than {_LONGEST} characters")
    return entry


def read_key(octets: bytes) -> tuple[str, str, str, int]:
    """Number, institution, operator and since of a key; raises ValueError."""
    try:
        key = msgspec.json.decode(octets, type=tuple[str, str, str, int])
    except msgspec.DecodeError as error:
        raise ValueError(f"not a key: {error}") from error
    if key_of(*key) != octets:
        raise ValueError("not a key in its one form")
    return key


_encode: Final = msgspec.json.Encoder().encode
