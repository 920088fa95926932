"""What a sender leaves in a record that nobody can take back: ports and names in clear, no person's number ever."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.core.addresses import TON_ALPHANUMERIC, TON_INTERNATIONAL, TON_UNKNOWN, recipient, sender
from proxy.core.number_library import NumberLibrary
from proxy.core.senders import on_record
from proxy.policy import evaluate, unanswerable
from tests.rules.scene import BASE, PERSON, PERSON_KEY, ROW, build

pytestmark = pytest.mark.unit

LIBRARY = NumberLibrary(
    [ROW, *(msgspec.structs.replace(ROW, address=address) for address in ("057100001234", "8613800138777", "JLBANK"))]
)
MOBILES = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)


def recorded(canonical: str) -> str:
    return on_record(canonical, LIBRARY.find(canonical), PERSON_KEY)


@pytest.mark.parametrize(
    "canonical",
    [
        *("10690001", "10690001123456", "057100001234", "8613800138777", "JLBANK"),
        *("10690999", "1069099912345678", "10086", "12306", "123456", "95588", "95588001", "4000001001", "8000001001"),
        *("", "SHOP", "SHOP 24", "A-123456"),
    ],
)
def test_what_is_registered_and_what_is_no_persons_stands_in_clear(canonical: str) -> None:
    assert recorded(canonical) == canonical


@pytest.mark.parametrize(
    ("canonical", "mask", "as_recipient"),
    [
        ("8613911112222", "139******22", "8613911112222"),
        ("057100005678", "571******78", "8657100005678"),
        ("+14155550123", "***23", "14155550123"),
        ("12125550123", "***23", "12125550123"),
        ("9591234567890", "912******90", "9591234567890"),
        ("1391111222", "***22", "1391111222"),
        ("CALL 139 1111-2222", "***22", "CALL 139 1111-2222"),
        ("10690001" + "13911112222", "10690001139******22", "8613911112222"),
        ("10690999" + "13911112222", "10690999139******22", "8613911112222"),
    ],
)
def test_what_may_be_a_persons_is_masked_and_found_again_by_its_hash(
    canonical: str, mask: str, as_recipient: str
) -> None:
    assert recorded(canonical) == f"{mask}#{PERSON_KEY.digest(as_recipient).hex()}"


@given(
    MOBILES,
    st.sampled_from(("", "86", "+86", "0086", "0", "106", "10690001", "106909", "1259", "CALL ", "TEL:")),
    st.sampled_from((TON_UNKNOWN, TON_INTERNATIONAL, TON_ALPHANUMERIC)),
)
def test_no_mobile_is_ever_readable_however_it_was_written(mobile: str, before: str, ton: int) -> None:
    canonical = sender(ton, 1, (before + mobile).encode())
    assume(canonical is not None and canonical != "8613800138777")
    assert canonical is not None
    shown, _, digest = recorded(canonical).partition("#")
    assert mobile not in shown
    assert len(digest) == 32


def test_a_swapped_address_is_the_person_of_other_records() -> None:
    canonical = sender(TON_UNKNOWN, 1, PERSON.encode())
    assert canonical is not None
    assert recipient(TON_UNKNOWN, 1, PERSON.encode()) == PERSON
    assert recorded(canonical).partition("#")[2] == PERSON_KEY.digest(PERSON).hex()


@pytest.mark.parametrize("sender_of_it", [PERSON, "+14155550123", None, "10690001"])
def test_every_decision_of_the_policy_keeps_to_it(sender_of_it: str | None) -> None:
    request, snapshot, now = build(BASE.but("request.sender", sender_of_it))
    grounds = [
        evaluate(request, snapshot, now).decision.ground,
        unanswerable(request, snapshot, "internal.outbox").decision.ground,
    ]
    for ground in grounds:
        shown = ground.sender.partition("#")[0]
        assert shown == {PERSON: "138******00", "+14155550123": "***23", None: "", "10690001": "10690001"}[sender_of_it]
