"""Doubtful replies on the socket: they count at once, wait for a verdict over restarts, leave their text nowhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.tools.wire import SUBMIT_SM, message_body
from tests.wire.house import House, tdgate, text
from tests.wire.people import PERSONS

pytestmark = pytest.mark.wire

REFUSED = 0x0429
DOUBTFUL = "已举报"
CONTRADICTORY = "START TD"


def said(what: str, person: str) -> bytes:
    return message_body(person, "10690001", what.encode("utf-16-be"), data_coding=8, dest_ton=0, source_npi=1)


async def review(house: House, *arguments: str) -> tuple[int, Any]:
    code, out, err = await tdgate("optout", "review", *arguments, "--config", house.config, "--json")
    assert DOUBTFUL not in err
    return code, json.loads(out) if code == 0 else err


async def test_a_doubt_counts_waits_and_ends_or_stays_by_verdict(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    first, second, third = PERSONS[1:4]
    for person, what in ((first, DOUBTFUL), (second, DOUBTFUL), (third, CONTRADICTORY), (first, DOUBTFUL)):
        assert (await house.hear("jl", said(what, person))).status == 0
        assert (await esme.request(SUBMIT_SM, text(to=person))).status == REFUSED
    await house.event("doubt.queued")
    _, found = await review(house, "list")
    assert [row["confidence"] for row in found["rows"]] == [0.6, 0.6, 0.3]
    assert found["rows"][0]["received"] == 2
    shown = json.dumps(found, ensure_ascii=False)
    assert DOUBTFUL not in shown
    assert first not in shown
    # A text is shown by name and reason, and that is noted.
    case, other, contradiction = (str(row["id"]) for row in found["rows"])
    assert (await review(house, "show", case, "--by", "chen", "--reason", "weekly"))[1]["text"] == DOUBTFUL
    assert (await house.event("doubt.shown"))[0]["target"] == case
    # One person ends nothing; one confirms.
    assert (await review(house, "decide", "dismissed", case, "--by", "chen"))[0] == 1
    assert (await review(house, "decide", "dismissed", case, "--by", "chen", "--second", "Chen "))[0] == 1
    assert (await esme.request(SUBMIT_SM, text(to=first))).status == REFUSED
    _, told = await review(house, "decide", "dismissed", case, "--by", "chen", "--second", "zhou", "--reason", "fees")
    assert told["ended"] == ["jianglan"]
    assert (await esme.request(SUBMIT_SM, text(to=first))).status == 0
    assert (await review(house, "decide", "confirmed", other, "--by", "chen"))[1]["state"] == "confirmed"
    # Verdicts and cases stand after a kill.
    await house.kill()
    await house.start()
    esme = await house.bind("jl")
    statuses = [(await esme.request(SUBMIT_SM, text(to=one))).status for one in (first, second, third)]
    assert statuses == [0, REFUSED, REFUSED]
    _, found = await review(house, "list")
    assert [str(row["id"]) for row in found["rows"]] == [contradiction]
    await house.status(lambda status: status["doubts"] == 1)
    assert (await review(house, "decide", "confirmed", case, "--by", "chen"))[0] == 1
    await house.end()
    files = [path for path in house.state.rglob("*") if path.is_file()]
    assert not [path for path in files if DOUBTFUL.encode() in path.read_bytes()]
    assert not [line for line in house.lines if DOUBTFUL in json.dumps(line, ensure_ascii=False)]
    assert [one.source for one in house.suppressions()] == ["doubt"] * 4


async def test_where_a_doubt_counts_as_nothing_only_a_verdict_closes(house: House) -> None:
    await house.start(review={"meanwhile": "none", "most": 1})
    esme = await house.bind("jl")
    for person in PERSONS[1:3]:
        assert (await house.hear("jl", said(DOUBTFUL, person))).status == 0
        assert (await esme.request(SUBMIT_SM, text(to=person))).status == 0
    await house.event("doubt.lost")
    _, found = await review(house, "list")
    (row,) = found["rows"]
    _, told = await review(house, "decide", "confirmed", str(row["id"]), "--by", "chen")
    assert told["closed"] == ["jianglan"]
    statuses = [(await esme.request(SUBMIT_SM, text(to=one))).status for one in PERSONS[1:3]]
    assert statuses == [REFUSED, 0]
    await house.end()
