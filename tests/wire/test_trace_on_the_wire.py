"""A trace on the real socket: both sides, both directions, for its time, on record, and nothing personal in it."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Note
from tests.tools.wire import ENQUIRE_LINK, SUBMIT_SM
from tests.wire.house import SECRETS, House, reply, text
from tests.wire.people import PERSONS

pytestmark = pytest.mark.wire

WHO = "周明（虚构）"


async def trace(house: House, *arguments: str) -> Any:
    code, out, err = await house.command("trace", *arguments, "--json")
    return json.loads(out)["traces"] if code == 0 else (code, err)


def written(file: Path) -> bytes:
    return file.read_bytes()


async def test_one_account_is_traced_for_its_time_and_no_other(house: House) -> None:
    await house.start()
    esme, other = await house.bind("jl"), await house.bind("jl-two")
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    (row,) = await trace(house, "open", "jl", "--seconds", "600", "--by", WHO)
    file = Path(row["file"])
    assert file.parent == house.state / "traces"
    for one in (esme, other):
        assert (await one.request(SUBMIT_SM, text())).status == 0
    assert (await esme.request(ENQUIRE_LINK)).status == 0
    # A bind that comes later is traced too, but not its bind PDU.
    later = await house.bind("jl")
    assert (await later.request(SUBMIT_SM, text())).status == 0
    assert (await house.hear("jl", reply("TD"))).status == 0
    (row,) = await trace(house, "list")
    assert row["pdus"]
    (code, says) = await trace(house, "open", "jl", "--seconds", "5", "--by", WHO)
    assert (code, "already" in says) == (1, True)
    assert (await trace(house, "open", "nobody", "--seconds", "5"))[0] == 2
    await trace(house, "close", "jl", "--by", WHO)
    octets = written(file)
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == 0
    assert written(file) == octets
    assert (await esme.request(SUBMIT_SM, text())).status
    lines = [json.loads(line) for line in octets.splitlines()]
    seen = Counter((one["side"], one["direction"], one["command"]) for one in lines)
    for passed in (("esme", "in", "submit_sm"), ("carrier", "out", "submit_sm")):
        assert seen[passed] == 2
    for passed in (("carrier", "in", "submit_sm_resp"), ("esme", "out", "submit_sm_resp")):
        assert seen[passed] == 2
    assert seen["esme", "in", "enquire_link"] == seen["esme", "out", "enquire_link_resp"] == 1
    assert seen["carrier", "in", "deliver_sm"] == seen["esme", "out", "deliver_sm"] == 1
    assert not [secret for secret in SECRETS if secret in octets]
    # One second, and it ends by itself.
    await trace(house, "open", "jl-two", "--seconds", "1", "--by", WHO)
    await house.event("trace.ended", 2)
    assert await trace(house, "list") == []
    await house.end()
    # One message by its decision, also when nothing runs.
    refused = next(one for one in house.decisions() if one.rule)
    code, out, _ = await house.command("trace", "message", hex(refused.id), "--json")
    assert (code, json.loads(out)["messages"][0]["decision"]["record"]["rule"]) == (0, refused.rule)
    assert (await house.command("trace", "message", "77"))[0] == 1
    traced = [one for one in house.records() if isinstance(one, Note) and one.topic == "trace"]
    notes = [(one.actor, one.text.split()[0]) for one in traced]
    assert notes == [(WHO, "opened"), (WHO, "ended"), (WHO, "opened"), ("", "ended")]
