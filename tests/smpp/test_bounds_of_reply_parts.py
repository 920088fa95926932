"""Parts of replies that wait are bounded in time, room and number; what is beyond is read alone, nothing is lost."""

from __future__ import annotations

from functools import partial

import pytest

from proxy.smpp.inbound import Reply, ReplyPart, joined
from proxy.smpp.pdu import Pdu
from proxy.smpp.reply_parts import HeardParts, ReplyParts
from proxy.smpp.text import DEFAULT_TABLE

pytestmark = pytest.mark.unit

JOINED = partial(joined, table=DEFAULT_TABLE)


def piece(said: str, number: int, reference: int = 1, total: int = 2) -> tuple[Reply, ReplyPart]:
    part = ReplyPart((b"8613800138000", b"10690001", reference, total), total, number, 8, said.encode("utf-16-be"))
    return Reply("8613800138000", "10690001", (said,), part), part


def take(
    parts: ReplyParts, said: str, number: int, now: float, octets: int = 40, **place: int
) -> list[tuple[str, ...]]:
    reply, part = piece(said, number, **place)
    pdu = Pdu(5, 0, number, bytes(octets))
    return [reply.readings for _, reply in parts.take(pdu, reply, part, now)]


def test_parts_that_take_too_much_room_are_read_alone_at_once() -> None:
    parts = ReplyParts(JOINED, 10.0, HeardParts())
    heard = [take(parts, "TD", 1, 0.0, 65_536, reference=reference) for reference in range(17)]
    assert heard == [[]] * 16 + [[("TD",)]]
    # What waits still does, and its rest makes it whole.
    assert take(parts, "please", 2, 1.0, reference=0) == [("TDplease",)]


@pytest.mark.parametrize(("after_s", "whole"), [(200.0, True), (400.0, False)])
def test_a_part_that_was_read_alone_is_remembered_for_some_minutes(after_s: float, whole: bool) -> None:
    parts = ReplyParts(JOINED, 1.0, HeardParts())
    assert take(parts, "别再发", 1, 0.0) == []
    assert [reply.readings for _, reply in parts.expired(1.0)] == [("别再发",)]
    # Another message, so that the memory looks at what is too old.
    take(parts, "x", 1, after_s, reference=9)
    parts.expired(after_s + 1.0)
    found = take(parts, "短信了", 2, after_s + 1.0) or [reply.readings for _, reply in parts.expired(after_s + 2.0)]
    assert found == ([("别再发短信了", "短信了")] if whole else [("短信了",)])


def test_as_many_as_come_are_remembered_and_no_more() -> None:
    heard = HeardParts()
    for reference in range(3_000):
        reply, part = piece("TD", 1, reference)
        heard.add(part, reply, 0.0)
    known = [reference for reference in range(3_000) if heard.of(piece("TD", 1, reference)[1].key)]
    assert known == list(range(2_000, 3_000))


def test_what_was_heard_before_a_restart_is_joined_and_what_was_whole_is_not_there() -> None:
    kept: list[bytes] = []
    heard = HeardParts(kept.append)
    (first, part), (second, other) = piece("别再发", 1), piece("短信了", 2)
    heard.add(part, first, 0.0)
    after = HeardParts()
    for octets in (b"of another form", *kept):
        after.take_up(octets, 300.0)
    assert after.of(part.key) == {1: first}
    heard.add(other, second, 1.0)
    heard.forget(part.key)
    heard.forget(part.key)
    assert len(kept) == 3
    after = HeardParts()
    for octets in kept:
        after.take_up(octets, 300.0)
    assert after.of(part.key) == {}
