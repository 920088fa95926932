"""SIP messages for tests: whole requests and responses from a few words. All names and numbers are invented."""

from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, SipRequest, SipResponse

SDP = (
    b"v=0\r\no=jianglan 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
    b"m=audio 6000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def request_octets(
    method: str = "INVITE",
    *,
    uri: str = "sip:13800138000@192.0.2.20",
    via: str = "SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-a1;rport",
    caller: str = '"Jianglan Bank" <sip:95500@192.0.2.10>;tag=a-tag',
    called: str = "<sip:13800138000@192.0.2.20>",
    call_id: str = "call-1@192.0.2.10",
    cseq: str | None = None,
    contact: str | None = "<sip:95500@192.0.2.10:5060>",
    headers: tuple[str, ...] = (),
    body: bytes = b"",
) -> bytes:
    lines = [
        f"{method} {uri} SIP/2.0",
        f"Via: {via}",
        "Max-Forwards: 70",
        f"From: {caller}",
        f"To: {called}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq or '1 ' + method}",
        *([f"Contact: {contact}"] if contact else []),
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def a_request(method: str = "INVITE", **parts: object) -> SipRequest:
    read = read_datagram(request_octets(method, **parts), Limits())  # type: ignore[arg-type]
    assert isinstance(read, SipRequest)
    return read


def a_response(
    request: SipRequest,
    status: int,
    *,
    to_tag: str = "",
    contact: str | None = None,
    headers: tuple[str, ...] = (),
    body: bytes = b"",
) -> SipResponse:
    """What a peer would answer to `request`."""
    copied = [
        request.lines[index] + (b";tag=" + to_tag.encode() if key == "to" and to_tag else b"")
        for index, key in enumerate(request.keys)
        if key in ("via", "from", "to", "call-id", "cseq", "record-route")
    ]
    added = [*([f"Contact: {contact}"] if contact else []), *headers, f"Content-Length: {len(body)}"]
    octets = b"\r\n".join([b"SIP/2.0 %d Test" % status, *copied, *(each.encode() for each in added)])
    read = read_datagram(octets + b"\r\n\r\n" + body, Limits())
    assert isinstance(read, SipResponse)
    return read
