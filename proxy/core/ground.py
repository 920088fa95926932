"""The ground of a decision: what it shares with all others of its lane that were made alike."""

from typing import Final, Literal

from msgspec import Struct

from proxy.core.purposes import Channel, Purpose

Effect = Literal["allow", "deny", "defer"]

#: One octet per rule, in the order of the rule table.
OUTCOME_NA: Final = 0
OUTCOME_PASS: Final = 1
OUTCOME_REFUSE: Final = 2
OUTCOME_SHADOW: Final = 3
OUTCOME_ERROR: Final = 4
#: A message to be sent; something about one, or a bind; a message of tdgate's own.
ASKS_MESSAGE: Final = 0
ASKS_OTHER: Final = 1
ASKS_OWN: Final = 2
OUTCOME_NAMES: Final = ("n/a", "pass", "refuse", "shadow", "error")


class Ground(Struct, frozen=True, gc=False):
    """What one decision shares with all others of its lane that were made alike: the same answer for the same reasons.

    `sender` is as `senders.on_record` writes it, never a person's number. `rule` and `detail` are empty on an allow;
    `asks` is what the request was for (`ASKS_*`).
    `mode` tells whether a bypass was open for the account. `pack` is the base, or the pack whose value refused;
    `packs` are those that bound beside the base (`core/bound.py`).
    `outcomes` holds one octet per rule of the table. Grounds are few and live long, so that whoever writes or counts
    many decisions can keep something per ground.
    """

    channel: Channel
    account: str
    sender: str
    effect: Effect
    rule: str
    detail: str
    principal: str
    purpose: Purpose
    pack: str
    pack_version: int
    revision: int
    outcomes: bytes
    asks: int = ASKS_MESSAGE
    mode: Literal["enforce", "bypass"] = "enforce"
    packs: str = ""
