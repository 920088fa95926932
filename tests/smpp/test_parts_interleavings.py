"""Any order, duplication and interleaving of parts over several binds, against a naive model.

The model keeps what was asked and answered. Whatever happens: each request has one answer, nothing of a message that
was not permitted as a whole reaches the carrier, and of a permitted one every part does, once and on its own bind.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.smpp import consts
from proxy.smpp.pdu import Pdu
from proxy.smpp.short_message import read_sm
from tests.tools.example_budget import examples
from tests.tools.relay_play import RelayPlay, part
from tests.tools.session_play import pdu

pytestmark = pytest.mark.unit

BINDS = 2
BIND = st.integers(0, BINDS - 1)
STEPS = st.one_of(
    st.tuples(st.just("part"), BIND, st.integers(0, 3), st.integers(1, 3), st.sampled_from(["", "", "", "", "!"])),
    st.tuples(st.just("part"), BIND, st.integers(0, 3), st.integers(1, 3), st.just("")),
    st.tuples(st.just("part"), BIND, st.integers(0, 3), st.integers(1, 3), st.just("")),
    st.tuples(st.just("answer"), BIND, st.integers(0, 5), st.sampled_from([0, 0, 0x58])),
    st.tuples(st.just("disk"), st.integers(0, 5)),
    st.tuples(st.just("waits"), st.sampled_from([1, 4, 9])),
    st.tuples(st.just("single"), BIND),
)
LOSSES = st.one_of(
    st.tuples(st.just("esme lost"), BIND),
    st.tuples(st.just("carrier lost"), BIND),
    st.tuples(st.just("draining"), BIND),
)
SCRIPTS = st.lists(st.integers(0, 12).flatmap(lambda draw: STEPS if draw else LOSSES), min_size=5, max_size=40)
#: What each message says; all are of three parts, each under its own reference. The joined text decides.
TEXTS = (("yes", "b", "c"), ("no", "b", "c"), ("slow", "b", "c"), ("yes", "bb", "cc"))


class Model:
    def __init__(self, window: int) -> None:
        self.scenes = [RelayPlay(carrier_window=window) for _ in range(BINDS)]
        first = self.scenes[0].gate
        for place, scene in enumerate(self.scenes):
            # Ids of decisions are the whole process's.
            scene.gate.decisions = 1000 * place
            scene.gate.long_messages = first.long_messages
            scene.gate.permitted = first.permitted
            scene.gate.waiting = first.waiting
        self.asked: list[dict[int, bytes]] = [{} for _ in range(BINDS)]
        self.answered: list[Counter[int]] = [Counter() for _ in range(BINDS)]
        self.open: list[list[Pdu]] = [[] for _ in range(BINDS)]
        self.forwarded: Counter[bytes] = Counter()
        self.gone: set[int] = set()
        self.sequence = 0

    def ask(self, bind: int, octets_of: object, **given: object) -> None:
        if self.scenes[bind].esme is None:
            return
        self.sequence += 1
        octets = octets_of(self.sequence, **given)  # type: ignore[operator]
        self.asked[bind][self.sequence] = octets[16:]
        self.scenes[bind].says("esme", octets)

    def step(self, step: tuple[object, ...]) -> None:
        match step:
            case ("part", int(bind), int(which), int(number), str(more)):
                text = (TEXTS[which][number - 1] + more).encode()
                self.ask(bind, lambda at: part(at, text, ref=which, of=3, n=number))
            case ("single", int(bind)):
                self.ask(bind, lambda at: part(at, b"yes", ref=99, of=1, n=1))
            case ("answer", int(bind), int(place), int(status)):
                if self.open[bind] and self.scenes[bind].carrier is not None:
                    each = self.open[bind].pop(place % len(self.open[bind]))
                    body = b"" if status else b"id\0"
                    self.scenes[bind].says("carrier", pdu(consts.SUBMIT_SM_RESP, each.sequence, status, body))
            case ("disk", int(place)):
                waiting = self.scenes[0].gate.waiting
                if waiting:
                    self.scenes[0].disk(True, place % len(waiting))
            case ("waits", int(seconds)):
                for _ in range(seconds):
                    for scene in self.scenes:
                        scene.waits(1)
            case ("esme lost", int(bind)):
                if self.scenes[bind].esme is not None:
                    self.look()
                    self.gone.add(bind)
                    self.scenes[bind].esme_lost()
            case ("carrier lost", int(bind)):
                if self.scenes[bind].carrier is not None:
                    self.look()
                    self.scenes[bind].carrier_lost()
                    self.open[bind].clear()
            case ("draining", int(bind)):
                self.scenes[bind].relay.draining = True
        self.look()

    def look(self) -> None:
        for bind, scene in enumerate(self.scenes):
            for each in scene.came("carrier"):
                assert each.command_id == consts.SUBMIT_SM
                assert each.raw[16:] in self.asked[bind].values(), "nothing goes on but what came on this very bind"
                self.open[bind].append(each)
                self.forwarded[each.raw[16:]] += 1
            for each in scene.came("esme"):
                assert each.sequence in self.asked[bind]
                self.answered[bind][each.sequence] += 1
                assert self.answered[bind][each.sequence] == 1, "one answer for each request"
            held = scene.relay.in_flight
            unanswered = self.asked[bind].keys() - self.answered[bind].keys()
            if bind not in self.gone:
                assert held == len(unanswered), "what is not answered is in flight, and nothing else is"
        permitted = Counter(octets[16:] for octets in self.scenes[0].gate.permitted.values())
        assert not self.forwarded - permitted, "nothing goes on without a permit"

    def settle(self) -> None:
        """Everybody answers, and time passes."""
        for _ in range(100):
            for bind in range(BINDS):
                while self.open[bind] and self.scenes[bind].carrier is not None:
                    self.step(("answer", bind, 0, 0))
            while self.scenes[0].gate.waiting:
                self.step(("disk", 0))
            if not any(scene.relay.in_flight for scene in self.scenes):
                return
            self.step(("waits", 9))
        raise AssertionError("never settled")


def number_of(octets: bytes) -> tuple[int, int]:
    """(reference, number) of a part, from its body."""
    header = read_sm(pdu(consts.SUBMIT_SM, 1, 0, octets)).short_message
    return header[3], header[5]


@settings(max_examples=examples(2), deadline=None)
@given(SCRIPTS, st.sampled_from([1, 2, 4, 50]))
def test_each_part_has_one_answer_and_only_whole_permitted_messages_go_on(
    script: list[tuple[object, ...]], window: int
) -> None:
    model = Model(window)
    for step in script:
        model.step(step)
    model.settle()
    for bind in range(BINDS):
        if bind not in model.gone:
            assert model.answered[bind].keys() == model.asked[bind].keys()
    by_reference: defaultdict[int, Counter[int]] = defaultdict(Counter)
    for octets, count in model.forwarded.items():
        reference, number = number_of(octets)
        by_reference[reference][number] += count
    assert not {1, 2} & by_reference.keys(), "nothing of a refused message goes on"
    if not any(step[0] == "carrier lost" for step in script):
        for reference, numbers in by_reference.items():
            if reference != 99:
                assert numbers.keys() == {1, 2, 3}, "all parts, or none"
                assert len(set(numbers.values())) == 1, "each as often as the others"
