"""Files as spreadsheets and two people at once make them: row and column are named, nothing is half imported."""

import csv
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from proxy.registry.dates import moment_text, parse_moment_us
from proxy.registry.documents import read_rows
from proxy.registry.exporting import export
from proxy.registry.importing import Known, Problem, Report, RowCheck, check_rows
from proxy.registry.ports import StaleError
from proxy.registry.tables import KNOWN_TABLES
from proxy.store.sqlite import SqliteStore
from proxy.store.staging import StagedImport
from proxy.store.standing import StandingRecords
from tests.store.open_store import BANK, LENDER, NOW_US, SECRET, owned, rows_of, take_in

pytestmark = pytest.mark.unit

HEADINGS = ("发送号码", "服务机构", "使用单位", "电信企业", "渠道", "用途", "起始日期", "截止日期")
KNOWN = Known({"institutions": {"bank", "lender"}, "partners": {"agency"}})
NUMBER = {
    "address": "10690001",
    "principal": "bank",
    "operator": "bank",
    "telecom": "示例通信（虚构）",
    "channels": "sms",
    "purposes": "marketing",
    "since": "2026-01-01",
    "until": "2026-06-30",
}


def cells(**change: str) -> list[str]:
    return list((NUMBER | change).values())


def written(path: Path, rows: list[list[str]], encoding: str = "utf-8", delimiter: str = ",") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file, delimiter=delimiter).writerows([list(HEADINGS), *rows])
    return path


def problems(path: Path) -> list[Problem]:
    return check_rows(read_rows(path, "numbers"), RowCheck(KNOWN, SECRET, NOW_US)).problems


@pytest.mark.parametrize(
    ("encoding", "delimiter"),
    [("utf-8", ","), ("utf-8-sig", ","), ("gb18030", ","), ("utf-16", "\t"), ("gb18030", ";"), ("utf-8-sig", "\t")],
)
def test_rows_are_named_whatever_wrote_the_file(tmp_path: Path, encoding: str, delimiter: str) -> None:
    rows = [cells(), cells(address="1.0690E+08"), cells(address="10690002")]
    (found,) = problems(written(tmp_path / "n.csv", rows, encoding, delimiter))
    assert (found.row, found.column) == (3, "address")
    assert "exponent" in found.reason


@pytest.mark.parametrize(
    ("column", "value", "says"),
    [
        ("address", "1.0690E+08", "exponent"),
        ("address", "1.069E8", "exponent"),
        ("address", "１.０６９E+０８", "exponent"),
        ("address", "10690001.0", "fraction"),
        ("address", "10690001.00", "fraction"),
        ("address", "########", "error"),
        ("address", "#N/A", "error"),
        ("telecom", "#REF!", "error"),
        ("address", "10,690,001", "not a sending number"),
        ("address", "'10690001", "not a sending number"),
        ("address", '="10690001"', "not a sending number"),
        ("address", "ＪＬＢＡＮＫ", "ASCII"),
        ("since", "46082", "not a date"),
        ("until", "2025-12-31", "lies before since"),
        ("principal", "nobody", "none of institutions"),
        ("operator", "nobody", "none of institutions or partners"),
    ],
)
def test_damage_names_row_and_column(tmp_path: Path, column: str, value: str, says: str) -> None:
    (found,) = problems(written(tmp_path / "n.csv", [cells(address="10690009"), cells(**{column: value})]))
    assert (found.row, found.column) == (3, column)
    assert says in found.reason


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("１０６９０００１", "10690001"),
        ("＋８６ １０６９０００１", "10690001"),
        ("57188880000", "057188880000"),
        ("０５７１－８８８８００００", "057188880000"),
        ("400.000.1001", "4000001001"),
    ],
)
def test_what_has_one_meaning_only_is_read(tmp_path: Path, address: str, kept: str) -> None:
    path = written(tmp_path / "n.csv", [cells(address=address, since="２０２６-０１-０１")])
    (raw,) = read_rows(path, "numbers")
    assert RowCheck(KNOWN, SECRET, NOW_US).check(raw)[0] == kept


