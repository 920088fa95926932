"""Messages on streams: cut anywhere, with pings between them, too long, too slow."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.framing import Broken, Framed, Ping, StreamFraming
from proxy.sip.message import Limits, MalformedRequest, SipRequest
from tests.tools.sip_messages import SDP, request_octets

pytestmark = pytest.mark.unit

PATIENCE_S = 4.0


def stream(limits: Limits | None = None) -> StreamFraming:
    return StreamFraming(limits or Limits(), PATIENCE_S)


def names(found: list[Framed]) -> list[str]:
    return [type(each).__name__ for each in found]


@given(st.lists(st.sampled_from([b"message", b"\r\n\r\n", b"\r\n", b"long"]), max_size=8), st.data())
def test_wherever_a_stream_is_cut_the_same_comes_out(parts: list[bytes], data: st.DataObject) -> None:
    known = {b"message": request_octets("OPTIONS"), b"long": request_octets(body=SDP)}
    octets = b"".join(known.get(each, each) for each in parts) + request_octets("BYE")
    whole = stream().receive(octets, 0.0)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=20)))
    framing = stream()
    pieces: list[Framed] = []
    for start, end in zip([0, *cuts], [*cuts, len(octets)], strict=True):
        pieces += framing.receive(octets[start:end], 0.0)

    def seen(found: list[Framed]) -> list[object]:
        return [each.octets() for each in found if isinstance(each, SipRequest)]

    assert seen(pieces) == seen(whole)
    assert len(seen(whole)) == 1 + sum(each in known for each in parts)
    assert framing.next_deadline() is None
    assert names(pieces).count("Ping") == names(whole).count("Ping")


@given(
    st.lists(
        st.binary(max_size=40)
        | st.sampled_from([b"\r\n\r\n", b"INVITE sip:a@b SIP/2.0\r\n", b"l: 3\r\n\r\n", b"SIP/2.0 200\r\n"]),
        max_size=12,
    )
)
def test_any_octets_give_messages_errors_or_an_end(pieces: list[bytes]) -> None:
    framing = stream()
    for piece in pieces:
        for each in framing.receive(piece, 0.0):
            assert isinstance(each, SipRequest | MalformedRequest | Ping | Broken) or each.status >= 100


def test_a_ping_between_messages() -> None:
    found = stream().receive(b"\r\n\r\n" + request_octets() + b"\r\n\r\n\r\n\r\n", 0.0)
    assert names(found) == ["Ping", "SipRequest", "Ping", "Ping"]


@pytest.mark.parametrize(
    ("length", "status"),
    [
        (b"Content-Length: x", 400),
        (b"Content-Length: -5", 400),
        (b"X-None: 1", 400),
        (b"Content-Length: 99999999", 513),
    ],
)
def test_no_way_to_tell_where_it_ends(length: bytes, status: int) -> None:
    framing = stream()
    (broken,) = framing.receive(request_octets().replace(b"Content-Length: 0", length), 0.0)
    assert isinstance(broken, Broken)
    assert isinstance(broken.error, MalformedRequest)
    assert broken.error.status == status
    assert framing.receive(request_octets(), 0.0) == []


def test_a_wrong_request_with_a_length_does_not_end_the_stream() -> None:
    wrong = request_octets().replace(b"SIP/2.0\r\n", b"SIP/4.0\r\n", 1)
    found = stream().receive(wrong + request_octets("BYE"), 0.0)
    assert names(found) == ["MalformedRequest", "SipRequest"]


def test_a_head_without_end_is_not_kept_for_ever() -> None:
    framing = stream(Limits(head_octets=1000))
    assert framing.receive(b"INVITE sip:a@b SIP/2.0\r\n", 0.0) == []
    found = framing.receive(b"X: " + b"a" * 1200, 0.0)
    assert names(found) == ["Broken"]


def test_a_slow_sender_has_a_deadline_from_its_first_octet() -> None:
    framing = stream()
    octets = request_octets(body=SDP)
    assert framing.next_deadline() is None
    framing.receive(octets[:10], 100.0)
    framing.receive(octets[10:-1], 103.0)
    assert framing.next_deadline() == 104.0
    assert not framing.late(103.9)
    assert framing.late(104.0)
    assert names(framing.receive(octets[-1:] + octets[:3], 103.95)) == ["SipRequest"]
    assert framing.next_deadline() == 107.95


def test_garbage_ends_the_stream_without_an_answer() -> None:
    (broken,) = stream().receive(b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n", 0.0)
    assert isinstance(broken, Broken)
    assert not isinstance(broken.error, MalformedRequest)
