"""Reads the host of a link as a browser opens it, and as a person takes it: addresses, short links, skeletons.

Owns how a link of a message becomes a host. Never knows which domains are registered (`proxy/core/hosts.py` compares),
never opens anything, never raises. Linear: a host has 253 characters at most.

How it works: the link is taken from the text itself, not from its folded view, since a Cyrillic letter that looks like
a Latin one leads somewhere else. Full-width letters and dots lead where their narrow forms lead; what stands before @
is a name and password; a host of figures in any notation (http://3232235777, 0xC0.0250.1) is an address. The skeleton
of a label is what the eye makes of it: look-alike letters folded, punycode written out, 0 read as o and rn as m.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from proxy.core.hosts import Host, HostKind
from proxy.language.folding import fold

_MOST: Final = 300
_LONGEST_HOST: Final = 253
_SCHEME: Final = re.compile(r"[a-z]{1,10}\s{0,2}:\s{0,2}[/\\]{0,3}\s{0,2}")
_DOTS: Final = str.maketrans("。｡．", "...")
_END: Final = re.compile(r"[/\\?#\s]")
_PORT: Final = re.compile(r":\d{0,5}$")
_NUMBER: Final = re.compile(r"0x[0-9a-f]{0,16}|[0-9]{1,20}")
_WORDS: Final = re.compile(r"[.\-_]")
#: What the eye takes for one letter.
_PAIRS: Final = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_SINGLE: Final = str.maketrans("01i5", "olls")


class LinkWords:
    """Data about domains: those that only lead on, and suffixes below which anybody registers a name."""

    __slots__ = ("short", "suffixes")

    def __init__(self, short: frozenset[str], suffixes: frozenset[str]) -> None:
        self.short: Final = short
        self.suffixes: Final = suffixes


NO_LINK_WORDS: Final = LinkWords(frozenset(), frozenset())


def link_words(table: Mapping[str, list[str]]) -> LinkWords:
    """The data of the section `links` of the table: `short` and `suffixes`, domains in small letters."""
    return LinkWords(frozenset(table.get("short", ())), frozenset(table.get("suffixes", ())))


def host_of(link: str, words: LinkWords) -> Host:
    """The host of a link; its name is empty where there is none."""
    name, ahead = _opened(link[:_MOST])
    labels = name.split(".")
    if ":" in name or _is_number(labels[-1]):
        return Host(name, "address", (), ())
    kind: HostKind = "name"
    if any(".".join(labels[at:]) in words.short for at in range(len(labels))):
        kind = "short"
    at = _registered_at(labels, words.suffixes)
    skeletons = [skeleton(word) for word in _WORDS.split(f"{ahead}.{name}") if word]
    whole = skeleton(labels[at])
    apart = skeleton(labels[at], pairs=False)
    return Host(name, kind, (whole,) if whole == apart else (whole, apart), tuple(skeletons))


def _opened(link: str) -> tuple[str, str]:
    """The host that a browser would ask for, small, without port and dots around it; and what stands before @."""
    plain = "".join([char for char in unicodedata.normalize("NFKC", link.translate(_DOTS)) if char.isprintable()])
    plain = plain.translate(_DOTS).strip().lower()
    scheme = _SCHEME.match(plain)
    if scheme is not None:
        plain = plain[scheme.end() :]
    end = _END.search(plain)
    authority = plain if end is None else plain[: end.start()]
    ahead, _, authority = authority.rpartition("@")
    if authority.startswith("["):
        return authority[1:].partition("]")[0][:_LONGEST_HOST], ahead
    return _PORT.sub("", authority).strip(".")[:_LONGEST_HOST], ahead


def _is_number(label: str) -> bool:
    return _NUMBER.fullmatch(label) is not None


def _registered_at(labels: list[str], suffixes: frozenset[str]) -> int:
    """The place of the label that somebody registered: in front of the longest known suffix, else of the last label."""
    for at in range(1, len(labels)):
        if ".".join(labels[at:]) in suffixes:
            return at - 1
    return max(0, len(labels) - 2)


def skeleton(label: str, pairs: bool = True) -> str:
    """What the eye takes a label for; without `pairs`, each letter stays one letter."""
    if label.startswith("xn--"):
        try:
            label = label[4:].encode("ascii").decode("punycode")
        except UnicodeError:
            return label
    letters = "".join([char for char in fold(label) if char.isalnum()]).translate(_SINGLE)
    for pair, one in _PAIRS if pairs else ():
        letters = letters.replace(pair, one)
    return letters
