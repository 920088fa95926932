"""Reading, editing and writing messages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.error import SipError
from proxy.sip.framing import read_datagram, via_of_ack
from proxy.sip.head import parse_head
from proxy.sip.message import Limits, MalformedRequest, SipRequest, SipResponse
from proxy.sip.reply import reply
from proxy.sip.screening import Capabilities, check_form, check_response, check_support, max_forwards
from proxy.sip.via import parse_via
from tests.tools.sip_messages import SDP, a_request, request_octets

pytestmark = pytest.mark.unit

NAMES = ["Via", "v", "VIA", "Contact", "m", "Subject", "X-Unknown", "x-unknown", "Allow", "Route", "Reason"]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\0"), max_size=30)


@given(
    st.lists(st.tuples(st.sampled_from(NAMES), TEXTS, st.sampled_from(["", " ", "\t", "\r\n "])), max_size=12),
    st.binary(max_size=60),
)
def test_lines_come_out_as_they_went_in(fields: list[tuple[str, str, str]], body: bytes) -> None:
    lines = [f"{name}:{fold}{text}" for name, text, fold in fields]
    head = "\r\n".join(["OPTIONS sip:a@example.com SIP/2.0", *lines, f"Content-Length: {len(body)}"]).encode()
    read = read_datagram(head + b"\r\n\r\n" + body, Limits())

    assert isinstance(read, SipRequest)
    assert read.octets() == head + b"\r\n\r\n" + body
    assert read.body == body
    assert len(read.each("x-unknown")) == sum(name.lower() == "x-unknown" for name, _, _ in fields)


@given(st.binary(max_size=400))
def test_any_octets_give_a_message_or_a_sip_error(octets: bytes) -> None:
    for data in (octets, b"INVITE sip:a@b SIP/2.0\r\n" + octets, b"SIP/2.0 200 OK\r\n" + octets + b"\r\n\r\n"):
        try:
            message = read_datagram(data, Limits())
        except SipError:
            continue
        assert message is None or data.endswith(message.body)


@given(st.data())
def test_a_changed_invite_gives_an_answer_or_a_sip_error(data: st.DataObject) -> None:
    octets = bytearray(
        request_octets(headers=("Content-Type: application/sdp", "Record-Route: <sip:p1;lr>, <sip:p2;lr>"), body=SDP)
    )
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(octets) - 1))
        octets[place : place + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3) | st.sampled_from([b"\r\n", b'"', b"<", b";", b",", b"\\"])
        )
    try:
        message = read_datagram(bytes(octets), Limits())
        if isinstance(message, SipRequest):
            check_form(message)
            check_support(message, Capabilities(methods=("INVITE",)), forwards=True)
            message.addresses("contact")
            message.addresses("record-route")
        elif isinstance(message, SipResponse):
            check_response(message)
    except MalformedRequest as error:
        reply(error.request, error.status, b"t").octets()
    except SipError:
        pass


def test_what_is_behind_the_body_is_left_out_and_too_little_is_refused() -> None:
    octets = request_octets(body=SDP)
    read = read_datagram(octets + b"trailing", Limits())
    assert read is not None
    assert read.body == SDP
    with pytest.raises(MalformedRequest) as caught:
        read_datagram(octets[:-1], Limits())
    assert (caught.value.status, caught.value.detail) == (400, "body.short")


def test_without_content_length_the_body_is_all_the_rest() -> None:
    octets = request_octets(body=SDP).replace(b"Content-Length: %d\r\n" % len(SDP), b"")
    read = read_datagram(octets, Limits())
    assert read is not None
    assert read.body == SDP


@pytest.mark.parametrize("octets", [b"", b"\r\n", b"\r\n\r\n"])
def test_keep_alives_are_no_messages(octets: bytes) -> None:
    assert read_datagram(octets, Limits()) is None


@pytest.mark.parametrize(
    ("line", "detail"),
    [
        ("X-A: one\nX-B: two", "head.line_end"),
        ("X-A: one\rX-B: two", "head.line_end"),
        ("X-A: a\0b", "head.nul"),
        ("no colon here", "header.colon"),
        ("Vi a: x", "header.name"),
        (": x", "header.name"),
        ("Content-Length: 5", "header.twice.content-length"),
        ("l: 0", "header.twice.content-length"),
        ("Content-Length: +0", "header.twice.content-length"),
        ("X-A: " + "a" * 9000, "line.octets"),
    ],
)
def test_wrong_lines_are_refused_with_what_is_needed_to_say_so(line: str, detail: str) -> None:
    with pytest.raises(MalformedRequest) as caught:
        read_datagram(request_octets(headers=(line,)), Limits())
    assert caught.value.detail == detail
    if detail.startswith("header"):
        assert caught.value.request.via.branch == b"z9hG4bK-a1"


@pytest.mark.parametrize("written", ["-1", "+1", "", "abc", "1 2", "0x1", "9" * 40, "1,1"])
def test_a_length_that_is_no_number_is_refused(written: str) -> None:
    octets = request_octets().replace(b"Content-Length: 0", f"Content-Length: {written}".encode())
    with pytest.raises(MalformedRequest) as caught:
        read_datagram(octets, Limits())
    assert caught.value.status == 400


def test_floods_meet_their_limits() -> None:
    limits = Limits()
    many = tuple(f"Via: SIP/2.0/UDP h{index}.example.com" for index in range(10_000))
    with pytest.raises(MalformedRequest) as caught:
        read_datagram(request_octets(headers=many), limits)
    assert caught.value.status == 513
    with pytest.raises(MalformedRequest) as caught:
        read_datagram(request_octets(headers=("a:b",) * 260), limits)
    assert caught.value.status == 513
    with pytest.raises(MalformedRequest) as caught:
        read_datagram(request_octets(body=b"x" * 70_000), limits)
    assert (caught.value.status, caught.value.detail) == (513, "body.octets")
    with pytest.raises(MalformedRequest) as caught:
        read_datagram(request_octets(uri="sip:" + "a" * 3000 + "@example.com"), limits)
    assert caught.value.status == 414


def test_editing_touches_nothing_else() -> None:
    octets = request_octets(
        headers=("Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK9", "X-Odd :  as is ", "m: <sip:second@192.0.2.1>")
    )
    request = read_datagram(octets, Limits())
    assert isinstance(request, SipRequest)

    request.replace("contact", b"<sip:here@192.0.2.20>")
    request.remove("max-forwards")
    request.append("x-last", b"z")

    lines = request.octets().split(b"\r\n")
    assert b"X-Odd :  as is " in lines
    assert lines[-3] == b"x-last: z"
    assert request.each("contact") == [b"<sip:here@192.0.2.20>"]
    assert not request.has("max-forwards")
    assert request.octets().count(b"Via:") == 2


def test_the_first_value_of_a_shared_line_changes_alone() -> None:
    request = a_request(via="SIP/2.0/UDP one;branch=z9hG4bK1, SIP/2.0/TCP two;branch=z9hG4bK2")
    request.replace_first_value("via", b"SIP/2.0/UDP three;branch=z9hG4bK3")
    assert request.values("via") == [b"SIP/2.0/UDP three;branch=z9hG4bK3", b"SIP/2.0/TCP two;branch=z9hG4bK2"]


@pytest.mark.parametrize(
    ("via", "values"),
    [
        (
            "SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;rport",
            [b"SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bK1;received=192.0.2.1;rport=9"],
        ),
        ("SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1", [b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"]),
        (
            "SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1, SIP/2.0/TCP two;branch=z9hG4bK2;rport",
            [
                b"SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK1;received=192.0.2.1",
                b"SIP/2.0/TCP two;branch=z9hG4bK2;rport",
            ],
        ),
        (
            "SIP/2.0/UDP h;rportx=1;branch=z9hG4bK1;rport=7;received=203.0.113.9",
            [b"SIP/2.0/UDP h;rportx=1;branch=z9hG4bK1;received=192.0.2.1;rport=9"],
        ),
        ("SIP/2.0/UDP h;rportx;branch=z9hG4bK1", [b"SIP/2.0/UDP h;rportx;branch=z9hG4bK1;received=192.0.2.1"]),
    ],
)
def test_a_request_is_stamped_with_where_it_came_from(via: str, values: list[bytes]) -> None:
    request = a_request(via=via, headers=("Via: SIP/2.0/UDP below;branch=z9hG4bK9",))
    request.stamp(b"192.0.2.1", 9)
    assert request.values("via") == [*values, b"SIP/2.0/UDP below;branch=z9hG4bK9"]
    assert request.via.written == values[0]
    assert request.cseq.number == 1


def test_a_copy_is_another_message() -> None:
    request = a_request()
    other = request.copy()
    other.replace("from", b"<sip:x@y>;tag=1")
    assert request.from_.tag == b"a-tag"
    assert other.from_.tag == b"1"


def test_replies_repeat_what_they_have_to() -> None:
    request = a_request(
        headers=("Record-Route: <sip:p1;lr>", "Timestamp: 54", "Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK9")
    )
    trying = reply(request, 100)
    assert trying.first("timestamp") == b"54"
    assert trying.to.tag is None
    assert not trying.has("record-route")
    ringing = reply(request, 180, b"b-tag", [("contact", b"<sip:b@h>")])
    assert ringing.to.tag == b"b-tag"
    assert ringing.first("record-route") == b"<sip:p1;lr>"
    assert len(ringing.each("via")) == 2
    assert ringing.octets().startswith(
        b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-a1;rport\r\n"
    )
    assert not reply(request, 403, b"b-tag").has("record-route")
    inside = a_request(called="<sip:x@y>;tag=known")
    assert reply(inside, 200, b"other").to.tag == b"known"


@pytest.mark.parametrize(
    ("parts", "status", "detail"),
    [
        ({"cseq": "1 BYE"}, 400, "cseq.method"),
        ({"cseq": "2147483648 INVITE"}, 400, "cseq.number"),
        ({"cseq": "-1 INVITE"}, 400, "cseq.number"),
        ({"call_id": "a b"}, 400, "call_id.form"),
        ({"call_id": "a@b@c"}, 400, "call_id.form"),
        ({"called": ""}, 400, "header.missing.to"),
        ({"caller": "<sip:a@b>;tag=1;tag=2"}, 400, "params.twice"),
        ({"caller": "<sip:a@b>;tag="}, 400, "tag.form"),
        ({"via": "SIP/3.0/UDP a;branch=z9hG4bK1"}, 505, "via.version"),
        ({"headers": ("To: <sip:other@b>",)}, 400, "header.twice.to"),
        ({"headers": ("Max-Forwards: 7",)}, 400, "header.twice.max-forwards"),
    ],
)
def test_each_needed_field_is_looked_at(parts: dict[str, object], status: int, detail: str) -> None:
    with pytest.raises(SipError) as caught:
        check_form(a_request(**parts))
    assert (caught.value.status, caught.value.detail) == (status, detail)


def test_what_is_not_served_says_what_is() -> None:
    able = Capabilities(
        methods=("INVITE", "BYE"),
        extensions=frozenset((b"timer",)),
        bodies={"INVITE": frozenset((b"application/sdp", b"multipart/*"))},
    )

    def refusal(method: str = "INVITE", **parts: object) -> tuple[int, tuple[tuple[bytes, bytes], ...]]:
        with pytest.raises(SipError) as caught:
            check_support(a_request(method, **parts), able, forwards=True)
        return caught.value.status, caught.value.headers

    assert refusal("MESSAGE") == (405, ((b"Allow", b"INVITE, BYE"),))
    assert refusal("NOVEL") == (501, ((b"Allow", b"INVITE, BYE"),))
    assert refusal(uri="mailto:a@b") == (416, ())
    assert refusal(headers=("Require: timer, 100rel, TIMER",)) == (420, ((b"Unsupported", b"100rel"),))
    assert refusal(headers=("Proxy-Require: privacy",)) == (420, ((b"Unsupported", b"privacy"),))
    assert refusal(headers=("Content-Type: text/plain",), body=b"x") == (
        415,
        ((b"Accept", b"application/sdp, multipart/*"),),
    )
    assert refusal(headers=("Content-Encoding: gzip", "Content-Type: application/sdp"), body=b"x")[0] == 415
    assert refusal(body=b"x")[0] == 400
    assert refusal(headers=("Replaces: a@b;to-tag=1;from-tag=2",)) == (481, ())
    assert refusal(headers=("Join: a@b;to-tag=1;from-tag=2",)) == (481, ())
    check_support(a_request(headers=("Content-Type: Multipart / Mixed;boundary=a",), body=b"x"), able, forwards=True)
    check_support(a_request(headers=("Require: timer",)), able, forwards=True)


@pytest.mark.parametrize(("written", "read"), [("0068", 68), ("0", 0), ("255", 255), ("300", 70), ("9" * 25, 70)])
def test_max_forwards(written: str, read: int) -> None:
    octets = request_octets().replace(b"Max-Forwards: 70", b"Max-Forwards: " + written.encode())
    request = read_datagram(octets, Limits())
    assert isinstance(request, SipRequest)
    assert max_forwards(request) == read


@pytest.mark.parametrize("octet", [b"\0", b"\r", b"\n"])
@pytest.mark.parametrize("place", [b"OPTIONS", b"sip:b", b"From", b"call-1"])
def test_what_could_end_a_line_is_found_wherever_it_stands_also_where_the_same_came_clean_before(
    octet: bytes, place: bytes
) -> None:
    clean = (
        b"OPTIONS sip:b@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=a\r\n"
        b"To: <sip:b@h>\r\nCall-ID: call-1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
    )
    for _ in range(2):
        assert isinstance(read_datagram(clean, Limits()), SipRequest)
        with pytest.raises(SipError):
            read_datagram(clean.replace(place, place[:1] + octet + place[1:], 1), Limits())


LINES = [
    "Via: a",
    "v :b",
    "X-Own:",
    "Subject: \t folded\r\n up",
    " lone fold",
    "no name",
    ":empty",
    "To: a\rb",
    "To: a\nb",
    "Ends: \r",
    "Ends: \n",
    "a@b: c",
    "x: \0",
]


@given(st.lists(st.sampled_from(LINES) | TEXTS.map(lambda text: f"Reason:{text}"), min_size=1, max_size=6))
def test_a_head_is_read_alike_whether_it_looks_usual_or_not(lines: list[str]) -> None:
    octets = [b"OPTIONS sip:a@h SIP/2.0", *(line.encode() for line in lines)]
    head = b"\r\n".join(octets)
    # INVARIANT: no line is longer than this, but the head is, so that it is not taken for a usual one.
    longest = Limits(line_octets=len(head) - 1)

    def read(limits: Limits) -> object:
        try:
            message = parse_head(head, limits)
        except SipError as error:
            return error.status, error.detail
        return message.keys, message.lines, [message.each(key) for key in message.keys]

    assert read(Limits()) == read(longest)


ACK = request_octets("ACK", contact=None)
ODD = [
    (b"ACK ", b"ACK  "),
    (b"ACK ", b"ack "),
    (b"Via: SIP", b"v: SIP"),
    (b"Via: ", b"Via:"),
    (b"Via: ", b"Route: <sip:h>\r\nVia: "),
    (b";rport", b";rport, SIP/2.0/UDP h;branch=z9hG4bKb"),
    (b";branch", b"\r\n ;branch"),
    (b" SIP/2.0\r\n", b" SIP/2.0 \r\n"),
    (b"\r\n\r\n", b"\r\n\r\nbody"),
    (b"\r\n\r\n", b"\r\n"),
    (b"\r\nVia", b"\nVia"),
]


@pytest.mark.parametrize(("was", "written"), ODD)
def test_the_via_of_an_ack_is_told_at_once_only_where_it_is_plainly_written(was: bytes, written: bytes) -> None:
    value = via_of_ack(ACK)
    assert value is not None
    assert parse_via(value).sender == a_request("ACK", contact=None).via.sender
    assert was in ACK
    assert via_of_ack(ACK.replace(was, written, 1)) is None


@given(st.binary(max_size=6), st.integers(0, 200), st.integers(0, 6))
def test_what_is_told_of_an_ack_at_once_is_what_reading_it_tells(octets: bytes, place: int, cut: int) -> None:
    data = ACK[:place] + octets + ACK[place + cut :]
    value = via_of_ack(data)
    try:
        read = read_datagram(data, Limits())
        told = parse_via(value).sender if value is not None else None
    except SipError:
        return
    assert told is None or (isinstance(read, SipRequest) and read.method == "ACK" and read.via.sender == told)
