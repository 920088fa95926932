"""The checker of storms can fail: small books in which everything holds, and every lie that may stand in them."""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Any

import pytest

from tests.chaos import traffic
from tests.chaos.books import Answer, Arrival, Attempt, Books, Delivery, Kill, Line, Part, Receive, Send, Stray, now
from tests.chaos.checker import Checker
from tests.chaos.evidence import Evidence, Judged
from tests.tools.wire import SUBMIT_SM

pytestmark = pytest.mark.unit

SECOND = 1_000_000


def digest(person: str) -> bytes:
    return blake2b(person.encode(), digest_size=16).digest()


@dataclass
class Small:
    """A storm of six messages: two in mirror mode, one of them kept; plain, long, unknown and a TD's in a pool."""

    books: Books
    evidence: Evidence

    def broken(self) -> set[str]:
        """The invariants that do not hold."""
        return {each.partition(":")[0] for each in Checker(self.books, self.evidence).verdict().broken}

    def attempt(self, number: int) -> Attempt:
        return self.books.attempts[number]

    def arrivals_of(self, number: int) -> list[Arrival]:
        bodies = {part.body for part in self.attempt(number).parts}
        return [arrival for arrival in self.books.arrivals if arrival.body in bodies]

    def delivery(self, kind: str) -> Delivery:
        return next(each for each in self.books.deliveries.values() if each.kind == kind)

    def receive_of(self, delivery: Delivery) -> Receive:
        token = b"text:d%d" % delivery.number if delivery.kind == "receipt" else delivery.body
        return next(receive for receive in self.books.receives if token in receive.body)


class _Maker:
    def __init__(self) -> None:
        self.books = Books(run=2)
        self.evidence = Evidence(digest, starts=[1, 2], gaps=["unclean"])
        self.esme = {name: Line(1, name, 2, why="unbound") for name in ("m-hold", "p-one")}
        self.carrier = {name: Line(1, name, 2, why="unbound") for name in ("hold", "one")}
        self.books.esme_lines = list(self.esme.values())
        self.books.carrier_lines = list(self.carrier.values())
        self.chance = random.Random(1)
        self.decisions = 2 << 32

    def message(self, number: int, side: str, carrier: str, bodies: int = 1, status: int = 0, closed: str = "") -> None:
        """One attempt, judged, forwarded unless closed, answered, with a receipt for each part that was taken."""
        person = traffic.person_of(number if not closed else 2)
        made = Attempt(number, number, side, person, closed=closed)
        self.books.attempts[number] = made
        self.decisions += 1
        permit = not closed
        self.evidence.decisions[self.decisions] = Judged(side, digest(person), permit, "" if permit else "x")
        first = self.decisions
        if status == traffic.UNKNOWN:
            self.evidence.outcomes[first] = ["unknown"]
        for place in range(1, bodies + 1):
            body = f"{number}/{place} to {person}".encode()
            part = Part(number, place, SUBMIT_SM, body, self.esme[side], now())
            made.parts.append(part)
            if place > 1:
                self.decisions += 1
            if not closed:
                arrival = Arrival(carrier, self.carrier[carrier], now(), SUBMIT_SM, body, 0, f"{number:x}{place}")
                self.books.arrivals.append(arrival)
            known = arrival.carrier_id if side == "m-hold" and not closed else f"{self.decisions:016x}"
            part.answers.append(Answer(now(), status, known.encode() if status == 0 else b""))
            if not closed:
                self.deliver("receipt", part, carrier, arrival, known)
        self.evidence.sealed_us[2] = now().us

    def keep(self, number: int) -> None:
        """A long message of a sender that waits for each answer: the first part was taken, the second refused."""
        person = traffic.person_of(number)
        made = self.books.attempts[number] = Attempt(number, number, "m-hold", person)
        self.decisions += 1
        self.evidence.decisions[self.decisions] = Judged("m-hold", digest(person), True, "")
        for place, status in ((1, 0), (2, 0x45)):
            self.decisions += 1
            ours = f"{self.decisions:016x}"
            part = Part(number, place, SUBMIT_SM, f"{number}/{place} to {person}".encode(), self.esme["m-hold"], now())
            made.parts.append(part)
            part.answers.append(Answer(now(), 0, ours.encode()))
            carrier_id = f"{number:x}{place}" if not status else ""
            arrival = Arrival("hold", self.carrier["hold"], now(), SUBMIT_SM, part.body, status, carrier_id)
            self.books.arrivals.append(arrival)
            if status:
                dates = "submit date:2601010000 done date:2601010000"
                own = f"{person} id:{ours} sub:001 dlvrd:000 {dates} stat:UNDELIV err:"
                line = self.esme["m-hold"]
                self.books.receives.append(Receive("m-hold", line, now(), own.encode(), settled=now()))
            else:
                self.deliver("receipt", part, "hold", arrival, ours)
        self.evidence.sealed_us[2] = now().us

    def deliver(self, kind: str, part: Part, carrier: str, arrival: Arrival | None = None, known: str = "") -> None:
        attempt = self.books.attempts[part.attempt]
        number = len(self.books.deliveries) + 1
        delivery = Delivery(number, kind, carrier, attempt.account, attempt.person, b"")  # type: ignore[arg-type]
        self.books.deliveries[number] = delivery
        if arrival is not None:
            delivery.about, delivery.receipt_id = arrival, arrival.carrier_id
            delivery.body = traffic.receipt(delivery, arrival.carrier_id)
            received = traffic.receipt(delivery, known)
        else:
            received = delivery.body = traffic.reply(delivery, "TD" if kind == "td" else "hello")
        send = Send(self.carrier[carrier], now())
        delivery.sends.append(send)
        receive = Receive(attempt.account, self.esme[attempt.account], now(), received, settled=now())
        self.books.receives.append(receive)
        send.statuses.append((now(), 0))
        if kind == "td":
            self.evidence.suppressed.add(digest(attempt.person))


