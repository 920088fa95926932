"""`tdgate evidence verify|head|show|prove|check`: what a person or a script asks of a log, offline.

Owns arguments, exit codes and what is printed. Must never need the signing key or write to the log. Exit codes: 0 done
and sound, 1 refused or found wrong, 2 usage. `--json` prints one object; else a table for people, and a progress bar on
a terminal, plain lines elsewhere.
"""

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from proxy.evidence.display import (
    OutsideHead,
    Proof,
    decision_rows,
    entry_object,
    head_object,
    head_rows,
    print_rows,
    problem_rows,
    report_object,
)
from proxy.evidence.keys import KeyFileError, load_public_key
from proxy.evidence.layout import Head, LayoutError
from proxy.evidence.proofs import (
    ProofError,
    consistency_proof,
    heads_of,
    inclusion_proof,
    verify_consistency,
    verify_inclusion,
)
from proxy.evidence.read import entries, find, last_head, outcomes_of, records_of, rule_table
from proxy.evidence.records import Decision, RecordError
from proxy.evidence.verify import verify

DONE, REFUSED, USAGE = 0, 1, 2


class _UsageError(Exception):
    """The arguments do not make sense together."""


def add_arguments(subparsers: "argparse._SubParsersAction[Any]") -> None:
    """Adds `evidence` with its commands; each parsed namespace has `run(args) -> int`."""
    evidence = subparsers.add_parser("evidence", help="verify, read and prove the evidence log 核验证据日志")
    commands = evidence.add_subparsers(dest="evidence_command", required=True)

    one = _command(commands, "verify", verify_command, "recompute the whole log 全量核验")
    _key(one, required=True)
    one.add_argument("--head", type=Path, metavar="FILE", help="a head held outside (JSON from `evidence head --json`)")
    one.add_argument("--size", type=int, help="instead of --head: its number of records, with --root")
    one.add_argument("--root", help="instead of --head: its root, 64 hex digits, with --size")

    one = _command(commands, "head", head_command, "the last signed head, to be held outside 最新签名树头")
    _key(one, required=False)

    one = _command(commands, "show", show_command, "one decision and what became of it 查看一条决定")
    one.add_argument("id", help="the decision's id, decimal or 0x…")

    one = _command(commands, "prove", prove_command, "a proof for a third party 生成证明")
    what = one.add_mutually_exclusive_group(required=True)
    what.add_argument("--id", help="inclusion of this decision")
    what.add_argument("--index", type=int, help="inclusion of the record with this index")
    what.add_argument("--from-size", type=int, help="consistency with the head over so many records")

    one = commands.add_parser("check", help="check a proof with the public key only 核验证明")
    one.add_argument("proof", type=Path, help="JSON from `evidence prove --json`")
    _key(one, required=True)
    one.add_argument("--json", action="store_true")
    one.set_defaults(run=guarded(check_command))


