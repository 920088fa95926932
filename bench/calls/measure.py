"""The calls that are measured on each hop, and the figures that are bound."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from bench.bound_figures import Figure
from bench.calls.hops import Hop
from bench.calls.run import Bench, Result, Task

#: What is measured unless told otherwise.
RATES: Final = (200, 500, 1000)
SECS: Final = 8.0
HELD: Final = 5000
_HOLD_MS: Final = 14_000
_HELD_RATE: Final = 500
_OURS: Final = "tdgate"
#: What sippy's threads can do on one core, and no more.
_SIPPY_RATE: Final = 100


def measure(
    folder: Path,
    hops: Sequence[Hop | None],
    rates: list[int],
    secs: float,
    held: int,
    say: Callable[[str], None] = lambda _: None,
) -> list[Result]:
    """Every hop in turn; None is the two sides without one."""
    bench = Bench(folder)
    found: list[Result] = []
    for hop in hops:
        chosen = [_SIPPY_RATE] if hop is not None and hop.name == "sippy" else rates
        tasks = [Task(f"{rate}/s", rate, int(rate * secs)) for rate in chosen]
        if hop is not None and hop.judges:
            tasks += [Task(f"{rate}/s refused", rate, int(rate * secs), refused=True) for rate in chosen]
        if held and hop is not None:
            tasks.append(Task(f"{held} held", min(_HELD_RATE, chosen[-1]), held, _HOLD_MS))
        for each in bench.run(hop, [Task(each.name.replace("/", "-"), *_rest(each)) for each in tasks]):
            found.append(each)
            say(_line(each))
    return found


def _rest(task: Task) -> tuple[int, int, int, bool]:
    return task.rate, task.calls, task.hold_ms, task.refused


def bound_of(found: list[Result]) -> list[Figure]:
    """The figures of the compiled or plain tdgate, whichever was run as `tdgate`."""
    ours = [each for each in found if each.hop == _OURS and not each.error]
    calls = [each for each in ours if "held" not in each.task and "refused" not in each.task]
    if not calls:
        return []
    fastest = max(calls, key=lambda each: each.rate)
    figures = [Figure(f"CPU of 1,000 calls at {each.rate}/s", each.cpu_s_per_1k, "s", 0.5) for each in calls]
    figures.append(Figure(f"calls that failed at {fastest.rate}/s", fastest.failed_pct, "%", 0.1))
    for each in ours:
        if "refused" in each.task:
            beside = next((one for one in calls if one.rate == each.rate), None)
            if beside is not None and beside.cpu_s_per_1k:
                share = each.cpu_s_per_1k / beside.cpu_s_per_1k
                figures.append(Figure(f"a refused call at {each.rate}/s, of a completed one", share, "", 0.35))
        if "held" in each.task:
            figures.append(Figure(f"memory of a held call, {each.calls} at once", each.kb_a_call, "kB", 10.0))
    return figures


_HEAD: Final = ("hop", "calls", "right", "failed %", "calls/s", "CPU s/1k", "again", "dropped", "kB/call")


def table(found: list[Result]) -> str:
    """For the manual: Markdown."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|---|---|" + "---:|" * (len(_HEAD) - 2)]
    for one in found:
        if one.error:
            lines.append(f"| {one.hop} | {one.task} | {one.error} |" + " |" * (len(_HEAD) - 3))
            continue
        kept = f"{one.kb_a_call:.1f}" if one.kb_a_call else "–"
        cells = [one.hop, one.task, f"{one.right:,}", f"{one.failed_pct:g}", f"{one.calls_per_s:,.0f}"]
        cells += [f"{one.cpu_s_per_1k:.3f}", f"{one.sent_again}", f"{one.dropped}", kept]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _line(one: Result) -> str:
    return table([one]).splitlines()[-1]