@pytest.fixture
def small() -> Small:
    maker = _Maker()
    maker.message(1, "m-hold", "hold")
    maker.message(2, "p-one", "one")
    maker.message(3, "p-one", "one", bodies=3)
    maker.message(4, "p-one", "one", status=traffic.UNKNOWN)
    maker.deliver("reply", maker.books.attempts[1].parts[0], "hold")
    maker.deliver("td", maker.books.attempts[2].parts[0], "one")
    maker.message(5, "p-one", "one", status=traffic.REFUSED, closed="td")
    maker.keep(6)
    maker.books.kills.append(Kill(1, now()))
    return Small(maker.books, maker.evidence)


def test_small_books_hold(small: Small) -> None:
    verdict = Checker(small.books, small.evidence).verdict()
    assert verdict.broken == []
    assert verdict.figures["at_carriers"] == 8
    assert verdict.figures["deliveries_acknowledged"] == 9
    assert (verdict.figures["kept"], verdict.figures["kept_and_failed"]) == (2, 1)
    assert verdict.figures["outcome_unknown"] == 1


def forget_a_decision(small: Small) -> None:
    del small.evidence.decisions[(2 << 32) + 2]


def take_a_refusal_for_a_permit(small: Small) -> None:
    number = (2 << 32) + 1
    small.evidence.decisions[number] = Judged("m-hold", digest(traffic.person_of(1)), False, "x")


def forward_twice(small: Small) -> None:
    small.books.arrivals.append(copy.copy(small.arrivals_of(2)[0]))


def forward_one_part_twice(small: Small) -> None:
    small.books.arrivals.append(copy.copy(small.arrivals_of(3)[1]))


def change_an_octet(small: Small) -> None:
    small.arrivals_of(2)[0].body += b"!"


def send_by_another_route(small: Small) -> None:
    small.arrivals_of(1)[0].carrier = "one"


def answer_twice(small: Small) -> None:
    part = small.attempt(2).parts[0]
    part.answers.append(part.answers[0])


def never_answer(small: Small) -> None:
    small.attempt(3).parts[1].answers.clear()


def answer_what_nobody_asked(small: Small) -> None:
    small.books.strays.append(Stray("p-one", "an answer to nothing"))


