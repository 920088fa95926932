"""A playbook for the mirror relay: a test reads like the conversation of an ESME and a carrier through tdgate.

play('''
    >> esme submit 7 text=yes           # the ESME sends a submit_sm with sequence_number 7
    << carrier submit 1                 # the carrier gets it, as 1
    >> carrier submit_resp 1 id=A1
    << esme submit_resp 7 id=A1
    :: accepted A1                      # the gate was told so
''')

After each `>>` and `..` line, exactly the `<<` lines that follow it came out, each side's in this order. A status other
than 0 stands as hexadecimal (`0x14`). `::` lines are what the gate was told since then, in any order, others ignored.
`..` lines: waits SECONDS, carrier lost, carrier back, esme lost, disk ok, disk failed, draining, own,
withdraw ID DECISION.

`multi … to=A,B,@LIST` is a submit_multi: addresses that end in 9 and lists are refused, with `slow` once that is on
disk; a multi_resp shows `unsuccess=ADDRESS:STATUS,…`.

A part of a long message: `>> esme part 7 ref=9 of=3 n=1 text=ye`, with `kind=8` (the default), `16` or `sar`,
`coding=8`, `hex=…` for other octets, `payload=1` for message_payload. The joined text says what becomes of it.

What a text makes the fake gate do: `yes` permits, `no` refuses, `slow` refuses once it is on disk, `bad` cannot
be read; a delivery of `TD` is answered once it is on disk, `hi` needs no disk, `bad` cannot be read.
"""

from __future__ import annotations

import shlex
import struct
from collections.abc import Callable, Sequence
from typing import Literal

from proxy.core.decision import Decision, Permit, Refusal
from proxy.core.finding import Finding
from proxy.judging.several import Judged
from proxy.policy import evaluate, evaluate_many, evaluate_parts, unanswerable
from proxy.smpp import consts
from proxy.smpp.by_id import OwnMessage
from proxy.smpp.codec import UnsuccessSme, decode
from proxy.smpp.concat import Holder, Part, Reassembly
from proxy.smpp.inbound import Receipt, Reply, joined, read_inbound
from proxy.smpp.long_messages import LongMessages
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.relay import MirrorRelay
from proxy.smpp.session import Session, State, Timers
from proxy.smpp.several import Several
from proxy.smpp.short_message import read_data_sm, read_sm
from proxy.smpp.submit import SubmitReader
from proxy.smpp.submit_multi import read_multi
from proxy.smpp.text import DEFAULT_TABLE
from proxy.smpp.whole import whole_request
from proxy.smpp.withdrawal import HEAD_END, withdrawal_of
from tests.rules.scene import BASE, build
from tests.tools.session_play import MOST_OCTETS, pdu, read_all
from tests.tools.slotted import changed

Side = Literal["esme", "carrier"]

DENIED, DEFERRED, UNKNOWN_OUTCOME, UNREADABLE, LATER = 0x0439, 0x14, 0x0460, 0x01, 0x64
PERSON, PORT = "8613800138000", "10690001"
PARTS_DEADLINE_S, PARTS_MOST_OCTETS, QUIET_S, REPLY_WAIT_S = 8.0, 10_000, 3.0, 5.0
QUIET = Timers(1e9, 1e9, 1e9, 1e9, 1e9)

COMMANDS = {
    "submit": consts.SUBMIT_SM,
    "deliver": consts.DELIVER_SM,
    "data": consts.DATA_SM,
    "query": consts.QUERY_SM,
    "cancel": consts.CANCEL_SM,
    "multi": consts.SUBMIT_MULTI,
    "replace": consts.REPLACE_SM,
    "vendor": consts.VENDOR_FIRST,
    "unbind": consts.UNBIND,
    "link": consts.ENQUIRE_LINK,
    "alert": consts.ALERT_NOTIFICATION,
}
COMMANDS |= {f"{name}_resp": command_id | consts.RESPONSE_BIT for name, command_id in COMMANDS.items()}
COMMANDS["nack"] = consts.GENERIC_NACK
TEXTS = (consts.SUBMIT_SM, consts.DATA_SM)
NAMES = {command_id: name for name, command_id in COMMANDS.items()}

_REQUEST, _SNAPSHOT, _NOW = build(BASE)


