"""The log: one JSON object a line, and neither a number, a text nor a password gets through."""

import io
import json
import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.counters import Counters
from proxy.telemetry.events import BIND_REFUSED, LOG_FIELD_DROPPED, PDU_MALFORMED, RULE_FAILED
from proxy.telemetry.log import LINES_PER_S, EventLog, ForbiddenFieldError, JsonLines
from proxy.telemetry.redaction import FORBIDDEN_FIELDS, redacted

pytestmark = pytest.mark.unit

NUMBERS = ("13800138000", "8613800138000", "+8613800138000", "008613800138000", "1795113800138000", "057188123456")
SECRET = "s3cr3t-of-the-carrier"


class Lines:
    """A logger of its own with the product's formatter, and what it wrote."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.logger = logging.Logger("of-the-test", logging.DEBUG)
        out = logging.StreamHandler(self.stream)
        out.setFormatter(JsonLines())
        self.logger.addHandler(out)

    def written(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().split("\n") if line]


@pytest.fixture
def lines() -> Lines:
    return Lines()


def test_an_event_is_one_line_with_its_fields_and_is_counted(lines: Lines) -> None:
    counters = Counters()
    EventLog(counters, lines.logger, strict=True).emit(
        BIND_REFUSED, account="jianglan-a", status=0x0D, peer="127.0.0.1"
    )
    (line,) = lines.written()
    assert line["at"].endswith("+00:00")
    del line["at"]
    assert line == {
        "level": "warning",
        "event": "bind.refused",
        "account": "jianglan-a",
        "status": 13,
        "peer": "127.0.0.1",
    }
    assert counters.counts["bind.refused"] == 1


@pytest.mark.parametrize("number", NUMBERS)
def test_no_number_gets_through_by_field_or_by_message(lines: Lines, number: str) -> None:
    log = EventLog(Counters(), lines.logger, strict=True)
    log.emit(PDU_MALFORMED, reason=f"to {number}: too long", who=number)
    lines.logger.warning("lost %s", number)
    lines.logger.warning("tel%sx", number)
    assert number not in lines.stream.getvalue()
    assert number.lstrip("+")[-9:] not in lines.stream.getvalue()


def test_a_number_as_an_int_is_masked_and_a_plain_figure_is_not(lines: Lines) -> None:
    EventLog(Counters(), lines.logger).emit(PDU_MALFORMED, seen=8613800138000, octets=70_000, at_us=1763778600000000)
    (line,) = lines.written()
    assert (line["seen"], line["octets"], line["at_us"]) == ("138******00", 70_000, 1763778600000000)


@pytest.mark.parametrize("field", sorted(FORBIDDEN_FIELDS))
def test_a_forbidden_field_is_refused_in_tests_and_dropped_in_production(lines: Lines, field: str) -> None:
    counters = Counters()
    with pytest.raises(ForbiddenFieldError, match=field):
        EventLog(counters, lines.logger, strict=True).emit(BIND_REFUSED, **{field: SECRET})
    assert lines.written() == []
    EventLog(counters, lines.logger).emit(BIND_REFUSED, account="a", **{field: SECRET})
    (line,) = lines.written()
    assert SECRET not in lines.stream.getvalue()
    assert line["account"] == "a"
    assert counters.counts[LOG_FIELD_DROPPED.name] == 1


def test_of_an_exception_only_type_and_place_are_told(lines: Lines) -> None:
    log = EventLog(Counters(), lines.logger, strict=True)
    try:
        raise ValueError(f"cannot read 您的验证码 {SECRET} 13800138000")
    except ValueError as error:
        log.emit(RULE_FAILED, error=error, rule="hours.closed")
        lines.logger.exception("Task exception was never retrieved\nfuture: %r", error)
    for line in lines.written():
        assert line["error"] == "ValueError"
        assert line["raised_at"][-1].startswith("test_event_log.py:")
    assert SECRET not in lines.stream.getvalue()
    assert "验证码" not in lines.stream.getvalue()


def test_a_value_cannot_begin_a_line_of_its_own(lines: Lines) -> None:
    EventLog(Counters(), lines.logger).emit(BIND_REFUSED, account='x"}\n{"event":"process.ready"}\u2028')
    assert [line["event"] for line in lines.written()] == ["bind.refused"]


def test_a_flood_of_one_event_is_counted_whole_and_written_in_part(lines: Lines) -> None:
    now = [10.0]
    counters = Counters()
    log = EventLog(counters, lines.logger, clock=lambda: now[0])
    for _ in range(LINES_PER_S + 7):
        log.emit(PDU_MALFORMED)
    log.emit(BIND_REFUSED)
    assert counters.counts["pdu.malformed"] == LINES_PER_S + 7
    assert len(lines.written()) == LINES_PER_S + 1
    now[0] = 11.0
    log.emit(PDU_MALFORMED)
    assert lines.written()[-1]["withheld"] == 7


@given(
    before=st.text(st.characters(exclude_categories=["Nd"]), max_size=8).filter(lambda text: not text.endswith("+")),
    number=st.from_regex(r"\A(\+?86|0086|0|)1[3-9][0-9]{9}\Z"),
    after=st.text(st.characters(exclude_categories=["Nd"]), max_size=8),
)
def test_a_mobile_in_any_words_is_masked(before: str, number: str, after: str) -> None:
    line = redacted(before + number + after)
    assert number not in line
    assert line.startswith(before)
    assert line.endswith(after)


@pytest.mark.parametrize(
    "form", ["138 0013 8000", "138-0013-8000", "1 3 8 0 0 1 3 8 0 0 0", "１３８００１３８０００", "١٣٨٠٠١٣٨٠٠٠"]
)
def test_other_ways_to_write_a_mobile_are_masked(form: str) -> None:
    assert redacted(f"to {form}!") == "to 138******00!"


@pytest.mark.parametrize("line", ["2026-03-01 10:22:33", "id 0000000500000a1b", "127.0.0.1:52775", "10690001", "4096"])
def test_what_is_no_subscriber_stays(line: str) -> None:
    assert redacted(line) == line
