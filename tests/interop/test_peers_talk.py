"""The real peers talk to each other with nothing in between: proof that the harness is right before the product stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.target import Target
from tests.tools.wire import SUBMIT_SM, read_message

pytestmark = pytest.mark.interop


async def test_node(tmp_path: Path) -> None:
    async with NodeSmsc(tmp_path) as smsc, NodeEsme(Target("127.0.0.1", smsc.port, "a", "b"), tmp_path) as esme:
        assert esme.bind_status == 0
        r = await esme.submit(source="10690001", destination="8613800000001", text="您好", tlvs={0x1400: b"vend"})
        assert r.status == 0
        (f,) = await smsc.received(SUBMIT_SM)
        assert read_message(f).text == "您好"
        assert read_message(f).tlvs == ((0x1400, b"vend"),)
