"""`tdgate routing`: ported numbers from a CSV to the mapped file and back; wrong rows, and no number in clear."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.commands import routing as routing_commands
from proxy.core.persons import PersonKey
from proxy.registry.keys import load_person_key
from proxy.registry.ports import StoreError
from proxy.store.person_base import BaseError
from proxy.store.ported_file import PORTED_FILE, PortedRows, load_ported

pytestmark = pytest.mark.unit

KEY = PersonKey(bytes(range(32)), 9)


class Tdgate:
    """Runs commands on one configuration."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.ported = folder / "var" / PORTED_FILE
        (folder / "tdgate.toml").write_text('state = "var"\n', encoding="utf-8")
        self._capsys = capsys
        self.error = ""

    def __call__(self, *words: str) -> tuple[int, Any]:
        parser = argparse.ArgumentParser()
        routing_commands.add_arguments(parser.add_subparsers(required=True))
        parsed = parser.parse_args(["routing", *words, "--json", "--config", str(self.folder / "tdgate.toml")])
        code = parsed.run(parsed)
        captured = self._capsys.readouterr()
        self.error = captured.err
        return code, json.loads(captured.out) if captured.out else None

    def take_in(self, octets: str | bytes, *words: str) -> tuple[int, Any]:
        file = self.folder / "ported.csv"
        file.write_bytes(octets if isinstance(octets, bytes) else octets.encode())
        return self("import-ported", str(file), *words)

    def carrier(self, number: str) -> str:
        code, found = self("carrier", number)
        assert code == 0
        return str(found["carrier"])


@pytest.fixture
def tdgate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tdgate:
    return Tdgate(tmp_path, capsys)


def test_ported_numbers_are_found_in_any_writing_and_never_in_clear(tdgate: Tdgate) -> None:
    code, result = tdgate.take_in(
        "number,carrier\n13800138000,unicom\n+86 139 0013 9000,中国电信\n\n8613600136000,移动\n"
    )
    assert (code, result["imported"], result["numbers"], result["wrong"]) == (0, True, 3, 0)
    assert [tdgate.carrier(n) for n in ("8613800138000", "13900139000", "13600136000", "13700137000")] == [
        "unicom", "telecom", "mobile", "mobile",
    ]  # fmt: skip
    assert tdgate("carrier", "13800138000")[1] == {
        "recipient": "138******00", "carrier": "unicom", "by_prefix": "mobile", "ported": True,
    }  # fmt: skip
    octets = tdgate.ported.read_bytes()
    assert b"13800138000" not in octets
    assert b"13800138000"[::-1] not in octets
    assert tdgate.ported.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tdgate.ported.parent.iterdir()} == {PORTED_FILE, "keys"}


WRONG = """carrier,number
unicom,13800138000
vodafone,13800138001
unicom,12345
unicom
nobody,1.38E+10
unicom,13800138002
telecom,13800138002
telecom,13800138002
"""


def test_every_wrong_row_is_told_by_line_and_reason_and_nothing_is_taken(tdgate: Tdgate) -> None:
    tdgate.take_in("number,carrier\n13900139000,broadnet\n")
    before = tdgate.ported.read_bytes()
    code, result = tdgate.take_in(WRONG)
    assert (code, result["imported"]) == (1, False)
    assert [(one["row"], one["column"], one["reason"].partition(";")[0]) for one in result["problems"]] == [
        (3, "carrier", "no carrier of the carriers file"),
        (4, "number", "not a subscriber number such as 13800138000"),
        (5, "", "1 fields where the heading has 2"),
        (6, "number", "a spreadsheet wrote this number with an exponent"),
        (6, "carrier", "no carrier of the carriers file"),
        (7, "carrier", "line 8 names another carrier for the same number"),
        (8, "carrier", "line 7 names another carrier for the same number"),
        (9, "carrier", "line 7 names another carrier for the same number"),
    ]
    assert "13800138002" not in json.dumps(result["problems"])
    assert (result["right"], result["wrong"]) == (1, 7)
    assert tdgate.ported.read_bytes() == before
    assert tdgate.carrier("13900139000") == "broadnet"


def test_the_right_rows_alone_where_asked_for(tdgate: Tdgate) -> None:
    code, result = tdgate.take_in(WRONG, "--partial")
    assert (code, result["imported"], result["numbers"]) == (0, True, 1)
    assert tdgate.carrier("13800138000") == "unicom"
    assert tdgate.carrier("13800138002") == "mobile"


