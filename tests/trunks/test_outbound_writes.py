"""What `Outbound` writes towards a carrier, line by line."""

import pytest

from proxy.sip.message import SipRequest
from proxy.sip_settings import SipCarrier
from proxy.trunks.outbound import Outbound
from tests.tools.outbound_play import permit, written
from tests.tools.sip_messages import SDP, a_request

pytestmark = pytest.mark.unit

IDENTITY = '"江澜银行" <sip:95500@192.0.2.20>'.encode()


def leaving(carrier: SipCarrier | None = None, *headers: str) -> SipRequest:
    asked = a_request(
        caller="<sip:110@pbx.example>;tag=a",
        body=SDP,
        headers=("X-Kept: 1", "X-Held: 2", "X-Gone: 3", "Content-Type: application/sdp", *headers),
    )
    return written(Outbound(permit(), asked, frozenset(("x-held",))), carrier)


def test_only_judged_identities_and_what_is_end_to_end_leave() -> None:
    invite = leaving(None, "P-Asserted-Identity: <sip:110@pbx.example>", "P-Charge-Info: <sip:110@pbx.example>")
    assert invite.uri == b"sip:8613800138000@192.0.2.30:5070;user=phone"
    assert invite.first("from") == IDENTITY + b";tag=tag"
    assert invite.each("p-asserted-identity") == [IDENTITY]
    assert invite.to.uri == b"sip:8613800138000@192.0.2.30:5070;user=phone"
    assert invite.first("max-forwards") == b"69"
    assert (invite.each("x-kept"), invite.each("x-held"), invite.each("x-gone")) == ([b"1"], [], [b"3"])
    assert (invite.body, invite.content_length()) == (SDP, len(SDP))
    assert b"110@" not in invite.octets()


def test_configuration_adds_and_removes() -> None:
    invite = leaving(SipCarrier(header_remove=["X-Gone"], header_add={"X-Kept": "ours"}))
    assert (invite.each("x-kept"), invite.each("x-gone")) == ([b"ours"], [])
