"""Reads what a person wrote back: a refusal, a wish to receive again, a question, or none of these.

Owns the decision about one reply. Never touches a file, a clock or the network, never raises on any `str`, and never
takes letters inside a word or a sentence for a keyword.

How it works: what the reply quotes of the sender is taken out; the rest is folded and split into atoms. Dictionary
look-ups cover it from the left with keywords and fillers; a reply that they cover from end to end is decided by them
(the whole-reply rule). Any other is read as sentences, by the grammar of the vocabulary. The time is linear in the
length.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from proxy.language.folding import FLAG, atoms, fold, squeezed
from proxy.language.instructions import offered_keyword
from proxy.language.pictures import spoken
from proxy.language.quotation import own_words, signed
from proxy.language.sentences import CONTRADICTORY, read_sentences, refuses
from proxy.language.vocabulary import (
    Entry,
    Filler,
    Label,
    Role,
    Scope,
    Vocabulary,
    VocabularyError,
    key_of,
    load_vocabulary,
)

__all__ = ["READ_LIMIT", "Label", "Reading", "Scope", "Vocabulary", "VocabularyError", "load_vocabulary", "parse"]

#: Characters of a reply that are read. A longer one (some 15 parts of a message) is no keyword, and must not hold the
#: loop: it reads as none with confidence 0.
READ_LIMIT: Final = 1024
#: Characters that a telephone's footer may have after the phrase that it begins with.
_FOOTER_TAIL: Final = 40
#: No keyword is longer than that, however long its letters are held down.
_LONGEST_WORD: Final = 48
#: Keywords of a number that are looked at: more than a sender can sensibly offer.
_OFFERED_LIMIT: Final = 16
#: Confidence below which careful readers may differ.
_SURE: Final = 0.7
#: A hyphen inside a word.
_JOINING: Final = re.compile(r"(?<=\w)[-_](?=\w)")
#: From so many times on the same letter, spelt, is said again and again.
_INSISTING: Final = 3
#: An atom that no vocabulary has.
_UNREADABLE: Final = "\x00"

_Item = Entry | Filler


class Reading(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a reply says."""

    label: Label
    scope: Scope | None
    """What an opt-out or opt-in names; None for help and none."""
    matched: str | None
    """The vocabulary's own spelling of the entry that decided; of a sentence, the folded words that did."""
    confidence: float
    """0 to 1: how sure the label is. 1 is a keyword alone, below 0.7 careful readers may differ."""
    keeps: Literal["sms", "voice"] | None = None
    """The channel that a refusal of the other expressly keeps ("text me, don't call")."""


class _Offered(msgspec.Struct, frozen=True, gc=False):
    """The keywords of one number, ready to be looked up."""

    entries: Mapping[str, Entry]
    atoms: frozenset[str]


_NOTHING_OFFERED: Final = _Offered({}, frozenset())
_EMPTY: Final = Reading("none", None, None, 1.0)
_UNREAD: Final = Reading("none", None, None, 0.0)
_UNKNOWN: Final = Reading("none", None, None, 0.5)
#: A letter where a bare letter is no keyword.
_NO_KEYWORD: Final = Reading("none", None, None, 0.5)
_QUOTED: Final = Reading("none", None, None, 0.8)
_CONTRADICTION: Final = Reading("none", None, None, 0.3)
#: A wish to receive that is asked about, or stands beside a question.
_ASKED: Final = Reading("none", None, None, 0.4)


def parse(text: str, vocabulary: Vocabulary, offered: Sequence[str] = (), message: str | None = None) -> Reading:
    """What the person who wrote this text asked for.

    `offered` holds the refusal keywords that the number itself offered to this person ("Y", "88"): as the whole reply
    each is a refusal, whatever it says elsewhere. `message` is the text that is answered, where it is known: what the
    reply repeats of it is not the person's own, and the keyword that it offers counts as offered.
    """
    if len(text) > READ_LIMIT:
        text = text.strip()
        if len(text) > READ_LIMIT:
            return _UNREAD
    if message is not None:
        message = message[:READ_LIMIT]
        keyword = offered_keyword(message)
        if keyword is not None:
            offered = (*offered, keyword)
    own = own_words(text, message)
    if own is not None:
        if not own:
            return _QUOTED
        text = own
    read = _read(text, vocabulary, offered)
    if read.label == "optin" and signed(text):
        return _ASKED  # WHY: what a sender confirms is no wish; a false one restarts messages without consent.
    written = spoken(text)
    if written is not None:
        # WHY only a refusal: a picture beside words decorates them as often as it says something.
        drawn = _read(written, vocabulary, ())
        if read.label == "optin" != drawn.label:
            return _CONTRADICTION
        if drawn.label == "optout" and read.label in ("none", "optout"):
            return drawn
    return read


