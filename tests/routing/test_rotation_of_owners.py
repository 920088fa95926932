"""Turns on shared binds: nobody's line delays another by more than a round, and nothing is lost or reordered."""

from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.routing.rotation import Rotation

pytestmark = pytest.mark.unit

OWNERS = st.sampled_from("abcde")


def test_ten_thousand_waiting_delay_a_single_one_by_one_round() -> None:
    rotation: Rotation[str, int] = Rotation()
    for number in range(10_000):
        rotation.put("flood", number)
    assert rotation.take() == ("flood", 0)
    rotation.put("single", 7)
    assert [rotation.take(), rotation.take()] == [("flood", 1), ("single", 7)]
    assert rotation.waiting("flood") == 9_998
    assert rotation.waiting("single") == 0


@given(
    weights=st.lists(st.integers(1, 7), min_size=2, max_size=6),
    length=st.integers(1, 200),
    before=st.integers(0, 100),
)
def test_who_comes_waits_for_one_turn_of_every_other(weights: list[int], length: int, before: int) -> None:
    rotation: Rotation[int, int] = Rotation()
    for owner, weight in enumerate(weights):
        for number in range(length):
            rotation.put(owner, number, weight)
    for _ in range(before):
        rotation.take()
    rotation.put(-1, 0)
    waited = 0
    while (taken := rotation.take()) is not None and taken[0] != -1:
        waited += 1
    assert taken == (-1, 0)
    assert waited <= sum(weights)


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=5), rounds=st.integers(1, 5))
def test_shares_of_those_who_always_wait_are_their_weights(weights: list[int], rounds: int) -> None:
    rotation: Rotation[int, int] = Rotation()
    for owner, weight in enumerate(weights):
        for number in range(weight * rounds + 1):
            rotation.put(owner, number, weight)
    taken = [rotation.take() for _ in range(sum(weights) * rounds)]
    shares = Counter(one[0] for one in taken if one is not None)
    assert shares == {owner: weight * rounds for owner, weight in enumerate(weights)}


def test_an_owner_who_had_nothing_saves_no_turns() -> None:
    rotation: Rotation[str, int] = Rotation()
    rotation.put("a", 1, 3)
    rotation.take()
    for number in range(4):
        rotation.put("b", number)
        rotation.put("a", number, 1)
    assert [one[0] for one in iter(rotation.take, None)] == list("babababa")


def test_a_weight_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Rotation[str, int]().put("a", 1, 0)


class RotationMachine(RuleBasedStateMachine):
    """Against a naive model: lists, and the bound on whoever is first in a line."""

    def __init__(self) -> None:
        super().__init__()
        self.rotation: Rotation[str, int] = Rotation()
        self.model: dict[str, deque[int]] = {}
        self.passed_over: Counter[str] = Counter()
        self.number = 0

    @rule(owner=OWNERS, count=st.integers(1, 5))
    def put(self, owner: str, count: int) -> None:
        for _ in range(count):
            self.number += 1
            self.rotation.put(owner, self.number, 2)
            self.model.setdefault(owner, deque()).append(self.number)

    @precondition(lambda self: self.model)
    @rule()
    def take(self) -> None:
        taken = self.rotation.take()
        assert taken is not None
        owner, item = taken
        assert self.model[owner].popleft() == item
        self.passed_over[owner] = 0
        if not self.model[owner]:
            del self.model[owner]
        for other in self.model:
            if other != owner:
                self.passed_over[other] += 1
                assert self.passed_over[other] <= 2 * 4

    @rule(owner=OWNERS)
    def drop(self, owner: str) -> None:
        assert self.rotation.drop(owner) == self.model.pop(owner, deque())
        self.passed_over[owner] = 0

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.rotation) == sum(map(len, self.model.values()))
        assert all(self.rotation.waiting(owner) == len(self.model.get(owner, ())) for owner in "abcde")
        if not self.model:
            assert self.rotation.take() is None


TestRotation = RotationMachine.TestCase
