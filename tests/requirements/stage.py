"""The stage: one real `tdgate run`, its SMPP and SIP sockets, and what is asked of it over them.

Owns the process, the binds, the trunks and the carrier; finds the decision of each request in the evidence log. Knows
the product from outside: octets, commands, the console's HTTP, the evidence through its public reader.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import re
import signal
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from proxy.cli import main
from proxy.evidence.read import Follower
from proxy.evidence.records import Decision, Note, decode
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, SipRequest, SipResponse
from tests.requirements.fields import fields_of_invite, fields_of_submit
from tests.requirements.registry import OWN_PACK, REGISTRY, SAID
from tests.tools.raw_esme import RawEsme
from tests.tools.raw_http import ask
from tests.tools.sip_messages import a_response
from tests.tools.sip_peer import Peer, asking
from tests.tools.wire import BIND_TRX, SUBMIT_SM, bind_body, message_body, tlv
from tests.wire.house import CHECKOUT, LIMIT_S, House, make_template
from tests.wire.people import PASSWORD, PERSONS

PURPOSE_TAG = 0x1401


@dataclass(frozen=True)
class Ask:
    """One request: by which account, from which number, to whom, saying what, for which declared purpose."""

    who: str
    source: str
    person: str = PERSONS[0]
    said: str = SAID
    declared: str = ""
    caller: str = ""
    """On a call, what From says where it is no number of `source`."""


@dataclass(frozen=True)
class Answer:
    """What was sent, what came back, and the decision behind it as the evidence log has it.

    `status` is a command_status or a SIP status, 0 where a call reached the carrier. `fields` are those of the request.
    """

    fields: dict[str, str]
    status: int
    decision: Decision | None
    headers: dict[str, str]
    reached: bool


class Stage:
    """The process and everybody around it."""

    def __init__(self, folder: Path, *, without: str = "") -> None:
        """`without` names a rule that the process shall not have."""
        self.folder = folder
        command = (sys.executable, "-m", "tests.requirements.without_rule", without) if without else CHECKOUT
        self.house = House(folder / "template" / "state", folder / "house", command)
        self.carrier = Peer("127.0.0.3")
        accounts = [row["id"] for row in REGISTRY["accounts"]]
        self.trunks = {name: Peer(f"127.0.1.{place}") for place, name in enumerate(accounts, start=1)}
        self.port = 0
        self.decisions: list[Decision] = []
        self.notes: list[Note] = []
        self._esmes: dict[str, RawEsme] = {}
        self._made = 0
        self._seen: set[tuple[str, bytes]] = set()

    async def __aenter__(self) -> Stage:
        await asyncio.to_thread(make_template, self.folder / "template", REGISTRY)
        await self.house.__aenter__()
        pack = self.folder / "cn-example.toml"
        pack.write_text(OWN_PACK, encoding="utf-8")
        trunks = {
            f"sip.trunks.{name}": {"account": name, "addresses": [f"{peer.host}/32"]}
            for name, peer in self.trunks.items()
        }
        gateways = [{"host": self.carrier.host, "port": self.carrier.port}]
        tables: dict[str, Any] = {
            "policy": {"packs": ["cn-zhejiang", "cn-jiangsu", "cn-ningxia", str(pack)]},
            "sip": {"listeners": [{"port": 0}]},
            "sip.carriers.default": {"options_s": 0.0, "no_answer_s": 3.0, "gateways": gateways},
            "evidence": {"linger_ms": 5},
            "console": {"enabled": True, "port": 0},
            **trunks,
        }
        await self.house.start(**tables)
        self.port = await self.house.until(lambda: self.house.ports.get("sip"))
        self._follower = Follower(self.house.state / "evidence")
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.house.__aexit__(*raised)
        for peer in (self.carrier, *self.trunks.values()):
            peer.socket.close()

    # ---- the evidence -----------------------------------------------------------------------------------------------

    def _read_on(self) -> list[Decision]:
        new: list[Decision] = []
        for batch in self._follower.poll():
            for octets in batch.records:
                record = decode(octets)
                if isinstance(record, Decision):
                    new.append(record)
                elif isinstance(record, Note):
                    self.notes.append(record)
        self.decisions += new
        return new

    async def decided(self, account: str, channel: str) -> Decision:
        """The next decision about this account on this channel that is on disk."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                for one in self._read_on():
                    if (one.account, one.channel) == (account, channel):
                        return one
                # WHY a pause: a file that grows is no event one could wait for.
                await asyncio.sleep(0.005)

    async def noted(self, topic: str, text: str = "") -> Note:
        """The first note of this event whose text holds `text`."""
        async with asyncio.timeout(LIMIT_S):
            while True:
                self._read_on()
                for note in self.notes:
                    if note.topic == topic and text in note.text:
                        return note
                await asyncio.sleep(0.005)

    # ---- requests ---------------------------------------------------------------------------------------------------

    async def esme(self, account: str) -> RawEsme:
        if account not in self._esmes:
            self._esmes[account] = await self.house.bind(account)
        return self._esmes[account]

    async def submit(self, ask: Ask) -> Answer:
        """One submit_sm; its answer and its decision."""
        esme = await self.esme(ask.who)
        self._read_on()
        reached = len(self.house.smsc.frames)
        tlvs = tlv(PURPOSE_TAG, ask.declared.encode() + b"\0") if ask.declared else b""
        body = message_body(ask.source, ask.person, ask.said.encode("utf-16-be"), data_coding=8, tlvs=tlvs)
        answer = await esme.request(SUBMIT_SM, body)
        decision = await self.decided(ask.who, "sms")
        passed = [frame for frame in self.house.smsc.frames[reached:] if frame.command == SUBMIT_SM]
        return Answer(fields_of_submit(body), answer.status, decision, {}, bool(passed))

    async def bind(self, ask: Ask) -> Answer:
        """One bind_transceiver on a connection of its own. A refused one has a decision, a permitted one has none."""
        self._read_on()
        esme = await self.house.connect()
        body = bind_body(ask.who, PASSWORD)
        answer = await esme.request(BIND_TRX, body)
        decision = await self.decided(ask.who, "sms") if answer.status else None
        await esme.close()
        system_id, password, rest = body.split(b"\0", 2)
        fields = {"system_id": system_id.decode(), "password": password.decode(), "rest": rest.hex()}
        return Answer(fields, answer.status, decision, {}, not answer.status)

    async def call(self, ask: Ask) -> Answer:
        """One INVITE from the account's trunk. A permitted one finds the carrier busy."""
        peer = self.trunks[ask.who]
        self._read_on()
        octets = self._invite(ask)
        decision = await self.decided(ask.who, "voice")
        reached = not decision.effect
        if reached:
            asked = await self._at_carrier("INVITE")
            assert asked.uri.partition(b"@")[0].endswith(ask.person.encode()), asked.uri
            self.carrier.send(a_response(asked, 486, to_tag="b").octets(), self.port)
            await self._at_carrier("ACK")
        answer = await self._final(peer, f"required-{self._made}".encode())
        peer.send(_acknowledging(octets, answer), self.port)
        assert not self._more_at_carrier()
        told = {name: (answer.first(name) or b"").decode() for name in ("reason", "retry-after")}
        fields = {"trunk": peer.host, **fields_of_invite(octets)}
        return Answer(fields, 0 if reached and answer.status == 486 else answer.status, decision, told, reached)

    def _invite(self, ask: Ask, **parts: Any) -> bytes:
        peer = self.trunks[ask.who]
        self._made += 1
        octets = asking(
            peer,
            branch=str(self._made),
            uri=f"sip:+{ask.person}@127.0.0.1",
            caller=f'"Somebody" <sip:{ask.caller or ask.source}@pbx.example>;tag=a',
            called="<sip:somebody@pbx.example>",
            call_id=f"required-{self._made}",
            headers=(f"X-Purpose: {ask.declared}",) if ask.declared else (),
            **{
                "via": f"SIP/2.0/UDP pbx.example;rport;branch=z9hG4bKr{self._made}",
                "contact": "<sip:calls@pbx.example>",
                **parts,
            },
        )
        peer.send(octets, self.port)
        return octets

    async def pressed(self, ask: Ask, key: str) -> None:
        """A call in which the person presses a key and is answered; then the person hangs up."""
        peer, carrier = self.trunks[ask.who], self.carrier
        via = f"SIP/2.0/UDP {peer.host}:{peer.port};branch=z9hG4bKp{self._made}"
        octets = self._invite(ask, via=via, contact=f"<sip:calls@{peer.host}:{peer.port}>")
        asked = await self._at_carrier("INVITE")
        contact = f"<sip:b@{carrier.host}:{carrier.port}>"
        carrier.send(a_response(asked, 200, to_tag="b", contact=contact).octets(), self.port)
        answer = await self._final(peer, f"required-{self._made}".encode())
        await self._at_carrier("ACK")
        peer.send(_acknowledging(octets, answer).replace(b"z9hG4bKp", b"z9hG4bKack"), self.port)
        person, trunk = ((asked.first(name) or b"").decode() for name in ("to", "from"))
        for number, (method, headers, body) in enumerate(
            (("INFO", ("Content-Type: application/dtmf",), key.encode()), ("BYE", (), b"")), start=1
        ):
            carrier.send(
                asking(
                    carrier,
                    method,
                    branch=f"{self._made}-{method}",
                    caller=f"{person};tag=b",
                    called=trunk,
                    call_id=asked.call_id.decode(),
                    cseq=f"{number} {method}",
                    contact=contact,
                    headers=headers,
                    body=body,
                ),
                self.port,
            )
            peer.send(a_response(await peer.asked(method), 200).octets(), self.port)
            await carrier.answered(200)

    # WHY repetitions are passed over: on a busy machine somebody's answer takes longer than T1, and UDP asks again.

    async def _final(self, peer: Peer, call_id: bytes) -> SipResponse:
        """The final response of a call; those of calls before it may come again."""
        while True:
            answer = await peer.heard()
            assert isinstance(answer, SipResponse)
            if answer.status != 100 and answer.call_id == call_id:
                return answer

    async def _at_carrier(self, method: str) -> SipRequest:
        """The next request of a call that the carrier sees for the first time."""
        while True:
            asked = await self.carrier.heard()
            assert isinstance(asked, SipRequest), asked.octets()
            if (name := (asked.method, asked.call_id)) not in self._seen:
                self._seen.add(name)
                assert asked.method == method, asked.octets()
                return asked

    def _more_at_carrier(self) -> bool:
        """Whether something waits there that it has not seen."""
        while True:
            try:
                waiting = read_datagram(self.carrier.socket.recv(65_535), Limits())
            except BlockingIOError:
                return False
            if not isinstance(waiting, SipRequest) or (waiting.method, waiting.call_id) not in self._seen:
                return True

    async def reloaded(self) -> None:
        """Packs are read anew."""
        before = len(self.house.logged("config.reloaded"))
        self.house.send_signal(signal.SIGHUP)
        await self.house.event("config.reloaded", before + 1)

    # ---- commands and the window ------------------------------------------------------------------------------------

    async def tdgate(self, *words: str | Path, config: Path | None = None) -> tuple[int, str]:
        """Runs a command beside the process, or in it by its control socket; exit code and what it said."""
        return await self.alone(*words, "--config", config or self.house.config)

    async def evidence(self, decision: int) -> dict[str, Any]:
        """A decision as `tdgate evidence show` tells it, from the log alone."""
        code, said = await self.alone("evidence", "show", self.house.state / "evidence", f"0x{decision:016x}", "--json")
        assert code == 0, said
        told: dict[str, Any] = json.loads(said)
        return told

    async def explained(self, decision: int) -> dict[str, Any]:
        """A decision as `tdgate explain` tells it, beside what would be answered now."""
        told: dict[str, Any] = await self.told("explain", f"0x{decision:016x}")
        return told

    async def alone(self, *words: str | Path) -> tuple[int, str]:
        """Runs a command that needs no configuration; exit code and what it said.

        WHY in this process: each interpreter that starts costs half a second of CPU.
        """
        said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)

        def run() -> int:
            with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
                try:
                    return main([str(word) for word in words])
                except SystemExit as ended:
                    return int(ended.code or 0)

        code = await asyncio.to_thread(run)
        said.seek(0)
        return code, said.read()

    async def done(self, *words: str | Path) -> str:
        """The output of a command that has to succeed."""
        code, said = await self.tdgate(*words)
        assert code == 0, (words, said)
        return said

    async def told(self, *words: str | Path) -> Any:
        """What a command that has to succeed tells in JSON."""
        return json.loads(await self.done(*words, "--json"))

    async def take_in(self, *words: str, **sections: Any) -> tuple[int, str]:
        """Imports sections into the running process."""
        file = self.folder / "more.json"
        file.write_text(json.dumps(sections, ensure_ascii=False), encoding="utf-8")
        return await self.tdgate("registry", "import", file, *words)

    async def got(self, url: str) -> str:
        """What a GET of this house gives."""

        def fetch() -> bytes:
            with urlopen(url, timeout=LIMIT_S) as answer:
                octets: bytes = answer.read()
                return octets

        return (await asyncio.to_thread(fetch)).decode()

    async def token(self, institution: str, *scopes: str) -> str:
        """A new token of an institution for the HTTP interface."""
        what = ("--institution", institution, "--scopes", ",".join(scopes), "--until", "2099-12-31")
        return str((await self.told("token", "create", *what, "--by", "管理员（虚构）"))["token"])

    async def api(self, token: str, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of a request with a token."""
        address = await self.house.until(lambda: self.house.console)
        port = int(address.rstrip("/").rpartition(":")[2])
        answer = await ask(port, method, path, token=token, body=body)
        return answer.status, answer.json

    async def fetched(self, path: str) -> Any:
        """A page of the window, as JSON."""
        address = await self.house.until(lambda: self.house.console)
        return json.loads(await self.got(address.rstrip("/") + path))


def but(ask: Ask, field: str, value: str) -> Ask:
    """The same request with one field changed."""
    return replace(ask, **{field: value})


def _acknowledging(octets: bytes, answer: SipResponse) -> bytes:
    ack = octets.partition(b"Content-Type")[0].replace(b"INVITE", b"ACK")
    to = b"To: " + (answer.first("to") or b"")
    return re.sub(rb"(?m)^To: [^\r]*", lambda _: to, ack, count=1) + b"Content-Length: 0\r\n\r\n"