def _command(
    commands: "argparse._SubParsersAction[Any]", name: str, run: Callable[[argparse.Namespace], int], text: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.add_argument("directory", type=Path, help="the directory with the log's segments")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    parser.set_defaults(run=guarded(run))
    return parser


def _key(parser: argparse.ArgumentParser, *, required: bool) -> None:
    text = "public key in PEM; again for each key the log was signed with"
    parser.add_argument("--key", type=Path, action="append", required=required, metavar="FILE", help=text)


def guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Turns what may be wrong with files and arguments into one line and an exit code."""

    def run_guarded(args: argparse.Namespace) -> int:
        try:
            return run(args)
        except (_UsageError, KeyFileError) as error:
            print(f"tdgate evidence: {error}", file=sys.stderr)
            return USAGE
        except (OSError, LayoutError, ProofError, RecordError) as error:
            print(f"tdgate evidence: {error}", file=sys.stderr)
            return REFUSED

    return run_guarded


def _print_json(value: object) -> None:
    print(msgspec.json.encode(value).decode())


def _keys(args: argparse.Namespace) -> list[Ed25519PublicKey]:
    return [load_public_key(path) for path in args.key or ()]


def _outside_head(args: argparse.Namespace) -> Head | None:
    if args.head is not None:
        if args.size is not None or args.root is not None:
            raise _UsageError("either --head, or --size and --root")
        try:
            return msgspec.json.decode(args.head.read_bytes(), type=OutsideHead).head()
        except (msgspec.DecodeError, ValueError) as error:
            raise _UsageError(f"{args.head}: no head: {error}") from error
    if args.size is None and args.root is None:
        return None
    if args.size is None or args.root is None or args.size < 0:
        raise _UsageError("--size and --root go together")
    try:
        return OutsideHead(size=args.size, root=args.root).head()
    except ValueError as error:
        raise _UsageError(f"--root: {error}") from error


def verify_command(args: argparse.Namespace) -> int:
    """Verifies a log; exit code 1 names the first problem."""
    keys, outside = _keys(args), _outside_head(args)
    with _progress(quiet=args.json) as progress:
        report = verify(args.directory, keys, outside, progress, settle_s=1.0)
    if args.json:
        _print_json(report_object(report))
    else:
        print_rows("evidence log 证据日志", problem_rows(report))
    return DONE if report.sound else REFUSED


def _progress(*, quiet: bool) -> AbstractContextManager[Callable[[int, int], None]]:
    """What is told how far the verification has come: a bar on a terminal, a line for each tenth elsewhere."""
    console = Console(stderr=True)
    if quiet:
        return nullcontext(lambda done, total: None)
    return _Bar(console) if console.is_terminal else nullcontext(_lines())


def _lines() -> Callable[[int, int], None]:
    tenth = 0

    def tell(done: int, total: int) -> None:
        nonlocal tenth
        now = 10 * done // max(total, 1)
        if now > tenth:
            tenth = now
            print(f"verified {10 * now} %", file=sys.stderr)

    return tell


class _Bar(AbstractContextManager[Callable[[int, int], None]]):
    """A progress bar in octets."""

    def __init__(self, console: Console) -> None:
        columns = (TextColumn("verifying 核验"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("")

    def __enter__(self) -> Callable[[int, int], None]:
        self._progress.start()
        return lambda done, total: self._progress.update(self._task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _last_head(directory: Path) -> Head:
    head = last_head(directory)
    if head is None:
        raise ProofError(f"{directory}: no record yet")
    return head


def head_command(args: argparse.Namespace) -> int:
    """Prints the last signed head; with --key its signature is checked."""
    head = _last_head(args.directory)
    keys = _keys(args)
    if keys and not any(head.is_signed_by(key) for key in keys):
        raise ProofError("the last head is not signed by this key")
    if args.json:
        _print_json(head_object(head))
    else:
        print_rows("signed head 签名树头", head_rows(head))
    return DONE


def _decision_id(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        raise _UsageError(f"{text}: no id") from error


def show_command(args: argparse.Namespace) -> int:
    """Shows one decision, its rules by name, and its outcomes."""
    entry = find(args.directory, _decision_id(args.id))
    if entry is None or not isinstance(decision := entry.record, Decision):
        raise ProofError(f"no decision with the id {args.id}")
    rules = rule_table(args.directory, decision, entry.index)
    outcomes = outcomes_of(args.directory, decision.id, entry.index)
    if args.json:
        _print_json(entry_object(entry, rules, outcomes))
    else:
        print_rows("decision 决定", decision_rows(entry, decision, rules, outcomes))
    return DONE


def prove_command(args: argparse.Namespace) -> int:
    """Makes an inclusion or consistency proof up to the last head."""
    head = _last_head(args.directory)
    if args.from_size is not None:
        path = consistency_proof(records_of(args.directory, head.size), args.from_size, head.size)
        (old_root,) = heads_of(records_of(args.directory, args.from_size), [(0, args.from_size)])
        proof = Proof.consistency(head, args.from_size, old_root, path)
    else:
        index = args.index
        if index is None:
            entry = find(args.directory, _decision_id(args.id))
            if entry is None:
                raise ProofError(f"no decision with the id {args.id}")
            index = entry.index
        path = inclusion_proof(records_of(args.directory, head.size), index, head.size)
        record = next(entries(args.directory, index, index + 1)).octets
        proof = Proof.inclusion(head, index, record, path)
    if args.json:
        _print_json(proof)
    else:
        print_rows("proof 证明", proof.rows())
    return DONE


def check_command(args: argparse.Namespace) -> int:
    """Checks a proof against its head, and the head against the public key. Needs no log."""
    try:
        proof = msgspec.json.decode(args.proof.read_bytes(), type=Proof)
        head, path = proof.head.head(), [bytes.fromhex(one) for one in proof.path]
        record, old_root = bytes.fromhex(proof.record), bytes.fromhex(proof.old_root)
    except (msgspec.DecodeError, ValueError) as error:
        raise _UsageError(f"{args.proof}: no proof: {error}") from error
    signed = any(head.is_signed_by(key) for key in _keys(args))
    if proof.kind == "inclusion":
        holds = verify_inclusion(record, proof.index, head.size, path, head.root)
    else:
        holds = verify_consistency(proof.old_size, head.size, old_root, head.root, path)
    if args.json:
        _print_json({"proof_holds": holds, "head_signed": signed})
    else:
        rows = [("proof 证明", "holds 成立" if holds else "does not hold 不成立")]
        rows.append(("signature 签名", "good 有效" if signed else "wrong 无效"))
        print_rows("check 核验", rows)
    return DONE if holds and signed else REFUSED
