"""Whatever happens in whatever order: each request has one answer, and nothing reaches the carrier without a permit.

A naive count stands beside the relay: what each side asked and was not answered, and which judged octets were sent.
"""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from proxy.smpp import consts
from proxy.smpp.consts import GENERIC_NACK, RESPONSE_BIT
from proxy.smpp.pdu import Pdu, with_sequence
from tests.tools.example_budget import examples
from tests.tools.relay_play import PERSON, PORT, TEXTS, RelayPlay, _octets, message, text_of
from tests.tools.session_play import pdu

pytestmark = pytest.mark.unit

SEQUENCES = st.sampled_from([0, 1, 2, 3, 0x7FFFFFFF, 0xFFFFFFFF])
PLACES = st.integers(0, 5)
TRAFFIC = st.one_of(
    st.tuples(st.just("submits"), SEQUENCES, st.sampled_from(["yes", "yes", "yes", "no", "slow", "bad"])),
    st.tuples(st.just("asks"), SEQUENCES, st.sampled_from(["query", "cancel", "multi", "data", "vendor", "replace"])),
    st.tuples(st.just("carrier answers"), PLACES, st.sampled_from(["ok", "ok", "refused", "nack", "other", "twice"])),
    st.tuples(st.just("delivers"), SEQUENCES, st.sampled_from(["hi", "TD", "bad", "receipt", "own receipt", "data"])),
    st.tuples(st.just("esme answers"), PLACES, st.sampled_from(["ok", "ok", "refused", "nack", "other", "twice"])),
    st.tuples(st.just("disk"), PLACES, st.booleans()),
    st.tuples(st.just("waits"), st.sampled_from([1, 4, 11])),
    st.tuples(st.just("strays"), st.sampled_from(["esme", "carrier"]), SEQUENCES),
    st.tuples(st.just("own")),
    st.tuples(st.just("carrier back")),
)
LOSSES = st.one_of(
    st.tuples(st.just("draining")),
    st.tuples(st.just("esme unbinds"), SEQUENCES),
    st.tuples(st.just("carrier unbinds")),
    st.tuples(st.just("esme lost")),
    st.tuples(st.just("carrier lost")),
)
#: Losses are rarer than traffic, so that something is open when they come.
SCRIPTS = st.lists(st.integers(0, 6).flatmap(lambda draw: TRAFFIC if draw else LOSSES), min_size=10, max_size=40)


class Ledger:
    """Requests of one peer and the answers to them. A generic_nack names no command, so sums are kept by sequence."""

    def __init__(self) -> None:
        self._asked: Counter[tuple[int, int]] = Counter()
        self._open: Counter[int] = Counter()

    def asks(self, command_id: int, sequence: int) -> None:
        self._asked[command_id, sequence] += 1
        self._open[sequence] += 1

    def answers(self, each: Pdu) -> None:
        self._open[each.sequence] -= 1
        assert self._open[each.sequence] >= 0, f"answered more often than asked: {each}"
        if each.command_id != GENERIC_NACK:
            key = each.command_id & ~RESPONSE_BIT, each.sequence
            self._asked[key] -= 1
            assert self._asked[key] >= 0, f"answered more often than asked: {each}"

    def clear(self) -> None:
        self._asked.clear()
        self._open.clear()

    @property
    def open(self) -> int:
        return self._open.total()


