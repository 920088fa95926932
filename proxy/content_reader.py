"""The one reader of messages that the policy asks: the words of the table, and what replies honour.

Owns nothing but its two vocabularies and what it remembers of them. A reload makes a new one. Must never decide whether
a finding refuses, and never keep a text longer than the next one.

How it works: `read` is a pure function of the text. It is asked once for each rule and person of a message, so the
latest answer is remembered. `recall` gives the same answer out of the memory of templates where it can.
"""

from typing import Final

from proxy.core.content import Content, Recalled
from proxy.core.hosts import Host
from proxy.core.own_marks import telephone_digits
from proxy.language.content import READ_LIMIT, read_whole
from proxy.language.lexicon import Lexicon
from proxy.language.links import host_of
from proxy.language.long_texts import read_any_length
from proxy.language.marks import HAN_DIGITS
from proxy.language.slots import LONGEST, is_quiet
from proxy.language.templates import Known, Template, Templates, names_alike
from proxy.language.views import view
from proxy.optout_parser import Vocabulary, parse

#: Names and keywords are few; who invents them without end makes a memo begin anew, and nothing else.
_KEPT_MOST: Final = 100_000


class ContentReader:
    """See `core.content.Reader`. INVARIANT: `read` is the only place where a text of the wire is read."""

    __slots__ = ("_bare", "_honoured", "_last", "_lexicon", "_recalled", "_templates", "_vocabulary")

    def __init__(self, lexicon: Lexicon, vocabulary: Vocabulary) -> None:
        self._lexicon: Final = lexicon
        self._vocabulary: Final = vocabulary
        self._last: tuple[str, Content] = ("", read_any_length("", lexicon))
        self._templates: Final = Templates(lexicon)
        #: Owner, text, what is known, and whether it was asked for before.
        self._recalled: tuple[tuple[str, str], str, Known | None, bool] | None = None
        self._bare: Final[dict[str, str]] = {}
        self._honoured: Final[dict[tuple[str, tuple[str, ...]], bool]] = {}

    def read(self, text: str) -> Content:
        """What a message says; never raises on any `str`."""
        last = self._last
        if last[0] == text:
            return last[1]
        content = read_any_length(text, self._lexicon)
        self._last = (text, content)
        return content

    def recall(self, owner: tuple[str, str], text: str) -> Known | None:
        """Reads a message of an owner, a principal and its number; what is known of texts that are read alike."""
        latest = self._recalled
        again = latest is not None and latest[1] == text and latest[0] == owner
        # WHY a second time: one text to many is a template, too, and what comes for the second time is learnt.
        if latest is not None and again and (latest[2] is not None or latest[3]):
            return latest[2]
        if len(text) > LONGEST:
            self.read(text)
            return None
        content, known = self._templates.read(owner, text)
        self._last = (text, content)
        self._recalled = (owner, text, known, again)
        return known

    def is_quiet(self, text: str, spans: list[tuple[int, int]]) -> bool:
        """Whether nothing that is read of a text stands at these places: no mark, no link, no phrase."""
        return len(text) <= READ_LIMIT and is_quiet(read_whole(text, self._lexicon), spans)

    def template_of(self, owner: tuple[str, str], text: str) -> str:
        """The id of the template that a text is of, known or not."""
        return self._templates.id_of(owner, text, self.read(text))

    def names_alike(self, recalled: Recalled, text: str, names: frozenset[str]) -> bool:
        """Whether the names that stand in this text stand in every text that is read alike, and no others."""
        return isinstance(recalled, Known) and names_alike(recalled, text, names, self._lexicon)

    def templates(self, principal: str = "") -> list[Template]:
        """The templates of one principal, or of all, in no order."""
        return self._templates.listed(principal)

    def honours(self, keyword: str, offered: tuple[str, ...]) -> bool:
        """Whether a reply of this word alone is read as a refusal, where a number offers these words."""
        key = (keyword, offered)
        known = self._honoured.get(key)
        if known is None:
            known = parse(keyword, self._vocabulary, offered).label == "optout"
            if len(self._honoured) >= _KEPT_MOST:
                self._honoured.clear()
            self._honoured[key] = known
        return known

    def bare(self, text: str) -> str:
        """A text as names are looked for in it: folded, letters and digits only."""
        return view(text, self._lexicon.parts).bare

    def digits(self, text: str) -> str:
        """A telephone in any spelling as it is compared: digits, without prefixes of country and trunk."""
        return telephone_digits(text if text.isascii() else self.marked(text).translate(HAN_DIGITS))

    def name(self, text: str) -> str:
        """A name as names are compared: folded, letters and digits only."""
        known = self._bare.get(text)
        if known is None:
            known = view(text, self._lexicon.parts).bare.strip(",")
            if len(self._bare) >= _KEPT_MOST:
                self._bare.clear()
            self._bare[text] = known
        return known

    def marked(self, text: str) -> str:
        """A text folded character by character, its punctuation in ASCII: what telephones and links are read from."""
        return view(text, self._lexicon.parts).marked

    def host(self, link: str) -> Host:
        """The host that a link leads to."""
        return host_of(link, self._lexicon.links)

    def is_kind(self, name: str) -> bool:
        """Whether a bare product is a kind of product (信用卡), and no house's own name for one (安居贷)."""
        return "product_kind" in self._lexicon.phrases.get(name, ())
