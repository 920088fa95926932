"""One connection into the simulated SMSC: bind states, answers, faults, and what goes towards the ESME.

Owns the conversation on one connection. Must never know of other connections: where a delivery goes is `smsc`'s.
A plain message (nobody records, no receipt, no fault) is answered from its header alone.
"""

import random
from collections.abc import Callable
from typing import Final, Protocol

from proxy.smpp import consts
from proxy.smpp.codec import Fields, decode, encode
from proxy.smpp.pdu import HEADER, PduError, generic_nack, response
from simulators.arrivals import Arrived
from simulators.faults import Fate, Faults, fate_of
from simulators.figures import SmscCounts
from simulators.link import Link
from simulators.smsc_settings import SmscSettings
from simulators.watch import Watch

_pack_header = HEADER.pack
_RESPONSE: Final = consts.RESPONSE_BIT
Done = Callable[[int | None], None]
"""Told the status of a delivery's response; None where the connection ended first."""


class Centre(Protocol):
    """What a connection asks of its SMSC and tells it."""

    settings: SmscSettings
    faults: Faults
    counts: SmscCounts
    watch: Watch
    plain: bool

    def joined(self, session: "SmscSession", /) -> None: ...
    def left(self, session: "SmscSession", unanswered: list[tuple[bytes, Done | None]], /) -> None: ...
    def judge_bind(self, fields: Fields, /) -> int: ...
    def has_bound(self, session: "SmscSession", /) -> None: ...
    def next_id(self) -> str: ...
    def arrive(self, session: "SmscSession", command: int, raw: bytes, status: int, /) -> Arrived: ...
    def receipt_of(self, arrived: Arrived, rng: random.Random, /) -> bytes | None: ...
    def deliver_receipt(self, session: "SmscSession", receipt: bytes, delay_s: float = 0.0, /) -> None: ...


