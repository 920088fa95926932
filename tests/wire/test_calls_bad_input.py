"""What should never come, at the real socket: each has its answer or gets silence, and nothing of it is kept."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.sip.message import SipResponse
from tests.tools.sip_house import PERSON, SipHouse
from tests.tools.sip_messages import SDP, a_response, request_octets
from tests.tools.sip_peer import LIMIT_S, Peer, asking

pytestmark = pytest.mark.wire

SILENCE = 0
JUDGED = 607  # the stand-in's, for a call to no number


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[SipHouse]:
    async with SipHouse(tmp_path) as made:
        yield made


def plain(peer: Peer, name: str, method: str = "OPTIONS", **parts: object) -> bytes:
    return asking(peer, method, branch=name, call_id=name, **parts)


def swapped(octets: bytes, old: bytes, new: bytes) -> bytes:
    assert old in octets
    return octets.replace(old, new, 1)


def bad(peer: Peer) -> list[tuple[str, bytes, int, str]]:
    """Name, octets, status, and the word in the log."""

    def options(name: str, *headers: str, **parts: object) -> bytes:
        return plain(peer, name, headers=headers, **parts)

    def invite(name: str, **parts: object) -> bytes:
        return plain(peer, name, "INVITE", **parts)

    typed = ("Content-Type: application/sdp",)
    via = f"SIP/2.0/UDP 127.0.0.1:{peer.port};branch=z9hG4bK-"
    return [
        ("a line too long", options("line", "X: " + "x" * 8200), 513, "line.octets"),
        ("a URI too long", options("uri", uri="sip:" + "1" * 2100 + "@h"), 414, "uri.octets"),
        ("a head too long", options("head", *["X: " + "x" * 8000] * 5), SILENCE, "head.size"),
        ("a flood of fields", options("fields", *[f"X-{each}: 1" for each in range(300)]), SILENCE, "head.size"),
        ("as many fields as may be", options("most", *["X: 1"] * 240), 200, ""),
        ("very many Vias", options("vias", via=via + "vias" + f", {via}x" * 150), 200, ""),
        ("deep parentheses", options("deep", "X: " + "(" * 8000), 200, ""),
        ("deep parentheses in a Via", options("viadeep", via=via + "viadeep;x=" + "(" * 4000), 400, "params.value"),
        ("deep brackets", options("brackets", called="<" * 4000 + "sip:a@b" + ">" * 4000), 400, "address"),
        ("a quote that stays open", options("open", caller='"' + 'a\\"' * 2000 + " <sip:95500@h>;tag=a"), 400, "quote"),
        ("quotes within quotes", options("quotes", caller='"a""b" <sip:95500@h>;tag=a'), 400, ""),
        ("a NUL in a head", swapped(options("nul", "X: ?"), b"X: ?", b"X: \0"), SILENCE, "head.nul"),
        ("a NUL in a method", swapped(options("method"), b"OPTIONS sip", b"OPT\0IONS sip"), SILENCE, ""),
        ("a NUL in a description", invite("sdpnul", headers=typed, body=SDP + b"a=\0\r\n"), 400, ""),
        ("an escaped NUL in a number", invite("pernul", uri="sip:138%0000138000@127.0.0.1"), JUDGED, ""),
        ("a bare LF", swapped(options("lf", "X: 1?"), b"1?", b"1\nVia: SIP/2.0/UDP evil"), SILENCE, "head.line_end"),
        ("a bare CR", swapped(options("cr", "X: 1?"), b"1?", b"1\rVia: SIP/2.0/UDP evil"), SILENCE, "head.line_end"),
        ("a field without colon", options("colon", "Nonsense"), 400, "header.colon"),
        ("a name that is no token", options("name", "X (y): 1"), 400, "header.name"),
        ("two Call-IDs", options("twice", "i: other"), 400, "header.twice"),
        ("two From", options("from", "f: <sip:13900139000@h>;tag=b"), 400, "header.twice"),
        ("a length beyond the datagram", swapped(options("short"), b"Length: 0", b"Length: 9"), 400, "body.short"),
        ("a length that is none", swapped(options("none"), b"Length: 0", b"Length: 0x1"), 400, "content_length"),
        ("two lengths", options("two", "l: 0"), 400, "header.twice"),
        ("a number above the most", options("cseq", cseq="2147483648 OPTIONS"), 400, "cseq.number"),
        ("a number with other digits", options("digits", cseq="\u0661 OPTIONS"), 400, "cseq"),
        ("no hop left", swapped(invite("hops"), b"Forwards: 70", b"Forwards: 0"), 483, "max_forwards.zero"),
        ("hops that are no number", swapped(options("hop"), b"Forwards: 70", b"Forwards: -1"), 400, "max_forwards"),
        ("another method's number", options("other", cseq="1 INVITE"), 400, "cseq.method"),
        ("a method in small letters", plain(peer, "small", "invite"), 501, "method"),
        ("an ACK of nothing", plain(peer, "ack", "ACK"), SILENCE, ""),
        ("an ACK in no dialog", plain(peer, "acktag", "ACK", called="<sip:a@b>;tag=x"), SILENCE, ""),
        ("a BYE of nothing", plain(peer, "bye", "BYE"), 481, ""),
        ("a BYE in no dialog", plain(peer, "byetag", "BYE", called="<sip:a@b>;tag=x"), 481, "dialog"),
        ("an INVITE in no dialog", invite("again", called="<sip:a@b>;tag=x"), 481, "dialog"),
        ("a CANCEL of nothing", plain(peer, "cancel", "CANCEL"), 481, "cancel"),
        ("a CANCEL in no dialog", plain(peer, "canceltag", "CANCEL", called="<sip:a@b>;tag=x"), 481, "cancel"),
        ("an INFO of nothing", plain(peer, "info", "INFO"), 481, ""),
        ("a registration", plain(peer, "register", "REGISTER"), 405, "method"),
        ("a text", plain(peer, "message", "MESSAGE"), 405, ""),
        ("a subscription", plain(peer, "subscribe", "SUBSCRIBE"), 405, "method"),
        ("a reference", plain(peer, "refer", "REFER", headers=("Refer-To: <sip:13900139000@h>",)), 405, "method"),
        ("another version", swapped(options("version"), b"SIP/2.0\r\nVia", b"SIP/3.0\r\nVia"), 505, "version"),
        ("only line ends", b"\r\n" * 40, SILENCE, ""),
        ("something else", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", SILENCE, "start_line"),
        ("a response to nothing", b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x\r\n\r\n", SILENCE, ""),
    ]


async def test_each_has_its_answer_and_the_next_is_served(house: SipHouse) -> None:
    peer, carrier = Peer(), Peer()
    await house.start([carrier.port])
    cases = bad(peer)
    for place, (name, octets, status, _) in enumerate(cases):
        peer.send(octets, house.udp)
        if status:
            answer = await peer.answered(status)
            # What the catalogue knows bears its rule; what RFC 3261 alone refuses has none.
            assert answer.has("reason") == (status == JUDGED or name == "a text"), name
            if status == JUDGED:
                peer.send(acknowledging(octets, answer), house.udp)
        peer.send(plain(peer, f"serving{place}"), house.udp)
        assert (await peer.answered(200)).call_id == f"serving{place}".encode(), name
    # What is answered without being kept is answered the same when it comes again (RFC 3261 §8.2.7).
    tags = []
    for name in ("once", "once", "another"):
        peer.send(plain(peer, name, "REGISTER"), house.udp)
        answer = await peer.heard()
        assert isinstance(answer, SipResponse)
        assert answer.status == 405
        tags.append(answer.to.tag)
    assert tags[0] is not None
    assert tags[0] == tags[1] != tags[2]
    assert carrier.nothing()
    await house.end()
    details = [line["detail"] for line in house.lines if "detail" in line]
    for name, _, _, word in cases:
        assert any(word in each for each in details), name


def acknowledging(octets: bytes, answer: SipResponse) -> bytes:
    ack = re.sub(rb"INVITE", b"ACK", octets.partition(b"Content-Type")[0])
    to = b"To: " + (answer.first("to") or b"")
    return re.sub(rb"To: [^\r]*", lambda _: to, ack, count=1) + b"Content-Length: 0\r\n\r\n"


async def test_a_scan_leaves_nothing_and_keeps_nobody_from_calling(house: SipHouse) -> None:
    """As many requests as may be kept, of each kind: a call can be made all the same, and ended behind more of them."""
    scanner, caller, carrier = Peer("127.0.0.2"), Peer(), Peer()
    most = 40
    await house.start([carrier.port], sip={"transactions_most": most}, more={"other": ["127.0.0.2/32"]})

    async def scan(method: str, *statuses: int) -> None:
        for each in range(most):
            inside = ";tag=x" if method in ("BYE", "INFO") else ""
            uri, called = f"sip:x{each}@127.0.0.1", f"<sip:a@b>{inside}"
            scanner.send(plain(scanner, f"{method}{each}", method, uri=uri, called=called, body=b""), house.udp)
            status = 100
            while status == 100:
                message = await scanner.heard()
                assert isinstance(message, SipResponse)
                status = message.status
            assert status in statuses, (method, each, status)

    await scan("13800138000", 501)
    for method in ("REGISTER", "SUBSCRIBE"):
        await scan(method, 405)
    for method in ("BYE", "INFO", "CANCEL"):
        await scan(method, 481)
    await scan("OPTIONS", 200, 503)
    await scan("MESSAGE", 405, 503)
    caller.send(asking(caller), house.udp)
    invite = await carrier.asked("INVITE")
    contact = f"<sip:b@127.0.0.1:{carrier.port}>"
    carrier.send(a_response(invite, 200, to_tag="b", contact=contact).octets(), house.udp)
    called = ((await caller.answered(200)).first("to") or b"").decode()
    await carrier.asked("ACK")
    caller.send(asking(caller, "ACK", branch="ack", called=called), house.udp)
    await scan("INVITE", 607, 503)
    caller.send(asking(caller, "BYE", branch="bye", called=called, cseq="2 BYE"), house.udp)
    await caller.answered(200)
    carrier.send(a_response(await carrier.asked("BYE"), 200).octets(), house.udp)
    await house.event("call.ended")
    # A method may be any word: the log names only those that exist.
    assert house.logged("sip.refused")[0]["method"] == "other"
    await house.end()


async def test_a_trunk_that_never_acknowledges_leaves_room_for_the_others(house: SipHouse) -> None:
    """INVITEs without end of one trunk: those beyond its share are answered 503, and another trunk's call is made."""
    flood, caller, carrier = Peer("127.0.0.2"), Peer(), Peer()
    most = 80
    await house.start([carrier.port], sip={"transactions_most": most}, more={"other": ["127.0.0.2/32"]})
    said: list[int] = []
    for each in range(most):
        flood.send(asking(flood, branch=f"f{each}", uri=f"sip:x{each}@127.0.0.1", call_id=f"f{each}"), house.udp)
        while True:
            message = await flood.heard()
            assert isinstance(message, SipResponse)
            if message.status > 100 and message.call_id == b"f%d" % each:
                break
        said.append(message.status)
    # Seven eighths are for INVITEs, and of them three quarters.
    refused = [status for status in said if status != 503]
    assert len(refused) in range(48, 56), said
    assert set(said[-20:]) == {503}
    caller.send(asking(caller), house.udp)
    invite = await carrier.asked("INVITE")
    carrier.send(a_response(invite, 486, to_tag="b").octets(), house.udp)
    await caller.answered(486)
    await house.end()


