"""Both ends of a call by SIPp, behind proxies: what each says, with the route set that it was given."""

from __future__ import annotations

from tests.interop.callers import NUMBER
from tests.tools.sipp import SDP, recv, send

#: What leg A says of itself and must not come out at the other side.
SECRETS = ("Fake Bank", "pbx.example", "uac-call-id")


def asked(method: str, person: str, number: int = 1, more: str = "") -> str:
    """A request of the calling side before there is a dialog."""
    via = "[last_Via:]" if method in ("ACK", "CANCEL") else "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]"
    to = "[last_To:]" if method == "ACK" else f"To: <sip:{person}@pbx.example>"
    return f"""
    {method} sip:{person}@[remote_ip]:[remote_port] SIP/2.0
    {via}
    Max-Forwards: 20
    From: "Fake Bank" <sip:{NUMBER}@pbx.example>;tag=[pid]a[call_number]
    {to}
    Call-ID: uac-call-id///[call_id]
    CSeq: {number} {method}
    Contact: <sip:{NUMBER}@[local_ip]:[local_port]>
    {more}
    """.rstrip()


def inside(method: str, number: int, person: str) -> str:
    """A request of the calling side inside the dialog."""
    return f"""
    {method} [next_url] SIP/2.0
    Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
    [routes]
    Max-Forwards: 20
    From: "Fake Bank" <sip:{NUMBER}@pbx.example>;tag=[pid]a[call_number]
    To: <sip:{person}@pbx.example>[peer_tag_param]
    Call-ID: uac-call-id///[call_id]
    CSeq: {number} {method}
    Contact: <sip:{NUMBER}@[local_ip]:[local_port]>
    """.rstrip()


def answer(status: str, tag: str = "[pid]b[call_number]") -> str:
    """An answer of the called side to what begins a call."""
    return f"""
    SIP/2.0 {status}
    [last_Via:]
    [last_Record-Route:]
    [last_From:]
    [last_To:];tag={tag}
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port]>
    Server: Behind/1
    """.rstrip()


def reply(status: str) -> str:
    """An answer to a request inside a dialog."""
    return answer(status, "x").replace(";tag=x", "")


def theirs(method: str, number: int) -> str:
    """A request of the called side; the variables were kept of the INVITE (`KEPT` of the SIPp tools)."""
    return f"""
    {method} [$target] SIP/2.0
    Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
    [routes]
    Max-Forwards: 20
    From:[$to];tag=[pid]b[call_number]
    To:[$from]
    [last_Call-ID:]
    CSeq: {number} {method}
    Contact: <sip:b@[local_ip]:[local_port]>
    """.rstrip()


def calls(person: str, *holds: str, absent: tuple[str, ...] = (), rings: bool = True, more: str = "") -> list[str]:
    """The calling side up to an answered call; `holds` and `absent` are of the 200."""
    return [
        send(asked("INVITE", person, more=more), SDP, retrans_ms=500),
        recv(100, optional=True),
        *([recv(180, absent=absent)] if rings else []),
        recv(200, "m=audio 6000", *holds, absent=absent, more='rrs="true"'),
        send(inside("ACK", 1, person)),
    ]


def hangs_up(person: str) -> list[str]:
    return [send(inside("BYE", 2, person), retrans_ms=500), recv(200)]


def is_hung_up() -> list[str]:
    return [recv("BYE"), send(reply("200 OK"))]


def is_refused(person: str, status: int, *holds: str, absent: tuple[str, ...] = ()) -> list[str]:
    return [
        send(asked("INVITE", person), SDP, retrans_ms=500),
        recv(100, optional=True),
        recv(status, *holds, absent=absent),
        send(asked("ACK", person)),
    ]


def is_cancelled(to: str) -> tuple[str, ...]:
    """A caller who gives up while it rings."""
    return (
        send(asked("INVITE", to), SDP, retrans_ms=500),
        recv(100, optional=True),
        recv(180),
        send(asked("CANCEL", to), retrans_ms=500),
        recv(200),
        recv(487),
        send(asked("ACK", to)),
    )
