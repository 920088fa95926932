"""Registry, packs, code maps and words change while messages pass: none is lost, each is judged by one revision.

Four binds keep some windows full for as long as the changes last. What a message must have got is computed from the
revision and the pack that its own decision names; a message judged by halves of two would disagree with both.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from proxy.control import call
from proxy.evidence.records import Decision, Suppression
from tests.tools.wire import RESP, SUBMIT_SM
from tests.wire.house import House, reply, text
from tests.wire.people import PERSONS

pytestmark = pytest.mark.wire

ROOT = Path(__file__).resolve().parents[2]
CONFIG = ROOT / "config"
OPEN, SHUT, READ_OTHERWISE = 1, 2, 3
CLOSED, DISPOSED, MISMATCH, OTHER_CODE = 0x0440, 0x041A, 0x041C, 0x0466
WORD = "ZQXV"
WINDOW = 8
ROUNDS = 3


class Load:
    """One bind that keeps a window of messages open; the status of each answer, in the order of its submission."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.sent = 0
        self.statuses: list[int] = []
        self._stop = False
        self._step = asyncio.Condition()

    async def run(self) -> None:
        esme = await self._house.bind("jl")
        waiting: list[int] = []
        while not self._stop or waiting:
            while not self._stop and len(waiting) < WINDOW:
                waiting.append(await esme.submit(SUBMIT_SM, text(to=PERSONS[self.sent % 20 + 8])))
                self.sent += 1
            answer = await esme.expect(SUBMIT_SM | RESP)
            waiting.remove(answer.sequence)
            async with self._step:
                self.statuses.append(answer.status)
                self._step.notify_all()
            # WHY: a few hundred a second meet every change, and leave the machine to others.
            await asyncio.sleep(0.002)

    def stop(self) -> None:
        self._stop = True

    async def goes_on(self, more: int = 20) -> None:
        """Returns when so many more were answered."""
        wanted = len(self.statuses) + more
        async with asyncio.timeout(60), self._step:
            await self._step.wait_for(lambda: len(self.statuses) >= wanted)


def write_pack(house: House, version: int, *, wrong: bool = False) -> None:
    shipped = (CONFIG / "packs/cn-open.toml").read_text(encoding="utf-8")
    named = shipped.replace("version = 1", f"version = {version}")
    if version == SHUT:
        named = named.replace('institution = "zehe"', 'institution = "jianglan"')
    if wrong:
        named = named.replace('opens = "00:00"', 'opens = "24:01"', 1)
    (house.folder / "own_pack.toml").write_text(named, encoding="utf-8")


def write_codes(house: House, *, other: bool, wrong: bool = False) -> None:
    shipped = (CONFIG / "codes.toml").read_text(encoding="utf-8")
    if other:
        shipped = shipped.replace('"number.disposed" = "base+0x1A"', f'"number.disposed" = {OTHER_CODE}', 1)
    (house.folder / "own_codes.toml").write_text(shipped + ("no line" if wrong else ""), encoding="utf-8")


def write_words(house: House, *, more: bool, wrong: bool = False) -> None:
    shipped = (CONFIG / "optout.toml").read_text(encoding="utf-8")
    added = f'\n[[optout]]\nlang = "en"\nwords = ["{WORD}"]\n' if more else ""
    (house.folder / "own_words.toml").write_text(
        shipped + added + ("\n[[optout]]\nwords = 1\n" if wrong else ""), encoding="utf-8"
    )


def write_content(house: House, *, other: bool, wrong: bool = False) -> None:
    """The words of messages; with `other` what all these say reads as collection, which their number is not for."""
    shipped = (CONFIG / "content.toml").read_text(encoding="utf-8")
    if other:
        shipped = shipped.replace("[concepts]\n", '[concepts]\nspring = ["春季理财"]\n', 1)
        shipped += '\n[[rules]]\ncategory = "collection"\nweight = 60\nall = ["spring"]\n'
    (house.folder / "own_content.toml").write_text(shipped + ("\n[concept]\n" if wrong else ""), encoding="utf-8")


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(template, tmp_path) as made:
        write_pack(made, OPEN)
        write_codes(made, other=False)
        write_words(made, more=False)
        write_content(made, other=False)
        shutil.copy(CONFIG / "content_model.json", made.folder / "own_content_model.json")
        await made.start(
            policy={
                "pack": made.folder / "own_pack.toml",
                "codes": str(made.folder / "own_codes.toml"),
                "vocabulary": str(made.folder / "own_words.toml"),
                "content": str(made.folder / "own_content.toml"),
            }
        )
        yield made


async def reload(house: House, event: str = "config.reloaded") -> None:
    told = len(house.logged(event))
    house.send_signal(signal.SIGHUP)
    await house.event(event, told + 1)


