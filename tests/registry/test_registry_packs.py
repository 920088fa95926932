"""Rule packs: what ships is right, and whatever is wrong in one is named by its key."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.core.bound import Shelf, bound
from proxy.core.catalogue import CATALOGUE
from proxy.core.pack import ASKED_FOR, Cap, Hours, RuleSetting
from proxy.registry.calendars import calendar_from, calendar_warnings
from proxy.registry.packs import find_config, pack_from, read_packs, read_shelf
from proxy.settings import SettingsError

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2] / "config/packs"

GOOD = """
[pack]
id = "test"
version = 3
region = "CN-ZJ"
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
    pack = read_packs("cn-default")[0]
    assert set(pack.hours.values()) == {Hours(8 * 60, 22 * 60)}
    assert set(pack.hours) == {(p, c) for p in ("marketing", "collection") for c in ("sms", "voice")}
    assert not pack.shadow


def test_the_open_pack_is_open_all_day_but_for_one_institution() -> None:
    pack = read_packs("cn-open")[0]
    assert set(pack.hours.values()) == {Hours(0, 1440)}
    (closed,) = pack.institution_hours.values()
    assert closed.opens == closed.closes


def test_every_field_of_a_pack_arrives() -> None:
    pack = pack_from(tomllib.loads(GOOD), "p.toml")
    assert (pack.id, pack.version, pack.region, pack.validity_cap_s) == ("test", 3, "CN-ZJ", 3600)
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
        ('region = "CN-ZJ"', 'colour = "red"', "pack.colour: unknown key"),
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
    assert read_packs(str(path))[0].id == "test"
    for name in ("no-such-pack", str(tmp_path / "none.toml"), "../packs/nothing"):
        with pytest.raises(SettingsError):
            find_config("packs", name)


HOLIDAYS = """
[[hours]]
purposes = ["collection"]
channels = ["sms"]
days = "holidays"
opens = "10:00"
closes = "18:00"
basis = "an invented notice"
official = "催收时段"
"""
FREQUENCY = """
[[frequency]]
purposes = ["collection"]
channels = ["sms", "voice"]
most = 3
hours = 24
basis = "product default"
"""


@pytest.mark.parametrize("name", ["cn-default", "cn-open", "cn-zhejiang", "cn-jiangsu", "cn-ningxia"])
def test_every_value_of_a_pack_that_ships_names_its_source(name: str) -> None:
    (pack,) = read_packs(name)
    assert pack.id == name
    assert pack.source
    cited = {citation.rule for citation in pack.citations}
    assert set(pack.rules) <= cited
    assert {"hours.closed", "pdu.unsupported", "suppression.active"} <= cited
    assert all(citation.basis == "product default" or citation.basis[0] in "ZJp" for citation in pack.citations)


def test_ningxia_is_data() -> None:
    (pack,) = read_packs("cn-ningxia")
    assert pack.hours["collection", "voice"] == Hours(8 * 60, 20 * 60)
    assert pack.holiday_hours["collection", "voice"] == Hours(9 * 60, 18 * 60)
    assert pack.caps == (Cap("collection", frozenset(("sms", "voice")), 3, 86_400),)
    assert pack.collection_roles == {"debtor", "guarantor"}
    assert pack.region == "CN-NX"


def test_jiangsu_asks_for_debtors_notices_and_liaisons() -> None:
    (pack,) = read_packs("cn-jiangsu")
    assert (pack.roles, pack.liaison_required) == ({"debtor", "guarantor"}, True)
    assert all(pack.asks(rule) for rule in ("debtor.unknown", "debtor.uninformed", "collection.objection"))
    assert not pack.reviews_texts
    asked = {rule for rule in ASKED_FOR if read_packs("cn-default")[0].asks(rule)}
    assert asked == {rule for rule in ASKED_FOR if rule.startswith("content.")}


