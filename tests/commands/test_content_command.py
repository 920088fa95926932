"""`tdgate content`: one line out for each line in, whatever the line."""

import argparse
import io
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.commands import content as content_command
from proxy.commands.content import read_lines
from tests.tools.shipped import shipped_lexicon

pytestmark = pytest.mark.unit

LEXICON = shipped_lexicon()
FIELDS = {
    "category",
    "signature",
    "has_identity",
    "has_contact",
    "has_product",
    "has_refusal",
    "discloses_debtor",
}


def answers(octets: bytes, *, plain: bool = False) -> tuple[int, list[dict[str, Any]]]:
    out = io.BytesIO()
    code = read_lines(io.BytesIO(octets), out, LEXICON, plain=plain)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_json_lines_are_answered_line_for_line_with_evidence() -> None:
    lines = '{"text": "【江澜银行】“安居贷”年化3.5%起，400-000-1001，回T退订", "x": 1}\r\n{"text": ""}\n'.encode()
    code, found = answers(lines)
    assert code == 0
    assert set(found[0]) >= FIELDS
    assert found[0]["category"] == "marketing"
    assert set(found[0]["evidence"]) == {
        "category",
        "signature",
        "has_identity",
        "has_contact",
        "has_product",
        "has_refusal",
    }
    assert found[0]["evidence"]["has_contact"][0]["text"] == "400-000-1001"
    assert (found[1]["category"], found[1]["signature"], found[1]["evidence"]) == ("service", None, {})


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(b"TD", "not JSON"), (b'{"text": 5}', "expected"), (b"{}", "expected"), (b'{"text": "\xff"}', "not UTF-8")],
)
def test_a_bad_line_keeps_the_lines_paired_and_fails_the_command(bad: bytes, reason: str) -> None:
    code, found = answers(bad + b'\n{"text": "Your code is 778899"}\n')
    assert code == 1
    assert found[0]["error"].startswith(reason)
    assert found[0]["category"] is None
    assert found[1]["category"] == "verification"


def test_half_a_surrogate_pair_is_read() -> None:
    code, found = answers(b'{"text": "\\u3010a\\ud83d\\u3011 95000"}\n')
    assert code == 0
    assert found[0]["has_contact"]


def test_plain_lines() -> None:
    code, found = answers("验证码410022\n{}\n".encode(), plain=True)
    assert code == 0
    assert [line["category"] for line in found] == ["verification", "service"]


def test_a_wrong_table_ends_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "words.toml"
    wrong.write_text("version = 1\ncolour = 3\n")
    assert content_command.run(argparse.Namespace(table=wrong, plain=False, what=None)) == 1
    assert "words.toml: colour: unknown key" in capsys.readouterr().err
