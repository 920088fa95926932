"""Which message a query_sm, cancel_sm or replace_sm of one bind is about, and by which id its carrier knows it.

Owns what the latest of them named. Must never take an id for known that its account was not given, nor judge: what it
gives back is what has to be judged. How it works: a message of a stalled sender is known by an id of tdgate's own; in a
pool every message is (`Names`); any other by the id that the carrier gave it.
"""

from collections.abc import Container
from typing import Final

from proxy.judging.shared import Shared
from proxy.pool.spoken import Names, Spoken, named_in, renamed
from proxy.smpp.by_id import OwnMessage
from proxy.smpp.concat import Holder
from proxy.smpp.pdu import Pdu


class NamedMessages:
    """The messages that one bind's requests name. `may_replace`: replace_sm is open to its account."""

    def __init__(self, shared: Shared, *, may_replace: bool) -> None:
        self._shared: Final = shared
        self.may_replace: Final = may_replace
        #: In a pool: who knows the messages that its ESMEs speak of, and the one that the latest request is about.
        self.names: Names | None = None
        self.spoken: Spoken | None = None
        #: The id of tdgate's own that the latest request named; empty for any other.
        self._own_name = b""

    def asked_about(self, account: str, pdu: Pdu) -> tuple[Pdu, Container[object]]:
        """A query_sm or cancel_sm as it goes to the carrier, and the ids of messages that are the account's."""
        stalled, self._own_name = self._shared.stalled, b""
        name = named_in(pdu.raw)
        carrier_id = stalled.carrier_id(name) if stalled is not None else None
        if carrier_id is not None:
            self._own_name = name
            return (renamed(pdu, carrier_id), (carrier_id,)) if carrier_id else (pdu, (name,))
        if self.names is None:
            return pdu, self._shared.message_ids
        self.spoken = spoken = self.names.find(account, pdu)
        if spoken is None:
            return pdu, ()
        if spoken.ticket is not None:
            return pdu, (spoken.carrier_id or name,)
        # INVARIANT: judged is what goes on, with the carrier's id in it.
        return renamed(pdu, spoken.carrier_id), (spoken.carrier_id or name,)

    def replacement(self, account: str, pdu: Pdu) -> tuple[Pdu, Pdu | None]:
        """A replace_sm as it goes to the carrier, and the submit_sm that it makes of the message; None of none of them.

        Raises PduError where it cannot be read.
        """
        self._own_name = b""
        message_id = named_in(pdu.raw)
        found = self._shared.replaceable.find(message_id)
        if self.names is not None:
            self.spoken = spoken = self.names.find(account, pdu)
            # WHY not one that waits here: its permit is for the text that it has.
            if spoken is None or spoken.ticket is not None or message_id != b"%016x" % spoken.message:
                return pdu, None
            pdu = renamed(pdu, spoken.carrier_id)
        return pdu, None if found is None else found.replaced_by(pdu)

    def own(self, pdu: Pdu, holder: Holder) -> OwnMessage | None:
        """What becomes of the latest request where its message is known by an id of tdgate's own."""
        stalled = self._shared.stalled
        return stalled.asked_about(self._own_name, pdu, holder) if self._own_name and stalled is not None else None
