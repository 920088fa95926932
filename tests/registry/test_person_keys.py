"""The key of persons: kept from others, noticed when swapped, and sealing what it seals to one person."""

from pathlib import Path

import pytest

from proxy.registry.keys import (
    PersonKeyError,
    PersonSecret,
    create_person_key,
    load_or_create_person_key,
    load_person_key,
)

pytestmark = pytest.mark.unit


def test_a_key_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "person.key"
    made = load_or_create_person_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    again = load_or_create_person_key(path)
    assert again.key_id == made.key_id
    assert again.person_key.digest("8613800138000") == made.person_key.digest("8613800138000")
    with pytest.raises(PersonKeyError):
        create_person_key(path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o601])
def test_a_key_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "person.key"
    create_person_key(path)
    path.chmod(mode)
    with pytest.raises(PersonKeyError, match="chmod 600"):
        load_person_key(path)


@pytest.mark.parametrize("octets", [b"", b"{}", b"junk", b'{"format":"other/1","hash":"","seal":""}'])
def test_what_is_no_key_is_refused(tmp_path: Path, octets: bytes) -> None:
    path = tmp_path / "person.key"
    path.write_bytes(octets)
    path.chmod(0o600)
    with pytest.raises(PersonKeyError):
        load_person_key(path)
    with pytest.raises(PersonKeyError):
        load_person_key(tmp_path / "missing.key")


def test_two_keys_have_two_names_and_two_pseudonyms() -> None:
    one, two = PersonSecret(bytes(32), bytes(32)), PersonSecret(bytes(32), bytes([1]) * 32)
    other = PersonSecret(bytes([1]) * 32, bytes(32))
    assert len({one.key_id, two.key_id, other.key_id}) == 3
    assert one.person_key.digest("8613800138000") != other.person_key.digest("8613800138000")
    with pytest.raises(ValueError):
        PersonSecret(b"short", bytes(32))


def test_a_sealed_number_opens_for_its_person_and_key_only() -> None:
    secret = PersonSecret(bytes(32), bytes(32))
    person = secret.person_key.digest("8613800138000")
    sealed = secret.seal("8613800138000", person)
    assert secret.unseal(sealed, person) == "8613800138000"
    assert sealed != secret.seal("8613800138000", person)
    assert b"13800138000" not in sealed
    flipped = bytes([sealed[0] ^ 1]) + sealed[1:]
    for octets, whose, key in (
        (sealed, secret.person_key.digest("8613800138001"), secret),
        (sealed, person, PersonSecret(bytes(32), bytes([1]) * 32)),
        (flipped, person, secret),
        (b"", person, secret),
    ):
        with pytest.raises(PersonKeyError):
            key.unseal(octets, whose)
