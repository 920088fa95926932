"""What the log records: one frozen type for each kind, and the reader that also takes kinds it does not know.

Owns the fields and their order (`docs/manual/evidence.md` has the same table, held by a test). A record is a canonical
msgpack array `[kind, version, …]`: shortest forms only, no maps, no floats, no nil. Must never hold a number or a text
of a person. Fields are only ever appended; a reader skips what it does not know. A kind's number is never used again.

Times (`at_us`) are UTC in microseconds. An id is `boot << 32 | counter`, so none is used twice in a log.
"""

from hashlib import sha256
from typing import Final

import msgspec
from msgspec import Struct

ALLOW: Final = 0
DENY: Final = 1
DEFER: Final = 2
EFFECT_NAMES: Final = ("allow", "deny", "defer")


class Record(Struct, frozen=True, array_like=True, gc=False, kw_only=True):
    """What every record begins with after its kind."""

    version: int = 1


class Decision(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=1):
    """What was answered to one request, by which rule of which pack, on which registry revision."""

    id: int
    at_us: int
    channel: str
    account: str
    sender: str
    person: bytes
    key_id: int
    principal: str
    purpose: str
    effect: int
    rule: str
    detail: str
    mode: str
    pack: str
    pack_version: int
    revision: int
    outcomes: bytes
    rules_hash: bytes
    content: bytes = b""
    asks: int = 0
    packs: str = ""
    #: What the text said against it: `rule/detail@start-end`, in characters. INVARIANT: never a piece of it.
    findings: tuple[str, ...] = ()
    #: The template that the text is of, where something was found.
    template: str = ""


class Outcome(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=2):
    """What became of a permit: `accepted`, `rejected`, `unknown`, or `late` (a receipt after unknown)."""

    id: int
    at_us: int
    result: str
    status: int
    carrier_id_hash: bytes = b""


class Suppression(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=3):
    """A person refused: what that closes, whose it is, and how long it took to bind."""

    id: int
    at_us: int
    person: bytes
    key_id: int
    institutions: tuple[str, ...]
    closes: int
    channel: str
    source: str
    label: str
    decision: int
    latency_us: int


class Release(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=4):
    """A suppression ended: by the person's own message, or by proof that two people approved."""

    id: int
    at_us: int
    person: bytes
    key_id: int
    institutions: tuple[str, ...]
    opens: int
    channel: str
    source: str
    label: str
    suppression: int
    approvers: tuple[str, ...]


class Registry(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=5):
    """A new registry revision took effect."""

    at_us: int
    revision: int
    digest: bytes
    actor: str


class Start(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=6):
    """A run began. `rules` is the rule table that outcomes are read by, until a RuleTable says otherwise."""

    at_us: int
    boot: int
    software: str
    config_digest: bytes
    rules: tuple[str, ...]


class Stop(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=7):
    """A run ended in order; whatever it had recorded precedes this."""

    at_us: int
    boot: int
    reason: str


class Gap(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=8):
    """Something may be missing just before this record.

    `reason`: `unclean` (no stop record: permits of the last batch may be lost), `torn` (an unfinished batch of
    `torn_octets` was moved aside), `refused` (`missed` records were not taken since the outbox was full or failed).
    """

    at_us: int
    size: int
    reason: str
    torn_octets: int
    missed: int


class Note(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=9):
    """An act of operation: drain, reload, bypass and the like."""

    at_us: int
    topic: str
    actor: str
    text: str


class RuleTable(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=10):
    """The rule ids that a `rules_hash` stands for, in the order of `outcomes`."""

    at_us: int
    pack: str
    pack_version: int
    rules_hash: bytes
    rules: tuple[str, ...]


