"""Claims of numbers by several institutions: which of them are one number's, and whose it is then (J23). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

import msgspec

Named = Mapping[str, Any]
_SHORTEST: Final = 3


def digest_of(claims: Iterable[Named]) -> str:
    """The SHA-256 of what a submission claims, whatever the order of its rows."""
    rows = sorted([str(one[name]) for name in sorted(one) if name != "submission"] for one in claims)
    return sha256(msgspec.json.encode(rows)).hexdigest()


def contested(new: Sequence[Named], held: Sequence[tuple[str, Named]]) -> Iterator[tuple[str, str]]:
    """(address, holder) of each number that is claimed now and held by another; `held` are (institution, claim).

    A number that extends an extensible port is that port's too, whoever was first. Claims whose periods do not meet
    are of one number after the other.
    """
    found: dict[tuple[str, str], None] = {}
    by_address: dict[str, list[tuple[str, Named]]] = {}
    for whose, claim in held:
        by_address.setdefault(claim["address"], []).append((whose, claim))
    mine: dict[str, list[Named]] = {}
    for claim in new:
        mine.setdefault(claim["address"], []).append(claim)
        for address in _with_ports(claim["address"]):
            for whose, other in by_address.get(address, ()):
                if (address == claim["address"] or other["extensible"]) and _meet(claim, other):
                    found[claim["address"], whose] = None
    for whose, other in held:
        for address in _with_ports(other["address"]):
            if address != other["address"]:
                met = [one for one in mine.get(address, ()) if one["extensible"] and _meet(one, other)]
                if met:
                    found[other["address"], whose] = None
    yield from found


def _with_ports(address: str) -> Iterator[str]:
    """An address and every port that it may extend."""
    yield address
    if address.isdigit():
        for length in range(_SHORTEST, len(address)):
            yield address[:length]


def _meet(one: Named, other: Named) -> bool:
    return bool(one["since"] < other["until"] and other["since"] < one["until"])
