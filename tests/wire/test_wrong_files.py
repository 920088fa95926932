"""Configuration and import files with errors: every error by file and place, nothing taken in, nobody disturbed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from proxy.cli import main
from tests.tools.wire import SUBMIT_SM
from tests.wire.bystander import Bystander
from tests.wire.house import House, tdgate, text
from tests.wire.people import PERSONS, account, number, registry

pytestmark = pytest.mark.wire


WRONG = """
state = "state"
unknown = 1
[smpp]
response_timer_s = "soon"
enquire_link_timer_s = -1
[smpp.routes.default]
port = 70000
on_loss = "ignore"
[[smpp.listeners]]
port = -1
[policy]
pack = "cn-open"
"""
EXPECTED = (
    "unknown:",
    "smpp.response_timer_s:",
    "smpp.enquire_link_timer_s:",
    "smpp.routes.default.port:",
    "smpp.routes.default.on_loss:",
    "smpp.listeners.0.port:",
)


async def test_a_wrong_configuration_is_told_key_by_key_and_nothing_starts(tmp_path: Path) -> None:
    config = tmp_path / "tdgate.toml"
    config.write_text(WRONG)
    for command in (("check-config", config), ("run", "--config", config)):
        code, out, err = await tdgate(*command)
        assert (code, out) == (1, "")
        lines = err.splitlines()
        assert len(lines) == len(EXPECTED)
        for key in EXPECTED:
            assert any(line.startswith(f"{config}: {key} ") for line in lines), (key, lines)
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize(
    ("name", "found", "said"),
    [
        ("no TOML", "state = [", "Invalid value"),
        ("no file", None, "No such file"),
        ("a pack that there is not", '[policy]\npack = "nowhere"\n', "nowhere"),
        ("a vocabulary that there is not", '[policy]\nvocabulary = "nowhere"\n', "nowhere"),
        ("an alphabet that there is not", '[smpp.routes.default.alphabets]\n"0" = ["runes"]\n', "runes"),
        ("a data_coding that is none", '[smpp.routes.default.alphabets]\n"300" = ["ascii"]\n', "300"),
        (
            "a system_id that no PDU holds",
            f'[smpp.routes.default]\nsystem_id = "{"s" * 16}"\npassword = "p"\n',
            "system_id",
        ),
        (
            "a password that no PDU holds",
            '[smpp.routes.default]\nsystem_id = "s"\npassword = "123456789"\n',
            "password",
        ),
        ("a certificate that there is not", '[smpp.routes.default.tls]\nca = "/nowhere.pem"\n', "nowhere.pem"),
    ],
    ids=lambda one: one if isinstance(one, str) and " " in one and "\n" not in one else "",
)
def test_what_cannot_be_met_is_told_before_anything_starts(
    name: str, found: str | None, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    del name
    config = tmp_path / "tdgate.toml"
    if found is not None:
        config.write_text(found)
    assert main(["check-config", str(config)]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    assert "123456789" not in err


async def test_a_wrong_import_names_its_rows_and_changes_nothing(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    file = house.folder / "wrong.json"
    rows = registry(
        numbers=[
            number("10690999", "jianglan", "marketing"),
            number("10690998", "nobody", "marketing", operator="jianglan"),
            number("", "jianglan", "marketing"),
            number("10690997", "jianglan", "gambling"),
            number("10690996", "jianglan", "marketing", since="2026-02-30"),
            number("10690995", "jianglan", "marketing", colour="red"),
        ],
        accounts=[account("an-id-that-is-too-long", "jianglan", "marketing")],
        suppressions=[{"recipient": "1391234567", "institution": "jianglan", "at": "2026-06-01"}],
    )
    file.write_text(json.dumps(rows), encoding="utf-8")
    async with Bystander(house) as bystander:
        code, out, err = await house.command("registry", "import", file, "--json")
        assert code == 1, err
        told = json.loads(out)
        wrong = [(one["table"], one["row"], one["column"]) for one in told["problems"]]
        first = len(registry()["numbers"])
        assert [(table, column) for table, _, column in wrong] == [
            ("numbers", "principal"),
            ("numbers", "address"),
            ("numbers", "purposes"),
            ("numbers", "since"),
            ("numbers", ""),
            ("accounts", "id"),
            ("suppressions", "recipient"),
        ]
        assert {row - wrong[0][1] for table, row, _ in wrong if table == "numbers"} == {0, 1, 2, 3, 4}, first
        assert "colour" in told["problems"][4]["reason"]
        assert told["imported"] is False
        assert "1391234567" not in out + err
        # All or nothing: the right row of the file is not there either.
        assert (await esme.request(SUBMIT_SM, text("10690999"))).status == 0x0418
        # With --partial the right ones are taken, live.
        code, _, _ = await house.command("registry", "import", file, "--partial", "--json")
        assert code == 0
        assert (await esme.request(SUBMIT_SM, text("10690999"))).status == 0
        await bystander.goes_on()
    await house.end()


@pytest.mark.parametrize(
    ("name", "octets"),
    [
        ("wrong.json", b"{ no json"),
        ("wrong.json", b"[]"),
        ("wrong.json", b'{"rumours": []}'),
        ("wrong.json", b"\xff\xfe\x00"),
        ("wrong.csv", b""),
        ("wrong.csv", b"\x00\x01\x02" * 100),
        ("wrong.csv", f"recipient,colour\n{PERSONS[0]},red\n".encode()),
        ("missing.csv", None),
    ],
    ids=["no JSON", "a list", "a section of nobody", "no UTF-8", "empty", "binary", "wrong heading", "missing"],
)
def test_a_file_that_is_none_is_refused_in_a_line(
    name: str, octets: bytes | None, template: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(template, tmp_path / "state")
    config, file = tmp_path / "tdgate.toml", tmp_path / name
    config.write_text('state = "state"\n')
    if octets is not None:
        file.write_bytes(octets)
    table = () if name.endswith("json") else ("--table", "suppressions")
    assert main(["registry", "import", str(file), *table, "--config", str(config)]) == 1
    said = "".join(capsys.readouterr())
    assert PERSONS[0][2:] not in said
    assert file.name in said or "wrong" in said
