"""`tdgate run|check-config|console|demo`: what keeps running, and whether it would."""

import argparse
import asyncio
import contextlib
import resource
import sys
from pathlib import Path
from typing import Any, Final

import uvloop

from proxy.app import check, configure, serve, warnings_of
from proxy.settings import load

_DESCRIPTORS_MOST: Final = 65_536


def add_arguments(commands: Any) -> None:
    """Adds the commands to the subparsers of `tdgate`; each command's parser sets `run`."""
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

    demo = commands.add_parser("demo", help="the main job with simulators on both sides")
    demo.add_argument("--once", action="store_true", help="end after the round; exit 0 only if all was as expected")
    demo.add_argument("--lang", choices=("en", "zh"), default="en")
    demo.add_argument(
        "--keep", type=Path, metavar="DIR", help="keep configuration, log and evidence in this new folder"
    )
    demo.set_defaults(run=_demo)


def _config(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, metavar="FILE")


def _take_descriptors() -> None:
    """As many open files as this process may have.

    WHY: the usual first limit of 1,024 is less than the connections that are let in, and where it is reached evidence
    and registry open no file any more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = _DESCRIPTORS_MOST if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS_MOST)
    if soft != resource.RLIM_INFINITY and soft < most:
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _run(arguments: argparse.Namespace) -> int:
    _take_descriptors()
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
    # WHY here: the proxy itself shows nothing.
    from proxy.api.service import Api
    from proxy.commands.explain_decision import reopened
    from proxy.console.extension import NOTHING
    from proxy.console.serve import serve as serve_console
    from proxy.reviewing.service import Reviewing

    settings = load(arguments.config)
    more = NOTHING
    if settings.api.enabled:
        more = Api(settings, arguments.config).extension().beside(Reviewing(settings).extension())
    return serve_console(settings, parent=arguments.parent, reopen=reopened, more=more)


def _demo(arguments: argparse.Namespace) -> int:
    from simulators.demo import run_demo  # WHY here: the product does not need its simulators to run

    return asyncio.run(run_demo(once=arguments.once, lang=arguments.lang, keep=arguments.keep))
