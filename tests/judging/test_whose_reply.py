"""Whose message a person answers: one institution, several, and numbers whose extension the carrier cut off."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.purposes import Purpose
from proxy.core.records import Number
from proxy.core.snapshot import Snapshot
from proxy.judging.attribution import attribute, is_shared
from proxy.judging.latest_messages import Answered, LatestMessages
from tests.rules.scene import ACCOUNT, BASE, PERSON_KEY, ROW, build

pytestmark = pytest.mark.unit

PERSON = PERSON_KEY.digest("8613800138000")
OTHER = PERSON_KEY.digest("8613800138001")
MARKETING: frozenset[Purpose] = frozenset(("marketing",))
COLLECTION: frozenset[Purpose] = frozenset(("collection",))


def row(address: str, principal: str, *purposes: Purpose, **more: Any) -> Number:
    wanted = {"purposes": frozenset(purposes or ("marketing",)), "extensible": False, **more}
    return msgspec.structs.replace(ROW, address=address, principal=principal, operator=principal, **wanted)


def library(*rows: Number) -> Snapshot:
    return build(BASE.but("row", None).but("others", rows))[1]


def whose(snapshot: Snapshot, number: str | None, latest: LatestMessages | None = None) -> dict[str, set[Purpose]]:
    found = attribute(snapshot, latest or LatestMessages(), ACCOUNT, PERSON, number)
    assert found
    return {one.institution: set(one.purposes) for one in found}


def remembered(*messages: tuple[str, str, Purpose]) -> LatestMessages:
    latest = LatestMessages()
    for decision, (number, institution, purpose) in enumerate(messages, 1):
        latest.remember(PERSON, number, Answered(institution, frozenset((purpose,))), decision)
    return latest


def test_the_only_institution_of_a_number_is_meant() -> None:
    snapshot = library(row("10690001", "jianglan"), row("10690002", "yunxiu"))
    assert whose(snapshot, "10690001") == {"jianglan": {"marketing"}}
    assert not is_shared(snapshot, "10690001")


def test_the_latest_permit_on_a_shared_number_wins_and_only_that_persons() -> None:
    snapshot = library(row("10690001", "jianglan"), row("10690001", "yunxiu"))
    assert is_shared(snapshot, "10690001")
    latest = remembered(("10690001", "jianglan", "marketing"), ("10690001", "yunxiu", "marketing"))
    latest.remember(OTHER, "10690001", Answered("jianglan", MARKETING), 9)
    assert whose(snapshot, "10690001", latest) == {"yunxiu": {"marketing"}}


def test_where_nothing_is_known_every_institution_of_the_number_is_meant() -> None:
    snapshot = library(row("10690001", "jianglan", "marketing", "service"), row("10690001", "yunxiu", "collection"))
    assert whose(snapshot, "10690001") == {"jianglan": {"marketing", "service"}, "yunxiu": {"collection"}}


def test_several_purposes_are_told_apart_by_the_latest_message() -> None:
    snapshot = library(row("10690001", "jianglan", "marketing", "collection"))
    assert is_shared(snapshot, "10690001")
    assert whose(snapshot, "10690001") == {"jianglan": {"marketing", "collection"}}
    assert whose(snapshot, "10690001", remembered(("10690001", "jianglan", "collection"))) == {
        "jianglan": {"collection"}
    }


def test_a_message_that_the_carrier_did_not_take_makes_nothing_certain() -> None:
    """jianglan's message arrived, yunxiu's did not: the person answers what arrived."""
    snapshot = library(row("10690001", "jianglan"), row("10690001", "yunxiu"))
    latest = remembered(("10690001", "jianglan", "marketing"), ("10690001", "yunxiu", "marketing"))
    latest.forget(2)
    assert set(whose(snapshot, "10690001", latest)) == {"jianglan", "yunxiu"}


def test_a_registry_that_changed_since_makes_nothing_certain() -> None:
    """What was sent then was a code; what the number is for now is collection, and may be what is answered."""
    before = remembered(("10690001", "jianglan", "verification"))
    assert whose(library(row("10690001", "jianglan", "collection")), "10690001", before) == {
        "jianglan": {"collection", "verification"}
    }
    assert whose(library(row("10690001", "yunxiu", "marketing", "collection")), "10690001", before) == {
        "jianglan": {"verification"},
        "yunxiu": {"marketing", "collection"},
    }


def test_an_extension_is_that_very_number() -> None:
    snapshot = library(row("10690001", "jianglan", extensible=True), row("10690001", "yunxiu", extensible=True))
    assert is_shared(snapshot, "1069000188")
    latest = remembered(("1069000188", "jianglan", "marketing"), ("1069000199", "yunxiu", "marketing"))
    assert whose(snapshot, "1069000188", latest) == {"jianglan": {"marketing"}}
    assert whose(snapshot, "1069000177", latest) == {"jianglan": {"marketing"}, "yunxiu": {"marketing"}}


@pytest.mark.parametrize("extensible", [True, False])
def test_a_message_from_the_bare_port_does_not_hide_those_from_its_extensions(extensible: bool) -> None:
    """The person answers yunxiu's message from the extension; the carrier cuts the digits off."""
    snapshot = library(
        row("10690001", "jianglan", extensible=extensible),
        row("10690001" if extensible else "1069000188", "yunxiu", extensible=extensible),
    )
    latest = remembered(("10690001", "jianglan", "marketing"), ("1069000188", "yunxiu", "marketing"))
    assert whose(snapshot, "10690001", latest) == {"jianglan": {"marketing"}, "yunxiu": {"marketing"}}
    # What does not tell anything need not be kept either.
    assert not is_shared(snapshot, "10690001")


