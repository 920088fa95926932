"""Maps and orders that are changed by a copy: it shares all but the few parts that a change touches.

Owns the sharing only. Must never change what somebody holds: `changed` gives another one. How it works: keys lie in
some hundreds of small parts (by their hash, or in their order), and a copy is one of the list of parts and of those
that change; with 10^5 keys that is some 20 µs for a change of one, where a copy of the whole takes milliseconds.
"""

from bisect import bisect_right, insort
from collections.abc import ItemsView, Iterable, Iterator, Mapping
from typing import Final, Generic, TypeVar, overload

K = TypeVar("K")
V = TypeVar("V")
D = TypeVar("D")

#: Keys of one part of an order when it is made; a part of twice as many is cut in two.
_PART: Final = 256
#: A map is spread over more parts when it has grown by so much.
_GROWN: Final = 8
_PARTS_LEAST: Final = 8


class SharedMap(Mapping[K, V], Generic[K, V]):
    """An immutable mapping; its order is that of no run twice."""

    __slots__ = ("_mask", "_most", "_parts", "_size")

    def __init__(self, pairs: Iterable[tuple[K, V]] = ()) -> None:
        self._spread(dict(pairs))

    def _spread(self, whole: dict[K, V]) -> None:
        # About as many parts as there are keys in each: a change copies one list of each length.
        count = max(_PARTS_LEAST, 1 << ((len(whole).bit_length() + 1) // 2))
        self._mask = count - 1
        self._most = max(len(whole) * _GROWN, _PARTS_LEAST * _GROWN)
        self._size = len(whole)
        parts: list[dict[K, V]] = [{} for _ in range(count)]
        for key, value in whole.items():
            parts[hash(key) & self._mask][key] = value
        self._parts = parts

    def changed(self, changes: Iterable[tuple[K, V | None]]) -> "SharedMap[K, V]":
        """This map with other values; None takes a key away. `self` stays as it is."""
        made: SharedMap[K, V] = SharedMap.__new__(SharedMap)
        mask, parts, size = self._mask, self._parts.copy(), self._size
        mine: set[int] = set()
        for key, value in changes:
            at = hash(key) & mask
            if at not in mine:
                mine.add(at)
                parts[at] = parts[at].copy()
            part = parts[at]
            size -= len(part)
            if value is None:
                part.pop(key, None)
            else:
                part[key] = value
            size += len(part)
        made._mask, made._most, made._parts, made._size = mask, self._most, parts, size
        if size > self._most:
            made._spread(dict(made.items()))
        return made

    @overload
    def get(self, key: K, /) -> V | None: ...
    @overload
    def get(self, key: K, /, default: V | D) -> V | D: ...
    def get(self, key: K, /, default: V | D | None = None) -> V | D | None:
        """The value of a key, or what is given for none."""
        return self._parts[hash(key) & self._mask].get(key, default)

    def __getitem__(self, key: K) -> V:
        return self._parts[hash(key) & self._mask][key]

    def __contains__(self, key: object) -> bool:
        return key in self._parts[hash(key) & self._mask]

    def __iter__(self) -> Iterator[K]:
        return (key for part in self._parts for key in part)

    def __len__(self) -> int:
        return self._size

    def items(self) -> ItemsView[K, V]:
        """All pairs."""
        return _Pairs(self)

    def parts(self) -> list[dict[K, V]]:
        """What holds the keys, not to be changed: who keeps it keeps it from being freed together with this map."""
        return self._parts


class _Pairs(ItemsView[K, V]):
    """WHY: that of Mapping looks each key up."""

    def __init__(self, shared: SharedMap[K, V]) -> None:
        super().__init__(shared)
        self._of = shared.parts()

    def __iter__(self) -> Iterator[tuple[K, V]]:
        return (pair for part in self._of for pair in part.items())


class SharedOrder:
    """Strings in their order, each once; immutable."""

    __slots__ = ("_firsts", "_parts")

    def __init__(self, keys: Iterable[str] = ()) -> None:
        whole = sorted(keys)
        self._parts = [whole[at : at + _PART] for at in range(0, len(whole), _PART)]
        self._firsts = [part[0] for part in self._parts]

    def changed(self, changes: Iterable[tuple[str, bool]]) -> "SharedOrder":
        """This order with keys that it did not hold (True) and without some that it did (False)."""
        made: SharedOrder = SharedOrder.__new__(SharedOrder)
        made._parts, made._firsts = self._parts.copy(), self._firsts.copy()
        mine: set[int] = set()
        for key, is_new in changes:
            made._change(key, is_new, mine)
        return made

    def _change(self, key: str, is_new: bool, mine: set[int]) -> None:
        """`mine` are the ids of parts that nobody else holds."""
        at = max(0, bisect_right(self._firsts, key) - 1)
        if not self._parts:
            self._put(slice(0, 0), [[key]], mine)
            return
        part = self._parts[at]
        if id(part) not in mine:
            part = part.copy()
        if is_new:
            insort(part, key)
        else:
            part.remove(key)
        halves = [part] if len(part) < 2 * _PART else [part[:_PART], part[_PART:]]
        self._put(slice(at, at + 1), [one for one in halves if one], mine)

    def _put(self, place: slice, parts: list[list[str]], mine: set[int]) -> None:
        self._parts[place] = parts
        self._firsts[place] = [part[0] for part in parts]
        mine.update(map(id, parts))

    def after(self, key: str) -> Iterator[str]:
        """All that come after a key, in order."""
        at = max(0, bisect_right(self._firsts, key) - 1)
        for part in self._parts[at : at + 1]:
            yield from part[bisect_right(part, key) :]
        for place in range(at + 1, len(self._parts)):
            yield from self._parts[place]

    def __iter__(self) -> Iterator[str]:
        return (key for part in self._parts for key in part)
