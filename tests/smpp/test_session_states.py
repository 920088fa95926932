"""What a session lets through, answers and ends in each state (SMPP v3.4 §2.2, §2.3)."""

from __future__ import annotations

import pytest

from proxy.smpp import consts
from proxy.smpp.consts import COMMAND_NAMES, RESPONSE_BIT
from tests.tools.session_play import MOST_OCTETS, SessionEnd, name_of, pdu

pytestmark = pytest.mark.unit

BINDS = sorted(consts.BIND_COMMANDS)
SUBMITS = [
    consts.SUBMIT_SM,
    consts.SUBMIT_MULTI,
    consts.DATA_SM,
    consts.QUERY_SM,
    consts.CANCEL_SM,
    consts.REPLACE_SM,
]
DELIVERIES = [consts.DELIVER_SM, consts.DATA_SM, consts.ALERT_NOTIFICATION]
BROADCASTS = [consts.BROADCAST_SM, consts.QUERY_BROADCAST_SM, consts.CANCEL_BROADCAST_SM]
VENDORS = [consts.VENDOR_FIRST, 0x00010234, consts.VENDOR_LAST]
UNKNOWN = [0x00000000, 0x0000000A, 0x00000077, 0x00010300, 0x7FFFFFFF]
BOUND = ["tx", "rx", "trx"]


@pytest.mark.parametrize("command_id", SUBMITS, ids=name_of)
@pytest.mark.parametrize("state", ["tx", "trx"])
def test_an_esme_that_may_submit_is_let_through(state, command_id):
    end = SessionEnd("esme", state)
    assert [each.command_id for each in end.hears(pdu(command_id, 9))] == [command_id]
    assert end.said() == []


@pytest.mark.parametrize("command_id", SUBMITS, ids=name_of)
@pytest.mark.parametrize("state", ["open", "rx", "leaving", "unbinding"])
def test_an_esme_that_may_not_submit_is_told_so(state, command_id):
    end = SessionEnd("esme", state)
    assert end.hears(pdu(command_id, 9)) == []
    assert end.said() == [(name_of(command_id | RESPONSE_BIT), consts.ESME_RINVBNDSTS, 9)]
    assert end.noted() == ["pdu.unexpected"]
    assert not end.session.ending


@pytest.mark.parametrize("state", ["open", *BOUND])
def test_an_esme_delivers_nothing(state):
    end = SessionEnd("esme", state)
    assert end.hears(pdu(consts.DELIVER_SM, 9)) == []
    assert end.said() == [("deliver_sm_resp", consts.ESME_RINVBNDSTS, 9)]
    assert end.noted() == ["pdu.unexpected"]


@pytest.mark.parametrize("state", ["open", *BOUND])
def test_what_has_no_response_gets_none(state):
    end = SessionEnd("esme", state)
    assert end.hears(pdu(consts.ALERT_NOTIFICATION, 9)) == []
    assert end.said() == []
    assert end.noted() == ["pdu.unexpected"]


@pytest.mark.parametrize(
    ("peer", "state", "closes", "ends"),
    [
        # An SMSC that connected to us waits for a bind that never comes.
        ("esme", "open", False, True),
        *(("esme", state, False, False) for state in BOUND),
        *(("smsc", state, closes, closes) for state in ("binding", *BOUND) for closes in (False, True)),
    ],
)
def test_an_outbind_is_noted_and_ignored_or_ends_the_connection(peer, state, closes, ends):
    end = SessionEnd(peer, state)
    end.session.outbind_closes = closes
    assert end.hears(pdu(consts.OUTBIND, 9, 0, b"SMSC\0secret\0")) == []
    assert end.said() == []
    assert end.noted() == ["outbind.received"]
    assert end.session.ending == ("outbind.received" if ends else "")


@pytest.mark.parametrize("command_id", DELIVERIES, ids=name_of)
@pytest.mark.parametrize("state", ["rx", "trx"])
def test_a_carrier_delivers(state, command_id):
    end = SessionEnd("smsc", state)
    assert [each.command_id for each in end.hears(pdu(command_id, 9))] == [command_id]


