"""Replies that careful readers may read differently: what crosses between hearing, the store and those who decide.

Owns the values only. A text is here in clear only on its way into the store, which seals it.
"""

from typing import Final, Literal

import msgspec
from msgspec import Struct

#: What becomes of a doubt: it was a refusal, or it was none.
Verdict = Literal["confirmed", "dismissed"]

#: Texts are kept up to this many characters: what was read of them.
TEXT_MOST: Final = 1024

#: Reads `DoubtRow.closes`.
CLOSES: Final = msgspec.json.Decoder(list[tuple[str, int, bool]])


class Doubt(Struct, frozen=True):
    """What is not certain about a refusal: `confidence` as in `optout_parser`.

    `binds`: it counts as a refusal until somebody decides. `most` cases are open at once; what comes then binds, too,
    and stays so.
    """

    text: str
    confidence: float
    binds: bool
    most: int


class DoubtRow(Struct, frozen=True):
    """A case of the queue, number and text still sealed; `text` is empty once it is decided.

    `closes` is JSON, [[institution, bits, objects], …]; `moments` JSON, when it was said: the `at_us` of its refusals.
    """

    id: int
    at_us: int
    person: bytes
    number: bytes
    text: bytes
    number_to: str
    channel: str
    label: str
    confidence: float
    binds: int
    closes: str
    moments: str
    state: str
    decided_us: int
    decided_by: str


class Decided(Struct, frozen=True):
    """What a verdict changed: institutions whose refusal by this reply ended, or was closed only now.

    `stale`: somebody else had decided before; nothing was changed.
    """

    ended: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()
    stale: bool = False
