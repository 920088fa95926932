"""SIPp on both sides of the real process: what reaches the carrier, what comes back, and how each call ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.tools.sip_house import PERSON, REFUSED, SipHouse
from tests.tools.sipp import KEPT, SDP, SIPP, Scenario, free_port, message, pause, recv, send

pytestmark = [pytest.mark.wire, pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)")]

#: Whatever leg A says of itself beyond its judged number; nothing of it may reach the carrier.
SECRETS = ("evil.example", "Fake Bank", "uac-call-id", "CallCentre/9", "Ghost", "192.0.2.66", "10.9.8.7", "X-Purpose")

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
X-Purpose: marketing
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
    From:[$to];tag=[pid]b[call_number]
    To:[$from]
    [last_Call-ID:]
    CSeq: {number} {method}
    Contact: <sip:b@[local_ip]:[local_port]>
    {extra}
    """.rstrip()


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


#: Leg A up to an answered call.
ANSWERED = (
    send(INVITE, SDP, retrans_ms=500),
    recv(100, optional=True),
    recv(180),
    recv(200, more='rrs="true"'),
    send(ours("ACK", 1)),
)
#: Leg B up to an answered call that it will ask something in.
ANSWERS = (
    KEPT,
    send(answer("180 Ringing")),
    send(answer("200 OK"), SDP, retrans_ms=500),
    recv("ACK"),
)
A_HANGS_UP = (send(ours("BYE", 9), retrans_ms=500), recv(200))
B_IS_HUNG_UP = (recv("BYE"), send(reply("200 OK")))


def cancelling(*before: str) -> Scenario:
    """Leg A that gives up; `before` is what it waits for."""
    return Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, more='timeout="5000"'),
            *before,
            send(
                f"""
                CANCEL sip:{PERSON}@[remote_ip]:[remote_port] SIP/2.0
                [last_Via:]
                Max-Forwards: 70
                From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
                To: "Somebody" <sip:{PERSON}@evil.example>
                Call-ID: uac-call-id///[call_id]
                CSeq: 1 CANCEL
                Reason: SIP;cause=200;text="Call completed elsewhere"
                """,
                retrans_ms=500,
            ),
            recv(200),
            recv(487),
            send(failed_ack()),
        ),
    )


CANCELLED = (
    recv("CANCEL", "Reason: SIP;cause=200", absent=["evil"]),
    send(reply("200 OK")),
    send(
        """
        SIP/2.0 487 Request Terminated
        Via:[$via]
        [last_From:]
        [last_To:];tag=[pid]b[call_number]
        [last_Call-ID:]
        CSeq: 1 INVITE
        """,
        retrans_ms=500,
    ),
    recv("ACK"),
)
INVITED = (
    '<recv request="INVITE"><action>'
    '<ereg regexp=".*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>'
    "</action></recv>"
)


async def test_a_call_is_cancelled_before_it_rings(house: SipHouse) -> None:
    """The carrier has said 100 only: the CANCEL goes at once; one that said nothing yet gets it after its first 1xx."""
    port = free_port()
    await house.start([port], carrier={"no_answer_s": 10.0})
    late = Scenario("uas", (INVITED, pause(700), send(answer("100 Trying")), *CANCELLED))
    await play(house, cancelling(), (late, port))
    await house.end()


async def test_a_call_is_cancelled_while_it_rings(house: SipHouse) -> None:
    port = free_port()
    await house.start([port])
    uas = Scenario("uas", (INVITED, pause(400), send(answer("180 Ringing")), *CANCELLED))
    await play(house, cancelling(recv(180)), (uas, port))
    assert house.logged("call.ended")[0]["by"] == "a"
    await house.end()


async def test_leg_a_asks_again_in_the_call(house: SipHouse) -> None:
    """Hold, with the description passed as it is, both ways."""
    port = free_port()
    await house.start([port])
    held = SDP + "a=sendonly\n"
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            send(ours("INVITE", 2), held, retrans_ms=500),
            recv(100, optional=True),
            recv(200, "a=recvonly"),
            send(ours("ACK", 2)),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            *ANSWERS,
            recv("INVITE", "a=sendonly", r"Contact: <sip:tdgate@", absent=["evil"]),
            send(reply("200 OK"), SDP + "a=recvonly\n", retrans_ms=500),
            recv("ACK"),
            *B_IS_HUNG_UP,
        ),
    )
    await play(house, uac, (uas, port))
    await house.end()


