"""Sending numbers by address, as the policy finds them: exact, or as extensions of a registered port (Z9).

Owns how a number is found. Must never change once it is in a snapshot: `changed` gives another library, which shares
with the former one all that stayed.
"""

from collections import Counter
from collections.abc import Iterable, Iterator

from proxy.core.records import Number
from proxy.core.shared_map import SharedMap, SharedOrder


class NumberLibrary:
    """Numbers by address: exact, or the longest registered port of which the sender is an extension (Z9)."""

    __slots__ = ("_lengths", "_ports", "_rows", "_sorted")

    def __init__(self, numbers: Iterable[Number] = ()) -> None:
        rows: dict[str, list[Number]] = {}
        for number in numbers:
            rows.setdefault(number.address, []).append(number)
        self._rows: SharedMap[str, tuple[Number, ...]] = SharedMap(
            (address, tuple(found)) for address, found in rows.items()
        )
        self._sorted = SharedOrder(rows)
        #: How many registered ports there are of each length.
        self._ports = Counter(len(address) for address in rows if address.isdigit())
        self._lengths = sorted(self._ports, reverse=True)

    def changed(self, changes: Iterable[tuple[Number | None, Number | None]]) -> "NumberLibrary":
        """This library with rows replaced, (former, new): None for former adds, None for new takes away.

        Costs some 20 µs for each change, however many numbers there are; `self` stays as it is.
        """
        found: dict[str, tuple[Number, ...]] = {}
        for former, new in changes:
            row = new or former
            if row is not None:
                stood = found.get(row.address)
                if stood is None:
                    stood = self._rows.get(row.address, ())
                found[row.address] = _replaced(stood, former, new)
        made = NumberLibrary.__new__(NumberLibrary)
        made._rows = self._rows.changed([(address, rows or None) for address, rows in found.items()])
        turned = [(address, bool(rows)) for address, rows in found.items() if bool(rows) != (address in self._rows)]
        made._sorted = self._sorted.changed(turned) if turned else self._sorted
        made._ports = self._ports.copy()
        made._ports.update(len(address) for address, is_new in turned if is_new and address.isdigit())
        made._ports.subtract(len(address) for address, is_new in turned if not is_new and address.isdigit())
        made._ports = +made._ports
        made._lengths = sorted(made._ports, reverse=True)
        return made

    def find(self, sender: str) -> tuple[Number, ...]:
        """All rows of the number that `sender` is, or of the longest port it extends; () if it is in no library."""
        exact = self._rows.get(sender)
        if exact is not None or not sender.isdigit():
            return exact or ()
        for length in self._lengths:
            if length < len(sender):
                rows = tuple(row for row in self._rows.get(sender[:length], ()) if row.extensible)
                if rows:
                    return rows
        return ()

    def family(self, sender: str) -> tuple[Number, ...]:
        """All rows from which a reply to `sender` may stem: its own, the port's that it extends, and its extensions.

        A carrier may cut the extension digits off a reply's address, so a reply to a port can be for any of them.
        """
        rows = list(self.find(sender))
        if sender.isdigit():
            for address in self._sorted.after(sender):
                if not address.startswith(sender):
                    break
                rows += self._rows[address]
        return tuple(rows)

    def above(self, sender: str) -> tuple[Number, ...]:
        """All rows of every registered port that `sender` extends, the longest port first."""
        if not sender.isdigit():
            return ()
        found: list[Number] = []
        for length in self._lengths:
            rows = self._rows.get(sender[:length], ()) if length < len(sender) else ()
            if any(row.extensible for row in rows):
                found += rows
        return tuple(found)

    def groups(self) -> list[dict[str, tuple[Number, ...]]]:
        """All rows, in parts: who holds them keeps them from being freed together with this library."""
        return self._rows.parts().copy()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Number]:
        """Every row, in the order of addresses."""
        return (row for address in self._sorted for row in self._rows[address])


def _replaced(stood: tuple[Number, ...], former: Number | None, new: Number | None) -> tuple[Number, ...]:
    if former is None:
        return stood if new is None else (*stood, new)
    if new is None:
        return tuple(each for each in stood if each is not former)
    return tuple(new if each is former else each for each in stood)
