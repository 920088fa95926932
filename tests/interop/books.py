"""The books of both taps: what passed tdgate, what it kept back, and that nothing passed changed.

Owns the comparison octet for octet. Everything is compared as multisets of PDUs without their sequence_number, the only
field that a relay in mirror mode may change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from tests.tools.recorder import Recorder, Tape
from tests.tools.wire import DATA_SM, DELIVER_SM, GENERIC_NACK, RESP, SUBMIT_SM, Frame

DELIVERIES = (DELIVER_SM, DATA_SM)


def octets(frames: Iterable[Frame]) -> Counter[bytes]:
    """PDUs without their sequence_number, counted."""
    return Counter(frame.raw[:12] + frame.raw[16:] for frame in frames)


@dataclass(frozen=True)
class Asked:
    """A request and the answer to it; None while there is none."""

    request: Frame
    answer: Frame | None


def exchanges(there: list[Frame], back: list[Frame], commands: tuple[int, ...]) -> list[Asked]:
    """Each request of one connection with its answer. AssertionError where one was answered twice."""
    asked = []
    for request in (frame for frame in there if frame.command in commands):
        answers = [
            frame
            for frame in back
            if frame.sequence == request.sequence and frame.command in (request.command | RESP, GENERIC_NACK)
        ]
        # WHY at most: an ESME may use a sequence_number again after thousands; these tests do not get there.
        assert len(answers) <= 1, (request, answers)
        asked.append(Asked(request, answers[0] if answers else None))
    return asked


def submits(tap: Recorder) -> list[Asked]:
    """Every submit_sm that went up through a tap."""
    return [one for tape in tap.tapes for one in exchanges(tape.up, tape.down, (SUBMIT_SM,))]


def deliveries(tap: Recorder) -> list[Asked]:
    """Every deliver_sm and data_sm that came down through a tap."""
    return [one for tape in tap.tapes for one in exchanges(tape.down, tape.up, DELIVERIES)]


@dataclass(frozen=True)
class Books:
    """What the two taps say together."""

    permitted: list[Asked]
    refused: list[Asked]
    delivered: list[Asked]


def settle(front: Recorder, back: Recorder) -> Books:
    """Compares both taps. AssertionError with what differs; every request must have been answered by now."""
    asked, forwarded = submits(front), submits(back)
    assert all(one.answer is not None for one in asked)
    assert all(one.answer is not None for one in forwarded)
    left = octets(one.request for one in forwarded)
    permitted, refused = [], []
    for one in asked:
        key = one.request.raw[:12] + one.request.raw[16:]
        answer = one.answer
        assert answer is not None
        passed = left[key] > 0 and any(
            answer.same_but_sequence(there.answer)
            for there in forwarded
            if there.answer is not None and there.request.same_but_sequence(one.request)
        )
        if passed:
            left[key] -= 1
            permitted.append(one)
        else:
            refused.append(one)
    assert not +left, f"reached the carrier changed, twice, or without being sent: {+left}"
    answers = octets(one.answer for one in permitted if one.answer)
    assert answers == octets(one.answer for one in forwarded if one.answer)
    came, went = deliveries(back), deliveries(front)
    assert octets(one.request for one in came) == octets(one.request for one in went)
    assert octets(one.answer for one in came if one.answer) == octets(one.answer for one in went if one.answer)
    return Books(permitted, refused, went)


def newest(tap: Recorder) -> Tape:
    """The connection that was opened last."""
    return tap.tapes[-1]
