"""The words of refusal, of consent given again and of asking for help, as data that is ready to be looked up.

Owns the shape of `config/optout.toml` and every check on it. Never reads a file, never looks at a reply.

How it works: each phrase is folded exactly like a reply and split into atoms; the atoms joined by a space are the key
of one dictionary, and every beginning of a key stands in a set, so that a reply is matched by dictionary look-ups only.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import msgspec

from proxy.language.folding import FLAG, atoms, fold, squeezed
from proxy.language.grammar import Grammar, GrammarError, load_grammar

Label = Literal["optout", "optin", "help", "none"]
Scope = Literal["sms", "voice", "all"]
Kind = Literal["word", "letter", "digits"]
#: What a filler does beside a keyword: see docs/manual/optout.md.
Role = Literal["polite", "sign_off", "particle", "ask", "instruction", "link"]

_LABELS: Final[tuple[Label, ...]] = get_args(Label)
_ROLES: Final[tuple[Role, ...]] = get_args(Role)
_FIELDS: Final = frozenset(("words", "kind", "scope", "confidence", "stretch", "lang"))
_CONFIDENCE: Final[Mapping[Kind, float]] = {"word": 1.0, "letter": 0.95, "digits": 0.9}


class VocabularyError(ValueError):
    """The vocabulary is wrong: the message names the source, the key and the reason."""

    def __init__(self, source: str, key: str, reason: str) -> None:
        super().__init__(f"{source}: {key}: {reason}")
        self.source = source
        self.key = key
        self.reason = reason


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A phrase that says what a person wants."""

    text: str
    """As the vocabulary writes it."""
    label: Label
    scope: Scope | None = None
    """What it names; None where it names nothing."""
    kind: Kind = "word"
    """`letter` and `digits` count only as the whole reply; `word` also in a row with other entries."""
    confidence: float = 1.0


class Filler(msgspec.Struct, frozen=True, gc=False):
    """A phrase that may stand beside a keyword and changes nothing."""

    text: str
    role: Role


class Stretched(msgspec.Struct, frozen=True):
    """A keyword whose letters may be held down: "stooop"."""

    key: str
    runs: tuple[int, ...]
    """How often each letter stands at least."""


class Vocabulary(msgspec.Struct, frozen=True):
    """Everything a reply is compared with. Immutable; swap the reference to change it."""

    items: Mapping[str, Entry | Filler]
    """Atoms joined by a space → what they are."""
    atoms: frozenset[str]
    """Every atom of every key: a reply with another one in it cannot be covered."""
    prefixes: frozenset[str]
    """Every proper beginning of a key that has more than one atom."""
    stretched: Mapping[str, Stretched]
    """A word without doubled letters → the word it may be."""
    footers: tuple[str, ...]
    """Folded beginnings of what a telephone puts under a reply."""
    grammar: Grammar | None = None
    """What sentences say; None where the vocabulary has no table `sentences`."""


def key_of(phrase: str) -> str:
    """The key under which a phrase is looked up; empty if folding leaves nothing of it."""
    return " ".join(a.removeprefix(FLAG) for a in atoms(fold(phrase)) if a not in (",", "?"))


