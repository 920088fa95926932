"""A refusal inside a call: the person's own, closed on both channels, answered when it is on disk."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from proxy.core.purposes import ALL_MARKETING, COLLECTION_VOICE
from proxy.evidence import records
from proxy.judging.call_gate import CallGate, CallsInForce, PermittedCall
from proxy.judging.call_limits import CallLimits
from proxy.judging.call_refusals import CallEars, Party, party_of
from proxy.judging.keypad import KeypadSettings
from proxy.judging.latest_messages import Answered
from proxy.policy import evaluate
from proxy.registry.ports import Recorded, StoreError
from proxy.sip.read_invite import ReadInvite
from tests.judging.test_call_gate import CODES
from tests.judging.test_hearing_order import Play
from tests.rules.cases import COLLECTION
from tests.rules.scene import BASE, PERSON, PERSON_KEY, Scene, build
from tests.tools.sip_messages import a_request, a_response

pytestmark = pytest.mark.unit

NINE = a_request("INFO", headers=("Content-Type: application/dtmf-relay",), body=b"Signal=9\r\nDuration=100\r\n")
ONE = a_request("INFO", headers=("Content-Type: application/dtmf",), body=b"1")
HANGS_UP = a_request("BYE", headers=("Reason: SIP;cause=607",))
INVITE = a_request()


class Call(Play):
    """A permitted call and who hears it. `committed` is what came of its refusals."""

    def __init__(
        self,
        scene: Scene = BASE,
        *,
        end_user: bool = True,
        party: Party | None = None,
        answered: bool = True,
        **keypad: Any,
    ) -> None:
        super().__init__()
        in_force = CallsInForce(build(scene)[1], CODES, scene.now)
        gate = CallGate(scene.account, in_force, self.journal, CallLimits(), lambda _: None)
        call = gate.judge(ReadInvite("10690001", PERSON, None, ()), lambda _: None)
        assert isinstance(call, PermittedCall)
        self.call = call
        self.committed: list[bool] = []
        self.ears = CallEars(
            party or party_of(call), self.hearing, in_force, KeypadSettings(**keypad), end_user=end_user
        )
        if answered:
            self.ears.answered(10.0)

    def info(self, request: Any = NINE, leg: Any = "b") -> bool:
        return self.ears.info(request, leg, 11.0, self.committed.append)

    async def written(self) -> None:
        """Commits, then everything is on disk."""
        if not self.store.recorded.done():
            self.store.recorded.set_result(Recorded(("jianglan",)))
        await self.settle()
        self.log.written()
        await self.settle()


async def test_the_key_closes_both_channels_and_is_answered_from_disk() -> None:
    call = Call()
    assert not call.info(ONE)
    assert call.info()
    (refusal,) = call.store.refusals
    assert (refusal.recipient, refusal.closes, refusal.channel) == (PERSON, (("jianglan", ALL_MARKETING),), "voice")
    assert (refusal.source, refusal.matched, refusal.number_to) == ("reply", "keypad", "10690001")
    assert refusal.decision == f"{call.call.decision.id:x}"
    await call.settle()
    assert call.committed == []
    await call.written()
    assert call.committed == [True]
    (record,) = [one for one in call.log.records if isinstance(one, records.Suppression)]
    assert (record.channel, record.source, record.decision) == ("voice", "keypad", call.call.decision.id)
    assert record.person == PERSON_KEY.digest(PERSON)


async def test_of_collection_it_closes_collection_calls_too() -> None:
    call = Call(COLLECTION)
    assert call.info()
    assert call.store.refusals[0].closes == (("jianglan", ALL_MARKETING | COLLECTION_VOICE),)
    await call.written()


async def test_the_senders_side_refuses_nothing() -> None:
    call = Call()
    assert not call.info(leg="a")
    assert not call.ears.pressed("9", "a", 11.0, call.committed.append)
    assert not call.ears.bye(HANGS_UP, "a", call.committed.append)
    assert call.store.refusals == []


async def test_a_refusal_is_one_however_it_is_seen() -> None:
    call = Call()
    assert call.ears.pressed("9", "b", 11.0, call.committed.append)
    assert call.info(), "said again while it is on its way: the same commit"
    assert call.info(ONE), "a key in doubt waits for it too"
    assert call.ears.bye(HANGS_UP, "b", call.committed.append)
    await call.settle()
    assert call.committed == []
    await call.written()
    assert len(call.store.refusals) == 1
    assert call.committed == [True] * 4
    assert not call.info()
    assert not call.ears.bye(HANGS_UP, "b", call.committed.append)
    assert not call.ears.again(call.committed.append)


async def test_a_607_counts_on_a_route_whose_signalling_is_the_persons() -> None:
    for end_user in (True, False):
        call = Call(end_user=end_user)
        assert call.ears.response(a_response(INVITE, 607), call.committed.append) is end_user
        other = Call(end_user=end_user)
        assert other.ears.bye(HANGS_UP, "b", other.committed.append) is end_user
        await call.written()
        await other.written()
        assert [len(one.store.refusals) for one in (call, other)] == [int(end_user)] * 2


async def test_a_607_of_whom_it_was_diverted_to_counts_for_nothing() -> None:
    call = Call()
    assert not call.ears.response(a_response(INVITE, 181, to_tag="b"), call.committed.append)
    assert not call.ears.response(a_response(INVITE, 607), call.committed.append)
    assert not call.ears.bye(HANGS_UP, "b", call.committed.append)
    assert call.store.refusals == []


async def test_a_607_of_a_rule_counts_for_nothing() -> None:
    call = Call()
    ours = a_response(INVITE, 607, headers=('Reason: Q.850;cause=21;text="suppression.active"',))
    assert not call.ears.response(ours, call.committed.append)


async def test_what_is_not_on_disk_is_not_acknowledged_and_may_be_tried_again() -> None:
    call = Call()
    assert call.info()
    call.store.recorded.set_exception(StoreError("disk"))
    await call.settle()
    assert call.committed == [False]
    call.store.again()
    assert call.ears.again(call.committed.append)
    assert len(call.store.refusals) == 2
    await call.written()
    assert call.committed == [False, True]
    assert not call.ears.again(call.committed.append), "it is there by now"


async def test_a_second_press_is_a_second_try() -> None:
    call = Call()
    assert call.info()
    call.store.recorded.set_exception(StoreError("disk"))
    await call.settle()
    assert call.info()
    assert len(call.store.refusals) == 2
    await call.settle()


async def test_an_info_that_names_a_rule_and_one_of_a_diverted_call_count_for_nothing() -> None:
    call = Call()
    ours = a_request(
        "INFO",
        headers=("Content-Type: application/dtmf-relay", 'Reason: Q.850;cause=21;text="suppression.active"'),
        body=b"Signal=9\r\n",
    )
    assert not call.info(ours)
    call.ears.noted(a_response(INVITE, 181, to_tag="b"))
    assert not call.info()
    assert not call.ears.pressed("9", "b", 11.0, call.committed.append)
    assert call.store.refusals == []


async def test_who_calls_back_is_not_diverted_by_where_the_call_goes() -> None:
    who = Answered("jianglan", frozenset(("marketing",)))
    call = Call(party=Party(PERSON, "10690001", (who,), 0, "a"))
    call.ears.noted(a_response(INVITE, 181, to_tag="b"))
    assert call.info(leg="a")
    await call.written()


async def test_one_press_that_is_seen_twice_is_not_two_of_a_sequence() -> None:
    call = Call(keys="99")
    assert not call.info()
    assert not call.ears.pressed("9", "b", 11.1, call.committed.append)
    assert not call.ears.pressed("9", "b", 11.1, call.committed.append, "another relay")
    assert call.ears.pressed("9", "b", 11.2, call.committed.append)
    await call.written()


@pytest.mark.parametrize(("early", "counts"), [(True, True), (False, False)])
async def test_a_key_before_the_answer(early: bool, counts: bool) -> None:
    call = Call(answered=False, early=early)
    assert call.info() is counts
    call.ears.answered(10.5)
    assert call.info(), "the same keypad, open by now"
    await call.written()


async def test_the_window_runs_from_the_answer_however_late_the_first_key_is() -> None:
    for at, counts in ((14.9, False), (15.0, True), (25.0, False)):
        call = Call(opens_s=5.0, open_s=10.0)
        assert call.ears.pressed("9", "b", at, call.committed.append) is counts
        await call.written()


@pytest.mark.parametrize("key", "*#A")
async def test_keys_that_are_no_digits(key: str) -> None:
    for kind, body in (("dtmf-relay", f"Signal={key}\r\nDuration=160\r\n"), ("dtmf", key)):
        call = Call(keys=key)
        assert call.info(a_request("INFO", headers=(f"Content-Type: application/{kind}",), body=body.encode()))
        await call.written()


async def test_the_next_message_is_refused_at_once() -> None:
    """The store lays it over the index in the same turn; here the test does what it does."""
    call = Call()
    assert call.info()
    ((institution, bits),) = call.store.refusals[0].closes
    assert institution == "jianglan"
    request, snapshot, now = build(BASE.but("refused", bits))
    assert evaluate(request, snapshot, now).decision.rule == "suppression.active"
    await call.written()


async def test_who_calls_back_refuses_on_leg_a() -> None:
    who = Answered("jianglan", frozenset(("marketing",)))
    call = Call(party=Party(PERSON, "10690001", (who,), 0, "a"))
    assert not call.info(leg="b")
    assert call.info(leg="a")
    assert not call.ears.bye(HANGS_UP, "a", call.committed.append)
    assert call.store.refusals[0].decision == ""
    await call.written()
    assert call.committed == [True]
    assert msgspec.structs.replace(call.store.refusals[0], at_us=0).channel == "voice"
