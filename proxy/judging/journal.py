"""Where every decision goes: evidence, counters, and the latest few for the window.

Owns decision ids and the mapping from what the policy says to what the evidence log keeps. Must never keep a number or
a text: persons are digests here, and the live rows stay in memory until they are shown masked. When the log takes no
more, `decided` says so and the caller defers; nothing is ever dropped in silence.
"""

import struct
import time
from collections import deque
from collections.abc import Callable
from typing import Final

import msgspec
from msgspec import Struct

from proxy.core.decision import Decision
from proxy.core.ground import Ground
from proxy.core.persons import PersonKey
from proxy.core.request import Request
from proxy.evidence import records
from proxy.evidence.log import EvidenceLog
from proxy.judging.contact_book import ContactBook
from proxy.rules.table import RULE_IDS
from proxy.smpp.gate import CANCELLED, KEPT, REJECTED
from proxy.telemetry.counters import Counters

_EFFECTS: Final = {"allow": records.ALLOW, "deny": records.DENY, "defer": records.DEFER}
_LATEST: Final = 50
_RULES_HASH: Final = records.rules_hash(RULE_IDS)
_FORMS_KEPT: Final = 50_000
#: Of one text; more say nothing new, and a record must stay small.
_FINDINGS_MOST: Final = 20
#: The first number that msgpack writes in nine octets: ids hold the boot in their upper half, times are of today.
_LONG: Final = 1 << 32
_PERSON: Final = b"\xc1person to stamp"
_NUMBERS: Final = struct.Struct(">BQBQ")
_pack_numbers = _NUMBERS.pack


class Heard(Struct, frozen=True, gc=False):
    """A refusal or release of a person, for the window's latest rows. `person` is canonical; `at` UTC seconds."""

    at: float
    person: str
    institutions: tuple[str, ...]
    label: str
    matched: str
    closes: int
    latency_us: int


class Form:
    """A decision's record but for its id, time and person: most decisions of a lane differ in nothing else.

    INVARIANT: what `stamp` gives is, octet for octet, what `records.encode` gives for the whole record (a test). It
    holds its ground, so that no other can come to have its identity.
    """

    __slots__ = ("_after", "_before", "_between", "_plain", "bit", "count", "ground", "refuses")

    def __init__(self, ground: Ground, key_id: int) -> None:
        self.ground = ground
        self.refuses = ground.effect != "allow"
        self.count = 0
        #: Where its contacts are counted; 0: nowhere.
        self.bit = 0
        self._plain = records.Decision(
            id=_LONG,
            at_us=_LONG,
            channel=ground.channel,
            account=ground.account,
            sender=ground.sender,
            person=_PERSON,
            key_id=key_id,
            principal=ground.principal,
            purpose=ground.purpose,
            effect=_EFFECTS[ground.effect],
            rule=ground.rule,
            detail=ground.detail,
            mode=ground.mode,
            pack=ground.pack,
            pack_version=ground.pack_version,
            revision=ground.revision,
            outcomes=ground.outcomes,
            rules_hash=_RULES_HASH,
            asks=ground.asks,
            packs=ground.packs,
        )
        octets = records.encode(self._plain)
        numbers, person = _NUMBERS.pack(0xCF, _LONG, 0xCF, _LONG), octets.index(_PERSON)
        at = octets.index(numbers)
        self._before = octets[:at]
        self._between = octets[at + len(numbers) : person]
        self._after = octets[person + len(_PERSON) :]

    def stamp(self, decision: Decision, at_us: int) -> bytes:
        """The record of one decision, encoded. Times are UTC microseconds."""
        decision_id, person, found = decision.id, decision.person, decision.findings
        if not found and len(person) == 16 and decision_id >= _LONG and at_us >= _LONG:
            return b"".join(
                (self._before, _pack_numbers(0xCF, decision_id, 0xCF, at_us), self._between, person, self._after)
            )
        findings = tuple([f"{one.rule}/{one.detail}@{one.start}-{one.end}" for one in found[:_FINDINGS_MOST]])
        plain = msgspec.structs.replace(self._plain, id=decision_id, at_us=at_us, person=person, findings=findings)
        if decision.template:
            plain = msgspec.structs.replace(plain, template=decision.template)
        return records.encode(plain)


