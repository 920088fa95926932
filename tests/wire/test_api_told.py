"""What institutions tell over HTTP, through real sockets: recorded before it is answered, once, for themselves only."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Note
from tests.tools.raw_http import request, send_octets
from tests.tools.wire import SUBMIT_SM
from tests.wire.api_house import ApiHouse
from tests.wire.house import text
from tests.wire.people import PERSONS

pytestmark = pytest.mark.wire

REFUSED, DECLINED = 0x0429, 0x042A
REFUSE = "/api/v1/suppressions"
WRITE = ("suppressions:write", "preferences:write", "preferences:read", "consents:write")


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[ApiHouse]:
    async with ApiHouse(template, tmp_path) as made:
        yield made


def bare(person: str) -> str:
    return person.removeprefix("86")


def told(person: str, **more: Any) -> dict[str, Any]:
    return {"recipient": bare(person), "source": "hotline", **more}


async def test_what_is_told_binds_on_the_wire_and_stands_in_store_and_evidence(house: ApiHouse) -> None:
    await house.open()
    await house.token("jl", "jianglan", *WRITE)
    esme, other = await house.bind("jl"), await house.bind("yx")
    person = PERSONS[1]
    assert (await esme.request(SUBMIT_SM, text(to=person))).status == 0

    answer = await house.ask("jl", "POST", REFUSE, told(person))
    assert (answer.status, answer.json["institution"]) == (201, "jianglan")
    assert answer.json["closes"] == ["marketing/sms", "marketing/voice"]
    assert bare(person) not in answer.body.decode()
    assert (await esme.request(SUBMIT_SM, text(to=person))).status == REFUSED
    assert (await other.request(SUBMIT_SM, text("10690101", person))).status == 0
    (one,) = house.suppressions()
    assert (f"{one.id:016x}", one.source, one.institutions) == (answer.json["receipt"], "hotline", ("jianglan",))

    # A preference, for one and for several; the list shows one's own, masked, and is noted.
    answer = await house.ask("jl", "POST", "/api/v1/preferences", told(PERSONS[2], declines=["marketing"]))
    assert (answer.status, answer.json["declines"]) == (201, ["marketing/sms", "marketing/voice"])
    rows = [told(one, declines=["marketing"], channels=["sms"]) for one in PERSONS[3:5]]
    answer = await house.ask("jl", "POST", "/api/v1/preferences/batch", {"rows": rows})
    assert (answer.status, len(answer.json["rows"])) == (201, 2)
    for one in PERSONS[2:5]:
        assert (await esme.request(SUBMIT_SM, text(to=one))).status == DECLINED
        assert (await other.request(SUBMIT_SM, text("10690101", one))).status == 0
    listed = await house.ask("jl", "GET", "/api/v1/preferences?most=2")
    assert [row["recipient"] for row in listed.json["rows"]] == ["138******02", "138******03"]

    # A consent opens for who has none, and is taken back; neither lifts a refusal.
    nobody = "86138001389"
    stranger = nobody + "01"
    assert (await esme.request(SUBMIT_SM, text(to=stranger))).status == 0x0428
    body = told(stranger, channels=["sms"])
    assert (await house.ask("jl", "POST", "/api/v1/consents", body)).json["opens"] == ["marketing/sms"]
    assert (await esme.request(SUBMIT_SM, text(to=stranger))).status == 0
    assert (await house.ask("jl", "POST", "/api/v1/consents/withdrawals", told(stranger))).status == 201
    assert (await esme.request(SUBMIT_SM, text(to=stranger))).status == 0x0428
    assert (await house.ask("jl", "POST", "/api/v1/consents", told(person, channels=["sms"]))).status == 201
    assert (await esme.request(SUBMIT_SM, text(to=person))).status == REFUSED

    topics = [one.topic for one in house.records() if isinstance(one, Note)]
    for topic in ("preference.told", "preference.listed", "consent.told", "consent.withdrawn", "token.created"):
        assert topic in topics
    await house.end()


async def test_a_key_is_one_telling_however_often_it_comes(house: ApiHouse) -> None:
    await house.open()
    await house.token("jl", "jianglan", *WRITE)
    key = {"headers": {"Idempotency-Key": "call-20261122-0001"}}
    answers = await asyncio.gather(*[house.ask("jl", "POST", REFUSE, told(PERSONS[1]), **key) for _ in range(6)])
    assert {one.status for one in answers} == {201}
    assert len({one.body for one in answers}) == 1
    assert len(house.suppressions()) == 1
    # Written otherwise, the same; another person, not.
    same = {"recipient": f"+86 {bare(PERSONS[1])}", "source": "hotline", "institution": "jianglan"}
    assert (await house.ask("jl", "POST", REFUSE, same, **key)).body == answers[0].body
    other = await house.ask("jl", "POST", REFUSE, told(PERSONS[2]), **key)
    assert (other.status, other.json["field"]) == (409, "Idempotency-Key")
    assert (await house.ask("jl", "POST", "/api/v1/preferences", told(PERSONS[1]), **key)).status == 409
    # After a kill, too; a preference that is repeated does not win over a later one.
    old = {"headers": {"Idempotency-Key": "old"}}
    first = await house.ask("jl", "POST", "/api/v1/preferences", told(PERSONS[3], declines=["marketing"]), **old)
    await house.ask("jl", "POST", "/api/v1/preferences", told(PERSONS[3]))
    await house.kill_all()
    await house.open()
    assert (await house.ask("jl", "POST", REFUSE, told(PERSONS[1]), **key)).body == answers[0].body
    again = await house.ask("jl", "POST", "/api/v1/preferences", told(PERSONS[3], declines=["marketing"]), **old)
    assert again.body == first.body
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[3]))).status == 0
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == REFUSED
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[2]))).status == 0
    store = sqlite3.connect(house.state / "registry.db")
    rows = store.execute("SELECT count(*) FROM suppressions WHERE decision != ''")
    assert rows.fetchone() == (1,)
    await house.end()


async def test_no_refusal_that_was_answered_is_lost_by_a_kill(house: ApiHouse) -> None:
    await house.open()
    await house.token("jl", "jianglan", *WRITE)
    confirmed: list[str] = []
    more = asyncio.Event()

    async def tell(person: str) -> None:
        try:
            answer = await house.ask("jl", "POST", REFUSE, told(person), headers={"Idempotency-Key": person})
        except (OSError, ValueError):
            return
        if answer.status == 201:
            confirmed.append(person)
            more.set()

    for kill in range(3):
        before = len(confirmed)
        persons = [f"8613{kill + 1}0{number:07}" for number in range(40)]
        telling = [asyncio.create_task(tell(person)) for person in persons]
        while len(confirmed) - before < 5 + 4 * kill:
            more.clear()
            await asyncio.wait_for(more.wait(), 60)
        await house.kill_all()
        await asyncio.gather(*telling)
        await house.open()
    esme = await house.bind("jl")
    assert len(confirmed) >= 27
    for person in confirmed:
        assert (await esme.request(SUBMIT_SM, text(to=person))).status == REFUSED
    # Who was answered stands in the evidence, and what was committed before a kill was brought there.
    rows = sqlite3.connect(house.state / "registry.db").execute("SELECT id FROM receipts").fetchall()
    ids = {f"{one.id:016x}" for one in house.suppressions()}
    assert len(rows) >= len(confirmed)
    assert {row[0] for row in rows} <= ids
    await house.end()


async def test_where_the_store_or_the_proxy_is_away_nothing_is_confirmed(house: ApiHouse) -> None:
    await house.open()
    await house.token("jl", "jianglan", *WRITE)
    holding = sqlite3.connect(house.state / "registry.db", isolation_level=None)
    holding.execute("BEGIN IMMEDIATE")
    key = {"headers": {"Idempotency-Key": "k"}}
    answer = await house.ask("jl", "POST", REFUSE, told(PERSONS[1]), **key)
    assert (answer.status, answer.headers["retry-after"]) == (503, "1")
    answer = await house.ask("jl", "POST", "/api/v1/preferences", told(PERSONS[2], declines=["marketing"]))
    assert answer.status == 503
    holding.execute("ROLLBACK")
    holding.close()
    esme = await house.bind("jl")
    # What could not be kept binds all the same; a preference does not.
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[1]))).status == REFUSED
    assert (await esme.request(SUBMIT_SM, text(to=PERSONS[2]))).status == 0
    assert house.suppressions() == []
    assert (await house.ask("jl", "POST", REFUSE, told(PERSONS[1]), **key)).status == 201
    assert len(house.suppressions()) == 1
    (house.state / "control.sock").unlink()
    answer = await house.ask("jl", "POST", REFUSE, told(PERSONS[3]))
    assert (answer.status, "not running" in answer.json["error"]) == (503, True)
    await house.end()


WRONG: dict[str, tuple[Any, int, str]] = {
    "no JSON": (b"{", 400, ""),
    "no object": ([], 400, ""),
    "no UTF-8": (b'{"recipient": "\xff"}', 400, ""),
    "a name twice": (b'{"recipient": "13800138001", "recipient": "13800138002", "source": "app"}', 400, "recipient"),
    "NaN": (b'{"recipient": NaN}', 400, ""),
    "deep": (b"[" * 20_000, 400, ""),
    "no person": ({"source": "app"}, 400, "recipient"),
    "a number as number": ({"recipient": 13800138001, "source": "app"}, 400, "recipient"),
    "Arabic digits": ({"recipient": "١٣٨٠٠١٣٨٠٠١", "source": "app"}, 400, "recipient"),
    "full-width digits": ({"recipient": "１３８００１３８００１", "source": "app"}, 400, "recipient"),
    "an exponent": ({"recipient": "1.38e10", "source": "app"}, 400, "recipient"),
    "no subscriber": ({"recipient": "10086", "source": "app"}, 400, "recipient"),
    "as if by reply": ({"recipient": "13800138001", "source": "reply"}, 400, "source"),
    "service": ({"recipient": "13800138001", "source": "app", "purposes": ["service"]}, 400, "purposes[0]"),
    "no channel": ({"recipient": "13800138001", "source": "app", "channels": []}, 400, "channels"),
    "unknown field": ({"recipient": "13800138001", "source": "app", "lift": True}, 400, "lift"),
    "a number in the note": ({"recipient": "13800138001", "source": "app", "note": "call 13900139000"}, 400, "note"),
    "another institution": ({"recipient": "13800138001", "source": "app", "institution": "yunxiu"}, 403, "institution"),
    "too long": (b'{"note": "' + b"x" * 70_000 + b'"}', 413, ""),
}


async def test_every_wrong_request_is_told_where_and_changes_nothing(house: ApiHouse) -> None:
    await house.open(api={"requests_per_s": 0.01, "requests_at_once": 60})
    await house.token("jl", "jianglan", *WRITE)
    made = await house.token("hotline", "jianglan", "suppressions:write")
    for name, (body, code, field) in WRONG.items():
        answer = await house.ask("jl", "POST", REFUSE, body)
        assert (name, answer.status, answer.json.get("field", "")) == (name, code, field), answer.body
        assert b"13800138001" not in answer.body
    good = told(PERSONS[5])
    assert (await house.ask("nobody", "POST", REFUSE, good)).status == 401
    for header in ("Bearer", "Bearer x", f"Basic {house.tokens['jl']}", f"Bearer {house.tokens['jl'][:-1]}é"):
        answer = await house.ask("", "POST", REFUSE, good, headers={"Authorization": header})
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    answer = await house.ask("hotline", "POST", "/api/v1/preferences", told(PERSONS[5]))
    assert (answer.status, 'scope="preferences:write"' in answer.headers["www-authenticate"]) == (403, True)
    assert (await house.ask("hotline", "GET", "/api/v1/preferences")).status == 403
    for kind in ("text/plain", "application/json; charset=gbk", "application/x-www-form-urlencoded", ""):
        assert (await house.ask("jl", "POST", REFUSE, good, headers={"Content-Type": kind})).status == 415
    assert (await house.ask("jl", "POST", REFUSE, good, headers={"Content-Encoding": "gzip"})).status == 415
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        answer = await house.ask("jl", method, REFUSE)
        assert (answer.status, answer.headers["allow"]) == (405, "POST")
    for path in (REFUSE + "/", REFUSE + "/../consents", REFUSE + "%2f", REFUSE + ";x", "/api/v1//suppressions"):
        assert (await house.ask("jl", "POST", path, good)).status == 404
    assert (await house.ask("jl", "POST", "/api/v1/decisions/1", good)).status == 405
    assert (await house.ask("jl", "POST", REFUSE + "?institution=yunxiu", good)).json["field"] == "?"
    assert (
        await house.ask("jl", "POST", REFUSE, b'{"recipient": "1", "source": "app", "note": "\\ud800"}')
    ).status == 400
    for key in ("", "x" * 65, "a b", "ü"):
        assert (await house.ask("jl", "POST", REFUSE, good, headers={"Idempotency-Key": key})).status == 400
    assert (await house.ask("jl", "GET", "/api/v1/preferences?most=0")).json["field"] == "most"
    assert (await house.ask("jl", "GET", "/api/v1/preferences?after=٣")).status == 400
    # Two tokens, two lengths, a length and chunks, another host: nothing is taken for something else.
    token = house.tokens["jl"]
    line = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    raw = request("POST", REFUSE, line, b"{}")
    doubled = raw.replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {token}\r\n\r\n".encode(), 1)
    assert [one.status for one in await send_octets(house.http_port, doubled)] == [401]
    for extra in (b"Content-Length: 40", b"Transfer-Encoding: chunked"):
        found = await send_octets(house.http_port, raw.replace(b"\r\n\r\n", b"\r\n" + extra + b"\r\n\r\n", 1))
        assert len(found) == 1
        assert all(one.status in (400, 411) for one in found)
    assert (await house.ask("jl", "POST", REFUSE, good, headers={"Host": "evil.example"})).status == 421
    # A revoked token, one that ended, and one that asks too often.
    assert (await house.command("token", "revoke", made["id"], "--by", "管理员（虚构）"))[0] == 0
    assert (await house.ask("hotline", "POST", REFUSE, good)).status == 401
    code, _, err = await house.command(
        "token", "create", "--institution", "jianglan", "--scopes", "export", "--until", "2026-01-01", "--by", "x"
    )
    assert (code, "a day to come" in err) == (2, True)
    last = [await house.ask("jl", "POST", REFUSE, b"") for _ in range(45)]
    assert (last[-1].status, int(last[-1].headers["retry-after"]) > 50) == (429, True)
    assert house.suppressions() == []
    listed = await house.command("token", "list", "--json")
    assert (token in listed[1], '"revoked"' in listed[1]) == (False, True)
    assert token.encode() not in (house.state / "registry.db").read_bytes()
    await house.end()
