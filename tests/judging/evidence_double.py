"""A double of the evidence log that keeps what it was given, and tells a record durable when the test says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from proxy.evidence import records
from proxy.evidence.log import EvidenceLog
from proxy.judging.journal import Journal
from proxy.telemetry.counters import Counters

Then = Callable[[OSError | None], None]


class LogDouble:
    """Takes records until `full`; `kept` are their octets, `waiting` who waits for the disk."""

    def __init__(self, boot: int = 7) -> None:
        self.boot = boot
        self.full = False
        self.crowded = False
        self.kept: list[bytes] = []
        self.waiting: list[Then] = []

    @property
    def room(self) -> bool:
        return not self.full

    @property
    def records(self) -> list[records.AnyRecord | records.Unknown]:
        return [records.decode(octets) for octets in self.kept]

    def append_octets(self, octets: bytes) -> bool:
        if not self.full:
            self.kept.append(octets)
        return not self.full

    def append_octets_durable(self, octets: bytes, then: Then, patience_ms: int = 0) -> bool:
        del patience_ms
        if not self.append_octets(octets):
            return False
        self.waiting.append(then)
        return True

    def append(self, record: records.AnyRecord) -> bool:
        return self.append_octets(records.encode(record))

    def append_durable(self, record: records.AnyRecord, then: Then) -> bool:
        return self.append_octets_durable(records.encode(record), then)

    def written(self, error: OSError | None = None) -> None:
        """Everything that waits is on disk, or is not to be had."""
        waiting, self.waiting = self.waiting, []
        for then in waiting:
            then(error)


def journal_over(log: LogDouble, key_id: int = 1) -> Journal:
    return Journal(cast(EvidenceLog, log), Counters(), key_id)