def message(name: str, sequence: int, *, source: str, dest: str, text: bytes, esm_class: int = 0) -> bytes:
    """A submit_sm, deliver_sm or data_sm in ASCII."""
    addresses = b"\0" + b"".join(bytes((1, 1)) + each.encode() + b"\0" for each in (source, dest))
    if name == "data":
        payload = struct.pack(">HH", consts.TAG_MESSAGE_PAYLOAD, len(text)) + text
        return pdu(COMMANDS[name], sequence, 0, addresses + bytes((esm_class, 0, 1)) + payload)
    tail = bytes((esm_class, 0, 0, 0, 0, 0, 0, 1, 0, len(text)))
    return pdu(COMMANDS[name], sequence, 0, addresses + tail + text)


def part(
    sequence: int,
    text: bytes,
    *,
    ref: int,
    of: int,
    n: int,
    kind: str = "8",
    coding: int = 0,
    source: str = PORT,
    dest: str = PERSON,
    name: str = "submit",
    payload: bool = False,
) -> bytes:
    """A submit_sm or deliver_sm that is one part of a long message."""
    tlvs = b""
    esm_class = 0
    if kind == "sar":
        for tag, value in ((0x020C, struct.pack(">H", ref)), (0x020E, bytes((of,))), (0x020F, bytes((n,)))):
            tlvs += struct.pack(">HH", tag, len(value)) + value
    else:
        esm_class = consts.ESM_UDHI
        text = (bytes((5, 0, 3, ref, of, n)) if kind == "8" else struct.pack(">BBBHBB", 6, 8, 4, ref, of, n)) + text
    if payload:
        tlvs += struct.pack(">HH", consts.TAG_MESSAGE_PAYLOAD, len(text)) + text
        text = b""
    addresses = b"\0" + b"".join(bytes((1, 1)) + each.encode() + b"\0" for each in (source, dest))
    tail = bytes((esm_class, 0, 0, 0, 0, 0, 0, coding, 0, len(text)))
    return pdu(COMMANDS[name], sequence, 0, addresses + tail + text + tlvs)


def text_of(each: Pdu) -> str:
    sm = read_sm(each.raw)
    octets = sm.short_message
    return octets[octets[0] + 1 if sm.esm_class & consts.ESM_UDHI else 0 :].decode()


