"""`python -m proxy.commands.precheck_worker CONFIG`: one list for the HTTP interface, which had it allowed and noted.

Standard input: `{"asked": …, "recipients": [canonical]}`; standard output: `{"results": […]}`, `{"error": …}` for what
was asked wrongly, `{"failed": …}` where the store cannot be read. A process of its own, so that what it reads is given
back when it ends, and the window goes on meanwhile.
"""

import os
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from proxy.commands.precheck_source import Asked, run
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError, VerbError
from proxy.settings import SettingsError, load

_NICE = 5


class Work(Struct, frozen=True):
    """What is asked, and of whom."""

    asked: Asked
    recipients: list[str]


def main() -> int:
    """Exit code 0 where there is an answer on standard output, also one that says why not."""
    os.nice(_NICE)
    work = msgspec.json.decode(sys.stdin.buffer.read(), type=Work)
    answer: dict[str, object]
    try:
        found = run(load(Path(sys.argv[1])), work.asked, work.recipients, _quiet, _noted_before)
        answer = {"results": found}
    except VerbError as error:
        answer = {"error": str(error)}
    except (StoreError, PersonKeyError, SettingsError) as error:
        answer = {"failed": str(error)}
    sys.stdout.buffer.write(msgspec.json.encode(answer))
    return 0


def _quiet(_count: int) -> None:
    """Nobody watches."""


def _noted_before(_principal: str, _account: str) -> None:
    """The interface asked before it started this."""


if __name__ == "__main__":
    sys.exit(main())
