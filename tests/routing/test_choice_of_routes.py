"""Which route: never one that is not open or does not serve, by priority strictly, by weight in the long run."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.choice import Route, Routes

pytestmark = pytest.mark.unit

CARRIERS = ("mobile", "unicom", "telecom")


def opened(route: Route) -> Route:
    route.up = True
    return route


@st.composite
def pools(draw: st.DrawFn) -> list[Route]:
    count = draw(st.integers(1, 6))
    return [
        Route(
            f"r{number}",
            draw(st.lists(st.sampled_from(CARRIERS), unique=True, max_size=2)),
            draw(st.integers(0, 2)),
            draw(st.integers(1, 9)),
        )
        for number in range(count)
    ]


STATES = st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=6, max_size=6)
MESSAGES = st.tuples(st.sampled_from(("", "broadnet", *CARRIERS)), STATES, st.integers(0, 5))


@given(pool=pools(), messages=st.lists(MESSAGES, max_size=30))
def test_candidates_are_all_open_routes_that_serve_and_no_other_by_priority(
    pool: list[Route], messages: list[tuple[str, list[tuple[bool, bool, bool]], int]]
) -> None:
    routes = Routes(pool)
    for carrier, states, used in messages:
        for route, (up, draining, paused) in zip(pool, states, strict=False):
            route.up, route.draining, route.paused = up, draining, paused
        found = routes.candidates(carrier)
        may = {
            route.name
            for route in pool
            if route.up and not route.draining and not route.paused
            if not route.carriers or carrier in route.carriers
        }
        if found is None:
            assert not may
            continue
        assert {route.name for route in found} == may
        assert len(found) == len(may)
        assert [route.priority for route in found] == sorted(route.priority for route in found)
        if 0 < used < len(found):
            routes.took(carrier, found[used])


@given(weights=st.lists(st.integers(1, 9), min_size=1, max_size=6), rounds=st.integers(1, 4))
def test_every_round_has_the_shares_of_the_weights(weights: list[int], rounds: int) -> None:
    routes = Routes([opened(Route(str(number), (), 0, weight)) for number, weight in enumerate(weights)])
    for _ in range(rounds):
        heads = Counter((routes.candidates("mobile") or [])[0].name for _ in range(sum(weights)))
        assert heads == {str(number): weight for number, weight in enumerate(weights)}


@given(weights=st.lists(st.integers(1, 9), min_size=2, max_size=5), count=st.integers(1, 120))
def test_at_no_moment_is_a_route_a_round_behind_or_ahead(weights: list[int], count: int) -> None:
    routes = Routes([opened(Route(str(number), (), 0, weight)) for number, weight in enumerate(weights)])
    heads: Counter[str] = Counter()
    for so_far in range(1, count + 1):
        heads[(routes.candidates("x") or [])[0].name] += 1
        for number, weight in enumerate(weights):
            assert abs(heads[str(number)] - so_far * weight / sum(weights)) < len(weights)


@given(
    weights=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    downs=st.lists(st.sets(st.integers(0, 3)), max_size=40),
)
def test_shares_come_back_after_any_failures(weights: list[int], downs: list[set[int]]) -> None:
    """What happened while routes were away does not make up for itself for more than a few rounds."""
    pool = [opened(Route(str(number), (), 0, weight)) for number, weight in enumerate(weights)]
    routes = Routes(pool)
    for down in downs:
        for number, route in enumerate(pool):
            route.up = number not in down
        routes.candidates("x")
    for route in pool:
        route.up = True
    rounds, total = 200, sum(weights)
    heads = Counter((routes.candidates("x") or [])[0].name for _ in range(total * rounds))
    for number, weight in enumerate(weights):
        assert abs(heads[str(number)] - weight * rounds) <= 2 * total


def test_a_weight_is_spread_without_runs() -> None:
    routes = Routes([opened(Route("a", (), 0, 5)), opened(Route("b")), opened(Route("c"))])
    assert "".join((routes.candidates("") or [])[0].name for _ in range(7)) == "aabacaa"


def test_the_second_priority_shares_by_weight_when_it_is_used() -> None:
    """A full first route is tried first each time; what falls to the others still keeps to their weights."""
    first, second, third = Route("first"), Route("second", (), 1, 3), Route("third", (), 1, 1)
    routes = Routes([opened(route) for route in (first, second, third)])
    used: Counter[str] = Counter()
    for number in range(80):
        found = routes.candidates("mobile")
        assert found is not None
        assert found[0] is first
        if number % 2:
            used[found[1].name] += 1
            routes.took("mobile", found[1])
    assert used == {"second": 30, "third": 10}


def test_carriers_do_not_pay_for_each_other() -> None:
    both, mobile = opened(Route("both", ("mobile", "unicom"))), opened(Route("mobile", ("mobile",)))
    routes = Routes([both, mobile])
    heads: Counter[str] = Counter()
    for _ in range(50):
        assert routes.candidates("unicom") == [both]
        heads[(routes.candidates("mobile") or [])[0].name] += 1
    assert heads == {"both": 25, "mobile": 25}


def test_an_unknown_carrier_takes_routes_that_serve_all_only() -> None:
    routes = Routes([opened(Route("m", ("mobile",)))])
    assert routes.candidates("") is None
    assert routes.candidates("broadnet") is None
    assert routes.candidates("mobile") is not None


def test_wrong_pools_are_refused() -> None:
    with pytest.raises(ValueError, match="one name: a"):
        Routes([Route("a"), Route("b"), Route("a")])
    with pytest.raises(ValueError, match="at least 1"):
        Route("a", weight=0)