async def test_leg_b_asks_again_and_hangs_up(house: SipHouse) -> None:
    port = free_port()
    await house.start([port])
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            recv("INVITE", "a=inactive", r"From: .*evil\.example", absent=[rf"127\.0\.0\.1:{port}"]),
            send(reply("200 OK"), SDP, retrans_ms=500),
            recv("ACK"),
            recv("BYE", "Reason: Q.850;cause=16"),
            send(reply("200 OK")),
        ),
    )
    uas = Scenario(
        "uas",
        (
            *ANSWERS,
            send(theirs("INVITE", 1), SDP + "a=inactive\n", retrans_ms=500),
            recv(100, optional=True),
            recv(200, "m=audio"),
            send(theirs("ACK", 1)),
            send(theirs("BYE", 2, "Reason: Q.850;cause=16"), retrans_ms=500),
            recv(200),
        ),
    )
    await play(house, uac, (uas, port))
    assert house.logged("call.ended")[0]["by"] == "b"
    await house.end()


async def test_a_key_that_is_pressed_comes_through(house: SipHouse) -> None:
    """INFO of leg B, with its body, to leg A and its answer back."""
    port = free_port()
    await house.start([port])
    uac = Scenario(
        "uac",
        (
            *ANSWERED,
            recv("INFO", "Signal=1", "Content-Type: application/dtmf-relay"),
            send(reply("200 OK")),
            *A_HANGS_UP,
        ),
    )
    info = theirs("INFO", 1, "Content-Type: application/dtmf-relay")
    body = f'<send retrans="500"><![CDATA[\n{message(info)}Signal=1\nDuration=160\n]]></send>'
    uas = Scenario("uas", (*ANSWERS, body, recv(200), *B_IS_HUNG_UP))
    await play(house, uac, (uas, port))
    await house.end()


def refusing(name: str, status: str, extra: str = "") -> Scenario:
    return Scenario(name, (recv("INVITE"), send(answer(status, extra=extra), retrans_ms=500), recv("ACK")))


def refused(status: int, *holds: str, absent: tuple[str, ...] = ()) -> Scenario:
    return Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(status, *holds, absent=["Contact", *absent]),
            send(failed_ack()),
        ),
    )


@pytest.mark.parametrize(
    ("status", "seen", "holds"),
    [
        ("486 Busy Here", 486, ("SIP/2.0 486 Busy Here",)),
        ("603 Decline", 603, ("SIP/2.0 603 Decline",)),
        ("404 Not Found", 404, ()),
        ("302 Moved Temporarily", 480, ("Reason: SIP;cause=302",)),
        ("407 Proxy Authentication Required", 500, ("Reason: SIP;cause=407",)),
    ],
)
async def test_a_carrier_says_no_and_nobody_else_is_asked(
    house: SipHouse, status: str, seen: int, holds: tuple[str, ...]
) -> None:
    port, other = free_port(), free_port()
    await house.start([port, other])
    second = Scenario("second", (recv("INVITE"),))
    await second.start(house.folder, local=other, remote=house.udp)
    try:
        await play(house, refused(seen, *holds), (refusing("uas", status), port))
        assert second.received("INVITE") == []
    finally:
        await second.end()
    await house.end()


async def test_a_gateway_that_is_busy_leads_to_the_next(house: SipHouse) -> None:
    port, other = free_port(), free_port()
    await house.start([port, other])
    uac = Scenario("uac", (*ANSWERED, *A_HANGS_UP))
    await play(house, uac, (refusing("first", "503 Service Unavailable"), port), (basic_uas(), other))
    assert [line["status"] for line in house.logged("call.failed_over")] == [503]
    await house.end()


async def test_a_gateway_that_is_silent_leads_to_the_next(house: SipHouse) -> None:
    """Nobody listens at the first one: after `no_answer_s` without any 1xx the second one is called."""
    port, other = free_port(), free_port()
    await house.start([port, other], carrier={"no_answer_s": 0.6})
    uac = Scenario("uac", (*ANSWERED, *A_HANGS_UP))
    await play(house, uac, (basic_uas(), other))
    assert [line["status"] for line in house.logged("call.failed_over")] == [408]
    await house.end()


