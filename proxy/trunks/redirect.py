"""Where a 3xx of a carrier points: the number in its best Contact, and nothing else of it.

Owns the choice among Contacts. Must never give a host, port or parameter of one to whoever dials: what comes of a
Contact is a question to the policy, and its answer is dialled at the gateways of the configuration. Pure.
"""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.message import SipResponse
from proxy.sip.name_addr import NameAddr
from proxy.sip.uri import Uri, parse_uri

_SCHEMES: Final = frozenset((b"sip", b"sips", b"tel"))


def redirect_of(response: SipResponse) -> Uri | None:
    """The URI of the Contact that it prefers (RFC 3261 §8.1.3.4, §20.10); None where there is none that can be read."""
    try:
        found = [(_preference(each), parse_uri(each.uri)) for each in response.addresses("contact")]
    except SipError:
        return None
    found = [each for each in found if each[1].scheme in _SCHEMES]
    return max(found, key=lambda each: each[0])[1] if found else None


def _preference(contact: NameAddr) -> float:
    """Its q, 1 where none is written; raises SipError(400) where it is none."""
    written = contact.param(b"q")
    if written is None:
        return 1.0
    whole, _, part = written.partition(b".")
    if whole not in (b"0", b"1") or len(part) > 3 or (part and not part.isdigit()):
        raise SipError(400, "contact.q")
    return float(written)
