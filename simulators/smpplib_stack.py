"""The same load through smpplib, an implementation that shares nothing with ours: a second opinion on the wire.

Owns the translation from a scenario to smpplib's blocking client, one thread a bind. Must never touch our codec for
what it sends or reads: only `wording` and the patterns are shared. What smpplib cannot do (answer with chosen
statuses, vendor TLVs that it does not know) is refused before anything is sent.
"""

import asyncio
import socket
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

from simulators import wording
from simulators.bodies import guess_ton_npi
from simulators.expectations import Check, check_amount, check_amounts, check_statuses
from simulators.figures import Figures
from simulators.patterns import compile_pattern
from simulators.receipts import read_receipt_text
from simulators.report import Live, Summary
from simulators.scenario import Scenario, ScenarioError, read_texts

_SLICE_S = 0.05
_RECEIPT_TYPES = (0x04, 0x20)


class SmpplibRun:
    """A load of a scenario, sent by smpplib."""

    def __init__(self, scenario: Scenario, folder: Path, live: Live) -> None:
        """Take the scenario; ScenarioError where it asks for what smpplib cannot do, or smpplib is not installed."""
        settings = scenario.esme
        if scenario.message or settings.tlvs or settings.command != "submit_sm":
            raise ScenarioError("stack smpplib: no [[message]], no tlvs and no data_sm")
        try:
            import smpplib.client  # noqa: F401
        except ImportError:
            raise ScenarioError("stack smpplib: smpplib is not installed") from None
        self.scenario, self.live, self.figures = scenario, live, Figures()
        self._texts = read_texts(settings, folder) or [settings.text]
        self._lock = threading.Lock()
        self._taken = 0
        self._stopped = threading.Event()
        self._problems: list[str] = []

    def stop(self) -> None:
        """Send nothing new."""
        self._stopped.set()

    async def run(self) -> Summary:
        """Run to the end."""
        started = time.monotonic()
        lanes = [_Lane(self, number) for number in range(self.scenario.esme.binds)]
        running = asyncio.gather(*[asyncio.to_thread(lane.run) for lane in lanes])
        while not running.done():
            await asyncio.wait([running], timeout=self.live.every_s)
            self.live.show(self.figures.line())
        self.live.end()
        await running
        self.figures.seconds = max(lane.ended for lane in lanes) - started
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
        import random

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
            bind = {"tx": client.bind_transmitter, "rx": client.bind_receiver, "trx": client.bind_transceiver}
            bind[settings.bind](system_id=settings.system_id.format(n=self._number), password=settings.password)
            with self._run._lock:
                self._run.figures.binds += 1
            self._send(client)
            client.unbind()
        except (smpplib.exceptions.PDUError, smpplib.exceptions.ConnectionError, OSError) as wrong:
            self._run.problem(str(wrong) or type(wrong).__name__)
        finally:
            with self._run._lock:
                self._run.figures.unanswered += len(self._waiting)
            client.state = 1  # WHY: keeps smpplib from warning that a bound client disconnects
            client.disconnect()
