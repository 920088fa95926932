"""Refusals that are easily lost on their way: in another alphabet, behind a signature, to a number that was cut, torn.

Each person gets messages, then writes back; the next message tells whether the refusal was heard.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.tools.wire import SUBMIT_SM, message_body, tlv
from tests.wire.house import House, text
from tests.wire.people import PERSONS

pytestmark = pytest.mark.wire

REFUSED = 0x0429
OFFERS = "【江澜银行】周末沙龙开放报名，不想再收到请回复{}退订"
EXTENDED = "106900011234"
#: What STOP is with its characters packed into octets, as on the radio.
PACKED = bytes.fromhex("53ea130a")


def said(what: str | bytes, person: str, number: str = "10690001", **fields: object) -> bytes:
    octets = what if isinstance(what, bytes) else what.encode("utf-16-be")
    options = {"data_coding": 8, "dest_ton": 0, "source_npi": 1} | fields
    return message_body(person, number, octets, **options)  # type: ignore[arg-type]


def part(reference: int, number: int, what: str, total: int = 2) -> bytes:
    return bytes([5, 0, 3, reference, total, number]) + what.encode("utf-16-be")


#: What came before (number, keyword that it offers), what is written back and how, whether it is a refusal.
CASES: dict[str, tuple[list[tuple[str, str]], bytes | str, dict[str, object], bool]] = {
    "GB 18030 that says it is Latin-1": ([], "退订".encode("gb18030"), {"data_coding": 3}, True),
    "UTF-8 that says it is Latin-1": ([], "别再发短信给我".encode(), {"data_coding": 3}, True),
    "Latin-1, as it says": ([], "J'ai déjà payé".encode("latin-1"), {"data_coding": 3}, False),
    "ASCII that says it is UCS-2": ([], b"STOP", {"data_coding": 8}, True),
    "a keyword to the port of the extension that offered it": ([(EXTENDED, "ZZ")], "zz", {}, True),
    "the keyword of the message before": ([("10690001", "ZZ"), ("10690001", "QX")], "ZZ", {}, True),
    "the keyword of the latest": ([("10690001", "ZZ"), ("10690001", "QX")], "QX", {}, True),
    "a keyword that no message offered": ([("10690001", "ZZ"), ("10690001", "QX")], "WX", {}, False),
    "to the sender by name": ([("10690001", "ZZ")], "【江澜银行】别再给我发短信了", {}, True),
    "to the sender by name, after a restart": ([], "【江澜银行】拒收你们的短信", {}, True),
    "the quotation of a message that nobody remembers": ([], OFFERS.format("ZZ"), {}, False),
    "octets in no alphabet": ([], PACKED, {"data_coding": 4}, True),
    "octets for an application, by header": (
        [],
        b"\x06\x05\x04\x0b\x84\x23\xf0" + PACKED,
        {"data_coding": 4, "esm_class": 0x40},
        False,
    ),
    "octets for an application, by TLV": ([], PACKED, {"data_coding": 4, "tlvs": tlv(0x020B, b"\x0b\x84")}, False),
    "nothing at all": ([], b"", {"data_coding": 4}, False),
}


async def test_no_refusal_is_lost_on_its_way(house: House) -> None:
    await house.start(smpp={"mo_parts_wait_ms": 100})
    esme = await house.bind("jl")

    async def refused(person: str) -> bool:
        return (await esme.request(SUBMIT_SM, text(to=person))).status == REFUSED

    people: Iterator[str] = iter(PERSONS[8:])
    found = {}
    for name, (before, what, fields, _) in CASES.items():
        person = next(people)
        for number, keyword in before:
            answer = await esme.request(SUBMIT_SM, text(number, person, OFFERS.format(keyword)))
            assert answer.status == 0, name
        assert (await house.hear("jl", said(what, person, **fields))).status == 0
        found[name] = await refused(person)
    assert found == {name: refuses for name, (_, _, _, refuses) in CASES.items()}
    # What nobody could read waits for somebody who looks at the octets.
    await house.event("doubt.queued", binds=True)

    # A wish to receive again that is torn off its negation lifts nothing; whole it lifts, and denied it does not.
    first, second = next(people), next(people)
    for person in (first, second):
        assert (await house.hear("jl", said("TD", person))).status == 0
    assert (await house.hear("jl", said(part(7, 2, "恢复接收"), first, esm_class=0x40))).status == 0
    assert await refused(first)
    await house.event("reply.fragment")
    # The rest comes late: now the whole is known, and it is a wish.
    assert (await house.hear("jl", said(part(7, 1, "我要"), first, esm_class=0x40))).status == 0
    assert not await refused(first)
    for number, what in ((2, "恢复接收"), (1, "请不要")):
        assert (await house.hear("jl", said(part(8, number, what), second, esm_class=0x40))).status == 0
        assert await refused(second)
    # The last of three never comes: what stands in the two together counts, however late and in which order.
    for order in ((1, 2), (2, 1)):
        person = next(people)
        for number in order:
            what = ("你们以后不要", "再给我发短信了")[number - 1]
            assert (await house.hear("jl", said(part(9, number, what, 3), person, esm_class=0x40))).status == 0
        assert await refused(person)

    # The second half comes after a kill: the first had its answer, so the carrier does not send it again.
    person = next(people)
    assert (await house.hear("jl", said(part(10, 1, "你们以后不要"), person, esm_class=0x40))).status == 0
    assert not await refused(person)
    await house.kill()
    kept = b"".join(file.read_bytes() for file in (house.state / "replies").iterdir())
    assert kept
    assert person.encode() not in kept
    assert "不要".encode("utf-16-be") not in kept
    await house.start()
    esme = await house.bind("jl")
    assert (await house.hear("jl", said(part(10, 2, "再给我发短信了"), person, esm_class=0x40))).status == 0
    assert await refused(person)
    await house.end()
