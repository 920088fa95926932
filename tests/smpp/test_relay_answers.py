"""The mirror relay, the ESME's requests: judged, sent or refused, and each answered once, whatever the window."""

from __future__ import annotations

import pytest

from proxy.core.decision import PermitSpentError
from proxy.smpp import consts
from proxy.smpp.forward import forward
from tests.tools.relay_play import PERSON, PORT, RelayPlay, message, play
from tests.tools.session_play import pdu

pytestmark = pytest.mark.unit


# ---- requests and their answers -----------------------------------------------------------------------------------


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
        >> esme multi 9 to=8613800138009,@everybody
        << esme multi_resp 9 0x439
        >> esme data 11 text=no
        << esme data_resp 11 0x439
        >> esme replace 12
        << esme replace_resp 12 0x439
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
    scene.says("esme", pdu(consts.REPLACE_SM, 2))
    assert [each.raw[16:] for each in scene.came("esme")] == [b"\0" + scene.gate.texts, b""]
    # submit_multi_resp: an empty message_id, and nobody in unsuccess_sme.
    play(">> esme multi 3 to=8613800138009\n<< esme multi_resp 3 0x439", scene)
    assert scene.gate.told == []


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
