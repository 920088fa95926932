"""The mirror relay, conversation by conversation: who is answered what when all goes well and when it does not."""

from __future__ import annotations

import struct

import pytest

from proxy.core.decision import PermitSpentError
from proxy.smpp import consts
from proxy.smpp.forward import forward
from tests.tools.relay_play import PERSON, PORT, RelayPlay, message, play
from tests.tools.session_play import pdu

pytestmark = pytest.mark.unit


# ---- requests and their answers ---------------------------------------------------------------------------------


def test_a_permitted_message_and_its_answer():
    play("""
        >> esme submit 7 text=yes
        << carrier submit 1 text=yes
        >> carrier submit_resp 1 id=A1
        << esme submit_resp 7 id=A1
        :: accepted A1
    """)


def test_a_refused_message_never_reaches_the_carrier():
    play("""
        >> esme submit 7 text=no
        << esme submit_resp 7 0x439
        >> esme submit 8 text=bad
        << esme submit_resp 8 0x1
        :: pdu.malformed
        >> esme multi 9
        << esme multi_resp 9 0x439
        >> esme vendor 10
        << esme nack 10 0x439
    """)


def test_a_refusal_waits_for_its_evidence_and_others_do_not_wait_for_it():
    play("""
        >> esme submit 1 text=slow
        >> esme submit 2 text=yes
        << carrier submit 1
        >> carrier submit_resp 1 id=A
        << esme submit_resp 2
        .. disk failed
        << esme submit_resp 1 0x439
    """)


def test_answers_in_any_order_find_their_requests():
    play("""
        >> esme submit 11
        << carrier submit 1
        >> esme submit 12
        << carrier submit 2
        >> esme query 13
        << carrier query 3
        >> carrier query_resp 3 id=A1
        << esme query_resp 13
        >> carrier submit_resp 2 id=B
        << esme submit_resp 12 id=B
        >> carrier submit_resp 1 0x58
        << esme submit_resp 11 0x58
        :: outcome 1 rejected 0x58
    """)


@pytest.mark.parametrize("sequence", ["0", "0xFFFFFFFF", "0x80000000"])
def test_the_esmes_own_sequence_number_comes_back(sequence):
    play(f"""
        >> esme submit {sequence}
        << carrier submit 1
        >> carrier submit_resp 1 id=A
        << esme submit_resp {int(sequence, 0)}
    """)


def test_two_requests_with_one_sequence_number_get_two_answers():
    play("""
        >> esme submit 5
        << carrier submit 1
        >> esme submit 5
        << carrier submit 2
        >> carrier submit_resp 2 id=B
        << esme submit_resp 5 id=B
        >> carrier submit_resp 1 id=A
        << esme submit_resp 5 id=A
    """)


def test_a_nack_of_the_carrier_is_the_answer():
    play("""
        >> esme submit 5
        << carrier submit 1
        >> carrier nack 1 0x3
        << esme nack 5 0x3
        :: outcome 1 rejected 0x3
    """)


def test_answers_to_nothing_are_dropped_and_noted():
    play("""
        >> carrier submit_resp 77 id=A
        :: response.unsolicited
        >> carrier nack 0 0x2
        :: response.unsolicited
        >> esme deliver_resp 9
        :: response.unsolicited
        >> esme submit 5
        << carrier submit 1
        >> carrier submit_resp 1 id=A
        << esme submit_resp 5
        >> carrier submit_resp 1 id=A
        :: response.unsolicited
    """)


def test_an_answer_to_something_else_says_nothing_of_the_message():
    play("""
        >> esme submit 5
        << carrier submit 1
        >> carrier query_resp 1 id=A
        :: response.unsolicited
        >> carrier link_resp 1
        :: response.unsolicited
        >> carrier submit_resp 1 id=A
        << esme submit_resp 5 id=A
    """)


def test_what_is_judged_is_what_is_sent_but_for_the_sequence_number():
    scene = RelayPlay()
    raw = message("submit", 0xFFFFFFFF, source=PORT, dest=PERSON, text=b"yes")
    raw = raw[:3] + bytes((raw[3] + 8,)) + raw[4:] + b"\x14\x02\0\x04\0\xff\0\xff"
    scene.says("esme", raw)
    [sent] = scene.came("carrier")
    assert sent.raw == raw[:12] + b"\0\0\0\1" + raw[16:]


