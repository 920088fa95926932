"""Ways around the policy inside a call and by the moment: other identities later, text by the side, races and copies.

The real process with the real registry and rules, as in `test_calls_ways_around`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Call
from proxy.sip.message import SipRequest, SipResponse
from tests.tools.sip_messages import SDP, a_response
from tests.tools.sip_peer import Peer, asking
from tests.wire.house import House, make_template
from tests.wire.people import IMPORTED, PERSONS
from tests.wire.test_calls_ways_around import REGISTRY, SAYS, SPOOFED, WELCOME, Around, acknowledging

pytestmark = pytest.mark.wire

TYPED = ("Content-Type: application/sdp",)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("inside") / "template", REGISTRY)


@pytest.fixture
async def around(template: Path, tmp_path: Path) -> AsyncIterator[Around]:
    async with House(template, tmp_path) as house:
        yield Around(house)


class Inside:
    """A call that was answered, and what the trunk sends in it."""

    def __init__(self, around: Around, asked: SipRequest, called: str) -> None:
        self.around = around
        self.asked = asked
        self.called = called
        self.number = 1

    def send(self, method: str, **parts: Any) -> None:
        self.number += 1
        parts.setdefault("called", self.called)
        parts.setdefault("caller", '"Somebody" <sip:95500@pbx.example>;tag=a')
        parts.setdefault("body", b"")
        name = f"inside{self.number}"
        octets = asking(
            self.around.trunk,
            method,
            branch=name,
            call_id="around-1",
            cseq=f"{self.number} {method}",
            **parts,
        )
        self.around.trunk.send(octets, self.around.port)

    async def refused(self, status: int, method: str, **parts: Any) -> None:
        self.send(method, **parts)
        answer = await self.around.trunk.answered(status)
        assert self.around.carrier.nothing(), (method, parts)
        if method == "INVITE":
            self.send_ack(answer)

    def send_ack(self, answer: SipResponse) -> None:
        ack = asking(
            self.around.trunk, "ACK", branch=f"inside{self.number}", call_id="around-1",
            cseq=f"{self.number} ACK", called=(answer.first("to") or b"").decode(),
            caller='"Somebody" <sip:95500@pbx.example>;tag=a',
        )  # fmt: skip
        self.around.trunk.send(ack, self.around.port)


async def test_inside_a_call_nobody_becomes_another_and_no_text_passes(around: Around) -> None:
    await around.start()
    asked, called = await around.talking()
    inside = Inside(around, asked, called)
    for method in ("UPDATE", "REFER", "SUBSCRIBE", "NOTIFY", "PRACK", "PUBLISH"):
        await inside.refused(405, method, headers=(f"Refer-To: <sip:{IMPORTED}@h>",))
    texts = (
        ("MESSAGE", "text/plain", b"hello", 405),
        ("INFO", "text/plain", b"hello", 415),
        ("INFO", "TEXT / html", b"hello", 415),
        ("INFO", "message/cpim", b"hello", 415),
        ("INFO", "application/vnd.3gpp.sms", b"\0\1", 415),
        ("INFO", "application/sdp (a remark)", SDP + b"m=text 1 RTP/AVP 98\r\n", 415),
        ("INFO", "application/sdp, text/plain", b"hello", 415),
        ("INFO", "", b"hello", 400),
        ("INVITE", "application/sdp", SDP + b"m=message 1 TCP/MSRP *\r\n", 488),
        ("INVITE", "application/sdp", SDP + b"m=TEXT 0 RTP/AVP 98\r\n", 488),
        ("INVITE", "application/sdp", SDP + b"a=rtpmap:98\tt140c/8000\r\n", 488),
        ("INVITE", "application/sdp", SDP + b"a=rtpmap: 98 T140C/8000\r\n", 488),
        ("INVITE", "application/sdp", SDP + b"a=rmcap:1 t140/1000\r\n", 488),
        ("INVITE", "application/sdp", SDP + b"a=lcfg:1 mt=text t=1\r\n", 488),
        ("INVITE", "application/sdp", SDP + b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", 488),
        ("INVITE", "application/sdp", SDP + b"M=text 1 RTP/AVP 98\r\n", 400),
        ("INVITE", "text/plain", b"hello", 415),
        ("INVITE", "application/vnd.of.nobody", b"hello", 415),
        ("INVITE", 'multipart/mixed;boundary="b"', b"--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b--\r\n", 415),
    )
    for method, kind, body, status in texts:
        await inside.refused(status, method, headers=(f"Content-Type: {kind}",) if kind else (), body=body)
    # A packed body says nothing to us, and might say text to somebody else.
    await inside.refused(415, "INVITE", headers=(*TYPED, "Content-Encoding: gzip"), body=b"\x1f\x8b" + SDP)
    for name in ("Replaces", "Join"):
        value = f"{name}: around-1;to-tag=x;from-tag=a"
        await inside.refused(481, "INVITE", headers=(value, *TYPED), body=SDP)
        octets = around.invite(around.trunk, headers=(value,))
        assert (await around.refused(around.trunk, octets)).status == 481
    # A call that begins with text: the policy's own refusal, on record like any other.
    texting = around.invite(around.trunk, headers=TYPED, body=SDP + b"m=message 1 TCP/MSRP *\r\n")
    refused = await around.refused(around.trunk, texting)
    assert (refused.status, refused.each("reason")) == (488, [b'Q.850;cause=21;text="pdu.unsupported"'])
    assert [(one.rule, one.detail) for one in around.house.decisions() if one.rule] == [("pdu.unsupported", "media")]

    # Another name, another number, another person, another place: the next offer is between the same two.
    shown = (f"P-Asserted-Identity: {SAYS}", f"P-Preferred-Identity: {SAYS}", f"Remote-Party-ID: {SAYS}", "Privacy: id")
    inside.send(
        "INVITE",
        uri=f"sip:{IMPORTED}@127.0.0.1;maddr=127.0.0.9",
        caller=f'"{SPOOFED}" <sip:{SPOOFED}@h>;tag=a',
        called=f"<sip:{IMPORTED}@h>;tag={called.rpartition(';tag=')[2]}",
        headers=(*shown, f"Diversion: {SAYS}", *TYPED),
        body=SDP,
    )
    offered = await around.carrier.asked("INVITE")
    assert (offered.from_.uri, offered.to.uri) == (asked.from_.uri, asked.to.uri)
    assert offered.uri == f"sip:b@127.0.0.3:{around.carrier.port}".encode()
    for word in (SPOOFED, IMPORTED, "127.0.0.9", "rivacy"):
        assert word.encode() not in offered.octets()
    around.carrier.send(
        a_response(offered, 200, contact=f"<sip:{SPOOFED}@h>", headers=TYPED, body=SDP).octets(), around.port
    )
    answer = await around.trunk.answered(200)
    inside.send_ack(answer)
    await around.carrier.asked("ACK")
    assert SPOOFED.encode() not in answer.octets().partition(b"From:")[0]
    inside.send("BYE")
    await around.trunk.answered(200)
    bye = await around.carrier.asked("BYE")
    assert bye.uri == f"sip:{SPOOFED}@h".encode()
    around.carrier.send(a_response(bye, 200).octets(), around.port)
    await around.house.end()


async def test_copies_redirections_and_forks_call_nobody_else(around: Around) -> None:
    await around.start()
    # The same branch again, with another person in it: it is the first INVITE, and stays it.
    first = around.invite(around.trunk, call_id="copied", headers=TYPED, body=SDP)
    asked = await around.carrier.asked("INVITE")
    around.trunk.send(first.replace(WELCOME.encode(), PERSONS[2].encode()), around.port)
    # The same call by another branch is merged; with another tag of From it is a call of its own, and judged.
    merged = around.invite(around.trunk, person=PERSONS[2], call_id="copied")
    assert (await around.refused(around.trunk, merged)).status == 482
    own = around.invite(around.trunk, IMPORTED, "<sip:95500@h>;tag=b", call_id="copied")
    assert (await around.refused(around.trunk, own)).status == 607
    # Two early dialogs of a forking carrier look like one, and neither Contact passes.
    for tag in ("one", "two"):
        around.answer(asked, 180, tag, headers=(f"P-Asserted-Identity: {SAYS}", f"Call-Info: {SAYS}"))
        ringing = await around.trunk.answered(180)
        assert SPOOFED.encode() not in ringing.octets()
        assert f":{around.carrier.port}".encode() not in ringing.octets()
    around.carrier.send(
        a_response(asked, 302, to_tag="two", contact=f"<sip:{IMPORTED}@127.0.0.9>").octets(), around.port
    )
    await around.carrier.asked("ACK")
    ended = await around.trunk.answered(480)
    assert not ended.has("contact")
    assert IMPORTED.encode() not in ended.octets()
    around.trunk.send(acknowledging(first, ended), around.port)
    assert around.carrier.nothing()
    assert around.house.refused_by() == ["suppression.active"]
    await around.house.end()


async def test_many_at_once_do_not_pass_a_cap(around: Around) -> None:
    """A burst in one go, to persons who all may be called: two pass, and a place comes back when a call has ended."""
    await around.start()
    burst = [around.invite(around.cap, headers=TYPED, body=SDP) for _ in range(12)]
    asked = [await around.carrier.asked("INVITE") for _ in range(2)]
    statuses = []
    while len(statuses) < 10:
        answer = await around.cap.heard()
        assert isinstance(answer, SipResponse)
        if answer.status != 100:
            statuses.append(answer.status)
            (octets,) = [each for each in burst if b"Call-ID: " + answer.call_id + b"\r" in each]
            around.cap.send(acknowledging(octets, answer), around.port)
    assert statuses == [503] * 10
    assert around.carrier.nothing()
    around.answer(asked[0], 486, "b")
    await around.carrier.asked("ACK")
    await around.cap.answered(486)
    around.invite(around.cap, headers=TYPED, body=SDP)
    asked.append(await around.carrier.asked("INVITE"))
    around.invite(around.cap, headers=TYPED, body=SDP)
    assert (await around.cap.answered(503)).has("retry-after")
    for each in asked[1:]:
        around.answer(each, 486, "b")
    for _ in asked[1:]:
        await around.carrier.asked("ACK")
    await around.house.end()
    assert set(around.house.refused_by()) == {"throughput.account"}


async def test_a_number_that_is_held_while_it_rings_rings_no_more(around: Around) -> None:
    await around.start()
    octets = around.invite(around.trunk, headers=TYPED, body=SDP)
    asked = await around.carrier.asked("INVITE")
    around.answer(asked, 180, "b")
    await around.trunk.answered(180)
    # WHY beside it: the command ends later than what it does, and what nobody answers is sent again.
    held = asyncio.create_task(
        around.house.command("hold", "add", "number", "95500", "--reason", "虚构", "--by", "审核甲（虚构）")
    )
    cancel = await around.carrier.asked("CANCEL")
    around.carrier.send(a_response(cancel, 200).octets(), around.port)
    assert b'text="fraud.hold"' in (cancel.first("reason") or b"")
    ended = await around.trunk.answered(480)
    around.trunk.send(acknowledging(octets, ended), around.port)
    code, _, err = await held
    assert code == 0, err
    # The carrier's answer crosses the CANCEL: nobody is connected.
    around.answer(asked, 200, "b", headers=TYPED, body=SDP)
    await around.carrier.asked("ACK")
    around.carrier.send(a_response(await around.carrier.asked("BYE"), 200).octets(), around.port)
    again = around.invite(around.trunk)
    assert (await around.refused(around.trunk, again)).status == 403
    assert around.trunk.nothing()
    await around.house.end()


async def test_who_refuses_while_gateways_are_tried_is_called_by_no_further_one(around: Around) -> None:
    """The first gateway is asked, the refusal comes by another way, then the gateway says that it is busy."""
    second = Peer("127.0.0.3")
    await around.start(second)
    octets = around.invite(around.trunk, headers=TYPED, body=SDP)
    asked = await around.carrier.asked("INVITE")
    around.answer(asked, 100, "")
    closing = ("--institution", "jianglan", "--channels", "voice", "--source", "hotline")
    code, _, err = await around.house.command("suppress", "add", WELCOME, *closing)
    assert code == 0, err
    around.answer(asked, 503, "b")
    await around.carrier.asked("ACK")
    ended = await around.trunk.answered(607)
    assert b'text="suppression.active"' in (ended.first("reason") or b"")
    around.trunk.send(acknowledging(octets, ended), around.port)
    assert second.nothing()
    (call,) = await around.house.record(lambda each: isinstance(each, Call) and each)
    assert (call.side, call.cause, call.status, call.attempts) == ("us", "suppression.active", 607, 1)
    await around.house.end()
    assert [(each.effect, each.rule) for each in around.house.decisions()] == [(0, ""), (1, "suppression.active")]
