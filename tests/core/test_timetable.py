"""Hours in the time of whoever is reached: by the wall, through daylight saving, holidays and unknown years."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.core.pack import Hours, Pack
from proxy.core.place import CHINA, place_of, region_in, zones_in
from proxy.core.regions import PROVINCES
from proxy.core.timetable import SHANGHAI, Timetable, opens_in, timetable_of
from proxy.core.workdays import Calendar

pytestmark = pytest.mark.unit

ZONES = ("Asia/Shanghai", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Cairo")
PACK = Pack("test", 1)
#: 2026: Thursday the 1st of January; the 4th is a Sunday that is worked.
OFF, WORKED = date(2026, 1, 1).toordinal(), date(2026, 1, 4).toordinal()
CALENDAR = Calendar("test", frozenset((2026,)), frozenset((OFF,)), frozenset((WORKED,)))
TABLE = Timetable(PACK, Hours(480, 1200), Hours(540, 1080), CALENDAR)


def at(text: str, zone: str = "Asia/Shanghai") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    opens, closes = sorted((draw(st.integers(0, 1440)), draw(st.integers(0, 1440))))
    return Hours(opens, closes)


def naive(table: Timetable, zone: ZoneInfo, now: float) -> bool:
    """By the wall: what day it is there, what the clock shows, and nothing else."""
    if table.workday == table.holiday == Hours():
        return True
    local = datetime.fromtimestamp(now, zone)
    day = local.date()
    if day.year not in table.calendar.years:
        spans = [table.workday, table.holiday]
    elif day.toordinal() in table.calendar.worked:
        spans = [table.workday]
    else:
        off = day.toordinal() in table.calendar.off or day.isoweekday() > 5
        spans = [table.holiday if off else table.workday]
    minute = local.hour * 60 + local.minute
    return all(span.opens <= minute < span.closes for span in spans)


MOMENTS = st.one_of(
    st.floats(at("2025-12-25"), at("2027-01-10")),
    # Around changes of the clocks: New York, London, Lord Howe (by half an hour), Cairo.
    *[
        st.floats(at(text, "UTC") - 7200, at(text, "UTC") + 7200)
        for text in ("2026-03-08T07:00", "2026-11-01T06:00", "2026-03-29T01:00", "2026-10-25T01:00", "2026-04-04T15:00")
    ],
)


@given(hours(), hours(), st.sampled_from(ZONES), MOMENTS)
def test_it_is_open_when_the_wall_says_so(workday: Hours, holiday: Hours, name: str, now: float) -> None:
    table, zone = Timetable(PACK, workday, holiday, CALENDAR), ZoneInfo(name)
    assert table.is_open((zone,), now) == naive(table, zone, now)


@given(hours(), hours(), st.lists(st.sampled_from(ZONES), min_size=1, max_size=3), MOMENTS, st.floats(0, 0.999))
def test_nothing_changes_before_it_is_said_to(
    workday: Hours, holiday: Hours, names: list[str], now: float, part: float
) -> None:
    """A lane that was made at `now` holds until then: through midnight, holidays and changes of the clocks."""
    table = Timetable(PACK, workday, holiday, CALENDAR)
    zones = tuple(SHANGHAI if name == "Asia/Shanghai" else ZoneInfo(name) for name in names)
    until = table.next_change(zones, now)
    assert now < until <= now + 86_400
    between = now + (until - now) * part
    if between < until:
        assert table.is_open(zones, between) == table.is_open(zones, now)


@example(Hours(0, 0), Hours(91, 106), "Australia/Lord_Howe", 1775313960.0)
@given(hours(), hours(), st.sampled_from(ZONES), MOMENTS)
def test_opens_in_tells_the_first_moment(workday: Hours, holiday: Hours, name: str, now: float) -> None:
    table, zones = Timetable(PACK, workday, holiday, CALENDAR), (ZoneInfo(name),)
    waits = opens_in((table,), zones, now)
    if waits:
        assert not table.is_open(zones, now)
        assert table.is_open(zones, now + waits + 0.001)
        assert not table.is_open(zones, now + waits - 1)


@pytest.mark.parametrize(
    ("when", "is_open"),
    [
        ("2026-01-01 08:30", False),  # a Thursday that is off
        ("2026-01-01 09:00", True),
        ("2026-01-01 18:00", False),
        ("2026-01-02 19:59", True),  # a Friday
        ("2026-01-03 19:00", False),  # a Saturday
        ("2026-01-04 19:59", True),  # a Sunday that is worked
        ("2026-01-04 20:00", False),
        ("2027-03-03 08:30", False),  # a year that was not published: the tighter of both
        ("2027-03-03 17:59", True),
        ("2027-03-03 19:00", False),
    ],
)
def test_days_are_those_of_the_calendar(when: str, is_open: bool) -> None:
    assert TABLE.is_open((SHANGHAI,), at(when)) == is_open


def test_all_zones_of_a_number_have_to_be_open() -> None:
    """Half past four in the afternoon in London is half past one at night in Tokyo."""
    now, london, tokyo = at("2026-01-05 16:30", "Europe/London"), ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")
    assert TABLE.is_open((london,), now)
    assert not TABLE.is_open((london, tokyo), now)
    assert not TABLE.is_open((), now)
    assert Timetable(PACK, Hours(), Hours()).is_open((), now)


def test_never_open_never_opens() -> None:
    assert opens_in((Timetable(PACK, Hours(0, 0), Hours(0, 0)),), (SHANGHAI,), at("2026-01-05")) == 0.0


def test_two_packs_open_together() -> None:
    early, late = Timetable(PACK, Hours(300, 600), Hours(300, 600)), Timetable(PACK, Hours(540, 900), Hours(540, 900))
    assert opens_in((early, late), (SHANGHAI,), at("2026-01-05 04:00")) == 5 * 3600


def test_an_institution_narrows_both_kinds_of_days() -> None:
    pack = Pack(
        "test",
        1,
        hours={("collection", "sms"): Hours(480, 1200)},
        holiday_hours={("collection", "sms"): Hours(540, 1080)},
        institution_hours={"zehe": Hours(600, 1140)},
    )
    table = timetable_of(pack, "zehe", "collection", "sms")
    assert (table.workday, table.holiday) == (Hours(600, 1140), Hours(600, 1080))
    assert timetable_of(pack, "zehe", "service", "sms").always


@pytest.mark.parametrize(
    ("recipient", "place"),
    [
        ("8613800138000", CHINA),
        ("8619900001111", CHINA),
        ("861055556666", "CN-BJ"),
        ("8657155556666", "CN-ZJ"),
        ("862555556666", "CN-JS"),
        ("869515555666", "CN-NX"),
        ("81312345678", "Asia/Tokyo"),
        ("442071234567", "Europe/London"),
        ("85221234567", "Asia/Hong_Kong"),
    ],
)
def test_a_number_tells_its_place(recipient: str, place: str) -> None:
    assert place_of(recipient) == place
    assert region_in(place) == (place if place.startswith("CN-") else "")


def test_a_number_of_many_zones_may_be_in_any_of_them() -> None:
    zones = zones_in(place_of("18005551234"))
    assert len(zones) > 10
    assert ZoneInfo("America/New_York") in zones
    assert ZoneInfo("Pacific/Honolulu") in zones


def test_a_number_of_nowhere_is_in_no_zone() -> None:
    assert zones_in(place_of("80012345678")) == ()
    assert zones_in(place_of("1")) == ()
    assert zones_in(place_of("8657155556666")) == zones_in(CHINA) == (SHANGHAI,)


def test_area_codes_are_those_of_the_provinces() -> None:
    """By the tables of `phonenumbers`, which name the province of every area code."""
    from phonenumbers import geocoder

    named = {province.name_zh: province.code for province in PROVINCES}
    checked = set()
    for area in ("10", *(str(two) for two in range(20, 30)), *(str(three) for three in range(310, 1000))):
        number = phonenumbers.parse(f"+86{area}{'55556666' if len(area) == 2 else '5555666'}")
        said = geocoder.description_for_number(number, "zh")
        codes = {code for name, code in named.items() if said.startswith(name)}
        if len(codes) == 1 and phonenumbers.number_type(number) == phonenumbers.PhoneNumberType.FIXED_LINE:
            assert {place_of(f"86{number.national_number}")} == codes, area
            checked |= codes
    assert len(checked) >= 28


def test_a_day_ahead_is_found_across_a_change_of_the_clocks() -> None:
    zone = ZoneInfo("America/New_York")
    table = Timetable(PACK, Hours(480, 1320), Hours(480, 1320))
    # 22:00 on the evening before an hour is skipped: nine hours until 08:00, not ten.
    assert opens_in((table,), (zone,), at("2026-03-07 22:00", "America/New_York")) == 9 * 3600
