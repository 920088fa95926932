"""The words of messages and what follows from them, as data that is ready to be looked up.

Owns the shape of `config/content.toml` and every check on it. Never reads a file, never looks at a message.

How it works: phrases are brought to the bare view (`proxy.language.views`), their spellings by sound are added, and a
dictionary leads from the first three characters to the lengths of phrases that begin with them. Sieves in front of it
turn away nearly all that begins nothing, so finding all phrases of a text takes one look into a table for each
character and a few look-ups for each phrase, however many phrases there are. Concepts are bits, rules are masks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from types import MappingProxyType
from typing import Any, Final

import msgspec

from proxy.core.content import CATEGORIES, Category
from proxy.language.links import LinkWords, link_words
from proxy.language.ngrams import NO_MODEL, Model
from proxy.language.views import Parts, view

#: Concepts that are found by form, not by phrase.
FORMS: Final = frozenset(
    ("@url", "@phone", "@percent", "@amount", "@code", "@han", "@product", "@refusal", "@identity")
)
#: Concepts that set aside what stands beside them: see `proxy.language.scope`.
OPENING: Final = ("warn_of", "warn_not", "heed", "pose", "pretext", "scam_is", "ended_refusal", "no_more")
#: Concepts of which a clause gives notice.
_NOTICES: Final = ("service", "due_soon", "not_overdue", "notice_change", "code_word", "keep_secret", "code_purpose")
#: Concepts of which one stands in most that markets.
_SIGNS: Final = ("sell", "sell_weak", "@percent", "@refusal", "@product", "@amount")
_IDENTITY: Final = ("suffixes", "kinds_before", "not_names", "neutral", "suffixes_en", "not_names_en")
_PRODUCT: Final = ("kinds", "not_kinds")
#: Stands for a digit that may be any. INVARIANT: no bare view holds it, which keeps letters and figures only.
ANY_DIGIT: Final = "\0"


class LexiconError(ValueError):
    """The table is wrong: the message names the source, the key and the reason."""

    def __init__(self, source: str, key: str, reason: str) -> None:
        super().__init__(f"{source}: {key}: {reason}")


class Found:
    """A phrase in the bare view; `mask` holds the bits of its concepts."""

    __slots__ = ("concepts", "end", "mask", "start")

    def __init__(self, start: int, end: int, concepts: tuple[str, ...], mask: int) -> None:
        self.start: Final = start
        self.end: Final = end
        self.concepts: Final = concepts
        self.mask: Final = mask


class Rule(msgspec.Struct, frozen=True):
    """What follows where certain concepts stand together."""

    category: Category
    weight: float
    all: frozenset[str]
    any: frozenset[str]
    none: frozenset[str]


class Weight:
    """A rule as it is weighed: bits of concepts instead of their names; `category` is a place in `CATEGORIES`."""

    __slots__ = ("all", "any", "category", "none", "weight")

    def __init__(self, category: int, weight: float, all_: int, any_: int, none: int) -> None:
        self.category: Final = category
        self.weight: Final = weight
        self.all: Final = all_
        self.any: Final = any_
        self.none: Final = none


class Lexicon(msgspec.Struct, frozen=True):
    """Everything a message is compared with. Immutable; swap the reference to change it."""

    phrases: dict[str, tuple[str, ...]]
    """Bare phrase → its concepts."""
    lengths: dict[str, tuple[int, ...]]
    """First three characters → lengths of phrases that are longer than two, longest first."""
    short: frozenset[str]
    """Latin spellings by sound: they count only beside a Han character."""
    rules: tuple[Rule, ...]
    parts: Parts
    identity: Mapping[str, tuple[str, ...]]
    neutral: Mapping[str, tuple[int, ...]]
    """First character → lengths of words that name nobody, longest first; see `is_neutral`."""
    neutral_words: frozenset[str]
    model: Model
    bits: dict[str, int]
    """Concept → its bit."""
    masks: dict[str, int]
    """Bare phrase → the bits of its concepts."""
    pairs: bytes
    """Hash of two characters → 1: they are a phrase, 2: a longer one begins so. Others may share a hash with them."""
    threes: bytes
    """Hash of three characters → 1: a phrase begins so."""
    weights: tuple[Weight, ...]
    """The rules, in their order."""
    figured: dict[str, re.Pattern[str]]
    """Phrases with digits in them → what finds where they stand, if each `ANY_DIGIT` may be any digit."""
    links: LinkWords
    opening: int
    """The bits of `OPENING`: a text without any of them sets nothing aside."""
    signs: int
    """The bits of what a text that markets has one of."""
    notices: int
    """The bits of what a clause gives notice of."""


def _pair_hash(first: int, second: int) -> int:
    """A place in a sieve of 65,536 for two code points; with it for `first`, one for three."""
    return (first * 40_503 + second) & 0xFFFF


def find(bare: str, lexicon: Lexicon) -> list[Found]:
    """The phrases of a text in their order; a phrase within a longer one is left out. Linear."""
    pairs, threes, lengths, masks = lexicon.pairs, lexicon.threes, lexicon.lengths, lexicon.masks
    found: list[Found] = []
    covered = 0
    size = len(bare)
    code = ord(bare[0]) if size else 0
    for i in range(size - 1):
        first, code = code, ord(bare[i + 1])
        place = (first * 40_503 + code) & 0xFFFF
        begun = pairs[place]
        if not begun:
            continue
        if begun & 2 and i + 2 < size and threes[(place * 40_503 + ord(bare[i + 2])) & 0xFFFF]:
            known = lengths.get(bare[i : i + 3])
            if known is not None:
                one = _longest(bare, i, known, covered, lexicon)
                if one is not None:
                    found.append(one)
                    covered = one.end
                    continue
        if begun & 1 and i + 2 > covered:
            phrase = bare[i : i + 2]
            mask = masks.get(phrase)
            if mask is not None and _counts(bare, i, i + 2, phrase, lexicon):
                found.append(Found(i, i + 2, lexicon.phrases[phrase], mask))
                covered = i + 2
    return found


def _longest(bare: str, start: int, lengths: tuple[int, ...], covered: int, lexicon: Lexicon) -> Found | None:
    """The longest phrase at a place that goes beyond what is covered."""
    masks, size = lexicon.masks, len(bare)
    for length in lengths:
        end = start + length
        if end <= covered:
            return None
        if end > size:
            continue
        phrase = bare[start:end]
        mask = masks.get(phrase)
        if mask is not None and _counts(bare, start, end, phrase, lexicon):
            return Found(start, end, lexicon.phrases[phrase], mask)
    return None


def _counts(bare: str, start: int, end: int, phrase: str, lexicon: Lexicon) -> bool:
    """Whether a phrase counts where it stands: no part of a Latin word, and no spelling by sound among Latin ones."""
    if ord(phrase[0]) >= 0x80 and ord(phrase[-1]) >= 0x80:
        return True
    return _stands(bare, start, end) and (phrase not in lexicon.short or _beside_han(bare, start, end))


def _beside_han(bare: str, start: int, end: int) -> bool:
    """Whether Han stands beside a spelling by sound; from three letters on it may be behind figures or a comma."""
    reach = 1 if end - start < 3 else 12
    return any(char > "\x7f" for char in bare[max(0, start - reach) : start] + bare[end : end + reach])


def _stands(bare: str, start: int, end: int) -> bool:
    """Whether a phrase does not begin or end within a Latin word or a figure."""
    first, last = bare[start], bare[end - 1]
    if first <= "\x7f" and start and bare[start - 1] <= "\x7f" and bare[start - 1].isalpha() and first.isalpha():
        return False
    if last <= "\x7f" and end < len(bare) and last.isalpha():
        after = bare[end]
        return not (after <= "\x7f" and after.isalpha())
    return True


def is_neutral(name: str, lexicon: Lexicon) -> bool:
    """Whether a bare name consists of neutral words alone."""
    reached = {0}
    for i in range(len(name)):
        if i not in reached:
            continue
        if name[i] in " ,%$0123456789":
            reached.add(i + 1)
        for length in lexicon.neutral.get(name[i], ()):
            if name[i : i + length] in lexicon.neutral_words:
                reached.add(i + length)
    return len(name) in reached


def load_lexicon(data: Mapping[str, Any], source: str = "content", model: Model = NO_MODEL) -> Lexicon:
    """Builds and checks a lexicon from parsed TOML; without a model, rules alone decide. Raises `LexiconError`."""
    for key in data:
        if key not in ("version", "concepts", "sounds", "parts", "rules", "identity", "product", "links"):
            raise LexiconError(source, str(key), "unknown key")
    parts = _parts(data.get("parts", {}), source)
    sounds = _sounds(data.get("sounds", {}), source, parts)
    words = dict(_lists(data.get("concepts", {}), source, "concepts"))
    products = dict(_lists(data.get("product", {}), source, "product"))
    identity = dict(_lists(data.get("identity", {}), source, "identity"))
    for name, needed, held in (("identity", _IDENTITY, identity), ("product", _PRODUCT, products)):
        if set(held) != set(needed):
            raise LexiconError(source, name, f"expected the keys {', '.join(needed)}")
    words["product_kind"] = products["kinds"]
    words["no_product"] = products["not_kinds"]
    phrases: dict[str, set[str]] = {}
    short: set[str] = set()
    for concept, listed in words.items():
        for text in listed:
            bare = view(text, parts).bare.strip(",")
            if len(bare) < 2:
                raise LexiconError(source, concept, f"{text!r}: fewer than two characters are left after folding")
            phrases.setdefault(bare, set()).add(concept)
            for spelt in _spellings(bare, sounds):
                phrases.setdefault(spelt, set()).add(concept)
                if spelt.isascii():
                    short.add(spelt)
    # WHY: a longer phrase covers the product within it.
    kinds = [kind for kind in (view(text, parts).bare for text in products["kinds"]) if not kind.isascii()]
    kinds_from: dict[str, list[str]] = {}
    for kind in kinds:
        kinds_from.setdefault(kind[0], []).append(kind)
    for phrase, meant in phrases.items():
        if "no_product" not in meant and _holds_one(phrase, kinds_from):
            meant.add("product_kind")
    lengths: dict[str, set[int]] = {}
    for phrase in phrases:
        if len(phrase) > 2:
            lengths.setdefault(phrase[:3], set()).add(len(phrase))
    bits = {concept: 1 << place for place, concept in enumerate(sorted([*FORMS, *words]))}
    rules = tuple(_rules(data.get("rules", []), source, frozenset(words)))
    pairs, threes = _sieves(phrases)
    neutral_words = frozenset(view(word, parts).bare for word in identity["neutral"])
    neutral: dict[str, set[int]] = {}
    for word in neutral_words:
        neutral.setdefault(word[0], set()).add(len(word))
    return Lexicon(
        # WHY no read-only view of these two: it would double the cost of a look-up, one for each character.
        {phrase: tuple(sorted(held)) for phrase, held in phrases.items()},
        {key: tuple(sorted(held, reverse=True)) for key, held in lengths.items()},
        frozenset(short),
        rules,
        parts,
        MappingProxyType({key: tuple(view(word, parts).bare for word in held) for key, held in identity.items()}),
        MappingProxyType({key: tuple(sorted(held, reverse=True)) for key, held in neutral.items()}),
        neutral_words,
        model,
        bits,
        {phrase: _mask(held, bits) for phrase, held in phrases.items()},
        pairs,
        threes,
        tuple(
            Weight(
                CATEGORIES.index(rule.category),
                rule.weight,
                *(_mask(concepts, bits) for concepts in (rule.all, rule.any, rule.none)),
            )
            for rule in rules
        ),
        {phrase: _arising(phrase) for phrase in phrases if any(char.isdigit() for char in phrase)},
        _links(data.get("links", {}), source),
        *(_mask([name for name in names if name in bits], bits) for names in (OPENING, _SIGNS, _NOTICES)),
    )


def _holds_one(phrase: str, words_from: Mapping[str, list[str]]) -> bool:
    """Whether one of these words is part of a phrase. WHY by first characters: most phrases have none of them."""
    return any(phrase.startswith(word, i) for i, char in enumerate(phrase) for word in words_from.get(char, ()))


def _sieves(phrases: Iterable[str]) -> tuple[bytes, bytes]:
    pairs, threes = bytearray(0x10000), bytearray(0x10000)
    for phrase in phrases:
        place = _pair_hash(ord(phrase[0]), ord(phrase[1]))
        pairs[place] |= 1 if len(phrase) == 2 else 2
        if len(phrase) > 2:
            threes[_pair_hash(place, ord(phrase[2]))] = 1
    return bytes(pairs), bytes(threes)


def _arising(phrase: str) -> re.Pattern[str]:
    # WHY ahead: a phrase may begin within itself.
    shapes = [f"[{char}{ANY_DIGIT}]" if char.isdigit() else re.escape(char) for char in phrase]
    return re.compile(f"(?={''.join(shapes)})")


def _mask(concepts: Iterable[str], bits: Mapping[str, int]) -> int:
    mask = 0
    for concept in concepts:
        mask |= bits[concept]
    return mask


def _links(table: object, source: str) -> LinkWords:
    lists = dict(_lists(table, source, "links"))
    for name, domains in lists.items():
        if name not in ("short", "suffixes"):
            raise LexiconError(source, f"links.{name}", "unknown key")
        for domain in domains:
            if not domain.isascii() or domain != domain.lower() or "." not in domain.strip("."):
                raise LexiconError(source, f"links.{name}", f"{domain!r}: expected a domain of two labels or more")
    return link_words(lists)


def _lists(table: object, source: str, where: str) -> Iterator[tuple[str, list[str]]]:
    if not isinstance(table, Mapping):
        raise LexiconError(source, where, "expected a table")
    for name, listed in table.items():
        if not isinstance(listed, list) or not all(isinstance(text, str) for text in listed):
            raise LexiconError(source, f"{where}.{name}", "expected an array of strings")
        yield name, listed


def _parts(table: object, source: str) -> Parts:
    if not isinstance(table, Mapping):
        raise LexiconError(source, "parts", "expected a table")
    found: dict[str, list[tuple[str, str]]] = {}
    for whole, pieces in table.items():
        if not isinstance(pieces, str) or len(pieces) < 2:
            raise LexiconError(source, f"parts.{whole}", "expected a string of two or more characters")
        found.setdefault(pieces[-1], []).append((pieces[:-1], whole))
    return {last: tuple(sorted(pairs, key=lambda pair: -len(pair[0]))) for last, pairs in found.items()}


def _sounds(table: object, source: str, parts: Parts) -> dict[str, tuple[str, ...]]:
    """Word → all its spellings by sound: the listed ones, the initials, and each mixture of Han and syllables."""
    spellings: dict[str, tuple[str, ...]] = {}
    for word, listed in _lists(table, source, "sounds"):
        found: set[str] = set()
        for text in listed:
            syllables = text.split()
            if len(syllables) > 1 and text.isascii():
                if len(syllables) != len(word):
                    raise LexiconError(source, f"sounds.{word}", "expected one syllable for each character")
                pairs = [(han, syllable, syllable[0]) for han, syllable in zip(word, syllables, strict=True)]
                found.update("".join(mix) for mix in product(*pairs))
            else:
                found.add(view(text, parts).bare)
        spellings[word] = tuple(sorted(found - {word}))
    return spellings


def _spellings(bare: str, sounds: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    for word, spelt in sounds.items():
        if word in bare:
            for other in spelt:
                yield bare.replace(word, other, 1)


def _rules(table: object, source: str, concepts: frozenset[str]) -> Iterator[Rule]:
    if not isinstance(table, list):
        raise LexiconError(source, "rules", "expected an array of tables")
    for i, row in enumerate(table):
        where = f"rules[{i}]"
        if not isinstance(row, Mapping) or set(row) - {"category", "weight", "all", "any", "none"}:
            raise LexiconError(source, where, "expected a table of category, weight, all, any, none")
        sets = dict(_lists({key: row.get(key, []) for key in ("all", "any", "none")}, source, where))
        for name in {name for listed in sets.values() for name in listed} - concepts - FORMS:
            raise LexiconError(source, where, f"unknown concept {name!r}")
        weight = row.get("weight")
        if row.get("category") not in CATEGORIES or isinstance(weight, bool) or not isinstance(weight, int | float):
            raise LexiconError(source, where, "expected a category and a weight")
        yield Rule(row["category"], float(weight), *(frozenset(sets[key]) for key in ("all", "any", "none")))
