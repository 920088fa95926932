"""The tries of a stalled message: judged, marked on disk, sent, answered by the carrier, or put off. Sans-IO.

Must never send without a permit of that moment, before the mark is durable, or what may have gone out already. A try
that was permitted ends once, as `accepted`, `rejected` or `unknown`, as every permitted message does.
"""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.core.decision import Permit, Refusal
from proxy.smpp import consts
from proxy.smpp.concat import Part
from proxy.smpp.gate import ACCEPTED, REJECTED, UNKNOWN
from proxy.smpp.stalled_message import BUSY, GOING, Kept, KeptMessage
from proxy.smpp.stalled_ports import StalledJudge, StalledLimits, StalledStore, StalledWay
from proxy.smpp.stalled_records import MarkRecord, encode_record

_NO_DISK: Final = "internal.store"
_NO_WAY: Final = "internal.upstream"
_WITHDRAWN: Final = "suppression.active"

#: Answers of a carrier that ask for the same message later (SMPP v3.4 §5.1.3).
TEMPORARY: Final = frozenset((consts.ESME_RSYSERR, consts.ESME_RMSGQFUL, consts.ESME_RTHROTTLED, consts.ESME_RX_T_APPN))


class Keeper(Protocol):
    """Who keeps the messages (`stalled.py`)."""

    def refused(self, message: KeptMessage, refusal: Refusal) -> None:
        """The policy refused a message, for good or for a while; its record is where it has to be."""
        ...

    def wait(self, message: KeptMessage, pause_s: float) -> None:
        """A message is to be tried again after a pause."""
        ...

    def end_part(self, message: KeptMessage, kept: Kept, state: int, status: int) -> None:
        """A part is over, in this message_state."""
        ...

    def report(self, message: KeptMessage, ids: list[int]) -> None:
        """The ends of these parts are on disk: their sender may be told."""
        ...

    def finish(self, message: KeptMessage) -> None:
        """All parts of a message are over."""
        ...