def test_a_port_of_which_only_extensions_are_registered_means_all_of_them() -> None:
    snapshot = library(row("1069000188", "jianglan"), row("1069000199", "yunxiu"), row("1069000200", "xingqiao"))
    assert set(whose(snapshot, "10690001")) == {"jianglan", "yunxiu"}


@pytest.mark.parametrize("number", ["10690009", None, "JIANGLAN"])
def test_a_number_of_no_library_means_the_account_that_it_came_back_to(number: str | None) -> None:
    assert whose(library(row("10690001", "yunxiu")), number) == {"jianglan": set(ACCOUNT.purposes)}


def test_an_alphanumeric_number_has_no_extensions() -> None:
    snapshot = library(row("BANK", "jianglan"), row("BANK", "yunxiu"), row("BANKS", "zehe"))
    assert set(whose(snapshot, "BANK")) == {"jianglan", "yunxiu"}
    assert set(whose(snapshot, "BANK", remembered(("BANK", "yunxiu", "marketing")))) == {"yunxiu"}


@given(st.integers(1, 20), st.lists(st.integers(0, 30), max_size=200))
def test_the_memory_is_bounded_and_keeps_at_least_the_latest(kept: int, numbers: list[int]) -> None:
    latest = LatestMessages(kept)
    for turn, number in enumerate(numbers):
        latest.remember(PERSON, str(number), Answered(str(turn), MARKETING), turn)
    assert len(latest._new) + len(latest._old) <= 2 * kept
    newest: dict[int, int] = {number: turn for turn, number in enumerate(numbers)}
    for number, turn in newest.items():
        found = latest.find(PERSON, str(number))
        if turn >= len(numbers) - kept:
            assert found == Answered(str(turn), MARKETING)
        else:
            # What is still known is never an older one than the latest.
            assert found in (None, Answered(str(turn), MARKETING))


@pytest.mark.parametrize("before", [0, 24_999, 49_999])
def test_what_no_carrier_took_is_not_what_the_person_saw_last_however_many_were_sent_meanwhile(before: int) -> None:
    """As many as may be permitted while an answer is waited for: 30 s at 2,000 a second."""
    latest, answered = LatestMessages(), Answered("yunxiu", MARKETING)
    for turn in range(before + 60_001):
        latest.remember(OTHER if turn != before else PERSON, str(turn % 1000), answered, turn)
    assert latest.find(PERSON, str(before % 1000)) == answered
    latest.forget(before)
    assert latest.find(PERSON, str(before % 1000)) is None
    assert latest.find(OTHER, "1") == answered
    assert sum(map(len, (latest._asked, *latest._asked_before))) <= 100_000
