"""Digits in INFO bodies, and whose word a 607 is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.catalogue import CATALOGUE
from proxy.sip.dtmf import digits_in
from proxy.sip.unwanted import is_diverted, says_unwanted
from tests.tools.sip_messages import a_request, a_response

pytestmark = pytest.mark.unit


def digits(kind: str | None, body: bytes) -> str:
    headers = (f"Content-Type: {kind}",) if kind else ()
    return digits_in(a_request("INFO", headers=headers, body=body))


@pytest.mark.parametrize(
    ("kind", "body", "found"),
    [
        ("application/dtmf-relay", b"Signal=9\r\nDuration=160\r\n", "9"),
        ("application/dtmf-relay", b"Signal= 9\nDuration= 160\n", "9"),
        ("Application/DTMF-Relay; charset=utf-8", b"signal: #", "#"),
        ("application/dtmf-relay", b"Signal=10\r\n", "*"),
        ("application/dtmf-relay", b"Signal=11\r\n", "#"),
        ("application/dtmf-relay", b"Signal=d\r\n", "D"),
        ("application/dtmf-relay", b"Duration=9\r\n", ""),
        ("application/dtmf-relay", b"Signal=99\r\n", ""),
        ("application/dtmf-relay", b"Signal=16\r\n", ""),
        ("application/dtmf-relay", b"9", ""),
        ("application/dtmf", b"9", "9"),
        ("application/dtmf", b" 9\r\n", "9"),
        ("application/dtmf", b"10", "*"),
        ("application/dtmf", b"d=9\r\n", "9"),
        ("application/dtmf", b"Signal=9", ""),
        ("application/dtmf", b"", ""),
        ("application/dtmf", b"\xff9", ""),
        ("application/sdp", b"9", ""),
        (None, b"Signal=9", ""),
    ],
)
def test_the_key_in_an_info(kind: str | None, body: bytes, found: str) -> None:
    assert digits(kind, body) == found


@given(st.sampled_from(["application/dtmf-relay", "application/dtmf"]), st.binary(max_size=1100))
def test_no_body_raises(kind: str, body: bytes) -> None:
    assert set(digits(kind, body)) <= set("0123456789*#ABCD")


INVITE = a_request()


@pytest.mark.parametrize(
    ("status", "reasons", "unwanted"),
    [
        (607, (), True),
        (607, ('Reason: SIP;cause=607;text="Unwanted"',), True),
        (607, ('Reason: Q.850;cause=21;text="spam"',), True),
        (603, ("Reason: SIP;cause=607",), False),
        (486, (), False),
        (607, ('Reason: Q.850;cause=21;text="suppression.active"',), False),
        (607, ("Reason: SIP;cause=607", 'Reason: Q.850;cause=21;text="hours.closed"'), False),
        (607, ("Reason: ;;;",), True),
    ],
)
def test_a_607_is_the_persons_unless_a_rule_said_it(status: int, reasons: tuple[str, ...], unwanted: bool) -> None:
    assert says_unwanted(a_response(INVITE, status, headers=reasons)) is unwanted


@pytest.mark.parametrize(
    ("reasons", "unwanted"),
    [
        (("Reason: SIP;cause=607",), True),
        (('Reason: sip ; cause=607 ;text="Unwanted"',), True),
        (('Reason: Q.850;cause=16;text="x, SIP;cause=607"',), False),
        (("Reason: Q.850;cause=21, SIP;cause=607",), True),
        (("Reason: Q.850;cause=16",), False),
        (("Reason: SIP;cause=603",), False),
        (("Reason: SIP;cause=607;cause=200",), False),
        (("Reason: Q.850;cause=607",), False),
        ((), False),
        (('Reason: SIP;cause=607;text="suppression.active"',), False),
    ],
)
def test_a_bye_says_it_in_its_reason(reasons: tuple[str, ...], unwanted: bool) -> None:
    assert says_unwanted(a_request("BYE", headers=reasons)) is unwanted
    assert not says_unwanted(a_request("CANCEL", headers=reasons))


@pytest.mark.parametrize("rule", CATALOGUE)
def test_no_rule_of_ours_is_a_persons_word(rule: str) -> None:
    assert not says_unwanted(a_response(INVITE, 607, headers=(f'Reason: Q.850;cause=21;text="{rule}"',)))


@pytest.mark.parametrize(
    ("status", "headers", "diverted"),
    [
        (180, (), False),
        (181, (), True),
        (180, ("Diversion: <sip:13800138000@x.invalid>;reason=unconditional",), True),
        (180, ("History-Info: <sip:13800138000@x.invalid>;index=1",), False),
        (180, ("History-Info: <sip:a@x.invalid>;index=1, <sip:b@x.invalid>;index=1.1",), True),
        (180, ("History-Info: <sip:a@x.invalid>;index=1", "History-Info: <sip:b@x.invalid>;index=1.1"), True),
        (180, ('History-Info: <sip:a@x.invalid, "',), True),
    ],
)
def test_who_else_was_called(status: int, headers: tuple[str, ...], diverted: bool) -> None:
    assert is_diverted(a_response(INVITE, status, to_tag="b", headers=headers)) is diverted
