"""`tdgate trace …`: the PDUs of one account of the running proxy for a limited time, redacted, into a file.

Exit codes: 0 done, 1 refused, 2 usage.
"""

import argparse
import getpass
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from proxy.app import CONTROL_SOCKET
from proxy.commands.trace_message import add_argument as add_message_argument
from proxy.control import ControlError, NotRunningError, call
from proxy.core.pack import CHINA_OFFSET_S
from proxy.settings import load

_CHINA: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))


def add_arguments(commands: Any) -> None:
    """Adds `trace open|close|list` to the subparsers of `tdgate`."""
    trace = commands.add_parser("trace", help="PDUs of one account for a limited time, redacted 脱敏跟踪")
    verbs = trace.add_subparsers(dest="verb", required=True, metavar="VERB")
    for verb, text in (
        ("open", "begins, for so many seconds 开始"),
        ("close", "ends 结束"),
        ("list", "what runs 列表"),
    ):
        parser = verbs.add_parser(verb, help=text)
        if verb != "list":
            parser.add_argument("account", metavar="ACCOUNT")
            parser.add_argument("--by", default=None, metavar="NAME", help="your login if left out")
        if verb == "open":
            parser.add_argument("--seconds", type=int, required=True, metavar="N")
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true")
        parser.set_defaults(run=_run)
    add_message_argument(verbs)


def _run(arguments: argparse.Namespace) -> int:
    asked = {name: getattr(arguments, name) for name in ("account", "seconds") if hasattr(arguments, name)}
    if arguments.verb != "list":
        asked["by"] = getpass.getuser() if arguments.by is None else arguments.by
    try:
        result = call(load(arguments.config).path(CONTROL_SOCKET), f"trace.{arguments.verb}", asked)
    except NotRunningError as error:
        sys.stderr.write(f"tdgate trace: {error}\n")
        return 1
    except ControlError as error:
        sys.stderr.write(f"tdgate trace: {error}\n")
        return 2 if error.usage else 1
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return 0
    table = Table("account 账号", "until 截止", "PDUs", "octets", "file 文件")
    for row in result["traces"]:
        until = datetime.fromtimestamp(row["until_us"] / 1e6, _CHINA).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(row["account"], until, str(row["pdus"]), str(row["octets"]), row["file"])
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    return 0
