"""Times: exact seconds of periods and hours, midnight, and a clock that steps back, with a memo that is warm."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from proxy.core.pack import Hours
from proxy.core.records import FOREVER, Period
from proxy.core.timetable import SHANGHAI, Timetable
from proxy.policy import evaluate
from tests.rules.case import ALLOW
from tests.rules.cases import COLLECTION, PARTNER, SERVICE, VOICE
from tests.rules.scene import BASE, NOON, PACK, Scene, at, build, outcome

pytestmark = pytest.mark.unit

HOUR: tuple[str, str, str] = ("deny", "hours.closed", "hour")


def asked(scene: Scene, times: Iterable[float]) -> list[tuple[str, str, str]]:
    """Outcomes over a sequence of times with one snapshot, so with whatever the memo holds by then."""
    request, snapshot, _ = build(scene)
    found = []
    for now in times:
        decision = evaluate(request, snapshot, now).decision
        found.append((decision.effect, decision.rule, decision.detail))
    return found


@pytest.mark.parametrize("scene", [BASE, COLLECTION, VOICE], ids=["marketing", "collection", "call"])
@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2025-03-05 00:00:00", HOUR),
        ("2025-03-05 07:59:59", HOUR),
        ("2025-03-05 07:59:59.999", HOUR),
        ("2025-03-05 08:00:00", ALLOW),
        ("2025-03-05 21:59:59", ALLOW),
        ("2025-03-05 21:59:59.999", ALLOW),
        ("2025-03-05 22:00:00", HOUR),
        ("2025-03-05 23:59:59", HOUR),
        ("2025-03-06 00:00:00", HOUR),
    ],
)
def test_hours_are_shanghais_to_the_second(scene: Scene, when: str, expected: tuple[str, str, str]) -> None:
    assert outcome(scene.but("now", at(when))) == expected


def test_hours_change_under_a_warm_memo() -> None:
    times = [at(f"2025-03-05 {clock}") for clock in ("07:59:59", "08:00:00", "21:59:59", "22:00:00")]
    assert asked(BASE, times) == [HOUR, ALLOW, ALLOW, HOUR]


def test_a_clock_that_steps_back_is_followed() -> None:
    times = [at(f"2025-03-05 {clock}") for clock in ("22:00:00", "21:59:59", "22:00:01", "08:00:00", "07:59:59")]
    assert asked(BASE, times) == [HOUR, ALLOW, HOUR, ALLOW, HOUR]


@pytest.mark.parametrize(
    ("hours", "minute", "is_open", "change"),
    [
        (Hours(), 0, True, 1440),
        (Hours(), 1439, True, 1440),
        (Hours(480, 480), 480, False, 1440),
        (Hours(480, 1320), 479, False, 480),
        (Hours(480, 1320), 480, True, 1320),
        (Hours(480, 1320), 1320, False, 1440),
        (Hours(0, 1), 0, True, 1),
        (Hours(0, 0), 720, False, 1440),
    ],
)
def test_next_change_of_hours(hours: Hours, minute: int, is_open: bool, change: int) -> None:
    midnight = at("2025-03-05 00:00:00")
    table, now = Timetable(PACK, hours, hours), midnight + minute * 60
    assert (table.is_open((SHANGHAI,), now), table.next_change((SHANGHAI,), now)) == (is_open, midnight + change * 60)


@pytest.mark.parametrize("path", ["row.period", "account.telecom_licence", "licence.period"])
@pytest.mark.parametrize("offset", [-1, -0.001, 0, 1])
def test_periods_begin_and_end_on_their_second(path: str, offset: float) -> None:
    begins, ends = int(NOON), int(NOON) + 3600
    scene = BASE.but(path, Period(begins, ends))
    assert (outcome(scene.but("now", begins + offset)) == ALLOW) == (offset >= 0)
    assert (outcome(scene.but("now", ends + offset)) == ALLOW) == (offset < 0)


@pytest.mark.parametrize(
    ("scene", "path", "rule"),
    [
        (BASE, "row.period", "number.expired"),
        (BASE, "account.telecom_licence", "telecom.licence"),
        (BASE, "licence.period", "licence.expired"),
        (PARTNER, "entrustment.period", "entrustment.expired"),
        (PARTNER, "partner.contract", "account.unreviewed"),
    ],
)
def test_periods_begin_and_end_under_a_warm_memo(scene: Scene, path: str, rule: str) -> None:
    begins, ends = int(NOON), int(NOON) + 10
    found = asked(
        scene.but(path, Period(begins, ends)), [begins - 1, begins, ends - 0.001, ends, begins, begins - 0.001]
    )
    assert [each[1] for each in found] == [rule, "", "", rule, "", rule]


def test_a_gap_between_two_periods_of_a_number() -> None:
    first, second = Period(0, int(NOON) + 10), Period(int(NOON) + 20, FOREVER)
    scene = BASE.but("row.period", first).but("others", (BASE.but("row.period", second).row,))
    found = asked(scene, [NOON + 9, NOON + 10, NOON + 19, NOON + 20])  # type: ignore[arg-type]
    assert [each[1] for each in found] == ["", "number.expired", "number.expired", ""]


def test_a_consent_ends_at_midnight_in_shanghai() -> None:
    midnight = at("2025-03-06 00:00:00")
    day = int((midnight + 8 * 3600) // 86_400)
    scene = BASE.but("consent", day << 8 | 0xFF).but("pack.hours", {})
    found = asked(scene, [midnight - 1, midnight - 0.001, midnight, midnight - 1])
    assert [each[2] for each in found] == ["", "", "expired", ""]


def test_an_institution_that_is_closed_is_closed_at_every_hour() -> None:
    scene = BASE.but("pack.institution_hours", {"jianglan": Hours(0, 0)})
    assert {outcome(scene.but("now", NOON + hour * 3600)) for hour in range(24)} == {HOUR}


def test_an_institution_that_is_closed_still_sends_its_codes_and_notices() -> None:
    """Hours bind marketing and collection; a verification code at night is what the person waits for."""
    scene = SERVICE.but("pack.institution_hours", {"jianglan": Hours(0, 0)})
    assert {outcome(scene.but("now", NOON + hour * 3600)) for hour in range(24)} == {("allow", "", "")}


def test_hours_of_an_institution_only_narrow_those_of_the_pack() -> None:
    scene = BASE.but("pack.institution_hours", {"jianglan": Hours(0, 1440)})
    assert outcome(scene.but("now", NOON + 12 * 3600)) == HOUR
