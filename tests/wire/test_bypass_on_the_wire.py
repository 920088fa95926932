"""A bypass on the real socket: what the hours close passes while it is open, what a person refused never does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.core.ground import OUTCOME_SHADOW
from proxy.evidence.records import Bypass, Decision
from proxy.rules.table import RULE_IDS
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, text
from tests.wire.people import IMPORTED, PERSONS

pytestmark = pytest.mark.wire

REFUSED = 0x0429
FIRST, SECOND = "周明（虚构）", "李岚（虚构）"


async def bypass(house: House, *arguments: str) -> Any:
    """The rows of an answer; the message where it was refused."""
    code, out, err = await house.command("bypass", *arguments, "--json")
    return json.loads(out)["bypasses"] if code == 0 else (code, err)


async def ask(house: House, *more: str) -> str:
    (row,) = await bypass(house, "ask", "--by", FIRST, "--reason", "应急通知受阻", "--minutes", "5", *more)
    return str(row["id"])


async def test_what_hours_close_passes_while_it_is_open_and_the_floor_stays(house: House) -> None:
    await house.start()
    # The institution of this account is always closed; the other's person refused.
    closed, other = await house.bind("zh"), await house.bind("jl")
    message = text("10690301", PERSONS[3])
    before = (await closed.request(SUBMIT_SM, message)).status
    assert before
    one = await ask(house)
    assert (await closed.request(SUBMIT_SM, message)).status == before
    # One person cannot do both.
    code, says = await bypass(house, "approve", one, "--by", " 周 明（虚构）")
    assert code == 1
    assert "two different people" in says
    assert (await closed.request(SUBMIT_SM, message)).status == before
    (row,) = await bypass(house, "approve", one, "--by", SECOND)
    assert row["state"] == "open"
    assert (await closed.request(SUBMIT_SM, message)).status == 0
    assert (await other.request(SUBMIT_SM, text(to=IMPORTED))).status == REFUSED
    status = await house.status(lambda found: found["bypasses"], fresh=True)
    assert status["bypasses"][0]["approved_by"] == SECOND
    # A change of the registry keeps it.
    revision = (await house.status(fresh=True))["revision"]
    code, out, err = await house.command("hold", "add", "number", "10690999", "--reason", "虚构", "--by", FIRST)
    assert code == 0, out + err
    assert (await house.status(fresh=True))["revision"] > revision
    assert (await closed.request(SUBMIT_SM, message)).status == 0
    await bypass(house, "end", one, "--by", FIRST)
    assert (await closed.request(SUBMIT_SM, message)).status == before
    assert await bypass(house, "list") == []
    await house.end()
    marketing = [one for one in house.decisions() if one.account == "zh"]
    assert [(one.effect == 0, one.mode) for one in marketing] == [
        (False, "enforce"),
        (False, "enforce"),
        (False, "enforce"),
        (True, "bypass"),
        (True, "bypass"),
        (False, "enforce"),
    ]
    assert marketing[3].outcomes[RULE_IDS.index("hours.closed")] == OUTCOME_SHADOW
    steps = [(one.step, one.actor) for one in house.records() if isinstance(one, Bypass)]
    assert steps == [("asked", FIRST), ("opened", SECOND), ("ended", FIRST)]
    # The opening is on record before the first message that it let through.
    kinds = [one for one in house.records() if isinstance(one, (Bypass, Decision))]
    opening = next(place for place, one in enumerate(kinds) if isinstance(one, Bypass) and one.step == "opened")
    assert all(not (isinstance(one, Decision) and one.mode == "bypass") for one in kinds[:opening])
    for event in ("bypass.asked", "bypass.opened", "bypass.ended"):
        assert house.logged(event)


async def test_it_is_for_its_account_only_and_a_restart_ends_it(house: House) -> None:
    await house.start()
    closed, other = await house.bind("zh"), await house.bind("jl")
    message = text("10690301", PERSONS[3])
    one = await ask(house, "--account", "jl")
    await bypass(house, "approve", one, "--by", SECOND)
    assert (await closed.request(SUBMIT_SM, message)).status
    assert (await other.request(SUBMIT_SM, text())).status == 0
    two = await ask(house, "--account", "zh")
    await bypass(house, "approve", two, "--by", SECOND)
    assert (await closed.request(SUBMIT_SM, message)).status == 0
    await house.kill()
    await house.start()
    assert await bypass(house, "list") == []
    assert (await (await house.bind("zh")).request(SUBMIT_SM, message)).status
    await house.end()


async def test_what_is_asked_wrongly(house: House) -> None:
    await house.start(policy={"bypass_most_min": 3})
    for minutes, account in (("4", ""), ("0", ""), ("2", "nobody")):
        code, _ = await bypass(house, "ask", "--by", FIRST, "--reason", "x", "--minutes", minutes, "--account", account)
        assert code == 2
    assert (await bypass(house, "approve", "0000", "--by", SECOND))[0] == 1
    await house.end()
