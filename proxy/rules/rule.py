"""What a rule is.

Owns the two shapes of a rule. A lane rule judges what depends on sender, account and day; a request rule judges one
message. Both are pure: they may look at what they are given and at nothing else, and they never await.
"""

from collections.abc import Callable

from msgspec import Struct

from proxy.core.bound import Bound
from proxy.core.contacts import CountedCap
from proxy.core.lane import Lane, SetBy
from proxy.core.pack import Pack
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Account, Entrustment, Institution, Licence, Number, Partner
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot


class LaneFacts(Struct, frozen=True):
    """What a lane rule looks at.

    `listed` are all rows of the sending number, `row` the one of this principal and operator (None: there is none).
    `purpose` is the one that binds; `promised` tells whether number and account share it. `bound` are the packs that
    bind here; `pack` is the base with the tightest single values of all of them. `closed_by` is the pack whose hours
    close it now, `caps` are those that a contact counts under,
    `reviewed_by` is the one that lets only reviewed texts out.
    """

    account: Account
    sender: str | None
    channel: Channel
    purpose: Purpose
    promised: bool
    listed: tuple[Number, ...]
    row: Number | None
    institution: Institution | None
    partner: Partner | None
    licences: tuple[Licence, ...]
    entrustments: tuple[Entrustment, ...]
    bound: Bound
    pack: Pack
    closed_by: SetBy | None
    caps: tuple[CountedCap, ...]
    reviewed_by: SetBy | None
    snapshot: Snapshot
    now: float


def no_pack(_request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> SetBy | None:
    """Of a rule that rests on no value of a pack."""
    return None


def always(_: LaneFacts) -> bool:
    """A rule that no lane is exempt from."""
    return True


def never(_: LaneFacts) -> bool:
    """A rule that has nothing to say of single requests."""
    return False


class LaneRule(Struct, frozen=True):
    """A rule over (account, sender, purpose, time). `judge` returns None to pass, else which case of `id` it is.

    `by_id` rules also judge requests about an earlier message. Where a lane passes and `each_applies`, `each` judges
    every request too: what hangs on the recipient or the text; `gate` is as of a request rule. `set_by` tells, of a
    refusal, on which pack's value it rests: each pack has hours and caps of its own, and a mode for them.
    """

    id: str
    cites: tuple[str, ...]
    judge: Callable[[LaneFacts], str | None]
    applies: Callable[[LaneFacts], bool] = always
    channels: tuple[Channel, ...] = ("sms", "voice")
    by_id: bool = False
    each: Callable[[Request, Lane, int, Snapshot], str | None] | None = None
    gate: Callable[[Request, Lane, int, Snapshot], str | None] | None = None
    each_applies: Callable[[LaneFacts], bool] = never
    set_by: Callable[[Request, Lane, int, Snapshot], SetBy | None] = no_pack


class RequestRule(Struct, frozen=True):
    """A rule over one request. `person` is the recipient's index key, 0 where the address has no form.

    `passes_ordinary` promises that it passes every request in which nothing is unusual (see `policy.is_ordinary`), so
    that the hot path need not ask it; a property test holds the promise. `gate` is one question for several rules:
    where it passes, so does every rule that has it, and the hot path asks nothing else of them.
    """

    id: str
    cites: tuple[str, ...]
    judge: Callable[[Request, Lane, int, Snapshot], str | None]
    applies: Callable[[LaneFacts], bool] = always
    channels: tuple[Channel, ...] = ("sms", "voice")
    by_id: bool = False
    passes_ordinary: bool = False
    gate: Callable[[Request, Lane, int, Snapshot], str | None] | None = None
    set_by: Callable[[Request, Lane, int, Snapshot], SetBy | None] = no_pack


Rule = LaneRule | RequestRule
