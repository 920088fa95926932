"""One answer to a submit_multi whose persons went apart: each of them in it once, as taken or with a status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.decision import Decision
from proxy.core.ground import Ground
from proxy.pool.several import Gathered
from proxy.smpp.codec import SmeAddress, encode
from proxy.smpp.consts import SUBMIT_MULTI, SUBMIT_MULTI_RESP
from proxy.smpp.pdu import Pdu, response
from proxy.smpp.several import Several
from proxy.smpp.submit_multi import read_multi, read_multi_answer

pytestmark = pytest.mark.unit

GROUND = Ground("sms", "jl", "1069", "allow", "", "", "jianglan", "marketing", "p", 1, 1, b"")
FATES = st.lists(st.tuples(st.sampled_from(["", "mobile", "unicom"]), st.sampled_from([0, 0, 0x14, 0x58])), min_size=1)


def gathered(carriers: list[str], refused: int) -> tuple[Gathered, list[Decision]]:
    count = len(carriers) + refused
    listed = [SmeAddress(1, 1, b"86138%08d" % number) for number in range(count)]
    raw = encode(SUBMIT_MULTI, 0, 5, {"source_addr": b"1069", "short_message": b"x", "dest_address": listed})  # type: ignore[dict-item]
    to = read_multi(raw).destinations
    decisions = [Decision(100 + number, b"%016d" % number, GROUND) for number in range(count)]
    pdu = Pdu(SUBMIT_MULTI, 0, 5, raw)
    groups = [
        (name, Several(pdu, None, [(to[at], decisions[at]) for at, one in enumerate(carriers) if one == name], ()))
        for name in dict.fromkeys(carriers)
    ]
    permitted = [(to[at], decisions[at]) for at in range(len(carriers))]
    return Gathered(pdu, groups, permitted, [to[-1 - at].unsuccess(0x0429) for at in range(refused)]), decisions


@given(FATES.filter(lambda fates: len(fates) < 100), st.integers(0, 3))
def test_each_person_is_taken_or_named_once(fates: list[tuple[str, int]], refused: int) -> None:
    whole, decisions = gathered([carrier for carrier, _ in fates], refused)
    statuses = {decisions[at].id: status for at, (_, status) in enumerate(fates)}
    for place, (_, group) in enumerate(whole.groups):
        assert not whole.ready, place
        mine = {decision.id: statuses[decision.id] for _, decision in group.permitted if statuses[decision.id]}
        whole.end(group, mine)
    assert whole.ready
    answer = read_multi_answer(whole.answer)
    if any(not status for _, status in fates):
        assert (answer.status, answer.message_id) == (0, b"%016x" % decisions[0].id)
        named = sorted((each.address, each.error_status) for each in answer.unsuccess)
        failed = [(b"86138%08d" % at, status) for at, (_, status) in enumerate(fates) if status]
        assert named == sorted(failed + [(b"86138%08d" % (len(fates) + at), 0x0429) for at in range(refused)])
    else:
        assert answer.status in {status for _, status in fates}
        assert len(whole.answer) == 16


def test_the_tlvs_of_a_single_answer_stay() -> None:
    whole, _ = gathered(["mobile", "mobile"], 1)
    ((_, group),) = whole.groups
    whole.end(group, {}, response(SUBMIT_MULTI_RESP, 0, 3, b"c1\0\0\x15\0\0\1y"))
    assert whole.answer.endswith(b"\x15\0\0\1y")
    apart, _ = gathered(["mobile", "unicom"], 0)
    for _, group in apart.groups:
        apart.end(group, {}, response(SUBMIT_MULTI_RESP, 0, 3, b"c1\0\0\x15\0\0\1y"))
    assert apart.answer == response(SUBMIT_MULTI_RESP, 0, 0, b"%016x\0\0" % 100)
