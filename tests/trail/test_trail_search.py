"""A message is found in the files of the trail by any of its ids, while another process writes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.trail.limits import Limits
from proxy.trail.search import GIVEN_UP, TracedMessage, search
from proxy.trail.trail import Trail

pytestmark = pytest.mark.unit

A, B = bytes(16), bytes([7]) * 16
FIRST = 1 << 32
NOW = 1_700_000_000


def opened(folder: Path, now: list[int], **limits: int) -> Trail:
    return Trail.open(folder, limits=Limits(**limits), clock=lambda: now[0] * 1_000_000)


def test_all_three_ids_lead_to_it_before_and_after_its_end(tmp_path: Path) -> None:
    now = [NOW]
    trail = opened(tmp_path, now)
    trail.accepted(FIRST, "jl", "one", b"7B", A)
    trail.accepted(FIRST + 1, "yx", "two", b"7B", B)
    trail.flush()
    mine = TracedMessage(FIRST, "jl", "one", b"7B", NOW, FIRST)
    assert search(tmp_path, [FIRST], []) == [mine]
    assert [one.message for one in search(tmp_path, [], {b"7B"})] == [FIRST, FIRST + 1]
    assert search(tmp_path, [FIRST + 9], {b"7C"}) == []
    now[0] += 60
    trail.final(FIRST, "delivered")
    trail.flush()
    mine.state, mine.ended_at = "delivered", NOW + 60
    assert search(tmp_path, [FIRST], []) == [mine]
    # The process has forgotten it; its segment stands.
    now[0] += 10_000
    trail.expire(now[0] * 1_000_000)
    assert trail.by_ours(FIRST) is None
    trail.close()
    assert search(tmp_path, [], {b"7B"})[0] == mine


def test_all_persons_of_a_submit_multi_are_found_by_the_id_they_share(tmp_path: Path) -> None:
    trail = opened(tmp_path, [NOW])
    for number in range(3):
        trail.accepted(FIRST + number, "jl", "one", b"m", A)
    trail.show(FIRST + 1, FIRST)
    trail.close()
    assert [(one.message, one.shown) for one in search(tmp_path, [FIRST], [])] == [(FIRST, FIRST), (FIRST + 1, FIRST)]


def test_it_is_found_whatever_segment_it_was_carried_to(tmp_path: Path) -> None:
    now = [NOW]
    trail = opened(tmp_path, now, open_most=64, segment_octets=2000, segments_least=2)
    trail.accepted(FIRST, "jl", "one", b"keep", A)
    for number in range(1, 300):
        trail.accepted(FIRST + number, "jl", "one", b"%d" % number, B)
        trail.final(FIRST + number, "expired")
        trail.flush()
        now[0] += 10
    (found,) = search(tmp_path, [], {b"keep"})
    assert (found.message, found.route, found.accepted_at, found.state) == (FIRST, "one", NOW, "")
    trail.close()


def test_what_was_given_up_is_said_so(tmp_path: Path) -> None:
    trail = opened(tmp_path, [NOW], open_most=2)
    for number in range(3):
        trail.accepted(FIRST + number, "jl", "one", b"%d" % number, A)
    trail.close()
    assert sorted(one.state for one in search(tmp_path, [FIRST + number for number in range(3)], [])) == [
        "",
        "",
        GIVEN_UP,
    ]


def test_nothing_there_is_nothing_found(tmp_path: Path) -> None:
    assert search(tmp_path / "none", [FIRST], {b"x"}) == []
    (tmp_path / "0000000001.trail").write_bytes(b"no trail " + b"7B")
    assert search(tmp_path, [], {b"7B"}) == []
