"""Finds the refusal keyword that a sender offers in a message: "拒收请回复R", "reply STOP to opt out".

Owns the reading of such an instruction, so that the keyword can be honoured when it comes back alone. Never judges
whether the instruction suffices for a rule, never raises on any `str`.

How it works: the folded text is split into atoms; after a verb of replying stands the keyword, and a word of refusal
stands in the same clause, or alone in the clause beside it. Without that word "回复1了解详情" would close a door that
nobody wanted closed, and in "回Y办理，拒收回R" the Y would.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from proxy.language.folding import atoms, fold

#: Characters of a message that are read: more than ten parts hold.
READ_LIMIT: Final = 1024
#: How many atoms the word of refusal may stand away from the keyword.
_REACH: Final = 6
_LONGEST: Final = 12

_VERBS: Final = frozenset(("回", "复", "发", "送", "信", "辑", "reply", "text", "send", "txt", "sms"))
_REFUSING_HAN: Final = frozenset(
    pair for pair in zip("退退退拒拒取停屏不不不不勿谢", "订定出收绝消止蔽想再收接扰绝", strict=True)
)
_REFUSING: Final = frozenset(
    ("stop", "unsubscribe", "unsub", "optout", "cancel", "end", "quit", "opt", "opting", "unsubscribing", "revoke")
)
_POLITE: Final = frozenset(("请", "可", "please"))
_NEVER: Final = frozenset(("help", "info", "start", "yes", "to", "for", "us", "me", "a", "the"))


def offered_keyword(text: str) -> str | None:
    """The first keyword that a person is told to send back to refuse, folded ("r", "td", "88"); None without one.

    A telephone number or a link is no keyword: digits count up to four.
    """
    found = atoms(fold(text[:READ_LIMIT]))
    for at, atom in enumerate(found):
        if atom not in _VERBS:
            continue
        i = at + 1
        while i < len(found) and found[i] in (",", "with"):
            i += 1
        keyword, end = _keyword(found, i)
        if keyword is not None and _refusal_beside(found, at, end):
            return keyword
    return None


def _keyword(found: Sequence[str], i: int) -> tuple[str | None, int]:
    """The keyword that begins at an index, and the index after it; spelt letters ("T D") are joined."""
    if i >= len(found):
        return None, i
    first = found[i]
    if not (first.isascii() and first.isalnum()):
        # WHY: "回复退订取消": the word of refusal is itself what is to be sent.
        return ("".join(found[i : i + 2]), i) if tuple(found[i : i + 2]) in _REFUSING_HAN else (None, i)
    if first.isdigit():
        return (first, i + 1) if len(first) <= 4 else (None, i)
    end = i + 1
    if len(first) == 1:
        while end < len(found) and len(found[end]) == 1 and found[end].isascii() and found[end].isalpha():
            end += 1
    word = "".join(found[i:end])
    return (word, end) if len(word) <= _LONGEST and word not in _NEVER else (None, i)


def _refusal_beside(found: Sequence[str], verb: int, end: int) -> bool:
    before, after = _clause(found[max(0, verb - _REACH) : verb][::-1])[::-1], _clause(found[end : end + _REACH])
    if _refuses(before) or _refuses(after):
        return True
    # WHY: "To stop, reply END" and "回“TD”退订" put a separator between the two; a clause with a verb of its own
    # belongs to another keyword.
    if not after and end < len(found):
        beyond = _clause(found[end + 1 : end + 1 + _REACH])
        if _refuses(beyond[:2]) and not _VERBS & set(beyond):
            return True
    start = verb - len(before)
    if not after and start and not set(before) - _POLITE - _VERBS:
        beyond = _clause(found[max(0, start - 1 - _REACH) : start - 1][::-1])[::-1]
        return _refuses(beyond) and not _VERBS & set(beyond)
    return False


def _clause(run: Sequence[str]) -> Sequence[str]:
    """A run of atoms up to its first separator."""
    return next((run[:i] for i, atom in enumerate(run) if atom in (",", "?")), run)


def _refuses(near: Sequence[str]) -> bool:
    return any(atom in _REFUSING for atom in near) or any(pair in _REFUSING_HAN for pair in pairwise(near))
