"""A 3xx at the real socket, where configuration follows it: only the number of its Contact counts, and it is asked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tools.sip_house import REFUSED, SipHouse
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking

pytestmark = pytest.mark.wire

OTHER = "8613900139001"


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


async def test_a_redirect_is_a_question_and_its_host_is_never_dialled(house: SipHouse) -> None:
    caller, carrier, elsewhere = Peer(), Peer("127.0.0.3"), Peer()
    gateway = {"host": "127.0.0.3", "port": carrier.port}
    await house.start([gateway], carrier={"follow_redirects": True})
    for place, (named, status) in enumerate(((OTHER, 486), (REFUSED, 607))):
        caller.send(asking(caller, branch=f"i{place}", call_id=f"call{place}"), house.udp)
        invite = await carrier.asked("INVITE")
        contact = f"<sip:{named}@127.0.0.1:{elsewhere.port};maddr=127.0.0.1>"
        carrier.send(a_response(invite, 302, to_tag="b", contact=contact).octets(), house.udp)
        await carrier.asked("ACK")
        if status == 486:
            again = await carrier.asked("INVITE")
            assert again.uri == f"sip:{OTHER}@127.0.0.3:{carrier.port};user=phone".encode()
            assert again.call_id != invite.call_id
            carrier.send(a_response(again, 486, to_tag="c").octets(), house.udp)
            await carrier.asked("ACK")
        answer = await caller.answered(status)
        assert not answer.has("contact")
        called = (answer.first("to") or b"").decode()
        caller.send(asking(caller, "ACK", branch=f"i{place}", call_id=f"call{place}", called=called), house.udp)
    assert elsewhere.nothing()
    assert carrier.nothing()
    await house.end()
    assert len(house.logged("call.redirected")) == 2
