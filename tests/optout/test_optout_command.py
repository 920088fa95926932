"""`tdgate optout`: one line out for each line in, whatever the line."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from proxy.commands import optout as optout_command
from proxy.commands.optout import read_lines
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

VOCABULARY = shipped_vocabulary()


def answers(octets: bytes, *, plain: bool = False, offered: tuple[str, ...] = ()) -> tuple[int, list[dict[str, Any]]]:
    out = io.BytesIO()
    code = read_lines(io.BytesIO(octets), out, VOCABULARY, plain=plain, offered=offered)
    return code, [json.loads(line) for line in out.getvalue().splitlines()]


def test_json_lines_are_answered_line_for_line() -> None:
    code, lines = answers('{"text": "TD谢谢", "note": "x"}\r\n{"text": "HELP"}\n{"text": "好的"}'.encode())
    assert code == 0
    assert [line["label"] for line in lines] == ["optout", "help", "none"]
    assert set(lines[0]) == {"label", "scope", "matched", "confidence"}
    assert (lines[0]["scope"], lines[1]["scope"], lines[0]["matched"]) == ("sms", None, "TD")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [(b"TD", "not JSON"), (b"", "not JSON"), (b'{"text": 5}', "expected"), (b"[]", "expected"),
     (b"{}", "expected"), (b'{"text": "\xff"}', "not UTF-8"),
     (b'{"text": "T", "x": ' + b"[" * 100_000 + b"}", "not JSON")],
)  # fmt: skip
def test_a_bad_line_keeps_the_lines_paired_and_fails_the_command(bad: bytes, reason: str) -> None:
    code, lines = answers(bad + b'\n{"text": "TD"}\n')
    assert code == 1
    assert len(lines) == 2
    assert lines[0]["error"].startswith(reason)
    assert (lines[0]["label"], lines[0]["scope"], lines[0]["matched"], lines[0]["confidence"]) == (
        "none",
        None,
        None,
        0.0,
    )
    assert lines[1]["label"] == "optout"


def test_half_a_surrogate_pair_is_read() -> None:
    code, lines = answers(b'{"text": "TD\\ud83d"}\n{"text": "\\ud83d", "offered": ["a\\ud83d", "88"]}\n')
    assert code == 0
    assert [line["label"] for line in lines] == ["optout", "none"]


def test_plain_lines() -> None:
    code, lines = answers("退订\n\n\ufeffTD\r\n{}\n".encode(), plain=True)
    assert code == 0
    assert [line["label"] for line in lines] == ["optout", "none", "optout", "none"]


def test_plain_octets_that_are_no_utf8_fail() -> None:
    code, lines = answers(b"\xff\nTD\n", plain=True)
    assert code == 1
    assert [line["label"] for line in lines] == ["none", "optout"]


def test_offered_words_come_from_the_line_or_from_the_option() -> None:
    assert answers(b'{"text": "88", "offered": ["88"]}')[1][0]["matched"] == "88"
    assert answers(b'{"text": "88"}', offered=("88",))[1][0]["label"] == "optout"
    assert answers(b'{"text": "88"}')[1][0]["label"] == "none"


def test_usage_and_vocabulary_errors_have_their_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        optout_command.main(["--colour"])
    assert caught.value.code == 2
    wrong = tmp_path / "words.toml"
    wrong.write_text("version = 1\n[[optout]]\nwords = ['TD', '！']\n")
    capsys.readouterr()
    assert optout_command.main(["--vocabulary", str(wrong)]) == 1
    assert "words.toml: optout[0].words[1]: " in capsys.readouterr().err
    wrong.write_bytes(b"= \xff")
    assert optout_command.main(["--vocabulary", str(wrong)]) == 1
    assert optout_command.main(["--vocabulary", str(tmp_path / "none.toml")]) == 1
