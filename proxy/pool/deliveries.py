"""Deliveries to one ESME in pool mode: handed out of what waits for its account, until it has answered. Sans-IO.

Owns which of them wait for the ESME's answer. Must never drop one that it did not answer: what it leaves open goes back
in front of what still waits, in order. Whether an answer was asked for is told by the sequence_number and command_id.
"""

from typing import Final

from proxy.pool.gate import Deliveries, Entry
from proxy.smpp.consts import (
    DELIVER_SM,
    ESME_RMSGQFUL,
    ESME_RTHROTTLED,
    ESME_RX_T_APPN,
    GENERIC_NACK,
    RESPONSE_BIT,
)
from proxy.smpp.gate import Gate
from proxy.smpp.pdu import Pdu
from proxy.smpp.session import Session
from proxy.smpp.window import Window

_TAKING: Final = ("rx", "trx")
#: Answers that ask for the same delivery once more, later.
_LATER: Final = (ESME_RX_T_APPN, ESME_RTHROTTLED, ESME_RMSGQFUL)


class EsmeDeliveries:
    """`now` is monotonic seconds; `later_s` is how long an ESME that asks for it is left alone."""

    __slots__ = ("_account", "_esme", "_gate", "_later_s", "_not_before", "_waiting", "_window", "draining")

    def __init__(
        self,
        account: str,
        esme: Session,
        gate: Gate,
        waiting: Deliveries,
        *,
        window: int,
        response_s: float,
        later_s: float,
    ) -> None:
        self._account: Final = account
        self._esme: Session | None = esme
        self._gate: Final = gate
        self._waiting: Final = waiting
        self._window: Window[Entry] = Window(window, response_s)
        self._later_s: Final = later_s
        self._not_before = 0.0
        #: Set while the process drains: nothing more is handed out.
        self.draining = False

    @property
    def open(self) -> int:
        """Deliveries that are not answered yet."""
        return len(self._window)

    def next_sequence(self) -> int:
        """A sequence_number for a link request to the ESME."""
        return self._window.next_sequence()

    def hand_out(self, now: float) -> None:
        """Hands out what waits for the account, as far as the ESME's window allows."""
        esme = self._esme
        if esme is None or esme.state not in _TAKING or self.draining or now < self._not_before:
            return
        room = self._window.size - len(self._window)
        if room <= 0:
            return
        for entry in self._waiting.take(self._account, room):
            esme.out.append_as(entry.octets, self._window.open(entry, now))

    def answered(self, pdu: Pdu, now: float) -> bool:
        """Takes a response of the ESME; False where it answers no delivery."""
        entry = self._window.peek(pdu.sequence)
        if entry is None or pdu.command_id not in (_command_id(entry.octets) | RESPONSE_BIT, GENERIC_NACK):
            return False
        self._window.close(pdu.sequence)
        if pdu.status in _LATER:
            self._waiting.give_back_entry(entry)
            self._not_before = now + self._later_s
        else:
            if pdu.status or pdu.command_id == GENERIC_NACK:
                # WHY done: the ESME will never take it, and what comes behind it must not wait for ever.
                # WHY a generic_nack too: one stack says with it, and status 0, that it does not take this text.
                self._gate.note("delivery.rejected")
            self._waiting.done(entry)
        self.hand_out(now)
        return True

    def handle_deadline(self, now: float) -> None:
        """Takes back what the ESME did not answer in time, and hands out what waits."""
        for entry in reversed([entry for _, entry in self._window.expired(now)]):
            self._gate.note("response.timeout")
            self._waiting.give_back_entry(entry)
        self.hand_out(now)

    def lost(self) -> None:
        """The ESME is gone: what it did not answer is delivered again."""
        self._esme = None
        for entry in reversed(self._window.drain()):
            self._waiting.give_back_entry(entry)


def _command_id(raw: bytes) -> int:
    return int.from_bytes(raw[4:8]) if len(raw) >= 8 else DELIVER_SM