class Count:
    """The naive model beside a relay."""

    def __init__(self, scene: RelayPlay) -> None:
        self.scene = scene
        self.asked = Ledger()  # by the ESME
        self.delivered = Ledger()  # by this connection of the carrier
        self.at_carrier: list[Pdu] = []  # requests that this connection of the carrier has, unanswered by it
        self.at_esme: list[Pdu] = []
        self.done: list[tuple[str, bytes]] = []  # answers that were given, to be given again
        self.sent: Counter[bytes] = Counter()
        self.committed: set[bytes] = set()
        self.made = 0

    # ---- what came out ------------------------------------------------------------------------------------------

    def look(self) -> None:
        for each in self.scene.came("esme"):
            self._to_esme(each)
        for each in self.scene.came("carrier"):
            self._to_carrier(each)

    def _to_esme(self, each: Pdu) -> None:
        if each.command_id & RESPONSE_BIT:
            self.asked.answers(each)
            if each.command_id == consts.UNBIND_RESP and each.status == 0:
                assert not self.asked.open, "an unbind was answered before the rest"
            return
        assert each.command_id in (consts.DELIVER_SM, consts.DATA_SM)
        if each.command_id == consts.DELIVER_SM:
            text = text_of(each)
            assert text != "bad"
            assert "own" not in text, "a receipt of an own message leaked"
            assert text != "TD" or each.raw[16:] in self.committed, "a reply went on before it was on disk"
        assert each.sequence not in [other.sequence for other in self.at_esme]
        self.at_esme.append(each)

    def _to_carrier(self, each: Pdu) -> None:
        if each.command_id & RESPONSE_BIT:
            self.delivered.answers(each)
            return
        # INVARIANT of forward.py: a request at the carrier is the octets of a permit, each used once.
        assert each.command_id in (*TEXTS, consts.SUBMIT_MULTI, consts.QUERY_SM, consts.CANCEL_SM)
        octets = with_sequence(each.raw, 0)
        self.sent[octets] += 1
        permitted = [with_sequence(one, 0) for one in self.scene.gate.permitted.values()]
        assert self.sent[octets] <= permitted.count(octets), "sent without a permit of its own"
        assert each.sequence not in [other.sequence for other in self.at_carrier]
        self.at_carrier.append(each)

    # ---- what goes in -------------------------------------------------------------------------------------------

    def do(self, step: tuple) -> None:
        name, *rest = step
        getattr(self, name.replace(" ", "_"))(*rest)
        self.look()

    def _esme_says(self, octets: bytes, command_id: int, sequence: int) -> None:
        esme = self.scene.esme
        if esme is not None and not esme.ending:
            self.asked.asks(command_id, sequence)
            self.scene.says("esme", octets)

    def submits(self, sequence: int, word: str) -> None:
        self.made += 1
        text = f"{word} {self.made}".encode()
        octets = message("submit", sequence, source=PORT, dest=f"1380013{self.made % 3:04}", text=text)
        self._esme_says(octets, consts.SUBMIT_SM, sequence)

    def asks(self, sequence: int, name: str) -> None:
        self.made += 1
        # Of the addresses of a submit_multi those that end in 9 are refused, at once or when that is on disk.
        to = ",".join(f"8613800{self.made % 7:03}{place + self.made % 3:03}" for place in (1, 7, 8))
        text = f"{'slow' if self.made % 2 else 'yes'} {self.made}" if name == "multi" else f"yes {self.made}"
        octets = _octets(name, sequence, 0, {"id": f"id{self.made}", "to": to, "text": text})
        self._esme_says(octets, int.from_bytes(octets[4:8]), sequence)

    def esme_unbinds(self, sequence: int) -> None:
        self._esme_says(pdu(consts.UNBIND, sequence), consts.UNBIND, sequence)

    def delivers(self, sequence: int, kind: str) -> None:
        carrier = self.scene.carrier
        if carrier is None or carrier.ending:
            return
        self.made += 1
        if kind == "data":
            octets = message("data", sequence, source=PERSON, dest=PORT, text=b"hi")
        elif "receipt" in kind:
            text = b"id:own1 stat:DELIVRD" if kind == "own receipt" else b"id:%d stat:DELIVRD" % self.made
            source = f"861380013{self.made % 3:04}"
            octets = message("deliver", sequence, source=source, dest=PORT, text=text, esm_class=4)
            self.scene.gate.own_ids.add(b"own1")
        else:
            # Each delivery has a person of its own, so that the model knows which of them is on disk.
            octets = message("deliver", sequence, source=f"86139{self.made:08}", dest=PORT, text=kind.encode())
        self.delivered.asks(int.from_bytes(octets[4:8]), sequence)
        self.scene.says("carrier", octets)

    def _answers(self, side: str, waiting: list[Pdu], place: int, kind: str) -> None:
        if kind == "twice":
            again = [octets for whose, octets in self.done if whose == side]
            if again:
                self.scene.says(side, again[place % len(again)])  # type: ignore[arg-type]
            return
        if not waiting:
            return
        if kind == "other":
            asked = waiting[place % len(waiting)]
            self.scene.says(side, pdu(consts.REPLACE_SM | RESPONSE_BIT, asked.sequence))  # type: ignore[arg-type]
            return
        asked = waiting.pop(place % len(waiting))
        command_id = GENERIC_NACK if kind == "nack" else asked.command_id | RESPONSE_BIT
        body = b"A%d\0" % asked.sequence if kind == "ok" else b""
        octets = pdu(command_id, asked.sequence, 0 if kind == "ok" else 8, body)
        self.done.append((side, octets))
        self.scene.says(side, octets)  # type: ignore[arg-type]

    def carrier_answers(self, place: int, kind: str) -> None:
        self._answers("carrier", self.at_carrier, place, kind)

    def esme_answers(self, place: int, kind: str) -> None:
        self._answers("esme", self.at_esme, place, kind)

    def disk(self, place: int, ok: bool) -> None:
        waiting = self.scene.gate.waiting
        if waiting:
            place %= len(waiting)
            if ok and waiting[place][1] is None:
                self.committed.add(waiting[place][0].raw[16:])
            self.scene.disk(ok, place)

    def waits(self, seconds: float) -> None:
        self.scene.waits(seconds)

    def strays(self, side: str, sequence: int) -> None:
        # Far from any sequence_number in use, and of any kind.
        for command_id in (consts.SUBMIT_SM_RESP, consts.DELIVER_SM_RESP, GENERIC_NACK, consts.UNBIND_RESP):
            self.scene.says(side, pdu(command_id, sequence | 0x40000000, 8))  # type: ignore[arg-type]

    def own(self) -> None:
        self.scene.own()

    def draining(self) -> None:
        self.scene.relay.draining = True

    def esme_lost(self) -> None:
        if self.scene.esme is not None:
            self.look()
            self.scene.esme_lost()
            self.asked.clear()
            self.at_esme.clear()

    def carrier_unbinds(self) -> None:
        carrier = self.scene.carrier
        if carrier is not None and not carrier.ending:
            before = self.delivered.open
            self.delivered.asks(consts.UNBIND, 1)
            self.scene.says("carrier", pdu(consts.UNBIND, 1))
            self.look()
            assert self.delivered.open == before
            # It closes now: nobody owes it anything, and what is still written to it is not sent.
            self.carrier_lost()

    def carrier_lost(self) -> None:
        if self.scene.carrier is not None:
            self.look()
            self.scene.carrier_lost()
            self.delivered.clear()
            self.at_carrier.clear()

    def carrier_back(self) -> None:
        if self.scene.carrier is None:
            self.scene.carrier_back()


