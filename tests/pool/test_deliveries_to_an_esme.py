"""What waits for an account and its ESME: handed out within the window, in order, and again where it was not taken."""

from __future__ import annotations

from collections import deque
from typing import Any, cast

import pytest

from proxy.pool.deliveries import EsmeDeliveries
from proxy.smpp.codec import encode
from proxy.smpp.consts import (
    DATA_SM_RESP,
    DELIVER_SM,
    DELIVER_SM_RESP,
    ESME_RMSGQFUL,
    ESME_RTHROTTLED,
    ESME_RX_T_APPN,
    GENERIC_NACK,
)
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.session import Session, Timers

pytestmark = pytest.mark.unit

WINDOW, RESPONSE_S, LATER_S = 2, 10.0, 5.0


class Waiting:
    """Deliveries of one account, as `Deliveries` asks for them; an entry here is its own octets."""

    class Entry:
        def __init__(self, octets: bytes) -> None:
            self.octets = octets

    def __init__(self, many: int) -> None:
        self.left = deque(
            self.Entry(encode(DELIVER_SM, 0, 1, {"short_message": b"%d" % number})) for number in range(many)
        )
        self.taken: list[bytes] = []

    def take(self, account: str, most: int) -> list[Waiting.Entry]:
        assert account == "jl"
        return [self.left.popleft() for _ in range(min(most, len(self.left)))]

    def done(self, entry: Waiting.Entry) -> bool:
        self.taken.append(entry.octets[-1:])
        return True

    def give_back_entry(self, entry: Waiting.Entry) -> bool:
        self.left.appendleft(entry)
        return True


class Place:
    def __init__(self, many: int = 4, state: str = "trx") -> None:
        self.waiting = Waiting(many)
        self.noted: list[str] = []
        self.esme = Session("esme", Timers(), 70_000, lambda *_, **__: None, 0.0)
        self.esme.enter(cast(Any, state))
        gate = cast(Any, self)
        self.deliveries = EsmeDeliveries(
            "jl", self.esme, gate, self.waiting, window=WINDOW, response_s=RESPONSE_S, later_s=LATER_S
        )

    def note(self, event: str) -> None:
        self.noted.append(event)

    def sent(self, now: float = 1.0) -> list[tuple[int, bytes]]:
        """(sequence_number, text) of what the ESME got since last asked, after a look at what waits."""
        self.deliveries.hand_out(now)
        out = self.esme.out.take()
        pdus = []
        while out:
            length = int.from_bytes(out[:4])
            pdus.append((int.from_bytes(out[12:16]), bytes(out[length - 1 : length])))
            out = out[length:]
        return pdus

    def answer(self, sequence: int, status: int = 0, command: int = DELIVER_SM_RESP, now: float = 1.0) -> bool:
        return self.deliveries.answered(Pdu(command, status, sequence, response(command, status, sequence)), now)


def test_no_more_are_open_than_the_window_has_room_for_and_each_answer_makes_room() -> None:
    place = Place()
    (first, one), (second, two) = place.sent()
    assert (one, two, place.deliveries.open) == (b"0", b"1", 2)
    assert place.answer(second)
    assert [text for _, text in place.sent()] == [b"2"]
    assert place.answer(first)
    assert [text for _, text in place.sent()] == [b"3"]
    assert place.waiting.taken == [b"1", b"0"]


@pytest.mark.parametrize("status", [ESME_RX_T_APPN, ESME_RTHROTTLED, ESME_RMSGQFUL])
def test_an_esme_that_asks_for_it_later_gets_it_later_and_first(status: int) -> None:
    place = Place()
    (first, _), _ = place.sent()
    assert place.answer(first, status)
    assert place.sent(1.0 + LATER_S - 0.1) == []
    assert [text for _, text in place.sent(1.0 + LATER_S)] == [b"0"]
    assert place.waiting.taken == []


@pytest.mark.parametrize(("status", "command"), [(0x08, DELIVER_SM_RESP), (0, GENERIC_NACK)])
def test_what_an_esme_will_never_take_holds_up_nothing(status: int, command: int) -> None:
    place = Place()
    (first, _), _ = place.sent()
    assert place.answer(first, status, command)
    assert place.noted == ["delivery.rejected"]
    assert place.waiting.taken == [b"0"]
    assert [text for _, text in place.sent()] == [b"2"]


def test_an_answer_to_something_else_answers_no_delivery() -> None:
    place = Place()
    (first, _), (second, _) = place.sent()
    assert not place.answer(max(first, second) + 1)
    assert not place.answer(first, command=DATA_SM_RESP)
    assert place.deliveries.open == 2


def test_what_was_not_answered_in_time_comes_again_in_its_order() -> None:
    place = Place()
    place.sent()
    place.deliveries.handle_deadline(1.0 + RESPONSE_S)
    assert place.noted == ["response.timeout"] * 2
    assert [text for _, text in place.sent(1.0 + RESPONSE_S)] == [b"0", b"1"]


def test_what_a_lost_esme_did_not_answer_waits_in_front_in_its_order() -> None:
    place = Place()
    (first, _), _ = place.sent()
    place.answer(first)
    place.deliveries.lost()
    place.deliveries.hand_out(2.0)
    assert [entry.octets[-1:] for entry in place.waiting.left] == [b"1", b"2", b"3"]
    assert place.deliveries.open == 0


@pytest.mark.parametrize("state", ["tx", "open"])
def test_who_cannot_receive_or_drains_gets_nothing(state: str) -> None:
    assert Place(state=state).sent() == []
    place = Place()
    place.deliveries.draining = True
    assert place.sent() == []
