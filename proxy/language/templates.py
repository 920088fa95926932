"""Remembers, for each sender, the templates of its messages, so that a known one need not be read again.

Owns the memory: which masks were seen, what the first text of each says, and how often each template came. Must never
answer for a text what a full reading would not: `proxy.language.slots` shows for each mask where texts may differ.
Bounded for each owner (a principal and its number) and in all; one owner's texts drive out its own first.

How it works: a text's mask is looked up with its owner. A mask that comes for the second time is looked at closely, and
is known from then on; later texts of it that fit get the reading of the first, the same object, since all of it, spans
and quoted pieces too, is equal. Of those that do not fit (a figure that could be a telephone) the first few are looked
at, too, and then only what comes again word for word: a close look costs more than a reading. Texts of one wording
whose variables differ in length have different masks; they are one template, which is what people review: its shape
has {name}, {figures} and {link} where texts differ.
"""

import re
from hashlib import blake2b
from typing import Any, Final

from proxy.core.content import Against, Content
from proxy.language.content import Reading, read_whole
from proxy.language.disclosure import speaks_of_another
from proxy.language.lexicon import Lexicon
from proxy.language.slots import LONGEST, Mask, Names, Varying, varies
from proxy.language.views import view

#: Masks kept for one owner in each of two generations, owners, and texts that fit one mask but are read otherwise.
_MASKS: Final = 512
_ONCE: Final = 2_048
_OWNERS: Final = 4_096
_TEMPLATES: Final = 256
_ALIKE: Final = 4
#: So many of them are looked at closely; then only repeated ones are.
_LOOKS: Final = 8
#: Masks of all owners together.
_ALL: Final = 50_000
#: From so many persons on the wording of a template is shown: what came to few may be one person's.
SHOWN_FROM: Final = 5
#: Accounts that are counted apart; further ones count together, under no name.
_ACCOUNTS: Final = 32
_FIGURES: Final = re.compile(r"\d[\d.,:\-/#*xX]*[\d*xX]|\d")

#: A principal and its number.
Owner = tuple[str, str]


class Template:
    """A wording of one owner's messages: what it says and how often it came. Counts start with the process."""

    __slots__ = (
        *("_persons", "accounts", "against", "content", "first", "found", "id", "last", "owner", "seen", "shape"),
        "tells",
    )

    def __init__(self, id: str, owner: Owner, shape: str, content: Content, tells: bool) -> None:
        self.id: Final = id
        self.owner: Final = owner
        #: The wording, with {name}, {figures} and {link} for what differs. It holds no digit.
        self.shape: Final = shape
        self.content = content
        #: Whether it tells its readers of somebody else.
        self.tells: Final = tells
        self.seen = 0
        #: Of these, how many had something found against them, enforced or in shadow.
        self.against = 0
        #: What rules found of its latest message.
        self.found: tuple[Against, ...] = ()
        #: How many came from each account.
        self.accounts: Final[dict[str, int]] = {}
        #: When the first and the latest came, in UTC seconds.
        self.first = 0.0
        self.last = 0.0
        #: Different persons, until there are enough. INVARIANT: hashes of this process, and no more than that many.
        self._persons: Final[set[int]] = set()

    @property
    def is_shown(self) -> bool:
        """Whether its wording may be shown: it went to several persons, and names nobody to others."""
        return len(self._persons) >= SHOWN_FROM and not self.tells

    def note(self, found: tuple[Against, ...], account: str, person: int, at: float) -> None:
        """One more message of it."""
        self.seen += 1
        self.found = found
        if found:
            self.against += 1
        count = self.accounts.get(account)
        if count is None and len(self.accounts) >= _ACCOUNTS:
            account = ""
            count = self.accounts.get(account)
        self.accounts[account] = 1 if count is None else count + 1
        if not self.first:
            self.first = at
        self.last = at
        if len(self._persons) < SHOWN_FROM:
            self._persons.add(person)


class Known:
    """Texts of one mask that are read alike."""

    __slots__ = ("content", "found", "free", "rejected", "template", "varying", "worded")

    def __init__(
        self, content: Content, template: Template, varying: Varying, free: tuple[tuple[int, int], ...]
    ) -> None:
        self.content: Final = content
        self.template: Final = template
        self.varying: Final = varying
        #: Where in the text these texts may differ.
        self.free: Final = free
        #: What somebody else found by the content alone; a memo, which is theirs to check.
        self.found: Any = None
        self.worded: Any = None
        self.rejected: Any = None

    def judged(self, found: tuple[Against, ...], account: str, person: int, at: float) -> None:
        """Notes what was found of one more message of the template: whose, to whom, and when."""
        self.template.note(found, account, person, at)


