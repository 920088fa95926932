"""However a stream is cut into pieces, a session lets the same PDUs through and says the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp import consts
from proxy.smpp.consts import COMMAND_NAMES
from tests.tools.session_play import SessionEnd, pdu

pytestmark = pytest.mark.unit

PDUS = st.builds(
    pdu,
    st.one_of(
        st.sampled_from(sorted(COMMAND_NAMES)),
        st.sampled_from([consts.SUBMIT_SM, consts.DELIVER_SM, consts.ENQUIRE_LINK, consts.VENDOR_FIRST, 0x99]),
    ),
    st.sampled_from([0, 1, 2, 0x7FFFFFFF, 0xFFFFFFFF]),
    st.sampled_from([0, 8]),
    st.binary(max_size=40),
)
#: Streams of good PDUs, at whose end octets may stand that are no PDU.
STREAMS = st.tuples(
    st.lists(PDUS, max_size=12).map(b"".join),
    st.one_of(
        st.just(b""),
        st.binary(max_size=40),
        st.sampled_from([b"\0\0\0\0", b"\0\0\0\x0f\0", b"GET / HTTP/1.1\r\n\r\n"]),
    ),
).map(b"".join)
STATES = st.sampled_from(
    [
        ("esme", "open"),
        ("esme", "tx"),
        ("esme", "rx"),
        ("esme", "trx"),
        ("esme", "leaving"),
        ("esme", "unbinding"),
        ("smsc", "binding"),
        ("smsc", "tx"),
        ("smsc", "rx"),
        ("smsc", "trx"),
    ]
)


def played(peer, state, pieces):
    """(PDUs let through, octets said, notes, why it ended) of a session that becomes trx as soon as it is held."""
    end = SessionEnd(peer, state)
    found, said = [], b""
    for piece in pieces:
        pdus = end.hears(piece)
        while True:
            found += [each.raw for each in pdus]
            said += end.session.out.take()
            if not end.session.held:
                break
            end.session.enter("trx")
            pdus = end.session.resume(end.now)
    return found, said, end.notes, end.session.ending, end.session.state


@given(STATES, STREAMS)
def test_octet_by_octet_is_the_same_as_at_once(where, stream):
    assert played(*where, [bytes((octet,)) for octet in stream]) == played(*where, [stream])


@given(STATES, STREAMS, st.data())
def test_any_pieces_are_the_same_as_at_once(where, stream, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert played(*where, pieces) == played(*where, [stream])


@given(st.lists(PDUS, max_size=12))
def test_each_pdu_is_let_through_or_answered_or_noted_once(pdus):
    end = SessionEnd("esme", "trx")
    for raw in pdus:
        leaving = end.session.state == "leaving"
        found, said, noted = end.hears(raw), end.said(), end.noted()
        assert [each.raw for each in found] in ([], [raw])
        # A link request is answered without a note; one that has no answer is noted without one.
        assert len(found) + max(len(said), len(noted)) == 1, (raw, leaving)
        assert all(sequence == int.from_bytes(raw[12:16]) for _, _, sequence in said)


def test_while_a_bind_is_decided_octets_collect_in_any_pieces():
    stream = pdu(consts.BIND_TRANSCEIVER, 1) + pdu(consts.SUBMIT_SM, 2) + pdu(consts.ENQUIRE_LINK, 3)
    end = SessionEnd("esme")
    found = [each for octet in stream for each in end.hears(bytes((octet,)))]
    assert [each.sequence for each in found] == [1]
    end.session.enter("trx")
    assert [each.sequence for each in end.session.resume(end.now)] == [2]
    assert end.said() == [("enquire_link_resp", 0, 3)]
