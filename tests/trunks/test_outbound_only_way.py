"""No call leaves towards a carrier but with a permit: held over what `Outbound` writes.

The source is held to it in tests/policy/test_source_tree.py, which reads it once.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import PermitSpentError
from proxy.sip.judged import JudgedCall
from proxy.sip_settings import SipCarrier
from proxy.trunks.outbound import Outbound
from tests.tools.outbound_play import permit, written
from tests.tools.sip_messages import SDP, a_request

pytestmark = pytest.mark.unit


def test_a_permit_is_spent_once() -> None:
    one = permit()
    Outbound(one, a_request(), frozenset())
    with pytest.raises(PermitSpentError):
        Outbound(one, a_request(), frozenset())


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"95500",
        b"95500\n\n\n",
        b"95500\n86\n",
        b"95500\n86\n\n\n",
        b"95500\n861\nx\x01\n",
        b"95500\n861\nx\na>b",
        b"\xff\n1\n\n",
    ],
)
def test_a_permit_for_something_else_makes_no_call(octets: bytes) -> None:
    with pytest.raises(ValueError):
        Outbound(permit(octets), a_request(), frozenset())


SECRET = "secret.example"
NAMES = st.sampled_from(
    (
        *("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Contact", "Route", "Record-Route", "Via"),
        *("Diversion", "History-Info", "Privacy", "Identity", "Call-Info", "Referred-By", "Authorization", "Path"),
        *("Subject", "Organization", "Alert-Info", "Reply-To", "S"),
    )
)


@given(st.lists(NAMES, max_size=8))
def test_nothing_of_leg_a_that_names_it_leaves(names: list[str]) -> None:
    headers = tuple(f"{name}: <sip:110@{SECRET}>" for name in names)
    asked = a_request(caller=f'"{SECRET}" <sip:110@{SECRET}>;tag=a', body=SDP, headers=(*headers, "X-Kept: yes"))
    invite = written(Outbound(permit(), asked, frozenset()))
    octets = invite.octets()
    assert SECRET.encode() not in octets
    assert invite.body == SDP
    assert b"X-Kept: yes" in octets
    assert invite.first("from") == '"江澜银行" <sip:95500@192.0.2.20>;tag=tag'.encode()
    assert invite.first("p-asserted-identity") == '"江澜银行" <sip:95500@192.0.2.20>'.encode()
    assert invite.first("max-forwards") == b"69"


def test_the_page_that_is_told_is_the_registrys() -> None:
    page = "https://www.jianglan.example/outbound?k=1"
    octets = JudgedCall("95500", "8613800138000", "江澜银行", page).octets()
    asked = a_request(headers=("Call-Info: <https://elsewhere.example/>;purpose=icon",))
    assert written(Outbound(permit(octets), asked, frozenset())).each("call-info") == [
        f"<{page}>;purpose=info".encode()
    ]
    assert written(Outbound(permit(), asked, frozenset())).each("call-info") == []


def test_a_carrier_has_its_headers_and_its_numbers() -> None:
    carrier = SipCarrier(header_remove=["X-Gone"], header_add={"X-Trunk": "7"}, number_format="plus")
    asked = a_request(headers=("X-Gone: 1", "X-Trunk: 8", "X-Kept: 2"))
    invite = written(Outbound(permit(), asked, frozenset()), carrier)
    assert invite.uri == b"sip:+8613800138000@192.0.2.30:5070;user=phone"
    assert (invite.each("x-gone"), invite.each("x-trunk"), invite.each("x-kept")) == ([], [b"7"], [b"2"])