def _read(text: str, vocabulary: Vocabulary, offered: Sequence[str]) -> Reading:
    """What a person's own words say."""
    whole = fold(text)
    folded = _without_footer(whole, vocabulary.footers)
    if not folded:
        return _EMPTY
    read = _own(text, folded, vocabulary, offered)
    if folded != whole and read.label != "optout":
        # WHY: words of one's own may stand behind what the telephone wrote.
        footer = whole[len(folded) :]
        behind = _own(footer, footer, vocabulary, ())
        if behind.label == "optout":
            return behind
        if read.label == "optin" and vocabulary.grammar and refuses(atoms(footer), vocabulary.grammar):
            return _CONTRADICTION
    return read


def _own(text: str, folded: str, vocabulary: Vocabulary, offered: Sequence[str]) -> Reading:
    """What a text without footers says, and its folded form."""
    extra = _offered(offered) if offered else _NOTHING_OFFERED
    pieces = atoms(folded)
    found = _words(pieces, vocabulary, extra)
    if found is None:
        return _sentences(text, pieces, vocabulary)
    if not found.atoms:
        return _EMPTY
    items = _whole_reply(found.atoms, vocabulary, extra.entries)
    if items is None:
        return _sentences(text, pieces, vocabulary)
    read = _decided(items, certainty=0.85 if found.stretched else 1.0, question="?" in folded)
    # WHY: a letter that stands among fillers ("退了吧") may still be a word of the grammar.
    if read is _NO_KEYWORD:
        return _sentences(text, pieces, vocabulary)
    if read.scope == "all" and len({item.scope for item in items if isinstance(item, Entry) and item.scope}) > 1:
        # WHY: of "delete my number, stop texting" the grammar knows that the number is what is texted to.
        said = _sentences(text, pieces, vocabulary)
        return msgspec.structs.replace(read, scope=said.scope) if said.label == read.label else read
    return read


def _sentences(text: str, pieces: list[str], vocabulary: Vocabulary) -> Reading:
    """What a reply says that keywords do not cover."""
    if vocabulary.grammar is None:
        return _UNKNOWN
    if _JOINING.search(text) is not None:
        # WHY: to folding a hyphen separates ("T-D"); in a sentence it joins ("laissez-moi", "opt-out").
        pieces = atoms(_without_footer(fold(_JOINING.sub(" ", text)), vocabulary.footers))
    said = read_sentences(pieces, vocabulary.grammar)
    if said is None or said.say == "skip":
        return _UNKNOWN
    if said is CONTRADICTORY:
        return _CONTRADICTION
    if said.say == "none":
        return Reading("none", None, None, 0.8)
    return Reading(said.say, said.scope, said.matched, said.confidence, said.keeps)


def _without_footer(folded: str, footers: Sequence[str]) -> str:
    for footer in footers:
        at = folded.find(footer)
        if at > 0 and len(folded) - at - len(footer) <= _FOOTER_TAIL:
            before = folded[at - 1]
            # INVARIANT: a footer begins a line or a word, never the middle of one.
            if before in " ,?" or not (before.isascii() and footer[0].isascii()):
                return folded[:at].rstrip(" ,")
    return folded


class _Words(msgspec.Struct, frozen=True, gc=False):
    atoms: list[str]
    stretched: bool


def _words(found: list[str], vocabulary: Vocabulary, offered: _Offered) -> _Words | None:
    """Joins spelt letters ("t.d"), undoes held-down ones ("stooop"), drops separators and flags.

    None as soon as an atom belongs to no phrase: then nothing can cover the reply.
    """
    known = vocabulary.atoms
    words: list[str] = []
    stretched = False
    i, n = 0, len(found)
    while i < n:
        atom = found[i]
        i += 1
        if atom in known and (len(atom) > 1 or not atom.isascii()):
            words.append(atom)
            continue
        if atom in (",", "?"):
            continue
        if atom[0] == FLAG:
            atom = atom[1:]
            if len(atom) != 1 and atom not in vocabulary.items and atom not in offered.atoms:
                continue
        if len(atom) == 1 and atom.isascii() and atom.isalnum():
            atom, i = _spelt(found, i, atom)
        if atom not in known and atom not in offered.atoms:
            held = _held_down(atom, vocabulary)
            if held is None:
                return None
            atom, stretched = held, True
        words.append(atom)
    return _Words(words, stretched)


def _spelt(found: list[str], i: int, first: str) -> tuple[str, int]:
    """The word that single letters spell from `first` on, and the index after it.

    Digits are joined across spaces only: "0,00" is an amount. The same letter twice with something in between is a
    crying face ("T_T"), no word; three times ("Q Q Q") it is that letter, said three times.
    """
    letters = [first]
    separated = gap = False
    for at in range(i, len(found)):
        atom = found[at].removeprefix(FLAG)
        if atom == ",":
            gap = True
            continue
        if len(atom) != 1 or not (atom.isascii() and atom.isalnum()) or atom.isdigit() != first.isdigit():
            break
        separated, gap = separated or gap, False
        letters.append(atom)
        i = at + 1
    if len(letters) == 1:
        return first, i
    if len(set(letters)) == 1 and len(letters) >= _INSISTING and first.isalpha():
        return first, i
    if separated and (first.isdigit() or len(set(letters)) == 1):
        return _UNREADABLE, i
    return "".join(letters), i


