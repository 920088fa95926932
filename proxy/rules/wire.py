"""What the wire itself closes: what would go around the policy, texts nobody can read, callers nobody can name."""

from typing import Final

from proxy.core.lane import Lane
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.rules.rule import RequestRule

#: What a reader of the wire may find. INVARIANT: each is refused by the rule of this file that has its id.
FINDING_RULES: Final = frozenset(
    ("pdu.unsupported", "pdu.ambiguous", "message.partial", "message.foreign", "address.invalid", "content.undecodable")
)
#: The same for a call.
CALL_FINDING_RULES: Final = frozenset(
    ("pdu.unsupported", "pdu.ambiguous", "address.invalid", "caller.identity", "throughput.account")
)


class UnknownFindingError(Exception):
    """A reader found something that no rule refuses: a defect, which must not become a pass."""


def _found(request: Request, rule: str) -> str | None:
    for finding in request.findings:
        if finding.rule == rule:
            return finding.detail
    return None


def _unsupported(request: Request, lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    if request.findings:
        known = CALL_FINDING_RULES if request.channel == "voice" else FINDING_RULES
        if not known.issuperset(finding.rule for finding in request.findings):
            raise UnknownFindingError
        found = _found(request, "pdu.unsupported")
        if found is not None:
            return found
    if request.scheduled and lane.purpose in ("marketing", "collection"):
        # WHY: judged now, sent later: hours, a refusal in between, a disposal would all be passed by.
        return "schedule"
    if request.validity_s is not None and request.validity_s > lane.validity_cap_s:
        return "validity"
    return None


def _ambiguous(request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    return _found(request, "pdu.ambiguous") if request.findings else None


def _partial(request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    return _found(request, "message.partial") if request.findings else None


def _foreign(request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    return _found(request, "message.foreign") if request.findings else None


def _identity(request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    return _found(request, "caller.identity") if request.findings else None


def _address(request: Request, _lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    if request.findings and (found := _found(request, "address.invalid")) is not None:
        return found
    if request.by_id:
        return None
    if request.sender is None:
        return "source"
    return "destination" if request.recipient is None else None


def _undecodable(request: Request, lane: Lane, _person: int, _snapshot: Snapshot) -> str | None:
    if request.findings and (found := _found(request, "content.undecodable")) is not None:
        return found
    if request.readings or request.by_id:
        return None
    registered = request.account.binary and lane.number is not None and lane.number.binary
    if request.binary and registered:
        return None
    return "binary" if request.binary else "text"


UNSUPPORTED: Final = RequestRule("pdu.unsupported", ("Z16", "Z17"), _unsupported, by_id=True, passes_ordinary=True)
AMBIGUOUS: Final = RequestRule("pdu.ambiguous", ("Z17",), _ambiguous, by_id=True, passes_ordinary=True)
PARTIAL: Final = RequestRule("message.partial", ("Z17",), _partial, channels=("sms",), by_id=True, passes_ordinary=True)
FOREIGN: Final = RequestRule("message.foreign", ("J13",), _foreign, channels=("sms",), by_id=True, passes_ordinary=True)
IDENTITY: Final = RequestRule("caller.identity", ("J11", "Z17"), _identity, channels=("voice",), passes_ordinary=True)
ADDRESS: Final = RequestRule("address.invalid", ("Z16", "Z9"), _address, by_id=True, passes_ordinary=True)
UNDECODABLE: Final = RequestRule(
    "content.undecodable", ("Z17", "J11"), _undecodable, channels=("sms",), by_id=True, passes_ordinary=True
)
