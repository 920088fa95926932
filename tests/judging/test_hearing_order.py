"""A reply's way to disk, step by step: closed at once, committed, evidenced, and answered once."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import msgspec
import pytest

from proxy.core.purposes import (
    ALL_COLLECTION,
    ALL_MARKETING,
    COLLECTION_SMS,
    MARKETING_SMS,
    MARKETING_VOICE,
    Purpose,
)
from proxy.core.refusal_scope import Scope
from proxy.core.snapshot import Snapshot
from proxy.evidence import records
from proxy.judging.hearing import Hearing, Understood, Wishes
from proxy.judging.latest_messages import Answered, LatestMessages
from proxy.optout_parser import Label, Reading
from proxy.registry.ports import Recorded, Refused, Released, StoreError
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import BASE, PERSON, PERSON_KEY, build

pytestmark = pytest.mark.unit


class StoreDouble:
    """A store whose commits end when the test says so."""

    def __init__(self) -> None:
        self.refusals: list[Refused] = []
        self.releases: list[tuple[str, tuple[str, ...], str]] = []
        self.recorded: asyncio.Future[Recorded] = asyncio.get_running_loop().create_future()
        self.released: asyncio.Future[Released] = asyncio.get_running_loop().create_future()

    def again(self) -> None:
        """The next commit is another one."""
        self.recorded = asyncio.get_running_loop().create_future()

    def record(self, refusal: Refused) -> asyncio.Future[Recorded]:
        self.refusals.append(refusal)
        return self.recorded

    def release_own(
        self, recipient: str, institutions: tuple[str, ...], at_us: int, *, channel: str, matched: str, number_to: str
    ) -> asyncio.Future[Released]:
        self.releases.append((recipient, institutions, number_to))
        return self.released


class Play:
    """One hearing with everything around it under the test's hand. `told` is what the relay would answer."""

    def __init__(self) -> None:
        self.store, self.log = StoreDouble(), LogDouble()
        self.journal = journal_over(self.log)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.hearing = Hearing(self.store, self.journal, LatestMessages(), self._note)
        self.snapshot: Snapshot = build(BASE)[1]
        self.told: list[tuple[bool, bool]] = []

    def _note(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))

    def act(
        self, label: Label = "optout", *answered: tuple[str, tuple[Purpose, ...]], scope: Scope | None = "sms"
    ) -> None:
        whose = tuple(Answered(name, frozenset(purposes)) for name, purposes in answered)
        understood = Understood(
            Reading(label, scope, "TD", 1.0), PERSON, "10690001", whose or (Answered("jianglan", frozenset()),)
        )
        self.hearing.act(understood, self.snapshot, lambda ok, changed: self.told.append((ok, changed)))

    async def settle(self) -> None:
        """Lets everything run that can run now."""
        for _ in range(10):
            await asyncio.sleep(0)


async def test_the_steps_come_in_order_and_the_answer_once() -> None:
    play = Play()
    play.act()
    # In the same loop turn: the store has it, so it binds in memory.
    assert [refusal.recipient for refusal in play.store.refusals] == [PERSON]
    await play.settle()
    assert (play.log.kept, play.told) == ([], []), "not committed yet"
    play.store.recorded.set_result(Recorded(("jianglan",)))
    await play.settle()
    assert (len(play.log.kept), play.told) == (1, []), "committed, the evidence is not on disk yet"
    waiting = list(play.log.waiting)
    play.log.written()
    await play.settle()
    assert play.told == [(True, True)]
    for then in waiting:
        then(None)
    await play.settle()
    assert play.told == [(True, True)]
    assert not play.hearing.tasks


