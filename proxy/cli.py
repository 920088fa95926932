"""`tdgate`: one command over the house. Thin: parses, loads what a command needs, and hands over.

Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import uvloop

from proxy.app import check, configure, serve, warnings_of
from proxy.commands import explain as explain_command
from proxy.commands import optout as optout_command
from proxy.commands import registry as registry_commands
from proxy.commands import routing as routing_commands
from proxy.commands.bypass import add_arguments as add_bypass_arguments
from proxy.commands.calls import add_arguments as add_calls_arguments
from proxy.commands.counts import add_arguments as add_counts_arguments
from proxy.commands.route import add_arguments as add_route_arguments
from proxy.commands.trace import add_arguments as add_trace_arguments
from proxy.console.serve import serve as serve_console
from proxy.disk import DirectoryLockedError
from proxy.evidence import commands as evidence_commands
from proxy.evidence.keys import KeyFileError
from proxy.evidence.log import EvidenceFailedError
from proxy.evidence.recovery import EvidenceDamagedError
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError
from proxy.settings import SettingsError, load
from proxy.version import VERSION

Run = Callable[[argparse.Namespace], int]

#: What ends a command with one line that says what to mend.
_FAILURES: Final = (
    StoreError,
    PersonKeyError,
    KeyFileError,
    EvidenceDamagedError,
    EvidenceFailedError,
    DirectoryLockedError,
    OSError,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; the exit code."""
    parsed = _parser().parse_args(arguments)
    run: Run = parsed.run
    try:
        return run(parsed)
    except SettingsError as error:
        sys.stderr.write("\n".join(error.errors) + "\n")
    except _FAILURES as error:
        sys.stderr.write(f"tdgate: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("tdgate: interrupted\n")
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tdgate", description="SMPP bind proxy that keeps senders to the rules.")
    parser.add_argument("--version", action="version", version=f"tdgate {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="the proxy and its window; SIGTERM drains, SIGHUP reloads")
    _config(run)
    run.set_defaults(run=_run)

    checking = commands.add_parser("check-config", help="every error of a configuration, with file, key and reason")
    checking.add_argument("config", type=Path, metavar="FILE")
    checking.set_defaults(run=_check_config)

    console = commands.add_parser("console", help="the window alone, over the state of a running proxy")
    _config(console)
    console.add_argument("--parent", type=int, help=argparse.SUPPRESS)
    console.set_defaults(run=_console)

    optout = commands.add_parser("optout", help="what replies ask for, line for line")
    optout_command.add_arguments(optout)
    optout.set_defaults(run=optout_command.run)

    demo = commands.add_parser("demo", help="the main job with simulators on both sides")
    demo.add_argument("--once", action="store_true", help="end after the round; exit 0 only if all was as expected")
    demo.add_argument("--lang", choices=("en", "zh"), default="en")
    demo.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep configuration, log and evidence in this new folder"
    )
    demo.set_defaults(run=_demo)

    explain_command.add_arguments(commands)
    registry_commands.add_arguments(commands)
    add_route_arguments(commands)
    routing_commands.add_arguments(commands)
    add_calls_arguments(commands)
    add_counts_arguments(commands)
    add_bypass_arguments(commands)
    add_trace_arguments(commands)
    evidence_commands.add_arguments(commands)
    return parser


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")


def _run(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    configure(settings.log.level)
    uvloop.run(serve(settings, arguments.config))
    return 0


def _check_config(arguments: argparse.Namespace) -> int:
    settings = load(arguments.config)
    rules = check(settings, arguments.config)
    for line in warnings_of(settings, rules, arguments.config):
        sys.stderr.write(f"warning: {line}\n")
    sys.stdout.write(f"{arguments.config}: ok\n")
    return 0


def _console(arguments: argparse.Namespace) -> int:
    return serve_console(load(arguments.config), parent=arguments.parent)


def _demo(arguments: argparse.Namespace) -> int:
    from simulators.demo import run_demo  # WHY here: the product does not need its simulators to run

    return asyncio.run(run_demo(once=arguments.once, lang=arguments.lang, keep=arguments.keep))
