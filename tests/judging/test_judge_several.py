"""A submit_multi at the gate: each destination has a verdict, a record and a token; the permit holds the permitted."""

from __future__ import annotations

import pytest

from proxy.core.decision import Refusal
from proxy.core.purposes import ALL_MARKETING
from proxy.evidence import records
from proxy.judging.numbers_in_use import USED_BY_ONE
from proxy.judging.rate import RateLimit
from proxy.pool.several import Gathered
from proxy.smpp import consts
from proxy.smpp.codec import DistributionList, SmeAddress, encode
from proxy.smpp.pdu import Pdu
from proxy.smpp.several import Several
from proxy.smpp.submit_multi import read_multi
from tests.judging.test_account_gate import REFUSED as CLOSED
from tests.judging.test_account_gate import House, shared_by_binds
from tests.rules.scene import BASE, PERSON, build

pytestmark = pytest.mark.unit

#: The scene's consent is that of PERSON alone: nobody else ever agreed.
STRANGER = "8613900139001"
NEVER, REFUSED, THROTTLED, LIST = 0x0428, 0x0429, 0x58, 0x44


def multi(*to: str, **values: object) -> Pdu:
    listed = [
        DistributionList(one[1:].encode()) if one.startswith("@") else SmeAddress(1, 1, one.encode()) for one in to
    ]
    fields = {"source_addr": b"10690001", "data_coding": 1, "short_message": b"JL Bank, reply TD"} | values
    raw = encode(consts.SUBMIT_MULTI, 0, 5, {**fields, "dest_address": listed}, ((0x1500, b"\0\xff"),))  # type: ignore[arg-type, dict-item]
    return Pdu(consts.SUBMIT_MULTI, 0, 5, raw)


def asked(house: House, pdu: Pdu, in_flight: int = 1) -> Several:
    several = house.gate.judge_several(pdu, in_flight)
    assert isinstance(several, Several)
    return several


def told(several: Several) -> list[tuple[str, int]]:
    return [(each.address.decode(), each.error_status) for each in several.refused]


def sent(several: Several) -> list[str]:
    assert several.permit is not None
    return [each.address.decode() for each in read_multi(several.permit.spend()).destinations]


def test_all_permitted_go_on_as_they_came() -> None:
    house = House()
    pdu = multi(PERSON, "0086" + PERSON[2:], PERSON)
    several = asked(house, pdu)
    assert several.permit is not None
    assert several.permit.spend() == pdu.raw
    assert told(several) == []
    assert [effect for _, effect, _ in house.recorded] == [records.ALLOW] * 3
    assert len({number for number, *_ in house.recorded}) == 3
    assert house.figures == (3, 3, 0, 0)


def test_only_the_permitted_are_in_the_permit_and_each_has_a_record() -> None:
    house = House()
    several = asked(house, multi(STRANGER, PERSON, "@everybody", "12"))
    assert sent(several) == [PERSON]
    assert told(several) == [(STRANGER, NEVER), ("everybody", LIST), ("12", 0x0B)]
    assert [rule for _, _, rule in house.recorded] == ["consent.missing", "", "pdu.unsupported", "address.invalid"]
    # The forwarded permit's decision is the permitted person's own.
    assert several.permit is not None
    assert several.permit.decision.id == house.recorded[1][0] == several.permitted[0][1].id
    assert house.figures == (4, 1, 3, 0)


def test_the_answer_waits_for_every_refusal_on_disk() -> None:
    house = House()
    several = asked(house, multi(STRANGER, PERSON, "@everybody"))
    assert several.waiting == 2
    assert house.told == []
    house.log.written(OSError("no space"))
    # The answer is the refusal even so, and told of once.
    assert house.told == [("several", several)]
    assert several.waiting == 0


def test_nobody_permitted_is_a_refusal_with_the_status_of_the_first() -> None:
    house = House(BASE.but("refused", ALL_MARKETING))
    several = asked(house, multi(PERSON, STRANGER))
    assert several.permit is None
    assert int.from_bytes(several.answer[8:12]) == REFUSED
    assert len(several.answer) == 16
    assert not several.ready
    house.log.written()
    assert several.ready


