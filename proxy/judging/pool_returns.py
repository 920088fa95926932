"""What carriers deliver in pool mode, from the PDU to the spool: receipts under our ids, replies heard and kept.

Owns whose a delivery is and when its carrier is answered: when the spool, and for a refusal the store and the evidence
too, have it on disk. Must never acknowledge what could be lost, take a person's words for a receipt, or give one
account what is another's. A receipt may come before the answer to its message: it waits for that, unanswered.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

import msgspec

from proxy.core import addresses
from proxy.core.records import Account
from proxy.core.snapshot import Snapshot
from proxy.judging.hearing import Hearing, Understood
from proxy.judging.in_force import InForce
from proxy.judging.latest_messages import Answered
from proxy.judging.pool_early import EarlyInPool
from proxy.judging.tallies import Arrivals
from proxy.pool.bind import PoolBind
from proxy.pool.dispatch import our_id
from proxy.smpp.consts import ESME_ROK, ESME_RX_T_APPN
from proxy.smpp.inbound import Receipt, Reply, joined, person_of, read_inbound
from proxy.smpp.pdu import Pdu, PduError
from proxy.smpp.receipt import final_state
from proxy.smpp.reply_parts import ReplyParts
from proxy.smpp.short_message import ShortMessage
from proxy.smpp.text import AlphabetTable

#: How long a bind has to outlive an answer that a wish was heard, before the same octets are a new wish.
_SETTLED_S: Final = 5.0


class Found(Protocol):
    """A message that the trail knows."""

    @property
    def decision_id(self) -> int: ...

    @property
    def shown(self) -> int: ...

    @property
    def account(self) -> str: ...

    @property
    def person(self) -> bytes: ...


class MessageTrail(Protocol):
    """The part of `proxy/trail` that returns need."""

    def of_receipt(
        self, route: str, written: bytes, likely_ids: Callable[[bytes], tuple[bytes, ...]], person: bytes
    ) -> tuple[Found, ...]: ...

    def final(self, decision_id: int, state: str) -> bool: ...


class Keeping(Protocol):
    """The part of `proxy/spool` that returns need."""

    def put(self, account: str, octets: bytes, then: Callable[[OSError | None], None]) -> bool: ...


class PoolReturns:
    """Deliveries of all binds. `answered(bind)` tells the shell to write; `kept(account)` that something waits."""

    def __init__(
        self,
        pool: str,
        in_force: InForce,
        hearing: Hearing,
        trail: MessageTrail,
        spool: Keeping,
        tables: dict[str, AlphabetTable],
        *,
        likely_ids: Callable[[bytes], tuple[bytes, ...]],
        renamed: Callable[[bytes, ShortMessage, bytes], bytes],
        answered: Callable[[PoolBind], None],
        kept: Callable[[str], None],
        in_flight: Callable[[str], int],
        closed: Callable[[bytes], None],
        confirm: Callable[[Account, Understood], None],
        withdraw: Callable[[Understood], None],
        ended: Callable[[str, int], None],
        counted: Callable[[str, Arrivals], None],
        parts_wait_s: float,
        parts_quiet_s: float,
        log: Callable[..., None],
    ) -> None:
        self._pool = pool
        self._in_force = in_force
        self._hearing = hearing
        self._trail = trail
        self._spool = spool
        self._tables = tables
        self._likely_ids = likely_ids
        self._renamed = renamed
        self._answered = answered
        self._kept = kept
        self._in_flight = in_flight
        self._closed = closed
        self._confirm = confirm
        self._withdraw = withdraw
        self._ended = ended
        #: Told of each account's figures as they begin (see `tallies.py`).
        self._counted = counted
        self._arrivals: dict[str, Arrivals] = {}
        self._log = log
        self._early: Final = EarlyInPool(likely_ids)
        self._now = 0.0
        #: What carriers were told arrived, until it is likely that they know: (monotonic time, bind, name)
        self._told: deque[tuple[float, PoolBind, bytes]] = deque()
        self._parts_wait_s = parts_wait_s
        self._parts_quiet_s = parts_quiet_s
        self._parts: dict[PoolBind, ReplyParts] = {}
        self._heard_parts = hearing.heard_parts(f"pool {pool}")
        self._spoken_at: dict[PoolBind, float] = {}

    def take(self, bind: PoolBind, pdu: Pdu, now: float) -> None:
        """Takes a deliver_sm or data_sm of a carrier; it is answered here, now or later."""
        try:
            inbound = read_inbound(pdu, self._tables[bind.route])
        except PduError as error:
            self._log("pdu.malformed")
            bind.session.respond(pdu, error.status)
            self._answered(bind)
            return
        self._spoken_at[bind] = now
        if isinstance(inbound, Receipt):
            self._take_receipt(bind, pdu, inbound, now)
        elif inbound.part is None:
            self._take_reply(bind, (pdu,), inbound)
        else:
            waiting = self._parts.get(bind)
            if waiting is None:
                join = partial(joined, table=self._tables[bind.route])
                waiting = self._parts[bind] = ReplyParts(join, self._parts_wait_s, self._heard_parts)
            for pdus, reply in waiting.take(pdu, inbound, inbound.part, now):
                self._take_reply(bind, pdus, reply)

    # ---- receipts -----------------------------------------------------------------------------------------------

    def _take_receipt(self, bind: PoolBind, pdu: Pdu, receipt: Receipt, now: float) -> None:
        if self._deliver_receipt(bind, pdu, receipt):
            return
        # WHY the route's: a carrier hands a receipt to any bind, and two connections have no order.
        if not self._in_flight(bind.route):
            self._unmatched(bind, pdu, receipt)
        elif self._early.wait(bind, pdu, receipt, now):
            self._log("receipt.waited")
        else:
            self._answer(bind, pdu, ESME_RX_T_APPN)

    def _deliver_receipt(self, bind: PoolBind, pdu: Pdu, receipt: Receipt) -> bool:
        """Keeps a receipt for the ESME whose message it is about; False where no such message is known."""
        found = self._message_of(bind.route, receipt)
        if found is None:
            return False
        try:
            renamed = self._renamed(pdu.raw, receipt.sm, our_id(found.shown))
        except PduError:
            # WHY as it is: a receipt whose id cannot be told apart in it is still better than none.
            self._log("receipt.unrenamed")
            renamed = pdu.raw
        ends = found.decision_id if receipt.final else None
        self._arrivals_of(found.account).receipts += 1
        self._keep(bind, pdu, found.account, renamed, ends, final_state(receipt.sm) if receipt.final else "")
        return True

    def _message_of(self, route: str, receipt: Receipt) -> Found | None:
        """The message that a receipt is about; None where it is not certain which."""
        sm = receipt.sm
        number = person_of(sm.source_ton, sm.source_npi, sm.source)
        person = b"" if number is None else self._in_force.snapshot.person_key.digest(number)
        for each in receipt.ids:
            # INVARIANT: an id in another radix counts only with the person: it is another message's, most often.
            found = self._trail.of_receipt(route, each, self._likely_ids, person)
            # WHY of several the first: an address that stands twice in a submit_multi has one id, and one sender.
            same = len({(one.account, one.shown) for one in found}) == 1
            if same and (found[0].person == person or not self._is_of_others(found[0].account, sm)):
                return found[0]
        return None

    def _is_of_others(self, account: str, sm: ShortMessage) -> bool:
        """Whether a receipt certainly goes to a number of others: then its id was an account's message before."""
        snapshot = self._in_force.snapshot
        number, its = addresses.sender(sm.dest_ton, sm.dest_npi, sm.dest), snapshot.accounts.get(account)
        if number is None or its is None:
            return False
        users = {(row.principal, row.operator) for row in snapshot.numbers.family(number)}
        return bool(users) and (its.principal, its.operator) not in users

    def _unmatched(self, bind: PoolBind, pdu: Pdu, receipt: Receipt) -> None:
        """A receipt about no message that is known: it goes to whoever alone uses the number it names."""
        sm = receipt.sm
        number = addresses.sender(sm.dest_ton, sm.dest_npi, sm.dest)
        account = self._owner_of(number, person_of(sm.source_ton, sm.source_npi, sm.source))
        if account is None:
            self._log("receipt.unmatched")
            self._answer(bind, pdu, ESME_ROK)
        else:
            self._arrivals_of(account.id).receipts += 1
            self._keep(bind, pdu, account.id, pdu.raw)

    def _arrivals_of(self, account: str) -> Arrivals:
        arrivals = self._arrivals.get(account)
        if arrivals is None:
            arrivals = self._arrivals[account] = Arrivals()
            self._counted(account, arrivals)
        return arrivals

    def message_known(self, bind: PoolBind, carrier_id: bytes) -> None:
        """A message has got its id: receipts that came before may be about it."""
        if self._early and carrier_id:
            for one in self._early.about(bind.route, carrier_id):
                if self._deliver_receipt(one.bind, one.pdu, one.receipt):
                    self._early.remove(one)

    # ---- replies ------------------------------------------------------------------------------------------------

    def _take_reply(self, bind: PoolBind, pdus: tuple[Pdu, ...], reply: Reply) -> None:
        """Hears what a person wrote in one PDU or several, and keeps each for its ESME."""
        force = self._in_force
        users = self._users(force.snapshot)
        if not users:
            # Nobody is registered (any more): the carrier keeps it until somebody is.
            for pdu in pdus:
                self._answer(bind, pdu, ESME_RX_T_APPN)
            return
        owner = self._owner_of(reply.number, reply.person)
        if owner is None:
            self._log("reply.unattributed")
            if reply.person is None and self._hearing.refuses(reply, force.snapshot, force.vocabulary):
                # WHY not acknowledged: it binds nobody, being nobody's, and a refusal must not be lost (Z16, Z19).
                for pdu in pdus:
                    self._answer(bind, pdu, ESME_RX_T_APPN)
                return
        else:
            self._arrivals_of(owner.id).replies += 1
        understood = self._hearing.understand(reply, owner or users[0], force.snapshot, force.vocabulary)
        if understood is not None and not self._is_known(reply.number):
            # WHY all: nobody knows whose number it was; a refusal closes rather too much than too little.
            answered = {one.principal: Answered(one.principal, one.purposes) for one in users}
            understood = msgspec.structs.replace(understood, answered=tuple(answered.values()))
        if understood is not None and self._is_new_wish(understood, pdus[-1]):
            self._hear(bind, pdus, owner, understood, force.snapshot)
            return
        for pdu in pdus:
            if owner is not None:
                self._keep(bind, pdu, owner.id, pdu.raw)
            else:
                self._answer(bind, pdu, ESME_ROK)

    def _is_new_wish(self, understood: Understood, pdu: Pdu) -> bool:
        """Whether it is to be acted upon: a START that its carrier sends again is not, a refusal always."""
        return understood.reading.label != "optin" or self._hearing.wishes.is_new(self._name_of(pdu))

    def _name_of(self, pdu: Pdu) -> bytes:
        return self._in_force.snapshot.person_key.fingerprint(pdu.raw[16:])

    def _hear(
        self,
        bind: PoolBind,
        pdus: tuple[Pdu, ...],
        owner: Account | None,
        understood: Understood,
        snapshot: Snapshot,
    ) -> None:
        """Binds what a person asked at once; the carrier is answered when refusal and deliveries are all on disk."""
        open_steps = 1 if owner is None else 1 + len(pdus)
        whole = True
        bind.owed += 1

        def step(ok: bool) -> None:
            nonlocal open_steps, whole
            open_steps -= 1
            whole &= ok
            if open_steps:
                return
            bind.owed -= 1
            for pdu in pdus:
                self._answer(bind, pdu, ESME_ROK if whole else ESME_RX_T_APPN)

        def heard(ok: bool, changed: bool) -> None:
            if not ok and understood.reading.label == "optin":
                # It could not be put on disk: the carrier sends it again, and then it is to be acted upon.
                self._hearing.wishes.acknowledged(self._name_of(pdus[-1]))
            step(ok)
            if understood.reading.label == "optout":
                # Whatever the disk says: the refusal binds already, and what is not sent yet is not to be.
                self._withdraw(understood)
            if changed and owner is not None:
                self._confirm(owner, understood)

        def kept(error: OSError | None) -> None:
            if error is None and owner is not None:
                self._kept(owner.id)
            step(error is None)

        self._hearing.act(understood, snapshot, heard)
        self._closed(snapshot.person_key.digest(understood.person))
        if snapshot.person_key.is_rotating:
            self._closed(snapshot.person_key.other(understood.person))
        if owner is not None:
            for pdu in pdus:
                if not self._spool.put(owner.id, pdu.raw, kept):
                    self._log("spool.full", account=owner.id)
                    step(False)

    # ---- keeping and answering -------------------------------------------------------------------------------------

    def _keep(
        self, bind: PoolBind, pdu: Pdu, account: str, octets: bytes, ends: int | None = None, state: str = ""
    ) -> None:
        """Puts a delivery on disk for an account and answers the carrier then.

        `ends` is a message that it is the end of, `state` what became of that.
        """

        def then(error: OSError | None) -> None:
            bind.owed -= 1
            if error is None:
                self._kept(account)
                if ends is not None:
                    self._trail.final(ends, state)
                    self._ended(account, ends)
            self._answer(bind, pdu, ESME_ROK if error is None else ESME_RX_T_APPN)

        bind.owed += 1
        if not self._spool.put(account, octets, then):
            bind.owed -= 1
            self._log("spool.full", account=account)
            self._answer(bind, pdu, ESME_RX_T_APPN)

    def _answer(self, bind: PoolBind, pdu: Pdu, status: int) -> None:
        # WHY nothing for a bind that is gone: its carrier was never answered, and sends it again on the next one.
        bind.session.respond(pdu, status, b"" if status else b"\0")
        if not status and self._hearing.wishes:
            self._told.append((self._now + _SETTLED_S, bind, self._name_of(pdu)))
        self._answered(bind)

    def bind_lost(self, bind: PoolBind) -> None:
        """What waited of a bind that is gone was never answered: its carrier sends it again."""
        self._early.leave(bind)
        self._parts.pop(bind, None)
        self._spoken_at.pop(bind, None)

    def handle_deadline(self, now: float) -> None:
        """Receipts that waited long enough for a message that never got its id."""
        self._now = now
        while self._told and self._told[0][0] <= now:
            _, bind, name = self._told.popleft()
            # WHY so late: a connection that breaks right behind an answer may not have brought it.
            if not bind.gone:
                self._hearing.wishes.acknowledged(name)
        for one in self._early.expired(now):
            self._unmatched(one.bind, one.pdu, one.receipt)
        for bind, waiting in self._parts.items():
            # WHY the quiet: a carrier that waits for an answer of ours sends no other part before it has one.
            quiet = now >= self._spoken_at.get(bind, 0.0) + self._parts_quiet_s
            for pdus, reply in waiting.release(now) if quiet else waiting.expired(now):
                self._log("parts.apart")
                self._take_reply(bind, pdus, reply)

    # ---- whose it is ------------------------------------------------------------------------------------------------

    def _users(self, snapshot: Snapshot) -> list[Account]:
        """The accounts of this pool."""
        return [one for one in snapshot.accounts.values() if one.route == self._pool]

    def _is_known(self, number: str | None) -> bool:
        return number is not None and bool(self._in_force.snapshot.numbers.family(number))

    def _owner_of(self, number: str | None, person: str | None) -> Account | None:
        """The account that gets what comes to `number`: one that may send from it; None where that is not certain.

        Of several institutions that whose message the person got last. Of its accounts that which sent to the person
        last; where that is not known the institution's own before a partner's, then the first by name.
        """
        snapshot = self._in_force.snapshot
        rows = snapshot.numbers.family(number) if number is not None else ()
        senders = {(row.principal, row.operator) for row in rows}
        found = [one for one in self._users(snapshot) if (one.principal, one.operator) in senders]
        # WHY all that use it: whose accounts are elsewhere get nothing here, and nobody is to read what is theirs.
        institutions = {row.principal for row in rows}
        if len(found) + len(institutions) > 2 and person is not None and number is not None:
            latest = self._hearing.latest.find(snapshot.person_key.digest(person), number)
            if latest is not None and latest.institution in institutions:
                found = [one for one in found if one.principal == latest.institution]
                institutions = {latest.institution}
        if len(institutions) != 1 or not found:
            return None
        if len(found) > 1 and person is not None and number is not None:
            sender = self._hearing.latest.sender(snapshot.person_key.digest(person), number)
            found = [one for one in found if one.id == sender] or found
        return min(found, key=_first)


def _first(account: Account) -> tuple[bool, str]:
    return account.operator != account.principal, account.id
