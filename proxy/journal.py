"""Where every decision goes: evidence, counters, and the latest few for the window.

Owns decision ids and the mapping from what the policy says to what the evidence log keeps. Must never keep a number or
a text: persons are digests here, and the live rows stay in memory until they are shown masked. When the log takes no
more, `decided` says so and the caller defers; nothing is ever dropped in silence.
"""

import time
from collections import deque
from collections.abc import Callable
from typing import Final

from msgspec import Struct

from proxy.core.decision import Decision
from proxy.core.request import Request
from proxy.evidence import records
from proxy.evidence.log import EvidenceLog
from proxy.rules.table import RULES_HASH
from proxy.telemetry.counters import Counters

_EFFECTS: Final = {"allow": records.ALLOW, "deny": records.DENY, "defer": records.DEFER}
_LATEST: Final = 50


class Seen(Struct, frozen=True, gc=False):
    """A decision and the request it answered, for the window's latest rows."""

    request: Request
    decision: Decision


class Heard(Struct, frozen=True, gc=False):
    """A refusal or release of a person, for the window's latest rows. `person` is canonical; `at` UTC seconds."""

    at: float
    person: str
    institutions: tuple[str, ...]
    label: str
    matched: str
    closes: int
    latency_us: int


class Journal:
    """The one place that a decision is recorded. Used on the loop only."""

    __slots__ = ("_boot", "_counter", "_log", "changed", "counters", "heard", "key_id", "latest")

    def __init__(self, log: EvidenceLog, counters: Counters, key_id: int) -> None:
        self._log = log
        self._boot = log.boot << 32
        self._counter = 0
        self.counters = counters
        self.key_id = key_id
        self.latest: deque[Seen] = deque(maxlen=_LATEST)
        self.heard: deque[Heard] = deque(maxlen=_LATEST)
        #: Set when something happened that the window shows; whoever writes the status clears it.
        self.changed = True

    def next_id(self) -> int:
        """A decision id that was never used before in this log."""
        self._counter += 1
        return self._boot | self._counter

    @property
    def room(self) -> bool:
        """Whether the evidence log takes another decision now."""
        return self._log.room

    @property
    def crowded(self) -> bool:
        """Whether reading should slow down until the log has caught up."""
        return self._log.crowded

    def decided(self, request: Request, decision: Decision) -> bool:
        """Records a decision with the next batch; False where the log takes no more: then the answer is a deferral."""
        self._see(request, decision)
        return self._log.append(self._record(request, decision))

    def decided_durably(
        self, request: Request, decision: Decision, then: Callable[[BaseException | None], None]
    ) -> bool:
        """Records a decision and calls `then` when it is on disk; False, and no call, where the log takes no more."""
        self._see(request, decision)
        return self._log.append_durable(self._record(request, decision), then)

    def _see(self, request: Request, decision: Decision) -> None:
        self.counters.decisions[(request.channel, decision.effect, decision.rule)] += 1
        self.latest.append(Seen(request, decision))
        self.changed = True

    def _record(self, request: Request, decision: Decision) -> records.Decision:
        return records.Decision(
            id=decision.id,
            at_us=int(request.received_at * 1e6),
            channel=request.channel,
            account=request.account.id,
            sender=request.sender or "",
            person=decision.person,
            key_id=self.key_id,
            principal=decision.principal,
            purpose=decision.purpose,
            effect=_EFFECTS[decision.effect],
            rule=decision.rule,
            detail=decision.detail,
            mode="enforce",
            pack=decision.pack,
            pack_version=decision.pack_version,
            revision=decision.revision,
            outcomes=decision.outcomes,
            rules_hash=RULES_HASH,
        )

    def outcome(self, decision_id: int, result: str, status: int, id_hash: bytes) -> None:
        """Records how a permitted message ended where that is not an ordinary acceptance."""
        record = records.Outcome(
            id=decision_id, at_us=time.time_ns() // 1000, result=result, status=status, carrier_id_hash=id_hash
        )
        if not self._log.append(record):
            self.counters.counts["evidence.full"] += 1

    def refused(
        self, record: records.Suppression | records.Release, heard: Heard, then: Callable[[BaseException | None], None]
    ) -> bool:
        """Records what a person asked and calls `then` when it is on disk; False where the log takes no more."""
        self.heard.append(heard)
        self.changed = True
        return self._log.append_durable(record, then)

    def note(self, topic: str, actor: str, text: str) -> None:
        """Records an act of operation."""
        record = records.Note(at_us=time.time_ns() // 1000, topic=topic, actor=actor, text=text)
        if not self._log.append(record):
            self.counters.counts["evidence.full"] += 1
