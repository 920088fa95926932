"""The grammar of replies as data: classes of words, and patterns of classes that say what a clause asks for.

Owns the shape of the table `sentences` in `config/optout.toml` and every check on it. Never reads a file, never looks
at a reply.

How it works: a class is one bit. A word is folded like a reply, its atoms joined by a space are a key, and the key's
value is the union of its classes; beginnings of keys stand in a set, so that the longest word is found by look-ups.
"""

import itertools
import math
import re
from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

import msgspec

from proxy.language.folding import FLAG, atoms, fold

#: What a clause can say; "skip" is a clause without a meaning of its own.
Say = Literal["optout", "optin", "help", "none", "skip"]
Named = Literal["sms", "voice", "all"]

#: The bit of a word in no class.
UNKNOWN: Final = 1
_ROLES: Final = (
    "soft",
    "split",
    "noun",
    "kept",
    "keeping",
    "spoiling",
    "own",
    "other",
    "number",
    "against",
    "undone",
    "excuse",
    "wishing",
)
_GAP: Final = 7
#: Spellings that one entry of `sounds` may stand for: a table of two syllables, no dictionary.
_MOST_SPELLINGS: Final = 600
_LATIN: Final = re.compile("[a-z]+")
#: No pattern has more: steps are tried from each word on, so their number bounds the time.
_MOST_STEPS: Final = 4


class GrammarError(ValueError):
    """A table of the grammar is wrong: which, and why."""

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(f"{key}: {reason}")
        self.key = key
        self.reason = reason


class Pattern(msgspec.Struct, frozen=True, gc=False):
    """What one clause looks like that says something; all masks are unions of classes."""

    name: str
    say: Say
    steps: tuple[int, ...] = ()
    """One mask for each step, in order."""
    gap: int = _GAP
    """Words that may stand between two steps."""
    bar: int = 0
    """Classes that must not stand between two steps."""
    every: tuple[int, ...] = ()
    """One mask for each word that stands anywhere in the clause."""
    unless: int = 0
    unless_text: int = 0
    object: int = 0
    """Classes that must not stand from the first step on, unless the clause names one's own messages."""
    beside: tuple[int, ...] = ()
    """One mask for each word that stands anywhere in the reply."""
    alone: bool = False
    """Nothing but soft words beside the steps."""
    last: bool = False
    """Nothing but soft words behind the last step."""
    unknown: int = 1000
    """Words in no class that the clause may have."""
    question: bool | None = None
    whole: bool = False
    """Decides the whole reply, whatever its other clauses say."""
    scope: Named | None = None
    confidence: float = 0.85


class Sieve(msgspec.Struct, frozen=True, gc=False):
    """Which patterns a clause can fit at all, by the classes in it; a set of patterns is an integer, a bit for each."""

    needs: tuple[tuple[int, tuple[int, ...]], ...]
    """For the first, second and third word that a pattern needs: the patterns without one, and by class those whose
    need it meets."""
    bars: tuple[int, ...]
    """By class the patterns that it rules out."""
    text_bars: tuple[int, ...]

    def left(self, mask: int, text: int) -> int:
        """The patterns that a clause of these classes, in a reply of those, may fit."""
        held = _places(mask)
        left = -1
        for met, table in self.needs:
            for place in held:
                met |= table[place]
            left &= met
        for place in held:
            left &= ~self.bars[place]
        for place in held if text == mask else _places(text):
            left &= ~self.text_bars[place]
        return left


def _places(mask: int) -> list[int]:
    places = []
    while mask:
        low = mask & -mask
        places.append(low.bit_length() - 1)
        mask ^= low
    return places


def _sieve(patterns: tuple[Pattern, ...], classes: int) -> Sieve:
    wanted = [(*pattern.steps, *pattern.every) for pattern in patterns]

    def holding(masks: list[int]) -> tuple[int, ...]:
        return tuple(sum(1 << i for i, mask in enumerate(masks) if mask >> place & 1) for place in range(classes + 1))

    needs = []
    for nth in range(3):
        without = sum(1 << i for i, masks in enumerate(wanted) if len(masks) <= nth)
        needs.append((without, holding([masks[nth] if len(masks) > nth else 0 for masks in wanted])))
    bars = holding([pattern.unless for pattern in patterns])
    return Sieve(tuple(needs), bars, holding([pattern.unless_text for pattern in patterns]))


class Grammar(msgspec.Struct, frozen=True):
    """Words and patterns, ready to be matched."""

    words: Mapping[str, int]
    prefixes: frozenset[str]
    patterns: tuple[Pattern, ...]
    sieve: Sieve
    soft: int
    split: int
    noun: int
    kept: int
    keeping: int
    spoiling: int
    own: int
    other: int
    number: int
    against: int
    undone: int
    excuse: int
    wishing: int
    sms: int
    voice: int
    all: int


