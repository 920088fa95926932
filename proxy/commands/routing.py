"""`tdgate routing import-ported|carrier`: ported numbers, and whose subscriber a number is.

Exit codes: 0 done, 1 refused or failed, 2 usage. A file with wrong rows is refused as a whole (1) unless `--partial`.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.commands.registry_output import counting, show, show_problems
from proxy.core.addresses import masked
from proxy.registry import fields
from proxy.registry.carriers import read_carriers, read_ported
from proxy.registry.documents import DocumentError
from proxy.registry.importing import Problem
from proxy.settings import Settings, load
from proxy.store.key_state import load_secret, secret_for
from proxy.store.ported_file import PORTED_FILE, PortedRows, load_ported

_SHIPPED: Final = "carriers"
_TABLE: Final = "ported"


def add_arguments(commands: Any) -> None:
    """Adds `routing import-ported|carrier` to the subparsers of `tdgate`."""
    routing = commands.add_parser("routing", help="whose subscriber a number is: ported numbers, prefixes")
    verbs = routing.add_subparsers(dest="verb", required=True, metavar="VERB")
    ported = verbs.add_parser("import-ported", help="takes in a CSV of number,carrier in place of the former one")
    ported.add_argument("file", type=Path, metavar="FILE")
    ported.add_argument("--encoding", help="of the file; found out if left out")
    ported.add_argument("--partial", action="store_true", help="take the right rows of a file with wrong ones")
    ported.set_defaults(run=_import_ported)
    carrier = verbs.add_parser("carrier", help="whose subscriber a number is, and why")
    carrier.add_argument("number", metavar="NUMBER")
    carrier.set_defaults(run=_carrier)
    for parser in (ported, carrier):
        parser.add_argument("--carriers", default=_SHIPPED, metavar="FILE", help="instead of the table that ships")
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="for programs")


def _database(settings: Settings) -> Path:
    return settings.path(settings.store.database)


def _import_ported(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    carriers = read_carriers(arguments.carriers)
    key = secret_for(_database(settings), settings.path(settings.store.person_key)).person_key
    rows = PortedRows(carriers.names, key.key_id)
    try:
        with counting("reading") as progress:
            right, problems = read_ported(arguments.file, carriers, key, rows, arguments.encoding, progress)
    except DocumentError as error:
        sys.stderr.write(f"tdgate: {error}\n")
        return 1
    with counting("sorting") as progress:
        conflicts = rows.settle(progress)
    problems += [
        Problem(_TABLE, line, "carrier", f"line {other} names another carrier for the same number")
        for line, other in conflicts
    ]
    problems.sort(key=lambda problem: problem.row)
    # WHY not an empty one: it would take the former file's place, and every ported number would be forgotten.
    done = len(rows) > 0 and (not problems or arguments.partial)
    result: dict[str, Any] = {"right": right - len(conflicts), "wrong": len({problem.row for problem in problems})}
    result["imported"] = done
    if done:
        with counting("writing") as progress:
            result["numbers"] = rows.write(_database(settings).with_name(PORTED_FILE), progress)
    if arguments.json:
        result["problems"] = [msgspec.structs.asdict(problem) for problem in problems]
    elif problems:
        show_problems(problems)
    show(result, as_json=arguments.json)
    return 0 if done else 1


def _carrier(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    try:
        recipient = fields.recipient(arguments.number)
    except ValueError as error:
        sys.stderr.write(f"tdgate routing carrier: {error}\n")
        return 2
    secret = load_secret(_database(settings), settings.path(settings.store.person_key))
    ported = load_ported(_database(settings).with_name(PORTED_FILE), secret.person_key.ids)
    carriers = read_carriers(arguments.carriers).with_ported(ported)
    person = secret.person_key.digest(recipient)
    result = {
        "recipient": masked(recipient),
        "carrier": carriers.of(recipient, person),
        "by_prefix": carriers.by_prefix(recipient),
        "ported": bool(ported.of(person)),
    }
    show(result, as_json=arguments.json)
    return 0