def test_the_calendar_that_ships_has_its_days() -> None:
    """As published: 2026 begins with three days off, and the Sunday after them is worked."""
    calendar = read_packs("cn-ningxia")[0].calendar
    assert calendar.years >= {2025, 2026}
    assert [calendar.kind(date(2026, 1, day)) for day in (1, 2, 3, 4, 5)] == ["holiday"] * 3 + ["workday"] * 2
    assert calendar.kind(date(2025, 10, 8)) == "holiday"
    assert calendar.kind(date(2025, 10, 11)) == "workday"
    assert calendar.kind(date(2026, 11, 21)) == "holiday"
    assert calendar.kind(date(max(calendar.years) + 1, 3, 3)) == "unknown"


@pytest.mark.parametrize(
    ("today", "years"),
    [((2026, 6, 1), []), ((2026, 12, 1), ["2027"]), ((2027, 1, 1), ["2027"]), ((2031, 12, 9), ["2031", "2032"])],
)
def test_a_calendar_that_ends_is_told_in_time(today: tuple[int, int, int], years: list[str]) -> None:
    pack = pack_from(tomllib.loads((ROOT / "cn-ningxia.toml").read_text(encoding="utf-8")), "p.toml")
    pack = replace(pack, calendar=replace(pack.calendar, years=frozenset((2025, 2026))))
    told = list(calendar_warnings((pack, read_packs("cn-default")[0]), date(*today)))
    assert [line.partition("has no ")[2][:4] for line in told] == years


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (HOLIDAYS, "pack.calendar: missing"),
        (HOLIDAYS.replace('days = "holidays"', 'days = "workdays"'), "collection/sms stands twice"),
        (HOLIDAYS.replace('"sms"', '"sms", "voice"').replace("holidays", "sundays"), "days"),
        (FREQUENCY.replace("most = 3", "most = 0"), "frequency.0.most: must be from 1"),
        (FREQUENCY.replace("hours = 24", "hours = 99999"), "frequency.0.hours: must be from 1"),
        (FREQUENCY.replace('"collection"', '"service"'), "service is not counted"),
        (FREQUENCY.replace('basis = "product default"', ""), "frequency.0.basis: missing"),
        ("[library]\nattest_days = 0\nbasis = 'x'", "library.attest_days: must be 1 at least"),
        ("[library]\nattest_days = 30\nbasis = ''", "library.basis: empty"),
        ("[collection]\nroles = ['debtor']\nverified_days = -1\nbasis = 'x'", "verified_days: must not be negative"),
        ("[liaison]\nrequired = true", "liaison.basis: missing"),
        ("[entrustment]\ndepth_most = 0\nbasis = 'x'", "depth_most: must be from 1"),
        ("[collection]\nroles = []\nbasis = 'x'", "collection.roles: must name one"),
        ("[collection]\nroles = ['neighbour']\nbasis = 'x'", "collection.roles"),
    ],
)
def test_what_is_wrong_in_the_newer_sections(more: str, says: str) -> None:
    assert says in errors_of(GOOD + more)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('effective = "2026-01-01"', 'effective = "soon"', "pack.effective: must be a date"),
        ('effective = "2026-01-01"', 'effective = "2026-01-01"\nshare = 2.0', "pack.share: must be from 0 to 1"),
        ('effective = "2026-01-01"', 'effective = "2026-01-01"\ncalendar = "mars"', "no such file"),
    ],
)
def test_what_is_wrong_in_the_head(old: str, new: str, says: str) -> None:
    assert says in errors_of(GOOD.replace(old, new))


def test_hours_of_one_kind_of_days_need_those_of_the_other() -> None:
    text = GOOD.replace('opens = "09:00"', 'opens = "09:00"\ndays = "workdays"')
    assert "has hours on workdays, and none on holidays" in errors_of(text)