class PlayGate:
    """A gate that does what the texts say, keeps all that it was told, and knows each permit that it gave."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.permitted: dict[int, bytes] = {}
        self.waiting: list[tuple[Pdu | Callable[[Refusal], None], Refusal | Several | None]] = []
        self.own_ids: set[bytes] = set()
        self.in_flight: list[int] = []
        self.texts = b""
        #: What the parts are called that come together, each time a message was judged as a whole.
        self.judged: list[str] = []
        #: What was heard, each with all its readings.
        self.heard: list[tuple[str, ...]] = []
        self.window = 1000
        #: Whether somebody has refused since.
        self.refuses_now = False
        self.long_messages = LongMessages(Reassembly(PARTS_DEADLINE_S, PARTS_MOST_OCTETS))
        self.holder: Holder | None = None
        self._reader = SubmitReader(_REQUEST.account, DEFAULT_TABLE, 0x1401)
        self._part: Part | None = None
        self.decisions = 0

    def _decision(self) -> int:
        self.decisions += 1
        return self.decisions

    def permit(self, octets: bytes) -> Permit:
        request = changed(_REQUEST, id=self._decision(), octets=octets)
        permit = evaluate(request, _SNAPSHOT, _NOW)
        assert isinstance(permit, Permit)
        self.permitted[permit.decision.id] = octets
        return permit

    def judge(self, each: Pdu, in_flight: int) -> Permit | Refusal | None:
        self.in_flight.append(in_flight)
        if each.command_id == consts.SUBMIT_SM:
            request = self._reader.submit(each, 0, _NOW, True, False)
            self._part = self._reader.part
            if self._part is not None and self._part.request is request:
                return None
        sent = read_data_sm(each.raw).tlvs[0][1].decode() if each.command_id == consts.DATA_SM else ""
        word = (sent or text_of(each)).split(" ")[0] if each.command_id in TEXTS else "yes"
        if word == "bad":
            raise PduError(UNREADABLE, "as the text says")
        if word == "yes" and each.command_id in (*TEXTS, consts.QUERY_SM, consts.CANCEL_SM):
            return self.permit(each.raw)
        finding = Finding("pdu.unsupported", "command" if each.command_id == consts.VENDOR_FIRST else "replace_sm")
        findings = () if each.command_id in TEXTS else (finding,)
        refused = changed(_REQUEST, id=self._decision(), readings=(), findings=findings)
        verdict = evaluate(refused, _SNAPSHOT, _NOW)
        assert isinstance(verdict, Refusal)
        return verdict

    def hold(self, now: float, held: int, others: int) -> None:
        assert self._part is not None
        assert self.holder is not None
        waits = self.long_messages.take(self._part, self.holder, self, now)
        if waits and not others and held >= self.window:
            self.long_messages.stall(self.holder, self, 1)

    def judge_parts(
        self, parts: tuple[Part, ...], rule: str, detail: str, refused: Callable[[Refusal], None]
    ) -> tuple[Permit, ...]:
        """As `judge`, by the text as a whole; a text that starts with `slow` is refused once that is on disk."""
        self.told.append(f"{rule} {detail}".strip() or "whole")
        more = (Finding(rule, detail),) if rule in ("message.partial", "pdu.ambiguous") else ()
        request = whole_request(parts, self._decision(), _REQUEST.account, DEFAULT_TABLE, _NOW, True, more)
        text = request.readings[0] if request.readings else ""
        if not rule:
            self.judged.append(text)
        octets = tuple(part.pdu.raw for part in parts)
        verdict: tuple[Permit, ...] | Refusal
        if rule and not more:
            verdict = unanswerable(request, _SNAPSHOT, rule)
        else:
            finding = () if text.startswith("yes") or not text else (Finding("pdu.unsupported", "text"),)
            request = changed(_REQUEST, id=request.id, readings=request.readings, findings=request.findings + finding)
            verdict = evaluate_parts(request, octets, _SNAPSHOT, _NOW)
        if isinstance(verdict, Refusal):
            if text.startswith("slow"):
                self.waiting.append((refused, verdict))
            else:
                refused(verdict)
            return ()
        for place, raw in enumerate(octets):
            self.permitted[-100 * verdict[0].decision.id - place] = raw
        return verdict

    def part_answered(self, each: Pdu, answer: bytes, result: str) -> None:
        self.long_messages.answered(each, answer, result)

    def parts_lost(self) -> None:
        assert self.holder is not None
        self.long_messages.leave(self.holder, self)

    def parts_given_up(self, rule: str) -> None:
        assert self.holder is not None
        self.long_messages.give_up(self.holder, rule, self)

    def parts_quiet(self) -> None:
        assert self.holder is not None
        self.long_messages.stall(self.holder, self, 0)

    def parts_deadline(self) -> float | None:
        return self.long_messages.next_deadline()

    def parts_due(self, now: float) -> None:
        self.long_messages.handle_deadline(self, now)

    def judge_several(self, each: Pdu, in_flight: int) -> Several | Refusal:
        self.in_flight.append(in_flight)
        multi = read_multi(each.raw)
        finding = (Finding("pdu.unsupported", "distribution_list"),)
        refused = [one.is_list or one.address.endswith(b"9") for one in multi.destinations]
        requests = [
            changed(_REQUEST, id=self._decision(), octets=each.raw, findings=finding if no else ()) for no in refused
        ]
        permit, decisions = evaluate_many(requests, multi.only, _SNAPSHOT, _NOW)
        several = Judged(each, multi, requests, permit, decisions).several(lambda _: DENIED)
        if permit is not None:
            self.permitted[permit.decision.id] = multi.only([place for place, no in enumerate(refused) if not no])
        else:
            several.refuse(self.texts)
        if any(refused) and multi.sm.short_message.startswith(b"slow"):
            several.waiting = 1
            self.waiting.append((each, several))
        return several

    def refused_now(self, each: Pdu) -> Refusal | None:
        return self.unanswerable(each, "suppression.active") if self.refuses_now else None

    def unanswerable(self, each: Pdu, rule: str) -> Refusal:
        self.told.append(rule)
        return unanswerable(changed(_REQUEST, id=self._decision()), _SNAPSHOT, rule)

    def status(self, refusal: Refusal) -> int:
        return DENIED if refusal.decision.effect == "deny" else DEFERRED

    def status_text(self, refusal: Refusal) -> bytes:
        return self.texts

    def status_of(self, rule: str) -> int:
        assert rule == "outcome.unknown"
        return UNKNOWN_OUTCOME

    def awaits_disk(self, refusal: Refusal, each: Pdu) -> bool:
        late = each.command_id == consts.SUBMIT_SM and text_of(each).startswith("slow")
        if late and refusal.decision.effect == "deny":
            self.waiting.append((each, refusal))
            return True
        return False

    def read_inbound(self, each: Pdu) -> Receipt | Reply:
        if each.command_id == consts.DELIVER_SM and text_of(each) == "bad":
            raise PduError(UNREADABLE, "as the text says")
        return read_inbound(each, DEFAULT_TABLE)

    def renamed(self, each: Pdu) -> Pdu:
        return each

    def own_message(self, each: Pdu) -> OwnMessage | None:
        return None

    def joined(self, replies: Sequence[Reply]) -> Reply:
        return joined(replies, DEFAULT_TABLE)

    def acknowledged(self, each: Pdu) -> None:
        """Nothing hangs on it here."""

    def hear(self, reply: Reply, each: Pdu) -> bool:
        self.heard.append(reply.readings)
        if "TD" in reply.readings:
            self.waiting.append((each, None))
            return True
        return False

    def accepted(self, message_id: bytes, raw: bytes, decision: Decision) -> None:
        parts = range(-100 * decision.id - 99, -100 * decision.id + 1)
        assert raw in [self.permitted.get(one) for one in (decision.id, *parts)]
        self.told.append(f"accepted {message_id.decode()}")

    def accepted_several(self, message_id: bytes, several: Several) -> None:
        self.told.append(f"accepted {message_id.decode()}")

    def cancelled(self, decision_id: int, status: int | None) -> None:
        self.told.append(f"cancelled {decision_id} {'never' if status is None else hex(status)}")

    def outcome(self, decision_id: int, result: str, status: int, message_id: bytes) -> None:
        self.told.append(f"outcome {decision_id} {result} {status:#x} {message_id.decode()}".rstrip())

    def is_own_receipt(self, receipt: Receipt) -> bool:
        return bool(self.own_ids.intersection(receipt.ids))

    def own_answered(self, decision_id: int, message_id: bytes) -> None:
        self.own_ids.add(message_id)
        self.told.append(f"own {decision_id} {message_id.decode()}".rstrip())

    def count(self, event: str) -> None:
        self.note(event)

    def note(self, event: str) -> None:
        self.told.append(event)


class RelayPlay:
    """A relay between two sessions without sockets. `disk` settles what waits for it, oldest first."""

    def __init__(
        self,
        *,
        carrier_window: int = 3,
        esme_window: int = 2,
        response_s: float = 10.0,
        state: State = "trx",
        own: bool = False,
    ) -> None:
        self.now = 1000.0
        self.gate = PlayGate()
        self.state: State = state
        self.esme: Session | None = None if own else self.session("esme")
        self.carrier: Session | None = self.session("smsc")
        self.relay = MirrorRelay(
            self.gate,
            self.esme,
            self.carrier,
            carrier_window=carrier_window,
            esme_window=esme_window,
            response_s=response_s,
            own=own,
            quiet_s=QUIET_S,
            reply_wait_s=REPLY_WAIT_S,
        )
        self.gate.holder = self.relay.parts

    def session(self, peer: Literal["esme", "smsc"]) -> Session:
        session = Session(peer, QUIET, MOST_OCTETS, self.gate.note, self.now)
        session.enter(self.state)
        return session

    # ---- what happens -------------------------------------------------------------------------------------------

    def says(self, side: Side, octets: bytes) -> None:
        """Octets come from one side; nothing happens where that side is gone."""
        session = self.esme if side == "esme" else self.carrier
        if session is not None:
            pdus = session.receive(octets, self.now)
            (self.relay.from_esme if side == "esme" else self.relay.from_carrier)(pdus, self.now)

    def waits(self, seconds: float) -> None:
        """Time passes; deadlines are acted on when they are due, and none stays due."""
        end = self.now + seconds
        while (due := self.relay.next_deadline()) is not None and due <= end:
            self.now = max(self.now, due)
            self.relay.handle_deadline(self.now)
            again = self.relay.next_deadline()
            assert again is None or again > self.now, "a deadline was acted on and is still due"
        self.now = end

    def carrier_lost(self) -> None:
        self.carrier = None
        self.relay.carrier_lost(self.now)

    def carrier_back(self) -> None:
        self.carrier = self.session("smsc")
        self.relay.carrier_back(self.carrier)

    def esme_lost(self) -> None:
        self.esme = None
        self.relay.esme_lost()

    def disk(self, ok: bool, place: int = 0) -> None:
        """What waits for the disk gets its answer. A refusal's is the refusal, whatever the disk says."""
        each, refusal = self.gate.waiting.pop(place)
        if isinstance(refusal, Several):
            refusal.waiting = 0
            self.relay.several.durable(refusal)
        elif not isinstance(each, Pdu):
            assert refusal is not None
            each(refusal)
        elif refusal is None:
            self.relay.reply_durable(each, ok, self.now)
        else:
            self.relay.refusal_durable(each, refusal)

    def own(self) -> bool:
        octets = message("submit", 0, source=PORT, dest=PERSON, text=b"own")
        return self.relay.send_own(self.gate.permit(octets), self.now)

    def withdraw(self, message_id: str, decision_id: int) -> bool:
        head = message("submit", 0, source=PORT, dest=PERSON, text=b"yes")[16:HEAD_END]
        withdrawal = withdrawal_of(message_id.encode(), head, decision_id)
        assert withdrawal is not None
        return self.relay.withdraw(withdrawal, self.now)

    def came(self, side: Side) -> list[Pdu]:
        """What was written to one side since the last call; nothing where it is gone."""
        session = self.esme if side == "esme" else self.carrier
        if session is None:
            return []
        return read_all(bytes(session.out.take()))


