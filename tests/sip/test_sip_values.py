"""Addresses with names, Via, CSeq, and the grammar they share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.cseq import parse_cseq
from proxy.sip.error import SipError
from proxy.sip.grammar import comma_values, parameters, quoted, split_outside, unquoted
from proxy.sip.name_addr import parse_name_addr, write_name_addr
from proxy.sip.via import parse_via

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("written", "name", "uri", "tag"),
    [
        (b"<sip:a@b>;tag=1", b"", b"sip:a@b", b"1"),
        (b"sip:a@b;tag=1;x", b"", b"sip:a@b", b"1"),
        (b"sip:a@b ; TAG = 1", b"", b"sip:a@b", b"1"),
        (b'"A \\"B\\", <C>" <sip:a@b;x=1?h=2> ; y="<>;" ;tag=z', b'A "B", <C>', b"sip:a@b;x=1?h=2", b"z"),
        (b'"A"<sip:a@b>', b"A", b"sip:a@b", None),
        (b"A B <sip:a@b>", b"A B", b"sip:a@b", None),
        (b'sip:a@b;x="<c>"', b"", b"sip:a@b", None),
        ("江澜银行 <sip:95500@b>;tag=1".encode(), "江澜银行".encode(), b"sip:95500@b", b"1"),
        (b"<http://www.example.com>;tag=3", b"", b"http://www.example.com", b"3"),
        (b'"" <sip:a@b>', b"", b"sip:a@b", None),
    ],
)
def test_addresses(written: bytes, name: bytes, uri: bytes, tag: bytes | None) -> None:
    read = parse_name_addr(written)
    assert (read.name, read.uri, read.tag) == (name, uri, tag)


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"<>",
        b"<sip:a@b",
        b"sip:a@b>",
        b'"A <sip:a@b>',
        b'"A\\" <sip:a@b>',
        b'"A" x <sip:a@b>',
        b'"A" sip:a@b',
        b"A, B <sip:a@b>",
        b"<sip:a@b> x",
        b"<sip:a@b>,<sip:c@d>",
        b"< sip:a@b >",
        b"sip:a@b?h=1",
        b"sip:a,b@c",
        b"<sip:a@b\x00>",
        b"<sip:a<b>",
        b"a@b",
    ],
)
def test_what_is_no_address_is_refused(written: bytes) -> None:
    with pytest.raises(SipError):
        parse_name_addr(written)


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_a_name_that_is_written_is_read_again(name: str) -> None:
    octets = name.encode()
    read = parse_name_addr(write_name_addr(octets, b"sip:a@b", b";tag=1"))
    assert read.name == octets.translate(bytes(32 if each < 32 or each == 127 else each for each in range(256)))
    assert read.tag == b"1"
    assert b"\r" not in quoted(octets)
    assert b"\n" not in quoted(octets)


@given(st.binary(max_size=50))
def test_any_octets_give_values_or_a_sip_error(octets: bytes) -> None:
    for reader in (parse_name_addr, parse_via, parse_cseq, comma_values, parameters):
        for start in (b"", b"<sip:a@b>;", b"SIP/2.0/UDP h;", b'"', b";a="):
            try:
                reader(start + octets)
            except SipError:
                continue


@given(st.lists(st.text('ab;,<>"\\ ', max_size=8), min_size=1, max_size=6))
def test_quoted_separators_do_not_cut(texts: list[str]) -> None:
    joined = b",".join(quoted(each.encode()) for each in texts)
    assert [unquoted(each) for each in split_outside(joined, b",")] == [each.encode() for each in texts]


def test_deep_nesting_and_floods_of_quotes_are_read_once() -> None:
    deep = b"(" * 5000 + b")" * 5000
    with pytest.raises(SipError):
        parse_name_addr(deep + b"<sip:a@b>")
    with pytest.raises(SipError):
        comma_values(b'"\\' * 4001 + b",")
    assert len(comma_values(b'"a",' * 2000 + b"b")) == 2001


def test_a_usual_via() -> None:
    via = parse_via(b"SIP/2.0/UDP Host.Example.COM:5070;branch=z9hG4bKabc;rport")
    assert (via.transport, via.host, via.port, via.branch) == (b"UDP", b"Host.Example.COM", 5070, b"z9hG4bKabc")
    assert via.sent_by == b"host.example.com:5070"
    assert via.unique


@pytest.mark.parametrize(
    ("written", "host", "port"),
    [
        (b"SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bK1", b"[2001:db8::9:1]", 0),
        (b"SIP/2.0/UDP [2001:db8::9:1]:5070;branch=z9hG4bK1;received=2001:db8::2", b"[2001:db8::9:1]", 5070),
        (b"SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bK1", b"[2001:db8::9:1]", 0),
        (b"SIP / 2.0 / TCP   a.example : 5061 ;branch=x", b"a.example", 5061),
    ],
)
def test_vias_that_are_written_otherwise(written: bytes, host: bytes, port: int) -> None:
    via = parse_via(written)
    assert (via.host, via.port) == (host, port)


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"SIP/2.0/UDP",
        b"SIP/2.0/ host",
        b"SIP/2.0/UDP a b",
        b"SIP/2.0/UDP a:0",
        b"SIP/2.0/UDP a:99999",
        b"SIP/2.0/UDP a:b",
        b"SIP/2.0/UDP 2001:db8::1",
        b"SIP/2.0/UDP [::1",
        b"SIP/2.0/UDP a;",
        b"SIP/2.0/UDP a;;branch=1",
        b"SIP/2.0/UDP a;branch=",
        b"SIP/2.0/UDP a;branch",
        b"SIP/2.0/UDP a;ttl=256",
        b"SIP/2.0/UDP a;rport=x",
        b"SIP/2.0/UDP a;received=<x>",
        b"HTTP/2.0/UDP a;branch=1",
    ],
)
def test_what_is_no_via_is_refused(written: bytes) -> None:
    with pytest.raises(SipError) as caught:
        parse_via(written)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("written", "stamped", "target"),
    [
        # RFC 3581 §6.1, and what it forbids a sender to say of itself.
        (
            b"SIP/2.0/UDP 10.1.1.1:4540;rport;branch=z9hG4bK1",
            b"SIP/2.0/UDP 10.1.1.1:4540;received=192.0.2.1;rport=9988;branch=z9hG4bK1",
            (b"192.0.2.1", 9988),
        ),
        (
            b"SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bK1",
            b"SIP/2.0/UDP 10.1.1.1:4540;branch=z9hG4bK1;received=192.0.2.1",
            (b"192.0.2.1", 4540),
        ),
        (
            b"SIP/2.0/UDP 192.0.2.1:4540;branch=z9hG4bK1",
            b"SIP/2.0/UDP 192.0.2.1:4540;branch=z9hG4bK1",
            (b"192.0.2.1", 4540),
        ),
        (
            b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1;received=203.0.113.9",
            b"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1",
            (b"192.0.2.1", 0),
        ),
        (
            b"SIP/2.0/UDP a.example;received=203.0.113.9;branch=z9hG4bK1;rport=7",
            b"SIP/2.0/UDP a.example;branch=z9hG4bK1;received=192.0.2.1;rport=9988",
            (b"192.0.2.1", 9988),
        ),
    ],
)
def test_where_the_answer_goes(written: bytes, stamped: bytes, target: tuple[bytes, int]) -> None:
    via = parse_via(written)
    assert via.stamped(b"192.0.2.1", 9988).written == stamped
    assert parse_via(stamped).response_target() == target


def test_an_ipv6_source_is_compared_without_brackets() -> None:
    written = b"SIP/2.0/UDP [2001:db8::1]:5060;branch=z9hG4bK1"
    assert parse_via(written).stamped(b"2001:db8::1", 5060).written == written


@pytest.mark.parametrize(
    ("value", "number", "method"),
    [(b"1 INVITE", 1, "INVITE"), (b"0009\t INVITE", 9, "INVITE"), (b"2147483647 x!y", 2**31 - 1, "x!y")],
)
def test_cseq(value: bytes, number: int, method: str) -> None:
    read = parse_cseq(value)
    assert (read.number, read.method) == (number, method)


@pytest.mark.parametrize(
    "value", [b"", b"1", b"INVITE 1", b"1 INV(ITE", b"2147483648 INVITE", b"-1 INVITE", b"1 INVITE 2", b"\xb2 INVITE"]
)
def test_no_cseq(value: bytes) -> None:
    with pytest.raises(SipError):
        parse_cseq(value)


@pytest.mark.parametrize(
    ("written", "stamped"),
    [
        (";branch=z9hG4bK1;received=192.0.2.1;rport=9988", ";branch=z9hG4bK1;received=192.0.2.1;rport=9988"),
        (";branch=z9hG4bK1;received=192.0.2.9;rport=9988", ";branch=z9hG4bK1;received=192.0.2.1;rport=9988"),
        (";branch=z9hG4bK1;received=192.0.2.1;rport=5060", ";branch=z9hG4bK1;received=192.0.2.1;rport=9988"),
        (
            ";branch=z9hG4bK1;RECEIVED=192.0.2.9;received=192.0.2.1;rport=9988",
            ";branch=z9hG4bK1;received=192.0.2.1;rport=9988",
        ),
    ],
)
def test_a_source_that_is_written_already_is_written_anew_unless_it_is_right(written: str, stamped: str) -> None:
    start = "SIP/2.0/UDP 192.0.2.7:5060"
    for _ in range(2):
        via = parse_via((start + written).encode()).stamped(b"192.0.2.1", 9988)
        assert via.written == (start + stamped).encode()
        assert (via.branch, via.answer_port) == (b"z9hG4bK1", 9988)


@pytest.mark.parametrize("rest", [";branch=z9hG4bK2;x=1", ";rport=99999999", ";received=(", ";ttl=256"])
def test_what_is_wrong_behind_a_branch_is_wrong_each_time(rest: str) -> None:
    for _ in range(2):
        with pytest.raises(SipError):
            parse_via(f"SIP/2.0/UDP h;branch=z9hG4bK1{rest}".encode())