def _held_down(atom: str, vocabulary: Vocabulary) -> str | None:
    if not (1 < len(atom) <= _LONGEST_WORD and atom.isascii() and atom.isalpha()):
        return None
    bare, runs = squeezed(atom)
    word = vocabulary.stretched.get(bare)
    if word is None or any(run < least for run, least in zip(runs, word.runs, strict=True)):
        return None
    return word.key


def _offered(offered: Sequence[str]) -> _Offered:
    keys = ((key_of(word), word) for word in offered[:_OFFERED_LIMIT])
    entries = {key: Entry(word, "optout", None, "letter", 0.95) for key, word in keys if key}
    return _Offered(entries, frozenset(atom for key in entries for atom in key.split(" ")))


def _whole_reply(words: list[str], vocabulary: Vocabulary, offered: Mapping[str, Entry]) -> list[_Item] | None:
    """The keywords and fillers that cover the reply without a gap, None if none do. Linear: a phrase has few atoms."""
    if offered:
        whole = offered.get(" ".join(words))
        if whole is not None:
            return [whole]
    n = len(words)
    known, prefixes = vocabulary.items, vocabulary.prefixes
    origin: list[tuple[int, _Item] | None] = [None] * (n + 1)
    furthest = 0
    for i in range(n):
        if i > furthest:
            return None
        if i and origin[i] is None:
            continue
        key = words[i]
        j = i + 1
        while True:
            item = offered.get(key) or known.get(key)
            # WHY: the first to arrive began furthest left, so the longer phrase wins over its own tail.
            if item is not None and origin[j] is None:
                origin[j] = (i, item)
                furthest = max(furthest, j)
            if j == n or key not in prefixes:
                break
            key = f"{key} {words[j]}"
            j += 1
    items: list[_Item] = []
    at = n
    while at:
        step = origin[at]
        if step is None:
            return None
        at, item = step
        items.append(item)
    items.reverse()
    return items


def _decided(items: list[_Item], *, certainty: float, question: bool) -> Reading:
    entries = [item for item in items if isinstance(item, Entry)]
    spoken = [entry for entry in entries if entry.label != "none"]
    if not spoken:
        return Reading("none", None, entries[0].text, 0.9) if entries else Reading("none", None, None, 0.9)
    roles = {item.role for item in items if isinstance(item, Filler)}
    if "link" in roles and "instruction" not in roles:
        return _UNKNOWN
    if any(entry.kind != "word" for entry in spoken) and not _bare_stands(items, spoken, roles):
        return _NO_KEYWORD
    labels = {entry.label for entry in spoken}
    if len(labels) > 1:
        # WHY: with a refusal in it a cry for help is still a refusal; with a wish to receive it is nothing certain.
        if labels != {"optout", "help"}:
            return _CONTRADICTION if "optout" in labels else _ASKED
        certainty *= 0.6
        spoken = [entry for entry in spoken if entry.label == "optout"]
    label = spoken[0].label
    if question and label == "optin":
        return _ASKED  # WHY: "START?" asks; a false opt-in restarts messages without consent.
    if question and label == "optout":
        certainty *= 0.7
    if roles:
        certainty *= 0.98
    if any(entry.confidence >= _SURE for entry in spoken):
        # WHY: in "没兴趣，别发短信" the second half says what is refused.
        spoken = [entry for entry in spoken if entry.confidence >= _SURE]
    decisive = next((entry for entry in spoken if entry.scope is not None), spoken[0])
    confidence = round(min(entry.confidence for entry in spoken) * certainty, 3)
    return Reading(label, None if label == "help" else _scope(spoken), decisive.text, confidence)


def _bare_stands(items: list[_Item], spoken: list[Entry], roles: set[Role]) -> bool:
    """Whether single letters and zeros are the whole reply here, fillers and the retyped instruction aside."""
    bare = [entry for entry in spoken if entry.kind != "word"]
    retyped = "instruction" in roles and len(bare) < len(spoken)
    if len(bare) > 1 and not retyped and (bare[0].kind == "digits" or len({entry.text for entry in bare}) > 1):
        return False
    if len(bare) == len(spoken):
        if any(isinstance(item, Entry) and item.label == "none" for item in items):
            return False  # WHY: "ok R" is signed by an R.
        if roles & {"particle", "ask"} and "instruction" not in roles:
            return False  # WHY: "我回T" repeats what was asked for, "我要T" and "N了" say something else.
        if "link" in roles:
            return False
    at = items.index(bare[0])
    return not any(isinstance(item, Filler) and item.role == "sign_off" for item in items[:at])


def _scope(spoken: Sequence[Entry]) -> Scope:
    named = {entry.scope for entry in spoken if entry.scope is not None}
    if not named:
        return "sms"
    return next(iter(named)) if len(named) == 1 else "all"
