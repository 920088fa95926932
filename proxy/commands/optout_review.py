"""`tdgate optout review list|show|decide`: doubtful replies and the verdict about them (Z16 Z19).

Owns the way from arguments to verbs. Must never print a text but by `show`, which notes who reads it first. Exit codes:
0 done, 1 refused or failed, 2 usage.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from proxy.commands.registry_access import StoreAccess
from proxy.commands.registry_output import show
from proxy.control import ControlError
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError, VerbError
from proxy.settings import SettingsError, load


def add_arguments(commands: Any) -> None:
    """Adds `review` to the subparsers of `tdgate optout`."""
    group = commands.add_parser("review", help="replies that careful readers may read differently 待复核回复")
    verbs = group.add_subparsers(required=True, metavar="VERB")
    listing = verbs.add_parser("list", help="the cases, without their texts")
    listing.add_argument("--state", choices=("open", "confirmed", "dismissed", "all"), default="open")
    listing.add_argument("--after", type=int, default=0, metavar="ID", help="cases with a higher id")
    listing.add_argument("--most", type=int, default=100, metavar="N")
    listing.set_defaults(run=run, verb="doubt.list")
    text = verbs.add_parser("show", help="one case with its text; noted")
    text.set_defaults(run=run, verb="doubt.show")
    verdict = verbs.add_parser("decide", help="a verdict about one case")
    verdict.add_argument("verdict", choices=("confirmed", "dismissed"), help="a refusal, or none")
    verdict.add_argument("--second", default="", metavar="NAME", help="who agrees; needed to dismiss")
    verdict.set_defaults(run=run, verb="doubt.decide")
    for parser in (text, verdict):
        parser.add_argument("case", type=int, metavar="ID")
        parser.add_argument("--by", required=True, metavar="NAME")
        parser.add_argument("--reason", required=parser is text, default="", metavar="TEXT")
    for parser in (listing, text, verdict):
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="for programs")


def run(parsed: argparse.Namespace) -> int:
    """Performs the verb; the exit code."""
    names = ("state", "after", "most", "case", "by", "reason", "verdict", "second")
    args = {name: getattr(parsed, name) for name in names if hasattr(parsed, name)}
    if args.get("state") == "all":
        args["state"] = ""
    try:
        show(StoreAccess(load(parsed.config)).ask(parsed.verb, args), as_json=parsed.json)
    except (VerbError, ControlError, StoreError, PersonKeyError, SettingsError) as error:
        sys.stderr.write(f"tdgate optout review: {error}\n")
        return 2 if isinstance(error, VerbError) and error.usage else 1
    return 0
