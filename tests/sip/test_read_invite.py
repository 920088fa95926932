"""Whom an INVITE calls and who calls: one reading or a finding, whatever the sender writes around it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sip.head import parse_head
from proxy.sip.judged import judged_call
from proxy.sip.message import Limits, SipRequest
from proxy.sip.read_invite import ReadInvite, read_invite, recipient_of
from proxy.sip.uri import parse_uri

pytestmark = pytest.mark.unit

PERSON = "8613800138000"


def invite(uri: str, *lines: str, caller: str = "<sip:10690001@pbx.invalid>") -> SipRequest:
    head = [
        f"INVITE {uri} SIP/2.0",
        f"From: {caller};tag=a",
        "To: <sip:13900139000@gateway.invalid>",
        "Call-ID: c@pbx.invalid",
        "CSeq: 1 INVITE",
        *lines,
    ]
    found = parse_head("\r\n".join(head).encode(), Limits())
    assert isinstance(found, SipRequest)
    return found


def read(
    *lines: str,
    uri: str = "sip:13800138000@gateway.invalid",
    caller: str = "<sip:10690001@pbx.invalid>",
    trusted: bool = False,
) -> ReadInvite:
    request = invite(uri, *lines, caller=caller)
    return read_invite(request, parse_uri(uri.encode()), asserts_identity=trusted, purpose_key="x-purpose")


def found_in(question: ReadInvite) -> list[tuple[str, str]]:
    return [(finding.rule, finding.detail) for finding in question.findings]


@pytest.mark.parametrize(
    "uri",
    [
        "sip:13800138000@gateway.invalid",
        "sip:+8613800138000@gateway.invalid;user=phone",
        "sip:%2B8613800138000@gateway.invalid",
        "sip:+86-138-0013-8000@gateway.invalid",
        "sip:013800138000@gateway.invalid",
        "sip:008613800138000@gateway.invalid",
        "sip:1%33800138000@gateway.invalid",
        "sip:13800138000;rn=+8613010888500;npdi@gateway.invalid",
        "sip:13800138000;phone-context=+86@gateway.invalid",
        "sip:13800138000;phone-context=ims.carrier.invalid@gateway.invalid",
        "sip:13800138000;isub=12;ext=34@gateway.invalid",
        "sip:13800138000p5566@gateway.invalid",
        "sip:13800138000,,99@gateway.invalid",
        "sip:13800138000;postd=pp22@gateway.invalid",
        "tel:+86-138-0013-8000",
        "tel:13800138000;phone-context=+86",
        "tel:+8613800138000;rn=+8613010;postd=p1",
        "sips:13800138000:secret@gateway.invalid",
    ],
)
def test_one_person_however_written(uri: str) -> None:
    assert recipient_of(parse_uri(uri.encode())) == PERSON


@pytest.mark.parametrize(
    ("uri", "person"),
    [
        ("sip:01088887777@gateway.invalid", "861088887777"),
        ("tel:88887777;phone-context=+8610", "861088887777"),
        ("tel:1088887777;phone-context=+86", "861088887777"),
        ("tel:13800138000;phone-context=+8610", PERSON),
        ("tel:02512345678;phone-context=+8610", "862512345678"),
        ("tel:863-1234;phone-context=+1-914-555", None),
        ("tel:+442079460958", "442079460958"),
        ("tel:02079460958;phone-context=+44", "442079460958"),
        ("sip:alice@gateway.invalid", None),
        ("sip:gateway.invalid", None),
        ("sip:110@gateway.invalid", None),
        ("sip:*6713800138000@gateway.invalid", None),
        ("sip:13800138000;rn=1;rn=2@gateway.invalid", None),
        ("sip:8613800138000x@gateway.invalid", None),
        ("tel:abc", None),
        ("urn:service:sos", None),
    ],
)
def test_who_else_is_called(uri: str, person: str | None) -> None:
    assert read(uri=uri).recipient == person


def test_the_recipient_is_the_request_uri_never_to() -> None:
    assert read().recipient == PERSON


@given(st.binary(max_size=40))
def test_no_octets_of_a_user_raise(octets: bytes) -> None:
    user = b"".join(b"%%%02X" % octet for octet in octets) or b"0"
    question = read(uri=f"sip:{user.decode()}@gateway.invalid")
    assert question.recipient is None or question.recipient.isdigit()


@pytest.mark.parametrize(
    ("caller", "number"),
    [
        ("<sip:10690001@pbx.invalid>", "10690001"),
        ('"95588" <sip:+8610690001@pbx.invalid>', "10690001"),
        ("<tel:+86-10690001>", "10690001"),
        ("<sip:02512345678@pbx.invalid>", "02512345678"),
        ("<tel:2512345678;phone-context=+86>", "02512345678"),
        ("<tel:+442079460958>", "+442079460958"),
        ("<tel:02079460958;phone-context=+44>", "+442079460958"),
    ],
)
def test_the_caller_is_in_from(caller: str, number: str) -> None:
    question = read(caller=caller)
    assert (question.caller, question.findings) == (number, ())


@pytest.mark.parametrize(
    "caller", ["<sip:anonymous@anonymous.invalid>", "<sip:alice@pbx.invalid>", "<sip:pbx.invalid>"]
)
def test_who_has_no_number_calls_nobody(caller: str) -> None:
    question = read(caller=caller)
    assert (question.caller, found_in(question)) == (None, [("caller.identity", "number")])


ASSERTED = "P-Asserted-Identity: <sip:10690002@pbx.invalid>"


def test_an_asserted_identity_counts_where_the_trunk_is_trusted() -> None:
    assert read(ASSERTED, trusted=True).caller == "10690002"
    assert read(ASSERTED, trusted=True, caller="<sip:anonymous@anonymous.invalid>").caller == "10690002"
    assert read(trusted=True).caller == "10690001"


def test_an_asserted_identity_of_others_counts_for_nothing() -> None:
    assert read(ASSERTED).caller == "10690001"
    assert read("P-Preferred-Identity: <sip:10690002@x.invalid>", trusted=True).caller == "10690001"
    assert read("Remote-Party-ID: <sip:10690002@x.invalid>", trusted=True).caller == "10690001"


def test_an_identity_may_be_said_twice_but_not_be_two() -> None:
    assert read(ASSERTED + ", <tel:+8610690002>", trusted=True).caller == "10690002"
    question = read(ASSERTED, "P-Asserted-Identity: <tel:+8610690003>", trusted=True)
    assert (question.caller, found_in(question)) == (None, [("caller.identity", "ambiguous")])


def test_an_asserted_name_is_not_made_good_by_from() -> None:
    question = read("P-Asserted-Identity: <sip:alice@pbx.invalid>", trusted=True)
    assert (question.caller, found_in(question)) == (None, [("caller.identity", "number")])


def test_an_identity_that_cannot_be_read_is_a_finding() -> None:
    question = read("P-Asserted-Identity: <sip:10690002@pbx.invalid", trusted=True)
    assert (question.caller, found_in(question)) == (None, [("caller.identity", "unreadable")])


@pytest.mark.parametrize("privacy", ["id", "header;user", "none, id", "critical"])
def test_who_asks_to_be_hidden_is_refused(privacy: str) -> None:
    assert found_in(read(f"Privacy: {privacy}")) == [("caller.identity", "privacy")]


def test_privacy_none_is_no_wish_to_be_hidden() -> None:
    assert read("Privacy: None").findings == ()


def test_a_purpose_is_one_of_the_known_and_said_once() -> None:
    assert read("X-Purpose: Collection").purpose == "collection"
    assert read().purpose is None
    for lines in (("X-Purpose: gambling",), ("X-Purpose: service", "X-Purpose: collection"), ("X-Purpose:",)):
        question = read(*lines)
        assert (question.purpose, found_in(question)) == (None, [("pdu.ambiguous", "purpose")])


def test_what_is_judged_holds_both_numbers_and_the_registrys_name() -> None:
    judged = judged_call(read().judged("江澜银行"))
    assert (judged.caller, judged.called, judged.display) == ("10690001", PERSON, "江澜银行")
    assert read(uri="sip:alice@x.invalid").judged("江澜银行") == b""


@pytest.mark.parametrize(
    ("uri", "detail"),
    [
        ("sip:110@x", "emergency"),
        ("sip:1-1-9@x", "emergency"),
        ("tel:120;phone-context=+86", "emergency"),
        ("sip:%31%31%30@x;user=phone", "emergency"),
        ("sip:112@x", "emergency"),
        ("sip:12395@x", "emergency"),
        ("sip:10086@x", "service"),
        ("sip:95500@x", "service"),
        ("sip:12@x", ""),
        ("sip:+110@x", ""),
        ("sip:*110@x", ""),
        ("sip:alice@x", ""),
        ("sip:13800138000;rn=1;rn=2@x", ""),
    ],
)
def test_what_is_a_network_s_own_is_told_as_that(uri: str, detail: str) -> None:
    question = read(uri=uri)
    assert question.recipient is None
    assert [each.detail for each in question.findings if each.rule == "address.invalid"] == ([detail] if detail else [])


def test_a_person_is_never_taken_for_a_short_number() -> None:
    assert read(uri="sip:88887777;phone-context=+8610@x").findings == ()
