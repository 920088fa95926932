"""Hosts of links, and which registered domain a host pretends to be. Pure values; skeletons are made by who reads them.

Owns the comparison of a host with all registered domains. Must never take longer for more domains: every form that
could be meant is a key of one table.

How it works: a domain is known by the skeleton of its main label (what a reader takes it for: jianglan for jiang1аn),
and by each skeleton with one letter left out. A host is asked by the same forms, so whatever is one edit away shares a
form and is compared then. Words of a host that are such a label, and domains that stand within a host but not at its
end, are imitations too.
"""

from collections.abc import Iterable
from typing import Final, Literal

HostKind = Literal["name", "address", "short"]

#: Shorter labels are words of many hosts: they are compared whole and as a whole domain only.
_TELLING: Final = 4


class Host:
    """A host as a browser opens it, and how it is read: see `proxy/language/links.py`.

    `mains` are the skeletons of the label that somebody registered, `words` those of all words of the host.
    """

    __slots__ = ("kind", "mains", "name", "words")

    def __init__(self, name: str, kind: HostKind, mains: tuple[str, ...], words: tuple[str, ...]) -> None:
        self.name: Final = name
        self.kind: Final[HostKind] = kind
        self.mains: Final = mains
        self.words: Final = words


class Lookalikes:
    """Registered domains, ready to be compared with any host."""

    __slots__ = ("_domains", "_forms", "_mains")

    def __init__(self, hosts: Iterable[Host] = ()) -> None:
        hosts = tuple(hosts)
        self._domains: Final[frozenset[str]] = frozenset([host.name for host in hosts])
        mains = [(main, host.name) for host in hosts for main in host.mains if len(main) >= _TELLING]
        self._mains: Final[dict[str, str]] = dict(mains)
        forms: dict[str, set[str]] = {}
        for main in self._mains:
            for form in _forms(main):
                forms.setdefault(form, set()).add(main)
        self._forms: Final = {form: tuple(sorted(mains)) for form, mains in forms.items()}

    def imitated(self, host: Host) -> str | None:
        """The registered domain that a host pretends to be; None for none, and for a host under a registered domain."""
        if not self._domains or host.kind == "address":
            return None
        labels = host.name.split(".")
        if any(".".join(labels[at:]) in self._domains for at in range(len(labels))):
            return None
        for start in range(len(labels)):
            for end in range(start + 2, min(len(labels), start + 4)):
                if ".".join(labels[start:end]) in self._domains:
                    return ".".join(labels[start:end])
        for word in (*host.mains, *host.words):
            if word in self._mains:
                return self._mains[word]
        for own in host.mains:
            for form in _forms(own) if len(own) >= _TELLING else ():
                for main in self._forms.get(form, ()):
                    if is_one_edit(main, own):
                        return self._mains[main]
        return None


def _forms(label: str) -> list[str]:
    """A label, and it without each of its letters."""
    return [label, *[label[:at] + label[at + 1 :] for at in range(len(label))]]


def is_one_edit(one: str, other: str) -> bool:
    """Whether one letter put in, left out or changed, or two neighbours exchanged, make one of the other."""
    if abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    return max(len(one), len(other)) <= 1 or (len(one) == 2 and one == other[::-1])
