"""`tdgate evidence …` as a person or a script meets it: output, exit codes, keys."""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.commands import add_arguments
from proxy.evidence.keys import (
    KeyFileError,
    create_signing_key,
    load_or_create_signing_key,
    load_public_key,
    load_signing_key,
    public_pem,
)
from proxy.evidence.records import Outcome
from proxy.evidence.segments import segment_paths

pytestmark = pytest.mark.unit


@pytest.fixture
def log(tmp_path: Path, make_log: Any, decision: Any, start_record: Any, signing_key: Any) -> Path:
    directory = tmp_path / "log"
    outcome = Outcome(id=1 << 32 | 3, at_us=9, result="unknown", status=0x45)
    make_log(directory, [[start_record], [decision(1), decision(2)], [decision(3, effect=1)], [outcome]])
    (tmp_path / "key.pem").write_bytes(public_pem(signing_key.public_key()))
    return directory


def run(*words: object) -> int:
    parser = argparse.ArgumentParser()
    add_arguments(parser.add_subparsers())
    args = parser.parse_args(["evidence", *map(str, words)])
    code: int = args.run(args)
    return code


def test_verify_against_a_head_kept_outside(log: Path, capsys: Any) -> None:
    key, head = log.parent / "key.pem", log.parent / "head.json"
    assert run("head", log, "--json", "--key", key) == 0
    head.write_text(capsys.readouterr().out)
    assert run("verify", log, "--key", key, "--head", head, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["sound"]
    assert report["outside_head_met"]
    assert report["records"] == 5
    assert report["head"] == json.loads(head.read_text())
    held = json.loads(head.read_text())
    assert run("verify", log, "--key", key, "--size", held["size"], "--root", held["root"]) == 0
    assert "相符" in capsys.readouterr().out


def test_verify_names_what_is_wrong(log: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # A last batch that is cut short may be one that is being written: `verify` looks again, as often without a pause.
    monkeypatch.setattr(time, "sleep", lambda _: None)
    (path,) = segment_paths(log)
    octets = bytearray(path.read_bytes())
    octets[-150] ^= 1
    path.write_bytes(octets)
    assert run("verify", log, "--key", log.parent / "key.pem", "--json") == 1
    problem = json.loads(capsys.readouterr().out)["problem"]
    assert problem["segment"] == path.name
    assert (problem["batch"], problem["first"]) == (3, 4)
    assert run("verify", log, "--key", log.parent / "key.pem") == 1
    shown = capsys.readouterr()
    assert "NOT SOUND" in shown.out
    assert path.name in shown.out


@pytest.mark.parametrize(
    "words",
    [
        ("--size", "3"),
        ("--root", "00" * 32),
        ("--size", "3", "--root", "zz"),
        ("--size", "3", "--root", "00"),
        ("--head", "KEY"),
        ("--head", "KEY", "--size", "3"),
    ],
)
def test_usage_errors(log: Path, words: tuple[str, ...], capsys: Any) -> None:
    key = log.parent / "key.pem"
    assert run("verify", log, "--key", key, *(key if word == "KEY" else word for word in words)) == 2
    assert capsys.readouterr().err


def test_missing_things_are_one_line(log: Path, tmp_path: Path, capsys: Any) -> None:
    key = log.parent / "key.pem"
    assert run("verify", tmp_path / "nowhere", "--key", key) == 1
    assert run("verify", log, "--key", tmp_path / "nowhere.pem") == 2
    assert run("show", log, 77) == 1
    assert run("show", log, "seven") == 2
    assert run("prove", log, "--index", 99) == 1
    (tmp_path / "empty").mkdir()
    assert run("head", tmp_path / "empty") == 1
    assert len(capsys.readouterr().err.splitlines()) == 6


def test_head_with_the_wrong_key(log: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.pem"
    other.write_bytes(public_pem(create_signing_key(tmp_path / "secret.pem").public_key()))
    assert run("head", log, "--key", other) == 1


def test_show(log: Path, capsys: Any) -> None:
    assert run("show", log, hex(1 << 32 | 3), "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["index"] == 3
    assert shown["record"]["rule"] == "suppression.active"
    assert {"rule": "suppression.active", "outcome": "refuse"} in shown["rules"]
    assert [one["result"] for one in shown["became"]] == ["unknown"]
    assert run("show", log, 1 << 32 | 3) == 0
    table = capsys.readouterr().out
    assert "suppression.active" in table
    assert "unknown" in table


@pytest.mark.parametrize("what", [("--id", 1 << 32 | 2), ("--index", 0), ("--from-size", 3)])
def test_proofs_can_be_checked_without_the_log(log: Path, what: tuple[object, ...], capsys: Any) -> None:
    key, file = log.parent / "key.pem", log.parent / "proof.json"
    assert run("prove", log, *what, "--json") == 0
    proof = json.loads(capsys.readouterr().out)
    file.write_text(json.dumps(proof))
    for path in segment_paths(log):
        path.unlink()
    assert run("check", file, "--key", key) == 0
    assert run("check", file, "--key", key, "--json") == 0
    capsys.readouterr()
    field = "record" if proof["kind"] == "inclusion" else "old_root"
    file.write_text(json.dumps(proof | {field: "00" * 32}))
    assert run("check", file, "--key", key, "--json") == 1
    assert json.loads(capsys.readouterr().out) == {"proof_holds": False, "head_signed": True}
    file.write_text(json.dumps(proof | {"head": proof["head"] | {"at_us": 1}}))
    assert run("check", file, "--key", key, "--json") == 1
    assert json.loads(capsys.readouterr().out) == {"proof_holds": True, "head_signed": False}
    file.write_text("{}")
    assert run("check", file, "--key", key) == 2


def test_a_proof_is_shown_to_people(log: Path, capsys: Any) -> None:
    assert run("prove", log, "--index", 1) == 0
    assert "inclusion" in capsys.readouterr().out


def test_a_signing_key_is_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "signing.pem"
    key = load_or_create_signing_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_or_create_signing_key(path).private_bytes_raw() == key.private_bytes_raw()
    with pytest.raises(KeyFileError, match="exists"):
        create_signing_key(path)
    for mode in (0o640, 0o604, 0o620):
        path.chmod(mode)
        with pytest.raises(KeyFileError, match="chmod"):
            load_signing_key(path)


def test_files_that_are_no_keys(tmp_path: Path) -> None:
    path = tmp_path / "no.pem"
    path.touch(mode=0o600)
    with pytest.raises(KeyFileError):
        load_signing_key(path)
    with pytest.raises(KeyFileError):
        load_public_key(path)
    with pytest.raises(KeyFileError):
        load_signing_key(tmp_path / "none.pem")
