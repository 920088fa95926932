"""A reply is read beside what it answers: quotations, keywords that a message offered or gave another meaning."""

from __future__ import annotations

import pytest

from tests.tools.wire import SUBMIT_SM, message_body
from tests.wire.house import House, text
from tests.wire.people import PERSONS

pytestmark = pytest.mark.wire

REFUSED = 0x0429
OFFERS = "【江澜银行】周末沙龙开放报名，不想再收到请回复ZZ退订"
REDEFINES = "【江澜银行】周末沙龙开放报名，回T查询余额，拒收请回复TD"
#: What a telephone quotes of it has no signature; read alone it would be a refusal.
BODY = "周末沙龙开放报名，名额不多，不想参加的话回TD退订"
QUOTED = f"【江澜银行】{BODY}"
SAYING: dict[str, tuple[str, str, bool]] = {
    "the keyword that this message offered": (OFFERS, "zz", True),
    "that keyword in another sentence": (OFFERS, "zz top 票还有吗", False),
    "a keyword that the message gave another meaning": (REDEFINES, "T", True),
    "the message alone, without its signature": (QUOTED, BODY, False),
    "the beginning of the message": (QUOTED, BODY[:16] + "…", False),
    "the message and words of one's own": (QUOTED, f"别再发了\n{BODY}", True),
    "the message and a question": (QUOTED, f"{BODY}\n在哪里举办", False),
    "the whole message with its signature": (QUOTED, QUOTED, False),
}


def said(what: str, person: str, number: str = "10690001") -> bytes:
    return message_body(person, number, what.encode("utf-16-be"), data_coding=8, dest_ton=0, source_npi=1)


async def test_a_reply_is_read_beside_the_message_that_it_answers(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    people = dict(zip(SAYING, PERSONS[8:], strict=False))
    for what, person in people.items():
        assert (await esme.request(SUBMIT_SM, text(to=person, said=SAYING[what][0]))).status == 0, what
    for what, person in people.items():
        assert (await house.hear("jl", said(SAYING[what][1], person))).status == 0
    closed = {
        what: (await esme.request(SUBMIT_SM, text(to=person))).status == REFUSED for what, person in people.items()
    }
    assert closed == {what: refuses for what, (_, _, refuses) in SAYING.items()}
    # Whoever was sent nothing quotes nothing: the keyword of a message is nobody else's, and what they write their own.
    stranger, other = PERSONS[20:22]
    assert (await house.hear("jl", said("zz", stranger))).status == 0
    assert (await house.hear("jl", said(BODY, other))).status == 0
    statuses = [(await esme.request(SUBMIT_SM, text(to=one))).status for one in (stranger, other)]
    assert statuses == [0, REFUSED]
    await house.end()


async def test_of_two_institutions_on_one_port_the_last_to_write_is_meant_and_its_message_is_what_is_quoted(
    house: House,
) -> None:
    await house.start()
    jl, yx = await house.bind("jl"), await house.bind("yx")
    first, second, third, both = PERSONS[8:12]
    shared = "10690777"
    yunxiu = "【云岫消费金融】新客活动开始了，不要的话回复ZZ退订"
    for person in (first, second, third):
        assert (await jl.request(SUBMIT_SM, text(shared, person, OFFERS.replace("ZZ", "QX")))).status == 0
        assert (await yx.request(SUBMIT_SM, text(shared, person, yunxiu))).status == 0
    for person in (second, third):
        assert (await jl.request(SUBMIT_SM, text(shared, person, OFFERS.replace("ZZ", "QX")))).status == 0
    # ZZ was offered last to the first person; the second was written to by the other institution since, so that whoever
    # answers with ZZ may mean either, and QX is the last one's.
    for person, word in ((first, "ZZ"), (second, "QX"), (third, "ZZ"), (both, "TD")):
        assert (await house.hear("yx", said(word, person, shared))).status == 0
    statuses = {
        person: (
            (await jl.request(SUBMIT_SM, text(to=person))).status,
            (await yx.request(SUBMIT_SM, text("10690101", person))).status,
        )
        for person in (first, second, third, both)
    }
    either = (REFUSED, REFUSED)
    assert statuses == {first: (0, REFUSED), second: (REFUSED, 0), third: either, both: either}
    await house.end()


async def test_where_nothing_is_to_be_remembered_a_reply_is_read_alone(house: House) -> None:
    await house.start(review={"quoted_most": 0})
    esme = await house.bind("jl")
    person, other = PERSONS[8:10]
    for one, message in ((person, QUOTED), (other, OFFERS)):
        assert (await esme.request(SUBMIT_SM, text(to=one, said=message))).status == 0
    for one, word in ((person, BODY), (other, "zz")):
        assert (await house.hear("jl", said(word, one))).status == 0
    statuses = [(await esme.request(SUBMIT_SM, text(to=one))).status for one in (person, other)]
    assert statuses == [REFUSED, 0]
    await house.end()
