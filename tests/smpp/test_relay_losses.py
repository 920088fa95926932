"""The mirror relay when time runs out, a side is lost, unbinds, or the route drains."""

from __future__ import annotations

import struct

import pytest

from proxy.smpp import consts
from tests.tools.relay_play import PERSON, PORT, RelayPlay, message, play
from tests.tools.session_play import pdu

pytestmark = pytest.mark.unit


# ---- time ---------------------------------------------------------------------------------------------------------


def test_a_carrier_that_does_not_answer():
    play("""
        >> esme submit 5
        << carrier submit 1
        .. waits 9
        .. waits 1
        << esme submit_resp 5 0x460
        :: outcome 1 unknown 0x0
        >> carrier submit_resp 1 id=A1
        :: outcome 1 late 0x0 A1
        >> carrier submit_resp 1 id=A1
        :: response.unsolicited
    """)


def test_only_so_many_late_answers_are_remembered_and_the_oldest_goes_first(monkeypatch):
    monkeypatch.setattr("proxy.smpp.relay._LATE_KEPT", 2)
    play("""
        >> esme submit 5
        << carrier submit 1
        >> esme submit 6
        << carrier submit 2
        >> esme submit 7
        << carrier submit 3
        .. waits 10
        << esme submit_resp 5 0x460
        << esme submit_resp 6 0x460
        << esme submit_resp 7 0x460
        >> carrier submit_resp 1 id=A1
        :: response.unsolicited
        >> carrier submit_resp 3 id=A3
        :: outcome 3 late 0x0 A3
    """)


def test_an_esme_that_does_not_answer():
    play("""
        >> carrier deliver 20
        << esme deliver 1
        >> carrier deliver 21
        << esme deliver 2
        >> carrier deliver 22
        .. waits 10
        << carrier deliver_resp 20 0x64
        << carrier deliver_resp 21 0x64
        << esme deliver 3
        >> esme deliver_resp 1
        :: response.unsolicited
    """)


def test_what_waited_for_room_is_judged_when_time_makes_room():
    play("""
        >> esme submit 1
        << carrier submit 1
        >> esme submit 2
        << carrier submit 2
        >> esme submit 3
        << carrier submit 3
        >> esme submit 4
        .. waits 10
        << esme submit_resp 1 0x460
        << esme submit_resp 2 0x460
        << esme submit_resp 3 0x460
        << carrier submit 4
    """)


# ---- losing a side ------------------------------------------------------------------------------------------------


def test_the_carrier_is_lost_with_a_full_window():
    play("""
        >> esme submit 1
        << carrier submit 1
        >> esme query 2
        << carrier query 2
        .. own
        << carrier submit 3
        >> esme submit 4
        .. carrier lost
        << esme submit_resp 1 0x460
        << esme query_resp 2 0x460
        << esme submit_resp 4 0x14
        :: internal.upstream
        >> esme submit 5
        << esme submit_resp 5 0x14
        :: internal.upstream
        .. carrier back
        >> esme submit 6
        << carrier submit 4
        >> carrier submit_resp 1 id=A
        :: response.unsolicited
    """)


def test_a_carrier_that_takes_its_leave_gets_nothing_more():
    play("""
        >> carrier unbind 9
        << carrier unbind_resp 9
        :: carrier.lost
        >> esme submit 1
        << esme submit_resp 1 0x14
        :: internal.upstream
        .. own no
    """)


def test_a_carrier_that_we_unbind_gets_nothing_more():
    scene = RelayPlay()
    assert scene.carrier is not None
    scene.carrier.unbind(1)
    scene.came("carrier")
    play(
        """
        >> esme submit 1
        << esme submit_resp 1 0x14
        >> carrier unbind_resp 1
    """,
        scene,
    )
    assert scene.carrier.ending == "unbound"


def test_deliveries_of_a_lost_carrier_are_forgotten():
    play("""
        >> carrier deliver 20
        << esme deliver 1
        >> carrier deliver 21
        << esme deliver 2
        >> carrier deliver 22
        >> carrier deliver 23 text=TD
        .. carrier lost
        .. carrier back
        >> esme deliver_resp 1
        :: response.unsolicited
        .. disk ok
        >> carrier deliver 20
        << esme deliver 3
        >> esme deliver_resp 3
        << carrier deliver_resp 20
    """)


def test_the_esme_is_lost_with_full_windows():
    play("""
        >> esme submit 1
        << carrier submit 1
        >> carrier deliver 20
        << esme deliver 1
        >> carrier deliver 21
        << esme deliver 2
        >> carrier deliver 22
        >> carrier deliver 23 text=TD
        >> carrier deliver 24 receipt=A
        .. esme lost
        << carrier deliver_resp 20 0x64
        << carrier deliver_resp 21 0x64
        << carrier deliver_resp 22 0x64
        << carrier deliver_resp 24 0x64
        .. disk ok
        << carrier deliver_resp 23 0x64
        >> carrier submit_resp 1 id=A
        :: accepted A
        >> carrier deliver 25 receipt=A
        << carrier deliver_resp 25 0x64
    """)


