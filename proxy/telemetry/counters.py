"""What is counted: one plain int for each event of the catalogue, and one for each (channel, effect, rule).

Owns the counts of this run; they begin at 0 with the process. Not for more than one thread at a time. Hot loops take
the dicts themselves: `counts[name] += 1` and `decisions[key] += 1` cost one dict operation.
"""

from collections import defaultdict
from typing import Final

from proxy.core.catalogue import CATALOGUE
from proxy.core.ground import Effect
from proxy.core.purposes import Channel
from proxy.telemetry.events import EVENTS

DecisionKey = tuple[Channel, Effect, str]


class Counters:
    """The counts of one process.

    `counts` has every event's name and no other: a name that is not in the catalogue raises KeyError, so a counter
    that nobody documented cannot come into being. `decisions` is by (channel, effect, rule), where the rule of an
    allow is "".
    """

    __slots__ = ("counts", "decisions")

    def __init__(self) -> None:
        self.counts: Final[dict[str, int]] = {event.name: 0 for event in EVENTS}
        self.decisions: Final[defaultdict[DecisionKey, int]] = defaultdict(int)

    def counted(self) -> dict[str, int]:
        """A copy of all counts, zeros too, for the status file."""
        return dict(self.counts)

    def decided(self) -> tuple[tuple[Channel, Effect, str, int], ...]:
        """(channel, effect, rule, count) of every decision so far, sorted, for the status file.

        Raises KeyError when a rule was counted that the catalogue does not know.
        """
        for _, _, rule in self.decisions:
            if rule:
                CATALOGUE[rule]
        return tuple((*key, count) for key, count in sorted(self.decisions.items()))