class StalledTries:
    """The tries of one account's messages; `open` of them have not ended."""

    def __init__(
        self, store: StalledStore, judge: StalledJudge, way: StalledWay, limits: StalledLimits, keeper: Keeper
    ) -> None:
        self._store = store
        self._judge = judge
        self._way = way
        self._limits = limits
        self._keeper = keeper
        self.open = 0
        #: Messages of which a part has no answer yet.
        self._at_carrier: dict[int, KeptMessage] = {}
        #: How they ended (see `judging/tallies.py`).
        self.accepted = self.rejected = self.unknown = 0
        #: Receipts are counted where they come (`Deliveries`, `Desk`).
        self.receipts = 0

    @property
    def open_messages(self) -> int:
        """Permitted tries whose end is not known."""
        return self.open

    def parts_of(self, message: KeptMessage) -> tuple[Part, ...]:
        """Its parts as they read now; what reads as none any more stays as it was, and is judged so."""
        return tuple([self._judge.part_of(one.part.pdu) or one.part for one in message.in_order()])

    def begin(self, message: KeptMessage) -> None:
        """Judges a message, and sends what of it is still to be sent."""
        message.state = BUSY
        parts = self.parts_of(message)
        permits = self._judge.judge_parts(parts, "", "", lambda refusal: self._keeper.refused(message, refusal))
        if len(permits) != len(parts):
            return
        self.open += 1
        message.tries += 1
        message.status, message.is_unknown = 0, False
        message.decision_id = permits[0].decision.id
        going = [(one, permit) for one, permit in zip(message.in_order(), permits, strict=True) if one.waits]
        self._way.reserve(message.id)
        self.mark(message, [one.id for one, _ in going], lambda ok: self._marked(message, parts, going, ok))

    def mark(self, message: KeptMessage, out: list[int], then: Callable[[bool], None]) -> None:
        """Writes down which parts may be out from now on, and which are over."""
        message.serial += 1
        taken = [one.id for one in message.kept.values() if one.is_taken]
        ended = [(one.id, one.end, one.status) for one in message.kept.values() if one.end]
        record = encode_record(MarkRecord(message.id, message.serial, out, taken, ended, message.tries))

        def written(ok: bool) -> None:
            if ok:
                if message.mark:
                    self._store.drop(message.mark)
                message.mark = record
                self._keeper.report(message, [id_ for id_, _, _ in ended])
            then(ok)

        if not self._store.put(record, written):
            then(False)

    def _marked(
        self, message: KeptMessage, parts: tuple[Part, ...], going: list[tuple[Kept, Permit]], is_marked: bool
    ) -> None:
        try:
            self._go(message, parts, going, is_marked)
        finally:
            self._way.release(message.id)

    def _go(
        self, message: KeptMessage, parts: tuple[Part, ...], going: list[tuple[Kept, Permit]], is_marked: bool
    ) -> None:
        if not is_marked:
            self._judge.note("stalled.failed")
            self._not_sent(message, _NO_DISK)
        elif self._judge.refused_whole(parts) is not None:
            # WHY: a refusal came while the mark was written. It is judged again, and so recorded as what it is.
            self._not_sent(message, _WITHDRAWN)
        else:
            message.state = GOING
            self._at_carrier[message.id] = message
            for kept, _ in going:
                kept.is_out = True
            if not self._way.send(message.id, [(kept.id, kept.part, permit) for kept, permit in going]):
                for kept, _ in going:
                    kept.is_out = False
                del self._at_carrier[message.id]
                self._not_sent(message, _NO_WAY)

    def _not_sent(self, message: KeptMessage, rule: str) -> None:
        """A permit that was not spent: its try ends as rejected, by tdgate's own status."""
        message.state = BUSY
        message.status = self._judge.status_of(rule)
        self._count(message, REJECTED)
        pause_s = 0.0 if rule == _WITHDRAWN else self.pause_s(message)
        self.mark(message, [], lambda _: self._keeper.wait(message, pause_s))

    def pause_s(self, message: KeptMessage) -> float:
        limits = self._limits
        return float(min(limits.retry_first_s * 2.0 ** min(message.tries - 1, 30), limits.retry_most_s))

    def _count(self, message: KeptMessage, result: str) -> None:
        self.open -= 1
        if result == ACCEPTED:
            self.accepted += 1
            return
        if result == REJECTED:
            self.rejected += 1
        else:
            self.unknown += 1
        self._judge.outcome(message.decision_id, result, message.status if result == REJECTED else 0, b"")

    def awaits_answer(self, recipient: str) -> bool:
        """Whether a part to this canonical address is at the carrier, which has not said under which id."""
        return any(message.key[1] == recipient for message in self._at_carrier.values())

    # ---- the carrier's answers --------------------------------------------------------------------------------

    def taken(self, message: KeptMessage, kept: Kept) -> None:
        """The carrier took a part; the trail knows under which id of its own."""
        kept.is_out, kept.is_taken = False, True
        self._answered(message)

    def refused_by_carrier(self, message: KeptMessage, kept: Kept, status: int) -> None:
        """The carrier refused a part, for a while or for good."""
        kept.is_out = False
        message.status = status
        if status in TEMPORARY:
            self._judge.note("stalled.retried")
        else:
            message.is_broken = True
            self._keeper.end_part(message, kept, consts.STATE_UNDELIVERABLE, status)
        self._answered(message)

    def left_unknown(self, message: KeptMessage, kept: Kept) -> None:
        """Nobody knows whether the carrier took a part."""
        kept.is_out = False
        message.is_unknown = True
        self._judge.note("stalled.unknown")
        self._keeper.end_part(message, kept, consts.STATE_UNKNOWN, self._judge.status_of("outcome.unknown"))
        self._answered(message)

    def unsent(self, message: KeptMessage, kept: Kept, rule: str) -> None:
        """A part was not sent after all: no route took it, or its recipient refused while it waited."""
        kept.is_out = False
        message.status = self._judge.status_of(rule)
        self._answered(message)

    def _answered(self, message: KeptMessage) -> None:
        """Goes on once all parts of a try have their answers."""
        parts = message.kept.values()
        if any(one.is_out for one in parts):
            return
        self._at_carrier.pop(message.id, None)
        waiting = [one for one in parts if one.waits]
        if waiting or message.is_broken:
            self._count(message, REJECTED)
        else:
            self._count(message, UNKNOWN if message.is_unknown else ACCEPTED)
        if message.is_broken:
            # WHY: without the part that the carrier refused for good, what is left is no message.
            for kept in waiting:
                self._keeper.end_part(message, kept, consts.STATE_UNDELIVERABLE, message.status)
            waiting = []
        if not waiting:
            self._keeper.finish(message)
            return
        message.state = BUSY
        self.mark(message, [], lambda _: self._keeper.wait(message, self.pause_s(message)))
