"""Keys as a media relay reports them: what rtpengine writes, whatever a Call-ID holds, and whose key it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.trunks.digit_reports import KEYS, read_log
from proxy.trunks.refusing import spoken
from tests.tools.sip_call_play import SDP_B, CallPlay

pytestmark = pytest.mark.unit

#: As rtpengine 10.5 writes it.
WRITTEN = (
    b'{"callid":"c1@x","source_tag":"tb","tags":["tb","fa"],"type":"DTMF","timestamp":1795348815,'
    b'"source_ip":"127.0.0.1","event":9,"duration":80,"volume":10}'
)


def log(call_id: bytes, tag: bytes, *tags: bytes, event: int = 9, label: bool = False) -> bytes:
    listed = b",".join(b'"%s"' % each for each in tags)
    labelled = b'"source_label":"",' if label else b""
    return (
        b'{"callid":"%s","source_tag":"%s",%s"tags":[%s],"type":"DTMF","timestamp":1795348815,"source_ip":"192.0.2.30",'
        b'"event":%d,"duration":80,"volume":10}' % (call_id, tag, labelled, listed, event)
    )


def parts(data: bytes) -> tuple[bytes, bytes, tuple[bytes, ...], str]:
    (one,) = read_log(data)
    return one.call_id, one.tag, one.tags, one.key


def test_what_rtpengine_writes() -> None:
    assert parts(WRITTEN) == (b"c1@x", b"tb", (b"tb", b"fa"), "9")
    assert parts(log(b"c1@x", b"tb", b"fa", b"tb", event=10, label=True)) == (b"c1@x", b"tb", (b"fa", b"tb"), "*")
    assert parts(log(b"c1@x", b"tb")) == (b"c1@x", b"tb", (), "9")


def test_event_codes() -> None:
    """RFC 4733 §3.2; 16 is a flash, and no key."""
    assert "".join(read_log(log(b"c", b"t", event=each))[0].key for each in range(16)) == KEYS == "0123456789*#ABCD"
    assert [read_log(log(b"c", b"t", event=each))[0].key for each in (16, 32, 255)] == ["", "", ""]


@pytest.mark.parametrize("call_id", [b'a"b@x', rb"a\b@x", rb"a\nb@x", b'"', b'x","tags":["y', rb"\u0041", b'a"},{"b'])
def test_a_call_id_that_would_break_json_is_read_as_it_is(call_id: bytes) -> None:
    assert parts(log(call_id, b"tb", b"tb", b"fa"))[:2] == (call_id, b"tb")


def test_a_call_id_that_holds_the_boundary_hides_nothing() -> None:
    call_id = b'x","source_tag":"forged'
    found = {(one.call_id, one.tag) for one in read_log(log(call_id, b"tb", b"fa"))}
    assert (call_id, b"tb") in found
    found = {(one.call_id, one.tag) for one in read_log(log(b"x", b"tb", b'fa","source_tag":"forged', b"tb"))}
    assert (b"x", b"tb") in found
    assert len(read_log(log(call_id * 50, b"tb"))) <= 8


def test_another_order_is_read_as_json() -> None:
    fields = {"type": "DTMF", "event": 11, "callid": 'a"b', "source_tag": "t", "tags": ["t", "u"]}
    assert parts(json.dumps(fields).encode()) == (b'a"b', b"t", (b"t", b"u"), "#")
    del fields["tags"]
    assert parts(json.dumps(fields).encode())[2] == ()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[" * 3000,
        b'{"callid":"c"}',
        b'{"callid":"c","type":"DTMF"}',
        WRITTEN[:-30],
        WRITTEN.replace(b'"event":9', b'"event":nine'),
        WRITTEN.replace(b'"event":9', b'"event":-9'),
        WRITTEN.replace(b'"event":9', b'"event":9999'),
        WRITTEN.replace(b"source_tag", b"sourcetag"),
        b'{"type":"DTMF","callid":1,"source_tag":"t","event":9}',
        b'{"type":"DTMF","callid":"c","source_tag":"t","event":true}',
        b'{"type":"DTMF","callid":"c","source_tag":"t","event":9,"tags":[1]}',
        WRITTEN + b" " * 4096,
    ],
)
def test_what_is_no_report_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_log(data)


@given(st.binary(max_size=300), st.binary(max_size=40), st.integers(0, 255))
def test_any_octets_give_a_report_or_an_error(junk: bytes, call_id: bytes, event: int) -> None:
    for data in (junk, WRITTEN[: len(junk)] + junk, log(call_id, b"t", junk, event=event)):
        try:
            read_log(data)
        except ValueError:
            continue


def whose(play: CallPlay, call_id: bytes, tag: bytes, *tags: bytes) -> tuple[str, str] | None:
    (one,) = read_log(log(call_id, tag, *tags))
    found = spoken(play.calls, one)
    return (found[1], found[2]) if found is not None else None


def test_whose_key_it_is_on_either_leg() -> None:
    """A relay sees the Call-ID and the tags of the leg on which it stands."""
    play = CallPlay()
    play.talking()
    invite = play.last("b", "INVITE")
    a, b = play.asked.call_id, invite.call_id
    our_a, our_b = play.last_answer("a").to.tag or b"", invite.from_.tag or b""
    assert whose(play, b, b"b-tag", b"b-tag", our_b) == ("b", "rtp b")
    assert whose(play, b, our_b, b"b-tag", our_b) == ("a", "rtp b")
    assert whose(play, a, b"a-tag", our_a, b"a-tag") == ("a", "rtp a")
    assert whose(play, a, our_a, b"a-tag", our_a) == ("b", "rtp a")
    # Nobody's: another call, a tag of neither side, the Call-ID of the other leg.
    assert whose(play, b"other", b"b-tag", b"b-tag", our_b) is None
    assert whose(play, b, b"stranger", b"stranger", our_b) is None
    assert whose(play, a, b"b-tag", b"b-tag", our_b) is None
    assert whose(play, b, b"b-tag", b"b-tag") is None
    assert whose(play, b, b"", b"", our_b) is None


def test_whose_key_it_is_before_the_answer_and_after_the_end() -> None:
    play = CallPlay()
    _, invite = play.ringing()
    ours = invite.from_.tag or b""
    assert whose(play, invite.call_id, b"b-tag", ours, b"b-tag") == ("b", "rtp b")
    assert whose(play, invite.call_id, ours, ours) == ("a", "rtp b")
    assert whose(play, invite.call_id, b"other-fork", ours, b"b-tag") is None
    play.answer("b", invite, 200, body=SDP_B)
    play.ask("a", "ACK", 1)
    play.ask("b", "BYE", 1)
    assert whose(play, invite.call_id, b"b-tag", ours, b"b-tag") == ("b", "rtp b"), "the log may come after the BYE"
    play.answer("a", play.last("a", "BYE"), 200)
    play.to(80)
    assert whose(play, invite.call_id, b"b-tag", ours, b"b-tag") is None
