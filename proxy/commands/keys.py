"""`tdgate keys rotate|status|retire`: another key of persons, while traffic runs (J13).

Thin over the running proxy, which does it. Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from proxy.commands.registry_output import show
from proxy.control import ControlError, NotRunningError, call
from proxy.settings import load

_CONTROL_SOCKET: Final = "control.sock"
_VERBS: Final = {
    "rotate": "begins to use a new key; persons are moved to it while traffic runs 开始轮换",
    "status": "which keys live, and how far it is 查看进度",
    "retire": "destroys the former key, when nothing is left that was made with it 停用旧密钥",
}


def add_arguments(commands: Any) -> None:
    """Adds `keys` to the subparsers of `tdgate`; each command's parser sets `run`."""
    group = commands.add_parser("keys", help="the key behind pseudonyms and sealed numbers of persons 用户密钥轮换")
    verbs = group.add_subparsers(required=True, metavar="VERB")
    for verb, text in _VERBS.items():
        parser = verbs.add_parser(verb, help=text)
        if verb != "status":
            parser.add_argument("--by", required=True, help="who does it")
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="for programs")
        parser.set_defaults(run=_run, verb=f"keys.{verb}")


def _run(parsed: argparse.Namespace) -> int:
    settings = load(parsed.config)
    args = {"by": parsed.by} if "by" in parsed else {}
    try:
        show(call(settings.path(_CONTROL_SOCKET), parsed.verb, args), as_json=parsed.json)
    except ControlError as error:
        sys.stderr.write(f"tdgate: {error}\n")
        return 2 if error.usage else 1
    except NotRunningError:
        sys.stderr.write("tdgate: the proxy is not running; it is what moves persons\n")
        return 1
    return 0
