"""submit_multi and data_sm through the relay: who goes on, what comes back, and when."""

from __future__ import annotations

import pytest

from proxy.smpp import consts
from tests.tools.relay_play import RelayPlay, play

pytestmark = pytest.mark.unit

#: The playbook's data_sm goes to the port, whoever sends it.
PORT_OF_THEIRS = "10690001"
A, B, NO, NO2 = "8613800138001", "8613800138002", "8613800138009", "8613800138019"


def test_all_permitted_pass_as_they_are_and_so_does_the_answer():
    scene = RelayPlay()
    play(
        f"""
        >> esme multi 7 to={A},{B}
        << carrier multi 1 to={A},{B}
        >> carrier multi_resp 1 id=M1 unsuccess={B}:0x14
        << esme multi_resp 7 id=M1 unsuccess={B}:0x14
        :: accepted M1
        :: outcome 2 rejected 0x14 M1
        """,
        scene,
    )


def test_the_refused_are_left_out_and_told_of():
    play(f"""
        >> esme multi 7 to={A},{NO},{B},@everybody
        << carrier multi 1 to={A},{B}
        >> carrier multi_resp 1 id=M1 unsuccess={A}:0xb
        << esme multi_resp 7 id=M1 unsuccess={A}:0xb,{NO}:0x439,everybody:0x439
        :: accepted M1
        :: outcome 1 rejected 0xb M1
    """)


def test_the_same_person_twice_is_judged_and_told_of_twice():
    play(f"""
        >> esme multi 7 to={A},{NO},{A},{NO}
        << carrier multi 1 to={A},{A}
        >> carrier multi_resp 1 id=M1
        << esme multi_resp 7 unsuccess={NO}:0x439,{NO}:0x439
    """)


def test_nobody_permitted_never_reaches_the_carrier():
    play(f"""
        >> esme multi 7 to={NO},{NO2},@everybody
        << esme multi_resp 7 0x439
    """)


def test_the_carriers_answer_waits_for_the_evidence_of_the_refused():
    play(f"""
        >> esme multi 7 to={A},{NO} text=slow
        << carrier multi 1 to={A}
        >> carrier multi_resp 1 id=M1
        >> esme unbind 8
        .. disk ok
        << esme multi_resp 7 unsuccess={NO}:0x439
        << esme unbind_resp 8
    """)


def test_the_evidence_may_be_there_before_the_carrier():
    play(f"""
        >> esme multi 7 to={A},{NO} text=slow
        << carrier multi 1 to={A}
        .. disk ok
        >> carrier multi_resp 1 id=M1
        << esme multi_resp 7 unsuccess={NO}:0x439
    """)


def test_a_refusal_of_all_waits_for_its_evidence():
    play(f"""
        >> esme multi 7 to={NO},{NO2} text=slow
        .. disk failed
        << esme multi_resp 7 0x439
    """)


@pytest.mark.parametrize("to", [f"{A},{B}", f"{A},{NO},{B}"])
def test_a_carrier_that_takes_nobody_is_heard_as_it_speaks(to: str):
    for said, heard in (("multi_resp 1 0x58", "multi_resp 7 0x58"), ("nack 1 0x3", "nack 7 0x3")):
        scene = RelayPlay()
        scene.says("esme", b"")
        play(
            f"""
            >> esme multi 7 to={to}
            << carrier multi 1 to={A},{B}
            >> carrier {said}
            << esme {heard}
            """,
            scene,
        )
        status = said.split()[-1]
        last = 2 if to == f"{A},{B}" else 3
        assert scene.gate.told == [f"outcome 1 rejected {status}", f"outcome {last} rejected {status}"]


def test_a_lost_carrier_leaves_all_of_it_unknown():
    scene = play(f"""
        >> esme multi 7 to={A},{NO},{B}
        << carrier multi 1 to={A},{B}
        .. carrier lost
        << esme multi_resp 7 0x460
        :: outcome 1 unknown 0x0
        :: outcome 3 unknown 0x0
    """)
    assert scene.relay.in_flight == 0


def test_a_late_answer_is_recorded_for_each():
    play(f"""
        >> esme multi 7 to={A},{B}
        << carrier multi 1 to={A},{B}
        .. waits 11
        << esme multi_resp 7 0x460
        :: response.timeout
        >> carrier multi_resp 1 id=M1
        :: outcome 1 late 0x0 M1
        :: outcome 2 late 0x0 M1
    """)


def test_an_esme_that_left_is_not_answered_and_nothing_stays_open():
    scene = play(f"""
        >> esme multi 7 to={A},{NO} text=slow
        << carrier multi 1 to={A}
        .. esme lost
        >> carrier multi_resp 1 id=M1
        .. disk ok
    """)
    assert scene.relay.in_flight == 0


def test_another_answer_is_none():
    play(f"""
        >> esme multi 7 to={A}
        << carrier multi 1
        >> carrier submit_resp 1 id=M1
        :: response.unsolicited
        >> carrier multi_resp 1 id=M1
        << esme multi_resp 7 id=M1
    """)


