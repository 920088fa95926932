"""What a TD may call back: whose it is, when it is over, and that the memory has an end."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import Decision
from proxy.core.ground import Ground
from proxy.core.purposes import Purpose
from proxy.judging.pending import Pending
from proxy.judging.pooled_pending import PooledPending
from proxy.judging.replacing import ReplaceableMessages
from proxy.smpp.codec import decode
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.several import Several
from proxy.smpp.submit_multi import read_multi
from proxy.smpp.withdrawal import HEAD_END, withdrawal_of
from tests.tools.smpp_octets import pdus, submit
from tests.tools.wire import tlv

pytestmark = pytest.mark.unit

ME, YOU = b"m" * 16, b"y" * 16


def decision(number: int, person: bytes = ME, principal: str = "jianglan", purpose: Purpose = "marketing") -> Decision:
    ground = Ground("sms", "jl", "10690001", "allow", "", "", principal, purpose, "p", 1, 1, b"")
    return Decision(number, person, ground)


class OfAPool(PooledPending):
    """Under the name that `Pending` has for it."""

    accepted = PooledPending.keep


def memory(most: int = 100, kept_s: float = 100.0) -> Pending:
    return Pending(MessageIds(100), most, kept_s)


def memory_of_a_pool(most: int = 100, kept_s: float = 100.0) -> OfAPool:
    return OfAPool(most, kept_s)


#: Makes one of either kind.
Made = Callable[..., Pending | OfAPool]
both = pytest.mark.parametrize("made", [memory, memory_of_a_pool])


def taken(pending: Pending | PooledPending, person: bytes = ME, *institutions: str) -> list[tuple[int, bytes]]:
    found = []
    for each in pending.take(person, institutions or ("jianglan",)):
        message_id = decode(each.octets).values["message_id"]
        assert isinstance(message_id, bytes)
        found.append((each.decision_id, message_id))
    return found


@both
def test_only_that_person_and_that_institution_are_called_back_and_once(made: Made) -> None:
    pending = made()
    pending.accepted(b"A1", submit(), decision(1))
    pending.accepted(b"A2", submit(), decision(2, person=YOU))
    pending.accepted(b"A3", submit(), decision(3, principal="yunxiu"))
    pending.accepted(b"A4", submit(), decision(4))
    assert taken(pending) == [(1, b"A1"), (4, b"A4")]
    assert taken(pending) == []
    assert taken(pending, YOU) == [(2, b"A2")]
    assert taken(pending, ME, "xingqiao", "yunxiu") == [(3, b"A3")]


@pytest.mark.parametrize("purpose", ["collection", "legal", "service", "verification"])
def test_only_marketing_is_kept(purpose: Purpose) -> None:
    ids = MessageIds(100)
    pending = Pending(ids, 100, 100.0)
    pending.accepted(b"A1", submit(), decision(1, purpose=purpose))
    assert len(pending) == 0
    assert b"A1" in ids
    of_a_pool = memory_of_a_pool()
    of_a_pool.keep(b"A1", submit(), decision(1, purpose=purpose))
    assert len(of_a_pool) == 0


@both
def test_a_receipt_ends_it(made: Made) -> None:
    pending = made()
    for number, name in enumerate((b"A1", b"A2", b"A3")):
        pending.accepted(name, submit(), decision(number))
    pending.ended((b"A2", b"unknown"))
    pending.age(0)
    pending.ended((b"A3",))
    assert taken(pending) == [(0, b"A1")]
    pending.ended(())


@both
def test_the_memory_has_a_size_and_an_age(made: Made) -> None:
    pending = made(most=10)
    for number in range(1000):
        pending.accepted(b"%d" % number, submit(), decision(number))
        assert len(pending) <= 10
    assert taken(pending)[-1] == (999, b"999")
    pending = made(kept_s=100)
    pending.age(1000)
    pending.accepted(b"A1", submit(), decision(1))
    pending.age(1049)
    pending.age(1051)
    assert len(pending) == 1
    pending.age(1102)
    assert len(pending) == 0


def test_each_person_of_a_submit_multi_is_called_back_alone() -> None:
    listed = b"\1\1\1" + b"8613800138000\0" + b"\1\1\1" + b"8613800138001\0"
    body = b"CMT\0\0\0" + b"10690001\0" + b"\2" + listed + bytes(9) + b"\2TD"
    multi = read_multi((16 + len(body)).to_bytes(4) + bytes((0, 0, 0, 0x21)) + bytes(8) + body)
    permitted = list(zip(multi.destinations, (decision(1), decision(2, person=YOU)), strict=True))
    pending = memory()
    pending.accepted_several(b"M1", Several(None, None, permitted, [], multi.before))  # type: ignore[arg-type]
    (found,) = pending.take(YOU, ("jianglan",))
    assert decode(found.octets).values == {
        "service_type": b"CMT",
        "message_id": b"M1",
        "source_addr_ton": 0,
        "source_addr_npi": 0,
        "source_addr": b"10690001",
        "dest_addr_ton": 1,
        "dest_addr_npi": 1,
        "destination_addr": b"8613800138001",
    }
    assert taken(pending) == [(1, b"M1")]


@given(pdus(("submit_sm", "data_sm")), st.binary(min_size=1, max_size=64).filter(lambda one: 0 not in one))
def test_a_cancel_repeats_the_addresses_and_nothing_of_the_text(raw: bytes, message_id: bytes) -> None:
    sent = decode(raw).values
    found = withdrawal_of(message_id, raw[16:HEAD_END], 1)
    long = any(len(sent[name]) > 20 for name in ("source_addr", "destination_addr"))  # type: ignore[arg-type]
    if found is None:
        assert long
        return
    cancel = decode(found.octets).values
    assert cancel["message_id"] == message_id
    assert {name: cancel[name] for name in cancel if name != "message_id"} == {
        name: sent[name] for name in cancel if name != "message_id"
    }


@given(pdus(("submit_sm", "data_sm")))
def test_a_pool_cancels_with_the_same_octets(raw: bytes) -> None:
    here, there = memory(), memory_of_a_pool()
    here.accepted(b"A1", raw, decision(1))
    there.keep(b"A1", raw, decision(1))
    found = [[each.octets for each in one.take(ME, ("jianglan",))] for one in (here, there)]
    assert found[0] == found[1]


def test_nothing_is_cancelled_by_addresses_alone() -> None:
    assert withdrawal_of(b"", submit()[16:HEAD_END], 1) is None
    assert withdrawal_of(b"A1", b"", 1) is None
    assert withdrawal_of(b"A1", b"\0\0\0106", 1) is None


def test_long_messages_fill_no_memory() -> None:
    of_mirror, of_a_pool = memory(1000), memory_of_a_pool(1000)
    replaceable = ReplaceableMessages(1000, 100.0)
    tracemalloc.start()
    for number in range(100):
        raw = submit(tlvs=tlv(0x1500, bytes(60_000)))
        for pending in (of_mirror, of_a_pool):
            pending.accepted(b"%d" % number, raw, decision(number))
        replaceable.put(b"%d" % number, raw)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 1_000_000
    assert [number for number, _ in taken(of_mirror)] == [number for number, _ in taken(of_a_pool)] == list(range(100))
    assert replaceable.find(b"7") is None