class _Alike:
    """What is known of texts of one mask: those come first in which most figures may vary."""

    __slots__ = ("known", "looks")

    def __init__(self) -> None:
        self.known: list[Known] = []
        #: How many texts did not fit.
        self.looks = 0

    def add(self, one: Known) -> None:
        known = self.known[: _ALIKE - 1]
        at = 0
        while at < len(known) and len(known[at].varying.runs) > len(one.varying.runs):
            at += 1
        known.insert(at, one)
        self.known = known


class _Shelf:
    """The masks of one owner."""

    __slots__ = ("former", "once", "recent", "templates")

    def __init__(self) -> None:
        self.recent: dict[bytes, _Alike] = {}
        self.former: dict[bytes, _Alike] = {}
        self.once: dict[bytes, None] = {}
        self.templates: dict[str, Template] = {}

    def get(self, octets: bytes) -> _Alike | None:
        """Those of a mask; what is used is kept."""
        held = self.recent.get(octets)
        if held is None and self.former:
            held = self.former.get(octets)
            if held is not None:
                self.put(octets, held)
        return held

    def put(self, octets: bytes, held: _Alike) -> None:
        if len(self.recent) >= _MASKS:
            self.former, self.recent = self.recent, {}
        self.recent[octets] = held

    def came_before(self, octets: bytes) -> bool:
        """Whether a mask, or a text that does not fit what is known of its mask, came lately; notes that it did."""
        digest = blake2b(octets, digest_size=8).digest()
        if digest in self.once:
            return True
        if len(self.once) >= _ONCE:
            self.once.clear()
        self.once[digest] = None
        return False


class Templates:
    """Reads messages, those of known templates without reading them again."""

    def __init__(self, lexicon: Lexicon) -> None:
        self.lexicon: Final = lexicon
        self._names: Final = Names(lexicon)
        self._shelves: Final[dict[Owner, _Shelf]] = {}

    def known(self, owner: Owner, text: str) -> Known | None:
        """What is known of a text of this owner; None where it has to be read."""
        shelf = self._shelves.get(owner)
        if shelf is None or len(text) > LONGEST:
            return None
        held = self._alike(shelf, text, self._names.mask(text))
        if held is None:
            return None
        for known in held.known:
            if known.varying.fits(text):
                return known
        return None

    def learn(self, owner: Owner, text: str, reading: Reading) -> Known | None:
        """Remembers a text that was read; what is known of texts like it, once its mask came before."""
        if len(text) > LONGEST:
            return None
        mask = self._names.mask(text)
        shelf = self._shelves.get(owner)
        if shelf is None:
            shelf = self._new_shelf(owner)
        held = self._alike(shelf, text, mask)
        if held is not None:
            held.looks += 1
        if not shelf.came_before(mask.octets if held is None or held.looks < _LOOKS else _as_it_is(text)):
            return None
        varying = varies(text, mask, reading, self.lexicon)
        if varying is None and mask.name:
            mask = self._names.mask(text, False)
            varying = varies(text, mask, reading, self.lexicon)
        if varying is None:
            return None
        template = self._template(shelf, owner, text, mask, reading)
        known = Known(reading.content, template, varying, varying.free(mask))
        held = shelf.get(mask.octets)
        if held is None:
            held = _Alike()
            shelf.put(mask.octets, held)
        held.add(known)
        return known

    def _alike(self, shelf: _Shelf, text: str, mask: Mask) -> _Alike | None:
        """What is known of texts of a mask, or where nothing is, of those with this very name."""
        held = shelf.get(mask.octets)
        if held is None and mask.name:
            held = shelf.get(self._names.mask(text, False).octets)
        return held

    def read(self, owner: Owner, text: str) -> tuple[Content, Known | None]:
        """What a text says, as a full reading would have it, and what is known of texts like it."""
        known = self.known(owner, text)
        if known is not None:
            return known.content, known
        reading = read_whole(text, self.lexicon)
        return reading.content, self.learn(owner, text, reading)

    def id_of(self, owner: Owner, text: str, content: Content) -> str:
        """The id of the template that a text with this content is of; pure, whether it is known or not."""
        return id_of_shape(owner, self.shape(text, content))

    def shape(self, text: str, content: Content) -> str:
        """The wording of the template that a text with this content is of."""
        text = text[:LONGEST]
        return shape_of(text, self._names.mask(text), content)

    def listed(self, principal: str = "") -> list[Template]:
        """The templates of one principal, or of all, in no order."""
        found: list[Template] = []
        for owner, shelf in self._shelves.items():
            if not principal or owner[0] == principal:
                found += shelf.templates.values()
        return found

    def _new_shelf(self, owner: Owner) -> _Shelf:
        kept = sum([len(shelf.recent) + len(shelf.former) for shelf in self._shelves.values()])
        while self._shelves and (len(self._shelves) >= _OWNERS or kept >= _ALL):
            # WHY the fullest: whoever fills the memory pays for it.
            fullest = max(self._shelves, key=self._fill)
            kept -= self._fill(fullest)
            del self._shelves[fullest]
        shelf = self._shelves[owner] = _Shelf()
        return shelf

    def _fill(self, owner: Owner) -> int:
        shelf = self._shelves[owner]
        return len(shelf.recent) + len(shelf.former) + 1

    def _template(self, shelf: _Shelf, owner: Owner, text: str, mask: Mask, reading: Reading) -> Template:
        content = reading.content
        shape = shape_of(text, mask, content)
        found = shelf.templates.get(shape)
        if found is None:
            if len(shelf.templates) >= _TEMPLATES:
                del shelf.templates[min(shelf.templates, key=lambda held: shelf.templates[held].seen)]
            tells = _tells_of_another(reading, self.lexicon)
            found = shelf.templates[shape] = Template(id_of_shape(owner, shape), owner, shape, content, tells)
        return found


