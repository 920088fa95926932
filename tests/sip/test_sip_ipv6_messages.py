"""Every message of RFC 5118, with what the RFC asks of who receives it."""

from pathlib import Path

import pytest

from proxy.sip.error import SipError
from proxy.sip.framing import read_datagram
from proxy.sip.message import Limits, SipRequest
from proxy.sip.screening import Capabilities, check_form, check_support
from proxy.sip.sdp import parse_sdp
from proxy.sip.uri import Uri

pytestmark = pytest.mark.unit

FOLDER = Path(__file__).parents[1] / "data" / "rfc5118"
FILES = {path.stem: path for path in FOLDER.glob("*.dat")}
ABILITIES = Capabilities(methods=("REGISTER", "BYE", "OPTIONS", "INVITE"))


def read(name: str) -> tuple[SipRequest, Uri]:
    request = read_datagram(FILES[name].read_bytes(), Limits())
    assert isinstance(request, SipRequest)
    check_form(request)
    return request, check_support(request, ABILITIES, forwards=False)


def test_no_message_is_left_out() -> None:
    assert len(FILES) == 12


@pytest.mark.parametrize(
    ("name", "host", "port"),
    [
        ("ipv6-good", b"[2001:db8::10]", 0),
        ("port-ambiguous", b"[2001:db8::10:5070]", 0),
        ("port-unambiguous", b"[2001:db8::10]", 5070),
        ("via-received-param-with-delim", b"[2001:db8::10]", 0),
        ("via-received-param-no-delim", b"[2001:db8::10]", 0),
        ("ipv6-in-sdp", b"[2001:db8::10]", 0),
        ("mult-ip-in-header", b"host.example.net", 0),
        ("mult-ip-in-sdp", b"[2001:db8::10]", 0),
        ("ipv4-mapped-ipv6", b"example.com", 0),
        ("ipv6-bug-abnf-3-colons", b"[2001:db8:::192.0.2.1]", 0),
        ("ipv6-correct-abnf-2-colons", b"[2001:db8::192.0.2.1]", 0),
    ],
)
def test_well_formed_ones_are_read(name: str, host: bytes, port: int) -> None:
    request, uri = read(name)
    assert (uri.host, uri.port) == (host, port)
    assert request.octets() == FILES[name].read_bytes()
    for contact in request.addresses("contact"):
        assert contact.uri.startswith(b"sip:")
    if request.body:
        assert parse_sdp(request.body).media


def test_an_address_without_brackets_is_refused() -> None:
    with pytest.raises(SipError) as caught:
        read("ipv6-bad")
    assert caught.value.status == 400


def test_the_vias_say_where_they_are_from() -> None:
    mapped, _ = read("ipv4-mapped-ipv6")
    assert (mapped.via.host, mapped.via.port) == (b"[::ffff:192.0.2.10]", 19823)
    many, _ = read("mult-ip-in-header")
    assert (many.via.host, many.via.port, len(many.values("via"))) == (b"[2001:db8::9:1]", 6050, 3)


def test_what_a_sender_says_it_was_received_from_is_written_anew_without_brackets() -> None:
    request, _ = read("via-received-param-with-delim")
    assert request.via.stamped(b"2001:db8::77", 5060).written == (
        b"SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111;received=2001:db8::77"
    )
    assert request.via.stamped(b"2001:db8::9:1", 5060).written == b"SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111"
