"""`tdgate preference`, `donotcall` and `consent import-recycled` on one configuration: files, errors, what is shown."""

import argparse
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import parser_for
from proxy.commands.registry_access import ImportRequest, StoreAccess
from proxy.settings import load

pytestmark = pytest.mark.unit

PERSON = "13800138000"
REGISTRY = {
    "institutions": [{"id": "jianglan", "name": "江澜银行（虚构）", "kind": "bank"}],
    "consents": [
        {"recipient": PERSON, "institution": "jianglan", "channels": ["sms"], "given": "2026-01-05", "source": "form"}
    ],
}


@cache
def parser_of(command: str) -> argparse.ArgumentParser:
    return parser_for((command,))


class Tdgate:
    """Runs commands; `error` is what was said on standard error."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.config = folder / "tdgate.toml"
        self.config.write_text('state = "var"\n', encoding="utf-8")
        self._capsys = capsys
        self.error = ""
        file = folder / "registry.json"
        file.write_text(json.dumps(REGISTRY, ensure_ascii=False), encoding="utf-8")
        StoreAccess(load(self.config)).take_in(ImportRequest(file), lambda _: None)

    def __call__(self, *words: str) -> tuple[int, Any]:
        parsed: argparse.Namespace = parser_of(words[0]).parse_args([*words, "--json", "--config", str(self.config)])
        code = parsed.run(parsed)
        captured = self._capsys.readouterr()
        self.error = captured.err
        return code, json.loads(captured.out) if captured.out else None

    def file(self, octets: str | bytes) -> str:
        path = self.folder / "file.csv"
        path.write_bytes(octets if isinstance(octets, bytes) else octets.encode())
        return str(path)


@pytest.fixture
def tdgate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tdgate:
    return Tdgate(tmp_path, capsys)


def test_a_preference_is_set_and_listed_without_a_number(tdgate: Tdgate) -> None:
    words = ("preference", "set", PERSON, "--declines", "marketing", "--channels", "voice", "--source", "app")
    code, result = tdgate(*words, "--opens", "09:00", "--closes", "18:30")
    assert (code, result["declines"], result["hours"]) == (0, ["marketing/voice"], "09:00-18:30")
    code, listed = tdgate("preference", "list")
    (row,) = listed["rows"]
    assert (row["institution"], row["source"]) == ("all", "app")
    assert PERSON not in json.dumps(listed)


@pytest.mark.parametrize(
    "words",
    [
        ("--opens", "09:00"),
        ("--opens", "18:00", "--closes", "09:00"),
        ("--opens", "9", "--closes", "10"),
        ("--opens", "09:00", "--closes", "25:00"),
        ("--declines", "service"),
        ("--institution", "nobody"),
    ],
)
def test_a_preference_that_makes_no_sense_is_refused(tdgate: Tdgate, words: tuple[str, ...]) -> None:
    assert tdgate("preference", "set", PERSON, "--source", "app", *words)[0] in (1, 2)
    assert tdgate("preference", "list")[1]["rows"] == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
def test_a_list_is_imported_in_any_encoding_listed_and_removed(tdgate: Tdgate, encoding: str) -> None:
    words = ("--name", "national", "--dated", "2026-11-01", "--source", "示例主管部门（虚构）")
    file = tdgate.file(f"手机号码,姓名\n{PERSON},甲\n+86 138-0013-8001,乙\n{PERSON},甲\n".encode(encoding))
    code, result = tdgate("donotcall", "import", file, *words)
    assert (code, result["right"], result["persons"], result["lists"]) == (0, 3, 2, 1)
    (row,) = tdgate("donotcall", "list")[1]["rows"]
    assert (row["persons"], row["closes"], row["dated"]) == (2, ["marketing/voice", "collection/voice"], "2026-11-01")
    assert not any(PERSON.encode() in each.read_bytes() for each in tdgate.folder.glob("var/donotcall/*"))
    assert tdgate("donotcall", "remove", "national")[1]["lists"] == 0
    assert tdgate("donotcall", "remove", "national")[0] == 1


def test_a_list_with_wrong_rows_changes_nothing_unless_partial(tdgate: Tdgate) -> None:
    words = ("--name", "national", "--dated", "2026-11-01", "--source", "-")
    file = tdgate.file(f"number\n{PERSON}\n1.38001E+10\n")
    code, result = tdgate("donotcall", "import", file, *words)
    assert (code, result["imported"], [one["row"] for one in result["problems"]]) == (1, False, [3])
    assert tdgate("donotcall", "list")[1]["rows"] == []
    assert tdgate("donotcall", "import", file, *words, "--partial")[1]["persons"] == 1
    assert tdgate("donotcall", "import", file, "--name", "../x", "--dated", "2026-11-01", "--source", "-")[0] == 2


def test_a_list_that_lost_most_of_its_persons_is_not_taken_by_mistake(tdgate: Tdgate) -> None:
    """A file that was cut off on its way would open everybody who is missing in it."""
    words = ("--name", "national", "--dated", "2026-11-01", "--source", "-")
    people = [f"138001380{number:02}" for number in range(9)]
    assert tdgate("donotcall", "import", tdgate.file("\n".join(["number", *people])), *words)[0] == 0
    for left in (0, 4):
        file = tdgate.file("\n".join(["number", *people[:left]]))
        assert tdgate("donotcall", "import", file, *words)[0] == 1
        assert tdgate("donotcall", "list")[1]["rows"][0]["persons"] == 9
    assert tdgate("donotcall", "import", file, *words, "--smaller")[1]["persons"] == 4
    assert tdgate("donotcall", "import", tdgate.file("\n".join(["number", *people[:2]])), *words)[0] == 0


def test_recycled_numbers_end_consents_of_before(tdgate: Tdgate) -> None:
    code, result = tdgate("consent", "import-recycled", tdgate.file(f"number,date\n{PERSON},soon\n"))
    assert (code, result["consents_ended"], result["problems"][0]["column"]) == (1, 0, "date")
    code, result = tdgate("consent", "import-recycled", tdgate.file(f"number,date\n{PERSON},2026-03-01\n"))
    assert (code, result["consents_ended"]) == (0, 1)
    (row,) = tdgate("consent", "list")[1]["rows"]
    assert row["withdrawn"]


def test_lifts_are_counted_for_each_institution(tdgate: Tdgate) -> None:
    assert tdgate("suppress", "add", PERSON, "--institution", "jianglan", "--source", "hotline")[0] == 0
    rows = tdgate("suppress", "lifts")[1]["rows"]
    assert rows == [{"institution": "jianglan", "lifts": 0, "refusals": 1}]


def test_preferences_come_as_a_file_and_the_latest_word_of_each_counts(tdgate: Tdgate) -> None:
    heading = "用户号码,金融机构,谢绝用途,渠道,可接收起,可接收止,登记时间\r\n"
    rows = [
        f"{PERSON},jianglan,marketing,voice,9：00,18:30:00,2025-06-02",
        f"{PERSON},jianglan,,,,,2025-06-01",
        "１３８００１３８００１,,marketing、collection,,,,2025-06-01",
    ]
    file = tdgate.file((heading + "\r\n".join(rows)).encode("gb18030"))
    code, result = tdgate("preference", "import", file)
    assert (code, result["imported"]) == (0, True), result
    assert result["changed"]["preferences"] == 3
    code, listed = tdgate("preference", "list")
    assert [(row["institution"], row["declines"], row["hours"]) for row in listed["rows"]] == [
        ("jianglan", ["marketing/voice"], "09:00-18:30"),
        ("jianglan", [], ""),
        ("all", ["marketing/sms", "marketing/voice", "collection/sms", "collection/voice"], ""),
    ]
    # The same file again changes nothing; what a person says now wins over a file that comes later.
    assert tdgate("preference", "import", file)[1]["changed"]["preferences"] == 0
    assert tdgate("preference", "set", PERSON, "--institution", "jianglan", "--source", "app")[1]["changed"]
    late = tdgate.file(f"recipient,institution,declines,at\n{PERSON},jianglan,marketing,2026-01-01\n")
    assert tdgate("preference", "import", late)[1]["changed"]["preferences"] == 1
    words = ("preference", "set", PERSON, "--institution", "jianglan", "--source", "app")
    assert not tdgate(*words)[1]["changed"]


def test_wrong_preferences_are_told_by_row_and_column(tdgate: Tdgate) -> None:
    rows = [
        f"{PERSON},jianglan,service,sms,,,2025-06-01",
        f"{PERSON},jianglan,marketing,sms,18:00,09:00,2025-06-01",
        f"{PERSON},jianglan,marketing,sms,25:00,,2025-06-01",
        f"{PERSON},jianglan,marketing,sms,09:00,,2025-06-01",
        f"{PERSON},nobody,marketing,sms,,,2025-06-01",
        "1.38E+10,jianglan,marketing,sms,,,2025-06-01",
        f"{PERSON},jianglan,marketing,sms,,,2099-06-01",
        f"{PERSON},jianglan,marketing,sms,,,",
    ]
    file = tdgate.file("recipient,institution,declines,channels,opens,closes,at\n" + "\n".join(rows))
    code, result = tdgate("preference", "import", file)
    assert (code, result["imported"]) == (1, False)
    assert [(one["row"], one["column"]) for one in result["problems"]] == [
        (2, "declines"), (3, "closes"), (4, "opens"), (5, "closes"), (6, "institution"), (7, "recipient"), (8, "at"),
        (9, "at"),
    ]  # fmt: skip
    assert tdgate("preference", "list")[1]["rows"] == []
