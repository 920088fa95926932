"""What may be told over HTTP, and what is answered: the shapes of bodies, as the description shows them.

`institution` may be named in each and must then be that of the token. Persons come as they write their numbers, in
ASCII, and go out masked (J13).
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct, field

Written = Annotated[str, Meta(max_length=400)]
Number = Annotated[str, Meta(max_length=32, description="the person's number in ASCII, such as 13800138000")]
Source = Annotated[Literal["hotline", "branch", "app", "web", "letter"], Meta(description="how the person told it")]
Purposes = tuple[Literal["marketing", "collection"], ...]
Channels = tuple[Literal["sms", "voice"], ...]
Clock = Annotated[str, Meta(max_length=5, description="HH:MM, local")]
_BOTH: Final[Channels] = ("sms", "voice")
_MARKETING: Final[Purposes] = ("marketing",)
ROWS_MOST: Final = 100


class RefusalTold(Struct, frozen=True, forbid_unknown_fields=True):
    """A person's refusal. Without `channels` on both; it only ever closes."""

    recipient: Number
    source: Source
    purposes: Purposes = _MARKETING
    channels: Channels = _BOTH
    note: Written = ""
    institution: Written = ""


class PreferenceRow(Struct, frozen=True, forbid_unknown_fields=True):
    """What one person prefers, in place of what they said before; nothing declined and no hours: no preference."""

    recipient: Number
    source: Source
    declines: Purposes = ()
    channels: Channels = _BOTH
    opens: Clock = ""
    closes: Clock = ""


class PreferenceTold(PreferenceRow, frozen=True, forbid_unknown_fields=True):
    """What a person prefers, in place of what they said before; nothing declined and no hours: no preference."""

    institution: Written = ""


class PreferencesTold(Struct, frozen=True, forbid_unknown_fields=True):
    """What several persons prefer: all or none is recorded. More come as a file: `tdgate preference import`."""

    rows: Annotated[list[PreferenceRow], Meta(min_length=1, max_length=ROWS_MOST)]
    institution: Written = ""


class ConsentTold(Struct, frozen=True, forbid_unknown_fields=True):
    """A person's consent; a refusal stays stronger. `given` is when, `until` the last day, `proof_hash` a SHA-256."""

    recipient: Number
    source: Source
    channels: Channels
    purposes: Purposes = _MARKETING
    given: Written = ""
    until: Written = ""
    basis: Literal["consent", "request"] = "consent"
    product: Written = ""
    proof_hash: Written = ""
    institution: Written = ""


class WithdrawalTold(Struct, frozen=True, forbid_unknown_fields=True):
    """A person took back consents that were given until now."""

    recipient: Number
    source: Source
    purposes: Purposes = _MARKETING
    channels: Channels = _BOTH
    institution: Written = ""


class CheckAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """A dial or send list. Without `account` the institution's only one for this purpose, without `from` a number of
    its library; without `text` no rule of texts is asked. Nobody is counted as contacted.
    """

    channel: Literal["sms", "voice"]
    purpose: Literal["marketing", "collection", "service", "verification", "legal"]
    recipients: tuple[Number, ...]
    account: Written = ""
    sender: Written = field(default="", name="from")
    text: Annotated[str, Meta(max_length=2000)] = ""
    institution: Written = ""


class RowProblem(Struct, frozen=True):
    """What is wrong with a recipient; `row` counts from 0."""

    row: int
    error: str


class Checked(Struct, frozen=True):
    """`permitted`, `invalid` (see `problems`) or the id of the rule that would refuse, in the order of `recipients`."""

    results: list[str]
    counts: dict[str, int]
    problems: list[RowProblem]


class Receipted(Struct, frozen=True, omit_defaults=True):
    """What was told is on disk and in the evidence. `receipt` is the id of its evidence, `at` tdgate's own moment."""

    receipt: str
    at: str
    institution: str
    recipient: str = ""
    closes: list[str] = []
    opens: list[str] = []
    ends: list[str] = []
    declines: list[str] = []
    hours: str = ""
    rows: list[dict[str, str | list[str]]] = []


class PreferenceShown(Struct, frozen=True):
    """One row of the ledger of preferences."""

    id: int
    at: str
    recipient: str
    institution: str
    declines: list[str]
    hours: str
    source: str


class PreferenceList(Struct, frozen=True):
    """Rows with an id above `after`, oldest first."""

    rows: tuple[PreferenceShown, ...]


class NumberShown(Struct, frozen=True):
    """One number of the library; `state` is `valid`, `not yet`, `over` or `disposed` now."""

    id: int
    address: str
    principal: str
    operator: str
    telecom: str
    channels: list[str]
    purposes: list[str]
    since: str
    until: str
    extensible: bool
    binary: bool
    disposed: bool
    refusal_keywords: list[str]
    state: str


class NumberList(Struct, frozen=True):
    """Rows with an id above `after`."""

    rows: tuple[NumberShown, ...]


class RefusalShown(Struct, frozen=True):
    """What has to be suppressed: the number in clear, purposes and channels, and since when."""

    number: str
    closes: list[str]
    at: str


class RefusalPage(Struct, frozen=True):
    """Refusals after a mark, oldest first; ask again with `after` the new `mark` while there is `more`."""

    rows: list[RefusalShown]
    mark: int
    more: bool


class Wrong(Struct, frozen=True, omit_defaults=True):
    """Why there is nothing else to answer; `field` is where a request is wrong."""

    error: str
    field: str = ""
