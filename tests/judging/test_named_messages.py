"""Which message a request by id is about: by the carrier's id, by tdgate's own, or by a pool's; never a stale one."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest

from proxy.core.decision import Permit
from proxy.judging.latest_messages import LatestMessages
from proxy.judging.named_messages import NamedMessages
from proxy.judging.numbers_in_use import NumbersInUse
from proxy.pool.spoken import Spoken, named_in
from proxy.smpp.by_id import OwnMessage
from proxy.smpp.codec import encode
from proxy.smpp.consts import QUERY_SM, REPLACE_SM, SUBMIT_SM
from proxy.smpp.pdu import Pdu
from tests.judging.test_account_gate import House, shared_by_binds
from tests.rules.scene import BASE, PERSON, ROW, build

pytestmark = pytest.mark.unit

KEPT = b"kept-by-tdgate"


class Stalled:
    """An account with one stalled message, `KEPT`, that tdgate still has (b"") or a carrier knows as `carrier_id`."""

    def __init__(self, carrier_id: bytes = b"") -> None:
        self._carrier_id = carrier_id

    def carrier_id(self, name: bytes) -> bytes | None:
        return self._carrier_id if name == KEPT else None

    def asked_about(self, name: bytes, pdu: Pdu, holder: object) -> OwnMessage:
        return OwnMessage(name, b"" if self._carrier_id else b"an answer")


class Names:
    def __init__(self, **known: Spoken) -> None:
        self._known = known

    def find(self, account: str, pdu: Pdu) -> Spoken | None:
        return self._known.get(named_in(pdu.raw).decode())


def query(message_id: bytes) -> Pdu:
    return Pdu(QUERY_SM, 0, 7, encode(QUERY_SM, 0, 7, {"message_id": message_id}))


def replace(message_id: bytes) -> Pdu:
    fields = {"message_id": message_id, "short_message": b"JL Bank, now 3 percent, reply TD"}
    return Pdu(REPLACE_SM, 0, 9, encode(REPLACE_SM, 0, 9, fields))


def named(stalled: Stalled | None = None, names: Names | None = None) -> NamedMessages:
    shared = shared_by_binds()
    shared.stalled = cast(Any, stalled)
    shared.message_ids.add(b"m1")
    made = NamedMessages(shared, may_replace=True)
    made.names = cast(Any, names)
    return made


def asked(made: NamedMessages, message_id: bytes) -> tuple[bytes, bool, bool]:
    """The id that goes on, whether it is the account's, and whether tdgate itself has its name."""
    pdu, known = made.asked_about("jl", query(message_id))
    return named_in(pdu.raw), named_in(pdu.raw) in known, made.own(pdu, cast(Any, None)) is not None


def test_an_id_of_the_carrier_is_the_accounts_where_it_was_given_to_it() -> None:
    assert asked(named(), b"m1") == (b"m1", True, False)
    assert asked(named(), b"m2") == (b"m2", False, False)


def test_a_stalled_message_is_known_by_tdgates_id_and_asked_for_by_the_carriers() -> None:
    assert asked(named(Stalled()), KEPT) == (KEPT, True, True)
    assert asked(named(Stalled(b"c7")), KEPT) == (b"c7", True, True)
    assert asked(named(Stalled()), b"m1") == (b"m1", True, False)


def test_in_a_pool_the_id_is_ours_and_the_carriers_goes_on() -> None:
    made = named(names=Names(ours=Spoken(0xAB, "a", b"c1"), waits=Spoken(0xAC, "", b"", cast(Any, object()))))
    assert asked(made, b"ours") == (b"c1", True, False)
    assert made.spoken is not None
    assert asked(made, b"waits") == (b"waits", True, False)
    # What a carrier calls its messages, and what the mirror remembers, names nothing here.
    assert asked(made, b"c1") == (b"c1", False, False)
    assert asked(made, b"m1") == (b"m1", False, False)
    assert made.spoken is None


def test_a_replacement_is_not_taken_for_the_stalled_message_that_was_asked_about_before() -> None:
    ours = b"%016x" % 0xAB
    made = named(Stalled(), Names(**{ours.decode(): Spoken(0xAB, "a", b"c1")}))
    text = {"source_addr": b"10690001", "dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": PERSON.encode()}
    made._shared.replaceable.put(ours, encode(SUBMIT_SM, 0, 5, {**text, "short_message": b"JL Bank, reply TD"}))
    assert asked(made, KEPT) == (KEPT, True, True)
    pdu, replaced = made.replacement("jl", replace(ours))
    assert named_in(pdu.raw) == b"c1"
    assert replaced is not None
    assert made.own(pdu, cast(Any, None)) is None


def test_numbers_that_several_accounts_use_are_remembered_in_a_pool_only() -> None:
    number = msgspec.structs.replace(ROW, extensible=False)
    house = House(BASE.but("others", (number,)))
    snapshot = build(BASE)[1]
    second = msgspec.structs.replace(BASE.account, id="second")
    snapshot = msgspec.structs.replace(snapshot, accounts={**snapshot.accounts, "second": second})
    verdict = house.gate.judge(Pdu(SUBMIT_SM, 0, 5, encode(SUBMIT_SM, 0, 5, {})), 1)
    assert not isinstance(verdict, Permit)
    assert verdict is not None
    for is_pooled in (False, True):
        latest = LatestMessages()
        numbers = NumbersInUse("first", latest)
        numbers.is_pooled = is_pooled
        numbers.permitted("10690001", verdict.decision, snapshot)
        assert latest.sender(verdict.decision.person, "10690001") == ("first" if is_pooled else None)
        # The memo is of one snapshot.
        numbers.clear()
        assert numbers.uses == {}
