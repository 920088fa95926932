"""One row for each attempt at a call, joined from what the log holds, and its export."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import proxy.commands.calls as command
from proxy.cli import main
from proxy.core.ground import ASKS_OTHER
from proxy.evidence.call_rows import COLUMNS, CallRow, call_rows
from proxy.evidence.read import Entry
from proxy.evidence.records import ALLOW, DENY, Call, Decision, Outcome, Start, Stop, encode

pytestmark = pytest.mark.unit

NOON_US = 1_741_147_200_000_000  # 2025-03-05 12:00 in Asia/Shanghai
PERMIT = Decision(
    id=(1 << 32) + 1,
    at_us=NOON_US,
    channel="voice",
    account="jianglan-own",
    sender="10690001",
    person=b"\x01" * 16,
    key_id=1,
    principal="jianglan",
    purpose="marketing",
    effect=ALLOW,
    rule="",
    detail="",
    mode="enforce",
    pack="cn-test",
    pack_version=3,
    revision=7,
    outcomes=b"",
    rules_hash=b"\0" * 8,
)
REFUSAL = replace(PERMIT, id=PERMIT.id + 1, effect=DENY, rule="suppression.active", detail="refused")
ANSWERED = Call(
    id=PERMIT.id,
    at_us=NOON_US + 65_000_000,
    direction="out",
    account="jianglan-own",
    person=b"",
    key_id=0,
    asked_us=NOON_US,
    rang_us=NOON_US + 1_000_000,
    answered_us=NOON_US + 5_000_000,
    result="answered",
    status=200,
    side="b",
    cause="bye",
    carrier="gw-1",
    attempts=1,
)
START = Start(at_us=NOON_US, boot=2, software="x", config_digest=b"", rules=())


def rows(*records: Any) -> list[CallRow]:
    return list(call_rows(encode(record) for record in records))


def test_an_answered_call() -> None:
    (row,) = rows(PERMIT, Outcome(id=1, at_us=1, result="accepted", status=0), ANSWERED)
    assert (row.id, row.principal, row.caller, row.person) == ("0x100000001", "jianglan", "10690001", "01" * 16)
    assert (row.effect, row.result, row.status, row.side, row.cause) == ("allow", "answered", 200, "b", "bye")
    assert (row.ring_ms, row.talk_ms) == (4000, 60_000)
    assert (row.asked, row.ended) == ("2025-03-05T04:00:00.000+00:00", "2025-03-05T04:01:05.000+00:00")


def test_a_call_refused_here_has_a_row_too() -> None:
    (row,) = rows(REFUSAL)
    assert (row.effect, row.rule, row.detail) == ("deny", "suppression.active", "refused")
    assert (row.result, row.side, row.cause, row.talk_ms) == ("refused_here", "us", "suppression.active", 0)


def test_rows_come_as_attempts_end_and_open_ones_last() -> None:
    other = replace(PERMIT, id=PERMIT.id + 5)
    found = rows(PERMIT, other, REFUSAL, replace(ANSWERED, id=other.id))
    assert [(row.id, row.result) for row in found] == [
        ("0x100000002", "refused_here"),
        ("0x100000006", "answered"),
        ("0x100000001", "open"),
    ]
    assert [row.result for row in rows(PERMIT, START, replace(REFUSAL, id=1))] == ["open", "refused_here"]
    assert [row.result for row in rows(PERMIT, Stop(at_us=1, boot=1, reason="x"), ANSWERED)] == ["open", "answered"]


def test_a_call_back_has_no_decision() -> None:
    (row,) = rows(replace(ANSWERED, direction="in", person=b"\x02" * 16, key_id=1))
    assert (row.direction, row.account, row.effect, row.person) == ("in", "jianglan-own", "", "02" * 16)


def test_texts_have_no_rows() -> None:
    assert rows(replace(PERMIT, channel="sms"), replace(REFUSAL, asks=ASKS_OTHER)) == []


def test_a_call_that_was_not_answered_rang_until_its_end() -> None:
    (row,) = rows(PERMIT, replace(ANSWERED, answered_us=0, result="refused", status=486))
    assert (row.ring_ms, row.talk_ms, row.answered) == (64_000, 0, "")


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs `tdgate calls export` over these records."""
    config = tmp_path / "tdgate.toml"
    config.write_text('state = "var"\n', encoding="utf-8")

    def run(*records: Any, options: tuple[str, ...] = ()) -> str:
        kept = [Entry(index, encode(record), None) for index, record in enumerate(records)]  # type: ignore[arg-type]
        monkeypatch.setattr(command, "entries", lambda _: iter(kept))
        assert main(["calls", "export", "--config", str(config), *options]) == 0
        return capsys.readouterr().out

    return run


def test_as_csv(export: Any) -> None:
    read = list(csv.DictReader(io.StringIO(export(PERMIT, ANSWERED, REFUSAL))))
    assert tuple(read[0]) == COLUMNS
    assert [row["result"] for row in read] == ["answered", "refused_here"]
    assert read[0]["talk_ms"] == "60000"


def test_as_json_lines(export: Any) -> None:
    lines = [json.loads(line) for line in export(PERMIT, ANSWERED, options=("--format", "jsonl")).splitlines()]
    assert tuple(lines[0]) == COLUMNS
    assert export(PERMIT, ANSWERED, options=("--json",)).count("\n") == 1


def test_of_one_day_and_trunk(export: Any) -> None:
    day = ("--json", "--day", "2025-03-05")
    late = replace(PERMIT, id=1, at_us=NOON_US + 12 * 3600 * 1_000_000)
    assert export(PERMIT, late, options=day).count("\n") == 1
    assert export(PERMIT, options=(*day, "--account", "another")) == ""
    assert export(options=("--json",)) == ""


def test_no_cell_is_a_formula(export: Any) -> None:
    read = list(csv.DictReader(io.StringIO(export(replace(REFUSAL, sender="=cmd()")))))
    assert read[0]["caller"] == "'=cmd()"
