"""Who lists persons is noted before anything is shown (J13)."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from proxy.commands.registry_access import StoreAccess
from proxy.registry.ports import StoreError
from proxy.settings import load
from proxy.store.lock import OwnerLock
from proxy.store.reader import open_reader
from tests.wire.house import make_template
from tests.wire.people import REGISTRY

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("access") / "made", {"institutions": REGISTRY["institutions"]}).parent


@pytest.fixture
def config(imported: Path, tmp_path: Path) -> Path:
    shutil.copytree(imported, tmp_path / "template")
    return tmp_path / "template" / "tdgate.toml"


def noted(config: Path, verb: str) -> list[tuple[str, str, str]]:
    async def read() -> list[tuple[str, str, str]]:
        reader = await open_reader(config.parent / "state" / "registry.db")
        try:
            return [(one.target, one.reason, one.by) for one in await reader.measures(after=0) if one.verb == verb]
        finally:
            await reader.close()

    return asyncio.run(read())


def listed(config: Path) -> list[tuple[str, str]]:
    return [(target, by) for target, _, by in noted(config, "persons.listed")]


SAID = {"recipient": "13800138000", "institution": "jianglan", "source": "hotline"}


@pytest.mark.parametrize(
    ("verb", "more", "told"),
    [
        ("suppress.add", {"channels": ["sms"]}, "marketing/sms"),
        ("consent.add", {"channels": ["voice"]}, "marketing/voice"),
        ("consent.withdraw", {"channels": ["sms"]}, "marketing/sms"),
        ("preference.set", {"declines": ["marketing"]}, ""),
        ("debtor.add", {"role": "debtor"}, "debtor"),
    ],
)
def test_what_is_recorded_of_a_person_is_noted_with_who_and_how_it_came(
    verb: str, more: dict[str, Any], told: str, config: Path
) -> None:
    access = StoreAccess(load(config))
    access.ask(verb, SAID | more)
    access.ask(verb, SAID | more | {"by": "officer"})
    first, second = noted(config, verb)
    assert first[0].split() == ["138******00", "jianglan", *told.split()]
    assert (first[1], first[2][:8]) == ("source hotline", "os user ")
    assert second[1:] == ("source hotline", "officer")


@pytest.mark.parametrize("ledger", ["suppress", "consent", "preference", "debtor", "notice", "objection"])
def test_a_listing_of_persons_is_noted_with_who_and_whose(ledger: str, config: Path) -> None:
    access = StoreAccess(load(config))
    access.ask(f"{ledger}.list", {"institution": "jianglan"})
    access.ask(f"{ledger}.list", {"recipient": "13800138000"})
    assert [target for target, _ in listed(config)] == [
        f"{ledger}.list all persons jianglan",
        f"{ledger}.list one person all institutions",
    ]
    assert all(by.startswith("os user ") for _, by in listed(config))


@pytest.mark.parametrize(("args", "count"), [({}, 0), ({"secrets": True}, 0), ({"persons": True}, 1)])
def test_an_export_is_noted_where_it_holds_persons(args: dict[str, Any], count: int, config: Path) -> None:
    StoreAccess(load(config)).ask("registry.export", args)
    assert len(listed(config)) == count


def test_what_shows_no_person_is_not_noted(config: Path) -> None:
    access = StoreAccess(load(config))
    for verb in ("registry.numbers", "registry.status", "suppress.lifts"):
        access.ask(verb, {})
    assert listed(config) == []


def test_whoever_has_no_name_has_a_number(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("uid not found")

    monkeypatch.setattr("getpass.getuser", nobody)
    StoreAccess(load(config)).ask("consent.list", {})
    assert listed(config)[0][1] == f"os user {os.getuid()}"


def test_where_it_cannot_be_noted_nothing_is_shown(config: Path) -> None:
    """Somebody owns the store and does not answer."""
    held = OwnerLock(config.parent / "state" / "owner.lock")
    with pytest.raises(StoreError):
        StoreAccess(load(config)).ask("consent.list", {})
    held.release()
    assert listed(config) == []
