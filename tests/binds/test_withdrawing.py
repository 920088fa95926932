"""From a refusal to a bind that can carry the cancel: whose, on which, how long it waits, and what is recorded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from proxy.binds.pairs import Bound
from proxy.binds.withdrawing import Withdrawing
from proxy.core.decision import Decision
from proxy.core.ground import Ground
from proxy.core.purposes import Purpose
from proxy.evidence import records
from proxy.judging.hearing import Understood
from proxy.judging.in_force import InForce
from proxy.judging.latest_messages import Answered
from proxy.judging.pending import Pending
from proxy.judging.pooled_pending import PooledPending
from proxy.judging.shared import Shared
from proxy.optout_parser import Reading
from proxy.smpp.concat import Reassembly
from proxy.smpp.long_messages import LongMessages
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.withdrawal import Withdrawal
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import BASE, PERSON, PERSON_KEY, build
from tests.tools.smpp_octets import submit

pytestmark = pytest.mark.unit

MARKETING: frozenset[Purpose] = frozenset(("marketing",))


class Scene:
    """Two accounts of one institution and one of another, each with a message under way to the person."""

    def __init__(self) -> None:
        self.log = LogDouble()
        self.journal = journal_over(self.log)
        in_force = InForce(build(BASE)[1], cast(Any, None), cast(Any, None), 0.0)
        self.withdrawing = Withdrawing(in_force, self.journal)
        self.shared: dict[str, Shared] = {}
        self.sent: list[tuple[str, int]] = []
        for number, (account, principal) in enumerate((("one", "jianglan"), ("two", "jianglan"), ("yx", "yunxiu"))):
            ids = MessageIds(9)
            self.shared[account] = Shared(
                None,
                ids,
                MessageIds(9),
                Pending(ids, 9, 9.0),
                PooledPending(9, 9.0),
                LongMessages(Reassembly(9.0, 9)),
            )
            ground = Ground("sms", account, "1069", "allow", "", "", principal, "marketing", "p", 1, 1, b"")
            self.shared[account].pending.accepted(
                b"%d" % number, submit(), Decision(number, PERSON_KEY.digest(PERSON), ground)
            )

    def bound(self, account: str, *, room: bool = True, withdraw: bool = True, own: bool = False) -> Bound:
        def take(withdrawal: Withdrawal, _: float) -> bool:
            if room:
                self.sent.append((account, withdrawal.decision_id))
            return room

        return cast(
            Bound,
            SimpleNamespace(
                account=SimpleNamespace(id=account),
                own=own,
                route=SimpleNamespace(settings=SimpleNamespace(withdraw=withdraw)),
                relay=SimpleNamespace(withdraw=take, refused=lambda *_: False),
                carrier=account,
            ),
        )

    def refused(self, *bounds: Bound, person: str = PERSON) -> list[Any]:
        reading = Reading("optout", "sms", "TD", 1.0)
        understood = Understood(reading, person, "10690001", (Answered("jianglan", MARKETING),))
        return list(self.withdrawing.refused(understood, self.shared, bounds, 100.0))

    @property
    def kept(self) -> list[int]:
        return [one.id for one in self.log.records if isinstance(one, records.Outcome) and one.result == "kept"]


def test_each_goes_out_on_a_bind_of_its_own_account() -> None:
    scene = Scene()
    assert scene.refused(scene.bound("yx"), scene.bound("two"), scene.bound("one")) == ["one", "two"]
    assert scene.sent == [("one", 0), ("two", 1)]
    assert scene.journal.counters.counts["withdrawal.sent"] == 2
    assert scene.refused(scene.bound("one"), scene.bound("two")) == []


def test_another_person_calls_nothing_back() -> None:
    scene = Scene()
    assert scene.refused(scene.bound("one"), person="8613900139001") == []
    assert scene.sent == []


def test_it_waits_for_room_and_not_for_ever() -> None:
    scene = Scene()
    assert scene.refused(scene.bound("one", room=False), scene.bound("one"), scene.bound("yx")) == ["one"]
    assert scene.withdrawing.go_on([scene.bound("two", room=False)], 129.0) == []
    assert scene.kept == []
    assert scene.withdrawing.go_on([scene.bound("two")], 129.5) == ["two"]
    assert scene.sent == [("one", 0), ("two", 1)]
    scene = Scene()
    scene.refused()
    assert scene.withdrawing.go_on([], 130.0) == []
    assert scene.kept == [0, 1]
    assert scene.journal.counters.counts["withdrawal.failed"] == 2
    assert scene.withdrawing.go_on([scene.bound("one"), scene.bound("two")], 131.0) == []


def test_a_route_may_take_none_and_a_receiver_of_tdgates_own_sends_none() -> None:
    scene = Scene()
    assert scene.refused(scene.bound("one", withdraw=False), scene.bound("two", own=True)) == []
    assert scene.sent == []


def test_what_a_pool_sent_goes_by_the_pool_and_never_on_a_bind_of_mirror_mode() -> None:
    scene = Scene()
    ground = Ground("sms", "one", "1069", "allow", "", "", "jianglan", "marketing", "p", 1, 1, b"")
    scene.shared["one"].pooled.keep(b"%016x" % 7, submit(), Decision(7, PERSON_KEY.digest(PERSON), ground))
    asked: list[tuple[str, bytes]] = []

    def pooled(account: str, withdrawal: Withdrawal, _: float) -> bool:
        asked.append((account, withdrawal.message_id))
        return len(asked) > 1

    scene.withdrawing.pooled = pooled
    assert scene.refused(scene.bound("two"), scene.bound("one")) == ["one", "two"]
    assert scene.sent == [("one", 0), ("two", 1)]
    # There was no room the first time.
    assert scene.withdrawing.go_on([], 101.0) == []
    assert asked == [("one", b"%016x" % 7)] * 2
    assert scene.journal.counters.counts["withdrawal.sent"] == 3
    assert scene.withdrawing.go_on([], 999.0) == []
    assert scene.kept == []


def test_what_is_taken_after_the_refusal_is_cancelled_unless_it_was_permitted_after_it() -> None:
    scene = Scene()
    scene.journal.last_id = 20
    one = scene.bound("one")
    assert scene.refused(one, scene.bound("two")) == ["one", "two"]
    for number, principal, person in (
        (18, "jianglan", PERSON),
        (19, "yunxiu", PERSON),
        (20, "jianglan", "8613900139001"),
        (21, "jianglan", PERSON),
    ):
        ground = Ground("sms", "one", "1069", "allow", "", "", principal, "marketing", "p", 1, 1, b"")
        decision = Decision(number, PERSON_KEY.digest(person), ground)
        scene.shared["one"].pending.accepted(b"%d" % number, submit(), decision)
        assert scene.withdrawing.go_on([one], 101.0) == (["one"] if number == 18 else [])
    assert scene.sent[2:] == [("one", 18)]
