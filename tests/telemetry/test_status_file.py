"""The status file: what is written is read, half a file is never seen, and the pace is kept."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from proxy.core.ground import OUTCOME_PASS, OUTCOME_SHADOW
from proxy.core.purposes import ALL_MARKETING
from proxy.telemetry.rows import decision_row, refusal_row, shown_sender
from proxy.telemetry.status import (
    EvidenceRow,
    Status,
    StatusFile,
    StatusUnreadableError,
    decode_status,
    status_path,
)

pytestmark = pytest.mark.unit

EMPTY = Status(
    at_us=1,
    pid=2,
    boot=3,
    version="0",
    revision=4,
    pack="cn-default",
    pack_version=1,
    ready=False,
    ready_reason="no carrier",
    draining=False,
    listeners=(),
    binds=(),
    routes=(),
    decisions=(("sms", "deny", "suppression.active", 3),),
    counters={"reply.received": 9},
    evidence=EvidenceRow(0, "", 0, False),
    latest=(),
    refusals=(),
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = StatusFile(status_path(tmp_path))
    file.write(EMPTY)
    assert decode_status(status_path(tmp_path).read_bytes()) == EMPTY


def test_a_shorter_status_leaves_nothing_of_a_longer_one(tmp_path: Path) -> None:
    file = StatusFile(status_path(tmp_path))
    file.write(msgspec.structs.replace(EMPTY, ready_reason="x" * 10_000))
    file.write(EMPTY)
    assert decode_status(file.path.read_bytes()) == EMPTY


def test_what_a_killed_writer_left_is_written_over(tmp_path: Path) -> None:
    file = StatusFile(status_path(tmp_path))
    (tmp_path / "status.json.new").write_bytes(b"x" * 10_000)
    file.write(EMPTY)
    assert decode_status(file.path.read_bytes()) == EMPTY


def test_a_disk_that_takes_a_part_is_an_error_and_keeps_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = StatusFile(status_path(tmp_path))
    file.write(EMPTY)
    monkeypatch.setattr("os.write", lambda _, octets: len(octets) - 1)
    with pytest.raises(OSError, match="space"):
        file.write(msgspec.structs.replace(EMPTY, ready=True))
    assert not decode_status(file.path.read_bytes()).ready


def test_a_reader_keeps_the_whole_old_one_while_a_new_one_comes(tmp_path: Path) -> None:
    file = StatusFile(status_path(tmp_path))
    file.write(EMPTY)
    with file.path.open("rb") as held:
        file.write(msgspec.structs.replace(EMPTY, ready=True))
        assert not decode_status(held.read()).ready
    assert decode_status(file.path.read_bytes()).ready
    assert [entry.name for entry in tmp_path.iterdir()] == ["status.json"]


def test_changes_are_written_four_times_a_second_and_nothing_once(tmp_path: Path) -> None:
    file = StatusFile(status_path(tmp_path))
    assert file.due(100.0, changed=False)
    file.write(EMPTY, 100.0)
    assert not file.due(100.2, changed=True)
    assert file.due(100.25, changed=True)
    assert not file.due(100.9, changed=False)
    assert file.due(101.0, changed=False)


def test_an_orderly_end_takes_the_file_away(tmp_path: Path) -> None:
    file = StatusFile(status_path(tmp_path))
    file.write(EMPTY)
    file.remove()
    file.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("octets", [b"", b"{", b"[]", b"null", b'{"at_us": "then"}', b"\xff\xfe"])
def test_what_is_no_status_is_told_apart(octets: bytes) -> None:
    with pytest.raises(StatusUnreadableError):
        decode_status(octets)


def test_a_field_of_a_later_version_is_passed_over() -> None:
    document = msgspec.to_builtins(EMPTY) | {"something_new": 1}
    assert decode_status(msgspec.json.encode(document)) == EMPTY


def _decision(outcomes: bytes) -> Any:
    """What a row takes of a decision."""
    return SimpleNamespace(
        id=0x1F, effect="allow", rule="", detail="", principal="jianglan", purpose="marketing", outcomes=outcomes
    )


def test_a_decision_row_masks_the_person_and_names_the_shadow_rules() -> None:
    rules = ("address.invalid", "hours.closed", "consent.missing")
    outcomes = bytes((OUTCOME_PASS, OUTCOME_SHADOW, OUTCOME_PASS))
    row = decision_row(
        _decision(outcomes), at_us=7, account="jianglan-a", sender="10690001", recipient="8613800138000", rules=rules
    )
    assert (row.id, row.recipient, row.sender) == ("000000000000001f", "138******00", "10690001")
    assert row.shadow == ("hours.closed",)
    assert bytes.fromhex(row.outcomes) == outcomes
    assert b"13800138000" not in msgspec.json.encode(row)


def test_a_mobile_that_sends_is_masked_too_and_no_form_is_nothing() -> None:
    assert shown_sender("8613900139000") == "139******00"
    assert shown_sender(None) == ""
    row = decision_row(_decision(b""), at_us=7, account="a", sender=None, recipient=None, rules=())
    assert (row.sender, row.recipient, row.shadow) == ("", "", ())


def test_a_refusal_row_masks_the_person_and_spells_out_what_is_closed() -> None:
    row = refusal_row(
        at_us=7,
        person="8613800138000",
        institutions=("jianglan",),
        label="optout",
        matched_words="TD 13900139000",
        closes=ALL_MARKETING,
        latency_us=800,
    )
    assert row.person == "138******00"
    assert row.closes == ("marketing/sms", "marketing/voice")
    assert row.matched == "TD 139******00"
