"""Which gateways live: by their answers to OPTIONS, or by calls that they put through."""

from __future__ import annotations

from typing import cast

import pytest

from proxy.sip.calls import Calls
from proxy.sip_settings import SipGateway
from proxy.trunks.gateways import Gateway
from proxy.trunks.supervision import Probe

pytestmark = pytest.mark.unit


def test_one_that_is_silent_to_options_lives_only_while_calls_go_through() -> None:
    told: list[str] = []
    gateway = Gateway("carrier", SipGateway())
    probe = Probe(gateway, 30.0, cast(Calls, None), lambda _, __: None, lambda event, **_: told.append(event))
    gateway.rang = True
    probe.unanswered(1.0)
    assert gateway.up
    probe.unanswered(31.0)
    assert (gateway.up, told) == (False, ["gateway.down"])
    gateway.rang = True
    probe.unanswered(61.0)
    assert (gateway.up, told) == (True, ["gateway.down", "gateway.up"])