async def test_a_gateway_that_rang_is_the_only_one(house: SipHouse) -> None:
    port, other = free_port(), free_port()
    await house.start([port, other])
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180),
            recv(503, absent=["Contact"]),
            send(failed_ack()),
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE"),
            send(answer("180 Ringing")),
            send(answer("503 Service Unavailable"), retrans_ms=500),
            recv("ACK"),
        ),
    )
    second = Scenario("second", (recv("INVITE"),))
    await second.start(house.folder, local=other, remote=house.udp)
    try:
        await play(house, uac, (uas, port))
        assert second.received("INVITE") == []
    finally:
        await second.end()
    await house.end()


async def test_early_media_passes(house: SipHouse) -> None:
    port = free_port()
    await house.start([port])
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(183, "m=audio 6000", "Content-Type: application/sdp"),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 1)),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE"),
            send(answer("183 Session Progress"), SDP),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK"),
            *B_IS_HUNG_UP,
        ),
    )
    await play(house, uac, (uas, port))
    await house.end()


async def test_an_offer_may_come_with_the_answer(house: SipHouse) -> None:
    """No body in the INVITE: the offer is in the 200, the answer in the ACK (RFC 3261 §13.2.1)."""
    port = free_port()
    await house.start([port])
    uac = Scenario(
        "uac",
        (
            send(INVITE, retrans_ms=500),
            recv(100, optional=True),
            recv(200, "m=audio 6000", more='rrs="true"'),
            send(ours("ACK", 1), SDP.replace("6000", "7000")),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE", absent=["m=audio"]),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK", "m=audio 7000"),
            *B_IS_HUNG_UP,
        ),
    )
    await play(house, uac, (uas, port))
    await house.end()


async def test_what_is_lost_comes_again_and_what_is_repeated_counts_once(house: SipHouse) -> None:
    """Leg A repeats its INVITE and misses the first 200; leg B misses the first INVITE and repeats its 200."""
    port = free_port()
    await house.start([port], carrier={"no_answer_s": 10.0})
    invite = INVITE.replace("branch=[branch]", "branch=z9hG4bK-same-[pid]-[call_number]")
    uac = Scenario(
        "uac",
        (
            send(invite, SDP),
            send(invite, SDP),
            recv(100, optional=True),
            recv(180),
            recv(200),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 1)),
            *A_HANGS_UP,
        ),
    )
    uas = Scenario(
        "uas",
        (
            recv("INVITE"),
            recv("INVITE"),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP),
            recv("ACK"),
            recv("BYE"),
            send(reply("200 OK")),
        ),
    )
    for each in (uac, uas):
        each.options = ("-nr", "-default_behaviors", "all,-abortunexp")
    await play(house, uac, (uas, port))
    assert len(house.logged("call.ended")) == 1
    await house.end()


def asks(method: str, status: int, *holds: str, tag: str = "", extra: str = "") -> Scenario:
    return Scenario(
        method.lower(),
        (
            send(
                f"""
                {method} sip:{PERSON}@[remote_ip]:[remote_port] SIP/2.0
                Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
                Max-Forwards: 0
                From: <sip:95500@evil.example>;tag=[pid]a[call_number]
                To: <sip:{PERSON}@evil.example>{tag}
                Call-ID: [call_id]
                CSeq: 1 {method}
                {extra}
                """.rstrip(),
                retrans_ms=500,
            ),
            recv(status, *holds),
        ),
    )


@pytest.mark.parametrize(
    "uac",
    [
        asks("OPTIONS", 200, "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO", "Accept: application/sdp"),
        asks("BYE", 481, tag=";tag=nobody"),
        asks("BYE", 481),
        asks("CANCEL", 481),
        asks("MESSAGE", 405, "Allow: INVITE"),
        asks("REGISTER", 405, "Allow: INVITE"),
        asks("REFER", 405, extra="Refer-To: <sip:a@evil.example>"),
        asks("SING", 501),
    ],
    ids=["options", "bye", "bye-untagged", "cancel", "message", "register", "refer", "unknown"],
)
async def test_what_begins_no_call_has_its_answer(house: SipHouse, uac: Scenario) -> None:
    await house.start([free_port()])
    await play(house, uac)
    await house.end()


