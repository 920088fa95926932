"""What raises is told and costs only itself: not the other messages of its connection, not the keys that follow."""

from __future__ import annotations

from typing import Any, cast

import pytest

from proxy.sip.message import SipRequest
from proxy.sip_b2bua import SipServer
from proxy.sip_settings import Sip
from proxy.trunks.digit_reports import DigitReport
from proxy.trunks.judge import CallJudge
from proxy.trunks.streams import Stream
from tests.tools.sip_messages import a_request

pytestmark = pytest.mark.unit


class Server(SipServer):
    """A server without sockets. `logged` are the events."""

    def __init__(self) -> None:
        self.logged: list[str] = []
        super().__init__(Sip(), cast(CallJudge, None), lambda event, **_: self.logged.append(event), lambda: 1.0)


def test_a_defect_of_one_message_leaves_the_others_of_its_connection() -> None:
    server = Server()
    seen: list[SipRequest] = []

    class Raising:
        def message(self, message: SipRequest, *_: Any) -> None:
            seen.append(message)
            if len(seen) == 1:
                raise RuntimeError

        def go_on(self, now: float) -> None:
            del now

    server._turn = cast(Any, Raising())
    server.framed(cast(Stream, None), [a_request("OPTIONS"), a_request("BYE")])
    assert ([each.method for each in seen], server.logged) == (["OPTIONS", "BYE"], ["call.defect"])


def test_a_defect_of_one_key_leaves_the_next() -> None:
    server = Server()
    keys: list[str] = []

    class Raising:
        draining = False
        keeping = 0

        def digits(self, reports: list[DigitReport], now: float) -> None:
            del now
            keys.append(reports[0].key)
            if len(keys) == 1:
                raise RuntimeError

    server.desk = cast(Any, Raising())
    server._turn = cast(Any, type("Still", (), {"go_on": lambda *_: None})())
    for key in "19":
        server._digits([DigitReport(b"c", b"t", (), key)])
    assert (keys, server.logged) == (["1", "9"], ["call.defect"])