def answer_a_delivery_twice(small: Small) -> None:
    statuses = small.delivery("reply").sends[0].statuses
    statuses.append(statuses[0])


def leave_a_delivery_unanswered(small: Small) -> None:
    again = Send(small.delivery("reply").sends[0].line, now())
    small.delivery("reply").sends.append(again)


def accept_what_was_not_sent(small: Small) -> None:
    small.books.arrivals.remove(small.arrivals_of(3)[2])


def accept_what_the_carrier_refused(small: Small) -> None:
    small.arrivals_of(1)[0].status = 0x45


def refuse_what_was_sent(small: Small) -> None:
    small.attempt(2).parts[0].answers[0].status = 0x14


def permit_what_is_closed(small: Small) -> None:
    small.attempt(5).parts[0].answers[0].status = 0x45


def give_a_foreign_id(small: Small) -> None:
    small.attempt(1).parts[0].answers[0].message_id = b"other"


def give_the_id_of_another_decision(small: Small) -> None:
    small.attempt(2).parts[0].answers[0].message_id = small.attempt(3).parts[0].answers[0].message_id


def do_not_mark_the_unknown(small: Small) -> None:
    small.evidence.outcomes.clear()


def drop_a_receipt(small: Small) -> None:
    small.books.receives.remove(small.receive_of(small.delivery("receipt")))


def drop_a_reply(small: Small) -> None:
    small.books.receives.remove(small.receive_of(small.delivery("reply")))


def deliver_to_somebody_else(small: Small) -> None:
    small.receive_of(small.delivery("reply")).account = "p-two"


def deliver_twice(small: Small) -> None:
    small.books.receives.append(copy.copy(small.books.receives[1]))


def deliver_what_nobody_sent(small: Small) -> None:
    small.books.receives.append(Receive("p-one", small.books.esme_lines[0], now(), b"from nowhere"))


def name_another_id_in_a_receipt(small: Small) -> None:
    delivery = small.books.deliveries[2]
    small.receive_of(delivery).body = traffic.receipt(delivery, "c0ffee")


def change_a_receipt(small: Small) -> None:
    receive = small.receive_of(small.books.deliveries[2])
    receive.body = receive.body.replace(b"DELIVRD", b"UNDELIV")


def only_put_off_a_delivery(small: Small) -> None:
    small.receive_of(small.delivery("reply")).answered = 0x64


def forget_a_suppression(small: Small) -> None:
    small.evidence.suppressed.clear()


def write_to_somebody_who_refused(small: Small) -> None:
    part = small.attempt(5).parts[0]
    small.books.arrivals.append(
        Arrival("one", small.books.carrier_lines[1], now(), part.command, part.body, traffic.REFUSED)
    )


def own_receipt(small: Small) -> Receive:
    return next(receive for receive in small.books.receives if b"UNDELIV" in receive.body)


def keep_silent_about_a_kept_part(small: Small) -> None:
    small.books.receives.remove(own_receipt(small))


def call_back_what_was_taken(small: Small) -> None:
    small.arrivals_of(6)[1].status = 0


def tell_somebody_else(small: Small) -> None:
    own_receipt(small).account = "p-one"


def tell_the_end_twice(small: Small) -> None:
    small.books.receives.append(copy.copy(own_receipt(small)))


def tell_of_what_nobody_sent(small: Small) -> None:
    told = copy.copy(own_receipt(small))
    told.body = re.sub(rb"id:\S+", b"id:00000002deadbeef", told.body)
    small.books.receives.append(told)


def try_again_what_was_taken(small: Small) -> None:
    small.books.arrivals.append(copy.copy(small.arrivals_of(6)[0]))


def name_a_kept_part_by_the_carriers_id(small: Small) -> None:
    delivery = next(each for each in small.books.deliveries.values() if each.receipt_id == "61")
    small.receive_of(delivery).body = delivery.body


def forget_a_run(small: Small) -> None:
    small.evidence.starts.pop()


def forget_a_gap(small: Small) -> None:
    small.evidence.gaps.clear()


