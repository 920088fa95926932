"""Which routes a message may take, in the order to try them: by priority, then by weight.

Owns the order only. Must never name a route that is down, draining or paused, nor one that does not serve the carrier.
How it works: for each carrier that a route names, and for all others together, the routes stand in groups of one
priority. Within a group the turn goes round by smooth weighted round robin: with every message each open route gains
its weight, the one with most has the turn and pays what all gained. So in any stretch of messages the shares are those
of the weights, without runs, and the same calls give the same order.
"""

from collections.abc import Iterable
from typing import Final


class Route:
    """One carrier route: what is configured, and how it stands now, which its owner sets.

    `carriers` it serves (empty: all), `priority` (lower is tried first), `weight` within one priority. `up`: a bind
    stands. `draining`: takes no new work. `paused`: slowed to nothing for now.
    """

    __slots__ = ("carriers", "draining", "name", "paused", "priority", "up", "weight")

    def __init__(self, name: str, carriers: Iterable[str] = (), priority: int = 0, weight: int = 1) -> None:
        if weight < 1:
            raise ValueError(f"{name}: a weight is at least 1")
        self.name: Final = name
        self.carriers: Final = frozenset(carriers)
        self.priority: Final = priority
        self.weight: Final = weight
        self.up = False
        self.draining = False
        self.paused = False

    @property
    def open(self) -> bool:
        """Whether it takes new messages."""
        return self.up and not self.draining and not self.paused


class _Share:
    """What a route has to its credit towards one carrier. INVARIANT: the credits of a group add up to 0."""

    __slots__ = ("credit", "route")

    def __init__(self, route: Route) -> None:
        self.route: Final = route
        self.credit = 0


class Routes:
    """All routes of a pool. Raises ValueError where two have one name."""

    __slots__ = ("_groups", "_others", "routes")

    def __init__(self, routes: Iterable[Route]) -> None:
        self.routes: Final = tuple(routes)
        names = [route.name for route in self.routes]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"routes of one name: {', '.join(twice)}")
        # WHY credits by carrier: a route that serves several must not pay with one carrier's turns for another's.
        named = {carrier for route in self.routes for carrier in route.carriers}
        self._others: Final = self._grouped(None)
        self._groups: Final = {carrier: self._grouped(carrier) for carrier in named}

    def _grouped(self, carrier: str | None) -> list[list[_Share]]:
        """The routes that serve a carrier (None: any that no route names), a list for each priority."""
        groups: dict[int, list[_Share]] = {}
        for route in self.routes:
            if not route.carriers or carrier in route.carriers:
                groups.setdefault(route.priority, []).append(_Share(route))
        return [groups[priority] for priority in sorted(groups)]

    def candidates(self, carrier: str) -> list[Route] | None:
        """The open routes for a carrier's subscriber in the order to try them; None where there is none.

        `carrier` as `CarrierTable.of` gives it; an unknown one ("") is served by routes that serve all. The first has
        had its turn by this, whether it takes the message or not; a caller who uses another one says so by `took`.
        """
        order: list[Route] = []
        for group in self._groups.get(carrier, self._others):
            if len(group) == 1:
                # WHY: a share that is alone in its group keeps a credit of 0, whoever has the turn.
                if group[0].route.open:
                    order.append(group[0].route)
                continue
            standing = _open(group)
            if not standing:
                continue
            if order:
                _append(order, standing)
            else:
                taker = _first(standing)
                _have_turn(standing, taker)
                order.append(taker.route)
                standing.remove(taker)
                _append(order, standing)
        return order or None

    def took(self, carrier: str, route: Route) -> None:
        """Counts a message for a route that was not the first of the candidates, so that shares keep to the weights."""
        for group in self._groups.get(carrier, self._others):
            for share in group:
                if share.route is route:
                    standing = [one for one in group if one.route.open or one is share]
                    _have_turn(standing, share)
                    return


def _open(group: list[_Share]) -> list[_Share]:
    return [share for share in group if share.route.open]


def _first(standing: list[_Share]) -> _Share:
    """Whose turn it is: the most credit after everybody gained; the first named where two have the same."""
    best = standing[0]
    for share in standing:
        if share.credit + share.route.weight > best.credit + best.route.weight:
            best = share
    return best


def _have_turn(standing: list[_Share], taker: _Share) -> None:
    total = 0
    for share in standing:
        share.credit += share.route.weight
        total += share.route.weight
    taker.credit -= total


def _append(order: list[Route], standing: list[_Share]) -> None:
    """Adds routes in the order in which they would have their turns; takes `standing` apart."""
    while standing:
        best = _first(standing)
        order.append(best.route)
        standing.remove(best)
