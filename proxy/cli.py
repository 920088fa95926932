"""`tdgate`: one command over the house. Thin: finds the room that a command lives in, parses, and hands over.

Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Final

from proxy.commands.short_forms import in_full
from proxy.disk import DirectoryLockedError
from proxy.evidence.keys import KeyFileError
from proxy.evidence.log import EvidenceFailedError
from proxy.evidence.recovery import EvidenceDamagedError
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError
from proxy.settings import SettingsError
from proxy.version import VERSION

Run = Callable[[argparse.Namespace], int]

#: Commands and the module whose `add_arguments` adds them, in the order of the help. WHY by name: a command loads what
#: it needs and nothing of the others, which took most of the time until the proxy ran or a listing was shown.
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "proxy.commands.running": ("run", "check-config", "console", "demo"),
    "proxy.commands.optout": ("optout",),
    "proxy.commands.content": ("content",),
    "proxy.commands.explain": ("explain",),
    "proxy.commands.rules": ("rules",),
    "proxy.commands.registry": (
        "registry",
        "suppress",
        "consent",
        "hold",
        "preference",
        "token",
        "debtor",
        "notice",
        "objection",
    ),
    "proxy.commands.precheck": ("precheck",),
    "proxy.commands.keys": ("keys",),
    "proxy.commands.donotcall": ("donotcall",),
    "proxy.commands.route": ("route",),
    "proxy.commands.routing": ("routing",),
    "proxy.commands.calls": ("calls",),
    "proxy.commands.counts": ("counts",),
    "proxy.commands.bypass": ("bypass",),
    "proxy.commands.trace": ("trace",),
    "proxy.evidence.commands": ("evidence",),
}

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
    words = in_full(sys.argv[1:] if arguments is None else arguments)
    if list(words[:1]) == ["run"]:
        # WHY before anything is loaded: SIGHUP ends a process that does not listen to it yet. So it waits until then.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    parsed = parser_for(words).parse_args(words)
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


def parser_for(words: Sequence[str]) -> argparse.ArgumentParser:
    """The parser with the command that these words name, or with all where they name none."""
    parser = argparse.ArgumentParser(
        prog="tdgate", description="SMPP proxy and SIP back-to-back user agent that keep senders to the rules."
    )
    parser.add_argument("--version", action="version", version=f"tdgate {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    wanted = [module for module, names in COMMANDS.items() if words and words[0] in names]
    for module in wanted or COMMANDS:
        import_module(module).add_arguments(commands)
    return parser
