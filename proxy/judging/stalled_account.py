"""One account's stalled messages and the disk: records and receipts in the spool, the carrier's ids in the trail.

Owns both adapters, and whose message a receipt or a request by id is about in mirror mode. Must never hand out an id
of another account. Records stand in the spool beside the account's deliveries, under a name of their own; one batch
makes a part's record durable together with whatever else came in that turn.
"""

from collections.abc import Callable
from itertools import groupby
from typing import Final

import msgspec

from proxy.core.persons import PersonKey
from proxy.smpp.by_id import OwnMessage, cancel_answer, query_answer
from proxy.smpp.concat import Holder
from proxy.smpp.consts import CANCEL_SM, SUBMIT_SM
from proxy.smpp.deliveries import RenamedReceipt
from proxy.smpp.inbound import Receipt, person_of, read_inbound
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.receipt_ids import likely_ids, rewritten
from proxy.smpp.stalled import StalledMessages
from proxy.smpp.stalled_message import kept_name
from proxy.smpp.stalled_ports import StalledJudge
from proxy.smpp.stalled_records import MarkRecord, PartRecord, decode_record
from proxy.smpp.text import AlphabetTable
from proxy.spool.entry import Entry
from proxy.spool.errors import SpoolDamagedError
from proxy.spool.spool import Spool
from proxy.trail.message import decision_of
from proxy.trail.trail import Trail

#: Follows the account in the name of the queue that holds its records. No account has such a name.
_RECORDS: Final = "\0stalled"
_ALL: Final = 1 << 30


def stalled_accounts(spool: Spool) -> list[str]:
    """Accounts of which records stand in a spool."""
    return [name.removesuffix(_RECORDS) for name in spool.accounts() if name.endswith(_RECORDS)]


class StalledDisk:
    """The `StalledStore` of one account (see `smpp/stalled.py`). `kept(account)` says that a receipt waits."""

    def __init__(self, spool: Spool, account: str, kept: Callable[[str], None], log: Callable[..., None]) -> None:
        self._spool: Final = spool
        self._account: Final = account
        self._name: Final = account + _RECORDS
        self._kept: Final = kept
        self._log: Final = log
        #: INVARIANT: records differ, since each holds an id or a serial of its own.
        self._entries: Final[dict[bytes, Entry]] = {}

    def put(self, record: bytes, then: Callable[[bool], None]) -> bool:
        return self._spool.put(self._name, record, lambda error: self._written(error, then))

    def _written(self, error: OSError | None, then: Callable[[bool], None]) -> None:
        if error is None:
            self._take()
        then(error is None)

    def _take(self) -> None:
        """Takes in hand what is durable, so that it does not end by its age and can be dropped."""
        try:
            for entry in self._spool.take(self._name, _ALL):
                self._entries[entry.octets] = entry
        except (OSError, SpoolDamagedError):
            self._log("spool.unreadable", account=self._account)

    def drop(self, record: bytes) -> None:
        if record not in self._entries:
            self._take()
        entry = self._entries.pop(record, None)
        if entry is not None:
            self._spool.done(entry)

    def deliver(self, receipt: bytes, then: Callable[[bool], None]) -> bool:
        def written(error: OSError | None) -> None:
            then(error is None)
            if error is None:
                self._kept(self._account)

        return self._spool.put(self._account, receipt, written)

    def found(self) -> list[bytes]:
        """All records that stand there."""
        self._take()
        return list(self._entries)


class SpooledFor:
    """The `Spooled` of one account (see `smpp/deliveries.py`)."""

    def __init__(self, spool: Spool, account: str, log: Callable[..., None]) -> None:
        self._spool: Final = spool
        self._account: Final = account
        self._log: Final = log

    def take(self, most: int) -> list[Entry]:
        try:
            return self._spool.take(self._account, most)
        except (OSError, SpoolDamagedError):
            self._log("spool.unreadable", account=self._account)
            return []

    def done(self, entry: Entry) -> None:
        self._spool.done(entry)

    def give_back(self, entry: Entry) -> None:
        self._spool.give_back_entry(entry)