def test_channels_and_purposes_are_read_in_chinese_and_capitals(tmp_path: Path) -> None:
    row = cells(channels="短信、语音", purposes="营销、催收、Service")
    (raw,) = read_rows(written(tmp_path / "n.csv", [row], "gb18030"), "numbers")
    assert RowCheck(KNOWN, SECRET, NOW_US).check(raw)[4:6] == ("sms,voice", "marketing,collection,service")


def test_json_may_begin_with_a_mark(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_bytes(b"\xef\xbb\xbf" + b'{"holds": [{"kind": "account", "target": "jl"}]}')
    assert [row.table for row in read_rows(path)] == ["holds"]


@pytest.mark.parametrize(
    "written_as",
    ["2026/3/1 9:30", "2026-03-01 09:30:00", "2026年3月1日 9:30:00", "2026-03-01T01:30:00Z", "20260301 9:30"],
)
def test_moments_are_read_as_spreadsheets_write_them(written_as: str) -> None:
    assert moment_text(parse_moment_us(written_as)) == "2026-03-01T09:30:00+08:00"


@pytest.mark.parametrize("wrong", ["2026/3/1 24:00", "2026/3/1 9:60", "2026/13/1 9:30", "9:30", "2026/3/1 9", ""])
def test_what_is_no_moment_is_told(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a date"):
        parse_moment_us(wrong)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ("address", "the same address + principal + operator + since as row 2")),
        ({"address": "１０６９０００１"}, ("address", "the same address + principal + operator + since as row 2")),
        ({"since": "2026-06-30", "until": "forever"}, ("since", "overlaps the period of row 2")),
        ({"since": "2025-01-01", "until": "2026-01-01"}, ("since", "overlaps the period of row 2")),
        ({"since": "2026-02-01", "until": "2026-02-02", "channels": "sms;voice"},
         ("since", "overlaps the period of row 2")),
        ({"since": "2026-07-01", "until": "forever"}, None),
        ({"since": "2025-01-01", "until": "2025-12-31"}, None),
        ({"since": "2026-02-01", "channels": "voice"}, None),
        ({"since": "2026-02-01", "principal": "lender", "operator": "lender"}, None),
        ({"since": "2026-02-01", "operator": "agency"}, None),
        ({"since": "2026-02-01", "address": "10690002"}, None),
    ],
)  # fmt: skip
def test_periods_of_one_number_do_not_overlap(
    tmp_path: Path, change: dict[str, str], says: tuple[str, str] | None
) -> None:
    found = problems(written(tmp_path / "n.csv", [cells(), cells(**change)]))
    assert [(one.row, one.column, one.reason) for one in found] == ([] if says is None else [(3, *says)])


