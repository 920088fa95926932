"""The number library: changing it a row at a time is the same as making it anew, and leaves the former one alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.number_library import NumberLibrary
from proxy.core.records import Number, Period

pytestmark = pytest.mark.unit

ADDRESSES = ("1069", "10690", "106901", "10690155", "10691", "12345", "+861069", "TDGATE")


def number(address: str, principal: str, *, extensible: bool, since: int) -> Number:
    scope = (frozenset(("sms",)), frozenset(("marketing",)))
    return Number(address, principal, principal, *scope, Period(since), extensible, binary=False, disposed=False)


numbers = st.builds(
    number, st.sampled_from(ADDRESSES), st.sampled_from(("a", "b")), extensible=st.booleans(), since=st.integers(0, 3)
)
steps = st.lists(st.tuples(st.integers(0, 5), st.none() | numbers), max_size=12)


def shown(library: NumberLibrary) -> object:
    senders = (*ADDRESSES, "106901551", "10692", "106")
    return len(library), [(library.find(each), library.family(each), library.above(each)) for each in senders]


@given(st.lists(steps, max_size=4))
def test_a_changed_library_is_the_one_made_anew(turns: list[list[tuple[int, Number | None]]]) -> None:
    library = NumberLibrary()
    held: dict[int, Number] = {}
    for turn in turns:
        before = shown(library)
        changes: list[tuple[Number | None, Number | None]] = []
        for slot, new in turn:
            former = held.pop(slot, None)
            # A row keeps its address: another address is another row.
            if former is not None and new is not None and former.address != new.address:
                changes.append((former, None))
                former = None
            if new is not None:
                held[slot] = new
            changes.append((former, new))
        former_library, library = library, library.changed(changes)
        assert shown(former_library) == before
        anew = NumberLibrary(held.values())
        assert sorted_rows(library) == sorted_rows(anew)


def sorted_rows(library: NumberLibrary) -> object:
    count, found = shown(library)  # type: ignore[misc]
    return count, [tuple(sorted(map(repr, rows)) for rows in each) for each in found]