async def test_the_record_says_who_refused_what_and_how_it_was_read() -> None:
    play = Play()
    play.act("optout", ("jianglan", ("marketing",)))
    play.store.recorded.set_result(Recorded(("jianglan",)))
    await play.settle()
    (record,) = play.log.records
    assert isinstance(record, records.Suppression)
    assert (record.person, record.key_id, record.institutions) == (PERSON_KEY.digest(PERSON), 1, ("jianglan",))
    assert (record.closes, record.channel, record.source, record.label) == (ALL_MARKETING, "sms", "reply", "optout")
    assert record.latency_us >= 0
    assert PERSON.encode() not in play.log.kept[0]
    (refusal,) = play.store.refusals
    assert (refusal.source, refusal.matched, refusal.number_to) == ("reply", "TD", "10690001")


@pytest.mark.parametrize(
    ("keeps", "closed"), [(None, ALL_MARKETING), ("sms", MARKETING_VOICE), ("voice", MARKETING_SMS)]
)
async def test_a_channel_that_the_person_keeps_stays_open_for_marketing(
    keeps: Literal["sms", "voice"] | None, closed: int
) -> None:
    play = Play()
    reading = Reading("optout", "voice" if keeps == "sms" else "sms", "", 0.85, keeps)
    answered = (Answered("jianglan", frozenset(("marketing",))),)
    play.hearing.act(Understood(reading, PERSON, "10690001", answered), play.snapshot, lambda *_: None)
    (refusal,) = play.store.refusals
    assert refusal.closes == (("jianglan", closed),)
    play.store.recorded.set_result(Recorded(()))
    await play.settle()


async def test_a_repeated_refusal_is_answered_and_changes_nothing() -> None:
    play = Play()
    play.act()
    play.store.recorded.set_result(Recorded(()))
    await play.settle()
    play.log.written()
    await play.settle()
    assert play.told == [(True, False)]


async def test_a_commit_that_fails_is_told_and_leaves_no_evidence() -> None:
    play = Play()
    play.act()
    play.store.recorded.set_exception(StoreError("no space"))
    await play.settle()
    assert play.told == [(False, False)]
    assert play.log.kept == []
    assert play.events == [("refusal.failed", {"reason": "store"})]


@pytest.mark.parametrize("label", ["optout", "optin"])
@pytest.mark.parametrize("full", [True, False])
async def test_evidence_that_is_not_to_be_had_is_told_as_failure(full: bool, label: Label) -> None:
    play = Play()
    play.log.full = full
    play.act(label)
    play.store.recorded.set_result(Recorded(("jianglan",)))
    play.store.released.set_result(Released({"jianglan": 0}, ("jianglan",)))
    await play.settle()
    play.log.written(OSError("no space"))
    await play.settle()
    assert play.told == [(False, False)]
    assert ("refusal.failed", {"reason": "evidence"}) in play.events


async def test_institutions_that_close_differently_have_a_record_each_and_one_answer() -> None:
    play = Play()
    play.act("optout", ("jianglan", ("marketing",)), ("yunxiu", ("collection",)), ("zehe", ("service",)))
    play.store.recorded.set_result(Recorded(("jianglan", "yunxiu")))
    await play.settle()
    play.log.written()
    await play.settle()
    assert play.told == [], "the second record is not on disk yet"
    play.log.written()
    await play.settle()
    assert play.told == [(True, True)]
    kept = [(one.institutions, one.closes) for one in play.log.records if isinstance(one, records.Suppression)]
    assert kept == [(("jianglan", "zehe"), ALL_MARKETING), (("yunxiu",), ALL_MARKETING | COLLECTION_SMS)]
    assert play.store.refusals[0].closes == (
        ("jianglan", ALL_MARKETING),
        ("yunxiu", ALL_MARKETING | COLLECTION_SMS),
        ("zehe", ALL_MARKETING),
    )


@pytest.mark.parametrize("errors", [(None, OSError("no space")), (OSError("no space"), None)])
async def test_of_several_records_each_has_to_be_on_disk(errors: tuple[OSError | None, ...]) -> None:
    play = Play()
    play.act("optout", ("jianglan", ("marketing",)), ("yunxiu", ("collection",)))
    play.store.recorded.set_result(Recorded(("jianglan", "yunxiu")))
    for error in errors:
        await play.settle()
        play.log.written(error)
    await play.settle()
    assert play.told == [(False, False)]


