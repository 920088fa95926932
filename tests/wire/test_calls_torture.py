"""RFC 4475 and RFC 5118 at the real socket: each message, by TCP and by UDP, gets the answer that its section asks for.

The answers stand in `tests/data/sip_torture_answers.tsv`, read from the text by hand: a status; `judged`, where the
message is sound and the policy says no; `silence`; `closed`, where the connection ends. After each message the process
still serves: an OPTIONS behind it is the next thing that is answered.
"""

from __future__ import annotations

import asyncio
import csv
import re
import socket
from pathlib import Path

import pytest

from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, SipResponse
from tests.tools.sip_house import SipHouse
from tests.tools.sip_messages import request_octets

pytestmark = pytest.mark.wire

DATA = Path(__file__).resolve().parents[1] / "data"
FILES = {path.stem: path.read_bytes() for name in ("rfc4475", "rfc5118") for path in (DATA / name).rglob("*.dat")}
with (DATA / "sip_torture_answers.tsv").open(encoding="utf-8", newline="") as table:
    ROWS = list(csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE))
#: Answers without rport go to the port in Via, which is 5060 in most: an address of the loop that nobody else takes.
HOST = "127.0.47.5"
#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0
#: What the stand-in for the policy answers to a call for no number.
JUDGED = 607


def asking(branch: str, transport: str) -> bytes:
    via = f"SIP/2.0/{transport} {HOST};branch=z9hG4bK-serving-{branch};rport"
    return request_octets("OPTIONS", via=via, call_id="serving-" + branch)


def acknowledging(octets: bytes, answer: SipResponse) -> bytes:
    """The ACK of a refusal, with the INVITE's own first Via."""
    start = octets.partition(b"\r\n")[0].replace(b"INVITE", b"ACK", 1)
    via = b"Via: " + answer.via.written
    kept = [answer.lines[answer.keys.index(key)] for key in ("from", "to", "call-id")]
    return b"\r\n".join([start, via, *kept, b"CSeq: %d ACK" % answer.cseq.number, b"Content-Length: 0", b"", b""])


def read(octets: bytes) -> SipResponse:
    message = read_datagram(octets, Limits())
    assert isinstance(message, SipResponse), octets
    return message


def check(name: str, answer: SipResponse) -> None:
    if answer.status == 420:
        assert b"nothingSupportsThis" in (answer.first("unsupported") or b""), name
    elif answer.status == 406:
        assert (answer.first("warning") or b"").startswith(b"399 "), name
    elif answer.status in (405, 501):
        assert answer.has("allow") or name == "mismatch02", name
    elif answer.status == 415:
        assert answer.has("accept"), name


class Datagrams:
    """A socket for each port that a Via names; what is sent from one is answered there."""

    def __init__(self, port: int) -> None:
        self.to = ("127.0.0.1", port)
        self.open: dict[int, socket.socket] = {}

    def at(self, octets: bytes) -> socket.socket:
        via = re.search(rb"(?im)^(?:via|v)\s*:[^\r\n]*(?:\r\n[ \t][^\r\n]*)*", octets)
        assert via is not None
        first = via[0].partition(b",")[0]
        named = re.search(rb":(\d+)\s*$", first.partition(b":")[2].partition(b";")[0])
        port = int(named[1]) if named and b"rport" not in first else 5060
        if port not in self.open:
            self.open[port] = made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            made.setblocking(False)
            made.bind((HOST, port))
        return self.open[port]

    async def heard(self, where: socket.socket) -> SipResponse:
        loop = asyncio.get_running_loop()
        while True:
            answer = read(await asyncio.wait_for(loop.sock_recv(where, 65_535), LIMIT_S))
            if answer.status != 100:
                return answer


async def by_datagram(peers: Datagrams, name: str, wanted: str) -> None:
    octets = FILES[name]
    where = peers.at(octets)
    where.sendto(octets, peers.to)
    if wanted != "silence":
        answer = await peers.heard(where)
        assert answer.status == (JUDGED if wanted == "judged" else int(wanted)), (name, answer.octets())
        check(name, answer)
        if wanted in ("judged", "481") and answer.cseq.method == "INVITE":
            where.sendto(acknowledging(octets, answer), peers.to)
    where.sendto(asking(name, "UDP"), peers.to)
    answer = await peers.heard(where)
    assert (answer.status, answer.call_id) == (200, f"serving-{name}".encode()), (name, answer.octets())


async def from_stream(reader: asyncio.StreamReader) -> SipResponse:
    while True:
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)
        answer = read(head)
        if answer.status != 100:
            return answer


async def by_stream(port: int, name: str, wanted: str) -> None:
    octets = FILES[name]
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(HOST, 0))
    writer.write(octets)
    status, _, then = wanted.partition(" ")
    if status not in ("silence", "closed"):
        answer = await from_stream(reader)
        assert answer.status == (JUDGED if status == "judged" else int(status)), (name, answer.octets())
        check(name, answer)
        if status in ("judged", "481") and answer.cseq.method == "INVITE":
            writer.write(acknowledging(octets, answer))
    if "closed" in (status, then):
        assert await asyncio.wait_for(reader.read(), LIMIT_S) == b"", name
    elif name == "dblreq":
        writer.write(acknowledging(octets[octets.index(b"INVITE") :], await from_stream(reader)))
    else:
        writer.write(asking(name, "TCP"))
        answer = await from_stream(reader)
        assert (answer.status, answer.call_id) == (200, f"serving-{name}".encode()), (name, answer.octets())
    writer.close()


def test_no_message_is_left_out() -> None:
    assert sorted(row["message"] for row in ROWS) == sorted(FILES)


async def test_each_message_gets_the_answer_of_its_section(tmp_path: Path) -> None:
    async with SipHouse(tmp_path) as house:
        await house.start(
            [{"host": "127.0.0.99", "port": 5060}],
            listeners=({"port": 0}, {"port": 0, "transport": "tcp"}),
            trunk={"addresses": [f"{HOST}/32"]},
            sip={"message_timer_s": 0.3},
        )
        # WHY streams first: nothing is kept there once it is answered, and the same branches come again as datagrams.
        await asyncio.gather(*(by_stream(house.ports["sip+tcp"], row["message"], row["tcp"]) for row in ROWS))
        peers = Datagrams(house.udp)
        for row in ROWS:
            await by_datagram(peers, row["message"], row["udp"])
        for each in peers.open.values():
            each.close()
        await house.end()
