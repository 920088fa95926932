"""A person presses the key in RTP (RFC 4733): rtpengine carries the media of one leg, and tdgate hears of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop.peers.process import free_port
from tests.interop.peers.rtpengine import Rtpengine
from tests.wire.house import House, make_template
from tests.wire.talk import Talk
from tests.wire.test_calls_judged import VOICE

pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("relayed") / "template", VOICE)


@pytest.mark.parametrize(("leg", "transport"), [("a", "udp"), ("b", "udp"), ("a", "tcp")])
async def test_a_key_in_rtp_refuses_from_the_persons_side_alone(
    template: Path, tmp_path: Path, leg: str, transport: str
) -> None:
    async with House(template, tmp_path) as house:
        talk = Talk(house)
        # A quote is allowed in a Call-ID, and rtpengine writes it into its log as it is.
        port = free_port() if transport == "tcp" else 0
        await talk.begin({"keys": "*9"}, {"transport": transport, "port": port}, call_id='call"1@pbx')
        await talk.talking()
        ours = (talk.invite.from_.tag if leg == "b" else talk.called.rpartition("tag=")[2].encode()) or b""
        async with Rtpengine(tmp_path, digits=house.ports.get("digits", 0), told=port) as relay:
            if transport == "tcp":
                await house.event("digits.connected")
            if leg == "a":
                media = await relay.between(talk.call_id.encode(), b"a-tag", ours)
            else:
                media = await relay.between(talk.invite.call_id, ours, b"b")
            # On leg A the person's media comes from us, who were called there; on leg B from who was called.
            for key in "*9":
                media.press(key, of="from")
            for key in "9*5*":
                media.press(key, of="to")
            unseen = await relay.between(b"nobody's", b"x", b"y")
            unseen.press("9", of="to")
            await house.counted("digits.unmatched")
            assert house.suppressions() == []
            media.press("9", of="to")
            await house.event("suppression.recorded")
        await talk.binds()
        talk.from_a("BYE", 2)
        await talk.a.answered(200)
        await talk.agreed(talk.b, "BYE")
        assert (await house.counters()).get("digits.malformed", 0) == 0
        await talk.is_recorded("keypad")