def load_grammar(data: object) -> Grammar:
    """The grammar that the table `sentences` describes. Raises `GrammarError`."""
    table = _table(data, "sentences", ("classes", "scopes", "roles", "pattern", "sounds"))
    bits: dict[str, int] = {}
    words: dict[str, int] = {}
    for name, listed in _table(table.get("classes"), "sentences.classes", None).items():
        bits[name] = UNKNOWN << (len(bits) + 1)
        for i, word in enumerate(_texts(listed, f"sentences.classes.{name}")):
            key = _key(word)
            if not key:
                raise GrammarError(f"sentences.classes.{name}[{i}]", "nothing is left of it after folding")
            words[key] = words.get(key, 0) | bits[name]
    _hear(table.get("sounds", {}), words)
    scopes = _table(table.get("scopes", {}), "sentences.scopes", get_args(Named))
    roles = _table(table.get("roles", {}), "sentences.roles", _ROLES)
    named = {name: _union(scopes.get(name, []), bits, f"sentences.scopes.{name}") for name in get_args(Named)}
    role = {name: _union(roles.get(name, []), bits, f"sentences.roles.{name}") for name in _ROLES}
    listed = table.get("pattern", [])
    if not isinstance(listed, list):
        raise GrammarError("sentences.pattern", "expected an array of tables")
    patterns = tuple(_pattern(one, bits, f"sentences.pattern[{i}]") for i, one in enumerate(listed))
    prefixes = frozenset(key[:i] for key in words for i, char in enumerate(key) if char == " ")
    return Grammar(words, prefixes, patterns, _sieve(patterns, len(bits)), **role, **named)


def _hear(data: object, words: dict[str, int]) -> None:
    """Adds what sounds or looks like a word: for each of its characters those and the Latin syllable typed instead.

    A spelling that is a word of its own keeps its classes; one that is a word elsewhere is listed under `real`.
    """
    table = _table(data, "sentences.sounds", None)
    real = {_key(word) for word in _texts(table.get("real", []), "sentences.sounds.real")}
    for word, listed in table.items():
        if word == "real":
            continue
        where = f"sentences.sounds.{word}"
        alternatives = _texts(listed, where)
        mask = words.get(_key(word))
        if mask is None:
            raise GrammarError(where, "no class has this word")
        if len(alternatives) != len(word):
            raise GrammarError(where, f"expected one text for each of its {len(word)} characters")
        choices = [
            dict.fromkeys((char, *_LATIN.findall(instead), *_LATIN.sub("", instead).replace(" ", "")))
            for char, instead in zip(word, alternatives, strict=True)
        ]
        if math.prod(len(each) for each in choices) > _MOST_SPELLINGS:
            raise GrammarError(where, f"more than {_MOST_SPELLINGS} spellings")
        for spelling in itertools.product(*choices):
            # WHY: "tuiding" and "tui ding" are both written.
            for joined in {_key("".join(spelling)), _key(" ".join(spelling))}:
                if joined not in real:
                    words.setdefault(joined, mask)


def _key(word: str) -> str:
    """A word as the atoms of a folded reply have it."""
    return " ".join(atom.removeprefix(FLAG) for atom in atoms(fold(word)) if atom not in (",", "?"))


class _Written(msgspec.Struct, forbid_unknown_fields=True):
    """A pattern as the file has it."""

    say: Say
    steps: list[str] = []
    all: list[str] = []
    beside: list[str] = []
    unless: str = ""
    unless_text: str = ""
    object: str = ""
    bar: str = ""
    gap: int = _GAP
    alone: bool = False
    last: bool = False
    unknown: int = 1000
    question: bool | None = None
    whole: bool = False
    scope: Named | None = None
    confidence: float = 0.85


def _pattern(one: object, bits: Mapping[str, int], where: str) -> Pattern:
    try:
        raw = msgspec.convert(one, _Written)
    except msgspec.ValidationError as error:
        raise GrammarError(where, str(error)) from error
    if not (raw.steps or raw.all) or len(raw.steps) > _MOST_STEPS:
        raise GrammarError(where, f"expected `all`, or 1 to {_MOST_STEPS} `steps`")
    if not 0 <= raw.gap <= 12 or not 0 < raw.confidence <= 1:
        raise GrammarError(where, "expected a gap of 0 to 12 and a confidence above 0 and up to 1")

    def masks(alternatives: list[str], key: str) -> tuple[int, ...]:
        return tuple(_union(each.split("|"), bits, f"{where}.{key}") for each in alternatives)

    def mask(alternatives: str, key: str) -> int:
        return _union(alternatives.split("|"), bits, f"{where}.{key}") if alternatives else 0

    return Pattern(
        f"{' '.join(raw.steps)}{' + ' if raw.steps and raw.all else ''}{' '.join(raw.all)}",
        raw.say,
        masks(raw.steps, "steps"),
        raw.gap,
        mask(raw.bar, "bar"),
        masks(raw.all, "all"),
        mask(raw.unless, "unless"),
        mask(raw.unless_text, "unless_text"),
        mask(raw.object, "object"),
        masks(raw.beside, "beside"),
        raw.alone,
        raw.last,
        raw.unknown,
        raw.question,
        raw.whole,
        raw.scope,
        raw.confidence,
    )


def _union(names: object, bits: Mapping[str, int], where: str) -> int:
    union = 0
    for name in _texts(names, where):
        if name not in bits:
            raise GrammarError(where, f"no class {name!r}")
        union |= bits[name]
    return union


def _table(data: object, where: str, keys: tuple[str, ...] | None) -> Mapping[str, Any]:
    if not isinstance(data, Mapping):
        raise GrammarError(where, "expected a table")
    for key in data:
        if keys is not None and key not in keys:
            raise GrammarError(f"{where}.{key}", f"unknown key, expected one of {', '.join(keys)}")
    return data


def _texts(values: object, where: str) -> list[str]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise GrammarError(where, "expected an array of strings")
    return values