# ---- the playbook ---------------------------------------------------------------------------------------------------


def _text(keys: dict[str, str]) -> bytes:
    return bytes.fromhex(keys["hex"]) if "hex" in keys else keys.get("text", "yes").encode()


def _octets(name: str, sequence: int, status: int, keys: dict[str, str]) -> bytes:
    if name == "submit":
        dest = keys.get("to", PERSON)
        return message(name, sequence, source=PORT, dest=dest, text=keys.get("text", "yes").encode())
    if name in ("part", "reply"):
        # A part of what an ESME submits, or of what a person wrote.
        ends = (PORT, PERSON) if name == "part" else (PERSON, PORT)
        return part(
            sequence,
            _text(keys),
            ref=int(keys["ref"]),
            of=int(keys["of"]),
            n=int(keys["n"]),
            kind=keys.get("kind", "8"),
            coding=int(keys.get("coding", "0")),
            source=keys.get("from", ends[0]),
            dest=keys.get("to", ends[1]),
            payload="payload" in keys,
            name="submit" if name == "part" else "deliver",
        )
    if name in ("deliver", "data"):
        source = keys.get("from", PERSON)
        if "receipt" in keys:
            text, esm_class = f"id:{keys['receipt']} stat:DELIVRD", consts.ESM_TYPE_RECEIPT
        else:
            text, esm_class = keys.get("text", "hi"), 0
        return message(name, sequence, source=source, dest=PORT, text=text.encode(), esm_class=esm_class)
    if name in ("query", "cancel"):
        ids = keys.get("id", "A1").encode() + b"\0"
        address = bytes((1, 1)) + PORT.encode() + b"\0"
        body = ids + address if name == "query" else b"\0" + ids + address + address
        return pdu(COMMANDS[name], sequence, 0, body)
    if name == "multi":
        listed = [
            b"\2" + one[1:].encode() + b"\0" if one.startswith("@") else b"\1\1\1" + one.encode() + b"\0"
            for one in keys.get("to", PERSON).split(",")
        ]
        text = keys.get("text", "yes").encode()
        head = b"\0" + bytes((1, 1)) + PORT.encode() + b"\0" + bytes((len(listed),)) + b"".join(listed)
        return pdu(COMMANDS[name], sequence, 0, head + bytes(9) + bytes((len(text),)) + text)
    if name == "multi_resp" and "id" in keys:
        body = keys["id"].encode() + b"\0"
        named = [one.split(":") for one in keys.get("unsuccess", "").split(",") if one]
        entries = [b"\1\1" + who.encode() + b"\0" + struct.pack(">I", int(why, 16)) for who, why in named]
        return pdu(COMMANDS[name], sequence, status, body + bytes((len(entries),)) + b"".join(entries))
    if name == "alert":
        return pdu(COMMANDS[name], sequence, 0, (bytes((1, 1)) + PORT.encode() + b"\0") * 2)
    body = keys["id"].encode() + b"\0" if "id" in keys else b""
    return pdu(COMMANDS[name], sequence, status, body)