class Tally(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=11):
    """What one account sent over one route since its Tally before, of this run: `permitted + carried` are all that were
    to be answered, `accepted + rejected + unknown + open` what became of them.

    `open` is what waits for the carrier now, `carried` is the `open` of the Tally before. The first of an account and
    route in a run is all zeros and stands before the account's first Decision.
    """

    at_us: int
    since_us: int
    account: str
    route: str
    submitted: int
    permitted: int
    refused: int
    deferred: int
    carried: int
    accepted: int
    rejected: int
    unknown: int
    open: int
    replies: int
    receipts: int


class Bypass(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=12):
    """A step of a bypass for emergencies: `asked`, `opened`, `ended`, `expired`, `stopped` (with the process).

    `account` is empty for all; `until_us` is 0 before it is open. A Start after an opening ends it too.
    """

    at_us: int
    bypass: str
    step: str
    actor: str
    account: str
    until_us: int
    reason: str


class Call(Record, frozen=True, array_like=True, gc=False, kw_only=True, tag=13):
    """How one attempt at a call went that was not refused here. `id` is its Decision's, or its own where `direction` is
    `in`: then `person` called `number` back. Moments that never came are 0; `at_us` is the end. `status` is what the
    caller's side was answered, `result` one of `CALL_RESULTS`, `side` who ended it: `a`, `b` or `us`.
    """

    id: int
    at_us: int
    direction: str
    account: str
    person: bytes
    key_id: int
    asked_us: int
    rang_us: int
    answered_us: int
    result: str
    status: int
    side: str
    cause: str
    carrier: str
    attempts: int
    number: str = ""


#: It was answered; the carrier's side refused, or the person did; nobody could be reached; the caller gave up.
CALL_RESULTS: Final = ("answered", "refused", "failed", "cancelled")

AnyRecord = (
    Decision
    | Outcome
    | Suppression
    | Release
    | Registry
    | Start
    | Stop
    | Gap
    | Note
    | RuleTable
    | Tally
    | Bypass
    | Call
)

KINDS: Final[dict[int, type[AnyRecord]]] = {
    1: Decision,
    2: Outcome,
    3: Suppression,
    4: Release,
    5: Registry,
    6: Start,
    7: Stop,
    8: Gap,
    9: Note,
    10: RuleTable,
    11: Tally,
    12: Bypass,
    13: Call,
}


class Unknown(Struct, frozen=True):
    """A record of a kind that this version does not know, as it stands."""

    kind: int
    fields: tuple[object, ...]


class RecordError(Exception):
    """The octets are no record."""


encode: Final = msgspec.msgpack.Encoder().encode
_known: Final[msgspec.msgpack.Decoder[AnyRecord]] = msgspec.msgpack.Decoder(AnyRecord)
_array: Final = msgspec.msgpack.Decoder(tuple[object, ...])


def decode_generic(octets: bytes) -> tuple[int, tuple[object, ...]]:
    """Any record as (kind, the fields after it); raises RecordError."""
    try:
        values = _array.decode(octets)
    except msgspec.DecodeError as error:
        raise RecordError(str(error)) from error
    if not values or not isinstance(values[0], int):
        raise RecordError("a record begins with its kind")
    return values[0], values[1:]


def decode(octets: bytes) -> AnyRecord | Unknown:
    """One record; a kind that is not known gives `Unknown`. Raises RecordError."""
    kind, fields = decode_generic(octets)
    if kind not in KINDS:
        return Unknown(kind, fields)
    try:
        return _known.decode(octets)
    except msgspec.DecodeError as error:
        raise RecordError(str(error)) from error


def kind_of(octets: bytes) -> int:
    """The kind by a look at the first octets: 0 when they are no record of a small kind."""
    if not octets:
        return 0
    lead = octets[0]
    at = 1 if lead & 0xF0 == 0x90 else 3 if lead == 0xDC else 0
    kind = octets[at] if at and at < len(octets) else 0
    return kind if kind < 0x80 else 0


def rules_hash(rules: tuple[str, ...]) -> bytes:
    """The name of a rule table: the first 8 octets of SHA-256 over its ids, joined by newlines."""
    return sha256("\n".join(rules).encode()).digest()[:8]
