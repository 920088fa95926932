"""The window against a naive list of open requests, and its sequence_numbers at the end of their range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.smpp.window import Window, is_later

pytestmark = pytest.mark.unit

LAST = 0x7FFFFFFF
TIMEOUT_S = 10.0

STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("open"), st.just(0)),
        st.tuples(st.just("close"), st.integers(0, 12)),
        st.tuples(st.just("peek"), st.integers(0, 12)),
        st.tuples(st.just("link"), st.just(0)),
        st.tuples(st.just("waits"), st.sampled_from([0.0, 1.0, 5.0, 10.0])),
        st.tuples(st.just("drain"), st.just(0)),
    ),
    max_size=60,
)


@given(STEPS, st.sampled_from([0, 5, LAST - 3, LAST]))
def test_a_window_is_a_list_of_what_is_open(steps, last):
    window: Window[str] = Window(4, TIMEOUT_S)
    window._last = last
    now, made = 100.0, 0
    model: list[tuple[int, float, str]] = []  # (sequence, deadline, what is held), oldest first
    for what, value in steps:
        if what == "open" and not window.full:
            made += 1
            sequence = window.open(f"request {made}", now)
            assert 1 <= sequence <= LAST
            assert sequence not in [each[0] for each in model]
            model.append((sequence, now + TIMEOUT_S, f"request {made}"))
        elif what in ("close", "peek"):
            # Sequence numbers around those in use, open or not.
            sequence = (last + value - 1) % LAST + 1
            found = next((each for each in model if each[0] == sequence), None)
            asked = window.close(sequence) if what == "close" else window.peek(sequence)
            assert asked == (found[2] if found else None)
            if what == "close" and found:
                model.remove(found)
        elif what == "link":
            assert window.next_sequence() not in [each[0] for each in model]
        elif what == "waits":
            now += value
            late = [each for each in model if each[1] <= now]
            assert window.expired(now) == [(each[0], each[2]) for each in late]
            model = model[len(late) :]
            deadline = window.next_deadline()
            assert deadline is None or deadline > now
        elif what == "drain":
            assert window.drain() == [each[2] for each in model]
            model = []
        assert len(window) == len(model)
        assert window.full == (len(model) >= 4)
        assert window.held() == [each[2] for each in model]
        assert window.next_deadline() == (model[0][1] if model else None)


def test_numbers_go_up_and_begin_anew_after_the_last():
    window: Window[int] = Window(10, TIMEOUT_S)
    window._last = LAST - 2
    assert [window.open(each, 0.0) for each in range(4)] == [LAST - 1, LAST, 1, 2]


def test_numbers_in_use_are_skipped_after_the_last():
    window: Window[int] = Window(10, TIMEOUT_S)
    assert [window.open(each, 0.0) for each in range(3)] == [1, 2, 3]
    window.close(2)
    window._last = LAST - 1
    assert [window.open(each, 0.0) for each in range(3)] == [LAST, 2, 4]
    window._last = LAST
    assert window.next_sequence() == 5


def test_a_number_is_used_again_only_after_all_others():
    window: Window[int] = Window(10, TIMEOUT_S)
    first = window.open(0, 0.0)
    window.close(first)
    assert window.open(1, 0.0) == first + 1


def test_what_waits_equally_long_expires_in_the_order_in_which_it_was_opened():
    window: Window[str] = Window(10, TIMEOUT_S)
    for at, each in enumerate("abcd"):
        window.open(each, float(at))
    window.close(2)
    assert window.next_deadline() == 10.0
    assert window.expired(9.9) == []
    assert window.expired(12.0) == [(1, "a"), (3, "c")]
    assert window.next_deadline() == 13.0
    assert window.expired(1e9) == [(4, "d")]
    assert window.next_deadline() is None


def test_a_falsy_thing_can_be_held():
    window: Window[int] = Window(1, TIMEOUT_S)
    sequence = window.open(0, 0.0)
    assert window.full
    assert window.peek(sequence) == 0
    assert window.close(sequence) == 0
    assert window.close(sequence) is None


def test_later_holds_across_the_beginning_anew():
    window: Window[int] = Window(10, TIMEOUT_S)
    window._last = LAST - 3
    given = [window.open(each, 0.0) for each in range(6)]
    assert sorted(given) != given
    for place, sequence in enumerate(given):
        assert [is_later(other, sequence) for other in given] == [at > place for at in range(6)]
