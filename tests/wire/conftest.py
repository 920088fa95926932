"""Fixtures of the wire tests: the real process, alone for one test or shared by a module's table."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.tools.compiled_build import CompiledBuild
from tests.wire.house import House, make_template
from tests.wire.pool_house import POOLED, PoolHouse
from tests.wire.sipp_stage import SippStage

BUILD = pytest.StashKey[CompiledBuild]()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begins the compiled build where a test will ask for it."""
    if not session.config.option.collectonly and any("compiled" in fixtures_of(item) for item in session.items):
        session.config.stash[BUILD] = CompiledBuild()


def pytest_sessionfinish(session: pytest.Session) -> None:
    build = session.config.stash.get(BUILD, None)
    if build is not None:
        build.stop()


def fixtures_of(item: pytest.Item) -> list[str]:
    return getattr(item, "fixturenames", [])


@pytest.fixture(scope="session")
def compiled_build(pytestconfig: pytest.Config) -> CompiledBuild:
    """The compiled build of these sources, which may not have ended yet."""
    return pytestconfig.stash[BUILD]


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


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sipp_process(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SippStage]:
    """One process for all SIPp scenarios; it ends in order, with nothing left and no number in its log."""
    made = SippStage(tmp_path_factory.mktemp("sipp"))
    try:
        await made.start()
        yield made
        await made.house.end()
    finally:
        await made.house.__aexit__()


@pytest_asyncio.fixture(loop_scope="session")
async def stage(sipp_process: SippStage) -> AsyncIterator[SippStage]:
    """`sipp_process` for one test, which leaves no call behind."""
    yield sipp_process
    try:
        await sipp_process.house.rests()
    except TimeoutError:
        # WHY: what one test leaves behind must not fail the others.
        await sipp_process.begin_anew()
        raise