@pytest.mark.parametrize("command_id", [consts.SUBMIT_SM, consts.QUERY_SM, *BINDS], ids=name_of)
@pytest.mark.parametrize("state", ["binding", "tx", "rx", "trx"])
def test_a_carrier_asks_for_nothing_else(state, command_id):
    end = SessionEnd("smsc", state)
    assert end.hears(pdu(command_id, 9)) == []
    [(name, status, sequence)] = end.said()
    assert (name, sequence) == (name_of(command_id | RESPONSE_BIT), 9)
    assert status in (consts.ESME_RINVBNDSTS, consts.ESME_RALYBND)


@pytest.mark.parametrize("command_id", [consts.DELIVER_SM, consts.DATA_SM], ids=name_of)
def test_a_carrier_that_has_not_answered_the_bind_delivers_nothing(command_id):
    end = SessionEnd("smsc", "binding")
    assert end.hears(pdu(command_id, 9)) == []
    assert end.said() == [(name_of(command_id | RESPONSE_BIT), consts.ESME_RINVBNDSTS, 9)]


@pytest.mark.parametrize("command_id", [consts.DELIVER_SM, consts.DATA_SM], ids=name_of)
@pytest.mark.parametrize("state", ["rx", "trx"])
def test_a_delivery_that_meets_our_unbind_is_kept_by_the_carrier(state, command_id):
    end = SessionEnd("smsc", state)
    end.session.unbind(1)
    assert end.hears(pdu(command_id, 9), pdu(consts.SUBMIT_SM, 10)) == []
    assert end.said() == [
        ("unbind", 0, 1),
        (name_of(command_id | RESPONSE_BIT), consts.ESME_RX_T_APPN, 9),
        ("submit_sm_resp", consts.ESME_RINVBNDSTS, 10),
    ]
    assert not end.session.ending


@pytest.mark.parametrize("command_id", BINDS, ids=name_of)
@pytest.mark.parametrize("state", BOUND)
def test_a_second_bind_is_told_that_there_is_one(state, command_id):
    end = SessionEnd("esme", state)
    assert end.hears(pdu(command_id, 9)) == []
    assert end.said() == [(name_of(command_id | RESPONSE_BIT), consts.ESME_RALYBND, 9)]
    assert end.noted() == ["bind.repeated"]
    assert end.session.state == state


@pytest.mark.parametrize("command_id", [*UNKNOWN], ids=name_of)
@pytest.mark.parametrize(("peer", "state"), [("esme", "open"), *(("esme", state) for state in BOUND), ("smsc", "trx")])
def test_an_unknown_command_is_nacked_with_its_own_sequence(peer, state, command_id):
    end = SessionEnd(peer, state)
    assert end.hears(pdu(command_id, 0xFFFFFFFF)) == []
    assert end.said() == [("generic_nack", consts.ESME_RINVCMDID, 0xFFFFFFFF)]
    assert end.noted() == ["pdu.unknown"]
    assert not end.session.ending


@pytest.mark.parametrize("command_id", [*VENDORS, *BROADCASTS], ids=name_of)
@pytest.mark.parametrize(("peer", "state"), [("esme", "open"), ("esme", "rx"), ("smsc", "rx"), ("smsc", "trx")])
def test_vendor_and_broadcast_commands_are_nacked_where_nothing_may_be_submitted(peer, state, command_id):
    end = SessionEnd(peer, state)
    assert end.hears(pdu(command_id, 5)) == []
    assert end.said() == [("generic_nack", consts.ESME_RINVCMDID, 5)]


@pytest.mark.parametrize("command_id", [*VENDORS, *BROADCASTS], ids=name_of)
@pytest.mark.parametrize("state", ["tx", "trx"])
def test_vendor_and_broadcast_commands_of_a_sender_are_judged(state, command_id):
    # The policy refuses them as pdu.unsupported/command, so that they stand in the evidence; see test_submit_closed.
    end = SessionEnd("esme", state)
    assert [each.command_id for each in end.hears(pdu(command_id, 5))] == [command_id]
    assert end.said() == []