def answered(challenge: SipResponse, uri: str, count: int = 1, username: str = "roaming") -> str:
    """Credentials for the first challenge, SHA-512-256."""
    value = (challenge.first("proxy-authenticate") or b"").decode()
    pairs = dict(re.findall(r'(\w+)="?([^",]+)"?', value.partition(" ")[2]))

    def h(text: str) -> str:
        return hashlib.new("sha512_256", text.encode()).hexdigest()

    secret = h(f"{username}:{pairs['realm']}:Wire-P4s")
    response = h(f"{secret}:{pairs['nonce']}:{count:08x}:c:auth:{h(f'INVITE:{uri}')}")
    return (
        f'Proxy-Authorization: Digest username="{username}", realm="{pairs["realm"]}", nonce="{pairs["nonce"]}", '
        f'uri="{uri}", response="{response}", qop=auth, nc={count:08x}, cnonce="c", algorithm=SHA-512-256'
    )


async def test_a_digest_counts_once_and_for_its_own_trunk_and_number(house: SipHouse) -> None:
    caller, carrier = Peer(), Peer("127.0.0.3")
    trunk = {"addresses": ["127.0.0.1/32"], "username": "roaming", "password": "Wire-P4s"}
    await house.start([{"host": "127.0.0.3", "port": carrier.port}], trunk=trunk)
    uri = f"sip:{PERSON}@127.0.0.1"

    def invite(name: str, *headers: str, to: str = uri) -> None:
        caller.send(plain(caller, name, "INVITE", uri=to, headers=headers), house.udp)

    invite("none")
    challenge = await caller.answered(407)
    good = answered(challenge, uri)
    invite("other-number", good, to=uri.replace("138", "139"))
    await caller.answered(407)
    invite("other-name", answered(challenge, uri, username="nobody"))
    await caller.answered(407)
    invite("good", good)
    asked = await carrier.asked("INVITE")
    carrier.send(a_response(asked, 486, to_tag="b").octets(), house.udp)
    await carrier.asked("ACK")
    await caller.answered(486)
    invite("replayed", good)
    assert b"stale=true" in ((await caller.answered(407)).first("proxy-authenticate") or b"")
    invite("twice", good, good)
    await caller.answered(407)
    invite("next", answered(challenge, uri, 2))
    assert (await carrier.asked("INVITE")).uri.startswith(f"sip:{PERSON}@".encode())


