"""What stands between the two sides: tdgate, Kamailio in three forms, and sippy's B2BUA; or nothing.

A hop is something that turns ports into a command and needs scenarios of a kind. It never measures.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.calls import world
from bench.hops import SEARCH_PATH

_ROOT: Final = Path(__file__).resolve().parents[2]
COMPILED: Final = _ROOT / ".venv-fast" / "bin" / "tdgate"
PURE: Final = (sys.executable, "-m", "proxy")
_SIPPY: Final = _ROOT / "build" / "sippy" / "bin" / "b2bua_simple"

#: A stateful proxy that stays on the way, with two workers, as its distribution starts it but without TCP.
_KAMAILIO: Final = """\
debug=-1
log_stderror=yes
children=2
disable_tcp=yes
auto_aliases=no
dns=no
rev_dns=no
listen=udp:127.0.0.1:{listen}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "sanity.so"
{modules}
request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (!sanity_check()) exit;
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK") && t_check_trans()) t_relay();
    exit;
  }}
  t_check_trans();
  if (!is_method("INVITE")) {{ sl_send_reply("405", "Method Not Allowed"); exit; }}
  record_route();
  {invite}
  $du = "sip:127.0.0.1:{gateway}";
  t_relay();
}}
"""
_DIALOG: Final = 'loadmodule "dialog.so"\nmodparam("dialog", "enable_stats", 0)\n'
_HIDING: Final = (
    'loadmodule "topoh.so"\nmodparam("topoh", "mask_key", "bench")\nmodparam("topoh", "mask_ip", "127.0.0.8")\n'
)


@dataclass(frozen=True)
class Hop:
    """`start(folder, listen, gateway)` gives the command. `judges`: it refuses whom the registry says. `strict`: the
    caller follows the Contact of its 200; `ring_ms`: pause between 180 and 200 (sippy's senders may swap them)."""

    name: str
    start: Callable[[Path, int, int], list[str]]
    judges: bool = False
    strict: bool = True
    ring_ms: int = 0


def command() -> tuple[str, ...]:
    """tdgate's compiled build where there is one, else this checkout."""
    return (str(COMPILED),) if COMPILED.exists() else PURE


def tdgate(name: str, run: Sequence[str]) -> Hop:
    """A tdgate that `run` starts."""

    def start(folder: Path, listen: int, gateway: int) -> list[str]:
        return [*run, "run", "--config", str(world.prepare(folder, run, listen, gateway))]

    return Hop(name, start, judges=True)


def _kamailio(modules: str, invite: str) -> Callable[[Path, int, int], list[str]]:
    def start(folder: Path, listen: int, gateway: int) -> list[str]:
        program = shutil.which("kamailio", path=SEARCH_PATH)
        if program is None:
            raise FileNotFoundError("kamailio is missing: make peers")
        config = folder / "kamailio.cfg"
        config.write_text(_KAMAILIO.format(listen=listen, gateway=gateway, modules=modules, invite=invite), "utf-8")
        # WHY -DD: its workers then stay in the process tree that is measured.
        return [program, "-DD", "-m", "1024", "-M", "16", "-Y", str(folder), "-f", str(config)]

    return start


def _sippy(folder: Path, listen: int, gateway: int) -> list[str]:
    del folder
    if not _SIPPY.exists():
        raise FileNotFoundError("sippy is missing: make peers")
    address = ["-l", "127.0.0.1", "-p", str(listen), "-n", f"127.0.0.1:{gateway}"]
    return ["env", "SIPLOG_BEND=none", str(_SIPPY), "-f", *address]


#: What only somebody who asks for it measures.
OTHER_HOPS: Final = {"tdgate-pure": tdgate("tdgate-pure", PURE)}
HOPS: Final = {
    "tdgate": tdgate("tdgate", command()),
    "kamailio": Hop("kamailio", _kamailio("", "")),
    "kamailio-dialog": Hop("kamailio-dialog", _kamailio(_DIALOG, "dlg_manage();")),
    "kamailio-hiding": Hop("kamailio-hiding", _kamailio(_DIALOG + _HIDING, "dlg_manage();")),
    "sippy": Hop("sippy", _sippy, strict=False, ring_ms=50),
}