def lose_records(small: Small) -> None:
    small.evidence.gaps.append("refused")


def wait_in_vain(small: Small) -> None:
    small.books.esme_lines[0].why = "watchdog"


def write_two_attempts_alike(small: Small) -> None:
    small.attempt(3).parts[1].body = small.attempt(2).parts[0].body


LIES: tuple[tuple[Callable[[Small], None], str], ...] = (
    (forget_a_decision, "nothing_is_forwarded_without_a_permit"),
    (take_a_refusal_for_a_permit, "nothing_is_forwarded_without_a_permit"),
    (forward_twice, "nothing_is_forwarded_twice_or_changed"),
    (forward_one_part_twice, "nothing_is_forwarded_twice_or_changed"),
    (change_an_octet, "nothing_is_forwarded_twice_or_changed"),
    (send_by_another_route, "nothing_is_forwarded_twice_or_changed"),
    (answer_twice, "every_request_is_answered_once"),
    (never_answer, "every_request_is_answered_once"),
    (answer_what_nobody_asked, "every_request_is_answered_once"),
    (answer_a_delivery_twice, "every_request_is_answered_once"),
    (leave_a_delivery_unanswered, "every_request_is_answered_once"),
    (accept_what_was_not_sent, "answers_are_true"),
    (accept_what_the_carrier_refused, "answers_are_true"),
    (refuse_what_was_sent, "answers_are_true"),
    (permit_what_is_closed, "answers_are_true"),
    (give_a_foreign_id, "answers_are_true"),
    (give_the_id_of_another_decision, "answers_are_true"),
    (do_not_mark_the_unknown, "answers_are_true"),
    (drop_a_receipt, "every_acknowledged_delivery_arrives"),
    (drop_a_reply, "every_acknowledged_delivery_arrives"),
    (deliver_to_somebody_else, "every_acknowledged_delivery_arrives"),
    (deliver_twice, "every_acknowledged_delivery_arrives"),
    (deliver_what_nobody_sent, "every_acknowledged_delivery_arrives"),
    (name_another_id_in_a_receipt, "every_acknowledged_delivery_arrives"),
    (change_a_receipt, "every_acknowledged_delivery_arrives"),
    (only_put_off_a_delivery, "every_acknowledged_delivery_arrives"),
    (forget_a_suppression, "every_acknowledged_td_is_in_force"),
    (write_to_somebody_who_refused, "every_acknowledged_td_is_in_force"),
    (permit_what_is_closed, "every_acknowledged_td_is_in_force"),
    (keep_silent_about_a_kept_part, "answers_are_true"),
    (call_back_what_was_taken, "answers_are_true"),
    (tell_somebody_else, "answers_are_true"),
    (tell_the_end_twice, "answers_are_true"),
    (tell_of_what_nobody_sent, "every_acknowledged_delivery_arrives"),
    (try_again_what_was_taken, "nothing_is_forwarded_twice_or_changed"),
    (name_a_kept_part_by_the_carriers_id, "every_acknowledged_delivery_arrives"),
    (forget_a_run, "evidence_stands"),
    (forget_a_gap, "evidence_stands"),
    (lose_records, "evidence_stands"),
    (wait_in_vain, "no_connection_is_left_waiting"),
    (write_two_attempts_alike, "everything_can_be_told_apart"),
)


@pytest.mark.parametrize(("lie", "invariant"), LIES, ids=[f"{lie.__name__}-{name}" for lie, name in LIES])
def test_a_lie_is_found(lie: Callable[[Small], None], invariant: str, small: Small) -> None:
    lie(small)
    assert invariant in small.broken()


# ---- what is excused, and what is not --------------------------------------------------------------------------------


def test_a_permit_that_died_with_its_process_is_excused_only_after_the_last_batch(small: Small) -> None:
    forget_a_decision(small)
    small.books.kills.append(Kill(2, now()))
    small.evidence.gaps.append("unclean")
    assert "nothing_is_forwarded_without_a_permit" in small.broken()
    small.evidence.sealed_us[2] = small.arrivals_of(2)[0].at.us - 1
    assert small.broken() == set()