def test_a_file_without_a_right_row_never_takes_the_formers_place(tdgate: Tdgate) -> None:
    tdgate.take_in("number,carrier\n13900139000,broadnet\n")
    for octets in ("number,carrier\n", "number,carrier\n1,unicom\n"):
        code, result = tdgate.take_in(octets, "--partial")
        assert (code, result["imported"]) == (1, False)
    assert tdgate.carrier("13900139000") == "broadnet"


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "line 1: one column must be called number"),
        (b"13800138000,unicom\n", "line 1: one column must be called number"),
        (b"number,number,carrier\n", "line 1: one column must be called number"),
        (b'number,carrier\n"1,unicom\n', "line 2"),
        (b"number,carrier\n\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
    ],
)
def test_a_file_that_is_none_is_refused(tdgate: Tdgate, octets: bytes, reason: str) -> None:
    assert tdgate.take_in(octets) == (1, None)
    assert reason in tdgate.error
    assert not tdgate.ported.exists()


def test_chinese_headings_in_gb18030(tdgate: Tdgate) -> None:
    code, _ = tdgate.take_in("手机号码,备注,携入运营商\n13800138000,测试,中国联通\n".encode("gb18030"))
    assert code == 0
    assert tdgate.carrier("13800138000") == "unicom"


def test_a_file_of_another_key_or_with_a_changed_octet_is_never_used(tdgate: Tdgate) -> None:
    tdgate.take_in("number,carrier\n13800138000,unicom\n")
    key_id = load_person_key(tdgate.folder / "var" / "keys" / "person.key").key_id
    assert len(load_ported(tdgate.ported, key_id)) == 1
    with pytest.raises(BaseError, match="another store or key"):
        load_ported(tdgate.ported, key_id + 1)
    good = tdgate.ported.read_bytes()
    for at in range(len(good)):
        tdgate.ported.unlink()  # WHY: the former one may still be mapped.
        tdgate.ported.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises(BaseError):
            load_ported(tdgate.ported, key_id)


def test_no_file_is_no_ported_number(tmp_path: Path) -> None:
    assert len(load_ported(tmp_path / "none", 1)) == 0
    assert load_ported(tmp_path / "none", 1).of(bytes(16)) == ""


def test_what_cannot_be_written_is_told_and_leaves_nothing_behind(tmp_path: Path) -> None:
    rows = PortedRows(("a",), KEY.key_id)
    (tmp_path / "folder" / PORTED_FILE).mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"")
    for place in ("folder", "file"):
        with pytest.raises(StoreError, match="cannot be written"):
            rows.write(tmp_path / place / PORTED_FILE)
    assert [path.name for path in (tmp_path / "folder").iterdir()] == [PORTED_FILE]


def test_the_former_file_stays_where_writing_is_broken_off(tmp_path: Path) -> None:
    path = tmp_path / PORTED_FILE
    rows = PortedRows(("a",), KEY.key_id)
    rows.add(KEY.digest("1"), "a", 2)
    rows.settle()
    rows.write(path)
    before = path.read_bytes()

    def interrupted(done: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows.write(path, interrupted)
    assert [one.name for one in tmp_path.iterdir()] == [PORTED_FILE]
    assert path.read_bytes() == before


@given(rows=st.lists(st.tuples(st.integers(0, 30), st.sampled_from(["a", "b", "c"])), max_size=60))
def test_rows_come_back_as_a_dictionary_would_say(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int, str]]
) -> None:
    gathered = PortedRows(("c", "a", "b"), KEY.key_id)
    named: dict[int, set[str]] = {}
    for line, (number, carrier) in enumerate(rows, 2):
        gathered.add(KEY.digest(str(number)), carrier, line)
        named.setdefault(number, set()).add(carrier)
    clear = {number: next(iter(names)) for number, names in named.items() if len(names) == 1}
    told: list[int] = []
    conflicts = gathered.settle(told.append)
    assert told[-1] == len(rows)
    assert [line for line, _ in conflicts] == [line for line, row in enumerate(rows, 2) if row[0] not in clear]
    by_line = dict(enumerate(rows, 2))
    for line, other in conflicts:
        assert by_line[line][0] == by_line[other][0]
        assert by_line[line][1] != by_line[other][1]
    path = tmp_path_factory.mktemp("ported") / "file"
    assert gathered.write(path) == len(gathered) == len(clear)
    found = load_ported(path, KEY.key_id)
    assert {number: found.of(KEY.digest(str(number))) for number in range(31)} == {
        number: clear.get(number, "") for number in range(31)
    }
