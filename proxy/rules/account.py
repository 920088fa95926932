"""Who sends: review, telecom licence, a way back for refusals, the agreed rate."""

from typing import Final

from proxy.core.lane import Lane
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.rule import LaneFacts, LaneRule, RequestRule


def _unreviewed(facts: LaneFacts) -> str | None:
    if not facts.account.reviewed:
        return "account"
    if facts.institution is None:
        return "institution"
    partnered = facts.account.operator != facts.account.principal
    # A partner without a contract cannot bind (Z6).
    if partnered and (facts.partner is None or not facts.partner.contract.holds(facts.now)):
        return "contract"
    return None


def _telecom_licence(facts: LaneFacts) -> str | None:
    if not facts.account.telecom_licence.holds(facts.now):
        return "platform"
    for name in facts.account.telecoms:
        telecom = facts.snapshot.telecoms.get(name)
        if telecom is None or not telecom.licence.holds(facts.now):
            return "chain"
    owner = None if facts.row is None else facts.snapshot.telecoms.get(facts.row.telecom)
    return "carrier" if owner is not None and not owner.licence.holds(facts.now) else None


def _oneway(request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    return None if request.has_receiver else "transmitter"


def _throughput(request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    for finding in request.findings:
        if finding.rule == "throughput.account":
            return finding.detail
    return "rate" if request.over_rate else None


UNREVIEWED: Final = LaneRule("account.unreviewed", ("Z6", "Z8"), _unreviewed, by_id=True)
TELECOM_LICENCE: Final = LaneRule("telecom.licence", ("Z7", "J5"), _telecom_licence, by_id=True)
ONEWAY: Final = RequestRule("account.oneway", ("Z19", "J12"), _oneway, channels=("sms",), passes_ordinary=True)
THROUGHPUT: Final = RequestRule("throughput.account", ("J7",), _throughput, by_id=True, passes_ordinary=True)
