"""Ways around packs that lie in the data: roles that exclude each other, rows of former telecom enterprises."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from proxy.core.bound import Shelf, bound
from proxy.core.pack import DebtRole, Hours, Pack
from proxy.core.records import Period, Telecom
from proxy.registry.packs import pack_from
from proxy.settings import SettingsError
from tests.rules.cases import COLLECTION
from tests.rules.scene import DAY_S, NOON, PACK, ROW, YEAR, Scene, outcome, value_of

pytestmark = pytest.mark.unit

TODAY = int((NOON + 8 * 3600) // DAY_S)


def reaching(name: str, *roles: DebtRole) -> Pack:
    return Pack(name, 1, region="CN", collection_roles=frozenset(roles))


def collecting(role: str, *packs: Pack) -> Scene:
    return COLLECTION.but("shelf", Shelf(packs)).but("debt", value_of(role, TODAY))


@pytest.mark.parametrize("role", ["debtor", "guarantor", "contact"])
def test_packs_whose_roles_exclude_each_other_leave_nobody(role: str) -> None:
    """No role that all packs allow is nobody, and not anybody."""
    one, two = reaching("one", "debtor"), reaching("two", "guarantor")
    assert outcome(collecting(role, one, two))[:2] == ("deny", "debtor.unknown")
    assert outcome(collecting(role, one, two, reaching("three", "debtor", "guarantor")))[:2] == (
        "deny", "debtor.unknown",
    )  # fmt: skip
    found = bound(PACK, Shelf((one, two)), "a", ("",), NOON).strictest
    assert (found.collection_roles, found.collection_closed) == (frozenset(), True)


def test_a_pack_without_roles_takes_nothing_from_one_with_them() -> None:
    assert outcome(collecting("debtor", reaching("one", "debtor"), reaching("two")))[0] == "allow"
    assert outcome(collecting("contact", reaching("one", "debtor"), reaching("two")))[:2] == ("deny", "debtor.unknown")


def test_the_telecom_enterprise_of_today_tells_which_packs_bind() -> None:
    """A number that changed its telecom enterprise: the row that is over stands first, the one that holds second."""
    shut = Pack("cn-ningxia", 2, region="CN-NX", hours={("marketing", "sms"): Hours(0, 0)})
    there = Telecom("there", "示例通信二（虚构）", "carrier", YEAR, "A2.B1-0002", region="CN-NX")
    former = replace(ROW, period=Period(YEAR.since, int(NOON) - DAY_S), telecom="tongxin")
    now = replace(ROW, period=Period(int(NOON) - DAY_S, YEAR.until), telecom="there")
    scene = Scene(COLLECTION.request, row=former, others=(now,), shelf=Shelf((shut,)), telecom=there)
    assert outcome(scene)[:2] == ("deny", "hours.closed")
    # And the other way round: what a former one bound to binds no more.
    away = replace(former, telecom="there"), replace(now, telecom="elsewhere")
    assert outcome(scene.but("row", away[0]).but("others", (away[1],)))[0] == "allow"


@pytest.mark.parametrize("region", ["", "CN-XX", "Ningxia", "cn-nx"])
def test_a_pack_of_no_region_is_wrong_since_it_would_bind_nowhere(region: str) -> None:
    table = {
        "pack": {"id": "p", "version": 1, "region": region, "source": "s", "effective": "2026-01-01"},
        "validity": {"cap_s": 60, "basis": "product default"},
        "collection_refusal": {"closes_channel": True, "basis": "product default"},
    }
    with pytest.raises(SettingsError) as wrong:
        pack_from(table, "p.toml")
    assert any(line.startswith("p.toml: pack.region: ") for line in wrong.value.errors)
    pack_from(table | {"pack": table["pack"] | {"region": "CN-NX"}}, "p.toml")