@pytest.mark.parametrize(
    ("change", "status", "holds"),
    [
        (("Max-Forwards: 20", "Max-Forwards: 0"), 483, ()),
        (("Max-Forwards: 20", "Require: 100rel"), 420, ("Unsupported: 100rel",)),
        (("Max-Forwards: 20", "Replaces: a;to-tag=b;from-tag=c"), 481, ()),
        (("INVITE sip:8613800138000@[remote_ip]:[remote_port]", "INVITE urn:service:sos"), 416, ()),
    ],
    ids=["hops", "extension", "replaces", "scheme"],
)
async def test_an_invite_that_is_not_served(
    house: SipHouse, change: tuple[str, str], status: int, holds: tuple[str, ...]
) -> None:
    await house.start([free_port()])
    uac = Scenario(
        "uac",
        (send(INVITE.replace(*change), SDP, retrans_ms=500), recv(status, *holds), send(failed_ack())),
    )
    await play(house, uac)
    await house.end()


async def test_a_trunk_proves_itself_by_digest(house: SipHouse) -> None:
    port = free_port()
    await house.start([port], trunk={"username": "callcentre", "password": "Wire-P4s"}, sip={"algorithms": ["MD5"]})
    proof = "[authentication username=callcentre password=Wire-P4s]"
    second = INVITE.replace("CSeq: 1", "CSeq: 2").rstrip() + f"\n{proof}\n"
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(407, 'Proxy-Authenticate: Digest realm="tdgate"', more='auth="true"'),
            send(failed_ack()),
            send(second, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180),
            recv(200, more='rrs="true"'),
            send(ours("ACK", 2)),
            *A_HANGS_UP,
        ),
    )
    # WHY: SIPp leaves the user out of the signed URI, and the user is who is called.
    uac.options = ("-auth_uri", f"{PERSON}@127.0.0.1:{house.udp}")
    await play(house, uac, (basic_uas("uas"), port))
    assert len(house.logged("sip.unproved")) == 1
    await house.end()


async def test_a_wrong_password_never_reaches_the_carrier(house: SipHouse) -> None:
    port = free_port()
    await house.start([port], trunk={"username": "callcentre", "password": "Wire-P4s"}, sip={"algorithms": ["MD5"]})
    second = INVITE.replace("CSeq: 1", "CSeq: 2").rstrip() + "\n[authentication username=callcentre password=guessed]\n"
    uac = Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(407, more='auth="true"'),
            send(failed_ack()),
            send(second, SDP, retrans_ms=500),
            recv(407),
            send(failed_ack(2)),
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


async def test_a_carrier_that_asks_for_credentials_gets_them(house: SipHouse) -> None:
    port = free_port()
    await house.start([port], carrier={"username": "tdgate", "password": "Wire-P4s"})
    challenge = 'Proxy-Authenticate: Digest realm="carrier", nonce="abc", algorithm=SHA-256, qop="auth"'
    uas = Scenario(
        "uas",
        (
            recv("INVITE", "CSeq: 1 INVITE", absent=["Proxy-Authorization"]),
            send(answer("407 Proxy Authentication Required", extra=challenge), retrans_ms=500),
            recv("ACK"),
            recv("INVITE", "CSeq: 2 INVITE", 'Proxy-Authorization: Digest username="tdgate", realm="carrier"', *JUDGED),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK", "CSeq: 2 ACK"),
            *B_IS_HUNG_UP,
        ),
    )
    await play(house, Scenario("uac", (*ANSWERED, *A_HANGS_UP)), (uas, port))
    await house.end()


async def test_a_trunk_on_tcp_calls_over_udp(house: SipHouse) -> None:
    port = free_port()
    await house.start([port], listeners=({"port": 0}, {"port": 0, "transport": "tcp"}))
    uac = Scenario("uac", (*(each for each in ANSWERED), *A_HANGS_UP))
    await play(house, uac, (basic_uas(), port), transport="t1")
    await house.end()
