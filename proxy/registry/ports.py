"""What the registry asks of a store: the protocols that `proxy/store/` fills, and the values that cross them.

Owns no behaviour. A store has many readers and one owner; only the owner writes, and what it has written is on disk
when a call returns.
"""

from asyncio import Future
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from proxy.core.persons import PersonIndex
from proxy.core.purposes import Channel
from proxy.lists.entry import ListEntry
from proxy.registry.doubts import Decided, Doubt, DoubtRow, Verdict
from proxy.registry.fields import SqlValue

Row = tuple[SqlValue, ...]


class StoreError(Exception):
    """The store cannot do what was asked: nothing of it was done, and nobody may be told that it was."""


class StaleError(StoreError):
    """What was to be changed is not as it was expected to be: somebody else was there before. Nothing was written."""


class VerbError(Exception):
    """A verb cannot do what was asked; the text is the reason. `usage` where the arguments themselves are wrong."""

    def __init__(self, reason: str, *, usage: bool = False) -> None:
        super().__init__(reason)
        self.usage = usage


class Receipt(Struct, frozen=True):
    """What an institution told over HTTP, as it was confirmed; written together with its effect.

    `id` is that of its evidence, `asked` a keyed hash of the request under the key `key_id`, `answer` the JSON that it
    was given, `record` the encoded evidence, `noted` 1 when the evidence log holds it for certain.
    """

    id: str
    at_us: int
    token: str
    institution: str
    idempotency: str | None
    asked: bytes
    key_id: int
    answer: bytes
    record: bytes
    noted: int = 0


class ApiToken(Struct, frozen=True):
    """A right of an institution to speak over HTTP: `digest` is the token's SHA-256, `scopes` have commas between them.

    It is valid before `until` (UTC seconds) unless `revoked_us` is set.
    """

    id: str
    digest: bytes
    institution: str
    scopes: str
    label: str
    created_us: int
    created_by: str
    until: int
    revoked_us: int | None = None


class Refused(Struct, frozen=True):
    """A person's refusal (Z16 Z19). `recipient` is canonical; `closes` are (institution, bits); `at_us` is UTC.

    `source` is `reply` for what came over the wire from that person: only these a START of the person lifts. `objects`
    are those of the institutions with whom an objection to a collection opens by it (J7). `doubt` is None where it is
    certain.
    """

    at_us: int
    recipient: str
    closes: tuple[tuple[str, int], ...]
    channel: Channel
    source: str = "reply"
    label: str = ""
    matched: str = ""
    number_to: str = ""
    decision: str = ""
    objects: tuple[str, ...] = ()
    receipt: Receipt | None = None
    doubt: Doubt | None = None


class Recorded(Struct, frozen=True):
    """A refusal is on disk. `changed` names the institutions that were open to some of these bits before.

    `queued`: a doubtful one waits for a verdict; False where the queue was full.
    """

    changed: tuple[str, ...]
    queued: bool = True


class Released(Struct, frozen=True):
    """A person lifted what they had closed by reply. `remaining` are the bits still closed, per institution asked for.

    `lifted` names the institutions where something was closed by reply until now.
    """

    remaining: dict[str, int]
    lifted: tuple[str, ...]


class Given(Struct, frozen=True):
    """A person's consent (Z15). `until_day` is the first Asia/Shanghai day number on which it no longer holds."""

    at_us: int
    recipient: str
    institution: str
    bits: int
    until_day: int
    source: str
    basis: str = "consent"
    product: str = ""
    proof_hash: str = ""


class Verified(Struct, frozen=True):
    """Who somebody is to a debt (`core.debtors`), as verified at `at_us` (UTC) (J7)."""

    at_us: int
    recipient: str
    institution: str
    role: str
    source: str
    document_hash: str = ""


class Informed(Struct, frozen=True):
    """Somebody was told that a partner collects for the institution (J10); `way` is how."""

    at_us: int
    recipient: str
    institution: str
    partner: str
    way: str
    source: str
    document_hash: str = ""


class Preferred(Struct, frozen=True):
    """What one person prefers with an institution (empty: with all); `value` as in `core.preferences` (J6)."""

    recipient: str
    institution: str
    value: int
    source: str


class DebtorRow(Struct, frozen=True):
    """One row of the ledger of debtors, its number still sealed."""

    id: int
    at_us: int
    person: bytes
    number: bytes
    institution: str
    role: str
    source: str
    document_hash: str


class NoticeRow(Struct, frozen=True):
    """One row of the ledger of debtor notices, its number still sealed."""

    id: int
    at_us: int
    person: bytes
    number: bytes
    institution: str
    partner: str
    way: str
    source: str
    document_hash: str


