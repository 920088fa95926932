"""What must hold of a storm, proved from the books of its ends and from tdgate's evidence. Pure: opens nothing.

Owns the invariants; each gives what breaks it, in words. What a kill may cost is taken from the manual and no more:
permits that were recorded after the last batch on disk, and answers of ESMEs within `DONE_LINGER_US` of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.chaos import traffic
from tests.chaos.books import Arrival, Attempt, Books, Delivery, Line, Moment, Part, Receive
from tests.chaos.evidence import Evidence

#: How long an ESME's answer may be unwritten at a kill: 100 ms by the manual, and room for a slow disk.
DONE_LINGER_US = 3_000_000
#: What is answered to parts that make no message.
_NO_MESSAGE = (traffic.PARTIAL, traffic.AMBIGUOUS)
_TOKEN = re.compile(rb"text:d(\d+)")
_ID = re.compile(rb"id:([^ ]+) ")
#: A receipt of tdgate's own, for a part that it had answered for.
OWN = re.compile(rb"id:([0-9a-f]{16}) sub:001 dlvrd:000 submit date:\d{10} done date:\d{10} stat:([A-Z]{7}) err:")


@dataclass
class Verdict:
    """`broken` is empty where everything holds; `figures` tell what was looked at."""

    broken: list[str] = field(default_factory=list)
    figures: dict[str, int] = field(default_factory=dict)


class Checker:
    """One look at one storm."""

    def __init__(self, books: Books, evidence: Evidence) -> None:
        self.books = books
        self.evidence = evidence
        self.killed = {kill.run: kill.at.us for kill in books.kills}
        self.parts = {(part.command, part.body): part for part in books.parts}
        self.arrived: dict[int, list[Arrival]] = defaultdict(list)
        self.by_part: dict[tuple[int, int], list[Arrival]] = defaultdict(list)
        self.unsent: list[Arrival] = []
        for arrival in books.arrivals:
            part = self.parts.get((arrival.command, arrival.body))
            if part is None:
                self.unsent.append(arrival)
            else:
                self.arrived[part.attempt].append(arrival)
                self.by_part[(part.attempt, part.number)].append(arrival)
        #: What tdgate said itself became of a part, by the id under which it had answered for it.
        self.told: dict[str, list[tuple[str, Receive]]] = defaultdict(list)
        for receive in books.receives:
            own = OWN.search(receive.body)
            if own is not None:
                self.told[own[1].decode()].append((own[2].decode(), receive))
        self.figures: dict[str, int] = {}

    def verdict(self) -> Verdict:
        found = Verdict()
        for name in (
            "everything_can_be_told_apart",
            "evidence_stands",
            "nothing_is_forwarded_without_a_permit",
            "nothing_is_forwarded_twice_or_changed",
            "every_request_is_answered_once",
            "answers_are_true",
            "every_acknowledged_delivery_arrives",
            "every_acknowledged_td_is_in_force",
            "no_connection_is_left_waiting",
        ):
            broken = list(getattr(self, name)())
            found.broken += [f"{name}: {each}" for each in broken[:10]]
            if len(broken) > 10:
                found.broken.append(f"{name}: {len(broken) - 10} more")
        found.figures = self.figures
        return found

    # ---- the storm itself --------------------------------------------------------------------------------------------

    def everything_can_be_told_apart(self) -> Iterator[str]:
        """No two requests have the same octets: what a carrier gets is known by them."""
        for part in self.books.parts:
            other = self.parts[(part.command, part.body)]
            if other is not part:
                yield f"attempts {part.attempt} and {other.attempt} were written alike in part {part.number}"

    # ---- evidence ---------------------------------------------------------------------------------------------------

    def evidence_stands(self) -> Iterator[str]:
        """Each run began with a Start; after each kill a Gap says that something may be missing."""
        if self.evidence.starts != list(range(1, self.books.run + 1)):
            yield f"runs {self.evidence.starts}, and {self.books.run} were started"
        unclean = sum(reason in ("unclean", "torn") for reason in self.evidence.gaps)
        if unclean != len(self.books.kills):
            yield f"{unclean} gaps after {len(self.books.kills)} kills"
        if "refused" in self.evidence.gaps:
            yield "records were not taken"

    def _may_be_lost(self, run: int, at_us: int) -> bool:
        """Whether a record that was made by then may have died with its process, as the manual says."""
        return run in self.killed and at_us >= self.evidence.sealed_us.get(run, 0)

    def nothing_is_forwarded_without_a_permit(self) -> Iterator[str]:
        """Every message at a carrier has a permit of its own; of a killed run, unless the log was not written since."""
        permits: dict[tuple[str, bytes], int] = defaultdict(int)
        for judged in self.evidence.decisions.values():
            permits[(judged.account, judged.person)] += judged.is_permit
        messages: dict[tuple[str, str], list[Attempt]] = defaultdict(list)
        for number in self.arrived:
            attempt = self.books.attempts[number]
            for person in (attempt.person, *attempt.others):
                messages[(attempt.account, person)].append(attempt)
        lost = 0
        for (account, person), attempts in messages.items():
            missing = len(attempts) - permits[(account, self.evidence.digest(person))]
            if missing <= 0:
                continue
            excused = sum(
                self._may_be_lost(arrival.line.run, arrival.at.us)
                for arrival in (self.arrived[attempt.number][0] for attempt in attempts)
            )
            lost += min(missing, excused)
            if excused < missing:
                yield f"message {attempts[0].message} of {account}: {missing} permits are missing, {excused} excused"
        self.figures["at_carriers"] = len(self.books.arrivals)
        self.figures["permits"] = sum(permits.values())
        self.figures["permits_lost_by_kills"] = lost

    # ---- towards the carriers ----------------------------------------------------------------------------------------

    def nothing_is_forwarded_twice_or_changed(self) -> Iterator[str]:
        for arrival in self.unsent:
            yield f"{arrival.carrier} got octets that nobody wrote: {arrival.body[:60]!r}"
        for (attempt, number), arrivals in self.by_part.items():
            if len(arrivals) > 1 and not self._was_tried_again(attempt, arrivals):
                yield f"attempt {attempt} part {number} reached {[each.carrier for each in arrivals]}"
            route = traffic.BY_NAME[self.books.attempts[attempt].account].route
            for arrival in arrivals:
                if (arrival.carrier in traffic.POOLED) != (route == "pool") or (
                    route != "pool" and arrival.carrier != route
                ):
                    yield f"attempt {attempt} of route {route} reached {arrival.carrier}"
        repeated: dict[tuple[str, int], list[Attempt]] = defaultdict(list)
        for number in self.arrived:
            attempt = self.books.attempts[number]
            repeated[(attempt.account, attempt.message)].append(attempt)
        self.figures["sent_again_by_esmes"] = sum(len(each) > 1 for each in repeated.values())

    def _was_tried_again(self, attempt: int, arrivals: list[Arrival]) -> bool:
        """Whether tdgate tried a part again for which it had answered: only after the carrier had put it off."""
        is_long = len(self.books.attempts[attempt].parts) > 1
        return is_long and all(arrival.status in traffic.TEMPORARY for arrival in arrivals[:-1])

    def every_request_is_answered_once(self) -> Iterator[str]:
        """An answer for each request, and one only; none only where its connection was lost."""
        unanswered = 0
        for part in (*self.books.parts, *self.books.other):
            if len(part.answers) > 1:
                yield f"attempt {part.attempt} part {part.number} has {len(part.answers)} answers"
            if not part.answers and part.line is not None:
                unanswered += 1
                if not _is_cut_off(part.line):
                    yield f"attempt {part.attempt} part {part.number} has no answer on a line that is {part.line.why!r}"
        for stray in self.books.strays:
            yield f"{stray.where}: {stray.what}"
        for delivery in self.books.deliveries.values():
            for send in delivery.sends:
                if len(send.statuses) > 1:
                    yield f"delivery {delivery.number} was answered twice"
                if not send.statuses and not _is_cut_off(send.line):
                    yield (
                        f"{delivery.kind} {delivery.number} of {delivery.carrier} has no answer on a line that is "
                        f"{send.line.why!r} {send.line.harms}"
                    )
        self.figures["requests"] = len(self.books.parts) + len(self.books.other)
        self.figures["cut_off_before_an_answer"] = unanswered

    def answers_are_true(self) -> Iterator[str]:
        """Accepted: the carrier has it, under that id. Refused: it has not, or refused it. Unknown: on record."""
        marked = {number for number, results in self.evidence.outcomes.items() if "unknown" in results}
        unknown_of: dict[tuple[str, bytes], int] = defaultdict(int)
        for number in marked:
            judged = self.evidence.decisions.get(number)
            if judged is not None:
                unknown_of[(judged.account, judged.person)] += 1
        unknowns = 0
        for attempt in self.books.attempts.values():
            statuses = [part.answers[0].status for part in attempt.parts if part.answers]
            if traffic.UNKNOWN in statuses:
                unknowns += 1
                yield from self._unknown_is_marked(attempt, unknown_of)
            for part in attempt.parts:
                if part.answers:
                    yield from self._answer_is_true(attempt, part)
        self.figures["outcome_unknown"] = unknowns

    def _unknown_is_marked(self, attempt: Attempt, marked: dict[tuple[str, bytes], int]) -> Iterator[str]:
        key = (attempt.account, self.evidence.digest(attempt.person))
        told = next(part for part in attempt.parts if part.answers and part.answers[0].status == traffic.UNKNOWN)
        assert told.line is not None
        ended = all(part.answers for part in attempt.parts)
        rejected = any(part.answers and part.answers[0].status not in (0, traffic.UNKNOWN) for part in attempt.parts)
        if marked[key] or rejected or not ended:
            return
        # WHY the last: a long message has one end, which is recorded when the last of its parts has its answer.
        end_us = max(part.answers[0].at.us for part in attempt.parts)
        if not self._may_be_lost(told.line.run, end_us):
            yield f"attempt {attempt.number} was answered as unknown, and the evidence does not say so"

    def _answer_is_true(self, attempt: Attempt, part: Part) -> Iterator[str]:
        answer = part.answers[0]
        arrivals = self.by_part.get((attempt.number, part.number), [])
        what = f"attempt {attempt.number} part {part.number} of {attempt.account}"
        if answer.status == 0 and self._is_kept(attempt, part):
            yield from self._end_is_told(attempt, part)
            return
        closed = (traffic.REFUSED, *traffic.TEMPORARY, *(_NO_MESSAGE if len(attempt.parts) > 1 else ()))
        if attempt.closed and answer.status not in closed:
            yield f"{what} is closed ({attempt.closed}), and was answered {answer.status:#x}"
        if answer.status == 0:
            if not arrivals:
                yield f"{what} was accepted, and no carrier has it"
            for arrival in arrivals:
                if arrival.status != 0:
                    yield f"{what} was accepted, and {arrival.carrier} answered {arrival.status}"
                if not traffic.BY_NAME[attempt.account].pooled:
                    if answer.message_id.decode() != arrival.carrier_id:
                        yield f"{what} has id {answer.message_id!r}, and the carrier gave {arrival.carrier_id}"
                else:
                    yield from self._our_id_is_true(attempt, part, arrival)
        elif answer.status != traffic.UNKNOWN:
            for arrival in arrivals:
                if arrival.status != answer.status:
                    yield f"{what} was answered {answer.status:#x}, and {arrival.carrier} answered {arrival.status}"

    def _is_kept(self, attempt: Attempt, part: Part) -> bool:
        """Whether tdgate answered for a part itself: its id is neither the carrier's nor that of a decision."""
        if len(attempt.parts) == 1 or len(part.answers[0].message_id) != 16:
            return False
        if traffic.BY_NAME[attempt.account].pooled:
            firsts = [each.answers[0].message_id for each in attempt.parts if each.answers]
            return not any(int(each or b"0", 16) in self.evidence.decisions for each in firsts)
        arrivals = self.by_part.get((attempt.number, part.number), [])
        return part.answers[0].message_id.decode() not in {arrival.carrier_id for arrival in arrivals}

    def _end_is_told(self, attempt: Attempt, part: Part) -> Iterator[str]:
        """What tdgate answered for was taken by a carrier, or its ESME has a receipt that says what became of it."""
        what = f"attempt {attempt.number} part {part.number} of {attempt.account}"
        arrivals = self.by_part.get((attempt.number, part.number), [])
        taken = any(arrival.status == 0 for arrival in arrivals)
        told = self.told.get(part.answers[0].message_id.decode(), [])
        states = {state for state, _ in told}
        self.figures["kept"] = self.figures.get("kept", 0) + 1
        self.figures["kept_and_failed"] = self.figures.get("kept_and_failed", 0) + bool(states)
        if not taken and not states:
            yield f"{what} was answered for, and nothing became of it"
        if taken and states - {"UNKNOWN"}:
            yield f"{what} was taken by its carrier, and its ESME was told {states}"
        if attempt.closed and arrivals:
            yield f"{what} is closed ({attempt.closed}), and reached a carrier"
        for _, receive in told:
            if receive.account != attempt.account:
                yield f"{what}: {receive.account} was told what became of it"
        # WHY twice: a kill brings back the receipt, and the record of its part, which is then told once more.
        if len(told) > 1 + 2 * sum(self._may_come_again(receive) for _, receive in told):
            yield f"{what}: its end was told {len(told)} times"

    def _our_id_is_true(self, attempt: Attempt, part: Part, arrival: Arrival) -> Iterator[str]:
        """In a pool the id is that of the decision (of the first part), which is about this very person."""
        number = int(part.answers[0].message_id, 16)
        judged = self.evidence.decisions.get(number)
        what = f"attempt {attempt.number} part {part.number} of {attempt.account}"
        if judged is None:
            if part.number == 1 and not self._may_be_lost(number >> 32, arrival.at.us):
                yield f"{what} has id {number:x}, which is no decision"
        elif judged.person != self.evidence.digest(attempt.person) or judged.account != attempt.account:
            yield f"{what} has the id of a decision about somebody else"
        elif not judged.is_permit:
            yield f"{what} has the id of a refusal"

    # ---- towards the ESMEs -------------------------------------------------------------------------------------------

    def every_acknowledged_delivery_arrives(self) -> Iterator[str]:
        """What a carrier was told arrived is with its account, as it was, and as often as its carrier sent it.

        More often only where tdgate could not know that the ESME had it: no answer, or none in time, a later one asked
        for, or a kill.
        """
        received: dict[int, list[Receive]] = defaultdict(list)
        plain = {each.body: each for each in self.books.deliveries.values() if each.kind != "receipt"}
        waiting = self._unanswered_persons()
        own = {answer.message_id.decode() for part in self.books.parts for answer in part.answers}
        for receive in self.books.receives:
            delivery = self._delivery_of(receive, plain)
            written = OWN.search(receive.body) if delivery is None else None
            if written is not None:
                # WHY persons too: an answer may have been lost, and then its ESME knows no id.
                if written[1].decode() not in own and not any(each in receive.body for each in waiting):
                    yield f"{receive.account} was told of a message that it never sent: {receive.body[:80]!r}"
                continue
            if delivery is None:
                yield f"{receive.account} got what no carrier sent: {receive.body[:80]!r}"
                continue
            received[delivery.number].append(receive)
            yield from self._is_as_sent(delivery, receive)
        acknowledged = repeated = 0
        for delivery in self.books.deliveries.values():
            gotten = received[delivery.number]
            what = f"{delivery.kind} {delivery.number} of {delivery.carrier} for {delivery.account}"
            if delivery.acknowledged:
                acknowledged += 1
                if not any(receive.answered == 0 for receive in gotten):
                    yield f"{what} was acknowledged and never delivered"
            allowed = len(delivery.sends)
            if traffic.BY_NAME[delivery.account].pooled:
                allowed += sum(self._may_come_again(receive) for receive in gotten)
            repeated += len(gotten) > 1
            if len(gotten) > allowed:
                yield f"{what} was sent {len(delivery.sends)} times and delivered {len(gotten)} times"
        self.figures["deliveries_acknowledged"] = acknowledged
        self.figures["deliveries_repeated"] = repeated

    def _unanswered_persons(self) -> list[bytes]:
        """Recipients of long messages of which a part has no answer."""
        return [
            attempt.person.encode()
            for attempt in self.books.attempts.values()
            if len(attempt.parts) > 1 and any(part.sent is not None and not part.answers for part in attempt.parts)
        ]

    def _delivery_of(self, receive: Receive, plain: dict[bytes, Delivery]) -> Delivery | None:
        token = _TOKEN.search(receive.body)
        return self.books.deliveries.get(int(token[1])) if token else plain.get(receive.body)

    def _is_as_sent(self, delivery: Delivery, receive: Receive) -> Iterator[str]:
        what = f"{delivery.kind} {delivery.number} of {delivery.carrier}"
        if receive.account != delivery.account:
            yield f"{what} is {delivery.account}'s, and {receive.account} got it"
        if not delivery.sends or delivery.sends[0].at.tick > receive.at.tick:
            yield f"{what} was received before it was sent"
        if delivery.kind != "receipt" or receive.body == delivery.body:
            named = delivery.receipt_id
        else:
            found = _ID.search(receive.body)
            named = found[1].decode() if found else ""
            if receive.body != traffic.receipt(delivery, named):
                yield f"{what} is changed beyond its id"
        if delivery.about is not None:
            part = self.parts.get((delivery.about.command, delivery.about.body))
            answers = part.answers if part is not None else []
            known = {answer.message_id.decode() for answer in answers if answer.status == 0}
            if not known or any(state == "UNKNOWN" for each in known for state, _ in self.told.get(each, [])):
                return
            if not traffic.BY_NAME[delivery.account].pooled and known == {delivery.about.carrier_id}:
                if receive.body != delivery.body:
                    yield f"{what} is changed, although its ESME has the carrier's id"
            elif known != {named}:
                yield f"{what} names {named}, and its ESME knows the message as {known}"

    def _may_come_again(self, receive: Receive) -> bool:
        if receive.answered or receive.settled is None:
            return True
        if any(harm.startswith("stall") for harm in receive.line.harms):
            # Its answer may have come after the response timer, when it had been given back already.
            return True
        killed = self.killed.get(receive.line.run)
        return killed is not None and killed - receive.settled.us < DONE_LINGER_US

    def every_acknowledged_td_is_in_force(self) -> Iterator[str]:
        """On record, refused when asked about last, and nothing that was submitted after it reached a carrier."""
        since: dict[tuple[str, str], tuple[Delivery, Moment]] = {}
        for delivery, acknowledged in self._refusals():
            key = (delivery.account, delivery.person)
            if key not in since or acknowledged.tick < since[key][1].tick:
                since[key] = delivery, acknowledged
        last: dict[tuple[str, str], Attempt] = {}
        for attempt in self.books.attempts.values():
            last[(attempt.account, attempt.person)] = attempt
        for (account, person), (delivery, _) in since.items():
            if self.evidence.digest(person) not in self.evidence.suppressed:
                yield f"{delivery.kind} {delivery.number} of {account} is not in the evidence"
            if not self._was_refused(last[(account, person)]):
                yield f"{delivery.kind} {delivery.number} of {account}: the last message to that person was not refused"
        for number in self.arrived:
            attempt = self.books.attempts[number]
            if attempt.closed == "import":
                yield f"attempt {number} to a person refused by import reached a carrier"
            td = since.get((attempt.account, attempt.person))
            sent = attempt.parts[-1].sent
            if td is not None and sent is not None and sent.tick > td[1].tick:
                yield f"attempt {number} was submitted after a td was acknowledged, and reached a carrier"
        self.figures["tds_acknowledged"] = len(since)

    def _was_refused(self, attempt: Attempt) -> bool:
        """Whether all parts that were sent were refused, at once or by a receipt where tdgate had answered for them."""
        ends: list[bool] = []
        for part in attempt.parts:
            if part.sent is None:
                continue
            answer = part.answers[0] if part.answers else None
            told = self.told.get(answer.message_id.decode(), []) if answer is not None else []
            ends.append(
                answer is not None
                and (answer.status == traffic.REFUSED or any(state == "REJECTD" for state, _ in told))
            )
        return all(ends) and bool(ends)

    def _refusals(self) -> Iterator[tuple[Delivery, Moment]]:
        """Each acknowledged refusal, and when; one in two parts when its carrier knew that both had arrived.

        What was said in the first part is not remembered over a kill (see the manual): such a refusal is left out.
        """
        for delivery in self.books.deliveries.values():
            acknowledged = delivery.acknowledged
            if delivery.kind == "td" and acknowledged is not None:
                yield delivery, acknowledged
        for first, second in self.books.halves:
            halves = self.books.deliveries[first], self.books.deliveries[second]
            told = [half.acknowledged for half in halves]
            if told[0] is None or told[1] is None:
                continue
            began = min(half.sends[0].at.tick for half in halves)
            ended = max(told, key=lambda moment: moment.tick if moment is not None else 0)
            assert ended is not None
            if not any(began <= kill.at.tick <= ended.tick for kill in self.books.kills):
                yield halves[0], ended

    def no_connection_is_left_waiting(self) -> Iterator[str]:
        """An end only gives up waiting where something was done to its connection."""
        for line in (*self.books.esme_lines, *self.books.carrier_lines):
            if line.why == "watchdog" and not line.harms:
                yield f"line {line.number} of {line.owner} waited in vain, and nothing had been done to it"
        self.figures["connections"] = len(self.books.esme_lines) + len(self.books.carrier_lines)


def _is_cut_off(line: Line) -> bool:
    """Whether a connection ended otherwise than in order: what was under way on it is nobody's fault."""
    return line.why in ("lost", "watchdog") or any(not harm.startswith("dribble") for harm in line.harms)