class SmscSession(Link):
    """A bind (or what wants to become one)."""

    def __init__(self, smsc: Centre, number: int, rng: random.Random) -> None:
        super().__init__()
        self.number = number
        self.system_id = ""
        self.bind_command = 0
        self.can_receive = False
        self.can_send = False
        self._smsc = smsc
        self._rng = rng
        self._count = 0
        self._sequence = 0
        self._waiting: dict[int, tuple[bytes, Done | None]] = {}

    @property
    def bound(self) -> bool:
        """Whether a bind succeeded and still stands."""
        return bool(self.bind_command) and not self.closed

    def opened(self) -> None:
        self._smsc.joined(self)

    def lost(self) -> None:
        waiting, self._waiting = self._waiting, {}
        self._smsc.left(self, list(waiting.values()))

    def broken(self, reason: str) -> None:
        self._smsc.counts.malformed += 1
        self.send(generic_nack(consts.ESME_RINVCMDLEN, 0))

    def chunk_taken(self) -> None:
        self._smsc.watch.tell()

    def take(self, command: int, status: int, sequence: int, buffer: bytes, at: int, stop: int) -> None:
        if command == consts.SUBMIT_SM and self.can_send:
            smsc = self._smsc
            if smsc.plain:
                smsc.counts.submits += 1
                smsc.counts.statuses[0] += 1
                body = smsc.next_id().encode("ascii")
                self._out.append(_pack_header(17 + len(body), 0x80000004, 0, sequence) + body + b"\0")
            else:
                self._message(command, sequence, buffer[at:stop])
        elif command & _RESPONSE:
            self._response(status, sequence)
        elif command in consts.BIND_COMMANDS:
            self._bind(command, sequence, buffer[at:stop])
        elif command == consts.DATA_SM and self.can_send:
            self._message(command, sequence, buffer[at:stop])
        elif command == consts.ENQUIRE_LINK:
            self.send(response(consts.ENQUIRE_LINK_RESP, 0, sequence))
        elif command == consts.UNBIND:
            self.send(response(consts.UNBIND_RESP, 0, sequence))
            self.can_send = self.can_receive = False
            self.close()
        else:
            self._other(command, sequence, buffer[at:stop])

    def deliver(self, command: int, body: bytes, done: Done | None = None) -> None:
        """Send deliver_sm or data_sm with this body under the next sequence_number."""
        self._sequence = self._sequence % consts.SEQUENCE_LAST + 1
        pdu = _pack_header(16 + len(body), command, 0, self._sequence) + body
        self._waiting[self._sequence] = (pdu, done)
        self.send(pdu)

    def ask_for_life(self) -> None:
        """Send enquire_link."""
        self._sequence = self._sequence % consts.SEQUENCE_LAST + 1
        self.send(_pack_header(16, consts.ENQUIRE_LINK, 0, self._sequence))

    def _response(self, status: int, sequence: int) -> None:
        waiting = self._waiting.pop(sequence, None)
        if waiting is None:
            return
        self._smsc.counts.delivery_answers[status] += 1
        if waiting[1] is not None:
            waiting[1](status)

    def _bind(self, command: int, sequence: int, raw: bytes) -> None:
        faults, reply = self._smsc.faults, command | _RESPONSE
        if self.bind_command:
            self.send(response(reply, consts.ESME_RALYBND, sequence))
            return
        try:
            fields = decode(raw)
        except PduError as wrong:
            self._smsc.counts.malformed += 1
            self.send(response(reply, wrong.status, sequence))
            return
        if faults.ignore_binds:
            return
        status = self._smsc.judge_bind(fields)
        if status:
            self.send(response(reply, status, sequence))
            return
        name = fields.values["system_id"]
        assert isinstance(name, bytes)
        self.system_id = name.decode("latin-1")
        self.bind_command = command
        self.can_send = command != consts.BIND_RECEIVER
        self.can_receive = command != consts.BIND_TRANSMITTER
        settings = self._smsc.settings
        version = settings.sc_interface_version
        tlvs = () if version is None or version < 0 else ((consts.TAG_SC_INTERFACE_VERSION, bytes((version,))),)
        self.send(encode(reply, 0, sequence, {"system_id": settings.system_id.encode("latin-1")}, tlvs))
        self._smsc.has_bound(self)

    def _message(self, command: int, sequence: int, raw: bytes) -> None:
        self._count += 1
        smsc = self._smsc
        fate = fate_of(smsc.faults, self._count, self._rng)
        status = smsc.faults.nack_status if fate in (Fate.NACK, Fate.GENERIC_NACK) else 0
        try:
            arrived = smsc.arrive(self, command, raw, status)
        except PduError as wrong:
            smsc.counts.malformed += 1
            self.send(response(command | _RESPONSE, wrong.status, sequence))
            return
        if fate is Fate.MUTE:
            self.flush()
            self.muted = True
            return
        if fate is Fate.DISCONNECT:
            self.flush()
            if smsc.faults.disconnect_by == "reset":
                self.reset()
            else:
                self.close()
            return
        receipt = smsc.receipt_of(arrived, self._rng) if not status else None
        if receipt is not None and smsc.settings.receipts.timing == "before":
            smsc.deliver_receipt(self, receipt)
        answer = self._answer(fate, command, sequence, status, arrived.message_id)
        if smsc.faults.slow_ms > 0:
            self._loop.call_later(smsc.faults.slow_ms / 1000, self.send, answer)
        else:
            self.send(answer)
        if fate is Fate.HALF_PDU:
            self._stop_in_the_middle()
        elif receipt is not None and smsc.settings.receipts.timing == "after":
            smsc.deliver_receipt(self, receipt, smsc.settings.receipts.delay_ms / 1000)

    def _answer(self, fate: Fate, command: int, sequence: int, status: int, message_id: str) -> bytes:
        if fate is Fate.GENERIC_NACK:
            return generic_nack(status, sequence)
        if fate is Fate.WRONG_SEQUENCE:
            sequence ^= 0x40000000
        body = b"" if status else message_id.encode("ascii") + b"\0"
        answer = response(command | _RESPONSE, status, sequence, body)
        if fate is Fate.DUPLICATE:
            return answer + answer
        return answer[: len(answer) // 2] if fate is Fate.HALF_PDU else answer

    def _stop_in_the_middle(self) -> None:
        if self._smsc.faults.half_pdu_then == "close":
            self.close()
        else:
            self.flush()
            self.muted = True

    def _other(self, command: int, sequence: int, raw: bytes) -> None:
        reply = command | _RESPONSE
        if command not in consts.COMMAND_NAMES or reply not in consts.COMMAND_NAMES:
            self.send(generic_nack(consts.ESME_RINVCMDID, sequence))
            return
        if not self.can_send:
            self.send(response(reply, consts.ESME_RINVBNDSTS, sequence))
            return
        try:
            fields = decode(raw)
        except PduError as wrong:
            self._smsc.counts.malformed += 1
            self.send(response(reply, wrong.status, sequence))
            return
        self.send(self._other_answer(fields, reply, sequence))

    def _other_answer(self, fields: Fields, reply: int, sequence: int) -> bytes:
        if fields.command_id == consts.QUERY_SM:
            values = {"message_id": fields.values["message_id"], "message_state": consts.STATE_DELIVERED}
            return encode(reply, 0, sequence, values)
        if fields.command_id in (consts.SUBMIT_MULTI, consts.BROADCAST_SM):
            return encode(reply, 0, sequence, {"message_id": self._smsc.next_id().encode("ascii")})
        if fields.command_id in (consts.CANCEL_SM, consts.REPLACE_SM):
            return response(reply, 0, sequence)
        return response(reply, consts.ESME_RINVCMDID, sequence)