class StalledAccount:
    """The stalled messages of one account. `is_pooled`: what the carrier has is then found by the pool itself."""

    def __init__(
        self,
        account: str,
        messages: StalledMessages,
        trail: Trail,
        person_key: Callable[[], PersonKey],
        log: Callable[..., None],
        *,
        is_pooled: bool,
    ) -> None:
        self._account: Final = account
        self.messages: Final = messages
        self._trail: Final = trail
        self._person_key: Final = person_key
        self._log: Final = log
        self._is_pooled: Final = is_pooled

    def carrier_id(self, name: bytes) -> bytes | None:
        """The carrier's id of a message under an id of tdgate's own, b"" while tdgate has it; None for any other id."""
        if self.messages.state_of(name) is not None:
            return b""
        decision_id = None if self._is_pooled else decision_of(name)
        if decision_id is None or kept_name(decision_id) != name:
            return None
        found = self._trail.by_ours(decision_id)
        return found.carrier_id or None if found is not None and found.account == self._account else None

    def asked_about(self, name: bytes, pdu: Pdu, holder: Holder) -> OwnMessage:
        """What becomes of a query_sm or cancel_sm about such a message; one that tdgate still has is cancelled here."""
        state = self.messages.state_of(name)
        if state is None:
            return OwnMessage(name, b"")
        if pdu.command_id != CANCEL_SM:
            return OwnMessage(name, query_answer(name, state))
        said: list[bool] = []
        is_held = False

        def cancelled(ok: bool) -> None:
            if is_held:
                holder.part_answered(pdu, cancel_answer(ok))
            else:
                said.append(ok)

        self.messages.cancel(name, cancelled)
        if said:
            return OwnMessage(name, cancel_answer(said[0]))
        is_held = True
        return OwnMessage(name, b"", is_held=True)

    def renamed(self, pdu: Pdu, route: str, table: AlphabetTable) -> Pdu | None:
        """A receipt under the id that tdgate gave; as it is where it is about another message, or cannot be changed.

        None where it may be about a part whose answer is still to come, on whichever bind: then its id is not known.
        """
        if self._is_pooled or not (self._trail.used or self.messages.tries.open):
            return pdu
        inbound = read_inbound(pdu, table)
        if not isinstance(inbound, Receipt):
            return pdu
        sm = inbound.sm
        address = person_of(sm.source_ton, sm.source_npi, sm.source)
        person = b"" if address is None else self._person_key().digest(address)
        # WHY both: some carriers write the addresses of the message as they were.
        other = person_of(sm.dest_ton, sm.dest_npi, sm.dest)
        persons = (person, b"" if other is None else self._person_key().digest(other))
        for each in inbound.ids:
            found = [
                one for one in self._trail.of_receipt(route, each, likely_ids, person) if one.account == self._account
            ]
            if len(found) != 1 or (address is not None and found[0].person not in persons):
                # WHY: of all other messages the trail knows nothing, and a carrier may give their ids again.
                continue
            try:
                raw = rewritten(pdu.raw, sm, kept_name(found[0].decision_id))
            except PduError:
                self._log("receipt.unrenamed")
                return pdu
            return RenamedReceipt(pdu, raw, found[0].decision_id, inbound.final)
        return None if address is not None and self.messages.tries.awaits_answer(address) else pdu

    def acknowledged(self, receipt: RenamedReceipt) -> None:
        """The ESME took a receipt that was renamed."""
        if receipt.is_final:
            self._trail.final(receipt.ours, "receipt")


def recover(disk: StalledDisk, messages: StalledMessages, judge: StalledJudge, log: Callable[..., None]) -> None:
    """Takes up what an earlier run left of an account, oldest message first."""
    parts: list[tuple[PartRecord, bytes]] = []
    marks: dict[int, tuple[MarkRecord, bytes]] = {}
    idle: set[bytes] = set()
    for octets in disk.found():
        try:
            record = decode_record(octets)
        except msgspec.DecodeError:
            log("stalled.failed")
            continue
        if isinstance(record, PartRecord):
            parts.append((record, octets))
        else:
            idle.add(octets)
            if record.message not in marks or marks[record.message][0].serial < record.serial:
                marks[record.message] = (record, octets)
    parts.sort(key=lambda one: (one[0].since, one[0].message, one[0].id))
    for message, group in groupby(parts, key=lambda one: one[0].message):
        read = [(record, judge.part_of(Pdu(SUBMIT_SM, 0, 0, record.raw)), octets) for record, octets in group]
        whole = [(record, part, octets) for record, part, octets in read if part is not None]
        if len(whole) != len(read):
            # WHY left there: it was answered, and an older or newer release may read it.
            log("stalled.failed")
            continue
        mark, octets = marks.get(message, (None, b""))
        idle.discard(octets)
        messages.recover(whole, mark, octets)
    for octets in idle:
        # An older mark, or one whose message is over.
        disk.drop(octets)
