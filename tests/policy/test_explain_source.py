"""`tdgate explain sms` over a real store: records, a consent and a refusal as they were imported."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest

from proxy.commands import explain as explain_command
from proxy.commands import registry as registry_commands
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError

DEMO = Path(__file__).resolve().parents[2] / "examples" / "registry" / "demo.json"
ROWS = json.loads(DEMO.read_text(encoding="utf-8"))
ASK = (
    "explain",
    "sms",
    "--account",
    "jianglan-mkt",
    "--from",
    "10690001",
    "--text",
    "【江澜银行】“安居贷”年化3.5%起，咨询400-000-1001，回T退订",
    "--at",
    "2026-06-01T12:00",
)


def tdgate(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(required=True)
    explain_command.add_arguments(commands)
    registry_commands.add_arguments(commands)
    parsed = parser.parse_args(arguments)
    code: int = parsed.run(parsed)
    return code


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "tdgate.toml"
    path.write_text("", encoding="utf-8")
    return str(path)


def agreed() -> str:
    """Somebody of the example who agreed and did not refuse."""
    refused = {row["recipient"] for row in ROWS["suppressions"]}
    ours = [row["recipient"] for row in ROWS["consents"] if row["institution"] == "jianglan"]
    return next(person for person in ours if person not in refused)


def test_a_store_is_asked(config: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tdgate("registry", "import", "--config", config, str(DEMO)) == 0
    refused = next(row["recipient"] for row in ROWS["suppressions"] if row["institution"] == "jianglan")
    expected = {agreed(): "allow", refused: "deny suppression.active / refused", "13700137999": "deny consent.missing"}
    for person, shown in expected.items():
        capsys.readouterr()
        code = tdgate(*ASK, "--config", config, "--to", f"+86 {person}")
        assert capsys.readouterr().out.startswith(shown)
        assert code == (0 if shown == "allow" else 1)
    assert tdgate(*ASK, "--config", config, "--to", agreed(), "--account", "nobody") == 1
    assert "no account nobody" in capsys.readouterr().err


def test_without_a_store(config: str) -> None:
    with pytest.raises((StoreError, PersonKeyError)):
        tdgate(*ASK, "--config", config, "--to", agreed())
