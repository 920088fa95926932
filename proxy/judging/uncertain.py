"""Which of several readings of a reply binds, and what of it is uncertain: for a person to decide (Z16 Z19).

Owns the line between certain and doubtful. Must never let a doubt pass without an entry in the queue of doubts, nor
take a wish to receive for certain where any reading says something else.
"""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct

from proxy.optout_parser import Reading
from proxy.registry.doubts import Doubt

#: Confidence from which a refusal is certain: below it careful readers may differ.
SURE: Final = 0.7
#: Confidence from which a reading without a meaning is one: below it something was contradictory, or was not read.
_NO_MEANING: Final = 0.5
#: Up to this it holds a refusal and a wish to receive (0: it was not read).
_CONTRADICTORY: Final = 0.3


#: A reply in no alphabet.
_UNREAD: Final = Reading("none", None, None, 0.0)


class Review(Struct, frozen=True):
    """What counts while a doubtful reply waits: `refuse`, as a refusal; `none`, as nothing. `most` wait at once.

    `quoted_most`: messages that are remembered, in memory alone, to know what a reply quotes of them.
    """

    meanwhile: Literal["refuse", "none"] = "refuse"
    most: int = 10_000
    quoted_most: int = 50_000


def binding(
    readings: Sequence[tuple[str, Reading]], review: Review, unread: str = ""
) -> tuple[Reading, Doubt | None] | None:
    """Of several plausible readings, each with its text, the one that binds, and the doubt about it; None for neither.

    A refusal in any of them binds, a certain one before a doubtful one, then the widest. A wish to receive binds only
    if it is what all of them say that say anything: the same octets in an alphabet that was not meant say nothing. A
    reply that contradicts itself, that is too long to be read in any alphabet, or of which octets are `unread` since no
    alphabet holds them, is a doubtful refusal.
    """
    refusals = [one for one in readings if one[1].label == "optout"]
    if refusals:
        text, best = max(refusals, key=lambda one: (one[1].confidence >= SURE, one[1].scope in ("voice", "all")))
        return _with_doubt(text, best, review) if best.confidence < SURE else (best, None)
    if unread:
        return _with_doubt(unread, _UNREAD, review)
    wishes = [reading for _, reading in readings if reading.label == "optin"]
    others = [reading for _, reading in readings if reading.label != "optin"]
    if wishes and all(one.label == "none" and one.matched is None and one.confidence >= _NO_MEANING for one in others):
        return wishes[0], None
    unsaid = all(one.confidence == 0 for _, one in readings)
    for text, one in readings:
        if one.label == "none" and (0 < one.confidence <= _CONTRADICTORY or unsaid):
            return _with_doubt(text, one, review)
    return None


def _with_doubt(text: str, reading: Reading, review: Review) -> tuple[Reading, Doubt]:
    binds = review.meanwhile == "refuse"
    # WHY "none" where it does not bind: whoever acts on an "optout" withdraws what is under way.
    label: Literal["optout", "none"] = "optout" if binds else "none"
    # WHY nothing matched: the words are the person's, and only the queue has them, sealed (J13).
    read = msgspec.structs.replace(reading, label=label, scope=reading.scope or "sms", matched=None, keeps=None)
    return read, Doubt(text, reading.confidence, binds, review.most)
