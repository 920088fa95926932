"""The command `tdgate-sim`: reads options and scenario, runs one simulator, reports.

Owns exit statuses: 0 all as expected, 1 something was not, 2 usage. Must never hold what a simulator does.
"""

import argparse
import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

from simulators import tls as tls_contexts
from simulators.calls.run import UacRun, UasRun
from simulators.control import serve_control
from simulators.esme_run import EsmeRun
from simulators.options import build_parser, overlay
from simulators.report import Live, Summary, show
from simulators.scenario import Role, Scenario, ScenarioError, lay_over, read_scenario, read_tables
from simulators.seeded_registry import write_registry
from simulators.smsc_run import SmscRun


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = build_parser().parse_args(argv)
    if options.command == "registry":
        return write_registry(options)
    role: Role = options.command
    try:
        scenario, folder = _scenario(options, role)
        summary = _run_loop(_run(options, role, scenario, folder))
        show(summary, json_lines=options.json, junit=options.junit)
    except (ScenarioError, ValueError) as wrong:
        print(f"tdgate-sim {role}: {wrong}", file=sys.stderr)
        return 2
    except OSError as wrong:
        print(f"tdgate-sim {role}: {wrong}", file=sys.stderr)
        return 1
    return 0 if summary.ok else 1


def _scenario(options: argparse.Namespace, role: Role) -> tuple[Scenario, Path]:
    tables: dict[str, Any] = {}
    origin, folder = "options", Path()
    if options.scenario is not None:
        tables = read_tables(options.scenario)
        origin, folder = str(options.scenario), options.scenario.parent
    over = overlay(options, role)
    if over.get("esme", {}).get("texts"):
        over["esme"]["texts"] = str(Path(over["esme"]["texts"]).absolute())
    return read_scenario(lay_over(tables, over), role, origin), folder


def _run_loop(run: Coroutine[Any, Any, Summary]) -> Summary:
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    # WHY: without uvloop (an interpreter it does not support) everything works, more slowly.
    with contextlib.suppress(ImportError):
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(run)


async def _run(options: argparse.Namespace, role: Role, scenario: Scenario, folder: Path) -> Summary:
    live = Live(quiet=options.quiet)
    loop = asyncio.get_running_loop()
    if role == "esme":
        if scenario.esme.stack == "smpplib":
            from simulators.smpplib_stack import SmpplibRun

            if options.tls:
                raise ScenarioError("stack smpplib: no TLS")
            peer = SmpplibRun(scenario, folder, live)
            _on_signals(loop, peer.stop)
            return await peer.run()
        esme = EsmeRun(scenario, folder, live, tls_contexts.for_esme(options))
        _on_signals(loop, esme.stop)
        return await esme.run()
    if role == "uac":
        uac = UacRun(scenario, live, tls_contexts.of_transport(options, scenario.uac.transport, server=False))
        _on_signals(loop, uac.stop)
        return await uac.run()
    if role == "uas":
        tls = tls_contexts.of_transport(options, scenario.uas.transport, server=True)
        uas = UasRun(scenario, live, host=options.host, port=options.port, tls=tls)
        _on_signals(loop, uas.stop)
        return await uas.run(lambda host, port: _tell_listening(host, port, json_lines=options.json))
    run = SmscRun(scenario, role, live, host=options.host, port=options.port, tls=tls_contexts.for_smsc(options))
    _on_signals(loop, run.stop)
    control = asyncio.create_task(serve_control(run)) if options.control else None
    try:
        return await run.run(lambda host, port: _tell_listening(host, port, json_lines=options.json))
    finally:
        if control is not None:
            control.cancel()


def _on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)


def _tell_listening(host: str, port: int, *, json_lines: bool) -> None:
    if json_lines:
        print(json.dumps({"event": "listening", "host": host, "port": port}), flush=True)
    else:
        print(f"listening {host}:{port}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
