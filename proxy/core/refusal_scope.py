"""What a person's refusal closes (Z16 Z19), as the requirements' defaults say. Pure.

In reply to marketing: that institution's marketing on both channels, unless the person keeps one expressly. In reply
to collection: marketing on both channels, and collection on the channel it came on and on those that it names.
"""

from typing import Literal

from proxy.core.purposes import (
    ALL_MARKETING,
    COLLECTION_SMS,
    COLLECTION_VOICE,
    MARKETING_SMS,
    MARKETING_VOICE,
    Channel,
    Purpose,
)

Scope = Literal["sms", "voice", "all"]

_COLLECTION: dict[Scope, int] = {
    "sms": COLLECTION_SMS,
    "voice": COLLECTION_VOICE,
    "all": COLLECTION_SMS | COLLECTION_VOICE,
}
_KEPT: dict[Channel, int] = {"sms": MARKETING_SMS, "voice": MARKETING_VOICE}


def closed_bits(
    purposes: frozenset[Purpose],
    scope: Scope,
    came_on: Channel,
    *,
    collection_too: bool = True,
    keeps: Channel | None = None,
) -> int:
    """The bits that a refusal sets.

    `purposes` are those the message it answers may have had: where that is not certain, all that the number carries.
    `collection_too` is the pack's choice; `keeps` is a channel the person expressly keeps for marketing ("text me,
    don't call").
    """
    bits = ALL_MARKETING & ~(_KEPT[keeps] if keeps else 0)
    if collection_too and "collection" in purposes:
        bits |= _COLLECTION[scope] | _COLLECTION[came_on]
    return bits
