"""One run of the command `esme`: bind, send the script or the load, count, check.

Owns the order of a run. Must never print: `report` does.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

from proxy.smpp.pdu import PduError
from simulators.esme import BindKind, BindRefused, Esme
from simulators.expectations import Check, check_amount, check_amounts, check_statuses
from simulators.figures import Figures, status_key
from simulators.inbox import Kind
from simulators.load import Load
from simulators.report import Live, Summary
from simulators.scenario import EsmeSettings, Scenario, Step, read_texts
from simulators.traffic import Traffic
from simulators.watch import Watch


class EsmeRun:
    """A run of a scenario in the role of the ESME."""

    def __init__(self, scenario: Scenario, folder: Path, live: Live, tls: ssl.SSLContext | None = None) -> None:
        """Take the scenario; ValueError or ScenarioError where texts or patterns are wrong, before anything is sent."""
        self.scenario, self.live = scenario, live
        self.figures = Figures()
        self.checks: list[Check] = []
        self.esmes: list[Esme] = []
        self._senders: list[Esme] = []
        self._tls = tls
        self._load: Load | None = None
        self._stopped = False
        self._watch = Watch()
        seed, settings = scenario.seed, scenario.esme
        if settings.bind == "rx" and (scenario.message or settings.duration_s is None):
            raise ValueError("bind rx: a receiver sends nothing; say for how long it listens (duration_s)")
        self._traffic = Traffic(scenario.esme, read_texts(scenario.esme, folder), seed)
        self._steps = [(step, Traffic(step, [], seed + index)) for index, step in enumerate(scenario.message, 1)]
        for step, _ in self._steps:
            if not 0 <= step.bind < scenario.esme.binds:
                raise ValueError(f"message: bind {step.bind} of {scenario.esme.binds}")

    def stop(self) -> None:
        """Send nothing new; the run ends with what is under way."""
        self._stopped = True
        if self._load is not None:
            self._load.stop()

    async def run(self) -> Summary:
        """Run to the end; a target that refuses or vanishes is a failed check, not an exception."""
        shown = asyncio.create_task(self._show())
        try:
            if await self._bind():
                await (self._script() if self._steps else self._send_load())
            await asyncio.gather(*[esme.unbind() for esme in self.esmes])
        finally:
            shown.cancel()
            self.live.end()
        self._check()
        return Summary("esme", self.scenario.name, tuple(self.checks), self.figures.as_dict())

    async def _show(self) -> None:
        while True:
            await asyncio.sleep(self.live.every_s)
            self.live.show(self.figures.line())

    async def _bind(self) -> bool:
        settings = self.scenario.esme
        kinds: tuple[BindKind, ...] = ("tx", "rx") if settings.bind == "tx+rx" else (settings.bind,)
        self.esmes = [
            make_esme(settings, number, kind, self._tls, self._watch)
            for kind in kinds
            for number in range(settings.binds)
        ]
        self._senders = self.esmes[: settings.binds]
        problems = [found for found in await asyncio.gather(*[try_bind(esme.bind) for esme in self.esmes]) if found]
        self.figures.binds = len(self.esmes) - len(problems)
        if problems and self.scenario.expect.binds is None:
            self.checks.append(Check("bind", False, f"{len(problems)} of {len(self.esmes)}: {problems[0]}"))
        return not problems

    async def _send_load(self) -> None:
        settings = self.scenario.esme
        count = settings.count if settings.count is not None or settings.duration_s is not None else 1
        receiving = settings.registered_delivery & 3 == 1 and settings.bind != "tx"
        self._load = Load(
            self.esmes,
            self._traffic,
            self.figures,
            count=count,
            duration_s=settings.duration_s,
            rate=settings.rate,
            limit_s=settings.limit_s,
        )
        await self._load.run(None if receiving else 0, settings.settle_s)

    async def _script(self) -> None:
        start = asyncio.get_running_loop().time()
        for index, (step, traffic) in enumerate(self._steps, 1):
            if self._stopped:
                break
            try:
                await self._step(index, step, traffic)
            except TimeoutError:
                self.figures.unanswered += 1
                self.checks.append(Check(f"message {index}", False, "no answer, or what it waits for did not come"))
            except (ConnectionError, PduError) as wrong:
                self.figures.lost += 1
                self.checks.append(Check(f"message {index}", False, str(wrong)))
                break
        await self._settle()
        self.figures.seconds = asyncio.get_running_loop().time() - start
        for esme in self.esmes:
            for each in esme.received:
                if each.is_receipt:
                    self.figures.receipts[each.state] += 1
                else:
                    self.figures.replies += 1

    async def _step(self, index: int, step: Step, traffic: Traffic) -> None:
        esme, loop = self._senders[step.bind], asyncio.get_running_loop()
        await self._received("reply", step.after_replies, self.scenario.esme.limit_s)
        await self._received("receipt", step.after_receipts, self.scenario.esme.limit_s)
        for _ in range(step.repeat):
            for body in traffic.next():
                sent_at = loop.time()
                self.figures.sent += 1
                result = await esme.submit_body(traffic.command, body)
                self.figures.answered += 1
                self.figures.statuses[result.status] += 1
                self.figures.nacks += result.nacked
                self.figures.latency.add(loop.time() - sent_at)
                if step.status is not None:
                    wanted, found = status_key(step.status), status_key(result.status)
                    self.checks.append(Check(f"message {index}", wanted == found, f"expected {wanted}, found {found}"))

    async def _settle(self) -> None:
        """Wait for the receipts and replies that the scenario expects."""
        expect, settings = self.scenario.expect, self.scenario.esme
        receipts = sum(amount if isinstance(amount, int) else amount.min for amount in expect.receipts.values())
        replies = expect.replies if isinstance(expect.replies, int) else expect.replies.min if expect.replies else 0
        with contextlib.suppress(TimeoutError):
            await self._received("receipt", receipts, settings.settle_s)
            await self._received("reply", replies, settings.settle_s)

    async def _received(self, kind: Kind, count: int, limit_s: float) -> None:
        """Wait until all binds together have received so many."""
        await self._watch.until(lambda: sum(esme.count_of(kind) for esme in self.esmes) >= count, limit_s)

    def _check(self) -> None:
        expect, figures = self.scenario.expect, self.figures
        self.checks += check_amount("binds", expect.binds, figures.binds)
        self.checks += check_amount("lost", 0 if expect.lost is None else expect.lost, figures.lost)
        unanswered = 0 if expect.unanswered is None else expect.unanswered
        self.checks += check_amount("unanswered", unanswered, figures.unanswered)
        self.checks += check_amount("sent", expect.sent, figures.sent)
        self.checks += check_amount("replies", expect.replies, figures.replies)
        self.checks += check_statuses("status", expect.statuses, figures.statuses)
        self.checks += check_amounts("receipt", expect.receipts, figures.receipts)
        if not expect.statuses and not any(step.status is not None for step, _ in self._steps):
            refused = figures.answered - figures.accepted
            self.checks += check_amount("refused", 0, refused)


def make_esme(settings: EsmeSettings, number: int, kind: BindKind, tls: ssl.SSLContext | None, watch: Watch) -> Esme:
    """Make the `number`-th bind of a run."""
    return Esme(
        settings.host,
        settings.port,
        settings.system_id.format(n=number),
        settings.password,
        bind=kind,
        system_type=settings.system_type,
        interface_version=settings.interface_version,
        address_range=settings.address_range,
        window=settings.window,
        tls=tls,
        limit_s=settings.limit_s,
        enquire_link_s=settings.enquire_link_s,
        watch=watch,
    )


async def try_bind(bind: Callable[[], Awaitable[object]]) -> str | None:
    """Bind; returns why it failed, None where it did not."""
    try:
        await bind()
    except BindRefused as refused:
        return str(refused)
    except TimeoutError:
        return "no answer to the bind"
    except (OSError, PduError) as wrong:
        return str(wrong) or type(wrong).__name__
    return None
