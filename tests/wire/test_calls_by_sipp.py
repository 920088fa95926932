"""SIPp on both sides of the real process: what reaches the carrier, what comes back, and how each call ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tools.sip_house import PERSON, REFUSED, SipHouse
from tests.tools.sipp import SDP, SIPP, Scenario, free_port, recv, send

pytestmark = [pytest.mark.wire, pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)")]

#: Whatever leg A says of itself beyond its judged number; nothing of it may reach the carrier.
SECRETS = ("evil.example", "Fake Bank", "uac-call-id", "CallCentre/9", "Ghost", "192.0.2.66", "10.9.8.7")

INVITE = f"""
INVITE sip:{PERSON}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 20
From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
To: "Somebody" <sip:{PERSON}@evil.example>
Call-ID: uac-call-id///[call_id]
CSeq: 1 INVITE
Contact: <sip:95500@[local_ip]:[local_port]>
P-Preferred-Identity: <sip:110@evil.example>
Remote-Party-ID: <sip:110@evil.example>
P-Asserted-Identity: <sip:110@evil.example>
Privacy: id
User-Agent: CallCentre/9
Organization: Ghost
Subject: Ghost
Alert-Info: <http://192.0.2.66/ring>
Call-Info: <http://192.0.2.66/i>;purpose=icon
Record-Route: <sip:10.9.8.7;lr>
X-Campaign: spring
"""


def to_refused(text: str) -> str:
    return text.replace(PERSON, REFUSED)


def ours(method: str, number: int, extra: str = "") -> str:
    """A request of the UAC inside the dialog."""
    return f"""
    {method} [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
    To: "Somebody" <sip:{PERSON}@evil.example>[peer_tag_param]
    Call-ID: uac-call-id///[call_id]
    CSeq: {number} {method}
    Contact: <sip:95500@[local_ip]:[local_port]>
    {extra}
    """.rstrip()


def failed_ack(number: int = 1, person: str = PERSON) -> str:
    """The ACK of a final response that is no 2xx: of the same transaction."""
    return f"""
    ACK sip:{person}@[remote_ip]:[remote_port] SIP/2.0
    [last_Via:]
    Max-Forwards: 70
    From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
    [last_To:]
    Call-ID: uac-call-id///[call_id]
    CSeq: {number} ACK
    """


def answer(status: str, tag: str = "[pid]b[call_number]", extra: str = "") -> str:
    return f"""
    SIP/2.0 {status}
    [last_Via:]
    [last_From:]
    [last_To:];tag={tag}
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port];transport=[transport]>
    Server: Carrier/1 192.0.2.77
    {extra}
    """.rstrip()


def reply(status: str) -> str:
    """The answer to a request inside a dialog."""
    return f"""
    SIP/2.0 {status}
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port]>
    """


def theirs(method: str, number: int, extra: str = "") -> str:
    """A request of the UAS inside the dialog; the variables were kept of the INVITE."""
    return f"""
    {method} [$target] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From[$to];tag=[pid]b[call_number]
    To[$from]
    [last_Call-ID:]
    CSeq: {number} {method}
    Contact: <sip:b@[local_ip]:[local_port]>
    {extra}
    """.rstrip()


#: What a UAS that asks something itself has to keep of the INVITE.
KEPT = (
    '<recv request="INVITE"><action>'
    '<ereg regexp="sip:[^&gt;]*" search_in="hdr" header="Contact:" check_it="true" assign_to="target"/>'
    '<ereg regexp=":.*" search_in="hdr" header="From" check_it="true" assign_to="from"/>'
    '<ereg regexp=":.*" search_in="hdr" header="To" check_it="true" assign_to="to"/>'
    "</action></recv>"
)

#: What every INVITE towards the carrier holds, whatever leg A wrote.
JUDGED = (
    rf"INVITE sip:{PERSON}@127\.0\.0\.1:[0-9]+;user=phone SIP/2\.0",
    r'From: "江澜银行" <sip:95500@127\.0\.0\.1>;tag=[0-9a-f]{24}',
    r'P-Asserted-Identity: "江澜银行" <sip:95500@127\.0\.0\.1>',
    rf"To: <sip:{PERSON}@127\.0\.0\.1:[0-9]+;user=phone>",
    r"Call-ID: [0-9a-f]{24}",
    r"Contact: <sip:tdgate@127\.0\.0\.1:[0-9]+>",
    "Max-Forwards: 19",
    "X-Campaign: spring",
    "m=audio 6000 RTP/AVP 0",
)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


async def play(house: SipHouse, uac: Scenario, *servers: tuple[Scenario, int], transport: str = "u1") -> None:
    """Runs a UAC against the house until it and those that it reaches are done."""
    folder = house.folder
    try:
        for server, port in servers:
            await server.start(folder, local=port, remote=house.udp)
        remote = house.ports["sip" if transport == "u1" else "sip+tcp"]
        await uac.start(folder, local=free_port(), remote=remote, transport=transport)
        await uac.done()
        for server, _ in servers:
            await server.done()
    finally:
        await uac.end()
        for server, _ in servers:
            await server.end()


def basic_uas(name: str = "uas", *holds: str) -> Scenario:
    return Scenario(
        name,
        (
            recv("INVITE", *JUDGED, *holds, absent=[re.escape(each) for each in SECRETS]),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK", absent=["evil"]),
            recv("BYE"),
            send(reply("200 OK")),
        ),
    )


async def test_a_call_passes_and_neither_side_knows_the_other(house: SipHouse) -> None:
    port = free_port()
    await house.start([port])
    hidden = ["192\\.0\\.2\\.77", "Carrier/1", rf"127\.0\.0\.1:{port}"]
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180, r"Contact: <sip:tdgate@127\.0\.0\.1", absent=hidden),
            recv(
                200, r"Contact: <sip:tdgate@127\.0\.0\.1", "m=audio 6000", "Allow: ", absent=hidden, more='rrs="true"'
            ),
            send(ours("ACK", 1)),
            send(ours("BYE", 2), retrans_ms=500),
            recv(200),
        ),
    )
    await play(house, uac, (basic_uas(), port))
    await house.event("call.ended")
    await house.end()


async def test_a_refused_call_never_reaches_the_carrier(house: SipHouse) -> None:
    port = free_port()
    await house.start([port])
    uac = Scenario(
        "uac",
        (
            send(to_refused(INVITE), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(607, 'Reason: Q.850;cause=21;text="suppression.person"'),
            send(failed_ack(person=REFUSED)),
        ),
    )
    carrier = Scenario("uas", (recv("INVITE"),))
    await carrier.start(house.folder, local=port, remote=house.udp)
    try:
        await play(house, uac)
        assert carrier.received("INVITE") == []
    finally:
        await carrier.end()
    await house.end()