def load_vocabulary(data: Mapping[str, Any], source: str = "optout.toml") -> Vocabulary:
    """The vocabulary that a parsed TOML document describes.

    Raises `VocabularyError` on an unknown key, a value of the wrong type, a phrase that folding leaves empty, and a
    phrase that would mean two things.
    """
    known = {"version", "fillers", "footers", "sentences", *_LABELS}
    for name in data:
        if name not in known:
            raise VocabularyError(source, name, f"unknown key, expected one of {', '.join(sorted(known))}")
    if data.get("version") != 1:
        raise VocabularyError(source, "version", "expected 1")
    items: dict[str, Entry | Filler] = {}
    stretched: dict[str, Stretched] = {}
    for key, where, item, stretch in [*_entries(data, source), *_fillers(data, source)]:
        earlier = items.setdefault(key, item)
        if _sense(earlier) != _sense(item):
            raise VocabularyError(
                source, where, f"{item.text!r} reads like {earlier.text!r}, which means something else"
            )
        if stretch and " " not in key and key.isascii() and key.isalpha():
            bare, runs = squeezed(key)
            rival = stretched.setdefault(bare, Stretched(key, runs))
            if _sense(items[rival.key]) != _sense(item):
                raise VocabularyError(
                    source, where, f"held down, {item.text!r} reads like {items[rival.key].text!r}; set stretch = false"
                )
            # WHY: of "stop" and "stopp" the one with the shorter runs takes in more.
            if sum(runs) < sum(rival.runs):
                stretched[bare] = Stretched(key, runs)
    if not any(isinstance(item, Entry) and item.label == "optout" for item in items.values()):
        raise VocabularyError(source, "optout", "no phrase of refusal at all")
    prefixes = frozenset(key[:i] for key in items for i, char in enumerate(key) if char == " ")
    single = frozenset(atom for key in items for atom in key.split(" "))
    footers = tuple(fold(text) for _, text, _ in _strings(data.get("footers", []), source, "footers"))
    try:
        grammar = load_grammar(data["sentences"]) if "sentences" in data else None
    except GrammarError as error:
        raise VocabularyError(source, error.key, error.reason) from error
    return Vocabulary(MappingProxyType(items), single, prefixes, MappingProxyType(stretched), footers, grammar)


def _sense(item: Entry | Filler) -> tuple[object, ...]:
    return (item.role,) if isinstance(item, Filler) else (item.label, item.scope, item.kind)


def _entries(data: Mapping[str, Any], source: str) -> Iterator[tuple[str, str, Entry | Filler, bool]]:
    for label in _LABELS:
        groups = data.get(label, [])
        if not isinstance(groups, list):
            raise VocabularyError(source, label, "expected an array of tables")
        for i, group in enumerate(groups):
            where = f"{label}[{i}]"
            if not isinstance(group, Mapping):
                raise VocabularyError(source, where, "expected a table")
            for name in group:
                if name not in _FIELDS:
                    expected = ", ".join(sorted(_FIELDS))
                    raise VocabularyError(source, f"{where}.{name}", f"unknown key, expected one of {expected}")
            kind = group.get("kind", "word")
            if kind not in get_args(Kind):
                raise VocabularyError(source, f"{where}.kind", f"expected one of {', '.join(get_args(Kind))}")
            scope = group.get("scope")
            if scope is not None and (scope not in get_args(Scope) or label in ("help", "none")):
                raise VocabularyError(
                    source, f"{where}.scope", "expected sms, voice or all, and only for optout and optin"
                )
            confidence = group.get("confidence", _CONFIDENCE[kind])
            if isinstance(confidence, bool) or not isinstance(confidence, int | float) or not 0 < confidence <= 1:
                raise VocabularyError(source, f"{where}.confidence", "expected a number above 0 and up to 1")
            stretch = group.get("stretch", kind == "word")
            if not isinstance(stretch, bool):
                raise VocabularyError(source, f"{where}.stretch", "expected true or false")
            for at, text, key in _strings(group.get("words"), source, f"{where}.words"):
                yield key, at, Entry(text, label, scope, kind, float(confidence)), stretch


def _fillers(data: Mapping[str, Any], source: str) -> Iterator[tuple[str, str, Entry | Filler, bool]]:
    fillers = data.get("fillers", {})
    if not isinstance(fillers, Mapping):
        raise VocabularyError(source, "fillers", "expected a table")
    for role in fillers:
        if role not in _ROLES:
            raise VocabularyError(source, f"fillers.{role}", f"unknown key, expected one of {', '.join(_ROLES)}")
    for role in _ROLES:
        for at, text, key in _strings(fillers.get(role, []), source, f"fillers.{role}"):
            yield key, at, Filler(text, role), role in ("polite", "sign_off")


def _strings(values: object, source: str, where: str) -> Iterator[tuple[str, str, str]]:
    """Where each stands, the text, and its key."""
    if not isinstance(values, list):
        raise VocabularyError(source, where, "expected an array of strings")
    for i, value in enumerate(values):
        if not isinstance(value, str):
            raise VocabularyError(source, f"{where}[{i}]", "expected a string")
        key = key_of(value)
        if not key:
            raise VocabularyError(source, f"{where}[{i}]", "nothing is left of it after folding")
        yield f"{where}[{i}]", value, key
