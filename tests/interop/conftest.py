"""Fixtures of the interop tests: real peers, started for one test and ended with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.interop import callers, senders
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.interop.peers.target import Target
from tests.interop.tdgate_house import House
from tests.tools.recorder import Recorder
from tests.wire.house import make_template

# The ESMEs that share one set of methods; Kannel has its own, since it is driven by HTTP.
LIBRARY_ESMES = (NodeEsme, SmpplibEsme, AiosmpplibEsme)


@pytest.fixture
async def node_smsc(tmp_path: Path) -> AsyncIterator[NodeSmsc]:
    """node-smpp as the carrier, with receipts where they are asked for."""
    async with NodeSmsc(tmp_path) as smsc:
        await smsc.behave(receipt="after")
        yield smsc


@pytest.fixture
async def carrier_tap(node_smsc: NodeSmsc) -> AsyncIterator[Recorder]:
    """A recorder before node_smsc: what the carrier is sent, octet for octet. Give its port to the product."""
    async with Recorder(node_smsc.port) as tap:
        yield tap


@pytest.fixture
def straight(carrier_tap: Recorder) -> Target:
    """The carrier itself, with nothing but the tap in between."""
    return Target("127.0.0.1", carrier_tap.port, "acct0", "secret")


@pytest.fixture(params=LIBRARY_ESMES, ids=lambda esme: esme.__name__)
def library_esme(request: pytest.FixtureRequest) -> type[NodeEsme | SmpplibEsme | AiosmpplibEsme]:
    """Each ESME class with `submit`, `received`, `frames` in turn; enter it with a Target and tmp_path."""
    return request.param  # type: ignore[no-any-return]


# ---- with the product in between ---------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sender_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose registry has the accounts of `senders.registry`; Houses copy it."""
    return make_template(tmp_path_factory.mktemp("senders") / "template", senders.registry())


@pytest.fixture(scope="session")
def caller_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder whose registry has the numbers of `callers.REGISTRY`; CallHouses copy it."""
    return make_template(tmp_path_factory.mktemp("callers") / "template", callers.REGISTRY)


@pytest.fixture
async def house(carrier_tap: Recorder, sender_state: Path, tmp_path: Path) -> AsyncIterator[House]:
    """tdgate between its carrier_tap and whoever binds."""
    async with House(sender_state, tmp_path, carrier_port=carrier_tap.port) as running:
        yield await running.open()


@pytest.fixture
async def front_tap(house: House) -> AsyncIterator[Recorder]:
    """A recorder before tdgate: what ESMEs say to it and hear from it."""
    async with Recorder(house.port) as tap:
        yield tap
