"""What the wire decided stands in the evidence, whole after every kind of end; whom or what it was stands nowhere."""

from __future__ import annotations

import json
import signal
from collections import Counter

import pytest

from proxy.evidence.keys import load_signing_key, public_pem
from proxy.evidence.records import Decision, Gap, Start, Stop
from proxy.registry.keys import load_person_key
from tests.tools.wire import BIND_TX, DELIVER_SM, RESP, SUBMIT_SM, pdu
from tests.wire.house import House, reply, tdgate, text
from tests.wire.people import IMPORTED, NOBODY, PASSWORD, PERSONS, TEXT

pytestmark = pytest.mark.wire

#: What is asked, the rule that refuses it, and its status.
ASKED = [
    (text(), "", 0),
    (text("10690999"), "number.unregistered", 0x0418),
    (text(to=IMPORTED), "suppression.active", 0x0429),
    (text(to=NOBODY), "consent.missing", 0x0428),
    (text(to="12"), "address.invalid", 0x0B),
    (text(esm_class=0x04), "pdu.ambiguous", 0x0402),
    (text(schedule="000000010000000R"), "pdu.unsupported", 0x61),
]


async def verified(house: House) -> tuple[int, str]:
    """What `tdgate evidence verify` says to whoever has the log and the public key: exit code and JSON."""
    public = house.folder / "public.pem"
    public.write_bytes(public_pem(load_signing_key(house.state / "keys/evidence.pem").public_key()))
    code, out, err = await tdgate("evidence", "verify", "--json", "--key", public, house.state / "evidence")
    return code, out + err


async def test_a_persons_number_as_the_sender_stands_nowhere_in_clear(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    swapped = PERSONS[0]
    for source in (swapped, swapped.removeprefix("86"), "+" + swapped, f"10690001{swapped.removeprefix('86')}"):
        await esme.request(SUBMIT_SM, text(source, to="10690001"))
    await house.end()  # looks for the number in every file
    digest = load_person_key(house.state / "keys/person.key").person_key.digest(swapped).hex()
    plain = f"138******00#{digest}"
    assert [one.sender for one in house.decisions()] == [plain, plain, plain, f"10690001{plain}"]


async def test_every_decision_stands_in_the_log_once(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    rounds = 30
    for _ in range(rounds):
        for body, _, _ in ASKED:
            await esme.submit(SUBMIT_SM, body)
    wanted = Counter({status: rounds for _, _, status in ASKED})
    statuses = [(await esme.expect(SUBMIT_SM | RESP)).status for _ in range(rounds * len(ASKED))]
    assert Counter(statuses) == wanted
    shown = await house.status(lambda one: sum(count for *_, count in one["decisions"]) == rounds * len(ASKED))
    assert {(rule, count) for _, _, rule, count in shown["decisions"]} == {(rule, rounds) for _, rule, _ in ASKED}
    # Shown with its person masked, and never otherwise.
    assert {row["recipient"] for row in shown["latest"]} == {"138******00", "138******07", "139******01", ""}
    await house.end()
    decisions = house.decisions()
    assert len({one.id for one in decisions}) == len(decisions) == rounds * len(ASKED)
    assert Counter(one.rule for one in decisions) == {rule: rounds for _, rule, _ in ASKED}
    key = load_person_key(house.state / "keys/person.key").person_key
    by_rule = {one.rule: one for one in decisions}
    assert by_rule[""].person == key.digest(PERSONS[0])
    assert by_rule["suppression.active"].person == key.digest(IMPORTED)
    assert by_rule["consent.missing"].person == key.digest(NOBODY)
    code, said = await verified(house)
    assert (code, json.loads(said)["sound"]) == (0, True), said


async def test_a_refusal_is_on_disk_before_it_is_answered(house: House) -> None:
    await house.start(evidence={"linger_ms": 2000})
    esme = await house.bind("jl")
    for number in range(20):
        await esme.submit(SUBMIT_SM, text("10690999", PERSONS[number]))
    for _ in range(20):
        assert (await esme.expect(SUBMIT_SM | RESP)).status == 0x0418
    await house.kill()
    house.check_evidence()
    assert house.refused_by() == ["number.unregistered"] * 20


async def test_a_crash_leaves_a_gap_on_record_and_an_order_leaves_none(house: House) -> None:
    for end in ("kill", "kill", "order", "order"):
        await house.start()
        esme = await house.bind("jl")
        for _ in range(5):
            assert (await esme.request(SUBMIT_SM, text())).status == 0
        if end == "kill":
            await house.kill()
            house.check_evidence()
        else:
            await house.end()
    kinds = [type(one) for one in house.records() if isinstance(one, (Start, Stop, Gap))]
    assert kinds.count(Start) == 4
    assert kinds.count(Stop) == 2
    assert [one.reason for one in house.records() if isinstance(one, Gap)] == ["unclean", "unclean"]
    assert len({one.id for one in house.decisions()}) == len(house.decisions())


async def test_an_altered_log_is_found_by_the_command(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text("10690999"))).status == 0x0418
    await house.end()
    (segment,) = (house.state / "evidence").glob("*.seg")
    octets = segment.read_bytes()
    segment.write_bytes(octets.replace(b"number.unregistered", b"number.unregistereD"))
    code, said = await verified(house)
    assert (code, json.loads(said)["problem"]["code"]) == (1, "altered"), said


async def test_nothing_of_anybody_stands_in_any_file(house: House) -> None:
    """Everything that a person, a sender or a carrier can say, and then a look at the octets of every file."""
    await house.start(log={"level": "debug"}, confirmation={"enabled": True})
    esme = await house.bind("jl")
    session = await house.session("jl")
    for body, _, _ in ASKED:
        await esme.request(SUBMIT_SM, body)
    for octets in (TEXT.encode("utf-16-be"), b"quoted-by-receipt", "春季理财活动".encode("gb18030")):
        await house.hear("jl", reply("", esm_class=4)[:-1] + bytes([len(octets)]) + octets)
    for said in ("TD", "TD 13800138000", "START", "quoted-by-receipt"):
        await house.hear("jl", reply(said))
    for person in ("+86 138-0013-8000", "0086" + PERSONS[1][2:], "17951" + PERSONS[2][2:]):
        await house.hear("jl", reply("TD", person=person[:20]))
    # Broken in the middle of a number, of a text, of a password.
    await esme.request(SUBMIT_SM, text()[:25])
    await session.send(pdu(DELIVER_SM, reply("TD")[:20], sequence=9))
    await (await house.connect()).send(b"GET /?to=13800138000&pass=" + PASSWORD.encode() + b" HTTP/1.1\r\n\r\n")
    guess = await house.connect()
    await guess.bind(PERSONS[0], PASSWORD)
    tx = await house.bind("jl", BIND_TX)
    await tx.request(SUBMIT_SM, text())
    for command in (("registry", "numbers"), ("suppress", "list"), ("registry", "accounts")):
        code, out, err = await house.command(*command)
        assert code == 0
        assert PASSWORD not in out + err
    await house.event("bind.refused")
    status = await house.counters()
    assert status["pdu.malformed"] >= 2
    shown = json.loads(house.status_path.read_bytes())
    assert any(row["person"] == "138******00" for row in shown["refusals"])
    house.check_privacy()
    house.send_signal(signal.SIGTERM)
    assert await house.exit_code() == 0
    house.check_evidence()
    house.check_privacy()
    assert any(isinstance(one, Decision) for one in house.records())
