"""`tdgate content templates`: the templates of messages that the running proxy knows, with what is found of them.

Exit codes: 0 told, 1 the proxy does not run, 2 usage.
"""

import argparse
import sys

import msgspec
from rich.console import Console
from rich.table import Table

from proxy.app import CONTROL_SOCKET
from proxy.control import ControlError, NotRunningError, call
from proxy.judging.known_templates import TEMPLATES_VERB
from proxy.settings import load


def show_templates(arguments: argparse.Namespace) -> int:
    """Asks the running proxy and shows its answer; the exit code."""
    if arguments.config is None:
        sys.stderr.write("tdgate content templates: --config is needed\n")
        return 2
    asked = {"principal": arguments.principal}
    try:
        result = call(load(arguments.config).path(CONTROL_SOCKET), TEMPLATES_VERB, asked)
    except NotRunningError as error:
        sys.stderr.write(f"tdgate content templates: {error}\n")
        return 1
    except ControlError as error:
        sys.stderr.write(f"tdgate content templates: {error}\n")
        return 2 if error.usage else 1
    if arguments.json:
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        return 0
    table = Table(
        "id", "principal 机构", "number 号码", "messages 条数", "category 类别", "findings 问题", "wording 内容"
    )
    for row in result["templates"]:
        findings = " ".join(row["findings"]) or "–"
        wording = row["wording"] or "(seldom 少见)"
        cells = (row["id"], row["principal"], row["number"], str(row["messages"]), row["category"], findings, wording)
        table.add_row(*cells)
    Console(width=None if sys.stdout.isatty() else 200, markup=False).print(table)
    if result["more"]:
        sys.stdout.write(f"{result['more']} more; --principal narrows\n")
    return 0