def ended(count: Count) -> None:
    """Lets everything that waits come to its end: the disk answers, and all timers run out."""
    for _ in range(100):
        scene = count.scene
        relay = scene.relay
        if not (scene.gate.waiting or relay.in_flight or relay.delivering):
            break
        while scene.gate.waiting:
            count.do(("disk", 0, True))
        count.do(("waits", 11))
    assert (count.scene.relay.in_flight, count.scene.relay.delivering) == (0, 0)
    assert not count.asked.open, "the ESME waits for an answer"
    assert not count.delivered.open, "the carrier waits for an answer"


@settings(max_examples=examples(2.5))
@given(SCRIPTS, st.integers(1, 3), st.integers(1, 2))
# Both are given up at once, and the answer to the first was once followed by the unbind's.
@example([("asks", 0, "multi"), ("submits", 1, "yes"), ("esme unbinds", 2)], 2, 1)
@example([("asks", 0, "multi"), ("submits", 1, "yes"), ("esme unbinds", 2), ("carrier lost",)], 2, 1)
def test_one_answer_each_and_nothing_without_a_permit(script, carrier_window, esme_window):
    count = Count(RelayPlay(carrier_window=carrier_window, esme_window=esme_window))
    for step in script:
        count.do(step)
        assert len(count.scene.relay._to_carrier) <= carrier_window
        assert len(count.scene.relay.deliveries._to_esme) <= esme_window
    ended(count)


@settings(max_examples=examples(0.4))
@given(SCRIPTS)
def test_a_receiver_of_tdgates_own_answers_each_delivery_once(script):
    count = Count(RelayPlay(own=True, state="rx"))
    for step in script:
        if step[0] not in ("own", "carrier answers"):
            count.do(step)
    ended(count)
    assert count.sent == Counter()


def test_the_count_itself_sees_a_double_answer():
    count = Count(RelayPlay())
    count.do(("submits", 1, "no"))
    assert count.scene.esme is not None
    count.scene.esme.out.append(pdu(consts.SUBMIT_SM_RESP, 1, 8))
    with pytest.raises(AssertionError, match="more often"):
        count.look()


def test_the_count_itself_sees_a_message_without_a_permit():
    count = Count(RelayPlay())
    assert count.scene.carrier is not None
    count.scene.carrier.out.append(message("submit", 1, source=PORT, dest=PERSON, text=b"yes"))
    with pytest.raises(AssertionError, match="without a permit"):
        count.look()
