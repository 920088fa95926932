"""Another key of persons while traffic runs and through a kill: who refused stays refused at every step, on the wire,
and what was counted and listed under the former key still counts.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.control import call
from proxy.evidence.records import Decision, Note
from tests.tools.raw_esme import RawEsme
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, make_template, reply, text
from tests.wire.people import IMPORTED, PERSONS, registry

pytestmark = pytest.mark.wire

ROOT = Path(__file__).resolve().parents[2]
REFUSED, LISTED, OFTEN = 0x0429, 0x042B, 0x0441
MANY = 3000
CAP = """
[[frequency]]
purposes = ["marketing"]
channels = ["sms", "voice"]
most = 3
hours = 24
basis = "product default"
"""


def crowd(number: int) -> str:
    return f"86150{number:08}"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry with many who refused."""
    told = {"institution": "jianglan", "at": "2026-06-01", "source": "hotline", "label": "虚构"}
    many = [{"recipient": crowd(number).removeprefix("86"), **told} for number in range(MANY)]
    return make_template(tmp_path_factory.mktemp("crowd") / "template", registry(suppressions=many))


@pytest.fixture
async def house(crowded: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with House(crowded, tmp_path) as made:
        pack = made.folder / "own.toml"
        pack.write_text((ROOT / "config/packs/cn-open.toml").read_text("utf-8") + CAP, "utf-8")
        made.configure(policy={"pack": str(pack), "packs": []})
        yield made


async def keys(house: House, verb: str, *more: str) -> dict[str, Any]:
    code, out, err = await house.command("keys", verb, *more, "--json")
    assert code == 0, err
    found: dict[str, Any] = json.loads(out)
    return found


async def status_now(house: House) -> dict[str, Any]:
    """Without the time that a command takes to start."""
    return await asyncio.to_thread(call, house.state / "control.sock", "keys.status", {})


async def statuses(esme: RawEsme, *persons: str) -> list[int]:
    return [(await esme.request(SUBMIT_SM, text(to=person))).status for person in persons]


async def test_who_refused_stays_refused_while_everybody_is_moved(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    counted, listed, heard, late = PERSONS[1:5]
    assert await statuses(esme, counted, counted) == [0, 0]
    donotcall = house.folder / "list.csv"
    donotcall.write_text(f"number\n{listed}\n")
    words = ("donotcall", "import", donotcall, "--name", "own", "--dated", "2026-01-01", "--source", "x")
    assert (await house.command(*words, "--channels", "sms"))[0] == 0
    assert (await house.hear("jl", reply("TD", person=heard))).status == 0
    former = (await keys(house, "status"))["key"]

    made = await keys(house, "rotate", "--by", "甲（虚构）")
    assert made["key"] != former
    number, seen, killed = 0, set(), False
    while (status := await status_now(house))["state"] != "moved":
        number += 97
        assert await statuses(esme, crowd(number % MANY), IMPORTED, heard, listed) == [REFUSED] * 3 + [LISTED]
        seen.add(status["state"])
        if status["state"] == "moving" and not killed:
            killed = True
            assert (await house.hear("jl", reply("TD", person=late))).status == 0
            await house.kill()
            await house.start()
            esme = await house.bind("jl")
            assert (await status_now(house))["state"] in ("gathering", "moving")
            assert await statuses(esme, late) == [REFUSED]
    assert (killed, status["former"], status["key"]) == (True, former, made["key"])

    # All are found, before and after a restart; a file of before is of use still, contacts count on.
    for _ in range(2):
        sample = [crowd(place) for place in range(0, MANY, 50)]
        assert await statuses(esme, *sample, IMPORTED, heard, late) == [REFUSED] * (len(sample) + 3)
        assert await statuses(esme, listed) == [LISTED]
        await house.kill()
        await house.start()
        esme = await house.bind("jl")
    assert await statuses(esme, counted, counted) == [0, OFTEN]
    assert await statuses(esme, PERSONS[6]) == [0]
    state = house.state / "keys"
    assert sorted(path.name for path in state.iterdir() if "person" in path.name) == ["person.key", "person.key.former"]

    # Not retired while something needs it.
    code, _, err = await house.command("keys", "retire", "--by", "乙（虚构）")
    assert (code, "own.base" in err) == (1, True)
    assert (await house.command("donotcall", "remove", "own"))[0] == 0
    code, _, err = await house.command("keys", "retire", "--by", "乙（虚构）")
    assert (code, "contacts are counted" in err) == (1, True)
    # Records name the key that their pseudonym is of.
    assert {one.key_id for one in house.decisions() if isinstance(one, Decision)} == {
        int(former, 16),
        int(made["key"], 16),
    }
    topics = [one.topic for one in house.records() if isinstance(one, Note)]
    assert [topic for topic in topics if topic.startswith("keys.")] == ["keys.rotated", "keys.moved"]
    code, out, _ = await house.command("suppress", "list", "--recipient", heard, "--json")
    assert (code, len(json.loads(out)["rows"])) == (0, 1)
    await house.end()
