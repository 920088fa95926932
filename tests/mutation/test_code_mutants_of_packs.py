"""Every change of the code of packs, hours and caps that the table names makes a test fail."""

from __future__ import annotations

from types import FunctionType

import pytest

from proxy.core.contacts import Contacts
from tests.mutation.changed_code import Change, noticed_by
from tests.mutation.code_of_packs import CHANGES

# WHY not among the unit tests: each change runs several modules, twenty seconds of `make check` in all.
pytestmark = pytest.mark.skipif(not isinstance(Contacts.use, FunctionType), reason="compiled code cannot be changed")


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_is_noticed(change: Change) -> None:
    assert noticed_by(change)