class Desk:
    """One person's way with files: what they read, and what an import of theirs says."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store

    async def report(self, document: dict[str, list[dict[str, Any]]]) -> tuple[Report, Path]:
        known = Known({table: await self.store.ids(table) for table in KNOWN_TABLES})
        staged = StagedImport.beside(self.store.imports, SECRET.key_id)
        with closing(StandingRecords(self.store.imports.parent / "registry.db")) as standing:
            report = check_rows(rows_of(document), RowCheck(known, SECRET, NOW_US, standing), staged)
        staged.finish()
        return report, staged.path

    async def faults(self, **rows: list[dict[str, Any]]) -> list[tuple[int, str, str]]:
        report, _ = await self.report(rows)
        return [(one.row, one.column, one.reason) for one in report.problems]


async def test_a_period_overlaps_what_stands_in_the_registry(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK], "numbers": [NUMBER]})
        desk = Desk(store)
        renewed = NUMBER | {"since": "2026-06-01", "until": "forever"}
        ((row, column, reason),) = await desk.faults(numbers=[renewed])
        assert (row, column) == (1, "since")
        assert "2026-01-01 to 2026-06-30 of the registry" in reason
        assert await desk.faults(numbers=[NUMBER | {"until": "2026-05-31"}, renewed]) == []
        assert await desk.faults(numbers=[NUMBER | {"purposes": "service"}]) == []
        assert await desk.faults(numbers=[NUMBER | {"address": "10690002", "since": "2026-06-01"}]) == []


async def test_the_second_of_two_people_is_told(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK, LENDER], "numbers": [NUMBER]})
        desk = Desk(store)
        seen = await export(store, revisions=True)
        (mine,) = seen["numbers"]
        assert mine["revision"] == 1
        await take_in(store, {"numbers": [{**mine, "until": "2026-12-31"}]})
        assert await desk.faults(numbers=[{**mine, "until": "2026-09-30"}]) == [
            (1, "revision", "changed since by import 2; read the record again")
        ]
        await store.dispose("10690001", disposed=True, reason="x", by="officer")
        assert await desk.faults(numbers=[{**mine, "revision": "2"}]) == [
            (1, "revision", "changed since by number.dispose 3; read the record again")
        ]
        assert await desk.faults(numbers=[{**mine, "revision": 3}]) == []
        assert await desk.faults(numbers=[{**mine, "revision": "later"}]) == [(1, "revision", "must be a whole number")]
        assert await desk.faults(institutions=[{**seen["institutions"][1], "name": "另名（虚构）"}]) == []
        assert await desk.faults(numbers=[{**mine, "address": "10690007"}]) == []


@pytest.mark.parametrize(
    "late",
    [{"revision": 1, "until": "2026-09-30"}, {"since": "2026-07-01", "until": "forever"}],
)
async def test_who_comes_second_between_check_and_takeover_is_told_too(tmp_path: Path, late: dict[str, Any]) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK], "numbers": [NUMBER]})
        report, path = await Desk(store).report({"institutions": [LENDER], "numbers": [NUMBER | late]})
        assert report.problems == []
        await take_in(store, {"numbers": [NUMBER | {"until": "2026-12-31"}]})
        with pytest.raises(StaleError, match="nothing was imported"):
            await store.adopt(path)
        assert (await store.counts())["institutions"] == 1
        assert await store.revision() == 2


async def test_what_overlapped_before_stays_importable_as_it_is(tmp_path: Path) -> None:
    async with owned(tmp_path) as store:
        await take_in(store, {"institutions": [BANK], "numbers": [NUMBER]})
        await store._owning.execute(
            "INSERT INTO numbers SELECT address, principal, operator, telecom, channels, purposes, since + 86400, "
            "until, extensible, binary, disposed, revision, refusal_keywords FROM numbers"
        )
        await store._owning.commit()
        assert await Desk(store).faults(numbers=(await export(store))["numbers"]) == []


def _lines(count: int, wrong: dict[int, dict[str, str]]) -> Iterator[list[str]]:
    for place in range(count):
        yield cells(address=f"1069{place:09d}", **wrong.get(place, {}))


@pytest.mark.parametrize("count", [10_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_three_wrong_rows_of_many(tmp_path: Path, count: int) -> None:
    wrong = {17: {"until": "2020-01-01"}, count // 2: {"principal": "nobody"}, count - 1: {"channels": "fax"}}
    path = tmp_path / "many.csv"
    with path.open("w", encoding="gb18030", newline="") as file:
        csv.writer(file).writerow(HEADINGS)
        csv.writer(file).writerows(_lines(count, wrong))
    told: list[int] = []
    progress: Callable[[int], None] = told.append
    report = check_rows(read_rows(path, "numbers"), RowCheck(KNOWN, SECRET, NOW_US), progress=progress)
    assert [(one.row, one.column) for one in report.problems] == [
        (19, "until"), (count // 2 + 2, "principal"), (count + 1, "channels")
    ]  # fmt: skip
    assert report.right == {"numbers": count - 3}
    assert told[-1] == count