def test_an_esme_that_is_lost_leaves_nothing_in_flight_once_the_carrier_answered():
    scene = play("""
        >> esme submit 1
        << carrier submit 1
        >> esme submit 2 text=slow
        >> esme submit 3
        << carrier submit 2
        >> esme submit 4
        << carrier submit 3
        >> esme submit 5
        .. esme lost
        >> carrier submit_resp 1 0x8
        >> carrier submit_resp 2 0x8
    """)
    assert scene.relay.in_flight == 2
    play(".. disk ok\n.. waits 10\n:: outcome 4 unknown 0x0", scene)
    assert scene.relay.in_flight == 0


# ---- unbinding and draining ---------------------------------------------------------------------------------------


def test_an_unbind_is_answered_when_all_else_is():
    scene = play("""
        >> esme submit 1
        << carrier submit 1
        >> esme submit 2 text=slow
        >> esme unbind 3
        >> esme submit 4
        << esme submit_resp 4 0x4
        >> carrier submit_resp 1 id=A
        << esme submit_resp 1
        .. disk ok
        << esme submit_resp 2 0x439
        << esme unbind_resp 3
    """)
    assert scene.esme is not None
    assert scene.esme.ending == "unbound"


def test_an_unbind_with_nothing_open_is_answered_at_once():
    play("""
        >> esme unbind 3
        << esme unbind_resp 3
    """)


def test_an_unbind_is_answered_after_a_time_out():
    play("""
        >> esme submit 1
        << carrier submit 1
        >> esme unbind 3
        .. waits 10
        << esme submit_resp 1 0x460
        << esme unbind_resp 3
    """)


def test_an_unbind_behind_requests_that_wait_is_answered_when_the_carrier_is_lost():
    play("""
        >> esme submit 1
        << carrier submit 1
        >> esme submit 2
        << carrier submit 2
        >> esme submit 3
        << carrier submit 3
        >> esme submit 4
        >> esme unbind 5
        .. carrier lost
        << esme submit_resp 1 0x460
        << esme submit_resp 2 0x460
        << esme submit_resp 3 0x460
        << esme submit_resp 4 0x14
        << esme unbind_resp 5
    """)


def test_an_esme_that_unbinds_gets_no_more_deliveries_and_may_answer_those_it_has():
    play("""
        >> esme submit 1
        << carrier submit 1
        >> carrier deliver 20
        << esme deliver 1
        >> esme unbind 2
        >> carrier deliver 21
        << carrier deliver_resp 21 0x64
        >> esme deliver_resp 1
        << carrier deliver_resp 20
        >> carrier submit_resp 1 id=A
        << esme submit_resp 1
        << esme unbind_resp 2
    """)


def test_what_stands_behind_an_unbind_in_one_chunk_is_not_sent():
    scene = RelayPlay()
    submit = message("submit", 2, source=PORT, dest=PERSON, text=b"yes")
    scene.says("esme", pdu(consts.UNBIND, 1) + submit)
    assert scene.came("carrier") == []
    assert sorted((each.command_id & 0xFF, each.status) for each in scene.came("esme")) == [(4, 4), (6, 0)]


def test_a_draining_relay_takes_no_new_work_and_ends_the_old():
    play("""
        >> esme submit 1
        << carrier submit 1
        .. draining
        >> esme submit 2
        << esme submit_resp 2 0x14
        :: internal.draining
        >> esme query 3
        << esme query_resp 3 0x14
        >> carrier submit_resp 1 id=A
        << esme submit_resp 1
        >> carrier deliver 20
        << esme deliver 1
        >> esme deliver_resp 1
        << carrier deliver_resp 20
    """)


def test_link_sequences_are_of_the_same_numbers_as_the_requests():
    scene = RelayPlay()
    assert [scene.relay.carrier_sequence(), scene.relay.carrier_sequence()] == [1, 2]
    assert scene.relay.esme_sequence() == 1
    play(
        """
        >> esme submit 1
        << carrier submit 3
        >> carrier link_resp 1
        >> carrier deliver 20
        << esme deliver 2
    """,
        scene,
    )
    assert scene.gate.told == []


def test_a_destination_is_found_behind_any_source():
    # `text` and source are chosen so that the destination stands elsewhere in the PDU too.
    scene = RelayPlay()
    text = b"yes 13800138001"
    scene.says("esme", message("submit", 1, source="13800138001", dest=PERSON, text=text))
    scene.came("carrier")
    receipt = message("deliver", 20, source="8613800138001", dest=PORT, text=b"id:Z", esm_class=4)
    scene.says("carrier", receipt)
    assert [struct.unpack(">I", each.raw[4:8])[0] for each in scene.came("esme")] == [consts.DELIVER_SM]
