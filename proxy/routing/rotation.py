"""Whose turn it is on shared binds: a line for each owner, and the owners one after the other.

Owns the lines and their order. Must never let the length of one owner's line delay another's. How it works: owners who
wait stand in a ring; the first of it gives as many items as its weight in one go, then goes to the end. So whoever
comes waits at most for one turn of every other owner (the sum of their weights), however much they have waiting. An
owner who has nothing waiting is forgotten: the next item starts at the end of the ring, and no turns are saved up.
Every step is O(1).
"""

from collections import OrderedDict, deque
from typing import Final, Generic, TypeVar

Owner = TypeVar("Owner")
Item = TypeVar("Item")


class _Line(Generic[Item]):
    __slots__ = ("items", "left", "weight")

    def __init__(self, weight: int) -> None:
        self.items: Final[deque[Item]] = deque()
        self.weight = weight
        #: How many more it may give in this turn.
        self.left = weight


class Rotation(Generic[Owner, Item]):
    """Items by owner (hashable: an ESME's bind), taken weighted round robin, each owner's in the order they came."""

    __slots__ = ("_count", "_ring")

    def __init__(self) -> None:
        self._ring: Final[OrderedDict[Owner, _Line[Item]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        """How many items wait."""
        return self._count

    def waiting(self, owner: Owner) -> int:
        """How many items of one owner wait."""
        line = self._ring.get(owner)
        return 0 if line is None else len(line.items)

    def owners(self) -> list[Owner]:
        """Who has something waiting, in turn."""
        return list(self._ring)

    def items(self, owner: Owner) -> list[Item]:
        """What one owner has waiting, in order."""
        line = self._ring.get(owner)
        return [] if line is None else list(line.items)

    def remove(self, owner: Owner, item: Item) -> bool:
        """Takes out one item, wherever it stands in its owner's line; False where it is not there."""
        line = self._ring.get(owner)
        if line is None or item not in line.items:
            return False
        line.items.remove(item)
        self._count -= 1
        if not line.items:
            del self._ring[owner]
        return True

    def put(self, owner: Owner, item: Item, weight: int = 1) -> None:
        """Puts an item at the end of its owner's line.

        `weight` (at least 1, else ValueError) is how many the owner gives in one turn; a new one holds from the
        owner's next turn.
        """
        if weight < 1:
            raise ValueError("a weight is at least 1")
        line = self._ring.get(owner)
        if line is None:
            line = self._ring[owner] = _Line(weight)
        line.weight = weight
        line.items.append(item)
        self._count += 1

    def take(self) -> tuple[Owner, Item] | None:
        """Takes the next item and says whose it is; None where nothing waits."""
        if not self._count:
            return None
        owner = next(iter(self._ring))
        line = self._ring[owner]
        item = line.items.popleft()
        self._count -= 1
        line.left -= 1
        if not line.items:
            del self._ring[owner]
        elif line.left <= 0:
            line.left = line.weight
            self._ring.move_to_end(owner)
        return owner, item

    def drop(self, owner: Owner) -> deque[Item]:
        """Takes all that an owner has waiting, in order; empty where nothing does."""
        line = self._ring.pop(owner, None)
        if line is None:
            return deque()
        self._count -= len(line.items)
        return line.items