def _shown(each: Pdu, wanted: dict[str, str]) -> str:
    """A PDU as a line of the playbook, with the keys that the line wants."""
    words = [NAMES.get(each.command_id, hex(each.command_id)), str(each.sequence)]
    if each.status:
        words.append(hex(each.status))
    for key in wanted:
        if key == "id" and each.command_id == consts.CANCEL_SM:
            message_id = decode(each.raw).values["message_id"]
            assert isinstance(message_id, bytes)
            words.append(f"id={message_id.decode()}")
        elif key == "id":
            words.append(f"id={each.raw[16:].partition(bytes(1))[0].decode()}")
        elif key == "to":
            listed = read_multi(each.raw).destinations
            words.append("to=" + ",".join("@" * one.is_list + one.address.decode() for one in listed))
        elif key == "unsuccess":
            told = decode(each.raw).values["unsuccess_sme"]
            assert isinstance(told, list)
            named = [f"{one.address.decode()}:{one.error_status:#x}" for one in told if isinstance(one, UnsuccessSme)]
            words.append("unsuccess=" + ",".join(named))
        elif key == "text":
            words.append(f"text={text_of(each)}")
    return " ".join(words)


def _split(line: str) -> tuple[str, list[str]]:
    mark, *words = shlex.split(line, comments=True)
    return mark, words