@pytest.mark.parametrize("sequence", [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
def test_any_sequence_number_is_echoed(sequence):
    end = SessionEnd("esme", "trx")
    end.hears(pdu(consts.ENQUIRE_LINK, sequence), pdu(consts.DELIVER_SM, sequence))
    assert end.said() == [("enquire_link_resp", 0, sequence), ("deliver_sm_resp", consts.ESME_RINVBNDSTS, sequence)]


@pytest.mark.parametrize("state", ["open", *BOUND, "leaving", "unbinding"])
def test_a_link_request_is_answered_in_every_state(state):
    end = SessionEnd("esme", state)
    assert end.hears(pdu(consts.ENQUIRE_LINK, 4)) == []
    assert end.said() == [("enquire_link_resp", 0, 4)]


@pytest.mark.parametrize("command_id", sorted(c for c in COMMAND_NAMES if c & RESPONSE_BIT), ids=name_of)
@pytest.mark.parametrize("state", BOUND)
def test_responses_of_a_bound_peer_go_to_whoever_asked(state, command_id):
    end = SessionEnd("esme", state)
    assert [each.command_id for each in end.hears(pdu(command_id, 3, 8))] == [command_id]
    assert end.said() == []
    assert end.session.state == state


@pytest.mark.parametrize("command_id", sorted(c for c in COMMAND_NAMES if c & RESPONSE_BIT), ids=name_of)
def test_a_response_before_any_bind_is_dropped_and_holds_up_nothing(command_id):
    end = SessionEnd("esme", "open")
    assert end.hears(pdu(command_id, 3)) == []
    assert end.said() == []
    assert end.noted() == ["response.unsolicited"]
    assert (end.session.state, end.session.held) == ("open", False)
    # It is still asked to bind in time.
    end.waits(10)
    assert end.session.ending == "connection.unbound"


@pytest.mark.parametrize("command_id", BINDS, ids=name_of)
def test_what_comes_behind_a_bind_is_judged_in_the_state_it_leads_to(command_id):
    end = SessionEnd("esme")
    bind, submit = pdu(command_id, 1), pdu(consts.SUBMIT_SM, 2)
    assert [each.command_id for each in end.hears(bind, submit, submit[:5])] == [command_id]
    assert (end.session.state, end.session.held, end.said()) == ("binding", True, [])
    assert end.hears(submit[5:]) == []
    assert end.session.backlog == 32
    end.session.enter("trx")
    assert [each.sequence for each in end.session.resume(end.now)] == [2, 2]
    assert end.said() == []


def test_a_submit_behind_a_receiver_bind_is_refused_once_it_is_bound():
    end = SessionEnd("esme")
    end.hears(pdu(consts.BIND_RECEIVER, 1), pdu(consts.SUBMIT_SM, 2))
    end.session.enter("rx")
    assert end.session.resume(end.now) == []
    assert end.said() == [("submit_sm_resp", consts.ESME_RINVBNDSTS, 2)]


def test_a_second_bind_behind_the_first_is_told_that_there_is_one():
    end = SessionEnd("esme")
    bind = pdu(consts.BIND_TRANSCEIVER, 1)
    assert len(end.hears(bind, pdu(consts.BIND_TRANSCEIVER, 2))) == 1
    end.session.enter("trx")
    assert end.session.resume(end.now) == []
    assert end.said() == [("bind_transceiver_resp", consts.ESME_RALYBND, 2)]


def test_a_delivery_behind_the_carriers_answer_to_a_bind_waits_for_the_state():
    end = SessionEnd("smsc", "binding")
    answer, delivery = pdu(consts.BIND_TRANSCEIVER_RESP, 1, 0, b"smsc\0"), pdu(consts.DELIVER_SM, 2)
    assert [each.command_id for each in end.hears(answer, delivery)] == [consts.BIND_TRANSCEIVER_RESP]
    end.session.enter("trx")
    assert [each.command_id for each in end.session.resume(end.now)] == [consts.DELIVER_SM]
    assert end.said() == []


@pytest.mark.parametrize("state", BOUND)
def test_an_unbind_is_handed_on_and_nothing_new_is_taken(state):
    end = SessionEnd("esme", state)
    found = end.hears(pdu(consts.UNBIND, 5), pdu(consts.SUBMIT_SM, 6), pdu(consts.DELIVER_SM_RESP, 7))
    assert [each.sequence for each in found] == [5, 7]
    assert end.session.state == "leaving"
    assert end.said() == [("submit_sm_resp", consts.ESME_RINVBNDSTS, 6)]
    # A second one changes nothing: the first is answered when all is done.
    assert end.hears(pdu(consts.UNBIND, 8)) == []
    assert end.said() == [("unbind_resp", consts.ESME_RINVBNDSTS, 8)]
    assert not end.session.ending


@pytest.mark.parametrize(("peer", "state"), [("esme", "open"), ("smsc", "binding"), ("esme", "unbinding")])
def test_an_unbind_where_nothing_is_open_is_answered_at_once(peer, state):
    end = SessionEnd(peer, state)
    assert end.hears(pdu(consts.UNBIND, 5), pdu(consts.ENQUIRE_LINK, 6)) == []
    assert end.said() == [("unbind_resp", 0, 5)]
    assert end.session.ending == "unbound"


@pytest.mark.parametrize("state", BOUND)
def test_our_own_unbind_ends_with_its_answer(state):
    end = SessionEnd("smsc", state)
    end.session.unbind(77)
    end.session.unbind(78)
    assert end.said() == [("unbind", 0, 77)]
    assert not end.session.ending
    end.session.unbound()
    assert end.session.ending == "unbound"


def test_an_answer_to_no_unbind_ends_nothing():
    end = SessionEnd("esme", "trx")
    end.session.unbound()
    assert not end.session.ending


def test_nothing_is_heard_once_it_ends():
    end = SessionEnd("esme", "trx")
    end.session.close("first")
    end.session.close("second")
    assert end.session.ending == "first"
    assert end.hears(pdu(consts.SUBMIT_SM, 1)[:10]) == []
    assert end.hears(pdu(consts.SUBMIT_SM, 1)[10:], pdu(consts.ENQUIRE_LINK, 2)) == []
    assert (end.said(), end.session.backlog) == ([], 0)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(b"\0\0\0\0", id="length 0"),
        pytest.param(b"\0\0\0\x08", id="length 8, four octets"),
        pytest.param(b"\0\0\0\x08\0\0\0\x15", id="length 8, all of it"),
        pytest.param(b"\0\0\0\x0f" + bytes(20), id="length 15"),
        pytest.param((MOST_OCTETS + 1).to_bytes(4) + pdu(consts.SUBMIT_SM)[4:], id="one beyond the cap"),
        pytest.param(b"\xff\xff\xff\xff" + bytes(12), id="huge"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: example.invalid\r\n\r\n", id="HTTP"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01", id="TLS"),
    ],
)
@pytest.mark.parametrize("state", ["open", "trx"])
def test_a_length_that_cannot_be_ends_the_connection_at_once(state, octets):
    end = SessionEnd("esme", state)
    before = [pdu(consts.SUBMIT_SM, 1)] if state == "trx" else []
    assert len(end.hears(*before, octets)) == len(before)
    assert end.said() == [("generic_nack", consts.ESME_RINVCMDLEN, 0)]
    assert end.noted() == ["pdu.oversized"]
    assert end.session.ending == "pdu.oversized"
    assert end.hears(pdu(consts.SUBMIT_SM, 2)) == []


def test_the_longest_pdu_that_is_allowed():
    end = SessionEnd("esme", "trx")
    longest = pdu(consts.SUBMIT_SM, 1, 0, bytes(MOST_OCTETS - 16))
    assert [each.raw for each in end.hears(longest)] == [longest]


def test_octets_pass_as_they_came():
    end = SessionEnd("esme", "trx")
    raw = pdu(consts.SUBMIT_SM, 0xFFFFFFFF, 0x1234, b"anything \x00\xff at all")
    [found] = end.hears(raw)
    assert (found.command_id, found.status, found.sequence, found.raw) == (4, 0x1234, 0xFFFFFFFF, raw)
