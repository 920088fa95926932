"""Who somebody is to a debt, what they were told, what they object to: on disk, in memory, after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.core.debtors import ROLES, role_in, verified_day_in
from proxy.core.persons import index_key
from proxy.core.purposes import ALL_MARKETING, COLLECTION_SMS, OBJECTION
from proxy.core.snapshot import notice_of
from proxy.registry.dates import day_number, parse_date, since_s
from proxy.registry.ports import Informed, Refused, Verified
from proxy.store.sqlite import SqliteStore
from tests.store.open_store import BANK, NOW_US, PERSON, SECRET, key_of, owned, take_in

pytestmark = pytest.mark.unit

AGENCY = {"id": "agency", "name": "合作方（虚构）", "since": "2026-01-01", "until": "forever"}


def moment(text: str) -> int:
    return since_s(parse_date(text)) * 1_000_000


def verified(role: str, day: str) -> Verified:
    return Verified(moment(day), PERSON, "bank", role, "api")


def objected(bits: int = ALL_MARKETING | COLLECTION_SMS, source: str = "reply") -> Refused:
    return Refused(NOW_US, PERSON, (("bank", bits),), "sms", source=source, label="optout", objects=("bank",))


def debt(store: SqliteStore) -> int:
    return store.debtors_index.get(key_of(PERSON, "bank"))


def closed(store: SqliteStore) -> int:
    return store.suppressions_index.get(key_of(PERSON, "bank"))


async def test_the_newest_verification_counts_in_whatever_order_it_comes(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        assert await store.verify(verified("debtor", "2026-03-01"))
        assert not await store.verify(verified("debtor", "2026-03-01"))
        assert (role_in(debt(store)), verified_day_in(debt(store))) == (ROLES["debtor"], day_of("2026-03-01"))
        assert await store.verify(verified("contact", "2026-02-01"))
        assert role_in(debt(store)) == ROLES["debtor"]
        assert await store.verify(verified("guarantor", "2026-04-01"))
        assert (role_in(debt(store)), verified_day_in(debt(store))) == (ROLES["guarantor"], day_of("2026-04-01"))
        assert await store.verify(verified("none", "2026-04-02"))
        assert debt(store) == 0
        assert store.debtors_index.get(key_of(PERSON, "lender")) == 0
        assert [row.role for row in await store.debtors()] == ["debtor", "contact", "guarantor", "none"]
    async with owned(tmp_path) as store:
        assert debt(store) == 0
        await take_in(store, {"institutions": [BANK], "debtors": [
            {"recipient": PERSON, "institution": "bank", "role": "debtor", "verified": "2026-04-03"}
        ]})  # fmt: skip
        assert role_in(debt(store)) == ROLES["debtor"]
    async with owned(tmp_path) as store:
        assert verified_day_in(debt(store)) == day_of("2026-04-03")


def day_of(text: str) -> int:
    return day_number(since_s(parse_date(text)))


async def test_a_notice_is_of_one_partner(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        one = Informed(NOW_US, PERSON, "bank", "agency", "信函", "api")
        assert await store.inform(one)
        assert not await store.inform(one)
        digest = SECRET.person_key.digest(PERSON)

        def told(partner: str) -> int:
            return store.notices_index.get(index_key(digest, SECRET.person_key.salt(notice_of("bank", partner))))

        assert (told("agency"), told("agent")) == (1, 0)
        notice = {"recipient": PERSON, "institution": "bank", "partner": "agent", "at": "2026-03-01"}
        partners = [AGENCY, AGENCY | {"id": "agent"}]
        changed = await take_in(
            store, {"institutions": [BANK], "partners": partners, "debtor_notices": [notice, notice]}
        )
        assert (told("agency"), told("agent"), changed["debtor_notices"]) == (1, 1, 2)
        assert (await take_in(store, {"debtor_notices": [notice]}))["debtor_notices"] == 0


async def test_a_refusal_of_collection_opens_an_objection_that_can_be_settled(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        done = store.record(objected())
        assert closed(store) == ALL_MARKETING | COLLECTION_SMS | OBJECTION  # at once
        await done
        assert [row.institution for row in await store.objections()] == ["bank"]
        assert [row.bits for row in await store.suppressions()] == [ALL_MARKETING | COLLECTION_SMS]
        assert (await store.counts())["suppressions"] == 1
    async with owned(tmp_path) as store:
        assert closed(store) & OBJECTION
        assert await store.settle(PERSON, "bank", "已核实", "officer")
        assert not await store.settle(PERSON, "bank", "已核实", "officer")
        assert closed(store) == ALL_MARKETING | COLLECTION_SMS
        assert await store.objections() == []
        (measure,) = await store.measures()
        assert (measure.verb, measure.reason, measure.by) == ("objection.settled", "已核实", "officer")
        assert PERSON[2:] not in measure.target
    async with owned(tmp_path) as store:
        assert closed(store) == ALL_MARKETING | COLLECTION_SMS
        await store.record(objected())
        assert closed(store) & OBJECTION


async def test_what_is_refused_while_an_objection_is_settled_stays(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(objected())
        settling = store.ledger.settle(PERSON, "bank", NOW_US)
        again = store.record(objected())
        await settling
        assert closed(store) & OBJECTION
        await again
        assert len(await store.objections()) == 1


async def test_the_persons_own_start_ends_the_objection_and_an_imported_one_stays(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await store.record(objected())
        await store.release_own(PERSON, ("bank",), NOW_US)
        assert closed(store) == 0
        row = {"recipient": PERSON, "institution": "bank", "at": "2026-03-01", "source": "reply"}
        changed = await take_in(store, {"institutions": [BANK], "objections": [row]})
        assert (changed["objections"], closed(store)) == (1, OBJECTION)
        await store.release_own(PERSON, ("bank",), NOW_US)
        assert closed(store) == OBJECTION
