"""Which session descriptions pass: voice and video do, text and messages do not, and nothing hides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.error import SipError
from proxy.sip.sdp import check_media, parse_sdp
from tests.tools.sip_messages import SDP

pytestmark = pytest.mark.unit

PLAIN = b"application/sdp"


def refusal(content_type: bytes | None, body: bytes) -> int:
    try:
        check_media(content_type, body)
    except SipError as error:
        return error.status
    return 0


def test_what_a_description_says() -> None:
    read = parse_sdp(SDP + b"a=sendonly\r\nm=video 0 RTP/SAVP 31 32\r\nc=IN IP6 ::1\r\na=inactive\r\n")
    assert [(each.kind, each.port, each.transport, each.formats) for each in read.media] == [
        (b"audio", 6000, b"RTP/AVP", (b"0", b"101")),
        (b"video", 0, b"RTP/SAVP", (b"31", b"32")),
    ]
    assert read.connections == (b"IN IP4 192.0.2.10", b"IN IP6 ::1")
    assert read.directions == (b"sendonly", b"inactive")
    assert read.codecs == (b"telephone-event",)
    assert not read.carries_text


@pytest.mark.parametrize(
    "line",
    [
        b"m=text 11000 RTP/AVP 98",
        b"m=TEXT 11000 RTP/AVP 98",
        b"m=text 0 RTP/AVP 98",
        b"m=message 7654 TCP/MSRP *",
        b"m=audio 7654 TCP/TLS/MSRP *",
        b"m=application 7654 tcp/msrp *",
        b"m=audio 6000 RTP/AVP 98\r\na=rtpmap:98 t140/1000",
        b"m=audio 6000 RTP/AVP 98\r\na=rtpmap:98  T140c/8000",
        b"m=audio 6000 RTP/AVP 98\r\na=rtpmap:98\tt140c/8000",
        b"m=audio 6000 RTP/AVP 98\r\na=rtpmap: 98 t140/1000",
        b"m=audio 6000 RTP/AVP 98\r\na=rmcap:1 t140/1000",
        b"m=audio 6000 RTP/AVP 0\r\na=lcfg:1 mt=text t=1",
        b"m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        b'm=audio 6000 RTP/AVP 0\r\na=dcmap:0 subprotocol="MSRP"',
    ],
)
def test_text_and_messages_are_refused(line: bytes) -> None:
    assert refusal(PLAIN, SDP + line + b"\r\n") == 488
    assert refusal(b"Application / SDP ; charset=utf-8", SDP + line + b"\r\n") == 488
    assert refusal(PLAIN, (SDP + line).replace(b"\r\n", b"\n")) == 488


@pytest.mark.parametrize(
    "line",
    [
        b"m=image 6002 udptl t38",
        b"m=video 6002 RTP/AVP 31",
        b"m=audio 6002 RTP/AVP 0",
        b"i=text message MSRP",
        b"a=x:m=text 1 RTP/AVP 1",
    ],
)
def test_everything_else_passes(line: bytes) -> None:
    assert refusal(PLAIN, SDP + line + b"\r\n") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"hello",
        b"v=1\r\n",
        SDP + b"m=audio\r\n",
        SDP + b"m=audio x RTP/AVP 0\r\n",
        SDP + b"m=audio 70000 RTP/AVP 0\r\n",
        SDP + b"nonsense\r\n",
        SDP + b"m =text 1 RTP/AVP 0\r\n",
        SDP + b" m=text 1 RTP/AVP 0\r\n",
        SDP + b"M=text 1 RTP/AVP 0\r\n",
        SDP + b"a=x\0m=text 1 RTP/AVP 0\r\n",
        SDP + b"a=x\rm=text 1 RTP/AVP 0\r\n",
        SDP + b"m=audio 1 RTP/AVP 0\r\n" * 70,
    ],
)
def test_what_cannot_be_read_is_refused(body: bytes) -> None:
    assert refusal(PLAIN, body) == 400


def multipart(*parts: bytes, end: bytes = b"--b--\r\n") -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + end


TEXT = SDP + b"m=text 11000 RTP/AVP 98\r\n"
WRAPPED = b"multipart/mixed;boundary=b"
NESTED = b"--c\r\nContent-Type: application/sdp\r\n\r\n" + SDP + b"\r\n--c--\r\n"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (
            multipart(
                b"Content-Type: application/sdp\r\n\r\n" + SDP, b"Content-Type: application/isup\r\n\r\n\x01\x02"
            ),
            0,
        ),
        (
            multipart(
                b"Content-Type: application/isup\r\n\r\n\x01", b"content-type : application/sdp;x=y\r\n\r\n" + TEXT
            ),
            488,
        ),
        (multipart(b"Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64\r\n\r\ndj0w"), 415),
        (multipart(b"Content-Type: multipart/mixed;boundary=c\r\n\r\n--c\r\n"), 415),
        (multipart(b'Content-Type: multipart/mixed;boundary="c"\r\n\r\n' + NESTED), 415),
        (multipart(b"Content-Type: application/sdp\r\n" + SDP), 415),
        (multipart(b"Content-Type: application/sdp\r\n\r\n" + SDP, end=b""), 415),
        (multipart(b"Content-Type: application/isup\r\n\r\n\x01\n--b\nContent-Type: application/sdp\n\n" + TEXT), 415),
        (multipart(b"x\r\nContent-Type: application/sdp\r\n\r\n" + SDP), 415),
        (b"--bx\r\n\r\n" + multipart(b"Content-Type: application/sdp\r\n\r\n" + SDP), 415),
        (multipart(b"Content-Type:\r\n application/sdp\r\n\r\n" + TEXT), 488),
        (multipart(b"\r\nhello"), 415),
        (multipart(b"Content-Type: Text / Plain\r\n\r\nhello"), 415),
        (multipart(b"Content-Type: message/cpim\r\n\r\nhello"), 415),
        (b"no boundary here", 415),
        (b"", 0),
    ],
)
def test_bodies_of_several_parts_are_looked_through(body: bytes, status: int) -> None:
    assert refusal(WRAPPED, body) == status
    assert refusal(b'Multipart/Mixed; boundary="b"', body) == status


def test_bodies_that_are_no_descriptions_are_not_looked_at() -> None:
    assert refusal(b"application/dtmf-relay", b"Signal=5\r\n") == 0
    assert refusal(b"text/plain", b"hello") == 415
    assert refusal(None, b"anything") == 400
    assert refusal(None, b"") == 0
    assert refusal(b"multipart/mixed", b"x") == 415


MEDIA = (
    b"m=audio 6000 RTP/AVP 0",
    b"m=TEXT 1 RTP/AVP 9",
    b"m=message 1 TCP/MSRP *",
    b"m=video 1 x/msrp 1",
    b"m=audio 1",
)
LINES = (*MEDIA, b"a=rtpmap:9 T140/1000", b"i=about text", b"a=sendrecv", b"M=text 1 RTP/AVP 9", b"b=AS:64", b"x", b"")
LINES += (b"a=\0", b"a=b\r", b"\r", b"1=2", b"a", b"=a")


@given(st.lists(st.sampled_from(LINES), max_size=6), st.sampled_from([b"\r\n", b"\n"]))
def test_the_short_way_answers_as_the_long_one(lines: list[bytes], end: bytes) -> None:
    body = SDP + end.join(lines)
    try:
        expected = 488 if parse_sdp(body).carries_text else 0
    except SipError as error:
        expected = error.status
    assert refusal(PLAIN, body) == expected


def test_lines_that_came_before_count_and_are_read_as_the_first_time() -> None:
    media = b"m=audio 7000 RTP/AVP 0\r\n"
    for _ in range(2):
        assert refusal(PLAIN, SDP + media) == 0
        assert refusal(PLAIN, SDP + b"m=audio 70000 RTP/AVP 0\r\n") == 400
        assert refusal(PLAIN, SDP + media + b"a=mid:text\r\n") == 0
        assert refusal(PLAIN, SDP + media + b"m=text 1 RTP/AVP 9\r\n") == 488
        assert [refusal(PLAIN, SDP + media * count) for count in (63, 64)] == [0, 400]


@given(
    st.lists(
        st.sampled_from([b"v=0\r\n", b"m=audio 1 RTP/AVP 0\r\n", b"m=", b"a=rtpmap:", b"\n", b"--b", b"\r\n", b"\xff"])
        | st.binary(max_size=10),
        max_size=12,
    )
)
def test_any_octets_give_an_answer(parts: list[bytes]) -> None:
    for kind in (PLAIN, WRAPPED):
        assert refusal(kind, b"v=0\r\n" + b"".join(parts)) in (0, 400, 415, 488)


@pytest.mark.parametrize(
    "kind",
    [b"application/sdp (remark)", b"application/sdp,text/plain", b"sdp", b"/sdp", b'"application/sdp"'],
)
def test_a_type_that_somebody_might_read_otherwise_is_refused(kind: bytes) -> None:
    assert refusal(kind, SDP) == 415


@pytest.mark.parametrize("kind", [b"application/vnd.3gpp.sms", b"Application/vnd.3gpp2.sms"])
def test_a_short_message_is_text(kind: bytes) -> None:
    assert refusal(kind, b"\0\1") == 415
