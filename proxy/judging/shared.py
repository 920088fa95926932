"""What all binds of one account share, whoever made them. Owns nothing beyond itself."""

from typing import Final

from msgspec import Struct, field

from proxy.judging.pending import Pending
from proxy.judging.pooled_pending import PooledPending
from proxy.judging.rate import RateLimit
from proxy.judging.replacing import ReplaceableMessages
from proxy.judging.stalled_account import StalledAccount
from proxy.smpp.long_messages import LongMessages
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.reply_parts import HeardParts

_REPLACEABLE_MOST: Final = 20_000
_DAY_S: Final = 86_400.0


class Shared(Struct):
    """What all binds of one account share."""

    rate: RateLimit | None
    message_ids: MessageIds
    own_ids: MessageIds
    pending: Pending
    #: What a pool's carriers took, under tdgate's own ids.
    pooled: PooledPending
    long_messages: LongMessages
    replaceable: ReplaceableMessages = field(default_factory=lambda: ReplaceableMessages(_REPLACEABLE_MOST, _DAY_S))
    heard_parts: HeardParts = field(default_factory=HeardParts)
    receivers: int = 0
    #: Its long messages whose sender stalls; None where they are refused instead.
    stalled: StalledAccount | None = None
