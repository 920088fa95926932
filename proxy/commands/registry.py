"""`tdgate registry|suppress|consent|hold`: the verbs as commands. Thin: options come from their table.

Exit codes: 0 done, 1 refused or failed, 2 usage. A file with wrong rows is refused as a whole (1) unless `--partial`.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.commands import handing_over, lists, reconcile, recycled, submissions
from proxy.commands.registry_access import ImportRequest, StoreAccess
from proxy.commands.registry_output import counting, show, show_problems
from proxy.control import ControlError
from proxy.evidence.layout import LayoutError
from proxy.evidence.records import RecordError
from proxy.registry.documents import DocumentError
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError, VerbError
from proxy.registry.tables import RECORD_TABLES, TABLES
from proxy.registry.verb import Args, VerbField
from proxy.registry.verbs import VERBS
from proxy.settings import load

#: group, its help, and (command, verb, fields that are positional).
_GROUPS: Final[tuple[tuple[str, str, tuple[tuple[str, str, tuple[str, ...]], ...]], ...]] = (
    (
        "registry",
        "institutions, numbers, accounts and what they may do",
        (
            ("status", "registry.status", ()),
            *((table.name, f"registry.{table.name}", ()) for table in RECORD_TABLES),
            ("export", "registry.export", ()),
            ("followed", "list.followed", ()),
            ("labels", "list.labels", ()),
            ("dispose", "number.dispose", ("address",)),
            ("restore", "number.restore", ("address",)),
            ("libraries", "registry.libraries", ()),
            ("attest", "library.attest", ("institution",)),
            ("number apply", "number.apply", ("address",)),
            ("number report", "number.report", ("address",)),
            ("intake accept", "intake.accept", ("id",)),
            ("intake return", "intake.return", ("id",)),
            ("intake list", "registry.intakes", ()),
            ("submission submit", "submission.submit", ("id",)),
            ("submission receive", "submission.receive", ("id",)),
            ("submission accept", "submission.accept", ("id",)),
            ("submission return", "submission.return", ("id",)),
            ("submission merge", "submission.merge", ("id",)),
            ("submission list", "registry.submissions", ()),
            ("case settle", "case.settle", ("id", "whose")),
            ("case list", "registry.claim_cases", ()),
            ("onboarding submit", "onboarding.submit", ("account", "documents")),
            ("onboarding review", "onboarding.review", ("account",)),
            ("onboarding approve", "onboarding.approve", ("account",)),
            ("onboarding reject", "onboarding.reject", ("account",)),
            ("onboarding list", "registry.onboardings", ()),
            ("review record", "review.record", ("id",)),
            ("review submit", "review.submit", ("kind", "id")),
            ("review pass", "review.pass", ("kind", "id")),
            ("review reject", "review.reject", ("kind", "id")),
            ("review list", "review.list", ()),
            ("liaison handover", "liaison.handover", ("institution",)),
            ("liaison list", "registry.liaisons", ()),
        ),
    ),
    (
        "suppress",
        "what persons refused",
        (
            ("add", "suppress.add", ("recipient",)),
            ("list", "suppress.list", ()),
            ("lifts", "suppress.lifts", ()),
        ),
    ),
    (
        "consent",
        "what persons agreed to",
        (
            ("add", "consent.add", ("recipient",)),
            ("list", "consent.list", ()),
            ("withdraw", "consent.withdraw", ("recipient",)),
        ),
    ),
    (
        "preference",
        "what persons prefer: purposes, channels, hours",
        (("set", "preference.set", ("recipient",)), ("list", "preference.list", ())),
    ),
    (
        "token",
        "who may speak over HTTP, for which institution",
        (
            ("create", "token.create", ()),
            ("list", "token.list", ()),
            ("revoke", "token.revoke", ("id",)),
        ),
    ),
    (
        "debtor",
        "who somebody is to a debt",
        (("add", "debtor.add", ("recipient",)), ("list", "debtor.list", ())),
    ),
    (
        "notice",
        "what debtors were told of partners",
        (("add", "notice.add", ("recipient",)), ("list", "notice.list", ())),
    ),
    (
        "objection",
        "objections to a collection",
        (("list", "objection.list", ()), ("settle", "objection.settle", ("recipient",))),
    ),
    (
        "hold",
        "fraud holds",
        (
            ("add", "hold.add", ("kind", "target")),
            ("remove", "hold.remove", ("kind", "target")),
            ("list", "hold.list", ()),
        ),
    ),
)
#: Commands that have commands of their own.
_HELP: Final = {
    "onboarding": "accounts on their way to being approved by two people",
    "review": "templates and campaigns to be reviewed",
    "liaison": "who speaks for an institution",
    "number": "numbers that shall enter the library",
    "submission": "lists that institutions submit to departments",
    "case": "numbers that two institutions claim",
    "intake": "decides on numbers that shall enter the library",
}
#: Groups that have an import, and the one table that it fills without `--table`; the registry has many.
_TABLE_OF: Final = {
    "registry": "",
    "suppress": "suppressions",
    "consent": "consents",
    "debtor": "debtors",
    "notice": "debtor_notices",
    "objection": "objections",
    "preference": "preferences",
}


def add_arguments(commands: Any) -> None:
    """Adds the groups to the subparsers of `tdgate`; each command's parser sets `run`."""
    for group, text, members in _GROUPS:
        inner = commands.add_parser(group, help=text).add_subparsers(required=True, metavar="COMMAND")
        below: dict[str, Any] = {"": inner}
        for command, verb, positional in members:
            above, _, last = command.rpartition(" ")
            if above not in below:
                named = inner.add_parser(above, help=_HELP[above])
                below[above] = named.add_subparsers(required=True, metavar="COMMAND")
            parser = below[above].add_parser(last, help=VERBS[verb].text)
            for field in VERBS[verb].fields:
                _add_field(parser, field, positional=field.name in positional)
            _add_common(parser)
            parser.set_defaults(run=_runner(verb))
        if group in _TABLE_OF:
            _add_import(inner.add_parser("import", help="takes in a JSON or CSV file"), group, check_only=False)
        if group == "suppress":
            handing_over.add_arguments(inner).set_defaults(run=_guarded(handing_over.run))
        if group == "consent":
            recycled.add_arguments(inner).set_defaults(run=_guarded(recycled.run))
        if group == "registry":
            lists.add_arguments(inner)
            submissions.add_draft(below["submission"]).set_defaults(run=_guarded(submissions.draft))
            submissions.add_summary(inner).set_defaults(run=_guarded(submissions.summary))
            reconcile.add_arguments(inner).set_defaults(run=_guarded(reconcile.run))
            _add_import(inner.add_parser("check", help="what is wrong with a file"), group, check_only=True)


