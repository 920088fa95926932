"""Argon2 hashes that cost next to nothing, for tests of everything but what a hash costs.

WHY: with the product's own parameters each password of an imported registry takes some 40 ms of CPU, as is meant. That
tells nothing where a table or a verb is what a test is about. They are argon2id hashes all the same, and are verified.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from argon2 import PasswordHasher

from proxy.registry import passwords


@pytest.fixture(autouse=True, scope="module")
def cheap_hashes() -> Iterator[None]:
    """Imported by the conftest.py of a folder, for all tests in it."""
    with with_cheap_hashes():
        yield


@contextmanager
def with_cheap_hashes() -> Iterator[None]:
    """The same within a block."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def costly_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The product's own parameters again, for one test."""
    monkeypatch.setattr(passwords, "_HASHER", _OWN)


_OWN = passwords._HASHER
