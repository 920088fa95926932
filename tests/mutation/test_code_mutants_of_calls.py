"""Every change of the code of calls that the table names makes a test fail."""

from __future__ import annotations

from types import FunctionType

import pytest

from proxy.sip.transaction.invite_server import InviteServer
from tests.mutation.changed_code import Change, noticed_by
from tests.mutation.code_of_calls import CHANGES

pytestmark = [
    pytest.mark.unit,
    pytest.mark.skipif(not isinstance(InviteServer.ack, FunctionType), reason="compiled code cannot be changed"),
]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_change_is_noticed(change: Change) -> None:
    assert noticed_by(change)


def test_no_change_stays_behind() -> None:
    """Unchanged, the same tests notice nothing: what was noticed above was the change."""
    for where in ("proxy.judging.call_limits:_Use.over", "proxy.sip.transaction.invite_server:InviteServer.ack"):
        change = next(each for each in CHANGES if each.where == where)
        assert noticed_by(Change(where, change.old, change.old, change.tests)) == ""