@pytest.mark.parametrize(
    ("purposes", "scope", "too", "closed"),
    [
        (("marketing",), None, True, ALL_MARKETING),
        (("marketing",), "voice", True, ALL_MARKETING),
        (("collection",), "sms", True, ALL_MARKETING | COLLECTION_SMS),
        (("collection",), "voice", True, ALL_MARKETING | ALL_COLLECTION),
        (("collection",), "all", True, ALL_MARKETING | ALL_COLLECTION),
        (("marketing", "collection"), None, True, ALL_MARKETING | COLLECTION_SMS),
        (("collection",), "all", False, ALL_MARKETING),
        (("service", "verification"), "all", True, ALL_MARKETING),
    ],
)
async def test_what_a_refusal_closes(
    purposes: tuple[Purpose, ...], scope: Scope | None, too: bool, closed: int
) -> None:
    play = Play()
    pack = msgspec.structs.replace(play.snapshot.pack, collection_refusal_closes_channel=too)
    play.snapshot = msgspec.structs.replace(play.snapshot, pack=pack)
    play.act("optout", ("jianglan", purposes), scope=scope)
    assert play.store.refusals[0].closes == (("jianglan", closed),)
    play.store.recorded.set_exception(StoreError("the test ends here"))
    await play.hearing.drain()


async def test_a_wish_to_receive_with_nothing_to_lift_is_answered_without_a_record() -> None:
    play = Play()
    play.act("optin", ("jianglan", ("marketing",)))
    assert play.store.releases == [(PERSON, ("jianglan",), "10690001")]
    play.store.released.set_result(Released({}, ()))
    await play.settle()
    assert play.told == [(True, False)]
    assert play.log.kept == []


async def test_a_release_names_those_where_something_was_lifted_and_waits_for_the_disk() -> None:
    play = Play()
    play.act("optin", ("jianglan", ("marketing",)))
    await play.settle()
    play.store.released.set_result(Released({"jianglan": 0}, ("jianglan",)))
    await play.settle()
    assert play.told == []
    (record,) = play.log.records
    assert isinstance(record, records.Release)
    assert record.institutions == ("jianglan",)
    play.log.written()
    await play.settle()
    # A release is no change of state that is confirmed.
    assert play.told == [(True, False)]
    assert play.store.refusals == []


async def test_a_wish_that_may_be_to_several_institutions_lifts_none() -> None:
    """Closing with all of them errs on the person's side; opening with all would let one in that was refused."""
    play = Play()
    play.act("optin", ("jianglan", ("marketing",)), ("yunxiu", ("marketing",)))
    assert [institutions for _, institutions, _ in play.store.releases] == [()]
    play.store.released.set_result(Released({}, ()))
    await play.settle()
    assert play.told == [(True, False)]


def test_a_wish_that_comes_again_unacknowledged_is_not_acted_upon_twice() -> None:
    wishes = Wishes()
    assert wishes.is_new(b"start")
    assert not wishes.is_new(b"start")
    assert wishes.is_new(b"another")
    wishes.acknowledged(b"start")
    assert wishes.is_new(b"start")


async def test_a_release_that_fails_is_told() -> None:
    play = Play()
    play.act("optin")
    play.store.released.set_exception(StoreError("closed"))
    await play.settle()
    assert play.told == [(False, False)]
    assert play.log.kept == []


async def test_drain_waits_for_every_reply() -> None:
    play = Play()
    play.act()
    play.act("optin")
    draining = asyncio.create_task(play.hearing.drain())
    await play.settle()
    assert not draining.done()
    play.store.recorded.set_result(Recorded(()))
    play.store.released.set_result(Released({}, ()))
    await play.settle()
    assert not draining.done()
    play.log.written()
    await draining
    assert sorted(play.told) == [(True, False), (True, False)]
