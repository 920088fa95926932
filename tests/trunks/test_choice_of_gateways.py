"""Which gateway is next: priority before weight, none twice, none that is down."""

from collections import Counter

import pytest

from proxy.sip_settings import SipCarrier, SipGateway, SipTrunk
from proxy.trunks.gateways import Carrier, Gateway
from proxy.trunks.peers import Peers

pytestmark = pytest.mark.unit


def carrier(*rows: tuple[int, int]) -> Carrier:
    gateways = [
        SipGateway(port=5000 + place, priority=priority, weight=weight) for place, (priority, weight) in enumerate(rows)
    ]
    return Carrier("default", SipCarrier(gateways=gateways))


def test_shares_are_exact_within_one_priority() -> None:
    one = carrier((1, 3), (1, 1), (2, 9))
    chosen = Counter(found.settings.port for _ in range(40) if (found := one.choose([])) is not None)
    assert chosen == {5000: 30, 5001: 10}


def test_each_is_tried_once_and_then_nobody() -> None:
    one = carrier((2, 1), (1, 1), (1, 1))
    tried: list[Gateway] = []
    while (found := one.choose(tried)) is not None:
        tried.append(found)
    assert [each.settings.priority for each in tried] == [1, 1, 2]
    assert len(set(tried)) == 3


def test_one_that_is_down_is_left_out() -> None:
    one = carrier((1, 1), (2, 1))
    one.gateways[0].up = False
    found = one.choose([])
    assert found is one.gateways[1]
    one.gateways[1].up = False
    assert one.choose([]) is None


def test_who_is_who_by_address() -> None:
    trunks = {
        "near": SipTrunk("a", ["192.0.2.0/24", "2001:db8::/32"]),
        "both": SipTrunk("b", ["192.0.2.7/32"], username="u", password="p"),
        "roaming": SipTrunk("c", username="r", password="p"),
    }
    gateways = [SipGateway("198.51.100.1"), SipGateway("2001:DB8::1")]
    peers = Peers(trunks, {"default": SipCarrier(gateways=gateways)})
    names = {
        host: [each.name for each in peers.at(host).trunks] for host in (b"192.0.2.7", b"192.0.2.8", b"203.0.113.1")
    }
    assert names == {
        b"192.0.2.7": ["near", "both", "roaming"],
        b"192.0.2.8": ["near", "roaming"],
        b"203.0.113.1": ["roaming"],
    }
    assert [each.name for each in peers.at(b"::ffff:192.0.2.8").trunks] == ["near", "roaming"]
    assert peers.at(b"198.51.100.1").carriers == {"default"}
    assert peers.at(b"2001:db8::1").carriers == {"default"}
    without = Peers({"near": trunks["near"]}, {})
    assert without.at(b"203.0.113.1").stranger
    assert without.at(b"nonsense").stranger
