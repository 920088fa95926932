"""Keys on a connection to rtpengine: bencoded notices, in whatever pieces they come."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.trunks.digit_notices import Notices

pytestmark = pytest.mark.unit

#: As rtpengine 10.5 writes it, with a quote in the Call-ID.
WRITTEN = (
    b'247561bd8e1d1f49 d6:notify6:onDTMF4:datad4:tagsl2:tb2:fae6:callid5:c"1@x10:source_tag2:tb4:type4:DTMF'
    b"9:source_ip9:127.0.0.19:timestampi1795348815e5:eventi9e8:durationi80e6:volumei10eee"
)
PONG = b"tdgate d6:result4:ponge"


def heard(*pieces: bytes) -> list[tuple[bytes, bytes, tuple[bytes, ...], str]]:
    notices = Notices()
    return [(one.call_id, one.tag, one.tags, one.key) for piece in pieces for one in notices.receive(piece)]


def test_what_rtpengine_writes() -> None:
    key = (b'c"1@x', b"tb", (b"tb", b"fa"), "9")
    assert heard(WRITTEN) == [key]
    assert heard(PONG + WRITTEN + PONG + WRITTEN) == [key, key]
    assert heard(WRITTEN.replace(b"eventi9e", b"eventi11e")) == [(*key[:3], "#")]
    assert heard(WRITTEN.replace(b"eventi9e", b"eventi16e")) == [(*key[:3], "")]


@given(st.lists(st.integers(0, 2 * len(WRITTEN) + len(PONG)), max_size=8))
def test_in_whatever_pieces_it_comes(cuts: list[int]) -> None:
    whole = WRITTEN + PONG + WRITTEN
    ends = sorted({0, *(cut for cut in cuts if cut < len(whole)), len(whole)})
    pieces = [whole[start:end] for start, end in pairwise(ends)]
    assert len(heard(*pieces)) == 2


@pytest.mark.parametrize(
    "other",
    [
        PONG,
        b"c d6:notify5:other4:datadee",
        b"c d6:notify6:onDTMF4:data2:xxe",
        b"c d6:notify6:onDTMF4:datad6:callid1:ceee",
        b"c le",
        b"c i1e",
        b"c 2:xx",
        b"c i-1e",
        WRITTEN.replace(b"eventi9e", b"event1:9"),
        WRITTEN.replace(b"onDTMF", b"onMOOD"),
    ],
)
def test_other_notices_are_passed_over(other: bytes) -> None:
    assert len(heard(other + WRITTEN)) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        b"x" * 256,
        b"HTTP/1.1 400 Bad",
        b"c di1ei2ee",
        b"c d1:xe",
        b"c ixe",
        b"c ie",
        b"c i" + b"1" * 30,
        b"c 99999:",
        b"c 99999999999999999999999:",
        b"c " + b"l" * 9,
        b"c l" + b"2:xx" * 5000,
    ],
)
def test_what_is_no_notice_ends_the_connection(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        heard(wrong)


@given(st.lists(st.binary(max_size=60), max_size=6))
def test_any_octets_give_keys_or_an_error(pieces: list[bytes]) -> None:
    notices = Notices()
    try:
        for piece in (b"c d", *pieces):
            notices.receive(piece)
    except ValueError:
        return
