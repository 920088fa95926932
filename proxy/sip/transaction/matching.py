"""Which transaction a message belongs to (RFC 3261 §17.1.3, §17.2.3).

Owns the keys. A branch of RFC 3261 with the magic cookie is unique with its sent-by and method. Without the cookie, or
with nothing behind it, the rules of RFC 2543 hold in the form of §17.2.3: Request-URI, tag of From, Call-ID, CSeq
number and the topmost Via together. The tag of To is left out of them, since the ACK has it and the INVITE had not.
Branches are compared octet by octet: a peer returns what it was given.
"""

from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.via import Via


def branch_key(via: Via, method: str) -> bytes:
    """The key of a request of this method whose branch is `unique`."""
    return via.sender + b" " + method.encode("ascii")


def server_key(request: SipRequest, method: str) -> bytes:
    """The key under which a request of this `method` would be found: that of its own, or "INVITE" for an ACK or a
    CANCEL.
    """
    via = request.via
    if via.unique:
        return branch_key(via, method)
    tag = request.from_.tag or b""
    parts = (b"2543", request.uri, tag, request.call_id, b"%d" % request.cseq.number, via.written)
    return b" ".join(parts) + b" " + method.encode("ascii")


def client_key(branch: bytes, method: str) -> bytes:
    """The key of a request of ours; our branches are unique by themselves."""
    return b"<" + branch + b" " + method.encode("ascii")


def response_key(response: SipResponse) -> bytes | None:
    """The key of the request that a response belongs to; None where it has not exactly one Via, and so answers nothing
    of ours (§18.1.2, RFC 4475 §3.3.10)."""
    keys = response.keys
    if keys.count("via") != 1 or response.lines[keys.index("via")].find(b",") >= 0:
        return None
    return client_key(response.via.branch, response.cseq.method)


def merged_key(request: SipRequest) -> bytes | None:
    """What an INVITE and its copies by other ways have in common (§8.2.2.2); None within a dialog."""
    if request.to.tag is not None:
        return None
    return b"=%d " % request.cseq.number + request.call_id + b" " + (request.from_.tag or b"")
