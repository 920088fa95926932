"""Names the case of a table in whatever it raises, so that one test can go over many cases and still say which failed.

WHY not parametrised: thousands of cases cost more to collect, to start and to report than to check.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def case_of(*what: object) -> Iterator[None]:
    """Adds what the case is made of to any error of the block."""
    try:
        yield
    except BaseException as error:
        error.add_note(f"the case: {', '.join(map(repr, what))}")
        raise
