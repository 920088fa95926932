"""Rule packs: what ships is right, and whatever is wrong in one is named by its key."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from proxy.core.catalogue import CATALOGUE
from proxy.core.pack import Hours, RuleSetting
from proxy.registry.packs import find_config, pack_from, read_pack
from proxy.settings import SettingsError

pytestmark = pytest.mark.unit

GOOD = """
[pack]
id = "test"
version = 3
region = "CN-33"
source = "an invented notice"
effective = "2026-01-01"

[[hours]]
purposes = ["collection"]
channels = ["sms", "voice"]
opens = "09:00"
closes = "20:30"
basis = "an invented notice"

[rules."consent.missing"]
mode = "shadow"
basis = "product default"

[rules."hours.closed"]
share = 0.25
basis = "product default"

[validity]
cap_s = 3600
basis = "product default"

[collection_refusal]
closes_channel = false
basis = "product default"
"""


def errors_of(text: str) -> str:
    with pytest.raises(SettingsError) as caught:
        pack_from(tomllib.loads(text), "p.toml")
    return str(caught.value)


def test_the_default_pack_closes_marketing_and_collection_at_night() -> None:
    pack = read_pack("cn-default")
    assert set(pack.hours.values()) == {Hours(8 * 60, 22 * 60)}
    assert set(pack.hours) == {(p, c) for p in ("marketing", "collection") for c in ("sms", "voice")}
    assert not pack.shadow


def test_the_open_pack_is_open_all_day_but_for_one_institution() -> None:
    pack = read_pack("cn-open")
    assert set(pack.hours.values()) == {Hours(0, 1440)}
    (closed,) = pack.institution_hours.values()
    assert closed.opens == closed.closes


def test_every_field_of_a_pack_arrives() -> None:
    pack = pack_from(tomllib.loads(GOOD), "p.toml")
    assert (pack.id, pack.version, pack.region, pack.validity_cap_s) == ("test", 3, "CN-33", 3600)
    assert pack.hours == {("collection", "sms"): Hours(540, 1230), ("collection", "voice"): Hours(540, 1230)}
    assert pack.rules == {"consent.missing": RuleSetting("shadow"), "hours.closed": RuleSetting("enforce", 0.25)}
    assert pack.collection_refusal_closes_channel is False


@pytest.mark.parametrize("rule", [rule for rule, entry in CATALOGUE.items() if entry.floor])
@pytest.mark.parametrize("setting", ['mode = "shadow"', 'mode = "off"', "share = 0.5"])
def test_the_floor_is_enforced_in_full(rule: str, setting: str) -> None:
    text = f'{GOOD}\n[rules."{rule}"]\n{setting}\nbasis = "x"\n'
    assert f'rules."{rule}": belongs to the floor' in errors_of(text)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "test"', "", "pack.id: missing"),
        ("version = 3", 'version = "3"', "pack.version: "),
        ('region = "CN-33"', 'colour = "red"', "pack.colour: unknown key"),
        ('opens = "09:00"', 'opens = "9"', "hours.0.opens: must be HH:MM"),
        ('opens = "09:00"', 'opens = "21:00"', "hours.0.opens: lies after closes"),
        ('purposes = ["collection"]', 'purposes = ["spam"]', "hours.0.purposes"),
        ('basis = "an invented notice"', "", "hours.0.basis: missing"),
        ('basis = "an invented notice"', 'basis = ""', "hours.0.basis: empty"),
        ('"consent.missing"', '"consent.mising"', "the catalogue has no such rule"),
        ("share = 0.25", "share = 1.5", "share: must be from 0 to 1"),
        ('mode = "shadow"', 'mode = "maybe"', 'rules."consent.missing".mode: '),
        ("cap_s = 3600", "cap_s = -1", "validity.cap_s: must not be negative"),
        ("[validity]", "[validite]", "validite: unknown key"),
        ("[validity]", "[validite]", "validity.cap_s: missing"),
    ],
)
def test_what_is_wrong_is_named_by_its_key(old: str, new: str, says: str) -> None:
    assert says in errors_of(GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"pack": 7}, "pack: must be a table"),
        ({"hours": 7}, "hours: must be a list"),
        ({"hours": [7]}, "hours.0: must be a table"),
        ({"rules": 7}, "rules: must be a table"),
    ],
)
def test_sections_of_another_shape_are_errors(table: dict[str, Any], says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        pack_from(table, "p.toml")


def test_hours_that_stand_twice_are_an_error() -> None:
    block = GOOD[GOOD.index("[[hours]]") : GOOD.index("[rules")]
    assert "hours.1: collection/sms stands twice" in errors_of(GOOD.replace(block, block + block, 1))


def test_a_name_is_what_ships_and_a_path_is_a_file(tmp_path: Path) -> None:
    assert find_config("packs", "cn-default").name == "cn-default.toml"
    path = tmp_path / "own.toml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_pack(str(path)).id == "test"
    for name in ("no-such-pack", str(tmp_path / "none.toml"), "../packs/nothing"):
        with pytest.raises(SettingsError):
            find_config("packs", name)
