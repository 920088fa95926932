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
from proxy.registry.dates import moment_text
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
    heads = ("id", "principal 机构", "number 号码", "accounts 账户", "messages 条数", "latest 最近", "category 类别")
    table = Table(*heads, "findings 问题", "wording 内容")
    for row in result["templates"]:
        findings = " ".join(row["findings"]) or "–"
        wording = row["wording"] or "(not shown 不显示)"
        accounts = " ".join(f"{name or '…'}:{count}" for name, count in row["accounts"].items()) or "–"
        latest = moment_text(row["last_us"])[:19] if row["last_us"] else "–"
        table.add_row(row["id"], row["principal"], row["number"], accounts, str(row["messages"]), latest,
                      row["category"], findings, wording)  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 200, markup=False).print(table)
    if result["more"]:
        sys.stdout.write(f"{result['more']} more; --principal narrows\n")
    return 0
