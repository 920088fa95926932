"""Whose subscriber: the longest prefix, ported numbers over it, and every error of a table by key and reason."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers.carrierdata import CARRIER_DATA

from proxy.core.persons import PersonIndex, PersonKey, index_key
from proxy.registry.carriers import read_carriers
from proxy.routing.carriers import CarrierTableError, PortedNumbers, load_carriers
from proxy.settings import SettingsError

pytestmark = pytest.mark.unit

KEY = PersonKey(bytes(32), 1)
NAMES = {"China Mobile": "mobile", "China Unicom": "unicom", "China Telecom": "telecom", "China Broadnet": "broadnet"}
#: Where the table that ships says less than the other source on purpose: its comment says why.
NARROWER = ("86154", "86161", "86174")


@example(prefixes={"1": "mobile", "12": "unicom", "121": "mobile", "122": "unicom"}, recipient="1222")
@example(prefixes={"1": "mobile", "12": "unicom"}, recipient="1212")
@given(
    prefixes=st.dictionaries(
        st.text("12", min_size=1, max_size=5), st.sampled_from(["mobile", "unicom"]), min_size=1, max_size=12
    ),
    recipient=st.text("12", min_size=1, max_size=8),
)
def test_the_longest_prefix_wins(prefixes: dict[str, str], recipient: str) -> None:
    table = load_carriers({"carriers": {"mobile": [], "unicom": []}, "prefixes": prefixes})
    fitting = sorted((prefix for prefix in prefixes if recipient.startswith(prefix)), key=len)
    assert table.of(recipient, bytes(16)) == (prefixes[fitting[-1]] if fitting else "")


@given(
    numbers=st.dictionaries(st.integers(0, 10**8 - 1), st.sampled_from(["unicom", "telecom"]), max_size=20),
    other=st.integers(0, 10**8 - 1),
)
def test_a_ported_number_is_its_new_carriers(numbers: dict[int, str], other: int) -> None:
    names = ("telecom", "unicom")
    rows = sorted(
        (index_key(KEY.digest(f"86138{number:08d}"), 0), names.index(name) + 1) for number, name in numbers.items()
    )
    ported = PortedNumbers(PersonIndex([key for key, _ in rows], [value for _, value in rows]), names)
    table = read_carriers().with_ported(ported)
    for number, name in numbers.items():
        recipient = f"86138{number:08d}"
        assert table.of(recipient, KEY.digest(recipient)) == name
        assert table.by_prefix(recipient) == "mobile"
    recipient = f"86138{other:08d}"
    assert table.of(recipient, KEY.digest(recipient)) == numbers.get(other, "mobile")


def test_the_table_that_ships_agrees_with_an_independent_source() -> None:
    table = read_carriers()
    theirs = {prefix: NAMES[names["en"]] for prefix, names in CARRIER_DATA.items() if prefix.startswith("86")}
    compared = 0
    for beginning in range(861_300, 862_000):
        for tail in ("0000000", "5555555", "9999999"):
            recipient = f"{beginning}{tail}"
            longest = max((prefix for prefix in theirs if recipient.startswith(prefix)), key=len, default="")
            if longest and not recipient.startswith(NARROWER):
                compared += 1
                assert table.by_prefix(recipient) == theirs[longest], recipient
    assert compared > 1400


@pytest.mark.parametrize(
    ("recipient", "carrier"),
    [
        ("8613400000000", "mobile"),
        ("8613490000000", "telecom"),
        ("8617050000000", "mobile"),
        ("8617090000000", "unicom"),
        ("8617000000000", "telecom"),
        ("8619200000000", "broadnet"),
        ("8617405000000", "telecom"),
        ("8617406000000", ""),
        ("862112345678", ""),
        ("85291234567", ""),
        ("12138021380", ""),
    ],
)
def test_prefixes_that_are_easily_taken_for_others(recipient: str, carrier: str) -> None:
    assert read_carriers().of(recipient, KEY.digest(recipient)) == carrier


GOOD: dict[str, Any] = {"carriers": {"mobile": ["移动"], "unicom": []}, "prefixes": {"86138": "mobile"}}


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"prefix": {}}, ["prefix: unknown key"]),
        ({"carriers": {}}, ["carriers: missing", "prefixes.86138: no carrier"]),
        ({"prefixes": {}}, ["prefixes: missing"]),
        ({"prefixes": []}, ["prefixes: missing, or not a table"]),
        ({"prefixes": {"86138": "mobil"}}, ["prefixes.86138: no carrier of this file; known are mobile, unicom"]),
        ({"prefixes": {"86138": 1}}, ["prefixes.86138: no carrier"]),
        (
            {"prefixes": {"+86138": "mobile", "": "mobile", "0138": "mobile"}},
            ["prefixes.+86138:", "prefixes.:", "prefixes.0138:"],
        ),
        (
            {"carriers": {"mobile": "移动", "unicom": [""]}},
            ["carriers.mobile: must be a list", "carriers.unicom: must"],
        ),
        ({"carriers": {"mobile": ["M"], "unicom": ["m"]}}, ["carriers.unicom: m is a writing of mobile already"]),
        ({"carriers": {"mobile": [], "移动": []}}, ["carriers.移动: a name has"]),
        ({"carriers": {"mobile": [], **{f"c{n}": [] for n in range(255)}}}, ["carriers: more than 255"]),
    ],
)
def test_every_error_is_told_by_key_and_reason(change: dict[str, Any], errors: list[str]) -> None:
    assert load_carriers(GOOD).names == ("mobile", "unicom")
    with pytest.raises(CarrierTableError) as raised:
        load_carriers(GOOD | change)
    assert len(raised.value.errors) == len(errors)
    for line, begin in zip(raised.value.errors, errors, strict=True):
        assert line.startswith(begin)


def test_a_file_names_itself_in_its_errors(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('[carriers]\nmobile = []\n[prefixes]\n86138 = "x"\n86139 = "y"\n', encoding="utf-8")
    with pytest.raises(SettingsError) as raised:
        read_carriers(str(path))
    assert [line.partition(": no")[0] for line in raised.value.errors] == [
        f"{path}: prefixes.86138",
        f"{path}: prefixes.86139",
    ]
    path.write_text('[prefixes]\n86138 = "x"\n86138 = "y"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="overwrite"):
        read_carriers(str(path))


def test_other_writings_mean_the_carrier() -> None:
    shipped = Path(__file__).resolve().parents[2] / "config" / "carriers.toml"
    table = load_carriers(tomllib.loads(shipped.read_text(encoding="utf-8")))
    assert [table.named(text) for text in (" 中国移动 ", "CMCC", "mobile", "电信", "x", "")] == [
        "mobile", "mobile", "mobile", "telecom", None, None,
    ]  # fmt: skip
