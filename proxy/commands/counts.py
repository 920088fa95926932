"""`tdgate counts`: what each account sent over each route on each day, from the evidence log, for billing.

Read-only, beside a running proxy or without one. Exit codes: 0 the counts agree, 1 they do not or cannot be read,
2 usage.
"""

import argparse
import sys
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from proxy.evidence.counting import Count, Counts, count, total
from proxy.evidence.layout import LayoutError
from proxy.evidence.records import RecordError
from proxy.settings import load

_COLUMNS: Final = Count.__struct_fields__
_TEXTS: Final = ("day", "account", "route")
_HEADS: Final = {
    "day": "day 日期",
    "account": "account 账号",
    "route": "route 通道",
    "submitted": "submitted 提交",
    "permitted": "permitted 放行",
    "refused": "refused 拒绝",
    "deferred": "deferred 暂缓",
    "carried": "carried 上日未决",
    "accepted": "accepted 接受",
    "rejected": "rejected 被拒",
    "unknown": "unknown 不明",
    "open": "open 未决",
    "replies": "replies 上行",
    "receipts": "receipts 回执",
    "recovered": "recovered 补计",
}


def add_arguments(commands: Any) -> None:
    """Adds `counts` to the subparsers of `tdgate`."""
    parser = commands.add_parser("counts", help="messages per account, route and day, for billing 按日计数对账")
    parser.add_argument("--day", type=_day, metavar="YYYY-MM-DD", help="of Asia/Shanghai; all if left out")
    parser.add_argument("--account", default="", help="all if left out")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.set_defaults(run=_run)


def _day(text: str) -> str:
    return date.fromisoformat(text).isoformat()


def _run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    directory = settings.path(settings.evidence.directory)
    try:
        found = count(directory, arguments.day or "", arguments.account)
    except (LayoutError, RecordError) as error:
        sys.stderr.write(f"tdgate counts: {error}; tdgate evidence verify says more\n")
        return 1
    if arguments.json:
        sys.stdout.write(msgspec.json.encode({"balanced": not found.problems, **_plain(found)}).decode() + "\n")
    else:
        _show(found)
    return 1 if found.problems else 0


def _plain(found: Counts) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(found)
    return plain


def _show(found: Counts) -> None:
    table = Table()
    for name in _COLUMNS:
        table.add_column(_HEADS[name], justify="left" if name in _TEXTS else "right")
    for row in found.rows:
        table.add_row(*(str(getattr(row, name)) for name in _COLUMNS))
    if len({row.day for row in found.rows}) == 1 and len(found.rows) > 1:
        table.add_section()
        whole = total(found.rows)
        table.add_row("", "all 合计", "", *(str(getattr(whole, name)) for name in _COLUMNS[len(_TEXTS) :]))
    # WHY a width: figures that are cut off are no figures.
    Console(width=None if sys.stdout.isatty() else 240).print(table)
    lines = [
        *found.problems,
        "the equations do not hold 计数不平" if found.problems else "the equations hold 计数相符",
    ]
    if found.gaps:
        lines.append(
            f"{found.gaps} gaps in the log, {found.missed} records known to be missing: what they held is not counted "
            f"日志缺口 {found.gaps} 处"
        )
    sys.stdout.write("\n".join(lines) + "\n")
