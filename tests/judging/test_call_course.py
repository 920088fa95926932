"""An attempt's record: its moments once each, one record, and what it came to."""

from __future__ import annotations

import pytest

from proxy.evidence.records import CALL_RESULTS, Call, decode, encode
from proxy.judging.call_course import CallCourse, Side

pytestmark = pytest.mark.unit


def ended(course: CallCourse, side: Side, cause: str, now: float, status: int = 0) -> Call:
    record = course.ended(side, cause, now, status)
    assert record is not None
    return record


def test_a_call_that_was_answered() -> None:
    course = CallCourse(7, "trunk", 100.0)
    course.tried("gateway-1")
    course.tried("gateway-2")
    course.rang(101.0)
    course.rang(102.0)
    course.taken(105.0)
    course.taken(106.0)
    assert course.answered
    record = ended(course, "b", "bye", 125.5)
    assert record == Call(
        id=7,
        at_us=125_500_000,
        direction="out",
        account="trunk",
        person=b"",
        key_id=0,
        asked_us=100_000_000,
        rang_us=101_000_000,
        answered_us=105_000_000,
        result="answered",
        status=200,
        side="b",
        cause="bye",
        carrier="gateway-2",
        attempts=2,
    )
    assert decode(encode(record)) == record
    assert course.ended("a", "bye", 126.0) is None


@pytest.mark.parametrize(
    ("side", "status", "result"),
    [
        ("a", 487, "cancelled"),
        ("us", 486, "failed"),
        ("b", 486, "refused"),
        ("b", 607, "refused"),
        ("b", 404, "refused"),
        ("b", 408, "failed"),
        ("b", 503, "failed"),
        ("us", 0, "failed"),
    ],
)
def test_what_an_unanswered_attempt_came_to(side: Side, status: int, result: str) -> None:
    record = ended(CallCourse(7, "trunk", 100.0), side, "cause", 101.0, status)
    assert (record.result, record.status, record.answered_us) == (result, status, 0)
    assert record.result in CALL_RESULTS


def test_a_call_back_names_who_called() -> None:
    record = ended(CallCourse(9, "trunk", 1.0, direction="in", person=b"p" * 16, key_id=2), "a", "bye", 2.0)
    assert (record.direction, record.person, record.key_id) == ("in", b"p" * 16, 2)