class SuppressionRow(Struct, frozen=True):
    """One row of the suppression ledger, its number still sealed."""

    id: int
    at_us: int
    person: bytes
    number: bytes
    institution: str
    bits: int
    channel: str
    source: str
    label: str
    matched: str
    number_to: str
    decision: str
    released_at: int | None


class ConsentRow(Struct, frozen=True):
    """One row of the consent ledger, its number still sealed. `withdrawn` bits no longer count."""

    id: int
    at_us: int
    person: bytes
    number: bytes
    institution: str
    bits: int
    until_day: int
    basis: str
    product: str
    source: str
    proof_hash: str
    withdrawn: int


class FollowedList(Struct, frozen=True):
    """A list of another house as it is held here: the number and hash of the last document that was taken in.

    `made_at` is when its issuer made it (UTC seconds), `rows` how many rows that document changed.
    """

    issuer: str
    number: int = 0
    digest: str = ""
    made_at: int = 0
    taken_us: int = 0
    rows: int = 0


class Put(Struct, frozen=True):
    """A new row of a record table, every column given; StaleError where its key is taken."""

    table: str
    row: dict[str, SqlValue]


class Alter(Struct, frozen=True):
    """New values for the one row that is as `where` says; StaleError where there is none."""

    table: str
    where: dict[str, SqlValue]
    values: dict[str, SqlValue]


class Measure(Struct, frozen=True):
    """What somebody did to records by a verb, and why; `at_us` is UTC."""

    id: int
    at_us: int
    verb: str
    target: str
    reason: str
    by: str


class PreferenceRow(Struct, frozen=True):
    """One row of the ledger of preferences, its number still sealed; `value` as in `core.preferences`."""

    id: int
    at_us: int
    person: bytes
    number: bytes
    institution: str
    value: int
    source: str