def test_caps_per_channel_are_counted_apart() -> None:
    text = GOOD + FREQUENCY.replace("most = 3", "most = 3\nper_channel = true")
    caps = pack_from(tomllib.loads(text), "p.toml").caps
    assert {cap.channels for cap in caps} == {frozenset(("sms",)), frozenset(("voice",))}


def test_official_sentences_arrive() -> None:
    text = GOOD.replace('closes = "20:30"', 'closes = "20:30"\nofficial = "催收时段"')
    (citation,) = [one for one in pack_from(tomllib.loads(text), "p.toml").citations if one.official]
    assert (citation.rule, citation.official) == ("hours.closed", "催收时段")


def test_versions_stand_beside_their_pack(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(GOOD, encoding="utf-8")
    later = GOOD.replace("version = 3", "version = 4").replace("2026-01-01", "2027-01-01")
    (tmp_path / "own@4.toml").write_text(later, encoding="utf-8")
    base, shelf = read_shelf(str(tmp_path / "own.toml"), ("cn-ningxia",), "CN-NX")
    assert (base.version, [pack.name for pack in shelf.packs]) == (3, ["test@4", "cn-ningxia@1"])
    assert shelf.region == "CN-NX"
    for wrong, says in ((GOOD, "has this version or this date"), (later.replace('"test"', '"other"'), "must be test")):
        (tmp_path / "own@4.toml").write_text(wrong, encoding="utf-8")
        with pytest.raises(SettingsError, match=says):
            read_packs(str(tmp_path / "own.toml"))


def test_every_wrong_pack_of_a_configuration_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(GOOD.replace("cap_s = 3600", "cap_s = -1"), encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_shelf(str(path), ("cn-ningxia", "cn-ningxia", "none"), "CN-33")
    said = str(caught.value)
    assert "validity.cap_s" in said
    assert "cn-ningxia is named twice" in said
    assert "no such file" in said
    assert "CN-33: no such province" in said


CALENDAR = {"calendar": "x", "2026": {"source": "s", "off": ["2026-01-01/2026-01-03"], "worked": ["2026-01-04"]}}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"calendar": ""}, "calendar: must name"),
        ({"26": {}}, "26: must be a year"),
        ({"2026": {"source": "s", "off": ["tomorrow"], "worked": []}}, "2026.off: tomorrow: must be a date"),
        ({"2026": {"source": "s", "off": ["2026-01-03/2026-01-01"], "worked": []}}, "begin before it ends"),
        ({"2026": {"source": "s", "off": ["2027-01-01"], "worked": []}}, "must lie in 2026"),
        ({"2026": {"source": "s", "off": [], "worked": ["2026-01-05"]}}, "2026-01-05 is no weekend day"),
        ({"2026": {"source": "s", "off": ["2026-01-04"], "worked": ["2026-01-04"]}}, "is off, too"),
        ({"2026": {"off": [], "worked": []}}, "source: missing"),
    ],
)
def test_what_is_wrong_in_a_calendar(change: dict[str, Any], says: str) -> None:
    assert calendar_from(CALENDAR, "c.toml").worked
    with pytest.raises(SettingsError, match=says):
        calendar_from(CALENDAR | change, "c.toml")


def test_attestations_are_asked_for_by_days_or_by_the_rule_alone() -> None:
    asked = pack_from(tomllib.loads(GOOD + "\n[library]\nattest_days = 30\nbasis = 'x'"), "p.toml")
    assert (asked.attest_days, asked.asks("library.stale")) == (30, True)
    named = pack_from(tomllib.loads(GOOD + "\n[rules.'library.stale']\nbasis = 'x'"), "p.toml")
    assert (named.attest_days, named.asks("library.stale")) == (90, True)
    silent = pack_from(tomllib.loads(GOOD), "p.toml")
    assert (silent.attest_days, silent.asks("library.stale")) == (0, False)
    assert (
        bound(silent, Shelf((replace(asked, id="other", region="CN"), named)), "", (), 2e9).strictest.attest_days == 30
    )
