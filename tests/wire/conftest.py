"""Fixtures of the wire tests: the real process, alone for one test or shared by a module's table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.wire.house import House, make_template
from tests.wire.pool_house import POOLED, PoolHouse


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with the registry of `people`."""
    return make_template(tmp_path_factory.mktemp("wire") / "template")


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[House]:
    """A house whose process the test starts itself, with its own configuration."""
    async with House(template, tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def pool_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with the registry of `pool_house`; a module with another one has a fixture of this name."""
    return make_template(tmp_path_factory.mktemp("pool") / "template", POOLED)


@pytest.fixture
async def pool(pool_template: Path, tmp_path: Path) -> AsyncIterator[PoolHouse]:
    """A house with two carriers, whose process the test starts itself."""
    async with PoolHouse(pool_template, tmp_path) as made:
        yield made