def _tells_of_another(reading: Reading, lexicon: Lexicon) -> bool:
    # WHY without a word of debt, too: "请转告李雷回电" to five contacts names one person.
    content, look = reading.content, reading.look
    collects = content.category == "collection" and speaks_of_another(look.seen, look.concepts, lexicon)
    return collects or content.discloses_debtor


def _as_it_is(text: str) -> bytes:
    # WHY the first octet: no mask begins with it.
    return b"\xfe" + text.encode("utf-8", "surrogatepass")


def id_of_shape(owner: Owner, shape: str) -> str:
    """The id of an owner's template of this wording."""
    return blake2b("\0".join((*owner, shape)).encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()


def shape_of(text: str, mask: Mask, content: Content) -> str:
    """The wording of a text: {name}, {figures}, {link}, {phone} for what differs, so that it holds no digit."""
    pieces: list[str] = []
    spans = sorted(
        [(one.start, one.end, "{link}") for one in content.evidence.get("link", ())]
        + [(one.start, one.end, "{phone}") for one in content.evidence.get("has_contact", ())]
        + ([(mask.start, mask.end, "{name}")] if mask.end else [])
    )
    at = 0
    for start, end, shown in spans:
        if start >= at:
            pieces.append(_FIGURES.sub("{figures}", text[at:start]))
            pieces.append(shown)
            at = end
    pieces.append(_FIGURES.sub("{figures}", text[at:]))
    return "".join(pieces)


def names_alike(known: Known, text: str, names: frozenset[str], lexicon: Lexicon) -> bool:
    """Whether the names that stand in a text stand in every text that is known with it, and no others. Names are bare.

    One that stands outside of all that varies stands in every text; then it does not matter where others do.
    """
    seen = view(text, lexicon.parts)
    bare = seen.bare
    varying = {place for start, end in known.free for place in range(start, end)}
    free = [place in varying for place in seen.bare_at]
    for name in names:
        at = bare.find(name) if name else -1
        while at >= 0:
            if not any(free[at : at + len(name)]):
                return True
            at = bare.find(name, at + 1)
    return not any(_could_stand(name, bare, free) for name in names if name)


def _could_stand(name: str, bare: str, free: list[bool]) -> bool:
    """Whether a name could stand where something may vary: characters there may be any."""
    size = len(name)
    for start in range(len(bare) - size + 1):
        varies_there = False
        for i in range(size):
            if free[start + i]:
                varies_there = True
            elif bare[start + i] != name[i]:
                break
        else:
            if varies_there:
                return True
    return False
