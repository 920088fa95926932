"""Reads free sentences: what the clauses of a reply say, by patterns over classes of words.

Owns the matching. Never decides about keywords that are the whole reply, never holds a word of its own (they are data,
see `grammar.py`), never raises on any list of atoms, and takes time linear in their number: the number of patterns,
their steps and gaps are bounded by the grammar.

How it works: the longest word wins at each place, from the left; separators and "but" end a clause; in each clause the
first pattern that fits decides. A refusal in any clause then wins over questions, and over a wish to receive unless
the person says that the refusal was a mistake.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal

import msgspec

from proxy.language.folding import FLAG, squeezed
from proxy.language.grammar import UNKNOWN, Grammar, Named, Pattern, Say

#: Words of a reply that are looked at: some ten sentences.
_WORDS_READ: Final = 400
#: From this many atoms on, a text of which nearly every second atom is a separator is spelt: "别.再.发.了".
_SPELT_FROM: Final = 5
#: No word is longer than that, however long its letters are held down.
_LONGEST_WORD: Final = 48


class Said(msgspec.Struct, frozen=True, gc=False):
    """What a sentence says."""

    say: Say
    scope: Named | None
    matched: str
    """The folded words of the clause that decided, from the first step to the last."""
    confidence: float
    keeps: Literal["sms", "voice"] | None = None
    """The channel that the person expressly keeps beside a refusal of the other."""


#: A wish to receive and words that refuse.
CONTRADICTORY: Final = Said("none", None, "", 0.3)


class _Word(msgspec.Struct, gc=False):
    text: str
    mask: int


class _Clause(msgspec.Struct):
    words: list[_Word]
    mask: int
    unknown: int
    question: bool
    nouns: bool
    """Whether it is of nouns alone."""


class _Fit(msgspec.Struct, gc=False):
    pattern: Pattern
    clause: _Clause
    first: int
    last: int


def read_sentences(found: Sequence[str], grammar: Grammar) -> Said | None:
    """What the atoms of a folded reply say; None where no pattern fits."""
    clauses = _clauses(found, grammar)
    if not clauses:
        return None
    text = 0
    for clause in clauses:
        text |= clause.mask
    fits: list[_Fit] = []
    for clause in clauses:
        fit = _first_fit(clause, text, grammar)
        if fit is not None:
            if fit.pattern.whole:
                return _said(fit, fits, clauses, grammar)
            fits.append(fit)
    wishes = [fit for fit in fits if fit.pattern.say == "optin"]
    refusals = [fit for fit in fits if fit.pattern.say == "optout"]
    if wishes and not refusals:
        if _refused_beside(wishes, clauses, grammar):
            return CONTRADICTORY
        return _said(wishes[0], wishes, clauses, grammar)
    if refusals:
        best = max(refusals, key=lambda fit: fit.pattern.confidence)
        said = _said(best, refusals, clauses, grammar)
        return msgspec.structs.replace(said, confidence=round(said.confidence * 0.6, 3)) if wishes else said
    for say in ("help", "none"):
        for fit in fits:
            if fit.pattern.say == say:
                return _said(fit, [fit], clauses, grammar)
    return None


def refuses(found: Sequence[str], grammar: Grammar) -> bool:
    """Whether any word of these atoms belongs to a refusal, whatever the sentence says."""
    against = grammar.against | grammar.undone
    return any(clause.mask & against for clause in _clauses(found, grammar))


def _clauses(found: Sequence[str], grammar: Grammar) -> list[_Clause]:
    found = _plain(found, grammar)
    clauses: list[_Clause] = []
    words: list[_Word] = []
    known, prefixes = grammar.words, grammar.prefixes
    i, n = 0, min(len(found), _WORDS_READ)
    while i < n:
        atom = found[i]
        if atom in (",", "?"):
            _end(clauses, words, grammar, question=atom == "?")
            words = []
            i += 1
            continue
        key, best, end, j = atom, known.get(atom, 0), i + 1, i + 1
        text = atom
        while key in prefixes and j < n:
            key = f"{key} {found[j]}"
            j += 1
            mask = known.get(key)
            if mask is not None:
                best, end, text = mask, j, key
        if best & grammar.split:
            _end(clauses, words, grammar, question=False)
            words = []
        else:
            words.append(_Word(text, best or UNKNOWN))
        i = end
    _end(clauses, words, grammar, question=False)
    return clauses


def _plain(found: Sequence[str], grammar: Grammar) -> list[str]:
    """The atoms without what only disguises them: separators between all, spelt letters, held-down ones."""
    marks = sum(1 for atom in found if atom == ",")
    if len(found) >= _SPELT_FROM and marks * 5 >= len(found) * 2:
        found = [atom for atom in found if atom != ","]
    known = grammar.words
    plain: list[str] = []
    i, n = 0, len(found)
    while i < n:
        atom = found[i].removeprefix(FLAG)
        i += 1
        if len(atom) == 1 and atom.isalpha():
            if not atom.isascii():
                # WHY: "别再再再发": three of a kind are emphasis, two may be a word.
                if len(plain) > 1 and plain[-1] == plain[-2] == atom:
                    continue
            else:
                letters, j = _run_of_letters(found, i, atom)
                if len(letters) > 1:
                    i = j
                    if letters not in known:
                        plain.extend(letters)
                        continue
                    atom = letters
        elif atom.isascii() and atom not in known:
            atom = _let_go(atom, known)
        plain.append(atom)
    return plain


def _run_of_letters(found: Sequence[str], i: int, first: str) -> tuple[str, int]:
    """The single letters that follow one, separators between them aside, and the index behind the last."""
    letters, end = first, i
    for at in range(i, len(found)):
        atom = found[at]
        if atom == ",":
            continue
        if len(atom) != 1 or not (atom.isascii() and atom.isalpha()):
            break
        letters, end = letters + atom, at + 1
    return letters, end


def _let_go(word: str, known: Mapping[str, int]) -> str:
    """A word with held-down letters as it was meant, itself where that is no word either."""
    if len(word) > _LONGEST_WORD or not word.isalpha():
        return word
    bare, runs = squeezed(word)
    if max(runs, default=0) < 3:
        return word
    if bare in known:
        return bare
    doubled = "".join(letter * min(run, 2) for letter, run in zip(bare, runs, strict=True))
    return doubled if doubled in known else word


def _end(clauses: list[_Clause], words: list[_Word], grammar: Grammar, *, question: bool) -> None:
    """Closes a clause; nouns alone ("短信、电话 …") belong to the next one."""
    if not words:
        if question and clauses:
            clauses[-1].question = True
        return
    mask = unknown = 0
    nouns = True
    for word in words:
        mask |= word.mask
        unknown += word.mask == UNKNOWN
        nouns = nouns and bool(word.mask & grammar.noun)
    before = clauses[-1] if clauses else None
    if before is not None and before.nouns and not before.question and not before.mask & grammar.kept:
        # WHY in place: a thousand clauses of nouns cost as much as their words.
        before.words.extend(words)
        before.mask, before.unknown = before.mask | mask, before.unknown + unknown
        before.question, before.nouns = question, nouns
    else:
        before = _Clause(words, mask, unknown, question, nouns)
        clauses.append(before)
    if before.mask & grammar.own:
        # WHY: in "信用卡广告" the card is what the message is about, not what is refused.
        before.mask &= ~grammar.other


def _first_fit(clause: _Clause, text: int, grammar: Grammar) -> _Fit | None:
    mask = clause.mask
    left = grammar.sieve.left(mask, text)
    while left:
        lowest = left & -left
        left ^= lowest
        pattern = grammar.patterns[lowest.bit_length() - 1]
        if clause.unknown > pattern.unknown:
            continue
        if pattern.question is not None and pattern.question != clause.question:
            continue
        if not _all_of(pattern.steps, mask) or not _all_of(pattern.every, mask) or not _all_of(pattern.beside, text):
            continue
        span = _span(clause, pattern, grammar.soft)
        if span is not None:
            return _Fit(pattern, clause, span[0], span[1])
    return None


def _all_of(masks: tuple[int, ...], among: int) -> bool:
    for mask in masks:  # noqa: SIM110 - WHY: a generator costs more than the comparison.
        if not mask & among:
            return False
    return True


def _span(clause: _Clause, pattern: Pattern, soft: int) -> tuple[int, int] | None:
    """The first and last word that the steps take; for patterns without steps the words of `all`."""
    words = clause.words
    if not pattern.steps:
        union = 0
        for mask in pattern.every:
            union |= mask
        at = [i for i, word in enumerate(words) if word.mask & union]
        if pattern.alone and any(not word.mask & (union | soft) for word in words):
            return None
        return at[0], at[-1]
    for first in range(len(words)):
        if words[first].mask & pattern.steps[0]:
            last = _followed(words, first, pattern)
            if last is None:
                continue
            if clause.mask & pattern.object and any(word.mask & pattern.object for word in words[first:]):
                continue
            if pattern.last and any(not word.mask & soft for word in words[last + 1 :]):
                continue
            if pattern.alone and any(not word.mask & soft for i, word in enumerate(words) if not first <= i <= last):
                continue
            return first, last
    return None


def _followed(words: list[_Word], at: int, pattern: Pattern) -> int | None:
    for step in pattern.steps[1:]:
        reach = min(len(words), at + pattern.gap + 2)
        for i in range(at + 1, reach):
            if words[i].mask & step:
                at = i
                break
            if words[i].mask & pattern.bar:
                return None
        else:
            return None
    return at


def _refused_beside(wishes: Sequence[_Fit], clauses: Sequence[_Clause], grammar: Grammar) -> bool:
    """Whether any word but those of the wishes themselves refuses; a refusal that is taken back does not.

    INVARIANT: no pattern lifts a refusal where another word of the reply makes one.
    """
    own = grammar.wishing | _both(_asked(fit.pattern) for fit in wishes) & ~grammar.against
    for clause in clauses:
        taken_back = 1 if clause.mask & grammar.excuse and not own & grammar.undone else 0
        for word in clause.words:
            if word.mask & own:
                continue
            if word.mask & grammar.undone:
                taken_back -= 1
            if word.mask & grammar.against or taken_back < 0:
                return True
    return False


def _asked(pattern: Pattern) -> int:
    """The classes of the words that a pattern is made of."""
    return _both((*pattern.steps, *pattern.every))


def _said(best: _Fit, fits: Sequence[_Fit], clauses: Sequence[_Clause], grammar: Grammar) -> Said:
    pattern = best.pattern
    matched = " ".join(word.text for word in best.clause.words[best.first : best.last + 1])
    matched = "".join(c for i, c in enumerate(matched) if c != " " or _spaced(matched, i))
    if pattern.say not in ("optout", "optin"):
        return Said(pattern.say, None, matched, pattern.confidence)
    named = {_scope(fit, grammar) for fit in fits} - {None}
    if named == {"all", "sms"} and all(
        (fit.clause.mask & grammar.number and not fit.clause.mask & grammar.voice) or _scope(fit, grammar) == "sms"
        for fit in fits
    ):
        named = {"sms"}
    if not named:
        named = {_named(_both(clause.mask for clause in clauses), grammar, channels=True)} - {None}
    scope: Named = "sms"
    if len(named) == 1:
        (only,) = named
        scope = only or "sms"
    elif named:
        scope = "all"
    keeps = _kept(scope, clauses, grammar) if pattern.say == "optout" else None
    return Said(pattern.say, scope, matched, pattern.confidence, keeps)


def _kept(scope: Named, clauses: Sequence[_Clause], grammar: Grammar) -> Literal["sms", "voice"] | None:
    """The channel beside a refused one that a clause of its own expressly leaves open."""
    if scope == "all":
        return None
    refused, other = (grammar.voice, grammar.sms) if scope == "voice" else (grammar.sms, grammar.voice)
    for clause in clauses:
        mask = clause.mask
        if mask & other and mask & grammar.keeping and not mask & (refused | grammar.spoiling) and not clause.question:
            return "sms" if scope == "voice" else "voice"
    return None


def _both(masks: Iterable[int]) -> int:
    union = 0
    for mask in masks:
        union |= mask
    return union


def _spaced(text: str, i: int) -> bool:
    return text[i - 1].isascii() or text[i + 1].isascii()


def _scope(fit: _Fit, grammar: Grammar) -> Named | None:
    """What a clause names: from its decisive words on, else anywhere in it."""
    if fit.pattern.scope is not None:
        return fit.pattern.scope
    words = fit.clause.words
    first = fit.first
    while first and words[first - 1].mask & grammar.noun and not words[first - 1].mask & grammar.kept:
        first -= 1
    decisive = 0
    for word in words[first:]:
        decisive |= word.mask
    found = _named(decisive, grammar)
    return found if found is not None else _named(fit.clause.mask, grammar)


def _named(mask: int, grammar: Grammar, *, channels: bool = False) -> Named | None:
    sms, voice = bool(mask & grammar.sms), bool(mask & grammar.voice)
    if sms and voice:
        return "all"
    if sms or voice:
        return "sms" if sms else "voice"
    return "all" if mask & grammar.all and not channels else None
