"""The mirror relay, the carrier's deliveries: replies, receipts, and what belongs to messages of tdgate's own."""

from __future__ import annotations

import pytest

import proxy.smpp.early_receipts
from proxy.smpp import consts
from tests.tools.relay_play import RelayPlay, play
from tests.tools.session_play import pdu

pytestmark = pytest.mark.unit


# ---- deliveries ---------------------------------------------------------------------------------------------------


def test_a_delivery_and_its_answer_pass():
    play("""
        >> carrier deliver 0xFFFFFFFF text=hi
        << esme deliver 1 text=hi
        >> esme deliver_resp 1 0x8
        << carrier deliver_resp 4294967295 0x8
        >> carrier data 0 text=hi
        << esme data 2
        >> esme data_resp 2
        << carrier data_resp 0
        >> carrier deliver 3
        << esme deliver 3
        >> esme nack 3 0x3
        << carrier nack 3 0x3
        >> carrier alert 4
        << esme alert 4
    """)


def test_an_answer_of_another_kind_is_not_the_answer():
    play("""
        >> carrier deliver 20
        << esme deliver 1
        >> esme data_resp 1
        :: response.unsolicited
        >> esme deliver_resp 1
        << carrier deliver_resp 20
    """)


def test_a_delivery_that_cannot_be_read_is_answered_here():
    play("""
        >> carrier deliver 20 text=bad
        << carrier deliver_resp 20 0x1
        :: pdu.malformed
    """)


def test_a_refusal_of_a_person_is_on_disk_before_the_esme_sees_it():
    play("""
        >> carrier deliver 20 text=TD
        >> carrier deliver 21 text=hi
        << esme deliver 1 text=hi
        .. disk ok
        << esme deliver 2 text=TD
        >> esme deliver_resp 2
        << carrier deliver_resp 20
        >> esme deliver_resp 1
        << carrier deliver_resp 21
    """)


def test_a_refusal_that_could_not_be_kept_is_asked_for_again():
    play("""
        >> carrier deliver 20 text=TD
        .. disk failed
        << carrier deliver_resp 20 0x64
    """)


def test_what_is_being_committed_counts_as_open():
    scene = play(">> carrier deliver 20 text=TD")
    assert scene.relay.delivering == 1
    scene.disk(True)
    assert scene.relay.delivering == 1
    scene.says("esme", pdu(consts.DELIVER_SM_RESP, 1))
    assert scene.relay.delivering == 0


def test_a_transmitter_takes_no_deliveries():
    # A carrier that delivers on a transmitter bind is told by the session; this is one that its ESME cannot take.
    scene = RelayPlay()
    assert scene.esme is not None
    scene.esme.enter("tx")
    play(
        """
        >> carrier deliver 20
        << carrier deliver_resp 20 0x64
        >> carrier alert 21
    """,
        scene,
    )


def test_a_receiver_of_tdgates_own_acknowledges_refusals_only():
    play(
        """
        >> carrier deliver 20 text=hi
        << carrier deliver_resp 20 0x64
        >> carrier deliver 21 receipt=A1
        << carrier deliver_resp 21 0x64
        >> carrier deliver 22 text=TD
        .. disk ok
        << carrier deliver_resp 22
        >> carrier deliver 23 text=TD
        .. disk failed
        << carrier deliver_resp 23 0x64
        >> carrier alert 24
    """,
        RelayPlay(own=True, state="rx"),
    )


# ---- receipts -----------------------------------------------------------------------------------------------------


def test_a_receipt_before_its_answer_waits_for_it():
    play("""
        >> esme submit 5
        << carrier submit 1
        >> carrier deliver 20 receipt=A1
        :: receipt.waited
        >> carrier submit_resp 1 id=A1
        << esme submit_resp 5 id=A1
        << esme deliver 1
        >> esme deliver_resp 1
        << carrier deliver_resp 20
    """)


@pytest.mark.parametrize("written", ["13800138000", "+8613800138000", "008613800138000"])
def test_a_receipt_knows_its_message_however_the_number_is_written(written):
    play(f"""
        >> esme submit 5
        << carrier submit 1
        >> carrier deliver 20 receipt=A1 from={written}
        >> carrier submit_resp 1 id=A1
        << esme submit_resp 5
        << esme deliver 1
    """)


def test_a_receipt_of_another_message_does_not_wait():
    play("""
        >> esme submit 5
        << carrier submit 1
        >> carrier deliver 20 receipt=Z from=8613800138001
        << esme deliver 1
    """)


