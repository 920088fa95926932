"""`tdgate route …`: lets a route of a running proxy run dry, and take work again."""

import argparse
import getpass
import sys
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from proxy.app import CONTROL_SOCKET
from proxy.control import ControlError, NotRunningError, call
from proxy.settings import load


def add_arguments(commands: Any) -> None:
    """Adds `route list|drain|resume` to the subparsers of `tdgate`."""
    route = commands.add_parser("route", help="drains a carrier route of the running proxy, or lets it take work again")
    verbs = route.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (("list", "routes, binds, open requests"), ("drain", "no new work"), ("resume", "work again")):
        parser = verbs.add_parser(verb, help=text)
        if verb != "list":
            parser.add_argument("route", metavar="NAME")
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true")
        parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    asked = {"by": getpass.getuser()}
    if arguments.verb != "list":
        asked["route"] = arguments.route
    try:
        result = call(load(arguments.config).path(CONTROL_SOCKET), f"route.{arguments.verb}", asked)
    except (ControlError, NotRunningError) as error:
        sys.stderr.write(f"tdgate route: {error}\n")
        return 1
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return 0
    table = Table("route", "draining", "binds", "in flight")
    for row in result["routes"]:
        table.add_row(row["route"], "yes" if row["draining"] else "no", str(row["binds"]), str(row["in_flight"]))
    Console().print(table)
    return 0
