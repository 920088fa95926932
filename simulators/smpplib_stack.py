"""The same load through smpplib, an implementation that shares nothing with ours: a second opinion on the wire.

Owns the translation from a scenario to smpplib's blocking client, one thread a bind. Must never touch our codec for
what it sends or reads: only `wording` and the patterns are shared. What smpplib cannot do (answer with chosen
statuses, vendor TLVs that it does not know) is refused before anything is sent.
"""

import asyncio
import random
import re
import select
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simulators import wording
from simulators.bodies import guess_ton_npi
from simulators.expectations import Check, check_amount, check_amounts, check_statuses
from simulators.figures import Figures
from simulators.patterns import compile_pattern
from simulators.report import Live, Summary
from simulators.scenario import Scenario, ScenarioError, read_texts

if TYPE_CHECKING:
    from smpplib.client import Client

_SLICE_S: Final = 0.05
_RECEIPT_TYPES: Final = (0x04, 0x20)
_STATE: Final = re.compile(rb"stat:([A-Z]+)", re.IGNORECASE)
# WHY by hand: smpplib wants these by name, and our table of names must not stand between the two stacks.
_TLV_NAMES: Final = {
    0x0424: "message_payload",
    0x020C: "sar_msg_ref_num",
    0x020E: "sar_total_segments",
    0x020F: "sar_segment_seqnum",
}


class SmpplibRun:
    """A load of a scenario, sent by smpplib."""

    def __init__(self, scenario: Scenario, folder: Path, live: Live) -> None:
        """Take the scenario; ScenarioError where it asks for what smpplib cannot do, or smpplib is not installed."""
        settings = scenario.esme
        if scenario.message or settings.tlvs or settings.command != "submit_sm" or settings.bind not in ("tx", "trx"):
            raise ScenarioError("stack smpplib: no [[message]], tlvs or data_sm, and bind tx or trx")
        try:
            import smpplib.client  # noqa: F401
        except ImportError:
            raise ScenarioError("stack smpplib: smpplib is not installed") from None
        self.scenario, self.live, self.figures = scenario, live, Figures()
        self._texts = read_texts(settings, folder) or [settings.text]
        self._lock = threading.Lock()
        self.started = time.monotonic()
        self._taken = 0
        self._stopped = threading.Event()
        self._problems: list[str] = []

    def stop(self) -> None:
        """Send nothing new."""
        self._stopped.set()

    async def run(self) -> Summary:
        """Run to the end."""
        self.started = time.monotonic()
        if self.scenario.esme.duration_s is not None:
            asyncio.get_running_loop().call_later(self.scenario.esme.duration_s, self.stop)
        lanes = [_Lane(self, number) for number in range(self.scenario.esme.binds)]
        running = asyncio.gather(*[asyncio.to_thread(lane.run) for lane in lanes])
        while not running.done():
            await asyncio.wait([running], timeout=self.live.every_s)
            self.live.show(self.figures.line())
        self.live.end()
        await running
        self.figures.seconds = max(lane.ended for lane in lanes) - self.started
        return Summary("esme", self.scenario.name, tuple(self._checks()), self.figures.as_dict())

    def take(self) -> int | None:
        """Give the number of the next message; None where the load is at its end. For any thread."""
        settings = self.scenario.esme
        count = settings.count if settings.count is not None or settings.duration_s is not None else 1
        with self._lock:
            if self._stopped.is_set() or (count is not None and self._taken >= count):
                return None
            self._taken += 1
            return self._taken - 1

    def text(self, number: int) -> str:
        """Give the text of a message."""
        return self._texts[number % len(self._texts)]

    def count(self, name: str, amount: int = 1) -> None:
        """Add to a counter of the figures. For any thread."""
        with self._lock:
            setattr(self.figures, name, getattr(self.figures, name) + amount)

    def answer(self, status: int, seconds: float) -> None:
        """Count an answer. For any thread."""
        with self._lock:
            self.figures.answered += 1
            self.figures.statuses[status] += 1
            self.figures.latency.add(seconds)

    def receipt(self, state: str) -> None:
        """Count a receipt. For any thread."""
        with self._lock:
            self.figures.receipts[state] += 1

    def problem(self, reason: str) -> None:
        """Note why a bind failed or ended."""
        with self._lock:
            self._problems.append(reason)

    def _checks(self) -> list[Check]:
        expect, figures = self.scenario.expect, self.figures
        checks = [Check("bind", False, reason) for reason in self._problems]
        checks += check_amount("unanswered", expect.unanswered or 0, figures.unanswered)
        checks += check_amount("replies", expect.replies, figures.replies)
        checks += check_statuses("status", expect.statuses, figures.statuses)
        checks += check_amounts("receipt", expect.receipts, figures.receipts)
        if not expect.statuses:
            checks += check_amount("refused", 0, figures.answered - figures.accepted)
        return checks


