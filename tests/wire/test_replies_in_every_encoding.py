"""The same reply in each encoding, whole and in parts, gets the same verdict and leaves the right suppressions.

The replies are those of the corpus that the grammar was never corrected by.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from proxy.core.persons import PersonKey
from proxy.judging.uncertain import Review, binding
from proxy.optout_parser import parse
from proxy.registry.keys import load_person_key
from proxy.smpp.gsm import encode_gsm
from tests.tools.shipped import shipped_vocabulary
from tests.tools.simulator_process import listening
from tests.tools.wire import DATA_SM, DELIVER_SM, SUBMIT_SM, data_sm_body, message_body, tlv
from tests.wire.house import House, text
from tests.wire.people import PERSONS, REGISTRY

pytestmark = pytest.mark.wire

CORPUS = Path(__file__).resolve().parents[2] / "data" / "replies"
NUMBER = "10690001"
VOCABULARY = shipped_vocabulary()
Delivery = tuple[int, bytes]
"""Command and body."""
#: Every so many rows: refusals and others of all languages and kinds.
EVERY = 17
PAYLOAD, REFERENCE, TOTAL, SEQUENCE = 0x0424, 0x020C, 0x020E, 0x020F


def blind_replies() -> list[str]:
    rows = [
        json.loads(line)
        for name in ("unread", "blind")
        for line in (CORPUS / f"{name}.jsonl").read_text("utf-8").splitlines()
    ]
    return [row["text"] for row in rows if "message" not in row and 1 < len(row["text"]) < 60][::EVERY]


def refuses(said: str) -> bool:
    found = binding([(said, parse(said, VOCABULARY))], Review())
    return found is not None and found[0].label == "optout"


def closes_sms(said: str) -> bool:
    """Whether no SMS may follow: a refusal of calls may keep them."""
    return refuses(said) and parse(said, VOCABULARY).keeps != "sms"


def whole(who: str, octets: bytes, coding: int, **more: bytes) -> list[Delivery]:
    return [(DELIVER_SM, message_body(who, NUMBER, octets, data_coding=coding, dest_ton=0, source_npi=1, **more))]


def halves(said: str) -> tuple[bytes, bytes]:
    """In the middle of the octets: often within a word, never within a character of the basic plane."""
    octets = said.encode("utf-16-be")
    middle = len(octets) // 4 * 2
    return octets[:middle], octets[middle:]


def by_udh(who: str, said: str, reference: int) -> list[Delivery]:
    parts = [bytes((5, 0, 3, reference, 2, nth)) + half for nth, half in enumerate(halves(said), 1)]
    return [
        (DELIVER_SM, message_body(who, NUMBER, part, data_coding=8, esm_class=0x40, dest_ton=0, source_npi=1))
        for part in parts
    ]


def by_sar(who: str, said: str, reference: int) -> list[Delivery]:
    found = []
    for nth, half in enumerate(halves(said), 1):
        where = tlv(REFERENCE, bytes((0, reference))) + tlv(TOTAL, b"\2") + tlv(SEQUENCE, bytes((nth,)))
        found += whole(who, half, 8, tlvs=where)
    found.reverse()  # The last part comes first.
    return found


WAYS: dict[str, Callable[[str, str, int], list[Delivery] | None]] = {
    "UCS-2": lambda who, said, _: whole(who, said.encode("utf-16-be"), 8),
    "UTF-16 with its mark": lambda who, said, _: whole(who, ("\ufeff" + said).encode("utf-16-be"), 8),
    "GB18030": lambda who, said, _: whole(who, said.encode("gb18030"), 15),
    "GSM 03.38": lambda who, said, _: None if (octets := encode_gsm(said)) is None else whole(who, octets, 0),
    "ASCII": lambda who, said, _: whole(who, said.encode("ascii"), 1) if said.isascii() else None,
    "message_payload": lambda who, said, _: whole(who, b"", 8, tlvs=tlv(PAYLOAD, said.encode("utf-16-be"))),
    "data_sm": lambda who, said, _: [
        (DATA_SM, data_sm_body(who, NUMBER, said.encode("utf-16-be"), data_coding=8))
    ],
    "two parts, UDH": by_udh,
    "two parts, sar": by_sar,
}  # fmt: skip


async def test_each_encoding_whole_and_in_parts_gets_the_verdict_of_the_text(house: House) -> None:
    await house.start(smpp={"mo_parts_wait_ms": 15_000})
    await house.bind("jl")
    replies = blind_replies()
    expected = {said: refuses(said) for said in replies}
    assert 20 < sum(expected.values()) < len(expected) - 20
    people: dict[str, tuple[str, str]] = {}
    session = await house.session("jl")
    waiting: list[tuple[int, int]] = []
    for way, writing in WAYS.items():
        for nth, said in enumerate(replies):
            who = f"86139{len(people):08}"
            deliveries = writing(who, said, nth % 250)
            if deliveries is None:
                continue
            people[who] = (way, said)
            for command, body in deliveries:
                waiting.append((await session.deliver(body, command), command))
        for sequence, command in waiting:
            assert (await session.answered(sequence, command)).status == 0
        waiting.clear()
    await house.end()
    key = person_key(house)
    suppressed = {one.person for one in house.suppressions()}
    wrong = [
        (way, said, expected[said])
        for who, (way, said) in people.items()
        if (key.digest(who) in suppressed) != expected[said]
    ]
    assert wrong == []
    assert {one.institutions for one in house.suppressions()} == {("jianglan",)}


async def test_simulated_people_who_answer_with_blind_replies_leave_exactly_the_right_suppressions(
    house: House, tmp_path: Path
) -> None:
    consenting = [one["recipient"] for one in REGISTRY["consents"] if one["institution"] == "jianglan"]
    people = [one for one in PERSONS if one in consenting][10:]
    replies = blind_replies()[3 :: len(blind_replies()) // len(people)][: len(people)]
    saying = dict(zip(people, replies, strict=False))
    rules = [
        {"to": who, "reply": said, "effect": "refusal" if closes_sms(said) else "none"} for who, said in saying.items()
    ]
    scenario = tmp_path / "people.toml"
    scenario.write_text(
        "".join(
            "[[rule]]\n" + "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in rule.items())
            for rule in rules
        )
    )
    async with listening("handset", "--control", "--scenario", scenario) as (run, port):
        await house.start(route={"port": port})
        esme = await house.bind("jl")
        for who in people:
            assert (await esme.request(SUBMIT_SM, text(to=who))).status == 0
        for _ in people:
            await esme.expect(DELIVER_SM)
        statuses = {who: (await esme.request(SUBMIT_SM, text(to=who))).status for who in people}
        assert await run.say(do="stop") == {"event": "stop"}
        code, out, _ = await run.end()
    assert {who for who, status in statuses.items() if status} == {
        who for who, said in saying.items() if closes_sms(said)
    }
    served = json.loads(out.splitlines()[-1])
    assert (code, served["figures"]["after_refusal"]) == (0, 0)
    await house.end()
    key = person_key(house)
    refused = {key.digest(who) for who, said in saying.items() if refuses(said)}
    assert {one.person for one in house.suppressions()} == refused
    assert 3 < len(refused) < len(people) - 3


def person_key(house: House) -> PersonKey:
    return load_person_key(house.state / "keys" / "person.key").person_key
