"""The options of `tdgate-sim uac` and `uas`, and how they are laid over a scenario.

Owns names and help. Every option that a scenario has too is named like its key.
"""

import argparse
from typing import Any, Final

from simulators.calls.settings import CallFaults, UacSettings, UasSettings

_FAULTS: Final = tuple(CallFaults.__struct_fields__)
_UAC: Final = tuple(each for each in UacSettings.__struct_fields__ if each != "faults")
_UAS: Final = tuple(each for each in UasSettings.__struct_fields__ if each != "faults")


def add_uac(parser: argparse.ArgumentParser) -> None:
    """Add what only who calls has."""
    add = parser.add_argument
    add("--host", help="where the calls go; default 127.0.0.1")
    add("--port", type=int, help="default 5060")
    add("--transport", choices=("udp", "tcp", "tls"))
    add("--tls-no-verify", action="store_true", help="accept any certificate")
    add("--local-host", help="UDP; default the address from which the target is reached")
    add("--local-port", type=int, help="UDP; 0 (the default) picks a free one")
    add("--username", help="answers challenges")
    add("--password")
    add("--caller", help="the user of From; a pattern: # random digit, {n} running number, comma: in turn")
    add("--asserted", help="the user of P-Asserted-Identity, a pattern")
    add("--display", help="the name in both")
    add("--domain", help="the host of From and To")
    add("--callee", help="who is called, a pattern")
    add("--scheme", choices=("sip", "tel"), help="of the Request-URI")
    add("--no-offer", dest="offer", action="store_false", default=None, help="the description comes with the ACK")
    add("--cancel-s", type=float, help="cancel a call that has no final response after so long")
    add("--count", type=int, help="how many calls")
    add("--duration-s", type=float, help="how long calls begin")
    add("--rate", type=float, help="calls a second, open loop; without it as many as --at-once lets")
    add("--at-once", type=int, help="calls under way")
    add("--limit-s", type=float, help="how long the last calls may take to end")
    _both(add)
    add("--expect-rule", action="append", metavar="RULE=COUNT", help="refusals by the text of their Reason")


def add_uas(parser: argparse.ArgumentParser) -> None:
    """Add what only who answers has."""
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="where it listens; 0.0.0.0 for every address")
    add("--port", type=int, default=0, help="0 (the default) picks a free one and prints it")
    add("--transport", choices=("udp", "tcp", "tls"))
    add("--username", help="who calls must prove to be this user")
    add("--password")
    add("--algorithms", type=lambda text: text.split(","), help="of the challenge, the best first: SHA-256,MD5")
    add("--status", type=int, help="how calls are answered; default 200")
    add("--ring-status", type=int, help="default 180; 0: does not ring")
    add("--ring-s", type=float, help="from the INVITE to the final response")
    add("--early-media", action="store_true", default=None, help="ring with 183 and a description")
    add("--reason", help="Reason of a refusal: Q.850;cause=17")
    add("--until-calls", type=int, help="end after so many calls")
    add("--until-s", type=float, help="end after this time")
    _both(add)


def _both(add: Any) -> None:
    add("--header", dest="headers", action="append", metavar="NAME: VALUE", help="may be repeated")
    add("--talk-s", type=float, help="hang up so long after the answer; -1: leave it to the other side")
    add("--bye-reason", help="Reason of the BYE: SIP;cause=607")
    add("--press", metavar="KEYS", help="press keys, by INFO")
    add("--press-s", type=float, help="so long after the answer")
    add("--press-body", choices=("relay", "plain"), help="application/dtmf-relay or application/dtmf")
    add("--reinvite-s", type=float, help="an INVITE inside the call so long after the answer")
    add("--hold-s", type=float, help="hold so long after the answer")
    add("--resume-s", type=float)
    add("--t1-s", type=float, help="T1 of RFC 3261; default 0.5")
    add("--stay", dest="follow_contact", action="store_false", default=None, help="never follow Contact or Route")
    for name in ("loss", "repeat_share", "late_200_s", "silent_share"):
        add("--" + name.replace("_", "-"), type=float)
    for name in ("lose_ack", "lose_200"):
        add("--" + name.replace("_", "-"), type=int)
    add("--ignore-bye", action="store_true", default=None)
    add("--expect", action="append", metavar="STATUS=COUNT", help="final responses; any other must not occur")


def over_uac(options: argparse.Namespace) -> dict[str, Any]:
    """The table `[uac]` of the options; None where one was not given."""
    table = {key: getattr(options, key, None) for key in _UAC}
    return {"uac": {**table, "faults": _faults(options)}}


def over_uas(options: argparse.Namespace) -> dict[str, Any]:
    """The tables `[uas]` and `[until]` of the options."""
    table = {key: getattr(options, key, None) for key in _UAS}
    until = {"calls": options.until_calls, "duration_s": options.until_s}
    return {"uas": {**table, "faults": _faults(options)}, "until": until}


def _faults(options: argparse.Namespace) -> dict[str, Any]:
    return {key: getattr(options, key) for key in _FAULTS}