@pytest.mark.parametrize("kind", ["a trunk of any address", "a stranger who is refused"])
async def test_nobody_who_may_be_another_is_sent_more_than_came(house: SipHouse, kind: str) -> None:
    """Each request in its shortest form, and longer step by step: octets out never exceed octets in."""
    anybody, known, carrier = Peer("127.0.0.9"), Peer("127.0.0.4"), Peer("127.0.0.3")
    any_address = kind.startswith("a trunk")
    trunk = {"addresses": [], "username": "roaming", "password": "Wire-P4s"} if any_address else {}
    strangers = {} if any_address else {"strangers": "refuse"}
    gateways = [{"host": "127.0.0.3", "port": carrier.port}]
    await house.start(gateways, trunk=trunk, sip=strangers, more={"known": ["127.0.0.4/32"]})
    came = sent = answers = 0

    async def measured(octets: bytes) -> None:
        nonlocal came, sent, answers
        anybody.send(octets, house.udp)
        known.send(plain(known, f"fence{came}"), house.udp)
        await known.answered(200)
        back = 0
        while True:
            try:
                back += len(anybody.socket.recv(65_535))
                answers += 1
            except BlockingIOError:
                break
        assert back <= len(octets), octets
        came += len(octets)
        sent += back

    for method in ("INVITE", "OPTIONS", "BYE", "CANCEL", "MESSAGE", "REGISTER", "INFO", "ACK", "NONSENSE"):
        for tag in ("", ";tag=x"):
            for pad in range(0, 700, 50):
                name = f"{method}{tag[:1]}{pad}".replace(";", "_")
                short = (
                    f"{method} sip:1@h SIP/2.0\r\nv:SIP/2.0/UDP h;rport;branch=z9hG4bK{name}\r\nf:sip:1@h;tag=a\r\n"
                    f"t:sip:1@h{tag}\r\ni:{name}\r\nCSeq:1 {method}\r\nm:sip:1@h\r\nl:0\r\n"
                )
                await measured((short + ("x:" + "y" * pad + "\r\n" if pad else "") + "\r\n").encode())
    for wrong in (
        b"OPTIONS sip:1@h SIP/9.0\r\nv:x\r\n\r\n",
        b"A sip: SIP/2.0\r\nv:x\r\nt:x\r\n\r\n",
        b"\r\n\r\n",
        b"x",
    ):
        await measured(wrong)
    assert answers > 20
    assert sent <= came


