"""What carriers deliver into a pool: whose it is, when it is answered, how much of it may wait, and what it counts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest

from proxy.core.records import Account
from proxy.judging.attribution import is_used_by_several
from proxy.judging.hearing import Hearing, RefusalStore
from proxy.judging.in_force import InForce
from proxy.judging.latest_messages import Answered, LatestMessages
from proxy.judging.pool_returns import PoolReturns
from proxy.judging.tallies import Arrivals
from proxy.pool.bind import PoolBind
from proxy.smpp.codec import encode
from proxy.smpp.consts import DELIVER_SM, ESME_ROK, ESME_RX_T_APPN
from proxy.smpp.pdu import Pdu
from proxy.smpp.receipt_ids import likely_ids, rewritten
from proxy.smpp.session import Session, Timers
from proxy.smpp.text import DEFAULT_TABLE
from proxy.trail.message import Message
from tests.judging.evidence_double import LogDouble, journal_over
from tests.judging.test_account_gate import CODES, VOCABULARY
from tests.rules.scene import BASE, PERSON, build
from tests.tools.session_play import read_all

pytestmark = pytest.mark.unit

NUMBER = "10690001"
QUIET = Timers(1e9, 1e9, 1e9, 1e9, 1e9)
Then = Callable[[OSError | None], None]


class Spool:
    def __init__(self) -> None:
        self.kept: list[tuple[str, bytes, Then]] = []
        self.full = False

    def put(self, account: str, octets: bytes, then: Then) -> bool:
        if not self.full:
            self.kept.append((account, octets, then))
        return not self.full


class Trail:
    def __init__(self, *messages: Message) -> None:
        self.messages = messages
        self.asked = 0
        self.ended: list[tuple[int, str]] = []

    def of_receipt(self, route: str, written: bytes, likely: Any, person: bytes) -> tuple[Message, ...]:
        self.asked += 1
        return tuple(one for one in self.messages if one.carrier_id == written)

    def final(self, decision_id: int, state: str) -> bool:
        self.ended.append((decision_id, state))
        return True


class Place:
    """A pool with these accounts, one bind, and everything around the returns."""

    def __init__(self, *accounts: Account, messages: tuple[Message, ...] = ()) -> None:
        _, snapshot, now = build(BASE)
        base = next(iter(snapshot.accounts.values()))
        rows = accounts or (named(base, "jl"),)
        snapshot = msgspec.structs.replace(snapshot, accounts={one.id: one for one in rows}, lanes={})
        self.in_force = InForce(snapshot, VOCABULARY, CODES, now)
        self.logged: list[str] = []
        self.latest = LatestMessages()
        journal = journal_over(LogDouble())
        hearing = Hearing(cast(RefusalStore, None), journal, self.latest, lambda *_, **__: None)
        self.spool, self.trail = Spool(), Trail(*messages)
        self.in_flight = 0
        self.counted: dict[str, Arrivals] = {}
        self.ended: list[tuple[str, int]] = []
        nothing: Any = lambda *_: None  # noqa: E731
        self.returns = PoolReturns(
            "pool",
            self.in_force,
            hearing,
            self.trail,
            self.spool,
            {"one": DEFAULT_TABLE},
            likely_ids=likely_ids,
            renamed=rewritten,
            answered=nothing,
            kept=nothing,
            in_flight=lambda _: self.in_flight,
            closed=nothing,
            confirm=nothing,
            withdraw=nothing,
            ended=lambda account, message: self.ended.append((account, message)),
            counted=self.counted.__setitem__,
            parts_wait_s=1.0,
            parts_quiet_s=1.0,
            log=lambda event, **_: self.logged.append(event),
        )
        self.bind = PoolBind("one", Session("smsc", QUIET, 70_000, lambda _: None, 0.0), 10, 10.0)
        self.bind.session.enter("trx")

    def deliver(self, text: bytes, *, person: str = PERSON, number: str = NUMBER, **fields: Any) -> None:
        values = {"source_addr": person.encode(), "source_addr_ton": 1, "source_addr_npi": 1, **fields}
        raw = encode(DELIVER_SM, 0, 1, {**values, "destination_addr": number.encode(), "short_message": text})
        self.returns.take(self.bind, Pdu(DELIVER_SM, 0, 1, raw), 0.0)

    @property
    def answers(self) -> list[int]:
        return [pdu.status for pdu in read_all(bytes(self.bind.session.out.take()))]

    @property
    def accounts(self) -> list[str]:
        return [account for account, _, _ in self.spool.kept]


def named(base: Account, name: str, **fields: Any) -> Account:
    return msgspec.structs.replace(base, id=name, route="pool", **fields)


def base() -> Account:
    return next(iter(build(BASE)[1].accounts.values()))


def test_what_waits_for_the_disk_is_counted_on_its_bind_until_it_is_there() -> None:
    place = Place()
    for _ in range(3):
        place.deliver(b"hello")
    assert place.bind.owed == 3
    assert place.answers == []
    place.spool.kept[0][2](None)
    place.spool.kept[1][2](OSError("full"))
    assert place.bind.owed == 1
    assert place.answers == [ESME_ROK, ESME_RX_T_APPN]
    place.spool.full = True
    place.deliver(b"hello")
    assert (place.bind.owed, place.answers) == (1, [ESME_RX_T_APPN])


def test_a_refusal_that_names_nobody_and_belongs_to_nobody_stays_with_the_carrier() -> None:
    place = Place()
    for text, status in ((b"TD", ESME_RX_T_APPN), (b"thank you", ESME_ROK), (b"START", ESME_ROK)):
        place.deliver(text, person="no number", number="10699999", source_addr_ton=5, source_addr_npi=0)
        assert place.answers == [status], text
    assert place.logged == ["reply.unattributed"] * 3
    # Where the account is certain it gets the words: its institution can find out whose they are.
    place.deliver(b"TD", person="no number", source_addr_ton=5, source_addr_npi=0)
    assert place.accounts == ["jl"]


def test_of_several_accounts_the_one_that_sent_last_gets_the_reply_else_the_first() -> None:
    one = base()
    partner = named(one, "a-partner", operator="yuanlu-tech")
    place = Place(named(one, "jl-b"), named(one, "jl-c"), named(one, "jl-a"))
    assert is_used_by_several(place.in_force.snapshot, NUMBER)
    digest = place.in_force.snapshot.person_key.digest(PERSON)
    place.deliver(b"one")
    place.latest.sent(digest, NUMBER, "jl-c")
    place.deliver(b"two")
    place.latest.sent(digest, NUMBER, "jl-gone")
    place.deliver(b"three")
    assert place.accounts == ["jl-a", "jl-c", "jl-a"]
    assert not is_used_by_several(Place(named(one, "jl-b"), partner).in_force.snapshot, NUMBER)


def test_the_latest_senders_are_forgotten_in_generations() -> None:
    latest = LatestMessages(3)
    for turn in range(7):
        latest.sent(b"%d" % turn, NUMBER, "jl")
    assert [latest.sender(b"%d" % turn, NUMBER) for turn in range(7)] == [None] * 3 + ["jl"] * 4
    assert latest.find(b"6", NUMBER) is None
    latest.remember(b"p", NUMBER, Answered("jianglan", frozenset(("marketing",))), 1)
    assert latest.sender(b"p", NUMBER) is None


def test_receipts_and_replies_are_counted_for_their_account() -> None:
    place = Place(
        messages=(Message(7, "jl", "one", b"c1", bytes(16), 0, ""), Message(8, "yx", "one", b"c2", bytes(16), 0, ""))
    )
    place.deliver(b"hello")
    for text in (b"id:c1 stat:ENROUTE", b"id:c1 stat:DELIVRD", b"id:c2 stat:UNDELIV", b"id:c9 stat:DELIVRD"):
        place.deliver(text, esm_class=4)
    assert {name: (one.replies, one.receipts) for name, one in place.counted.items()} == {"jl": (1, 3), "yx": (0, 1)}
    for _, _, then in place.spool.kept:
        then(None)
    assert place.trail.ended == [(7, "delivered"), (8, "undeliverable")]
    assert place.ended == [("jl", 7), ("yx", 8)]


# ---- receipts before their answers, and ids that are given again ----


def a_receipt(message_id: bytes) -> bytes:
    return b"id:" + message_id + b" submit date:2601010000 done date:2601010000 stat:DELIVRD err:000 text:"


def message(carrier_id: bytes, account: str = "jl", person: bytes = b"p" * 16) -> Message:
    return Message(7, account, "one", carrier_id, person, 0, "")


def test_thousands_of_unknown_receipts_cost_an_answer_nothing_and_lose_none() -> None:
    place = Place()
    place.in_flight = 1
    for number in range(10_000):
        place.deliver(a_receipt(b"%08d" % number), esm_class=4)
    place.deliver(a_receipt(b"4711A"), esm_class=4)
    # One too many is not taken for one about nothing: its carrier keeps it.
    assert place.answers == [ESME_RX_T_APPN]
    asked = place.trail.asked
    place.trail.messages = (message(b"00000042"),)
    place.returns.message_known(place.bind, b"42")
    assert place.trail.asked - asked <= 3
    assert [account for account, _, _ in place.spool.kept] == ["jl"]
    assert place.trail.ended == []
    place.spool.kept[0][2](None)
    assert place.trail.ended == [(7, "delivered")]
    place.returns.message_known(place.bind, b"42")
    assert len(place.spool.kept) == 1
    place.returns.handle_deadline(4.9)
    assert len(place.spool.kept) == 1
    place.returns.handle_deadline(5.1)
    assert len(place.spool.kept) == 10_000


def test_an_early_receipt_in_another_radix_is_found_and_one_of_a_lost_bind_is_not() -> None:
    place = Place()
    place.in_flight = 1
    place.deliver(a_receipt(b"0000001000"), esm_class=4)
    place.trail.messages = (message(b"0000001000"),)
    place.returns.message_known(place.bind, b"3e8")
    assert len(place.spool.kept) == 1
    place.trail.messages = ()
    place.deliver(a_receipt(b"5"), esm_class=4)
    place.returns.bind_lost(place.bind)
    place.returns.handle_deadline(6.0)
    assert len(place.spool.kept) == 1


def test_a_receipt_to_anothers_number_is_not_given_to_whose_message_had_its_id_before() -> None:
    _, snapshot, _ = build(BASE)
    base = next(iter(snapshot.accounts.values()))
    foreign = msgspec.structs.replace(named(base, "yx"), principal="yunxiu", operator="yunxiu")
    place = Place(named(base, "jl"), foreign, messages=(message(b"c1", "yx"),))
    place.deliver(a_receipt(b"c1"), esm_class=4)
    assert [account for account, _, _ in place.spool.kept] == ["jl"]
    # Where nobody owns the number, whoever has the id gets it: carriers write addresses in forms of their own.
    place.deliver(a_receipt(b"c1"), esm_class=4, number="95555")
    assert [account for account, _, _ in place.spool.kept] == ["jl", "yx"]


def test_each_receipt_for_an_address_that_stood_twice_in_a_submit_multi_comes_under_its_one_id() -> None:
    rows = tuple(Message(number, "jl", "one", b"m1", b"p" * 16, 0, "", 7) for number in (7, 8))
    place = Place(messages=rows)
    place.deliver(a_receipt(b"m1"), esm_class=4)
    assert [b"id:%016x " % 7 in octets for _, octets, _ in place.spool.kept] == [True]
