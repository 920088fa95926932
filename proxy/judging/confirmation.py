"""The optional confirmation of a refusal: one message to the person, once per change of state.

Owns its wording and the octets. It goes out with a permit like everything else: judged by the rules that guard the
sending number and the account, and not by the person's refusal, which it confirms. Never to short codes.
"""

from typing import Final

import msgspec

from proxy.core.decision import Decision, Permit
from proxy.core.ground import ASKS_OWN
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.judging.hearing import Understood
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.policy import evaluate
from proxy.rules.rule import LaneFacts
from proxy.rules.table import RULES
from proxy.settings import Confirmation
from proxy.smpp.codec import encode
from proxy.smpp.consts import SUBMIT_SM
from proxy.smpp.text import encode_text

#: What a confirmation need not pass: it answers the person, so no consent, hour or purpose of the sender's applies.
_EXEMPT: Final = frozenset(
    (
        "suppression.active",
        "consent.missing",
        "hours.closed",
        "purpose.mismatch",
        "account.oneway",
        "throughput.account",
        "licence.scope",
        "licence.expired",
        "licence.region",
        "template.unreviewed",
        "debtor.unknown",
        "debtor.uninformed",
        "collection.objection",
        "content.identity",
        "content.contact",
        "content.product",
        "content.refusal",
    )
)


def _never(_: LaneFacts) -> bool:
    return False


#: The whole table, each rule in its place, so that outcomes in the evidence are read like all others.
_RULES: Final = tuple(msgspec.structs.replace(rule, applies=_never) if rule.id in _EXEMPT else rule for rule in RULES)
_MOBILE_DIGITS: Final = 13


class Confirmer:
    """Makes confirmations. `permit` gives None where there is to be none."""

    def __init__(self, settings: Confirmation, in_force: InForce, journal: Journal) -> None:
        self._settings = settings
        self._in_force = in_force
        self._journal = journal

    def permit(self, account: Account, understood: Understood, now: float) -> Permit | None:
        """A permit for the confirmation of this refusal; `now` is UTC seconds."""
        person, number = understood.person, understood.number
        if not self._settings.enabled or understood.reading.label != "optout" or not number.isdigit():
            return None
        if len(person) != _MOBILE_DIGITS or not person.startswith("861"):
            return None
        data_coding, octets = encode_text(self._settings.text)
        raw = encode(
            SUBMIT_SM,
            0,
            1,
            {
                "service_type": b"",
                "source_addr_ton": 0,
                "source_addr_npi": 0,
                "source_addr": number.encode(),
                "dest_addr_ton": 1,
                "dest_addr_npi": 1,
                "destination_addr": person.encode(),
                "esm_class": 0,
                "protocol_id": 0,
                "priority_flag": 0,
                "schedule_delivery_time": b"",
                "validity_period": b"",
                "registered_delivery": 0,
                "replace_if_present_flag": 0,
                "data_coding": data_coding,
                "sm_default_msg_id": 0,
                "short_message": octets,
            },
        )
        request = Request(
            id=self._journal.next_id(),
            channel="sms",
            account=account,
            sender=number,
            recipient=person,
            readings=(self._settings.text,),
            octets=raw,
            received_at=now,
        )
        # WHY: another table needs another memo of lanes, or the lanes of ordinary messages would answer for it.
        snapshot = msgspec.structs.replace(self._in_force.snapshot, lanes={})
        verdict = evaluate(request, snapshot, now, _RULES)
        if not isinstance(verdict, Permit):
            return None
        decision = verdict.decision
        # WHY marked: no account submitted it, so no account's counts have it.
        own = Decision(decision.id, decision.person, msgspec.structs.replace(decision.ground, asks=ASKS_OWN))
        return verdict if self._journal.decided(request, own) else None
