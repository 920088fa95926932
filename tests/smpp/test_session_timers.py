"""The timers of a session (SMPP v3.4 §7.2): each ends in a note and a close, and none is due again for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp import consts
from tests.tools.session_play import BEGIN, TIMERS, SessionEnd, pdu

pytestmark = pytest.mark.unit

SUBMIT = pdu(consts.SUBMIT_SM, 1, 0, bytes(40))
LINK = pdu(consts.ENQUIRE_LINK, 1)
LINK_ANSWER = pdu(consts.ENQUIRE_LINK_RESP, 1)


def test_a_connection_that_never_binds_is_closed_whatever_it_says():
    end = SessionEnd("esme")
    for _ in range(9):
        end.waits(1)
        end.hears(LINK)
    assert not end.session.ending
    end.waits(1)
    assert end.session.ending == "connection.unbound"
    assert end.noted() == ["connection.unbound"]


def test_a_bind_that_is_being_decided_has_no_timer_of_the_session():
    end = SessionEnd("esme")
    end.hears(pdu(consts.BIND_TRANSCEIVER), SUBMIT[:7])
    end.waits(100_000)
    assert not end.session.ending


def test_one_octet_a_second_is_not_enough():
    end = SessionEnd("esme", "trx")
    for at in range(5):
        assert not end.session.ending
        end.hears(SUBMIT[at : at + 1])
        end.waits(1)
    assert end.session.ending == "connection.stalled"
    assert end.noted() == ["connection.stalled"]


def test_pieces_that_never_end_with_a_pdu_are_no_stall():
    # A busy peer: every chunk finishes one PDU and begins the next.
    end = SessionEnd("esme", "trx")
    end.hears(SUBMIT[:20])
    for _ in range(20):
        end.waits(1)
        assert len(end.hears(SUBMIT[20:], SUBMIT[:20])) == 1
    assert not end.session.ending
    end.waits(5)
    assert end.session.ending == "connection.stalled"


def test_half_a_pdu_behind_link_requests_is_a_new_half():
    end = SessionEnd("esme", "trx")
    end.hears(LINK[:7])
    for _ in range(20):
        end.waits(1)
        end.hears(LINK[7:], LINK[:7])
    assert not end.session.ending


def test_half_a_pdu_that_was_held_counts_from_when_it_is_looked_at():
    end = SessionEnd("esme")
    end.hears(pdu(consts.BIND_TRANSCEIVER), SUBMIT[:7])
    end.waits(50)
    end.session.enter("trx")
    end.session.resume(end.now)
    end.waits(4)
    assert not end.session.ending
    assert len(end.hears(SUBMIT[7:])) == 1
    end.waits(10)
    assert not end.session.ending


@pytest.mark.parametrize("state", ["tx", "rx", "trx"])
@pytest.mark.parametrize("peer", ["esme", "smsc"])
def test_a_silent_peer_is_asked_and_then_left(peer, state):
    end = SessionEnd(peer, state)
    end.waits(29)
    assert end.said() == []
    end.waits(1)
    assert end.said() == [("enquire_link", 0, 1)]
    end.waits(19)
    assert not end.session.ending
    end.waits(1)
    assert end.session.ending == "connection.silent"
    assert end.said() == []


def test_a_peer_that_answers_link_requests_stays():
    end = SessionEnd("esme", "rx")
    for _ in range(20):
        end.waits(30)
        assert [name for name, _, _ in end.said()] == ["enquire_link"]
        end.hears(LINK_ANSWER)
    assert not end.session.ending


def test_anything_that_comes_is_a_sign_of_life():
    end = SessionEnd("esme", "trx")
    end.waits(30)
    end.hears(SUBMIT)
    end.said()
    end.waits(29)
    assert (end.said(), end.session.ending) == ([], "")


@pytest.mark.parametrize("peer", ["esme", "smsc"])
def test_an_inactive_peer_is_unbound(peer):
    timers = type(TIMERS)(session_init_s=10, pdu_s=5, enquire_link_s=1000, inactivity_s=100, response_s=20)
    end = SessionEnd(peer, "trx", timers)
    end.waits(100)
    assert end.said() == [("unbind", 0, 1)]
    assert end.noted() == ["connection.inactive"]
    end.waits(19)
    assert not end.session.ending
    end.waits(1)
    assert end.session.ending == "connection.silent"


def test_a_peer_that_talks_on_but_never_answers_our_unbind_is_left():
    end = SessionEnd("smsc", "trx")
    end.session.unbind(1)
    for _ in range(20):
        assert not end.session.ending
        end.hears(LINK)
        end.waits(1)
    assert end.session.ending == "connection.silent"


def test_our_unbind_has_its_whole_time_however_long_nothing_was_heard_before():
    end = SessionEnd("smsc", "trx")
    end.now += 29
    end.session.unbind(1)
    end.waits(19)
    assert not end.session.ending
    end.waits(2)
    assert end.session.ending == "connection.silent"


def test_a_peer_that_unbinds_is_still_asked_whether_it_is_there():
    end = SessionEnd("esme", "trx")
    end.hears(pdu(consts.UNBIND, 1))
    end.waits(30)
    assert end.said() == [("enquire_link", 0, 1)]
    end.waits(20)
    assert end.session.ending == "connection.silent"


def test_a_peer_that_unbinds_and_is_never_answered_is_closed_in_the_end():
    timers = type(TIMERS)(session_init_s=10, pdu_s=5, enquire_link_s=1000, inactivity_s=100, response_s=20)
    end = SessionEnd("esme", "trx", timers)
    end.hears(pdu(consts.UNBIND, 1))
    end.waits(100)
    assert end.session.ending == "connection.inactive"
    assert end.said() == []


def test_an_ended_session_has_no_deadline():
    end = SessionEnd("esme", "trx")
    end.session.close("over")
    end.waits(1_000_000)
    assert end.said() == []


def test_while_nothing_is_read_half_a_pdu_is_no_stall_and_has_its_whole_time_afterwards():
    end = SessionEnd("esme", "trx")
    end.hears(SUBMIT[:20])
    end.waits(4)
    end.session.rest()
    end.waits(100_000)
    assert (end.session.ending, end.said()) == ("", [])
    end.session.go_on(end.now)
    end.waits(4)
    assert not end.session.ending
    end.waits(1)
    assert end.session.ending == "connection.stalled"


@pytest.mark.parametrize("peer", ["esme", "smsc"])
def test_an_answer_that_is_not_read_is_no_silence(peer):
    end = SessionEnd(peer, "trx")
    end.waits(30)
    assert end.said() == [("enquire_link", 0, 1)]
    end.session.rest()
    end.waits(100_000)
    assert (end.session.ending, end.said()) == ("", [])
    end.session.go_on(end.now)
    end.waits(19)
    assert not end.session.ending
    end.waits(1)
    assert end.session.ending == "connection.silent"


def test_who_is_not_read_is_neither_asked_nor_inactive():
    timers = type(TIMERS)(session_init_s=10, pdu_s=5, enquire_link_s=30, inactivity_s=40, response_s=20)
    end = SessionEnd("esme", "trx", timers)
    end.waits(29)
    end.session.rest()
    end.waits(100_000)
    end.session.go_on(end.now)
    end.waits(29)
    assert (end.said(), end.session.state) == ([], "trx")
    end.waits(1)
    assert end.said() == [("enquire_link", 0, 1)]
    end.waits(10)
    assert end.noted() == []


def test_our_unbind_has_its_whole_time_after_a_rest():
    end = SessionEnd("smsc", "trx")
    end.session.unbind(1)
    end.waits(19)
    end.session.rest()
    end.waits(100_000)
    end.session.go_on(end.now)
    end.waits(19)
    assert not end.session.ending
    end.waits(1)
    assert end.session.ending == "connection.silent"


def test_going_on_without_a_rest_gives_nobody_time():
    end = SessionEnd("esme", "trx")
    end.hears(SUBMIT[:20])
    end.waits(4)
    end.session.go_on(end.now)
    end.waits(1)
    assert end.session.ending == "connection.stalled"


STEPS = st.one_of(
    st.tuples(st.just("waits"), st.floats(0.01, 200)),
    st.tuples(
        st.just("hears"),
        st.sampled_from(
            [
                SUBMIT,
                SUBMIT[:9],
                SUBMIT[9:],
                LINK,
                LINK_ANSWER,
                pdu(consts.UNBIND, 3),
                pdu(consts.UNBIND_RESP, 3),
                pdu(consts.BIND_TRANSCEIVER, 2),
                pdu(0x00010201, 4),
                b"\0",
            ]
        ),
    ),
    st.tuples(st.just("unbind"), st.just(0)),
    st.tuples(st.just("close"), st.just(0)),
    st.tuples(st.sampled_from(["rest", "go_on"]), st.just(0)),
    st.tuples(st.just("bound"), st.sampled_from(["tx", "rx", "trx"])),
)


@given(st.sampled_from(["esme", "smsc"]), st.lists(STEPS, max_size=30))
def test_no_deadline_stays_due(peer, steps):
    end = SessionEnd(peer)
    for what, value in steps:
        if what == "waits":
            end.waits(value)  # asserts that each deadline gets on
        elif what == "hears":
            end.hears(value)
        elif what == "unbind":
            end.session.unbind(end.link_sequence())
        elif what == "close":
            end.session.close("by the test")
        elif what == "rest":
            end.session.rest()
        elif what == "go_on":
            end.session.go_on(end.now)
        elif end.session.state in ("open", "binding"):
            end.session.enter(value)
            end.session.resume(end.now)
        end.session.out.take()
    end.session.go_on(end.now)
    if end.session.state not in ("open", "binding") and not end.session.ending:
        end.waits(1000)
        assert end.session.ending, "a peer that says nothing more is left in the end"


def test_the_clock_of_a_test_begins_where_it_says():
    assert SessionEnd().session.since == BEGIN