def play(script: str, on: RelayPlay | None = None) -> RelayPlay:
    """Plays a script; raises AssertionError with the line where the conversation went another way."""
    scene = on or RelayPlay()
    came: dict[str, list[Pdu]] = {"esme": [], "carrier": []}

    def take_all(line: str) -> None:
        for side in ("esme", "carrier"):
            assert not came[side], f"before {line!r}, to {side}: {[_shown(each, {}) for each in came[side]]}"

    for raw_line in script.strip().splitlines():
        line = raw_line.strip()
        if not line or line.startswith("#"):
            continue
        mark, words = _split(line)
        if mark in (">>", ".."):
            take_all(line)
            scene.gate.told.clear()
            if mark == ">>":
                side, name, sequence, *rest = words
                keys = dict(word.split("=", 1) for word in rest if "=" in word)
                status = next((int(word, 16) for word in rest if "=" not in word), 0)
                assert side in ("esme", "carrier")
                scene.says(side, _octets(name, int(sequence, 0), status, keys))  # type: ignore[arg-type]
            else:
                _event(scene, words)
            for side in ("esme", "carrier"):
                came[side] += scene.came(side)  # type: ignore[arg-type]
        elif mark == "<<":
            side, *rest = words
            keys = dict(word.split("=", 1) for word in rest if "=" in word)
            assert came[side], f"{line!r}: nothing came"
            assert _shown(came[side].pop(0), keys) == " ".join(rest), line
        elif mark == "::":
            assert " ".join(words) in scene.gate.told, f"{line!r}: {scene.gate.told}"
        else:
            raise AssertionError(f"no such mark: {line!r}")
    take_all("the end")
    return scene


def _event(scene: RelayPlay, words: list[str]) -> None:
    match words:
        case ["waits", seconds]:
            scene.waits(float(seconds))
        case ["carrier", "lost"]:
            scene.carrier_lost()
        case ["carrier", "back"]:
            scene.carrier_back()
        case ["esme", "lost"]:
            scene.esme_lost()
        case ["disk", "ok"]:
            scene.disk(True)
        case ["disk", "failed"]:
            scene.disk(False)
        case ["draining"]:
            scene.relay.draining = True
        case ["withdraw", message_id, decision_id]:
            assert scene.withdraw(message_id, int(decision_id))
        case ["withdraw", "no"]:
            assert not scene.withdraw("A1", 1)
        case ["own"]:
            assert scene.own()
        case ["own", "no"]:
            assert not scene.own()
        case _:
            raise AssertionError(f"no such event: {words}")
