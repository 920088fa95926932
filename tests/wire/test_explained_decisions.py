"""`tdgate explain ID`: what was recorded, what the same question would get today, and where the two differ."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import msgspec
import pytest

from proxy.commands.explain_decision import reopened
from proxy.rules.table import RULE_IDS
from proxy.settings import load
from tests.tools.wire import SUBMIT_SM
from tests.wire.house import House, text
from tests.wire.people import IMPORTED, NOBODY, PERSONS

pytestmark = pytest.mark.wire

REFUSED_LATER = PERSONS[3]


async def explained(house: House, decision_id: int) -> dict[str, Any]:
    found = await asyncio.to_thread(reopened, load(house.config), decision_id)
    assert found is not None
    told: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(found))
    return told


async def test_a_decision_and_what_became_of_its_reasons(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    asked = [
        text(to=REFUSED_LATER),
        text("10690999"),
        text(to=NOBODY),
        text(to=IMPORTED),
        text(esm_class=0x04),
        text(to="12"),
    ]
    for body in asked:
        await esme.request(SUBMIT_SM, body)
    code, _, err = await house.command(
        "suppress", "add", REFUSED_LATER, "--institution", "jianglan", "--source", "hotline"
    )
    assert code == 0, err
    await house.end()
    decisions = house.decisions()
    assert [one.rule for one in decisions] == [
        "",
        "number.unregistered",
        "consent.missing",
        "suppression.active",
        "pdu.ambiguous",
        "address.invalid",
    ]
    found = [await explained(house, one.id) for one in decisions]
    for record, one in zip(decisions, found, strict=True):
        assert [row["rule"] for row in one["compared"]] == list(RULE_IDS)
        assert one["recorded"]["id"] == f"{record.id:016x}"
        assert one["revision_then"] == record.revision
        assert one["packs_then"] == f"{record.pack}@{record.pack_version}"
        text_only = {row["rule"]: row for row in one["compared"]}["pdu.ambiguous"]
        assert (text_only["verdict"], text_only["why"], text_only["today"]) == ("recorded_only", "text", "")
    permitted, unregistered, unconsented, refused, ambiguous, nowhere = found
    # Permitted then, refused today: the person's refusal came in between.
    assert (permitted["recorded"]["effect"], permitted["today"]["rule"]) == ("allow", "suppression.active")
    assert permitted["answer"] == "differs"
    (changed,) = [row for row in permitted["compared"] if row["verdict"] == "differs"]
    assert changed == {
        "rule": "suppression.active", "recorded": "pass", "today": "refuse", "verdict": "differs", "why": "",
    }  # fmt: skip
    row = next(row for row in permitted["today"]["rows"] if row["rule"] == "suppression.active")
    assert any(fact["name"] == "refusal" and "source hotline" in fact["value"] for fact in row["saw"])
    assert {one["row"]: bool(one["en"]) for one in row["demands"]} == {"Z16": True, "Z19": True, "J6": True}
    pseudonym = f"pseudonym {decisions[0].person.hex()}"
    assert {"name": "recipient", "value": pseudonym} in permitted["today"]["saw"]
    for one in (unregistered, unconsented, refused):
        assert (one["answer"], one["today"]["rule"]) == ("same", one["recorded"]["rule"])
        assert all(row["verdict"] != "differs" for row in one["compared"])
    assert (ambiguous["answer"], ambiguous["today"]["rule"]) == ("recorded_only", "")
    # Where the address had no form there was nobody who could have agreed, then as today.
    assert (nowhere["answer"], nowhere["today"]["rule"]) == ("recorded_only", "consent.missing")
    code, out, _ = await house.command("explain", f"{decisions[0].id:x}", "--lang", "zh")
    assert (code, "结论不同" in out) == (0, True), out
    code, out, _ = await house.command("explain", f"{decisions[1].id:x}", "--json")
    assert (code, json.loads(out)) == (0, unregistered)
    code, _, err = await house.command("explain", "dead", "--json")
    assert (code, "no decision" in err) == (1, True)
    code, out, err = await house.command(
        "explain", "sms", "--account", "jl", "--from", "10690001", "--to", PERSONS[0], "--text", "您好", "--json"
    )
    assert code == 0, err
    check_what_was_seen({row["rule"]: row for row in json.loads(out)["rows"]})


def check_what_was_seen(rows: dict[str, Any]) -> None:
    consent = rows["consent.missing"]
    assert (consent["outcome"], consent["unasked"]) == ("pass", "")
    assert any(fact["name"] == "consent" and "basis consent" in fact["value"] for fact in consent["saw"])
    assert any(fact["name"] == "number.row" and "10690001" in fact["value"] for fact in rows["number.expired"]["saw"])
    assert rows["caller.identity"]["unasked"] == "channel"
    assert rows["library.stale"]["unasked"] == "off"
    assert rows["debtor.uninformed"]["unasked"] == "off"
    assert all(row["basis"] and row["demands"] for row in rows.values())