def test_an_answer_passes_octet_by_octet():
    scene = RelayPlay()
    scene.says("esme", message("submit", 9, source=PORT, dest=PERSON, text=b"yes"))
    scene.came("carrier")
    answer = pdu(consts.SUBMIT_SM_RESP, 1, 0, b"A1\0" + b"\x14\x03\0\x02\xff\0")
    scene.says("carrier", answer)
    [came] = scene.came("esme")
    assert came.raw == answer[:12] + b"\0\0\0\x09" + answer[16:]


def test_an_empty_message_id_is_nobodys():
    # A cancel_sm with an empty message_id names messages by their addresses: it must never count as one's own.
    scene = RelayPlay()
    for sequence, body in ((1, b""), (2, b"\0")):
        scene.says("esme", message("submit", sequence, source=PORT, dest=PERSON, text=b"yes"))
        scene.says("carrier", pdu(consts.SUBMIT_SM_RESP, sequence, 0, body))
    assert len(scene.came("esme")) == 2
    assert not [told for told in scene.gate.told if told.startswith("accepted")]


def test_a_permit_is_spent_once():
    scene = RelayPlay()
    assert scene.carrier is not None
    assert scene.esme is not None
    permit = scene.gate.permit(message("submit", 1, source=PORT, dest=PERSON, text=b"yes"))
    with pytest.raises(ValueError):
        forward(permit, scene.esme, 1)
    forward(permit, scene.carrier, 1)
    with pytest.raises(PermitSpentError):
        forward(permit, scene.carrier, 2)
    assert len(scene.came("carrier")) == 1
    assert scene.came("esme") == []


def test_status_text_goes_where_the_answer_has_a_place_for_it():
    scene = RelayPlay()
    scene.gate.texts = b"\0\x1d\0\x02x\0"
    scene.says("esme", message("submit", 1, source=PORT, dest=PERSON, text=b"no"))
    scene.says("esme", pdu(consts.SUBMIT_MULTI, 2))
    assert [each.raw[16:] for each in scene.came("esme")] == [b"\0" + scene.gate.texts, b""]


# ---- windows ------------------------------------------------------------------------------------------------------


def test_a_full_window_holds_requests_back_unjudged():
    scene = play("""
        >> esme submit 11
        << carrier submit 1
        >> esme submit 12
        << carrier submit 2
        >> esme submit 13
        << carrier submit 3
        >> esme submit 14
        >> esme query 15
        >> esme submit 16 text=no
    """)
    assert scene.relay.congested
    assert scene.gate.in_flight == [1, 2, 3]
    play(
        """
        >> carrier submit_resp 2 id=B
        << esme submit_resp 12
        << carrier submit 4
        >> carrier submit_resp 1 id=A
        << esme submit_resp 11
        << carrier query 5
        >> carrier submit_resp 3 id=C
        << esme submit_resp 13
        << esme submit_resp 16 0x439
    """,
        scene,
    )
    assert not scene.relay.congested


def test_a_full_window_towards_the_esme_holds_deliveries_back():
    scene = play("""
        >> carrier deliver 21
        << esme deliver 1
        >> carrier deliver 22
        << esme deliver 2
        >> carrier deliver 23
    """)
    assert scene.relay.crowded
    play(
        """
        >> esme deliver_resp 2
        << carrier deliver_resp 22
        << esme deliver 3
        >> esme deliver_resp 3
        << carrier deliver_resp 23
        >> esme deliver_resp 1 0x64
        << carrier deliver_resp 21 0x64
    """,
        scene,
    )
    assert not scene.relay.crowded


def test_two_full_windows_never_stop_the_reading_of_both_sides():
    # The ESME is not read while its requests wait; if the carrier were not read either, its answers could not come.
    scene = RelayPlay()
    for sequence in range(5):
        scene.says("esme", message("submit", sequence, source=PORT, dest=PERSON, text=b"yes"))
        scene.says("carrier", message("deliver", sequence, source=PERSON, dest=PORT, text=b"hi"))
    assert scene.relay.congested
    assert not scene.relay.crowded


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


def test_a_receiver_of_tdgates_own_takes_everything():
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


# ---- messages of tdgate's own ---------------------------------------------------------------------------------------


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


# ---- losing a side --------------------------------------------------------------------------------------------------


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


# ---- unbinding and draining -----------------------------------------------------------------------------------------


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
        :: bind.closed
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
