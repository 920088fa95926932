"""One run of the commands `smsc` and `handset`: listen, answer, inject, until told to end; then check.

Owns the order of a run. Must never print but through what it is given.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Any

from simulators.expectations import Check, check_amount, check_nothing, check_statuses
from simulators.figures import status_key
from simulators.handset import Handset
from simulators.receipts import standing_clock, wall_clock
from simulators.report import Live, Summary
from simulators.scenario import Reply, Role, Scenario
from simulators.smsc import Smsc
from simulators.traffic import parse_tlvs


class SmscRun:
    """A run of a scenario in the role of an SMSC, with or without people behind it."""

    def __init__(
        self,
        scenario: Scenario,
        role: Role,
        live: Live,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Take the scenario; nothing listens yet."""
        self.scenario, self.role, self.live = scenario, role, live
        self.checks: list[Check] = []
        self.smsc = Smsc(
            scenario.smsc,
            host=host,
            port=port,
            tls=tls,
            seed=scenario.seed,
            record=scenario.expect.of_arrivals,
            clock=wall_clock if scenario.clock is None else standing_clock(scenario.clock),
        )
        self.handset = Handset(scenario.rule, smsc=self.smsc) if role == "handset" else None
        self._ended = asyncio.Event()
        self._replies: set[asyncio.Task[None]] = set()

    def stop(self) -> None:
        """End the run."""
        self._ended.set()

    async def run(self, listening: Callable[[str, int], None]) -> Summary:
        """Listen (then tell `listening` host and port), and serve until the scenario's end or `stop`."""
        start = asyncio.get_running_loop().time()
        port = await self.smsc.start()
        listening(self.smsc.host, port)
        shown = asyncio.create_task(self._show())
        until = asyncio.create_task(self._until())
        self._replies = {
            asyncio.create_task(self._inject(index, reply)) for index, reply in enumerate(self.scenario.reply, 1)
        }
        try:
            await self._ended.wait()
        finally:
            for task in (shown, until, *self._replies):
                task.cancel()
            await self.smsc.stop()
            self.live.end()
        self._check()
        figures = {**self.figures(), "seconds": round(asyncio.get_running_loop().time() - start, 3)}
        return Summary(self.role, self.scenario.name, tuple(self.checks), figures)

    def figures(self) -> dict[str, Any]:
        """Give what was counted so far."""
        counts = self.smsc.counts
        figures: dict[str, Any] = {
            "binds": counts.binds,
            "refused_binds": counts.refused_binds,
            "submits": counts.submits,
            "statuses": {status_key(status): count for status, count in sorted(counts.statuses.items())},
            "receipts": counts.receipts,
            "replies": counts.replies,
            "delivery_answers": {status_key(status): n for status, n in sorted(counts.delivery_answers.items())},
            "malformed": counts.malformed,
        }
        if self.handset is not None:
            figures["answers_sent"] = self.handset.replies
            figures["answers_acknowledged"] = sum(status == 0 for status in self.handset.statuses)
            figures["after_refusal"] = len(self.handset.after_refusal)
        return figures

    async def _show(self) -> None:
        seen = 0
        while True:
            await asyncio.sleep(self.live.every_s)
            counts = self.smsc.counts
            rate = (counts.submits - seen) / self.live.every_s
            seen = counts.submits
            bound = sum(session.bound for session in self.smsc.sessions)
            line = f"bound {bound}  submits {counts.submits}  {rate:.0f}/s  receipts {counts.receipts}"
            line += f"  replies {counts.replies}  answered {counts.delivery_answers.total()}"
            if self.handset is not None:
                line += f"  after refusal {len(self.handset.after_refusal)}"
            self.live.show(line)

    async def _until(self) -> None:
        until, counts = self.scenario.until, self.smsc.counts
        if until.duration_s is None and until.submits is None and until.deliveries_answered is None:
            return
        if until.submits is None and until.deliveries_answered is None:
            assert until.duration_s is not None
            await asyncio.sleep(until.duration_s)
        else:
            submits, answered = until.submits or 0, until.deliveries_answered or 0
            try:
                await self.smsc.watch.until(
                    lambda: counts.submits >= submits and counts.delivery_answers.total() >= answered,
                    until.duration_s,
                )
            except TimeoutError:
                self.checks.append(Check("until", False, f"not reached in {until.duration_s} s"))
        self.stop()

    async def _inject(self, index: int, reply: Reply) -> None:
        await self.smsc.watch.until(lambda: self.smsc.counts.submits >= reply.after_submits, None)
        if reply.after_ms > 0:
            await asyncio.sleep(reply.after_ms / 1000)
        try:
            status = await self.smsc.inject(
                reply.source,
                reply.destination,
                reply.text,
                encoding=reply.encoding,
                data_coding=reply.data_coding,
                system_id=reply.system_id,
                command=reply.command,
                tlvs=parse_tlvs(reply.tlvs),
                limit_s=None,
            )
        except ConnectionError as wrong:
            self.checks.append(Check(f"reply {index}", False, str(wrong)))
            return
        if reply.status is not None:
            wanted, found = status_key(reply.status), status_key(status)
            self.checks.append(Check(f"reply {index}", wanted == found, f"expected {wanted}, found {found}"))

    def _check(self) -> None:
        expect, counts = self.scenario.expect, self.smsc.counts
        done = {check.name for check in self.checks}
        for index, reply in enumerate(self.scenario.reply, 1):
            if reply.status is not None and f"reply {index}" not in done:
                self.checks.append(Check(f"reply {index}", False, "not answered"))
        self.checks += check_amount("submits", expect.submits, counts.submits)
        self.checks += check_amount("binds", expect.binds, counts.binds)
        self.checks += check_statuses("status", expect.statuses, counts.statuses)
        self.checks += check_statuses("delivery answer", expect.delivery_answers, counts.delivery_answers)
        self.checks += check_nothing(expect, self.smsc.arrived)
        if self.handset is not None:
            self.checks += check_amount("replies", expect.replies, self.handset.replies)
            allowed = 0 if expect.after_refusal is None else expect.after_refusal
            self.checks += check_amount("after_refusal", allowed, len(self.handset.after_refusal))