def test_a_receipt_that_is_early_waits_for_the_answer_that_names_its_message():
    play(f"""
        >> esme multi 7 to={A},{B}
        << carrier multi 1
        >> carrier deliver 5 from={B} receipt=M1
        :: receipt.waited
        >> carrier multi_resp 1 id=M1
        << esme multi_resp 7 id=M1
        << esme deliver 1
        >> esme deliver_resp 1
        << carrier deliver_resp 5
    """)


def test_it_waits_for_room_like_any_other_and_takes_one_place():
    scene = play(
        f"""
        >> esme multi 1 to={A},{B}
        << carrier multi 1
        >> esme multi 2 to={A},{B}
        << carrier multi 2
        >> esme multi 3 to={A},{NO}
        << carrier multi 3
        >> esme multi 4 to={A},{NO}
        >> carrier multi_resp 1 id=M1
        << esme multi_resp 1 id=M1
        << carrier multi 4 to={A}
        """,
    )
    # The fourth is judged when one of the three has left: it counts itself and two others.
    assert scene.gate.in_flight == [1, 2, 3, 3]


def test_a_draining_route_and_a_lost_carrier_defer_the_whole():
    play(f"""
        .. draining
        >> esme multi 7 to={A},{NO}
        << esme multi_resp 7 0x14
        :: internal.draining
        .. carrier lost
        >> esme data 8
        << esme data_resp 8 0x14
    """)


# ---- data_sm --------------------------------------------------------------------------------------------------------


def test_data_sm_passes_and_its_answer_gives_an_id():
    scene = play("""
        >> esme data 7 text=yes
        << carrier data 1
        >> carrier data_resp 1 id=D1
        << esme data_resp 7 id=D1
        :: accepted D1
        >> esme data 8 text=yes
        << carrier data 2
        >> carrier data_resp 2 0x45
        << esme data_resp 8 0x45
        :: outcome 2 rejected 0x45
        >> esme data 9 text=yes
        << carrier data 3
        >> carrier submit_resp 3 id=D3
        :: response.unsolicited
        .. carrier lost
        << esme data_resp 9 0x460
        :: outcome 3 unknown 0x0
    """)
    assert set(scene.gate.permitted) == {1, 2, 3}


def test_receipts_and_replies_in_data_sm_come_down():
    play(f"""
        >> esme data 7 text=yes
        << carrier data 1
        >> carrier data 5 from={PORT_OF_THEIRS} receipt=D1
        :: receipt.waited
        >> carrier data_resp 1 id=D1
        << esme data_resp 7 id=D1
        << esme data 1
        >> esme data_resp 1
        << carrier data_resp 5
        >> carrier data 6 text=hi
        << esme data 2
        >> esme data_resp 2
        << carrier data_resp 6
        >> carrier data 7 text=TD
        .. disk ok
        << esme data 3
    """)


# ---- what a refusal calls back --------------------------------------------------------------------------------------


def test_a_cancel_of_tdgates_own_is_answered_to_nobody():
    scene = play("""
        >> esme submit 7
        << carrier submit 1
        .. withdraw A1 41
        << carrier cancel 2 id=A1
        >> carrier cancel_resp 2
        :: cancelled 41 0x0
        .. withdraw A2 42
        << carrier cancel 3 id=A2
        >> carrier cancel_resp 3 0x11
        :: cancelled 42 0x11
        .. withdraw A3 43
        << carrier cancel 4 id=A3
        >> carrier nack 4
        :: cancelled 43 0x11
        .. withdraw A4 44
        << carrier cancel 5 id=A4
        >> carrier submit_resp 5 id=A9
        :: response.unsolicited
        >> carrier submit_resp 1 id=A1
        << esme submit_resp 7 id=A1
    """)
    assert scene.gate.own_ids == set()


def test_a_cancel_that_is_never_answered_is_told_of_once():
    play("""
        .. withdraw A1 41
        << carrier cancel 1 id=A1
        .. waits 11
        :: response.timeout
        :: cancelled 41 never
        >> carrier cancel_resp 1
        .. withdraw A2 42
        << carrier cancel 2 id=A2
        .. carrier lost
        :: cancelled 42 never
        .. withdraw no
    """)


def test_a_full_window_takes_no_cancel_and_a_cancel_is_no_request_of_the_esme():
    scene = play("""
        .. withdraw A1 41
        << carrier cancel 1
        >> esme submit 1
        << carrier submit 2
        >> esme submit 2
        << carrier submit 3
        .. withdraw no
        >> esme submit 3
        >> carrier cancel_resp 1
        << carrier submit 4
    """)
    assert scene.gate.in_flight[-1] == 3


def test_the_octets_of_a_multi_are_those_that_were_permitted():
    scene = RelayPlay()
    play(f">> esme multi 7 to={A},{NO},{B}\n<< carrier multi 1 to={A},{B}", scene)
    (octets,) = scene.gate.permitted.values()
    assert int.from_bytes(octets[4:8]) == consts.SUBMIT_MULTI
    assert NO.encode() not in octets
