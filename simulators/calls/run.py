"""One run of the commands `uac` and `uas`: call or answer, count, check.

Owns the order of a run. Must never print but through what it is given.
"""

import asyncio
import ssl
from collections.abc import Callable

from simulators.calls.figures import CallFigures
from simulators.calls.load import CallLoad, Numbers
from simulators.calls.settings import CallStep
from simulators.calls.uac import Uac
from simulators.calls.uas import Uas
from simulators.expectations import Check, Expect, check_amount, check_amounts, read_status
from simulators.report import Live, Summary
from simulators.scenario import Scenario


class UacRun:
    """A run of a scenario in the role of who calls."""

    def __init__(self, scenario: Scenario, live: Live, tls: ssl.SSLContext | None = None) -> None:
        """Take the scenario; ValueError where patterns are wrong, before anything is sent."""
        self.scenario, self.live = scenario, live
        self.figures = CallFigures()
        self.checks: list[Check] = []
        seed = scenario.seed
        self._uac = Uac(scenario.uac, seed=seed, figures=self.figures, tls=tls)
        self._numbers = Numbers(scenario.uac, seed)
        self._steps = [(step, Numbers(step, seed + place)) for place, step in enumerate(scenario.call, 1)]
        self._load: CallLoad | None = None
        self._stopped = False

    def stop(self) -> None:
        """Begin no more calls, and end those under way."""
        self._stopped = True
        if self._load is not None:
            self._load.stop()
        for call in list(self._uac.under_way):
            call.hang_up()

    async def run(self) -> Summary:
        """Run to the end; a target that refuses or vanishes is a failed check, not an exception."""
        shown = asyncio.create_task(_show(self.live, self.figures))
        try:
            try:
                await self._uac.start()
            except (OSError, TimeoutError) as wrong:
                self.checks.append(Check("connect", False, str(wrong) or type(wrong).__name__))
            else:
                await (self._script() if self._steps else self._send_load())
        finally:
            shown.cancel()
            await self._uac.stop()
            self.live.end()
        self._check()
        return Summary("uac", self.scenario.name, tuple(self.checks), self.figures.as_dict())

    async def _send_load(self) -> None:
        self._load = CallLoad(self._uac, self._numbers)
        if self._stopped:
            self._load.stop()
        await self._load.run()

    async def _script(self) -> None:
        start = self._uac.endpoint.time()
        for place, (step, numbers) in enumerate(self._steps, 1):
            for _ in range(step.repeat):
                if self._stopped:
                    break
                await self._step(place, step, numbers)
        self.figures.seconds = self._uac.endpoint.time() - start

    async def _step(self, place: int, step: CallStep, numbers: Numbers) -> None:
        callee, caller, asserted = numbers.next()
        call = self._uac.call(callee, caller, asserted=asserted, shape=step)
        try:
            await call.ended(self.scenario.uac.limit_s)
        except TimeoutError:
            call.give_up("limit", self._uac.endpoint.time())
        if step.status is not None:
            self.checks.append(_same(f"call {place}", step.status, call.status))
        if step.rule is not None:
            self.checks.append(_same(f"call {place} rule", step.rule, call.rule))

    def _check(self) -> None:
        expect, figures = self.scenario.expect, self.figures
        self.checks += check_amount("lost", 0 if expect.lost is None else expect.lost, figures.lost)
        unanswered = 0 if expect.unanswered is None else expect.unanswered
        self.checks += check_amount("unanswered", unanswered, figures.unanswered)
        self.checks += check_amounts("rule", expect.rules, figures.rules)
        self.checks += _check_both(expect, figures)
        if not expect.statuses and not any(step.status is not None for step, _ in self._steps):
            refused = figures.statuses.total() - figures.answered
            self.checks += check_amount("refused", 0, refused)


class UasRun:
    """A run of a scenario in the role of who answers."""

    def __init__(
        self, scenario: Scenario, live: Live, *, host: str, port: int, tls: ssl.SSLContext | None = None
    ) -> None:
        """Take the scenario; nothing listens yet."""
        self.scenario, self.live = scenario, live
        self.checks: list[Check] = []
        self.uas = Uas(
            scenario.uas,
            scenario.answer,
            host=host,
            port=port,
            seed=scenario.seed,
            tls=tls,
            record=False,
            counting=scenario.expect.nothing_to,
        )
        self._ended = asyncio.Event()

    def stop(self) -> None:
        """End the run."""
        self._ended.set()

    async def run(self, listening: Callable[[str, int], None]) -> Summary:
        """Listen (then tell `listening` host and port), and serve until the scenario's end or `stop`."""
        uas, figures = self.uas, self.uas.figures
        start = uas.endpoint.time()
        listening(uas.host, await uas.start())
        shown = asyncio.create_task(_show(self.live, figures))
        until = asyncio.create_task(self._until())
        try:
            await self._ended.wait()
        finally:
            shown.cancel()
            until.cancel()
            await uas.stop()
            self.live.end()
        figures.seconds = uas.endpoint.time() - start
        self._check()
        return Summary("uas", self.scenario.name, tuple(self.checks), figures.as_dict())

    async def _until(self) -> None:
        until = self.scenario.until
        if until.calls is None and until.duration_s is None:
            return
        if until.calls is None:
            await asyncio.sleep(until.duration_s or 0.0)
        else:
            wanted = until.calls
            try:
                await self.uas.endpoint.watch.until(lambda: self.uas.figures.ended >= wanted, until.duration_s)
            except TimeoutError:
                self.checks.append(Check("until", False, f"not reached in {until.duration_s} s"))
        self.stop()

    def _check(self) -> None:
        expect, uas = self.scenario.expect, self.uas
        self.checks += _check_both(expect, uas.figures)
        for place, number in enumerate(expect.nothing_to, 1):
            found = uas.called_numbers[number]
            self.checks.append(Check(f"nothing_to #{place}", not found, f"expected none, found {found}"))


async def _show(live: Live, figures: CallFigures) -> None:
    while True:
        await asyncio.sleep(live.every_s)
        live.show(figures.line())


def _same(name: str, wanted: object, found: object) -> Check:
    return Check(name, wanted == found, f"expected {wanted}, found {found}")


def _check_both(expect: Expect, figures: CallFigures) -> list[Check]:
    checks = check_amount("calls", expect.calls, figures.calls)
    wanted = {str(read_status(key)): amount for key, amount in expect.statuses.items()}
    checks += check_amounts("status", wanted, {str(status): count for status, count in figures.statuses.items()})
    checks += check_amounts("ended_by", expect.ended_by, figures.ended_by)
    checks += check_amount("pressed", expect.pressed, figures.pressed)
    checks += check_amount("heard", expect.heard, figures.heard)
    return checks