def test_each_destination_takes_a_token() -> None:
    house = House(shared=shared_by_binds(RateLimit(2)))
    several = asked(house, multi(PERSON, PERSON, PERSON))
    assert sent(several) == [PERSON, PERSON]
    assert told(several) == [(PERSON, THROTTLED)]
    assert several.waiting == 0
    assert house.figures == (3, 2, 0, 1)
    assert told(asked(house, multi(PERSON))) == [(PERSON, THROTTLED)]


def test_a_full_window_throttles_all_of_it() -> None:
    house = House(BASE.but("account.window", 3))
    assert told(asked(house, multi(PERSON, PERSON), 4)) == [(PERSON, THROTTLED)] * 2
    assert sent(asked(house, multi(PERSON, PERSON), 3)) == [PERSON, PERSON]


@pytest.mark.parametrize("change", [{"esm_class": 0x04}, {"protocol_id": 0x40}, {"replace_if_present_flag": 1}])
def test_what_is_found_in_the_message_refuses_it_for_all(change: dict[str, int]) -> None:
    assert asked(House(), multi(PERSON, STRANGER, **change)).permit is None


def test_a_log_without_room_defers_the_whole_and_says_what_was_not_sent() -> None:
    house = House()
    house.log.full = True
    refusal = house.gate.judge_several(multi(PERSON, STRANGER), 1)
    assert isinstance(refusal, Refusal)
    assert refusal.decision.rule == "internal.outbox"
    # Room for the first record only.
    house = House()
    append = house.log.append_octets

    def one_only(octets: bytes) -> bool:
        taken = append(octets)
        house.log.full = True
        return taken

    house.log.append_octets = one_only  # type: ignore[method-assign]
    refusal = house.gate.judge_several(multi(STRANGER, PERSON), 1)
    assert isinstance(refusal, Refusal)
    house.log.written()
    assert house.told == []


def test_permitted_persons_of_a_shared_number_are_remembered() -> None:
    house = House()
    asked(house, multi(PERSON, STRANGER))
    assert house.gate.numbers.uses == {"10690001": USED_BY_ONE}


# ---- in a pool: apart, by carrier -----------------------------------------------------------------------------------


def apart(house: House, pdu: Pdu) -> Gathered:
    house.gate.carrier_of = lambda person, digest: "other" if person.endswith("1") else "mobile"
    several = house.gate.judge_several(pdu, 1)
    assert isinstance(several, Gathered)
    return several


def test_the_subscribers_of_each_carrier_have_a_permit_with_them_alone() -> None:
    house = House()
    several = apart(house, multi("00" + PERSON, STRANGER, PERSON, "12", "@everybody"))
    sent_to = {
        carrier: [each.address.decode() for each in read_multi(group.permit.spend()).destinations]
        for carrier, group in several.groups
        if group.permit is not None
    }
    assert [address for addresses in sent_to.values() for address in addresses] == ["00" + PERSON, PERSON]
    assert told(several) == [(STRANGER, NEVER), ("12", 0x0B), ("everybody", LIST)]
    assert several.shown == several.permitted[0][1].id
    assert several.permit is None


def test_a_single_carrier_gets_what_came() -> None:
    house = House()
    pdu = multi(PERSON, "00" + PERSON)
    ((_, group),) = apart(house, pdu).groups
    assert group.permit is not None
    assert group.permit.spend() == pdu.raw


def test_nobody_permitted_is_refused_and_nothing_goes_on() -> None:
    house = House()
    several = apart(house, multi(STRANGER))
    assert (several.groups, several.shown) == ((), 0)
    assert int.from_bytes(several.answer[8:12]) == NEVER


def test_whoever_refused_meanwhile_is_told_apart() -> None:
    house = House()
    several = apart(house, multi(PERSON, "00" + PERSON))
    last_id, recorded = house.gate._journal.last_id, len(house.recorded)
    assert house.gate.refused_several(several.groups[0][1]) == {}
    house.in_force.snapshot = build(CLOSED)[1]
    assert set(house.gate.refused_several(several.groups[0][1]).values()) == {REFUSED}
    assert (house.gate._journal.last_id, len(house.recorded)) == (last_id, recorded)
