"""Purposes, channels and what a refusal closes.

Owns the closed vocabularies of purpose and channel and the bit sets in which consents and suppressions are kept.
The bits are stored on disk: a value is never reused for another meaning.
"""

from typing import Final, Literal, get_args

Channel = Literal["sms", "voice"]
Purpose = Literal["marketing", "collection", "legal", "service", "verification"]

CHANNELS: Final[tuple[Channel, ...]] = get_args(Channel)

#: From the strictest to the laxest. Where a request may have several purposes and none was declared, the first that
#: is possible binds (J22).
STRICTEST_FIRST: Final[tuple[Purpose, ...]] = get_args(Purpose)

MARKETING_SMS: Final = 0x01
MARKETING_VOICE: Final = 0x02
COLLECTION_SMS: Final = 0x04
COLLECTION_VOICE: Final = 0x08

#: The bit that a (purpose, channel) needs in a consent and must not find in a suppression. Purposes without a bit are
#: never closed by a refusal: verification codes and service notices go on, legal notices must be served.
PURPOSE_BITS: Final[dict[tuple[Purpose, Channel], int]] = {
    ("marketing", "sms"): MARKETING_SMS,
    ("marketing", "voice"): MARKETING_VOICE,
    ("collection", "sms"): COLLECTION_SMS,
    ("collection", "voice"): COLLECTION_VOICE,
}

#: Beside the bits of purposes: an objection to a collection is open, whatever channel was closed with it.
OBJECTION: Final = 0x10

ALL_MARKETING: Final = MARKETING_SMS | MARKETING_VOICE
ALL_COLLECTION: Final = COLLECTION_SMS | COLLECTION_VOICE


def bit_names(bits: int) -> list[str]:
    """The (purpose, channel) pairs in a bit set as `marketing/sms` strings, for people and `--json`."""
    return [f"{purpose}/{channel}" for (purpose, channel), bit in PURPOSE_BITS.items() if bits & bit]
