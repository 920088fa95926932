"""`tdgate registry|suppress|consent|hold`: exit codes, JSON on every listing, and no number of a person on a screen."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from proxy.registry.verbs import VERBS
from tests.tools.registry_parser import registry_parser

pytestmark = pytest.mark.unit

DEMO = Path(__file__).resolve().parents[2] / "examples" / "registry"


class Tdgate:
    """Runs commands on one configuration."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        (folder / "tdgate.toml").write_text('state = "var"\n', encoding="utf-8")
        self._capsys = capsys
        self.error = ""

    def __call__(self, *words: str) -> tuple[int, str]:
        parsed = registry_parser().parse_args([*words, "--config", str(self.folder / "tdgate.toml")])
        code = parsed.run(parsed)
        captured = self._capsys.readouterr()
        self.error = captured.err
        return code, captured.out

    def json(self, *words: str) -> Any:
        code, out = self(*words, "--json")
        assert code == 0, self.error
        return json.loads(out)


@pytest.fixture
def tdgate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Tdgate:
    return Tdgate(tmp_path, capsys)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's state, imported once."""
    folder = tmp_path_factory.mktemp("demo")
    (folder / "tdgate.toml").write_text("", encoding="utf-8")
    words = ["registry", "import", str(DEMO / "demo.json"), "--config", str(folder / "tdgate.toml")]
    parsed = registry_parser().parse_args(words)
    assert parsed.run(parsed) == 0
    return folder / "var"


@pytest.fixture
def filled(tdgate: Tdgate, imported: Path) -> Tdgate:
    shutil.copytree(imported, tdgate.folder / "var")
    return tdgate


def test_reading_before_anything_was_imported_fails_and_makes_nothing(tdgate: Tdgate) -> None:
    assert tdgate("registry", "status")[0] == 1
    assert "no registry yet" in tdgate.error
    assert not (tdgate.folder / "var").exists()


def test_a_file_with_one_wrong_row_is_refused_as_a_whole(filled: Tdgate) -> None:
    lines = (DEMO / "numbers.csv").read_text(encoding="utf-8") + "1,nobody,x,,fax,spam,soon,later\n"
    wrong = filled.folder / "wrong.csv"
    wrong.write_text(lines, encoding="utf-8")
    before = filled.json("registry", "status")
    code, out = filled("registry", "import", str(wrong), "--table", "numbers", "--json")
    result = json.loads(out)
    assert (code, result["imported"], result["wrong"]) == (1, False, 1)
    assert {(problem["row"], problem["column"]) for problem in result["problems"]} == {
        (3, column) for column in ("address", "telecom", "channels", "purposes", "since", "until")
    }
    assert filled.json("registry", "status") == before
    assert filled("registry", "check", str(wrong), "--table", "numbers")[0] == 1
    assert list((filled.folder / "var" / "imports").iterdir()) == []

    code, _ = filled("registry", "import", str(wrong), "--table", "numbers", "--partial")
    assert code == 0
    assert filled.json("registry", "status")["counts"]["numbers"] == before["counts"]["numbers"] + 1


def test_checking_a_file_writes_nothing(tdgate: Tdgate) -> None:
    assert tdgate("registry", "check", str(DEMO / "demo.json"))[0] == 0
    assert not (tdgate.folder / "var" / "registry.db").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("registry", "institutions"),
        ("registry", "licences"),
        ("registry", "partners"),
        ("registry", "entrustments"),
        ("registry", "numbers"),
        ("registry", "accounts"),
        ("suppress", "list"),
        ("consent", "list"),
    ],
)
def test_every_listing_is_a_table_and_json_without_numbers_of_persons(filled: Tdgate, words: tuple[str, ...]) -> None:
    rows = filled.json(*words)["rows"]
    assert rows
    code, out = filled(*words)
    assert code == 0
    assert all(heading in out for heading in rows[0])
    assert "13800138" not in out + json.dumps(rows)
    assert "argon2" not in out + json.dumps(rows)


