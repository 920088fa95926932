"""`tdgate bypass …`: two people open a bypass of the running proxy for a limited time; anybody ends it.

Exit codes: 0 done, 1 refused, 2 usage.
"""

import argparse
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from proxy.app import CONTROL_SOCKET
from proxy.control import ControlError, NotRunningError, call
from proxy.core.pack import CHINA_OFFSET_S
from proxy.settings import load

_CHINA: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))


def add_arguments(commands: Any) -> None:
    """Adds `bypass ask|approve|end|list` to the subparsers of `tdgate`."""
    bypass = commands.add_parser("bypass", help="opens all but the floor rules in an emergency 应急放行（双人）")
    verbs = bypass.add_subparsers(dest="verb", required=True, metavar="VERB")
    asking = verbs.add_parser("ask", help="the first of two people 申请")
    asking.add_argument("--by", required=True, metavar="NAME")
    asking.add_argument("--reason", required=True, metavar="TEXT", help="without personal data")
    asking.add_argument("--minutes", required=True, type=int, metavar="N")
    asking.add_argument("--account", default="", metavar="ID", help="all accounts if left out")
    for verb, text in (("approve", "the second of two people opens it 批准"), ("end", "closes it at once 结束")):
        parser = verbs.add_parser(verb, help=text)
        parser.add_argument("id", metavar="ID")
        parser.add_argument("--by", required=True, metavar="NAME")
    verbs.add_parser("list", help="what is open, and what waits for a second person 列表")
    for parser in verbs.choices.values():
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true")
        parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    names = ("by", "reason", "minutes", "account", "id")
    asked = {name: getattr(arguments, name) for name in names if hasattr(arguments, name)}
    try:
        result = call(load(arguments.config).path(CONTROL_SOCKET), f"bypass.{arguments.verb}", asked)
    except NotRunningError as error:
        sys.stderr.write(f"tdgate bypass: {error}\n")
        return 1
    except ControlError as error:
        sys.stderr.write(f"tdgate bypass: {error}\n")
        return 2 if error.usage else 1
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return 0
    table = Table("id", "state 状态", "account 账号", "until 截止", "asked by 申请", "approved by 批准", "reason 事由")
    for row in result["bypasses"]:
        until = f"{row['minutes']} min"
        if row["until_us"]:
            until = datetime.fromtimestamp(row["until_us"] / 1e6, _CHINA).strftime("%Y-%m-%d %H:%M:%S")
        account = row["account"] or "all 全部"
        table.add_row(row["id"], row["state"], account, until, row["asked_by"], row["approved_by"], row["reason"])
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    return 0