def _add_field(parser: argparse.ArgumentParser, field: VerbField, *, positional: bool) -> None:
    if positional:
        several: dict[str, Any] = {"nargs": "+"} if field.kind == "list" else {}
        parser.add_argument(field.name, help=field.text, **several)
        return
    option = f"--{field.name.replace('_', '-')}"
    if field.kind == "flag":
        parser.add_argument(option, dest=field.name, help=field.text, action="store_true")
        return
    kinds: dict[str, Callable[[str], Any]] = {"text": str, "whole": int, "list": _parts}
    parser.add_argument(option, dest=field.name, help=field.text, required=field.required, type=kinds[field.kind])


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="for programs")


def _add_import(parser: argparse.ArgumentParser, group: str, *, check_only: bool) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help=".json with sections, or CSV")
    if group == "registry":
        parser.add_argument("--table", choices=tuple(TABLES), help="what a CSV holds")
    parser.add_argument("--encoding", help="of a CSV; found out if left out")
    if not check_only:
        parser.add_argument("--partial", action="store_true", help="take the right rows of a file with wrong ones")
    _add_common(parser)
    parser.set_defaults(run=_importer(group, check_only=check_only))


def _runner(verb: str) -> Callable[[argparse.Namespace], int]:
    def run(parsed: argparse.Namespace) -> int:
        args: Args = {field.name: getattr(parsed, field.name) for field in VERBS[verb].fields}
        given = {name: value for name, value in args.items() if value is not None}
        access = StoreAccess(load(parsed.config))
        if verb == "onboarding.submit":
            given["documents"] = access.keep(given["documents"])
        result = access.ask(verb, given)
        show(result, as_json=parsed.json or verb == "registry.export")
        return 0

    return _guarded(run)


def _importer(group: str, *, check_only: bool) -> Callable[[argparse.Namespace], int]:
    def run(parsed: argparse.Namespace) -> int:
        access = StoreAccess(load(parsed.config))
        table = _TABLE_OF.get(group) or parsed.table
        if group != "registry" and parsed.file.suffix.lower() == ".json":
            raise VerbError("a JSON file has sections: use tdgate registry import", usage=True)
        request = ImportRequest(parsed.file, table, parsed.encoding, getattr(parsed, "partial", False))
        changed: dict[str, Any] | None = None
        with counting("reading") as progress:
            if check_only:
                report = access.check(request, progress)
            else:
                report, changed = access.take_in(request, progress)
        done = not report.problems if check_only else changed is not None
        result: dict[str, Any] = {"right": report.right, "wrong": len({(p.table, p.row) for p in report.problems})}
        if not check_only:
            result |= {"imported": changed is not None, **(changed or {})}
        if parsed.json:
            result["problems"] = [msgspec.structs.asdict(problem) for problem in report.problems]
        elif report.problems:
            show_problems(report.problems)
        show(result, as_json=parsed.json)
        return 0 if done else 1

    return _guarded(run)


def _guarded(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    def guarded(parsed: argparse.Namespace) -> int:
        try:
            return run(parsed)
        except VerbError as error:
            sys.stderr.write(f"tdgate: {error}\n")
            return 2 if error.usage else 1
        except ControlError as error:
            sys.stderr.write(f"tdgate: {error}\n")
            return 2 if error.usage else 1
        except (DocumentError, StoreError, PersonKeyError, LayoutError, RecordError, OSError) as error:
            sys.stderr.write(f"tdgate: {error}\n")
            return 1

    return guarded
