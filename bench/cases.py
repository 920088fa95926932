"""What is measured: the cases, their loads, and the world of persons and accounts that all of them share.

The world is fixed here so that whoever seeds the product's registry and whoever drives the load agree on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TEXTS = Path(__file__).resolve().parent / "smpp" / "texts.txt"

ACCOUNTS = 100
PASSWORD = "secret"
# The number of one institution (江澜银行, invented), registered for marketing; texts.txt holds its texts.
NUMBER = "10690001"
# Every destination is this prefix and six random digits: 10^6 possible persons, each with a consent.
PERSON_PREFIX = "8613800"
PERSON_DIGITS = 13
PERSONS = 1_000_000
# Suppressions of other people, who are never sent to: they cost memory and look-up, and refuse nothing.
OTHER_SUPPRESSIONS = 10_000_000


def account(number: int) -> str:
    """system_id of the account with this number, 0 to ACCOUNTS - 1."""
    return f"acct{number}"


def person(number: int) -> str:
    """The destination with this number, 0 to PERSONS - 1, as it stands on the wire."""
    return f"{PERSON_PREFIX}{number:06d}"


def suppressed_persons(share: float) -> Iterator[str]:
    """That share of the destinations, spread evenly over them (share of 0, or one over a whole number)."""
    if share:
        for number in range(0, PERSONS, round(1 / share)):
            yield person(number)


@dataclass(frozen=True)
class Load:
    """binds x window per bind, closed loop; or an open loop of so many messages a second in all."""

    binds: int
    window: int
    rate: int = 0

    def __str__(self) -> str:
        return f"{self.binds}x{self.window}" + (f"@{self.rate}" if self.rate else "")

    @classmethod
    def parse(cls, text: str) -> Load:
        """From `10x100` or `10x10@1000`. ValueError otherwise."""
        shape, _, rate = text.partition("@")
        binds, _, window = shape.partition("x")
        return cls(int(binds), int(window), int(rate or 0))


@dataclass(frozen=True)
class Case:
    """One table of the bench."""

    name: str
    says: str
    loads: tuple[Load, ...]
    simulator: tuple[str, ...] = ()
    # Share of the destinations that have refused; only a hop that enforces refuses them.
    suppressed: float = 0.0
    tls: bool = False
    # The page is loaded so many times a second while the load runs.
    page_per_s: int = 0
    # Accounts share the carrier's binds in a pool; only tdgate knows the difference.
    pool: bool = False
    # All rules of texts are enforced, whatever the packs that ship ask for; only tdgate knows the difference.
    texts: bool = False
    # Every message is sent in so many parts; the windows of its loads count parts.
    parts: int = 1


ALL_LOADS = (Load(1, 1), Load(1, 10), Load(10, 10), Load(10, 100), Load(10, 10, 1000))
FEW_LOADS = (Load(1, 10), Load(10, 10), Load(10, 10, 1000))
# WHY few: a row more is a minute more for all hops and rounds.
CLOSED_LOADS = (Load(1, 10), Load(10, 10))
CASES = {
    case.name: case
    for case in (
        Case("plain", "no receipts; the bound figures", ALL_LOADS),
        Case("receipts", "one receipt per message", FEW_LOADS, simulator=("-D",)),
        Case("pool", "one receipt per message, all binds in a pool", FEW_LOADS, simulator=("-D",), pool=True),
        # As many messages under way as in plain at 10x10.
        Case("parts", "messages of three parts, judged whole by tdgate; figures a message", (Load(10, 30),), parts=3),
        Case("texts", "every text read in full, all rules of texts enforced", (Load(10, 10),), texts=True),
        Case("refused", "20 % of the persons have refused", CLOSED_LOADS, suppressed=0.2),
        Case("tls", "TLS towards the hop, stunnel as client in front", CLOSED_LOADS, tls=True),
        Case("page", "the page is loaded ten times a second meanwhile; the bound figures", ALL_LOADS, page_per_s=10),
    )
}
DEFAULT_CASES = ("plain", "texts", "parts", "receipts", "pool", "refused", "tls", "page")
