"""The changes that are tried while traffic passes: each made once or many times, each looked for on the wire.

Owns what is changed and how it shows. Every change leaves the probe's number usable for the next one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from bench.scale import world
from bench.scale.probe import Probe, Seen
from bench.scale.process import ScaleProcess
from proxy.commands.registry_access import ImportRequest

_BY: Final = {"reason": "压测", "by": "压测员（虚构）"}
_SCOPE: Final = {"purposes": ["marketing", "collection"], "channels": ["sms"]}


def refused(status: int) -> bool:
    return status != 0


def accepted(status: int) -> bool:
    return status == 0


class Changes:
    """All kinds of changes on one process; persons are used once each."""

    def __init__(self, process: ScaleProcess, probe: Probe) -> None:
        self._process = process
        self._probe = probe
        self._persons = iter(range(world.PROBE_PERSONS))
        self._numbers = iter(range(10_000))
        #: Whom nobody ever refuses for.
        self._sound = self._person()

    def _person(self) -> str:
        return f"{world.PROBE_PREFIX}{next(self._persons):06d}"

    def _look(self, change: Callable[[], Any], recipient: str, shows: Callable[[int], bool], sender: str = "") -> Seen:
        return self._probe.until(change, sender or world.PROBE_NUMBER, recipient, shows)

    def suppression(self) -> Seen:
        """A refusal that came by the hotline."""
        person = self._person()
        asked = {"recipient": person, "institution": world.JIANGLAN, "purposes": ["marketing"], "source": "hotline"}
        return self._look(lambda: self._process.ask("suppress.add", **asked), person, refused)

    def hold(self) -> Seen:
        """A fraud hold on a number; lifted afterwards."""
        target = {"kind": "number", "target": world.PROBE_NUMBER}
        seen = self._look(lambda: self._process.ask("hold.add", **target, **_BY), self._sound, refused)
        self._process.ask("hold.remove", **target, by=_BY["by"])
        return seen

    def lifted_hold(self) -> Seen:
        """The end of a fraud hold."""
        target = {"kind": "number", "target": world.PROBE_NUMBER}
        self._process.ask("hold.add", **target, **_BY)
        return self._look(lambda: self._process.ask("hold.remove", **target, by=_BY["by"]), self._sound, accepted)

    def number(self) -> Seen:
        """A number that enters the library, from the hand-over of its file on."""
        address = f"1067{next(self._numbers):08}"
        row = {
            "address": address,
            "principal": world.JIANGLAN,
            "operator": world.PROBE_PARTNER,
            "telecom": "示例通信（虚构）",
            "since": world.SINCE,
            "until": world.UNTIL,
            **_SCOPE,
        }
        return self._adopted({"numbers": [row]}, self._sound, accepted, address)

    def entrustment(self) -> Seen:
        """An entrustment that ends, from the hand-over of its file on; given again afterwards."""
        seen = self._adopted(_entrustment("2020-12-31"), self._sound, refused)
        self._import(_entrustment(world.UNTIL))
        return seen

    def refusals(self, count: int) -> tuple[Seen, Seen]:
        """A file of refusals: when the first and the last of its rows bind, from the hand-over on."""
        return self._of_list(count, last=False), self._of_list(count, last=True)

    def _of_list(self, count: int, *, last: bool) -> Seen:
        person = self._person()
        rows = [f"{world.PROBE_PREFIX[:-2]}{n:08d}" for n in range(10_000_000, 10_000_000 + count - 1)]
        rows = [*rows, person] if last else [person, *rows]
        return self._adopted({"suppressions": list(_refusals(rows))}, person, refused)

    def _adopted(
        self, sections: dict[str, Any], recipient: str, shows: Callable[[int], bool], sender: str = ""
    ) -> Seen:
        path = self._process.stage("change.json", sections)
        report, staged = self._process.access.stage(ImportRequest(path), lambda _: None)
        if staged is None:
            raise RuntimeError(f"the file is wrong: {report.problems[:3]}")
        try:
            return self._look(lambda: self._process.access.adopt(staged), recipient, shows, sender)
        finally:
            staged.discard()

    def _import(self, sections: dict[str, Any]) -> None:
        path = self._process.stage("change.json", sections)
        _, changed = self._process.access.take_in(ImportRequest(path), lambda _: None)
        if changed is None:
            raise RuntimeError("the file is wrong")

    # ---- long ones, as an operator runs them: a command of its own beside the process ------------------------------

    def long_refusals(self, count: int) -> Seen:
        """`tdgate suppress import` of so many: from the start of the command until its last row binds."""
        person = self._person()
        path = self._process.folder / "refusals.csv"
        with path.open("w", encoding="utf-8") as file:
            file.write("recipient,institution,at\n")
            for n in range(30_000_000, 30_000_000 + count - 1):
                file.write(f"{world.PROBE_PREFIX[:-2]}{n:08d},{world.JIANGLAN},2024-01-01\n")
            file.write(f"{person},{world.JIANGLAN},2024-01-01\n")
        return self._look(lambda: self._command("suppress", "import", path), person, refused)

    def long_numbers(self, count: int) -> Seen:
        """`tdgate registry import` of so many numbers, all with another period: until its last row binds."""
        address = f"1067{next(self._numbers):08}"
        shared = {"telecom": "示例通信（虚构）", "since": world.SINCE, **_SCOPE}
        rows = [{**world.number_row(n), **shared, "until": "2098-12-31"} for n in range(count - 1)]
        new = {"address": address, "principal": world.JIANGLAN, "operator": world.PROBE_PARTNER, "until": world.UNTIL}
        path = self._process.stage("numbers.json", {"numbers": [*rows, {**shared, **new}]})
        return self._look(lambda: self._command("registry", "import", path), self._sound, accepted, address)

    def _command(self, group: str, command: str, path: Path) -> None:
        asked = [*self._process.command_line(group, command), "--json", str(path)]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{group} {command}: {done.stderr[-300:] or done.stdout[-300:]}")


def _entrustment(until: str) -> dict[str, Any]:
    who = {"institution": world.JIANGLAN, "partner": world.PROBE_PARTNER}
    return {"entrustments": [{**who, **_SCOPE, "since": world.SINCE, "until": until}]}


def _refusals(recipients: list[str]) -> Iterator[dict[str, Any]]:
    for recipient in recipients:
        yield {"recipient": recipient, "institution": world.JIANGLAN, "at": "2024-01-01"}
