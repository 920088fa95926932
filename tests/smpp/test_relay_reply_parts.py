"""Replies in parts: joined before they are read, and never lost through waiting."""

from __future__ import annotations

import pytest

from proxy.smpp.inbound import Reply, joined, read_inbound
from proxy.smpp.pdu import Pdu
from proxy.smpp.text import DEFAULT_TABLE
from tests.tools.relay_play import RelayPlay, part, play

pytestmark = pytest.mark.unit


@pytest.mark.parametrize("kind", ["8", "16", "sar"])
def test_a_refusal_cut_in_two_is_heard_as_one_and_both_parts_pass_on_in_order(kind: str) -> None:
    scene = play(f"""
        >> carrier reply 5 ref=3 of=2 n=2 text="D" kind={kind}
        >> carrier reply 6 ref=3 of=2 n=1 text="T" kind={kind}
        .. disk ok
        << esme deliver 1 text="T"
        << esme deliver 2 text="D"
        >> esme deliver_resp 1
        << carrier deliver_resp 6
        >> esme deliver_resp 2
        << carrier deliver_resp 5
    """)
    assert scene.gate.heard == [("TD",)]
    assert scene.relay.delivering == 0


def test_a_refusal_that_cannot_be_put_on_disk_is_asked_for_again_whole() -> None:
    play("""
        >> carrier reply 5 ref=3 of=2 n=1 text="T"
        >> carrier reply 6 ref=3 of=2 n=2 text="D"
        .. disk failed
        << carrier deliver_resp 5 0x64
        << carrier deliver_resp 6 0x64
    """)


def test_what_asks_for_nothing_passes_at_once_when_it_is_whole() -> None:
    play("""
        >> carrier reply 5 ref=3 of=2 n=1 text="good "
        >> carrier reply 6 ref=3 of=2 n=2 text="day"
        << esme deliver 1
        << esme deliver 2
    """)


def test_a_carrier_that_waits_for_our_answer_gets_it_and_the_rest_is_joined_when_it_comes() -> None:
    scene = play("""
        >> carrier reply 5 ref=3 of=2 n=1 text="T"
        .. waits 3
        << esme deliver 1
        :: parts.apart
        >> esme deliver_resp 1
        << carrier deliver_resp 5
        >> carrier reply 6 ref=3 of=2 n=2 text="D"
        .. disk ok
        << esme deliver 2
    """)
    assert scene.gate.heard == [("T",), ("TD", "D")]


def test_a_carrier_that_goes_on_talking_waits_no_longer_than_its_time() -> None:
    scene = play("""
        >> carrier reply 5 ref=3 of=2 n=1 text="TD"
        .. waits 2
        >> carrier deliver 6
        << esme deliver 1
        .. waits 2
        >> carrier deliver 7
        << esme deliver 2
        >> esme deliver_resp 1
        << carrier deliver_resp 6
        .. waits 1
        .. disk ok
        << esme deliver 3 text="TD"
    """)
    assert ("TD",) in scene.gate.heard


@pytest.mark.parametrize("loss", ["carrier lost", "esme lost"])
def test_a_refusal_that_waits_is_heard_when_a_side_is_lost(loss: str) -> None:
    scene = RelayPlay()
    scene.says("carrier", part(5, b"TD", ref=3, of=2, n=1, name="deliver", source="8613800138000", dest="10690001"))
    assert scene.gate.heard == []
    if loss == "carrier lost":
        scene.carrier_lost()
    else:
        scene.esme_lost()
    assert scene.gate.heard == [("TD",)]
    scene.disk(True)
    assert scene.came("esme") == []
    if loss == "esme lost":
        assert [(one.sequence, one.status) for one in scene.came("carrier")] == [(5, 0x64)]


def test_another_message_under_one_reference_is_another_reply() -> None:
    scene = play("""
        >> carrier reply 5 ref=3 of=2 n=1 text="TD"
        >> carrier reply 6 ref=3 of=2 n=1 text="hello "
        .. disk ok
        << esme deliver 1 text="TD"
        >> carrier reply 7 ref=3 of=2 n=2 text="you"
        << esme deliver 2
        >> esme deliver_resp 1
        << carrier deliver_resp 5
        << esme deliver 3
    """)
    assert scene.gate.heard[0] == ("TD",)
    assert "hello you" in scene.gate.heard[1]


def test_the_same_part_twice_is_answered_twice() -> None:
    scene = play(
        """
        >> carrier reply 5 ref=3 of=2 n=1 text="T"
        >> carrier reply 6 ref=3 of=2 n=1 text="T"
        >> carrier reply 7 ref=3 of=2 n=2 text="D"
        .. disk ok
        << esme deliver 1 text="T"
        << esme deliver 2 text="T"
        << esme deliver 3 text="D"
        """,
        RelayPlay(esme_window=3),
    )
    assert scene.gate.heard == [("TD",)]


def test_a_receipt_is_never_a_part() -> None:
    scene = RelayPlay()
    octets = bytearray(part(5, b"id:1 stat:DELIVRD", ref=3, of=2, n=1, name="deliver"))
    octets[octets.index(b"\x40\0\0\0\0")] |= 0x04
    scene.says("carrier", bytes(octets))
    assert len(scene.came("esme")) == 1


def test_a_receiver_of_our_own_answers_all_parts_of_a_refusal() -> None:
    play(
        """
        >> carrier reply 5 ref=3 of=2 n=1 text="T"
        >> carrier reply 6 ref=3 of=2 n=2 text="D"
        .. disk ok
        << carrier deliver_resp 5
        << carrier deliver_resp 6
        """,
        RelayPlay(own=True),
    )


def read(octets: bytes, n: int, coding: int) -> Reply:
    raw = part(1, octets, ref=3, of=2, n=n, coding=coding, name="deliver", source="8613800138000", dest="10690001")
    inbound = read_inbound(Pdu(5, 0, 1, raw), DEFAULT_TABLE)
    assert isinstance(inbound, Reply)
    return inbound


def test_a_character_that_was_cut_is_read_whole_and_alphabets_may_differ() -> None:
    octets = "退订".encode("utf-16-be")
    assert "退订" in joined([read(octets[:3], 1, 8), read(octets[3:], 2, 8)], DEFAULT_TABLE).readings
    assert "退订TD" in joined([read(octets, 1, 8), read(b"TD", 2, 0)], DEFAULT_TABLE).readings
