"""Who may replace what: refused unless the account may, else judged as a whole message with the new text."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxy.core.decision import Permit
from proxy.judging.account_gate import AccountGate
from proxy.judging.replacing import ReplaceableMessages
from proxy.smpp.codec import encode
from proxy.smpp.consts import REPLACE_SM, SUBMIT_SM
from proxy.smpp.pdu import Pdu
from tests.judging.test_account_gate import ALLOWED, House
from tests.judging.test_account_gate import REFUSED as CLOSED
from tests.rules.scene import BASE, PERSON

pytestmark = pytest.mark.unit

FOREIGN = ("deny", "message.foreign", "replace_sm")


def message(text: bytes = b"JL Bank, reply TD", **fields: Any) -> bytes:
    values = {"source_addr": b"10690001", "destination_addr": PERSON.encode(), "dest_addr_ton": 1, "dest_addr_npi": 1}
    return encode(SUBMIT_SM, 0, 5, {**values, "data_coding": 1, "short_message": text, **fields})


def replace(message_id: bytes = b"m1", text: bytes = b"JL Bank, now 3 percent, reply TD", **fields: Any) -> Pdu:
    return Pdu(REPLACE_SM, 0, 9, encode(REPLACE_SM, 0, 9, {"message_id": message_id, "short_message": text, **fields}))


def house(scene: Any = BASE, **message_fields: Any) -> House:
    """A house whose account may replace, and has sent one message that the carrier calls m1."""
    made = House(scene)
    made.gate = gate_of(made)
    decision = made.gate.judge(Pdu(SUBMIT_SM, 0, 5, message()), 1)
    assert decision is not None
    made.gate.accepted(b"m1", message(**message_fields), decision.decision)
    return made


def gate_of(made: House) -> AccountGate:
    account = msgspec.structs.replace(made.gate.account, replace_sm=True)
    snapshot = made.in_force.snapshot
    made.in_force.snapshot = msgspec.structs.replace(snapshot, accounts={account.id: account}, lanes={})
    return AccountGate(
        account,
        made.shared,
        made.in_force,
        made.journal,
        made.hearing,
        made.gate._table,
        purpose_tag=0x1401,
        transmitter=False,
        interface_version=0x34,
        refusal_durable=lambda pdu, refusal: made.told.append(("refusal", pdu, refusal)),
        several_durable=lambda several: None,
        reply_durable=lambda pdu, ok: None,
        confirm=lambda understood: None,
        withdraw=lambda understood: None,
        log=lambda event: None,
    )


def test_an_account_that_may_not_is_refused() -> None:
    made = House()
    assert made.asked(replace())[:2] == ("deny", "pdu.unsupported")


def test_a_replacement_is_judged_whole_and_the_permit_holds_its_own_octets() -> None:
    made = house()
    verdict = made.gate.judge(replace(), 1)
    assert isinstance(verdict, Permit)
    assert verdict.spend() == replace().raw
    assert verdict.decision.person == made.in_force.snapshot.person_key.digest(PERSON)
    # It counts as a message.
    assert made.figures == (2, 2, 0, 0)


@pytest.mark.parametrize(
    ("stored", "asked", "rule"),
    [
        ({}, {"text": b"\xff\xfe"}, "content.undecodable"),
        # Octets that are text in the coding of the replacement's writer, and none in that of the message.
        ({"data_coding": 8}, {"text": b"odd"}, "content.undecodable"),
        ({"data_coding": 4}, {}, "content.undecodable"),
        ({"esm_class": 0x40, "short_message": b"\5\0\3\1\2\1x"}, {"text": b"\5\0\3\1\2\1x"}, "message.partial"),
        ({}, {"schedule_delivery_time": b"261122100000000+"}, "pdu.unsupported"),
        ({}, {"validity_period": b"991122100000000+"}, "pdu.unsupported"),
        ({"source_addr": b"10690999"}, {}, "number.unregistered"),
        ({"destination_addr": b"8613900139001"}, {}, "consent.missing"),
        ({}, {"source_addr": b"10690002"}, "message.foreign"),
        ({}, {"message_id": b"m2"}, "message.foreign"),
        ({}, {"message_id": b""}, "message.foreign"),
    ],
)
def test_what_goes_around_the_policy_is_refused(stored: dict[str, Any], asked: dict[str, Any], rule: str) -> None:
    made = house(**stored)
    assert made.asked(replace(**asked))[1] == rule


def test_a_person_who_refused_meanwhile_gets_no_new_text() -> None:
    made = house()
    account = made.gate.account
    made.use(CLOSED)
    made.in_force.snapshot = msgspec.structs.replace(made.in_force.snapshot, accounts={account.id: account})
    assert made.asked(replace()) == ("deny", "suppression.active", "refused")
    refusal = made.gate.refused_now(replace())
    assert refusal is not None
    assert refusal.decision.rule == "suppression.active"


def test_what_is_forgotten_is_foreign() -> None:
    made = house()
    assert made.asked(replace()) == ALLOWED
    for _ in range(2):
        made.shared.replaceable.age(1e9)
        made.shared.replaceable._turn_at = 0.0
    assert made.asked(replace()) == FOREIGN


def test_at_most_so_many_are_kept() -> None:
    kept = ReplaceableMessages(4, 100.0)
    for number in range(9):
        kept.put(b"%d" % number, message())
    assert [kept.find(b"%d" % number) is not None for number in range(9)] == [False] * 6 + [True] * 3


def test_what_a_pools_carrier_took_is_kept_whole_enough_and_an_unreadable_one_not_at_all() -> None:
    made = house()
    decision = made.gate.judge(Pdu(SUBMIT_SM, 0, 5, message()), 1).decision
    made.gate.pooled(b"p1", message(), decision)
    made.gate.pooled(b"p2", message()[:40], decision)
    assert made.asked(replace(b"p1")) == ALLOWED
    assert made.asked(replace(b"p2")) == FOREIGN