class _Lane:
    """One bind in a thread of its own."""

    def __init__(self, run: SmpplibRun, number: int) -> None:
        self.ended = time.monotonic()
        self._run, self._number = run, number
        settings = run.scenario.esme
        rng = random.Random(run.scenario.seed + number)
        self._source = compile_pattern(settings.source, rng)
        self._destination = compile_pattern(settings.destination, rng)
        self._waiting: dict[int, float] = {}
        self._pieces: deque[tuple[str, str, wording.Segment]] = deque()
        self._accepted = 0
        self._receipts = 0
        self._answered_at = self.ended

    def run(self) -> None:
        """Bind, send, await, unbind."""
        import smpplib.client
        import smpplib.exceptions

        settings = self._run.scenario.esme
        client = smpplib.client.Client(
            settings.host, settings.port, timeout=settings.limit_s, allow_unknown_opt_params=True
        )
        client.set_message_received_handler(self._received)
        client.set_message_sent_handler(self._answered)
        client.set_error_pdu_handler(self._answered)
        try:
            client.connect()
            bind = {"tx": client.bind_transmitter, "trx": client.bind_transceiver}
            bind[settings.bind](system_id=settings.system_id.format(n=self._number), password=settings.password)
            self._run.count("binds")
            self._send(client)
            client.unbind()
        except (smpplib.exceptions.PDUError, smpplib.exceptions.ConnectionError, OSError) as wrong:
            self._run.problem(str(wrong) or type(wrong).__name__)
        finally:
            self._run.count("unanswered", len(self._waiting))
            client.disconnect()

    def _send(self, client: "Client") -> None:
        settings = self._run.scenario.esme
        sending, settled_by = True, 0.0
        number: int | None = None
        while True:
            client.poll(auto_send_enquire_link=False)
            while sending and len(self._waiting) < settings.window:
                if number is None and not self._pieces:
                    number = self._run.take()
                    if number is None:
                        sending = False
                        break
                if number is not None and self._early(number):
                    break
                if number is not None:
                    self._write(number)
                    number = None
                self._submit(client)
            now = time.monotonic()
            if self._waiting:
                if now - next(iter(self._waiting.values())) > settings.limit_s:
                    break
            elif not sending:
                self.ended = max(self.ended, self._answered_at)
                settled_by = settled_by or now + settings.settle_s
                awaited = settings.registered_delivery & 3 == 1 and settings.bind == "trx"
                if not awaited or self._receipts >= self._accepted or now > settled_by:
                    break
            select.select([client._socket], [], [], 0.001 if number is not None else _SLICE_S)

    def _early(self, number: int) -> bool:
        rate = self._run.scenario.esme.rate
        return rate is not None and time.monotonic() < self._run.started + number / rate

    def _write(self, number: int) -> None:
        settings = self._run.scenario.esme
        source, destination = self._source(number), self._destination(number)
        pieces = wording.segments(
            self._run.text(number),
            settings.encoding,
            data_coding=settings.data_coding,
            long=settings.long,
            reference=number + 1,
        )
        self._pieces.extend((source, destination, piece) for piece in pieces)

    def _submit(self, client: "Client") -> None:
        settings = self._run.scenario.esme
        source, destination, piece = self._pieces.popleft()
        (source_ton, source_npi), (dest_ton, dest_npi) = guess_ton_npi(source), guess_ton_npi(destination)
        optional: dict[str, Any] = {
            _TLV_NAMES[tag]: value if tag == 0x0424 else int.from_bytes(value, "big") for tag, value in piece.tlvs
        }
        sent = client.send_message(
            source_addr_ton=source_ton if settings.source_ton is None else settings.source_ton,
            source_addr_npi=source_npi if settings.source_npi is None else settings.source_npi,
            source_addr=source,
            dest_addr_ton=dest_ton if settings.dest_ton is None else settings.dest_ton,
            dest_addr_npi=dest_npi if settings.dest_npi is None else settings.dest_npi,
            destination_addr=destination,
            short_message=piece.octets,
            data_coding=piece.data_coding,
            esm_class=piece.esm_class | settings.esm_class,
            registered_delivery=settings.registered_delivery,
            **optional,
        )
        self._waiting[sent.sequence] = time.monotonic()
        self._run.count("sent")

    def _answered(self, pdu: Any) -> None:
        # WHY pop: smpplib tells of an answer with a status twice, as an error and as an answer.
        sent_at = self._waiting.pop(pdu.sequence, None)
        if sent_at is None:
            return
        self._answered_at = time.monotonic()
        status = int(pdu.status)
        self._accepted += status == 0
        self._run.answer(status, self._answered_at - sent_at)

    def _received(self, pdu: Any) -> None:
        octets = pdu.short_message or b""
        if pdu.esm_class & 0x3C in _RECEIPT_TYPES:
            self._receipts += 1
            found = _STATE.search(octets)
            self._run.receipt(found[1].decode("ascii").upper() if found else "?")
        else:
            self._run.count("replies")
