"""What crosses on the wire: two offers at once, several answers, a CANCEL and a 200, two BYEs, an old CSeq."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.sip.message import SipRequest, SipResponse
from tests.tools.sip_house import PERSON, SipHouse
from tests.tools.sip_messages import SDP, a_response
from tests.tools.sip_peer import Peer, asking

pytestmark = pytest.mark.wire


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


class Talk:
    """A call between two peers. `called` is To as leg A writes it, `invite` what leg B was asked."""

    def __init__(self, house: SipHouse) -> None:
        self.house = house
        self.a, self.b = Peer(), Peer()

    async def begin(self) -> None:
        await self.house.start([self.b.port])
        self.a.send(asking(self.a), self.house.udp)
        self.invite = await self.b.asked("INVITE")

    def accept(self, tag: str = "b", request: SipRequest | None = None, status: int = 200) -> None:
        typed = {"headers": ("Content-Type: application/sdp",), "body": SDP} if status == 200 else {}
        contact = f"<sip:b@127.0.0.1:{self.b.port}>"
        answer = a_response(request or self.invite, status, to_tag=tag, contact=contact, **typed)  # type: ignore[arg-type]
        self.b.send(answer.octets(), self.house.udp)

    async def talking(self) -> None:
        await self.begin()
        self.accept()
        answer = await self.a.answered(200)
        self.called = (answer.first("to") or b"").decode()
        await self.b.asked("ACK")
        self.from_a("ACK", 1)

    def from_a(self, method: str, number: int, body: bytes = b"") -> None:
        typed = {"headers": ("Content-Type: application/sdp",), "body": body} if body else {"body": b""}
        cseq = f"{number} {method}"
        self.a.send(
            asking(self.a, method, branch=f"{method}{number}", called=self.called, cseq=cseq, **typed), self.house.udp
        )

    def from_b(self, method: str, number: int, body: bytes = b"") -> None:
        typed = {"headers": ("Content-Type: application/sdp",), "body": body} if body else {"body": b""}
        request = asking(
            self.b,
            method,
            branch=f"{method}{number}",
            caller=(self.invite.first("to") or b"").decode() + ";tag=b",
            called=(self.invite.first("from") or b"").decode(),
            call_id=self.invite.call_id.decode(),
            cseq=f"{number} {method}",
            contact=f"<sip:b@127.0.0.1:{self.b.port}>",
            **typed,
        )
        self.b.send(request, self.house.udp)

    async def hung_up(self) -> None:
        self.from_a("BYE", 99)
        await self.a.answered(200)
        bye = await self.b.asked("BYE")
        self.b.send(a_response(bye, 200).octets(), self.house.udp)
        await self.house.event("call.ended")
        await self.house.end()


async def test_two_offers_at_once_are_both_told_to_wait(house: SipHouse) -> None:
    """RFC 3261 §14.2: whoever has asked gets his answer, whoever asks meanwhile 491."""
    talk = Talk(house)
    await talk.talking()
    talk.from_a("INVITE", 2, SDP)
    offered = await talk.b.asked("INVITE")
    talk.from_b("INVITE", 1, SDP)
    assert (await talk.b.answered(491)).cseq.number == 1
    talk.from_b("ACK", 1)
    talk.accept("", offered)
    await talk.a.answered(200)
    talk.from_a("ACK", 2)
    await talk.b.asked("ACK")
    await talk.hung_up()


async def test_a_second_answer_of_a_fork_is_acknowledged_and_ended(house: SipHouse) -> None:
    talk = Talk(house)
    await talk.talking()
    talk.accept("other")
    ack, bye = await talk.b.new(), await talk.b.new()
    for each, method in ((ack, "ACK"), (bye, "BYE")):
        assert isinstance(each, SipRequest)
        assert (each.method, each.to.tag) == (method, b"other")
    assert isinstance(bye, SipRequest)
    talk.b.send(a_response(bye, 200).octets(), house.udp)
    await talk.hung_up()


async def test_an_answer_that_comes_after_a_cancel_is_turned_away(house: SipHouse) -> None:
    talk = Talk(house)
    await talk.begin()
    talk.accept(status=180)
    await talk.a.answered(180)
    talk.a.send(asking(talk.a, "CANCEL", cseq="1 CANCEL"), house.udp)
    assert {(await talk.a.new()).cseq.method, (await talk.a.new()).cseq.method} == {"CANCEL", "INVITE"}
    talk.called = f"<sip:{PERSON}@127.0.0.1>"
    cancel = await talk.b.asked("CANCEL")
    talk.b.send(a_response(cancel, 200, to_tag="b").octets(), house.udp)
    talk.accept()
    await talk.b.asked("ACK")
    bye = await talk.b.asked("BYE")
    talk.b.send(a_response(bye, 200).octets(), house.udp)
    assert (await house.event("call.ended"))[0]["answered"] is False


async def test_both_hang_up_at_once(house: SipHouse) -> None:
    talk = Talk(house)
    await talk.talking()
    talk.from_a("BYE", 2)
    await talk.a.answered(200)
    bye = await talk.b.asked("BYE")
    talk.from_b("BYE", 1)
    await talk.b.answered(200)
    talk.b.send(a_response(bye, 200).octets(), house.udp)
    await house.event("call.ended")
    await house.end()


async def test_a_number_that_goes_back_is_refused(house: SipHouse) -> None:
    talk = Talk(house)
    await talk.talking()
    talk.from_a("INFO", 5)
    info = await talk.b.asked("INFO")
    talk.b.send(a_response(info, 200).octets(), house.udp)
    await talk.a.answered(200)
    talk.from_a("INFO", 4)
    refused = await talk.a.answered(500)
    assert isinstance(refused, SipResponse)
    assert talk.b.nothing()
    await talk.hung_up()