def test_a_receipt_waits_for_all_messages_to_its_number():
    play("""
        >> esme submit 5
        << carrier submit 1
        >> esme submit 6
        << carrier submit 2
        >> carrier deliver 20 receipt=B
        >> carrier submit_resp 1 id=A
        << esme submit_resp 5
        >> carrier submit_resp 2 id=B
        << esme submit_resp 6
        << esme deliver 1
    """)


def test_a_receipt_does_not_wait_for_what_was_asked_after_it_came():
    # Steady traffic to one number: there is always some request open.
    play("""
        >> esme submit 5
        << carrier submit 1
        >> esme submit 6
        << carrier submit 2
        >> carrier deliver 20 receipt=A
        :: receipt.waited
        >> esme submit 7
        << carrier submit 3
        >> carrier submit_resp 2 id=B
        << esme submit_resp 6
        >> esme submit 8
        << carrier submit 4
        >> carrier deliver 21 receipt=C
        >> carrier submit_resp 1 id=A
        << esme submit_resp 5
        << esme deliver 1 text='id:A stat:DELIVRD'
        >> carrier submit_resp 4 id=D
        << esme submit_resp 8
        >> carrier submit_resp 3 id=C
        << esme submit_resp 7
        << esme deliver 2 text='id:C stat:DELIVRD'
    """)


def test_the_order_holds_where_sequence_numbers_begin_anew():
    scene = RelayPlay()
    scene.relay._to_carrier._last = 0x7FFFFFFD
    play(
        """
        >> esme submit 5
        << carrier submit 2147483646
        >> esme submit 6
        << carrier submit 2147483647
        >> carrier deliver 20 receipt=B
        :: receipt.waited
        >> esme submit 7
        << carrier submit 1
        >> carrier deliver 21 receipt=C
        >> carrier submit_resp 2147483646
        << esme submit_resp 5
        >> carrier submit_resp 2147483647
        << esme submit_resp 6
        << esme deliver 1 text='id:B stat:DELIVRD'
        >> carrier submit_resp 1
        << esme submit_resp 7
        << esme deliver 2 text='id:C stat:DELIVRD'
    """,
        scene,
    )


def test_receipts_that_wait_are_bounded_and_the_carrier_keeps_the_rest(monkeypatch):
    monkeypatch.setattr(proxy.smpp.early_receipts, "_MOST", 2)
    scene = play("""
        >> esme submit 5
        << carrier submit 1
        >> carrier deliver 20 receipt=A
        >> carrier deliver 21 receipt=B
        >> carrier deliver 22 receipt=C
        << carrier deliver_resp 22 0x64
        >> carrier submit_resp 1
        << esme submit_resp 5
        << esme deliver 1
        << esme deliver 2
    """)
    assert scene.relay.delivering == 2


def test_a_receipt_whose_answer_never_comes_is_delivered_after_it():
    play("""
        >> esme submit 5
        << carrier submit 1
        >> carrier deliver 20 receipt=A1
        .. waits 10
        << esme submit_resp 5 0x460
        << esme deliver 1
        :: outcome 1 unknown 0x0
    """)


def test_a_receipt_after_a_loss_is_delivered():
    play("""
        >> esme submit 5
        << carrier submit 1
        .. carrier lost
        << esme submit_resp 5 0x460
        .. carrier back
        >> carrier deliver 20 receipt=A1
        << esme deliver 1
        >> esme deliver_resp 1
        << carrier deliver_resp 20
    """)


# ---- messages of tdgate's own -------------------------------------------------------------------------------------


def test_answer_and_receipt_of_an_own_message_stay_here():
    play("""
        .. own
        << carrier submit 1 text=own
        >> carrier submit_resp 1 id=O1
        :: own 1 O1
        >> carrier deliver 20 receipt=O1
        << carrier deliver_resp 20
        >> carrier deliver 21 receipt=A1
        << esme deliver 1
    """)


def test_a_late_answer_to_an_own_message_still_tells_its_id():
    play("""
        .. own
        << carrier submit 1
        .. waits 10
        :: response.timeout
        >> carrier submit_resp 1 id=O1
        :: own 1 O1
        >> carrier deliver 20 receipt=O1
        << carrier deliver_resp 20
    """)


def test_an_own_message_needs_room_and_a_carrier():
    play("""
        .. own
        << carrier submit 1
        .. own
        << carrier submit 2
        .. own
        << carrier submit 3
        .. own no
        .. carrier lost
        .. own no
    """)
