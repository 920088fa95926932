"""What a reader of messages says of a text, and what of that speaks against it: values, and what a reader has to be.

Owns the shapes that the reader (`proxy/language`), the rules and the evidence share. Holds no words and reads nothing.
Spans are in characters of the text.
"""

from typing import Any, Final, Literal, Protocol, get_args

import msgspec

from proxy.core.hosts import Host

Category = Literal["marketing", "collection", "service", "verification", "fraud"]
CATEGORIES: Final[tuple[Category, ...]] = get_args(Category)


class Evidence(msgspec.Struct, frozen=True, gc=False):
    """A finding and the span of the text, in characters, that shows it."""

    start: int
    end: int
    text: str
    why: str


class Content(msgspec.Struct, frozen=True, gc=False):
    """What a message says."""

    category: Category
    signature: str | None
    has_identity: bool
    has_contact: bool
    has_product: bool
    has_refusal: bool
    discloses_debtor: bool
    threatens: bool
    insults: bool
    refusal_keyword: str | None
    """The word that the message asks to be sent back, folded."""
    confidence: float
    """0 to 1: how far the category is ahead of the next one."""
    evidence: dict[str, list[Evidence]]
    """Finding → the spans that show it; a mark that is absent has no entry."""


class Recalled(Protocol):
    """Texts of one template that are read alike: each has this content, spans and pieces included."""

    found: Any
    """What the rules found of such a text by its content, and for whom: theirs to check. A memo, None at first."""
    rejected: Any
    """Whether such a text is of a rejected wording, and of which: theirs to check. A memo, None at first."""
    worded: Any
    """The reviewed template that such a text is of, and of which wordings: theirs to check. A memo, None at first."""

    @property
    def content(self) -> Content:
        """What each of these texts says."""
        ...

    @property
    def free(self) -> tuple[tuple[int, int], ...]:
        """Where these texts may differ."""
        ...

    def judged(self, found: tuple["Against", ...], account: str, person: int, at: float) -> None:
        """Notes what was found of one more message of the template: account, a hash of the person, UTC seconds."""
        ...


class Reader(Protocol):
    """Reads texts. INVARIANT: pure; the same text gives the same content for as long as the reader lives."""

    def read(self, text: str) -> Content:
        """What a message says; never raises on any `str`."""
        ...

    def recall(self, owner: tuple[str, str], text: str) -> Recalled | None:
        """Reads a message of an owner, a principal and its number; what is known of texts that are read alike."""
        ...

    def is_quiet(self, text: str, spans: list[tuple[int, int]]) -> bool:
        """Whether nothing that is read of a text stands at these places: no mark, no link, no phrase."""
        ...

    def template_of(self, owner: tuple[str, str], text: str) -> str:
        """The id of the template that a text is of, known or not."""
        ...

    def names_alike(self, recalled: Recalled, text: str, names: frozenset[str]) -> bool:
        """Whether the names that stand in this text stand in every text that is read alike, and no others."""
        ...

    def honours(self, keyword: str, offered: tuple[str, ...]) -> bool:
        """Whether a reply of this word alone is read as a refusal, where a number offers these words."""
        ...

    def bare(self, text: str) -> str:
        """A text as names are looked for in it: folded, letters and digits only."""
        ...

    def name(self, text: str) -> str:
        """A name as names are compared; remembered, so never a whole text."""
        ...

    def digits(self, text: str) -> str:
        """A telephone in any spelling as it is compared: digits, without prefixes of country and trunk."""
        ...

    def marked(self, text: str) -> str:
        """A text folded character by character, its punctuation in ASCII: what telephones and links are read from."""
        ...

    def host(self, link: str) -> Host:
        """The host that a link leads to."""
        ...

    def is_kind(self, name: str) -> bool:
        """Whether a bare product is a kind of product (信用卡), and no house's own name for one (安居贷)."""
        ...


class Against(msgspec.Struct, frozen=True, gc=False):
    """What speaks against a text: the rule, which case of it, and the span; 0 to 0 where something is missing."""

    rule: str
    detail: str
    start: int = 0
    end: int = 0
