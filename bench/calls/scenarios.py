"""SIPp's two sides of a call, as text: who calls (refused or not), and who is called.

Owns what the messages of the bench look like: a description of one audio stream, 100 and 180 before the 200, the caller
hangs up after a pause (`-d`). Persons are drawn in turn from a file (`-inf`), so that no memory of a hop sees the same
one twice in a row.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

CALLER: Final = "95500"

_SDP: Final = """\
v=0
o=user1 53655765 2353687637 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 6000 RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=sendrecv"""

_IN_DIALOG: Final = f"""\
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch];rport
From: "Call Centre" <sip:{CALLER}@[local_ip]:[local_port]>;tag=[pid]a[call_number]
To: <sip:[field0]@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
Max-Forwards: 70"""

_INVITE: Final = f"""\
INVITE sip:[field0]@[remote_ip]:[remote_port] SIP/2.0
{_IN_DIALOG.replace("[peer_tag_param]", "")}
CSeq: 1 INVITE
Contact: <sip:{CALLER}@[local_ip]:[local_port]>
Allow: INVITE, ACK, CANCEL, BYE, INFO, OPTIONS, UPDATE
User-Agent: bench
Content-Type: application/sdp
Content-Length: [len]

{_SDP}"""

_ANSWER: Final = """\
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:];tag=[pid]b[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:[local_ip]:[local_port]>"""


def _send(text: str, more: str = "") -> str:
    return f"<send{more}><![CDATA[\n{text}\n\n]]></send>\n"


def _inside(method: str, number: int, *, strict: bool) -> str:
    """A request of the caller's; `strict` sends it to the Contact of the 200 along its routes, else to the hop."""
    uri, routes = ("[next_url]", "\n[routes]") if strict else ("sip:[field0]@[remote_ip]:[remote_port]", "")
    via, rest = _IN_DIALOG.split("\n", 1)
    return f"{method} {uri} SIP/2.0\n{via}{routes}\n{rest}\nCSeq: {number} {method}\nContent-Length: 0"


def _scenario(name: str, *steps: str) -> str:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="{name}">\n{"".join(steps)}</scenario>\n'


def caller(*, strict: bool = True) -> str:
    """Who calls, talks for the pause and hangs up."""
    return _scenario(
        "caller",
        _send(_INVITE, ' retrans="500" start_rtd="1"'),
        *(f'<recv response="{status}" optional="true"/>\n' for status in (100, 180, 183)),
        '<recv response="200" rtd="1" rrs="true"/>\n',
        _send(_inside("ACK", 1, strict=strict)),
        "<pause/>\n",
        _send(_inside("BYE", 2, strict=strict), ' retrans="500"'),
        '<recv response="200"/>\n',
    )


def refused(status: int) -> str:
    """Who calls and is refused with `status`."""
    ack = _inside("ACK", 1, strict=False)
    via = ack.split("\n", 2)[1]
    return _scenario(
        "refused",
        _send(_INVITE, ' retrans="500" start_rtd="1"'),
        '<recv response="100" optional="true"/>\n',
        f'<recv response="{status}" rtd="1"/>\n',
        _send(ack.replace(via, "[last_Via:]")),
    )


def called(*, ring_ms: int = 0) -> str:
    """Who is called, rings, answers and is hung up on."""
    end = "\n[last_Via:]\n[last_From:]\n[last_To:]\n[last_Call-ID:]\n[last_CSeq:]\nContent-Length: 0"
    return _scenario(
        "called",
        '<recv request="INVITE" rrs="true"/>\n',
        _send(f"SIP/2.0 180 Ringing\n{_ANSWER}\nContent-Length: 0"),
        f'<pause milliseconds="{ring_ms}"/>\n' if ring_ms else "",
        _send(
            f"SIP/2.0 200 OK\n{_ANSWER}\nContent-Type: application/sdp\nContent-Length: [len]\n\n{_SDP}",
            ' retrans="500"',
        ),
        '<recv request="ACK"/>\n',
        '<recv request="BYE"/>\n',
        _send(f"SIP/2.0 200 OK{end}"),
        '<timewait milliseconds="1000"/>\n',
    )


def write(folder: Path, name: str, text: str) -> Path:
    """A scenario as a file."""
    file = folder / f"{name}.xml"
    file.write_text(text, "utf-8")
    return file


def persons(folder: Path, name: str, numbers: list[str]) -> Path:
    """A file of persons, one a call, in order and again from the beginning."""
    file = folder / f"{name}.csv"
    file.write_text("SEQUENTIAL\n" + "".join(f"{number}\n" for number in numbers), "utf-8")
    return file