async def test_one_peer_does_not_take_all_connections(house: SipHouse) -> None:
    await house.start(
        [{"port": 5060, "transport": "tcp"}],
        listeners=({"port": 0, "transport": "tcp"},),
        sip={"connections_most": 8, "message_timer_s": LIMIT_S},
        more={"other": ["127.0.0.2/32"]},
    )
    port = house.ports["sip+tcp"]
    octets = request_octets("OPTIONS", via="SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK-o")

    async def stays(host: str) -> asyncio.StreamWriter | None:
        """The connection, None where it was closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
        writer.write(octets)
        try:
            if await asyncio.wait_for(reader.read(7), LIMIT_S) == b"SIP/2.0":
                return writer
        except ConnectionResetError:
            pass
        writer.close()
        return None

    crowd = [await stays("127.0.0.2") for _ in range(8)]
    assert [each is not None for each in crowd] == [True] * 6 + [False] * 2
    other = await stays("127.0.0.1")
    assert other is not None
    for writer in (*crowd, other):
        if writer is not None:
            writer.close()
    await house.end()


async def test_streams_that_flood_drip_or_crowd_are_ended(house: SipHouse) -> None:
    await house.start(
        [{"port": 5060, "transport": "tcp"}],
        listeners=({"port": 0, "transport": "tcp"},),
        sip={"message_timer_s": 0.3, "connections_most": 3},
    )
    port = house.ports["sip+tcp"]
    options = request_octets("OPTIONS", via="SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bK-o")

    async def until_end(reader: asyncio.StreamReader) -> bytes:
        """All that comes until the end."""
        try:
            return await asyncio.wait_for(reader.read(), LIMIT_S)
        except ConnectionResetError:
            return b""  # as any end with octets that nobody has read

    async def answer(octets: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(octets)
        try:
            return await until_end(reader)
        finally:
            writer.close()

    flood = swapped(options, b"Max-Forwards", b"Via: SIP/2.0/TCP h;branch=z9hG4bK-1\r\n" * 10_000 + b"Max-Forwards")
    assert await answer(flood) == b""
    assert await answer(b"x" * 40_000) == b""
    assert (await answer(swapped(options, b"Length: 0", b"Length: 70000"))).startswith(b"SIP/2.0 513 ")
    assert (await answer(swapped(options, b"Length: 0", b"Length: five"))).startswith(b"SIP/2.0 400 ")
    # One octet after the other, without a pause that would be too long by itself.
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    ended = asyncio.create_task(until_end(reader))
    for octet in options[:-1]:
        writer.write(bytes((octet,)))
        done, _ = await asyncio.wait((ended,), timeout=0.02)
        if done:
            break
    assert await ended == b""
    writer.close()
    await house.event("connection.stalled")
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    for (_, each), (waiting, _) in zip(crowd, crowd, strict=True):
        each.write(options)
        await asyncio.wait_for(waiting.readuntil(b"\r\n\r\n"), LIMIT_S)
    assert await answer(options) == b""
    for _, each in crowd:
        each.close()
    await house.end()


async def test_a_defect_costs_its_own_call_and_nothing_else(house: SipHouse) -> None:
    """The judge raises: that caller is refused, the next one is served, and nothing of it stays."""
    caller, carrier = Peer(), Peer()
    await house.start([carrier.port])
    octets = plain(caller, "defect", "INVITE", uri="sip:13900135555@127.0.0.1")
    caller.send(octets, house.udp)
    answer = await caller.answered(500)
    assert answer.has("retry-after")
    caller.send(acknowledging(octets, answer), house.udp)
    (line,) = await house.event("call.defect")
    assert line["error"] == "RuntimeError"
    caller.send(plain(caller, "next", "INVITE"), house.udp)
    asked = await carrier.asked("INVITE")
    carrier.send(a_response(asked, 486, to_tag="b").octets(), house.udp)
    await carrier.asked("ACK")
    await caller.answered(486)
    await house.event("call.ended")
    await house.end(defects=True)
