"""Provinces of fixed lines, held against the area codes that `phonenumbers` knows."""

from __future__ import annotations

import pytest

from proxy.core.regions import PROVINCES, REGIONS, WRITINGS, province_of

pytestmark = pytest.mark.unit

NAMES = {province.code: province.name_zh for province in PROVINCES}


def test_every_area_code_lies_in_its_province() -> None:
    # WHY here: its tables of all countries would be loaded by every run of any test.
    from phonenumbers.geocoder import GEOCODE_DATA

    # Area code → what it is called in Chinese, for instance `浙江省杭州市`.
    fixed = {
        str(prefix): places["zh"]
        for prefix, places in GEOCODE_DATA.items()
        if "zh" in places and (str(prefix).startswith("8610") or str(prefix)[:3] in {f"86{one}" for one in "23456789"})
    }
    assert len(fixed) > 300
    wrong = {
        prefix: place
        for prefix, place in fixed.items()
        if not place.startswith(NAMES.get(province_of(prefix.ljust(12, "0")), "nowhere"))
    }
    assert wrong == {}


@pytest.mark.parametrize(
    ("recipient", "province"),
    [
        ("8657188880000", "CN-ZJ"),
        ("862588880000", "CN-JS"),
        ("8695188880000"[:12], "CN-NX"),
        ("861088880000", "CN-BJ"),
        ("8613800138000", ""),
        ("8619900000000", ""),
        ("13800138000", ""),
        ("442071838750", ""),
        ("", ""),
        ("86", ""),
    ],
)
def test_only_a_fixed_line_tells_its_province(recipient: str, province: str) -> None:
    assert province_of(recipient) == province


def test_every_region_has_its_writings_and_no_area_code_two_provinces() -> None:
    assert set(WRITINGS.values()) == set(REGIONS)
    codes = [code for province in PROVINCES for code in province.area_codes]
    assert len(codes) == len(set(codes))
    assert not any(one != other and other.startswith(one) for one in codes for other in codes)
