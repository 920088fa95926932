"""Two people are two people: no other writing of one name makes a second one."""

from __future__ import annotations

import pytest

from proxy.core.records import Account
from proxy.language.names import is_one_person, people_in
from proxy.registry import snapshots
from proxy.registry.contradictions import contradictions
from tests.store.open_store import NOW_US

pytestmark = pytest.mark.unit

ONE = [
    ("审核甲", "审核 甲"),
    ("审核甲", "审核甲（合规部）"),
    ("周明", "周·明"),
    ("Alice", "ＡＬＩＣＥ"),
    ("alice", "аlice"),  # the first letter is Cyrillic
    ("O'Brien", "obrien."),
    ("周明", "（）"),
    ("Zhou Ming", "MING, Zhou"),
]
TWO = [("审核甲", "审核乙"), ("审核员（甲）", "审核员（乙）"), ("reviewer 12", "reviewer 21"), ("周明", "周明明")]


@pytest.mark.parametrize(("one", "other"), ONE)
def test_one_person(one: str, other: str) -> None:
    assert is_one_person(one, other)
    assert is_one_person(other, one)
    assert people_in([one, other, one]) == 1


@pytest.mark.parametrize(("one", "other"), TWO)
def test_two_people(one: str, other: str) -> None:
    assert not is_one_person(one, other)
    assert people_in([one, other]) == 2


@pytest.mark.parametrize(("one", "other"), ONE)
@pytest.mark.parametrize(
    ("table", "first", "second", "more"),
    [
        ("onboardings", "reviewed_by", "approved_by", {"state": "approved", "reviewed": 1, "approved": 1}),
        ("templates", "submitted_by", "reviewed_by", {"state": "reviewed", "reviewed": 1}),
        ("intakes", "submitted_by", "decided_by", {"state": "accepted", "decided": 1}),
        ("submissions", "submitted_by", "decided_by", {"state": "returned", "decided": 1, "reason": "x"}),
    ],
)
def test_a_file_in_which_one_person_is_two_is_wrong(
    table: str, first: str, second: str, more: dict[str, object], one: str, other: str
) -> None:
    values = {first: one, second: other, **more}
    assert second in dict(contradictions(table, values, NOW_US))  # type: ignore[arg-type]


def test_an_account_that_one_person_approved_twice_sends_nothing() -> None:
    """Also one that an earlier version took in."""
    columns = dict.fromkeys(Account.__struct_fields__, 0) | dict.fromkeys(("purposes", "telecoms", "addresses"), "")
    columns |= {"telecom_licence_since": 0, "telecom_licence_until": 1}
    assert not snapshots.account(columns | {"reviewed_by": "审核甲\n审核 甲"}).reviewed
    assert snapshots.account(columns | {"reviewed_by": "审核甲\n审核乙"}).reviewed
