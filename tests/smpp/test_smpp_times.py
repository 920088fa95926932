"""Both time formats, field by field."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.times import seconds_until

pytestmark = pytest.mark.unit

NOW = datetime(2025, 3, 1, 12, 0, 0, tzinfo=UTC).timestamp()


def test_an_empty_field_is_no_time() -> None:
    assert seconds_until(b"", NOW) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"000000000000000R", 0),
        (b"000000000001000R", 1),
        (b"000000000100000R", 60),
        (b"000000010000000R", 3600),
        (b"000001000000000R", 86_400),
        (b"000100000000000R", 30 * 86_400),
        (b"010000000000000R", 365 * 86_400),
        (b"991231235959000R", 99 * 365 * 86_400 + 12 * 30 * 86_400 + 31 * 86_400 + 86_399),
    ],
)
def test_relative(value: bytes, seconds: int) -> None:
    assert seconds_until(value, NOW) == seconds
    assert seconds_until(value, 0.0) == seconds


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (b"250301120000000+", 0),
        (b"250301120001000+", 1),
        (b"250301120000100+", 1),
        (b"250301115959900+", 0),
        (b"250301115959000-", -1),
        (b"250301200000032+", 0),
        (b"250301040000032-", 0),
        (b"250301200000032-", 16 * 3600),
        (b"250301121500001+", 0),
        (b"240301120000000+", -365 * 86_400),
        (b"280229120000000+", 1095 * 86_400),
        (b"250302000000048+", 0),
    ],
)
def test_absolute(value: bytes, seconds: int) -> None:
    assert seconds_until(value, NOW) == seconds


@pytest.mark.parametrize(
    "value",
    [
        b"0",
        b"000000000000000",
        b"000000000000000r",
        b"000000000000000X",
        b"0000000000000000R",
        b"00000000000000 R",
        b"000000000000000R\n",
        b"+00000000000000R",
        "00000000000000٠R".encode(),
        # relative: a field out of its range, tenths and quarters not zero
        b"001300000000000R",
        b"000032000000000R",
        b"000000240000000R",
        b"000000006000000R",
        b"000000000060000R",
        b"000000000000100R",
        b"000000000000001R",
        # absolute: no such day or hour, more than twelve hours from UTC
        b"250001120000000+",
        b"251301120000000+",
        b"250300120000000+",
        b"250230120000000+",
        b"250229120000000+",
        b"250301240000000+",
        b"250301126000000+",
        b"250301120060000+",
        b"250301120000049+",
        b"250301120000049-",
        b"000000000000000+",
    ],
)
def test_malformed(value: bytes) -> None:
    with pytest.raises(ValueError):
        seconds_until(value, NOW)


@given(
    st.datetimes(datetime(2000, 1, 2), datetime(2099, 12, 30)).map(lambda when: when.replace(microsecond=0)),
    st.integers(0, 48),
    st.sampled_from("+-"),
)
def test_absolute_times_are_instants(when: datetime, quarters: int, sign: str) -> None:
    utc = when.replace(tzinfo=UTC).timestamp()
    local = datetime.fromtimestamp(utc + quarters * 900 * (1 if sign == "+" else -1), tz=UTC)
    if 2000 <= local.year <= 2099:
        value = f"{local:%y%m%d%H%M%S}0{quarters:02}{sign}".encode()
        assert seconds_until(value, utc - 5) == 5


@given(st.binary(max_size=18))
def test_any_octets_are_a_time_or_a_value_error(value: bytes) -> None:
    try:
        found = seconds_until(value, NOW)
    except ValueError:
        return
    assert (found is None) == (value == b"")