class Reader(Protocol):
    """Questions to a store."""

    async def revision(self) -> int:
        """The revision of the records: it rises with each transaction that changes one."""
        ...

    def rows(
        self, table: str, *, after: int = 0, slice_rows: int = 500, revisions: bool = False
    ) -> AsyncIterator[list[Row]]:
        """Rows of a record table changed after a revision, in slices; columns as in `TABLES[table]`, ordered by key.

        With `revisions` each row ends with the revision in which it was changed last.
        """
        ...

    async def counts(self) -> dict[str, int]:
        """Rows per table."""
        ...

    async def ids(self, table: str) -> set[str]:
        """The ids of one of `KNOWN_TABLES`; telecom enterprises' names too, by which they may be meant."""
        ...

    async def suppressions(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[SuppressionRow]:
        """Rows of the ledger with an id above `after`, oldest first."""
        ...

    async def consents(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[ConsentRow]:
        """Rows of the ledger with an id above `after`, oldest first."""
        ...

    async def withdrawals(self, row: ConsentRow) -> list[tuple[int, int, str]]:
        """What ended a consent: (bits of it, UTC microseconds, source), each bit by what ended it first."""
        ...

    async def preferences(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[PreferenceRow]:
        """Rows of the ledger with an id above `after`, oldest first."""
        ...

    async def lifts(self) -> list[tuple[str, int, int]]:
        """(institution, how often somebody lifted a refusal, how many refusals there are)."""
        ...

    async def debtors(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[DebtorRow]:
        """Rows of the ledger with an id above `after`, oldest first."""
        ...

    async def notices(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[NoticeRow]:
        """Rows of the ledger with an id above `after`, oldest first."""
        ...

    async def objections(
        self, *, person: bytes | None = None, institution: str | None = None, after: int = 0, most: int = 100
    ) -> list[SuppressionRow]:
        """Objections that are open, oldest first."""
        ...

    async def doubts(self, *, state: str = "open", after: int = 0, most: int = 100) -> list[DoubtRow]:
        """Doubtful replies in a state ("" for all) with an id above `after`, oldest first."""
        ...

    async def followed_lists(self) -> list[FollowedList]:
        """The lists of other houses that are held."""
        ...

    def followed(
        self, *, issuer: str | None = None, after: int = 0, slice_rows: int = 500
    ) -> AsyncIterator[list[tuple[str, ListEntry, bool]]]:
        """Rows of followed lists changed after a revision: (issuer, row, gone), in slices, ordered by key."""
        ...

    async def measures(self, *, after: int | None = None, most: int = 100) -> list[Measure]:
        """What was done by verbs, oldest first; `after` is an id, None: those that the evidence log does not know."""
        ...

    async def tokens(self) -> list[ApiToken]:
        """All tokens of the HTTP interface, oldest first."""
        ...

    async def receipt(self, token: str, idempotency: str) -> Receipt | None:
        """The receipt that a token was given for a key."""
        ...

    async def receipts_to_note(self, most: int) -> list[Receipt]:
        """Receipts of which it is not certain that the evidence log holds them."""
        ...

    async def close(self) -> None: ...


class Owner(Reader, Protocol):
    """The one that writes. The indexes are live: they change in place and stay the same objects."""

    suppressions_index: PersonIndex
    consents_index: PersonIndex
    preferences_index: PersonIndex
    #: Do-not-call lists; replaced as a whole.
    donotcall: tuple[PersonIndex, ...]
    debtors_index: PersonIndex
    notices_index: PersonIndex
    #: Where staged imports stand.
    imports: Path

    async def adopt(self, staged: Path) -> dict[str, int]:
        """Takes over a staged import: rows changed per table."""
        ...

    async def take_in_list(self, staged: Path) -> FollowedList:
        """Takes over a staged document of a followed list; raises StoreError where it is not the next one."""
        ...

    def record(self, refusal: Refused) -> "Future[Recorded]":
        """Closes at once in memory; the future is done when the refusal is on disk."""
        ...

    def release_own(
        self,
        recipient: str,
        institutions: tuple[str, ...],
        at_us: int,
        *,
        channel: str,
        matched: str,
        number_to: str,
    ) -> "Future[Released]":
        """Lifts what this person closed by reply; memory follows when it is on disk."""
        ...

    async def decide_doubt(self, case: int, verdict: Verdict, *, by: str, reason: str) -> Decided:
        """A verdict about a doubtful reply; raises StaleError where there is no such open case."""
        ...

    async def show_doubt(self, case: int, *, by: str, reason: str) -> DoubtRow:
        """A case whose text somebody is to see, noted among the measures first. Raises StaleError."""
        ...

    async def give(self, consent: Given, receipt: Receipt | None = None) -> bool:
        """Adds a consent; False where the very same one is known."""
        ...

    async def withdraw(
        self, recipient: str, institution: str, bits: int, at_us: int, source: str, receipt: Receipt | None = None
    ) -> bool:
        """Ends consents given until then; False where none held."""
        ...

    async def prefer(self, recipient: str, institution: str, value: int, source: str) -> bool:
        """What a person prefers from now on, for all where the institution is ""; whether anything is different."""
        ...

    async def prefer_all(self, told: Sequence[Preferred], receipt: Receipt | None = None) -> int:
        """What several persons prefer from now on, all or none; how many are different."""
        ...

    async def look(self, what: str, by: str) -> None:
        """Notes among the measures that somebody lists persons (J13)."""
        ...

    async def issue_token(self, token: ApiToken) -> None:
        """A new token; its entry among the measures is written with it. Raises StaleError for a known one."""
        ...

    async def revoke_token(self, token: str, reason: str, by: str) -> bool:
        """Ends a token; False where it ended before, or there is none."""
        ...

    async def note_act(self, verb: str, target: str, reason: str, by: str) -> None:
        """An entry among the measures, of what changed nothing."""
        ...

    async def receipts_noted(self, ids: Sequence[str]) -> None:
        """The evidence log holds these for certain."""
        ...

    async def recycle(self, numbers: Sequence[tuple[str, int]]) -> int:
        """Ends consents given before a number was recycled: (recipient, UTC microseconds); how many ended."""
        ...

    async def load_donotcall(self, cause: str) -> int:
        """Takes up the do-not-call lists as they lie on disk, under a new revision: how many there are."""
        ...

    async def hold(self, kind: Literal["account", "number"], target: str, reason: str, by: str) -> bool:
        """Sets a fraud hold (Z23); False where it stands."""
        ...

    async def lift_hold(self, kind: Literal["account", "number"], target: str, by: str) -> bool:
        """Ends a hold; False where there is none."""
        ...

    async def dispose(self, address: str, *, disposed: bool, reason: str, by: str) -> int:
        """Disposes of all rows of a number, or restores them (Z14): how many rows changed."""
        ...

    async def amend(self, verb: str, target: str, changes: Sequence[Put | Alter], *, reason: str, by: str) -> None:
        """Changes records in one transaction, with an entry among the measures; raises StaleError."""
        ...

    async def noted(self, measure: int) -> None:
        """The evidence log knows all measures up to this one."""
        ...

    async def verify(self, one: Verified) -> bool:
        """Adds a verification of who somebody is to a debt; False where the very same one is known."""
        ...

    async def inform(self, one: Informed) -> bool:
        """Adds a debtor notice; False where the very same one is known."""
        ...

    async def settle(self, recipient: str, institution: str, outcome: str, by: str) -> bool:
        """Ends the objection of a person to an institution's collection; False where none is open."""
        ...
