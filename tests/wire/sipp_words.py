"""What both sides say in the SIPp scenarios: leg A with much that must not pass, leg B as a carrier's gateway.

Leg A is any host of `sipp_stage`; SIPp fills in `[…]`. Every piece checks the headers that it receives.
"""

from __future__ import annotations

import re

from tests.tools.sip_house import PERSON, REFUSED
from tests.tools.sipp import KEPT, SDP, Scenario, recv, send

#: Whatever leg A says of itself beyond its judged number; nothing of it may reach the carrier.
SECRETS = ("evil.example", "Fake Bank", "uac-call-id", "CallCentre/9", "Ghost", "192.0.2.66", "10.9.8.7", "X-Purpose")

INVITE = f"""
INVITE sip:{PERSON}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 20
From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
To: "Somebody" <sip:{PERSON}@evil.example>
Call-ID: uac-call-id///[call_id]
CSeq: 1 INVITE
Contact: <sip:95500@[local_ip]:[local_port]>
P-Preferred-Identity: <sip:110@evil.example>
Remote-Party-ID: <sip:110@evil.example>
P-Asserted-Identity: <sip:110@evil.example>
Privacy: id
User-Agent: CallCentre/9
Organization: Ghost
Subject: Ghost
Alert-Info: <http://192.0.2.66/ring>
Call-Info: <http://192.0.2.66/i>;purpose=icon
Record-Route: <sip:10.9.8.7;lr>
X-Campaign: spring
X-Purpose: marketing
"""


def to_refused(text: str) -> str:
    return text.replace(PERSON, REFUSED)


def ours(method: str, number: int, extra: str = "") -> str:
    """A request of the UAC inside the dialog."""
    return f"""
    {method} [next_url] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
    To: "Somebody" <sip:{PERSON}@evil.example>[peer_tag_param]
    Call-ID: uac-call-id///[call_id]
    CSeq: {number} {method}
    Contact: <sip:95500@[local_ip]:[local_port]>
    {extra}
    """.rstrip()


def failed_ack(number: int = 1, person: str = PERSON) -> str:
    """The ACK of a final response that is no 2xx: of the same transaction."""
    return f"""
    ACK sip:{person}@[remote_ip]:[remote_port] SIP/2.0
    [last_Via:]
    Max-Forwards: 70
    From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
    [last_To:]
    Call-ID: uac-call-id///[call_id]
    CSeq: {number} ACK
    """


def answer(status: str, tag: str = "[pid]b[call_number]", extra: str = "") -> str:
    return f"""
    SIP/2.0 {status}
    [last_Via:]
    [last_From:]
    [last_To:];tag={tag}
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port];transport=[transport]>
    Server: Carrier/1 192.0.2.77
    {extra}
    """.rstrip()


def reply(status: str) -> str:
    """The answer to a request inside a dialog."""
    return f"""
    SIP/2.0 {status}
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:b@[local_ip]:[local_port]>
    """


def theirs(method: str, number: int, extra: str = "") -> str:
    """A request of the UAS inside the dialog; the variables were kept of the INVITE."""
    return f"""
    {method} [$target] SIP/2.0
    Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
    Max-Forwards: 70
    From:[$to];tag=[pid]b[call_number]
    To:[$from]
    [last_Call-ID:]
    CSeq: {number} {method}
    Contact: <sip:b@[local_ip]:[local_port]>
    {extra}
    """.rstrip()


#: What every INVITE towards the carrier holds, whatever leg A wrote.
JUDGED = (
    rf"INVITE sip:{PERSON}@127\.0\.0\.1:[0-9]+;user=phone SIP/2\.0",
    r'From: "江澜银行" <sip:95500@127\.0\.0\.1>;tag=[0-9a-f]{24}',
    r'P-Asserted-Identity: "江澜银行" <sip:95500@127\.0\.0\.1>',
    rf"To: <sip:{PERSON}@127\.0\.0\.1:[0-9]+;user=phone>",
    r"Call-ID: [0-9a-f]{24}",
    r"Contact: <sip:tdgate@127\.0\.0\.1:[0-9]+>",
    "Max-Forwards: 19",
    "X-Campaign: spring",
    "m=audio 6000 RTP/AVP 0",
)


def basic_uas(name: str = "uas", *holds: str) -> Scenario:
    return Scenario(
        name,
        (
            recv("INVITE", *JUDGED, *holds, absent=[re.escape(each) for each in SECRETS]),
            send(answer("180 Ringing")),
            send(answer("200 OK"), SDP, retrans_ms=500),
            recv("ACK", absent=["evil"]),
            recv("BYE"),
            send(reply("200 OK")),
        ),
    )


#: Leg A up to an answered call.
ANSWERED = (
    send(INVITE, SDP, retrans_ms=500),
    recv(100, optional=True),
    recv(180),
    recv(200, more='rrs="true"'),
    send(ours("ACK", 1)),
)
#: Leg B up to an answered call that it will ask something in.
ANSWERS = (
    KEPT,
    send(answer("180 Ringing")),
    send(answer("200 OK"), SDP, retrans_ms=500),
    recv("ACK"),
)
#: Until leg A has acknowledged too, a leg B that asks again hears 491: A says when it has, and B waits for that.
A_HAS_IT = (send(ours("INFO", 2), retrans_ms=500), recv(200, "CSeq: 2 INFO"))
B_KNOWS_IT = (recv("INFO"), send(reply("200 OK")))
A_HANGS_UP = (send(ours("BYE", 9), retrans_ms=500), recv(200))
B_IS_HUNG_UP = (recv("BYE"), send(reply("200 OK")))


def cancelling(*before: str) -> Scenario:
    """Leg A that gives up; `before` is what it waits for."""
    return Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, more='timeout="5000"'),
            *before,
            send(
                f"""
                CANCEL sip:{PERSON}@[remote_ip]:[remote_port] SIP/2.0
                [last_Via:]
                Max-Forwards: 70
                From: "Fake Bank" <sip:95500@evil.example>;tag=[pid]a[call_number]
                To: "Somebody" <sip:{PERSON}@evil.example>
                Call-ID: uac-call-id///[call_id]
                CSeq: 1 CANCEL
                Reason: SIP;cause=200;text="Call completed elsewhere"
                """,
                retrans_ms=500,
            ),
            recv(200),
            recv(487),
            send(failed_ack()),
        ),
    )


CANCELLED = (
    recv("CANCEL", "Reason: SIP;cause=200", absent=["evil"]),
    send(reply("200 OK")),
    send(
        """
        SIP/2.0 487 Request Terminated
        Via:[$via]
        [last_From:]
        [last_To:];tag=[pid]b[call_number]
        [last_Call-ID:]
        CSeq: 1 INVITE
        """,
        retrans_ms=500,
    ),
    recv("ACK"),
)
INVITED = (
    '<recv request="INVITE"><action>'
    '<ereg regexp=".*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/>'
    "</action></recv>"
)


def refusing(name: str, status: str, extra: str = "") -> Scenario:
    return Scenario(name, (recv("INVITE"), send(answer(status, extra=extra), retrans_ms=500), recv("ACK")))


def refused(status: int, *holds: str, absent: tuple[str, ...] = ()) -> Scenario:
    return Scenario(
        "uac",
        (
            send(INVITE, SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(status, *holds, absent=["Contact", *absent]),
            send(failed_ack()),
        ),
    )