def test_the_end_of_a_long_message_counts_as_recorded_at_its_last_answer(small: Small) -> None:
    attempt = small.attempt(3)
    told, last = attempt.parts[0].answers[0], attempt.parts[-1].answers[0]
    told.status, told.message_id = traffic.UNKNOWN, b""
    small.books.kills.append(Kill(2, now()))
    small.evidence.gaps.append("unclean")
    small.evidence.sealed_us[2] = last.at.us - 1
    last.at = replace(last.at, us=last.at.us - 2)
    told.at = replace(told.at, us=last.at.us)
    assert "answers_are_true" in small.broken()
    last.at = replace(last.at, us=last.at.us + 2)
    assert "answers_are_true" not in small.broken()


def test_a_kept_part_is_tried_again_where_the_carrier_put_it_off(small: Small) -> None:
    first = copy.copy(small.arrivals_of(6)[0])
    first.status = 0x14
    small.books.arrivals.insert(0, first)
    assert small.broken() == set()


def test_a_request_without_an_answer_is_excused_where_its_connection_was_lost(small: Small) -> None:
    never_answer(small)
    part = small.attempt(3).parts[1]
    part.line = Line(9, "p-one", 2, why="lost")
    assert small.broken() == set()


@pytest.mark.parametrize(
    "excuse",
    [
        pytest.param(lambda receive: setattr(receive, "settled", None), id="connection lost before the answer"),
        pytest.param(lambda receive: setattr(receive, "answered", 0x64), id="asked for later"),
        pytest.param(lambda receive: receive.line.harms.append("stall/body"), id="answer too late"),
    ],
)
def test_a_repeated_receipt_is_excused_in_a_pool_only(excuse: Callable[[Receive], None], small: Small) -> None:
    for delivery, holds in ((small.books.deliveries[2], True), (small.delivery("reply"), False)):
        again = copy.deepcopy(small)
        first = again.receive_of(again.books.deliveries[delivery.number])
        again.books.receives.append(copy.copy(first))
        assert "every_acknowledged_delivery_arrives" in again.broken()
        excuse(first)
        assert ("every_acknowledged_delivery_arrives" not in again.broken()) is holds


def test_a_kill_excuses_a_repetition_only_right_after_the_answer(small: Small) -> None:
    first = small.receive_of(small.books.deliveries[2])
    small.books.receives.append(copy.copy(first))
    assert first.settled is not None
    small.evidence.gaps.append("unclean")
    small.books.kills.append(Kill(2, now()))
    assert small.broken() == set()
    small.books.kills[-1] = Kill(2, type(first.settled)(now().tick, first.settled.us + 10 * SECOND))
    assert small.broken() == {"every_acknowledged_delivery_arrives"}


# ---- what is written -------------------------------------------------------------------------------------------------


class _Sameness(random.Random):
    """Draws the same for everybody: one reference, one kind of header, as many parts."""

    def __init__(self, kind: str) -> None:
        super().__init__(1)
        self.kind = kind

    def choices(self, population: Sequence[Any], *args: Any, **kwargs: Any) -> list[Any]:
        return [self.kind if self.kind in population else population[0]]

    def choice(self, seq: Sequence[Any]) -> Any:
        return seq[-1]

    def randrange(self, start: int, *args: Any, **kwargs: Any) -> int:
        return start


@pytest.mark.parametrize("kind", ["plain", "gsm", "data", "payload", "udh8", "udh16", "sar", "several"])
def test_no_two_attempts_of_one_message_have_a_part_in_common(kind: str) -> None:
    side, person = traffic.SIDES[0], traffic.person_of(7)
    seen: set[tuple[int, bytes]] = set()
    for number in (1, 2, 11, 111, 3654, 99_999, 1_000_000):
        attempt = traffic.written(_Sameness(kind), side, number, 7, person, first=True)
        assert all((part.command, part.body) not in seen for part in attempt.parts)
        seen |= {(part.command, part.body) for part in attempt.parts}
        assert len(attempt.parts) == (4 if kind in ("udh8", "udh16", "sar") else 1)