def test_a_listing_can_be_narrowed(filled: Tdgate) -> None:
    found = filled.json("registry", "numbers", "--institution", "zehe")
    assert [row["address"] for row in found["rows"]] == ["10690301", "95533"]
    found = filled.json("registry", "numbers", "--most", "2")
    assert (len(found["rows"]), found["total"]) == (2, 13)
    assert len(filled.json("consent", "list", "--recipient", "+86 138 0013 8001")["rows"]) == 4


def test_refusals_are_added_once_and_listed_masked(filled: Tdgate) -> None:
    words = ("suppress", "add", "13800138001", "--institution", "jianglan", "--source", "letter")
    assert filled.json(*words)["changed"] is True
    assert filled.json(*words)["changed"] is False
    rows = filled.json("suppress", "list", "--recipient", "13800138001")["rows"]
    assert [(row["recipient"], row["source"]) for row in rows] == [("138******01", "letter")] * 2


def test_consents_are_given_and_withdrawn(filled: Tdgate) -> None:
    who = ("13900139000", "--institution", "jianglan")
    assert filled.json("consent", "add", *who, "--channels", "sms,voice", "--source", "form")["changed"] is True
    assert filled.json("consent", "withdraw", *who)["changed"] is True
    assert filled.json("consent", "withdraw", *who)["changed"] is False


def test_holds_and_disposals(filled: Tdgate) -> None:
    ordered = ("--reason", "fraud", "--by", "officer")
    assert filled.json("hold", "add", "number", "10690001", *ordered)["changed"] is True
    assert filled.json("hold", "list")["rows"] == [{"kind": "number", "target": "10690001", "reason": "fraud"}]
    assert filled.json("hold", "remove", "number", "10690001", "--by", "officer")["changed"] is True
    assert filled.json("registry", "dispose", "86-10690001", *ordered)["rows_changed"] == 1
    states = {row["address"]: row["state"] for row in filled.json("registry", "numbers")["rows"]}
    assert states["10690001"] == "disposed"
    assert filled.json("registry", "restore", "10690001", *ordered)["changed"] is True


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("suppress", "add", "12", "--institution", "jianglan"), 2),
        (("suppress", "add", "13800138000", "--institution", "nobody"), 1),
        (("suppress", "add", "13800138000", "--institution", "jianglan", "--source", "reply"), 2),
        (("suppress", "add", "13800138000", "--institution", "jianglan", "--purposes", "service"), 2),
        (("suppress", "add", "13800138000", "--institution", "jianglan", "--at", "2999-01-01"), 2),
        (("consent", "add", "13800138000", "--institution", "jianglan", "--channels", "fax", "--source", "x"), 2),
        (
            (
                *("consent", "add", "13800138000", "--institution", "jianglan", "--channels", "sms"),
                *("--source", "x", "--basis", "request"),
            ),
            2,
        ),
        (("registry", "import", "missing.json"), 1),
        (("registry", "import", "missing.csv"), 1),
        (("suppress", "import", "missing.json"), 2),
    ],
)
def test_exit_codes(filled: Tdgate, words: tuple[str, ...], code: int) -> None:
    assert filled(*words)[0] == code
    assert filled.error.startswith("tdgate: ")
    assert "13800138000" not in filled.error.replace("such as 13800138000", "")


def test_a_lost_key_is_never_replaced_beside_an_old_store(filled: Tdgate) -> None:
    (filled.folder / "var" / "keys" / "person.key").unlink()
    assert filled("suppress", "add", "13800138000", "--institution", "jianglan")[0] == 1
    assert not (filled.folder / "var" / "keys" / "person.key").exists()


def test_csv_of_persons_needs_no_table_name(filled: Tdgate) -> None:
    assert filled.json("suppress", "import", str(DEMO / "suppressions.csv"))["changed"]["suppressions"] == 1


def test_an_export_is_a_file_that_imports(filled: Tdgate) -> None:
    written = filled.folder / "export.json"
    written.write_text(json.dumps(filled.json("registry", "export", "--secrets", "--persons")), encoding="utf-8")
    again = filled.json("registry", "import", str(written))
    assert not any(again["changed"].values())


def test_every_verb_has_a_text_and_unique_fields() -> None:
    for name, verb in VERBS.items():
        assert verb.text
        assert name == verb.name
        assert len({field.name for field in verb.fields}) == len(verb.fields)
