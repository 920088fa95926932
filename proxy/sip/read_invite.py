"""What an INVITE asks of the policy: who would call whom, what for, and what in it closes it. Pure.

Owns which of the identities in an INVITE is the caller, and which octets are the recipient: P-Asserted-Identity of a
trusted trunk, else From; the user of the Request-URI, never To. Must never take one of two: identities that say
different numbers are a finding, and the policy refuses it. What leaves is written anew from what was judged, so
an identity that is not the caller's (a name, P-Preferred-Identity, Remote-Party-ID, the P-Asserted-Identity of a
trunk that may assert none) is never passed on and need not be read.
"""

from typing import Final

from proxy.core import addresses
from proxy.core.finding import Finding
from proxy.core.purposes import STRICTEST_FIRST, Purpose
from proxy.sip.error import SipError
from proxy.sip.judged import JudgedCall
from proxy.sip.memory import Memory
from proxy.sip.message import SipRequest
from proxy.sip.subscriber import Subscriber, subscriber_of
from proxy.sip.uri import Uri, parse_uri

#: Canonical numbers by URI, empty for none. WHY a memory: an institution calls from few numbers.
_CALLERS: Final[Memory[str]] = Memory(1024)
IDENTITY: Final = "caller.identity"
ADDRESS: Final = "address.invalid"
#: Police, fire, ambulance, traffic accidents, rescue at sea in China; 112 of mobile networks.
EMERGENCY: Final = frozenset((b"110", b"119", b"120", b"122", b"12395", b"112"))
_SHORT: Final = 6
_NO_PRIVACY: Final = frozenset((b"none", b""))
_CHINA: Final = b"+86"


class ReadInvite:
    """One INVITE as the policy is asked about it; `caller` and `recipient` are canonical, None without a form."""

    __slots__ = ("caller", "findings", "purpose", "recipient")

    def __init__(
        self, caller: str | None, recipient: str | None, purpose: Purpose | None, findings: tuple[Finding, ...]
    ) -> None:
        self.caller: Final = caller
        self.recipient: Final = recipient
        self.purpose: Final = purpose
        self.findings: Final = findings

    def judged(self, display: str, page: str = "") -> bytes:
        """What a permit for this call holds: a `JudgedCall`'s octets, `display` and `page` from the registry; empty
        where one of its numbers has no form, and then there is no permit.
        """
        if self.caller is None or self.recipient is None:
            return b""
        return JudgedCall(self.caller, self.recipient, display, page).octets()


def read_invite(
    request: SipRequest, uri: Uri, *, asserts_identity: bool, purpose_key: str, offers_text: bool = False
) -> ReadInvite:
    """Reads an INVITE; `uri` is its Request-URI. Never raises: what cannot be read is a finding.

    `asserts_identity`: the trunk is trusted to name the caller in P-Asserted-Identity (RFC 3325 §5). `purpose_key` is
    the header in which a sender with several purposes says which one it means, in lower case; empty for none (J22).
    `offers_text`: its body describes media of text or messages.
    """
    findings: list[Finding] = []
    if offers_text:
        # WHY refused: a text inside a call is a text that no rule for texts has seen.
        findings.append(Finding("pdu.unsupported", "media"))
    caller = _caller(request, asserts_identity, findings)
    if request.has("privacy") and any(
        each.lower() not in _NO_PRIVACY for line in request.each("privacy") for each in _tokens(line)
    ):
        # WHY refused, not stripped: who asks to be hidden must not be shown, and must not call unshown (J11).
        findings.append(Finding(IDENTITY, "privacy"))
    try:
        recipient = recipient_of(uri)
    except SipError:
        recipient = None
    if recipient is None and (short := short_of(uri)):
        findings.append(Finding(ADDRESS, short))
    purpose = _purpose(request, purpose_key, findings) if purpose_key else None
    return ReadInvite(caller, recipient, purpose, tuple(findings))


def recipient_of(uri: Uri) -> str | None:
    """The person a Request-URI calls: routing number, context, escapes, sub-address, extension and post-dial digits
    stripped. None where it has no form; raises SipError(400) where it is malformed.
    """
    number = subscriber_of(uri)
    if number is None:
        return None
    if number.plus:
        return addresses.recipient(addresses.TON_UNKNOWN, 1, b"+" + number.digits)
    found = addresses.recipient(addresses.TON_UNKNOWN, 1, number.digits)
    if not _global_context(number):
        return found
    # A local number (RFC 3966 §5.1.5): behind its context, or, where that is China, as it is dialled there.
    whole = addresses.recipient(addresses.TON_UNKNOWN, 1, _context(number) + number.digits.lstrip(b"0"))
    dialled = None
    if _context(number).startswith(_CHINA):
        dialled = addresses.recipient(addresses.TON_NATIONAL, 1, number.digits)
    # WHY None where both are subscribers: nobody knows which of the two persons is meant.
    return whole if dialled is None or dialled == whole else dialled if whole is None else None


def short_of(uri: Uri) -> str:
    """What a number without a form is, where it is one of a network's own: nobody's subscriber (10086, 95500).

    Empty where it is none.
    """
    try:
        number = subscriber_of(uri)
    except SipError:
        return ""
    if number is None or number.plus or not 3 <= len(number.digits) <= _SHORT or not number.digits.isdigit():
        return ""
    return "emergency" if number.digits in EMERGENCY else "service"


def caller_in(uri: Uri) -> str | None:
    """The canonical number of an identity, None where it has none; raises SipError(400) where it is malformed."""
    known = _CALLERS.get(uri.written)
    if known is None:
        known = _caller_in(uri) or ""
        _CALLERS.keep(uri.written, known)
    return known or None


def _caller_in(uri: Uri) -> str | None:
    number = subscriber_of(uri)
    if number is None:
        return None
    octets = number.digits
    if number.plus:
        octets = b"+" + octets
    elif _global_context(number):
        octets = _context(number) + octets.lstrip(b"0")
    return addresses.sender(addresses.TON_UNKNOWN, 1, octets)


def _caller(request: SipRequest, asserts_identity: bool, findings: list[Finding]) -> str | None:
    try:
        asserted = request.addresses("p-asserted-identity") if asserts_identity else []
        numbers = {caller_in(parse_uri(each.uri)) for each in asserted or [request.from_]}
    except SipError:
        findings.append(Finding(IDENTITY, "unreadable"))
        return None
    # An identity may stand there twice, as a sip and a tel URI (RFC 3325 §9.1); one that is only a name says no number.
    numbers.discard(None)
    if len(numbers) == 1:
        return numbers.pop()
    findings.append(Finding(IDENTITY, "ambiguous" if numbers else "number"))
    return None


def _purpose(request: SipRequest, key: str, findings: list[Finding]) -> Purpose | None:
    values = request.each(key)
    if not values:
        return None
    named = values[0].decode("ascii", "replace").strip().lower()
    found = next((purpose for purpose in STRICTEST_FIRST if purpose == named), None)
    if found is None or len(values) > 1:
        findings.append(Finding("pdu.ambiguous", "purpose"))
        return None
    return found


def _tokens(line: bytes) -> list[bytes]:
    """The values of Privacy: RFC 3323 §4.2 puts semicolons between them, some peers put commas."""
    return [each.strip() for each in line.replace(b",", b";").split(b";")]


def _context(number: Subscriber) -> bytes:
    return number.context.translate(None, b"-.() ")


def _global_context(number: Subscriber) -> bool:
    context = _context(number)
    return context[:1] == b"+" and context[1:].isdigit()
