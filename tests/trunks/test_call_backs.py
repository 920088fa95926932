"""Whose a call back is, what is recorded of it, and the refusal key in it. Everybody here is invented."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.number_library import NumberLibrary
from proxy.core.purposes import ALL_MARKETING
from proxy.core.snapshot import Snapshot
from proxy.evidence import records
from proxy.judging.call_gate import CallsInForce
from proxy.judging.keypad import KeypadSettings
from proxy.judging.latest_messages import Answered, LatestMessages
from proxy.registry.ports import Recorded
from proxy.sip.uri import parse_uri
from proxy.trunks.call_backs import CallBacks
from proxy.trunks.judge import CallBack, NotTaken, Refused
from tests.judging.test_call_gate import CODES
from tests.judging.test_hearing_order import Play
from tests.rules.scene import ACCOUNT, BASE, NOON, PERSON, PERSON_KEY, ROW, build
from tests.tools.sip_messages import a_request, a_response

pytestmark = pytest.mark.unit

NINE = a_request("INFO", headers=("Content-Type: application/dtmf",), body=b"9")
OK = a_response(a_request(), 200)
OWN = ACCOUNT.id
OTHER = replace(ACCOUNT, id="another-own")
YUNXIU = replace(ACCOUNT, id="yunxiu-own", principal="yunxiu", operator="yunxiu")
HERS = replace(ROW, principal="yunxiu", operator="yunxiu")


class Backs(Play):
    """Calls back over one snapshot."""

    def __init__(self, **changes: Any) -> None:
        super().__init__()
        plain = build(BASE)[1]
        rows = changes.pop("rows", (ROW,))
        keypad = changes.pop("keypad", KeypadSettings())
        accounts = {each.id: each for each in changes.pop("accounts", (ACCOUNT,))}
        self.snapshot: Snapshot = replace(plain, numbers=NumberLibrary(rows), accounts=accounts, **changes)
        self.force = CallsInForce(self.snapshot, CODES, NOON)
        self.latest = LatestMessages()
        self.renewed = 0
        self.backs = CallBacks(
            *(self.force, self._renew, self.journal, self.hearing, self.latest, self.log.append, lambda: NOON + 60),
            keypad=keypad,
            ends=("fraud.hold", "number.disposed"),
        )
        self.committed: list[bool] = []

    def _renew(self) -> None:
        self.force.snapshot = self.snapshot

    def take(
        self,
        uri: str = "sip:10690001@192.0.2.20",
        caller: str = f"<sip:{PERSON}@carrier.example>;tag=a",
        taking: tuple[str, ...] = (OWN, OTHER.id, YUNXIU.id),
        headers: tuple[str, ...] = (),
    ) -> CallBack | NotTaken:
        request = a_request(uri=uri, caller=caller, headers=headers)
        return self.backs.take("default", request, parse_uri(uri.encode()), taking)

    def taken(self, **parts: Any) -> CallBack:
        back = self.take(**parts)
        assert isinstance(back, CallBack), back.cause
        return back

    def refused(self, **parts: Any) -> tuple[int, str]:
        found = self.take(**parts)
        assert isinstance(found, NotTaken)
        return found.status, found.cause

    def calls(self) -> list[records.Call]:
        return [each for each in self.log.records if isinstance(each, records.Call)]

    async def on_disk(self) -> None:
        self.store.recorded.set_result(Recorded(("jianglan",)))
        await self.settle()
        self.log.written()
        await self.settle()


async def test_a_call_back_is_on_record_with_its_person_as_a_digest() -> None:
    play = Backs()
    back = play.taken()
    assert (back.account, back.number) == (OWN, "10690001")
    back.tried("callcentre")
    back.rang(OK)
    back.answered(OK, 10.0)
    back.ended("a", "bye", 200, None)
    (record,) = play.calls()
    assert (record.direction, record.account, record.number) == ("in", OWN, "10690001")
    assert (record.person, record.key_id) == (PERSON_KEY.digest(PERSON), 1)
    assert (record.result, record.status, record.side, record.cause) == ("answered", 200, "a", "bye")
    assert (record.carrier, record.attempts) == ("default", 1)
    assert PERSON[2:].encode() not in b"".join(play.log.kept)


@pytest.mark.parametrize(
    "uri",
    ["sip:+8610690001@a.example;user=phone", "tel:10690001;phone-context=+86", "sip:106-90001@x", "sips:8610690001@x"],
)
async def test_a_number_is_found_however_the_carrier_writes_it(uri: str) -> None:
    assert Backs().taken(uri=uri).number == "10690001"


async def test_an_extension_of_a_port_keeps_its_digits() -> None:
    assert Backs().taken(uri="sip:10690001234@x").number == "10690001234"


@pytest.mark.parametrize("uri", ["sip:10690002@x", "sip:13900139000@x", "sip:operator@x", "sip:x"])
async def test_a_number_of_nobody_is_404_and_leaves_no_record(uri: str) -> None:
    play = Backs()
    assert play.refused(uri=uri) == (404, "number")
    assert play.log.kept == []


@pytest.mark.parametrize(
    "row",
    [
        replace(ROW, channels=frozenset(("sms",))),
        replace(ROW, period=replace(ROW.period, until=int(NOON) - 1)),
        replace(ROW, operator="yuanlu"),
    ],
)
async def test_only_a_voice_number_of_today_with_an_account_is_connected(row: Any) -> None:
    assert Backs(rows=(row,)).refused() == (404, "number")


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"rows": (replace(ROW, disposed=True),)}, "number.disposed"),
        ({"held_numbers": frozenset(("10690001",))}, "fraud.hold"),
        ({"held_numbers": frozenset(("1069",))}, "fraud.hold"),
        ({"held_accounts": frozenset((OWN,))}, "fraud.hold"),
        ({"taking": ()}, "untaken"),
    ],
)
async def test_a_number_that_takes_no_calls_is_480_and_on_record(changes: dict[str, Any], cause: str) -> None:
    taking = {"taking": changes.pop("taking")} if "taking" in changes else {}
    play = Backs(**changes)
    assert play.refused(**taking) == (480, cause)
    (record,) = play.calls()
    assert (record.direction, record.status, record.side, record.cause) == ("in", 480, "us", cause)
    assert (record.result, record.attempts) == ("failed", 0)


async def test_what_cannot_be_recorded_is_not_connected() -> None:
    play = Backs()
    play.log.full = True
    assert play.refused() == (500, "internal.outbox")


# Whose it is


async def test_of_several_accounts_the_one_that_called_last_takes_it() -> None:
    play = Backs(accounts=(ACCOUNT, OTHER))
    assert play.taken().account == OTHER.id, "the first by name where nobody is known to have called"
    play.latest.sent(PERSON_KEY.digest(PERSON), "10690001", OWN)
    assert play.taken().account == OWN
    assert play.taken(caller="<sip:13900139000@x>;tag=a").account == OTHER.id
    assert play.taken(taking=(OTHER.id,)).account == OTHER.id


async def test_the_asserted_identity_is_the_person() -> None:
    play = Backs(accounts=(ACCOUNT, OTHER))
    play.latest.sent(PERSON_KEY.digest(PERSON), "10690001", OWN)
    anonymous = "<sip:anonymous@anonymous.invalid>;tag=a"
    asserted = (f"P-Asserted-Identity: <tel:+{PERSON}>",)
    assert play.taken(caller=anonymous, headers=asserted).account == OWN
    assert play.taken(caller=anonymous).account == OTHER.id


# The key


async def test_the_key_in_a_call_back_is_the_callers() -> None:
    play = Backs()
    back = play.taken()
    back.answered(OK, 10.0)
    assert not back.info(NINE, "b", 11.0, play.committed.append), "the trunk's side"
    assert back.info(NINE, "a", 11.0, play.committed.append)
    (refusal,) = play.store.refusals
    assert (refusal.recipient, refusal.closes, refusal.channel) == (PERSON, (("jianglan", ALL_MARKETING),), "voice")
    assert (refusal.matched, refusal.number_to) == ("keypad", "10690001")
    await play.on_disk()
    assert play.committed == [True]
    back.ended("a", "bye", 200, None)
    (call,) = play.calls()
    (suppression,) = [each for each in play.log.records if isinstance(each, records.Suppression)]
    assert suppression.decision == call.id


async def test_the_callers_key_that_a_relay_saw_counts_too() -> None:
    play = Backs()
    back = play.taken()
    back.answered(OK, 10.0)
    assert not back.pressed("9", "b", 11.0, "rtp a", play.committed.append)
    assert back.pressed("9", "a", 11.0, "rtp a", play.committed.append)
    await play.on_disk()
    assert play.committed == [True]
    after = back.after()
    assert after is not None
    assert not after.pressed("9", "a", 12.0, "rtp b", play.committed.append), "one refusal a call"


async def test_a_key_that_meets_the_end_of_the_call_counts_and_may_release_it() -> None:
    play = Backs()
    back = play.taken()
    assert back.leaving() is None
    assert back.after() is None, "nobody has answered"
    back.answered(OK, 10.0)
    back.ended("b", "bye", 200, None)
    after = back.after()
    assert after is not None
    assert after.info(NINE, "a", 11.0, play.committed.append)
    assert len(play.store.refusals) == 1
    released = Backs(keypad=KeypadSettings(release=True)).taken().leaving()
    assert released is not None
    assert b"suppression.active" in released[0][1]


async def test_on_a_shared_number_all_are_meant_but_where_one_has_called() -> None:
    play = Backs(rows=(ROW, HERS), accounts=(ACCOUNT, YUNXIU))
    back = play.taken()
    back.answered(OK, 10.0)
    assert back.info(NINE, "a", 11.0, play.committed.append)
    (refusal,) = play.store.refusals
    assert [name for name, _ in refusal.closes] == ["jianglan", "yunxiu"]


async def test_on_a_shared_number_the_one_that_called_is_meant() -> None:
    rows = (replace(ROW, extensible=False), replace(HERS, extensible=False))
    play = Backs(rows=rows, accounts=(ACCOUNT, YUNXIU))
    digest = PERSON_KEY.digest(PERSON)
    play.latest.sent(digest, "10690001", YUNXIU.id)
    play.latest.remember(digest, "10690001", Answered("yunxiu", frozenset(("marketing",))), 5)
    back = play.taken()
    assert back.account == YUNXIU.id
    back.answered(OK, 10.0)
    assert back.info(NINE, "a", 11.0, play.committed.append)
    (refusal,) = play.store.refusals
    assert [name for name, _ in refusal.closes] == ["yunxiu"]


async def test_without_a_person_no_key_counts() -> None:
    play = Backs()
    back = play.taken(caller="<sip:anonymous@anonymous.invalid>;tag=a")
    back.answered(OK, 10.0)
    assert not back.info(NINE, "a", 11.0, play.committed.append)
    back.ended("a", "bye", 200, None)
    (call,) = play.calls()
    assert (call.person, call.key_id) == (b"", 0)


async def test_two_asserted_persons_are_nobody() -> None:
    play = Backs()
    headers = (f"P-Asserted-Identity: <tel:+{PERSON}>", "P-Asserted-Identity: <tel:+8613900139000>")
    back = play.taken(headers=headers)
    back.answered(OK, 10.0)
    assert not back.info(NINE, "a", 11.0, play.committed.append)


# While it runs


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({}, ""),
        ({"numbers": NumberLibrary((replace(ROW, disposed=True),))}, "number.disposed"),
        ({"held_numbers": frozenset(("10690001",))}, "fraud.hold"),
        ({"held_accounts": frozenset((OWN,))}, "fraud.hold"),
    ],
)
async def test_a_call_that_runs_is_closed_with_its_number(changes: dict[str, Any], rule: str) -> None:
    play = Backs()
    back = play.taken()
    play.snapshot = replace(play.snapshot, **changes)
    assert back.closed_by() == rule
    if rule:
        assert any(b"Q.850" in value for _, value in back.ending(rule))
    # Nor is it brought to a further gateway.
    answers: list[Refused] = []
    assert back.may_go_on(answers.append) is (rule == "")
    assert [(each.status, each.rule) for each in answers] == ([(480, rule)] if rule else [])
