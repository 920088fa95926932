"""What tdgate says of a storm: its evidence, read to the end, as the checker needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from proxy.evidence import read
from proxy.evidence.records import ALLOW, Decision, Gap, Outcome, Start, Suppression
from proxy.registry.keys import load_person_key


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision: about whom it was, and whether it was a permit."""

    account: str
    person: bytes
    is_permit: bool
    rule: str


@dataclass
class Evidence:
    """`sealed_us`: when the last batch of each run was sealed that is on disk (UTC microseconds)."""

    digest: Callable[[str], bytes]
    decisions: dict[int, Judged] = field(default_factory=dict)
    outcomes: dict[int, list[str]] = field(default_factory=dict)
    suppressed: set[bytes] = field(default_factory=set)
    sealed_us: dict[int, int] = field(default_factory=dict)
    starts: list[int] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)


def gather(state: Path) -> Evidence:
    """Reads the whole log of a state folder."""
    found = Evidence(load_person_key(state / "keys/person.key").person_key.digest)
    for entry in read.entries(state / "evidence"):
        record = entry.record
        found.sealed_us[entry.head.boot] = entry.head.at_us
        if isinstance(record, Decision):
            found.decisions[record.id] = Judged(record.account, record.person, record.effect == ALLOW, record.rule)
        elif isinstance(record, Outcome):
            found.outcomes.setdefault(record.id, []).append(record.result)
        elif isinstance(record, Suppression):
            found.suppressed.add(record.person)
        elif isinstance(record, Start):
            found.starts.append(record.boot)
        elif isinstance(record, Gap):
            found.gaps.append(record.reason)
    return found
