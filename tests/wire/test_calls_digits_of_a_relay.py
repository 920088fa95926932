"""Keys that a media relay reports (RFC 4733): the real process, and datagrams as rtpengine writes them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.evidence.records import Call
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer
from tests.trunks.test_digit_reports import log
from tests.wire.house import House, make_template
from tests.wire.talk import Talk
from tests.wire.test_calls_judged import VOICE

pytestmark = pytest.mark.wire

#: A quote is allowed in a Call-ID, and rtpengine writes it as it is: no JSON any more.
BREAKING = 'call"1@pbx'


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("digits") / "template", VOICE)


@pytest.fixture
async def talk(template: Path, tmp_path: Path) -> AsyncIterator[Talk]:
    async with House(template, tmp_path) as house:
        yield Talk(house)


async def test_only_the_persons_key_of_a_relay_that_is_configured_refuses(talk: Talk) -> None:
    """One call: everything that must not count, then the key; the relay stands on leg A, whose Call-ID is the
    sender's to choose.
    """
    await talk.begin({"release": True}, {"port": 0, "sources": ["127.0.0.2/32"]}, call_id=BREAKING)
    await talk.talking()
    house, relay, stranger = talk.house, Peer("127.0.0.2"), Peer()
    port = house.ports["digits"]
    ours = talk.called.rpartition("tag=")[2].encode()
    call_id = BREAKING.encode()
    key = log(call_id, ours, b"a-tag", ours)
    stranger.send(key, port)
    await house.event("digits.stranger", peer="127.0.0.1")
    relay.send(b'{"callid":"c"}', port)
    await house.event("digits.malformed")
    relay.send(log(b"other", ours, b"a-tag", ours), port)
    relay.send(log(call_id, b"nobody", b"nobody", ours), port)
    await house.counted("digits.unmatched", 2)
    relay.send(log(call_id, b"a-tag", b"a-tag", ours), port)
    relay.send(log(call_id, ours, b"a-tag", ours, event=8), port)
    relay.send(log(call_id, ours, b"a-tag", ours, event=16), port)
    assert house.suppressions() == []
    relay.send(key, port)
    for side in (talk.a, talk.b):
        bye = await side.asked("BYE")
        assert bye.first("reason") == b'Q.850;cause=21;text="suppression.active"'
        side.send(a_response(bye, 200).octets(), talk.port)
    await house.record(lambda one: isinstance(one, Call))
    counters = await house.counters()
    assert (counters["digits.stranger"], counters["digits.malformed"], counters["digits.unmatched"]) == (1, 1, 2)
    await talk.is_recorded("keypad")


async def test_a_key_on_leg_b_that_comes_after_the_end(talk: Talk) -> None:
    """RTP and SIP are not in step: whoever presses and hangs up may be heard in the other order."""
    await talk.begin(None, {"port": 0})
    await talk.talking()
    talk.from_b("BYE", 1)
    await talk.b.answered(200)
    await talk.agreed(talk.a, "BYE")
    invite = talk.invite
    ours = invite.from_.tag or b""
    talk.b.send(log(invite.call_id, b"b", ours, b"b"), talk.house.ports["digits"])
    await talk.house.event("suppression.recorded")
    await talk.binds()
    await talk.is_recorded("keypad")