class Journal:
    """The one place that a decision is recorded. Used on the loop only."""

    __slots__ = (
        "_contacts", "_forms", "_log", "_person_key", "_to_show", "changed", "counters", "heard", "key_id", "last_id",
        "latest"
    )  # fmt: skip

    def __init__(
        self,
        log: EvidenceLog,
        counters: Counters,
        key_id: int,
        contacts: ContactBook | None = None,
        person_key: PersonKey | None = None,
    ) -> None:
        self._log = log
        #: Set while two keys of persons live: then it depends on the person which one a record names.
        self._person_key = person_key
        self._contacts = contacts
        #: The latest decision id, boot number above and a counter below; the hot path counts it up itself.
        self.last_id = log.boot << 32
        self.counters = counters
        self.key_id = key_id
        self._forms: dict[int, Form] = {}
        #: Every refusal, and of the permits since the last `settle` as many as are shown.
        self.latest: deque[tuple[Request, Decision]] = deque(maxlen=_LATEST)
        self._to_show = _LATEST
        self.heard: deque[Heard] = deque(maxlen=_LATEST)
        #: Set when something happened that the window shows; whoever writes the status clears it.
        self.changed = True

    def next_id(self) -> int:
        """A decision id that was never used before in this log."""
        self.last_id += 1
        return self.last_id

    @property
    def room(self) -> bool:
        """Whether the evidence log takes another decision now."""
        return self._log.room

    def is_crowded(self) -> bool:
        """Whether reading should slow down until the log has caught up."""
        return self._log.crowded

    def decided(self, request: Request, decision: Decision) -> bool:
        """Records a decision with the next batch; False where the log takes no more: then the answer is a deferral."""
        form = self._forms.get(id(decision.ground)) or self._form(decision.ground)
        if self._person_key is not None and self._person_key.is_rotating:
            form = self._form_for(request, decision.ground)
        if not self._log.append_octets(form.stamp(decision, int(request.received_at * 1e6))):
            return False
        self.changed = True
        # WHY not each permit: more come in one look of the window than it shows, and what is kept stays in memory.
        if self._to_show:
            self._to_show -= 1
            self.latest.append((request, decision))
        elif form.refuses:
            self.latest.append((request, decision))
        form.count += 1
        if form.bit and self._contacts is not None:
            self._contacts.permitted(form.bit, decision, request.received_at)
        return True

    def decided_durably(
        self, request: Request, decision: Decision, then: Callable[[BaseException | None], None], patience_ms: int = 0
    ) -> bool:
        """Records a decision and calls `then` when it is on disk; False, and no call, where the log takes no more.

        It may wait `patience_ms` for others to go to the disk with.
        """
        form = self._forms.get(id(decision.ground)) or self._form(decision.ground)
        if self._person_key is not None and self._person_key.is_rotating:
            form = self._form_for(request, decision.ground)
        octets = form.stamp(decision, int(request.received_at * 1e6))
        if not self._log.append_octets_durable(octets, then, patience_ms):
            return False
        self.changed = True
        self.latest.append((request, decision))
        form.count += 1
        return True

    def _form_for(self, request: Request, ground: Ground) -> "Form":
        """The form that names the key by which this person is known."""
        key = self._person_key
        former = 0 if key is None or request.recipient is None else key.id_for(request.recipient)
        if key is None or former in (0, key.key_id):
            return self._forms.get(id(ground)) or self._form(ground)
        # WHY negative: no object has such an identity.
        return self._forms.get(-id(ground)) or self._form(ground, former)

    def keys_changed(self) -> None:
        """Other keys of persons live: records name them."""
        if self._person_key is not None:
            self.key_id = self._person_key.key_id
            self.renew()

    def _form(self, ground: Ground, former: int = 0) -> "Form":
        if len(self._forms) >= _FORMS_KEPT:
            self.settle()
            self._forms.clear()
        form = Form(ground, former or self.key_id)
        self._forms[-id(ground) if former else id(ground)] = form
        if self._contacts is not None:
            form.bit = self._contacts.bit_of(ground)
        return form

    def renew(self) -> None:
        """Other packs are in force: what is counted may be other purposes."""
        self.settle()
        self._forms.clear()

    def reached_nobody(self, decision_id: int) -> None:
        """What was permitted is no contact: a call that did not ring."""
        if self._contacts is not None:
            self._contacts.taken_back(decision_id)

    def settle(self) -> None:
        """Brings the counters of decisions up to date with what the forms counted, for whoever looks at them now."""
        self._to_show = _LATEST
        for form in self._forms.values():
            if form.count:
                ground = form.ground
                self.counters.decisions[(ground.channel, ground.effect, ground.rule)] += form.count
                form.count = 0

    def outcome(self, decision_id: int, result: str, status: int, id_hash: bytes) -> None:
        """Records how a permitted message ended where that is not an ordinary acceptance."""
        if result == REJECTED:
            self.reached_nobody(decision_id)
        record = records.Outcome(
            id=decision_id, at_us=time.time_ns() // 1000, result=result, status=status, carrier_id_hash=id_hash
        )
        if not self._log.append(record):
            self.counters.counts["evidence.full"] += 1

    def withdrawn(self, decision_id: int, status: int | None) -> str:
        """Records a carrier's answer to a cancel of tdgate's own (None: none came); the event that tells of it."""
        failed = status is None or status != 0
        self.outcome(decision_id, KEPT if failed else CANCELLED, status or 0, b"")
        return "withdrawal.failed" if failed else "withdrawal.done"

    def refused(
        self, record: records.Suppression | records.Release, heard: Heard, then: Callable[[BaseException | None], None]
    ) -> bool:
        """Records what a person asked and calls `then` when it is on disk; False where the log takes no more."""
        self.heard.append(heard)
        self.changed = True
        return self._log.append_durable(record, then)

    def told(
        self,
        record: records.AnyRecord | records.Unknown,
        heard: Heard | None,
        then: Callable[[BaseException | None], None],
    ) -> bool:
        """Records what an institution told of a person, as `refused`; `heard` is what the window shows of it."""
        if heard is not None:
            self.heard.append(heard)
            self.changed = True
        return not isinstance(record, records.Unknown) and self._log.append_durable(record, then)

    def note(self, topic: str, actor: str, text: str) -> None:
        """Records an act of operation."""
        record = records.Note(at_us=time.time_ns() // 1000, topic=topic, actor=actor, text=text)
        if not self._log.append(record):
            self.counters.counts["evidence.full"] += 1
