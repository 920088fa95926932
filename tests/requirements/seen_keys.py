"""What is seen of the key of persons: another takes its place while traffic runs, and everybody stays who they were."""

from __future__ import annotations

from tests.requirements.looking import Shelf
from tests.requirements.registry import COLLECTS, DAY, NEVER_ASKED
from tests.requirements.stage import Ask, Stage
from tests.wire.people import PERSONS

KEYS = Shelf()


@KEYS.shows(
    "J13",
    "`tdgate keys rotate`: another key of persons takes effect while traffic runs (events `keys.rotated`, "
    "`keys.moved`); who refused, agreed, declined, is listed or objects is found as before, by SMS and by call",
    "`tdgate keys rotate`：不中断业务更换用户密钥（事件 `keys.rotated`、`keys.moved`）；"
    "拒收、同意、偏好、名单与异议在短信与电话上照旧有效",
)
async def another_key_finds_the_same_persons(stage: Stage) -> None:
    asks = [Ask("jl", "10690001", person) for person in (PERSONS[0], PERSONS[5], PERSONS[2], PERSONS[3], NEVER_ASKED)]
    asks.append(Ask("th", "10690161", DAY[5], COLLECTS))
    before = [((await stage.submit(ask)).status, (await stage.call(ask)).status) for ask in asks]
    await stage.done("keys", "rotate", "--by", "王五（虚构）")
    during = [((await stage.submit(ask)).status, (await stage.call(ask)).status) for ask in asks]
    await stage.house.event("keys.rotated")
    await stage.house.event("keys.moved")
    after = [((await stage.submit(ask)).status, (await stage.call(ask)).status) for ask in asks]
    assert before == [(0, 0), (0x0429, 607), (0x042A, 603), (0x042B, 603), (0x0428, 603), (0x042E, 603)]
    assert before == during == after, (before, during, after)
    keys = stage.house.state / "keys"
    assert [(keys / name).exists() for name in ("person.key", "person.key.next", "person.key.former")] == [
        True,
        False,
        True,
    ]
