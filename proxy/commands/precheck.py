"""`tdgate precheck FILE`: what would become of a dial or send list now, for one's own institution.

Owns options and presentation. The running proxy allows each check and notes it; where none runs, nothing is checked.
Rows are told by their line, never by the number. Exit codes: 0 checked, 1 rows are wrong or it was refused, 2 usage.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.commands.precheck_source import Asked, run
from proxy.commands.registry_output import counting, show, show_problems
from proxy.control import ControlError, NotRunningError, call
from proxy.core.purposes import CHANNELS, STRICTEST_FIRST
from proxy.registry.documents import DocumentError, detect_encoding
from proxy.registry.importing import Problem
from proxy.registry.number_files import NUMBER, number_rows, written_recipient
from proxy.registry.ports import VerbError
from proxy.settings import Settings, load

_CONTROL_SOCKET: Final = "control.sock"
_TELL_EVERY: Final = 10_000


def add_arguments(commands: Any) -> None:
    """Adds `precheck` to the subparsers of `tdgate`; its parser sets `run`."""
    parser = commands.add_parser("precheck", help="what would become of a list of persons 名单预检")
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV with a column number (号码)")
    parser.add_argument("--account", default="", metavar="ID", help="who would send")
    parser.add_argument("--principal", default="", metavar="ID", help="for which institution")
    parser.add_argument("--channel", choices=CHANNELS, required=True)
    parser.add_argument("--purpose", choices=STRICTEST_FIRST, required=True)
    parser.add_argument("--from", dest="sender", default="", metavar="NUMBER", help="else one of the library")
    parser.add_argument("--text", default="", help="of the messages; without it no rule of texts is asked")
    parser.add_argument("--by", default="command", help="who asks")
    parser.add_argument("--encoding", help="of the file; found out if left out")
    parser.add_argument("--partial", action="store_true", help="check the right rows of a file with wrong ones")
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")
    parser.add_argument("--json", action="store_true", help="every row, for programs")
    parser.set_defaults(run=_run)


def _run(parsed: argparse.Namespace) -> int:
    try:
        return _check(parsed, load(parsed.config))
    except (VerbError, ControlError) as error:
        sys.stderr.write(f"tdgate: {error}\n")
        return 2 if error.usage else 1
    except NotRunningError:
        sys.stderr.write("tdgate: the proxy is not running; a check is noted by it, or not made\n")
    except DocumentError as error:
        sys.stderr.write(f"tdgate: {error}\n")
    return 1


def _check(parsed: argparse.Namespace, settings: Settings) -> int:
    if not (parsed.account or parsed.principal):
        raise VerbError("name --account or --principal", usage=True)
    asked = Asked(parsed.channel, parsed.purpose, parsed.principal, parsed.account, parsed.sender, parsed.text)
    with counting("reading") as progress:
        lines, recipients, problems = _read(parsed.file, parsed.encoding, progress)
    if problems and not (parsed.partial and recipients):
        _tell(parsed, {"right": len(recipients), "wrong": len(problems), "checked": False}, problems, [])
        return 1
    with counting("checking") as progress:
        # WHY before: who asks is noted, and what is asked allowed, before anything is looked up.
        prechecked = run(settings, asked, recipients, progress, _allowed(settings, asked, parsed.by, len(recipients)))
    counts = Counter(prechecked)
    result: dict[str, Any] = {"right": len(recipients), "wrong": len(problems), "checked": True}
    result["results"] = dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))
    _tell(parsed, result, problems, list(zip(lines, prechecked, strict=True)))
    return 1 if problems else 0


def _allowed(settings: Settings, asked: Asked, by: str, rows: int) -> Callable[[str, str], None]:
    """Asks the proxy to allow and note the check of an institution's account; raises what `call` raises, VerbError."""

    def ask(principal: str, account: str) -> None:
        about = {"principal": principal, "account": account, "channel": asked.channel, "purpose": asked.purpose}
        answer = call(settings.path(_CONTROL_SOCKET), "precheck.begin", about | {"rows": rows, "by": by})
        if answer.get("code") != 200:
            raise VerbError(str(answer.get("error", "refused")))

    return ask


def _read(
    path: Path, encoding: str | None, progress: Callable[[int], None]
) -> tuple[list[int], list[str], list[Problem]]:
    lines: list[int] = []
    recipients: list[str] = []
    problems: list[Problem] = []
    count = 0
    for count, (line, (number,), reason) in enumerate(
        number_rows(path, {"number": NUMBER}, encoding or detect_encoding(path)), 1
    ):
        if count % _TELL_EVERY == 0:
            progress(count)
        if reason:
            problems.append(Problem("precheck", line, "", reason))
            continue
        try:
            recipients.append(written_recipient(number))
            lines.append(line)
        except ValueError as error:
            problems.append(Problem("precheck", line, "number", str(error)))
    progress(count)
    return lines, recipients, problems


def _tell(
    parsed: argparse.Namespace, result: dict[str, Any], problems: list[Problem], rows: list[tuple[int, str]]
) -> None:
    if parsed.json:
        result["problems"] = [msgspec.structs.asdict(one) for one in problems]
        result["rows"] = [{"row": line, "result": found} for line, found in rows]
    elif problems:
        show_problems(problems)
    show(result, as_json=parsed.json)