async def dispose(house: House, verb: str) -> None:
    args = {"address": "10690001", "by": "甲（虚构）", "reason": "试"}
    await asyncio.to_thread(call, house.state / "control.sock", verb, args)


def expected(one: Decision, disposals: dict[int, str]) -> str:
    """What a message must have been told by the one revision and the one pack that its decision names."""
    if disposals.get(one.revision) == "number.dispose":
        return "number.disposed"
    return {SHUT: "hours.closed", READ_OTHERWISE: "purpose.mismatch"}.get(one.pack_version, "")


async def test_each_message_is_judged_by_one_revision_and_none_is_lost(house: House) -> None:
    loads = [Load(house) for _ in range(4)]
    running = [asyncio.create_task(load.run()) for load in loads]
    await loads[0].goes_on()
    for number in range(ROUNDS):
        for change in (partial(dispose, verb="number.dispose"), _shut, partial(dispose, verb="number.restore"), _open):
            await change(house)
            await loads[number].goes_on()
    # The words come with a version of the pack: each decision tells by which of both it was judged.
    for change in (_read_otherwise, _open):
        await change(house)
        await loads[0].goes_on()
    await _broken_files(house, loads[0])
    for load in loads:
        load.stop()
    await asyncio.gather(*running)
    await house.end()
    _check(house, loads)


async def _shut(house: House) -> None:
    write_pack(house, SHUT)
    await reload(house)


async def _read_otherwise(house: House) -> None:
    write_pack(house, READ_OTHERWISE)
    write_content(house, other=True)
    await reload(house)


async def _open(house: House) -> None:
    write_pack(house, OPEN)
    write_content(house, other=False)
    await reload(house)


async def _broken_files(house: House, load: Load) -> None:
    """A broken file of each kind beside whole ones that changed: nothing of it comes into force, and that is told."""
    await dispose(house, "number.dispose")
    await load.goes_on()
    for broken, said in (
        (write_pack, "own_pack.toml"),
        (write_codes, "own_codes.toml"),
        (write_words, "own_words.toml"),
        (write_content, "own_content.toml"),
    ):
        write_codes(house, other=True)
        write_words(house, more=True)
        if broken is write_pack:
            write_pack(house, SHUT, wrong=True)
        elif broken is write_codes:
            write_codes(house, other=True, wrong=True)
        elif broken is write_words:
            write_words(house, more=True, wrong=True)
        else:
            write_content(house, other=True, wrong=True)
        await reload(house, "config.rejected")
        assert said in house.logged("config.rejected")[-1]["reason"]
        before = len(load.statuses)
        await load.goes_on()
        assert set(load.statuses[before:]) == {DISPOSED}
        write_pack(house, OPEN)
        write_content(house, other=False)
    # The same files whole: they are in force for what is asked from then on.
    await house.hear("jl", reply(WORD, person=PERSONS[0]))
    assert house.suppressions() == []
    write_words(house, more=True)
    await reload(house)
    await load.goes_on(WINDOW * 2)
    before = len(load.statuses)
    await load.goes_on()
    assert set(load.statuses[before:]) == {OTHER_CODE}
    await house.hear("jl", reply(WORD, person=PERSONS[0]))
    assert len(await house.record(lambda one: isinstance(one, Suppression))) == 1
    counters = await house.counters()
    assert counters["config.rejected"] >= 4
    # What is in force can be asked; the file may say something else by now.
    write_pack(house, SHUT)
    for words, version in (((), SHUT), (("--running",), OPEN)):
        code, out, err = await house.command("rules", "list", "--json", *words)
        assert (code, json.loads(out)["packs"][0]["version"]) == (0, version), err


def _check(house: House, loads: list[Load]) -> None:
    sent = sum(load.sent for load in loads)
    statuses = Counter(status for load in loads for status in load.statuses)
    assert sum(statuses.values()) == sent
    assert set(statuses) == {0, CLOSED, DISPOSED, MISMATCH, OTHER_CODE}
    decisions = [one for one in house.decisions() if one.account == "jl"]
    assert len(decisions) == len({one.id for one in decisions}) == sent
    with sqlite3.connect(house.state / "registry.db") as store:
        disposals = dict(store.execute("SELECT revision, cause FROM revisions"))
    assert [one.rule for one in decisions] == [expected(one, disposals) for one in decisions]
    assert statuses[0] == sum(not one.rule for one in decisions) == len(house.smsc.of(SUBMIT_SM))
    assert statuses[CLOSED] == sum(one.rule == "hours.closed" for one in decisions)
    assert statuses[MISMATCH] == sum(one.rule == "purpose.mismatch" for one in decisions)
    # Revisions only rise, and each change met traffic.
    revisions = [one.revision for one in decisions]
    assert revisions == sorted(revisions)
    met = {(one.revision, one.pack_version) for one in decisions}
    assert len(met) >= ROUNDS * 4
