"""URIs, hosts, and the telephone numbers inside URIs."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.error import SipError
from proxy.sip.host import is_host, is_ipv4, is_ipv6
from proxy.sip.subscriber import subscriber_of
from proxy.sip.uri import parse_uri, same_uri, unescaped

pytestmark = pytest.mark.unit


def test_every_part_of_a_sip_uri() -> None:
    uri = parse_uri(b"SIPS:alice%20b;x=1:secret@[2001:db8::1]:5071;transport=TCP;lr;n%61me=v%41?subject=a%20b&x=")
    assert (uri.scheme, uri.user, uri.password) == (b"sips", b"alice%20b;x=1", b"secret")
    assert (uri.host, uri.port) == (b"[2001:db8::1]", 5071)
    assert uri.params == [(b"transport", b"TCP"), (b"lr", None), (b"name", b"v%41")]
    assert uri.headers == b"subject=a%20b&x="
    assert uri.user_text == b"alice b;x=1"
    assert uri.loose
    assert uri.param(b"absent") is None


@pytest.mark.parametrize(
    "written",
    [
        "sip:",
        "sip:@example.com",
        "sip:a@",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a@b:0",
        "sip:a@b:65536",
        "sip:a@b:5o60",
        "sip:a@b:",
        "sip:a%4@b",
        "sip:a%zz@b",
        "sip:a@b%41",
        "sip:a@b;",
        "sip:a@b;;x",
        "sip:a@b;x=",
        "sip:a@b;x=1;X=2",
        "sip:a@b;l%72;lr",
        "sip:a@b?x",
        "sip:a@b?",
        "sip:a@[::1",
        "sip:a@[1:2]",
        "sip:a@2001:db8::1",
        "sip:a@1.2.3.4.5",
        "sip:a@300.1.1.1",
        "sip:a@-.",
        "sip:#21#@b",
        "<sip:a@b>",
        "sip:é@b",
        "tel:",
        "1sip:a",
        "nothing",
        "",
    ],
)
def test_what_is_no_uri_is_refused(written: str) -> None:
    with pytest.raises(SipError) as caught:
        parse_uri(written.encode())
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # RFC 3261 §19.1.4, its own examples.
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;newparam=5", True),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
            True,
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
            True,
        ),
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", False),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", False),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", False),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off", False),
        # What the rules say beside the examples.
        ("sip:a@b", "sips:a@b", False),
        ("sip:a@b;maddr=192.0.2.1", "sip:a@b", False),
        ("sip:a@b;user=phone", "sip:a@b", False),
        ("sip:a@b;ttl=1", "sip:a@b", False),
        ("sip:a:p@b", "sip:a@b", False),
        ("sip:a:p@b", "sip:a:P@b", False),
        ("sip:b", "sip:a@b", False),
        ("sip:a%3Bx@b", "sip:a;x@b", False),
        ("sip:a%3bx@b", "sip:a%3Bx@b", True),
        ("sip:a%00@b", "sip:a%00%00@b", False),
        ("sip:a%253B@b", "sip:a%3B@b", False),
        ("sip:a@b;x=%41", "sip:a@b;x=A", True),
        ("sip:a@b;x=%2541", "sip:a@b;x=A", False),
        # RFC 3966 §4
        ("tel:+1-201-555-0123", "tel:+12015550123", True),
        ("tel:+12015550123", "tel:12015550123;phone-context=+1", False),
        ("tel:123;phone-context=+1-2", "tel:123;phone-context=+12", True),
        ("tel:123;phone-context=example.com", "tel:123;phone-context=EXAMPLE.com", True),
        ("tel:123;ext=1;isub=2", "tel:123;isub=2;ext=1", True),
        ("tel:123;ext=1", "tel:123", False),
        ("mailto:a@b", "mailto:a@b", True),
        ("mailto:a@b", "mailto:A@b", False),
    ],
)
def test_two_uris_are_the_same_or_not(one: str, other: str, same: bool) -> None:
    assert same_uri(parse_uri(one.encode()), parse_uri(other.encode())) is same
    assert same_uri(parse_uri(other.encode()), parse_uri(one.encode())) is same


@given(st.text('sipel:@;?&=%[]<>.,+-*#"\\ 09afz\x00é', max_size=40))
def test_any_octets_give_a_uri_or_a_sip_error(written: str) -> None:
    for scheme in ("", "sip:", "tel:", "sip:u@h;"):
        try:
            uri = parse_uri((scheme + written).encode())
            subscriber_of(uri)
        except SipError:
            continue
        assert same_uri(uri, uri)


@given(st.binary(max_size=20))
def test_escapes_come_undone_once(octets: bytes) -> None:
    assert unescaped(b"".join(b"%%%02X" % each for each in octets)) == octets
    assert unescaped(b"a%25%34%31") == b"a%41"


@given(st.ip_addresses(v=6))
def test_ipv6_addresses_are_known_in_every_usual_form(address: ipaddress.IPv6Address) -> None:
    for written in (str(address), address.exploded, str(address).upper()):
        assert is_ipv6(written.encode())
        assert is_host(f"[{written}]".encode())


@given(st.text("0123456789abcdef:.", max_size=24))
def test_what_is_an_ip_address_is_what_the_library_says(written: str) -> None:
    def known(kind: type[ipaddress.IPv4Address] | type[ipaddress.IPv6Address]) -> bool:
        try:
            kind(written)
        except ValueError:
            return False
        return True

    zeros = any(len(part) > 1 and part[0] == "0" for part in written.replace(":", ".").split("."))
    if not zeros and ":::" not in written:
        assert is_ipv4(written.encode()) is known(ipaddress.IPv4Address)
        assert is_ipv6(written.encode()) is known(ipaddress.IPv6Address)


@pytest.mark.parametrize(
    ("written", "fields"),
    [
        ("tel:+86-138-0013-8000", {"digits": b"8613800138000", "plus": True}),
        ("tel:13800138000;phone-context=+86", {"digits": b"13800138000", "plus": False, "context": b"+86"}),
        ("sip:%2B8613800138000@h;user=phone", {"digits": b"8613800138000", "plus": True}),
        ("sip:138%30%30138000@h", {"digits": b"13800138000"}),
        ("sip:+8613800138000;rn=+8612345;npdi@h;user=phone", {"digits": b"8613800138000", "routing": b"+8612345"}),
        ("sip:13800138000;phone-context=h.example@h;user=phone", {"context": b"h.example"}),
        ("sip:13800138000,,1234@h", {"digits": b"13800138000", "post_dial": b",,1234"}),
        ("sip:13800138000;postd=pp22@h", {"digits": b"13800138000", "post_dial": b"pp22"}),
        ("sip:13800138000p5w6@h", {"digits": b"13800138000", "post_dial": b"p5w6"}),
        ("sip:138%3Brn=99@h", {"digits": b"138", "routing": b"99"}),
        ("tel:+1;isub=12%2034;ext=5-6", {"sub_address": b"12 34", "extension": b"56"}),
        ("sip:*69#@h".replace("#", "%23"), {"digits": b"*69#"}),
    ],
)
def test_the_number_in_a_uri(written: str, fields: dict[str, object]) -> None:
    found = subscriber_of(parse_uri(written.encode()))
    assert found is not None
    assert {name: getattr(found, name) for name in fields} == fields


@pytest.mark.parametrize(
    "written", ["sip:alice@h", "sip:abc@h", "sip:h", "mailto:1@h", "sip:+@h", "sip:1%00@h", "sip:+*1@h"]
)
def test_a_name_is_no_number(written: str) -> None:
    assert subscriber_of(parse_uri(written.encode())) is None


def test_two_routing_numbers_are_refused() -> None:
    with pytest.raises(SipError):
        subscriber_of(parse_uri(b"sip:138;rn=1;rn=2@h"))
    with pytest.raises(SipError):
        subscriber_of(parse_uri(b"tel:+12x"))
