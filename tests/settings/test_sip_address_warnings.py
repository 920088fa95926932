"""A carrier's gateway at an address of a trunk: right as it may be, and told."""

import pytest

from proxy.call_warnings import address_warnings
from proxy.sip_settings import Sip, SipCarrier, SipGateway, SipTrunk

pytestmark = pytest.mark.unit


def sip(*addresses: str) -> Sip:
    carrier = SipCarrier(gateways=[SipGateway("192.0.2.30"), SipGateway("192.0.2.31"), SipGateway("2001:db8::1")])
    return Sip(trunks={"jianglan": SipTrunk(addresses=list(addresses))}, carriers={"default": carrier})


def test_two_roles_of_one_address_are_told() -> None:
    (line,) = address_warnings(sip("192.0.2.10/32", "192.0.2.30/32", "2001:db8::/64"))
    assert line.startswith("sip.trunks.jianglan.addresses: 192.0.2.30, 2001:db8::1 is a gateway of default: ")


def test_addresses_apart_are_not() -> None:
    assert list(address_warnings(sip("192.0.2.10/32", "192.0.2.32/31"))) == []
    assert list(address_warnings(sip())) == []
