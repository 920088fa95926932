"""Plays all of it once: the pairs on both sockets, then the observables; what came of each is kept for tests and page.

A pair or observable that fails is kept with its reason and stops none of the others.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.requirements.demands import Demands, Refusal, read
from tests.requirements.fields import differing
from tests.requirements.looking import Observable
from tests.requirements.observables import OBSERVABLES
from tests.requirements.pairs import PAIRS, Kind, Pair
from tests.requirements.registry import COLLECTS, DAY
from tests.requirements.stage import Answer, Ask, Stage, but
from tests.wire.house import reply
from tests.wire.people import PERSONS


@dataclass(frozen=True)
class Shown:
    """One pair on one socket: what was answered, or why it does not hold."""

    pair: Pair
    kind: Kind
    differs: str = ""
    permitted: Answer | None = None
    refused: Answer | None = None
    failure: str = ""


@dataclass
class Played:
    """All that came of it."""

    demands: Demands
    shown: list[Shown] = field(default_factory=list)
    #: What `tdgate evidence show` tells of each decision, by its id.
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Each observable with the reason why it was not seen, empty where it was.
    seen: dict[Observable, str] = field(default_factory=dict)

    def failures(self) -> list[tuple[str, str]]:
        """What did not hold, by name, with the reason."""
        pairs = [(f"{one.pair.name} {one.kind}", one.failure) for one in self.shown if one.failure]
        return pairs + [(observable.name, reason) for observable, reason in self.seen.items() if reason]


async def play(folder: Path) -> Played:
    """One process from start to end."""
    async with Stage(folder) as stage:
        await _prime(stage)
        played = await _pairs(stage, PAIRS)
        for observable in OBSERVABLES:
            played.seen[observable] = await _looked(stage, observable)
        await stage.house.end()
        for one in played.shown:
            for answer in (one.permitted, one.refused):
                if answer is not None and answer.decision is not None:
                    played.records[answer.decision.id] = await stage.evidence(answer.decision.id)
    return played


async def play_without(rule: str, folder: Path) -> Played:
    """The pairs of a rule alone, on a process that has not got it."""
    async with Stage(folder, without=rule) as stage:
        await _prime(stage)
        played = await _pairs(stage, tuple(pair for pair in PAIRS if pair.rule == rule))
        await stage.house.end()
    return played


async def _pairs(stage: Stage, pairs: tuple[Pair, ...]) -> Played:
    played = Played(read())
    for pair in pairs:
        for kind in pair.kinds:
            played.shown.append(await _shown(stage, pair, kind, played.demands.refusals[pair.rule]))
    return played


async def _prime(stage: Stage) -> None:
    """What has to have happened before: a reply, preferences, a list, an objection, contacts."""
    await stage.submit(Ask("jl", "10690001", PERSONS[6]))
    answer = await stage.house.hear("jl", reply("TD", "10690001", PERSONS[6]))
    assert answer.status == 0
    await stage.done(
        "preference", "set", PERSONS[2], "--institution", "jianglan", "--declines", "marketing", "--source", "app"
    )
    listed = stage.folder / "listed.csv"
    listed.write_text(f"number\n{PERSONS[3]}\n", encoding="utf-8")
    channels = ("--channels", "sms,voice", "--purposes", "marketing")
    await stage.done(
        "donotcall", "import", listed, "--name", "example", "--dated", "2026-03-01", "--source", "app", *channels
    )
    await stage.done("registry", "dispose", "10690007", "--reason", "虚构", "--by", "主管部门（虚构）")
    for who, source in (("th", "10690161"), ("th", "10690161"), ("th-yl", "10690162")):
        answered = await stage.submit(Ask(who, source, DAY[8], COLLECTS))
        assert answered.status == 0, answered


async def _shown(stage: Stage, pair: Pair, kind: Kind, refusal: Refusal) -> Shown:
    try:
        return await asyncio.wait_for(_tried(stage, pair, kind, refusal), 60)
    except (AssertionError, TimeoutError) as error:
        return Shown(pair, kind, failure=_reason(error))


async def _tried(stage: Stage, pair: Pair, kind: Kind, refusal: Refusal) -> Shown:
    ask: Callable[[Ask], Awaitable[Answer]] = {"submit": stage.submit, "bind": stage.bind, "call": stage.call}[kind]
    permitted = await ask(pair.permitted)
    refused = await ask(but(pair.permitted, pair.field, pair.other))
    names = differing(permitted.fields, refused.fields)
    assert len(names) == 1, f"they differ in {names}"
    decision = permitted.decision
    assert (permitted.status, permitted.reached) == (0, True), f"the permitted one: {permitted}"
    assert decision is None or (decision.effect, decision.rule) == (0, ""), f"the permitted one: {decision}"
    decision = refused.decision
    assert decision is not None, "the refused one has no decision: it was permitted"
    assert (decision.effect, decision.rule, decision.detail) == (1, pair.rule, pair.detail), (
        f"the refused one: {decision}"
    )
    codes = {"submit": refusal.smpp, "bind": refusal.at_bind, "call": refusal.sip}[kind]
    assert refused.status in codes, f"answered {refused.status:#x}, not one of {codes}"
    assert not refused.reached, "the carrier got the refused one"
    if kind == "call":
        assert refused.headers["reason"] == f'Q.850;cause=21;text="{pair.rule}"', refused.headers
        wants = pair.rule in ("hours.closed", "frequency.cap")
        assert bool(refused.headers["retry-after"]) == wants, refused.headers
    if kind == pair.kinds[0]:
        await _is_explained(stage, pair, decision.id)
    return Shown(pair, kind, names[0], permitted, refused)


async def _is_explained(stage: Stage, pair: Pair, decision: int) -> None:
    """`tdgate explain` tells the same of the decision, and cites a row that the pair stands for."""
    told = (await stage.explained(decision))["recorded"]
    assert (told["effect"], told["rule"], told["detail"]) == ("deny", pair.rule, pair.detail), told
    (rule,) = [one for one in told["rules"] if one["rule"] == pair.rule]
    assert {one["row"] for one in rule["demands"]} & {*pair.rows}, f"cites other rows: {rule['demands']}"


async def _looked(stage: Stage, observable: Observable) -> str:
    try:
        await asyncio.wait_for(observable.look(stage), 60)
    except (AssertionError, TimeoutError, KeyError, ValueError) as error:
        return _reason(error)
    return ""


def _reason(error: Exception) -> str:
    return "".join(traceback.format_exception(error, limit=-4))
