"""No way around the policy, on the socket: each item has its answer under both code maps, and the SMSC sees none of it.

One process for all of `bypasses` and `bypasses_of_parts`; four binds ask the same: three in mirror mode (vendor map,
standard map, and another vendor base), one in a pool.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.tools.raw_esme import RawEsme
from tests.tools.raw_smsc import RawSmsc
from tests.tools.wire import (
    BIND_RX,
    BINDS,
    CANCEL_SM,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    QUERY_SM,
    REPLACE_SM,
    RESP,
    SUBMIT_MULTI,
    SUBMIT_SM,
    UNBIND,
    Frame,
    cstring,
    data_sm_body,
    pdu,
    tlv,
)
from tests.wire.bypasses import (
    CALLBACK,
    PAYLOAD,
    PURPOSE,
    UCS2,
    WAYS,
    Way,
    cancel,
    data,
    query,
    submit,
)
from tests.wire.bypasses_by_name import NAMED
from tests.wire.bypasses_of_parts import PART_WAYS
from tests.wire.house import ROOT, House, make_template, text
from tests.wire.people import PERSONS, TEXT, account, registry

pytestmark = [pytest.mark.wire, pytest.mark.asyncio(loop_scope="module")]

EVERY_WAY = WAYS + PART_WAYS
POOLED = registry(accounts=[account("pool-jl", "jianglan", "marketing", route="pool")])


class Around(House):
    """A process with a route in mirror mode (`smsc`) and a pool of one route (`pooled`)."""

    async def __aenter__(self) -> Around:
        await super().__aenter__()
        self.pooled = RawSmsc()
        await self.pooled.listen()
        return self

    async def __aexit__(self, *raised: object) -> None:
        await super().__aexit__(*raised)
        await self.pooled.close()

    async def open(self, **stalled: object) -> None:
        route = {"port": self.pooled.port, "system_id": "gate", "password": "pw"}
        pools = {"smpp.pools.pool": {"routes": ["shared"]}}
        await self.start(smpp={"stalled": stalled}, routes={"shared": route}, **pools)
        await self.pooled.bound("gate")

    def reached(self) -> list[Frame]:
        """What of the ESMEs' requests a SMSC has seen."""
        links = (*BINDS, UNBIND, ENQUIRE_LINK)
        frames = [*self.smsc.frames, *self.pooled.frames]
        return [frame for frame in frames if not frame.command & RESP and frame.command not in links]


@pytest.fixture(scope="module")
def with_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("around") / "template", POOLED)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(with_pool: Path, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Around]:
    async with Around(with_pool, tmp_path_factory.mktemp("around-house")) as house:
        # What is not whole is refused at once; what is kept for its sender has a test of its own below.
        await house.open(enabled=False)
        yield house
        await house.end()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def three(shared: Around) -> tuple[RawEsme, RawEsme, RawEsme]:
    return await shared.bind("jl"), await shared.bind("jl-std"), await shared.bind("jl-base")


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def pool(shared: Around) -> RawEsme:
    return await shared.bind("pool-jl")


async def tries(way: Way, esme: RawEsme) -> list[Frame]:
    """Sends all PDUs of a way at once; their answers, in order."""
    sequences = [await esme.submit(way.command, body) for body in (way.body, *way.more)]
    return [
        await esme.expect(match=lambda one, at=at: one.sequence == at and one.command & RESP != 0) for at in sequences
    ]


async def is_closed(way: Way, house: Around, asked: list[tuple[RawEsme, int]]) -> None:
    """Each ESME gets its status for all PDUs; the evidence names the rule for each; no SMSC got anything."""
    before = len(house.reached())
    decided = len([one for one in house.decisions() if one.rule == way.rule])
    answers = await asyncio.gather(*(tries(way, esme) for esme, _ in asked))
    for (_, status), frames in zip(asked, answers, strict=True):
        told = [(hex(frame.command), hex(frame.status)) for frame in frames]
        assert told == [(hex(way.answered_by), hex(status))] * (1 + len(way.more))
    assert len(house.reached()) == before
    if way.rule:
        wanted = decided + way.decisions * len(asked)
        assert len(await house.record(lambda one: getattr(one, "rule", "") == way.rule, wanted)) == wanted


@pytest.mark.parametrize("way", EVERY_WAY, ids=lambda way: way.name)
async def test_it_is_closed(way: Way, shared: Around, three: tuple[RawEsme, RawEsme, RawEsme], pool: RawEsme) -> None:
    vendor, standard, based = three
    other_base = way.vendor + 0x80 if 0x0400 <= way.vendor < 0x0460 else way.vendor
    asked = [(vendor, way.vendor), (standard, way.standard), (based, other_base)]
    if way.command != SUBMIT_MULTI:
        asked.append((pool, way.vendor))
    await is_closed(way, shared, asked)


@pytest.mark.parametrize("way", [one for one in WAYS if one.command == SUBMIT_MULTI], ids=lambda way: way.name)
async def test_a_submit_multi_that_is_refused_whole_is_refused_in_a_pool(
    way: Way, shared: Around, pool: RawEsme
) -> None:
    before = len(shared.reached())
    assert [frame.status != 0 for frame in await tries(way, pool)] == [True]
    assert len(shared.reached()) == before


@pytest.mark.asyncio(loop_scope="function")
async def test_parts_that_are_kept_for_a_sender_that_waits_go_nowhere_either(with_pool: Path, tmp_path: Path) -> None:
    ways = [one for one in EVERY_WAY if one.name == "last part, alone" or (one in PART_WAYS and one.vendor == 0x0421)]
    ways = [one for one in ways if one.command == SUBMIT_SM and one.name != "a part without source"]
    async with Around(with_pool, tmp_path / "house") as house:
        await house.open(deadline_s=1.0)
        for esme in (await house.bind("jl"), await house.bind("pool-jl")):
            for way in ways:
                # Answered from disk, since the sender waits, or refused: in the end none of it is a message.
                assert {frame.status for frame in await tries(way, esme)} <= {0, way.vendor}
        wanted = 2 * sum(way.decisions for way in ways)
        await house.record(lambda one: getattr(one, "rule", "") == "message.partial", wanted)
        assert house.reached() == []
        await house.end()


async def test_every_way_that_was_named_is_tried() -> None:
    names = [way.name for way in EVERY_WAY]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    for named, tried in NAMED.items():
        for one in tried:
            file, _, test = one.partition("::")
            if test:
                assert f"def {test}(" in (ROOT / file).read_text("utf-8"), f"{named}: {one}"
            else:
                assert any(name.startswith(one) for name in names), f"{named}: {one}"
    beginnings = tuple(one for tried in NAMED.values() for one in tried)
    ordinary = ("number of", "refused by import", "never agreed", "another purpose", "purpose that")
    assert [name for name in names if not name.startswith(beginnings + ordinary)] == []


async def test_nothing_goes_on_before_a_bind_or_on_a_receiver(shared: Around) -> None:
    before = len(shared.reached())
    for esme in (await shared.connect(), await shared.bind("jl-two", BIND_RX), await shared.bind("pool-jl", BIND_RX)):
        for command in (SUBMIT_SM, DATA_SM, SUBMIT_MULTI, QUERY_SM, CANCEL_SM, REPLACE_SM):
            assert (await esme.request(command, submit())).status == 0x04
        await esme.close()
    assert len(shared.reached()) == before


async def test_the_account_that_asked_for_it_is_told_the_rule(three: tuple[RawEsme, RawEsme, RawEsme]) -> None:
    for esme, body in zip(three, (b"", b"", b"\0" + tlv(0x001D, b"number.unregistered\0")), strict=True):
        assert (await esme.request(SUBMIT_SM, submit(source="10690999"))).body == body


DATA_OPEN = [
    ("plain", data()),
    ("a long text", data_sm_body("10690001", PERSONS[0], UCS2 * 8, data_coding=8, registered=1)),
    ("vendor TLVs", data(tlvs=tlv(0x1500, b"\0\xff" * 9) + tlv(0x3FFF, b""))),
    ("reply path", data(esm_class=0x80)),
    ("source with extension digits", data(source="106900011234")),
]


@pytest.mark.parametrize(("name", "body"), DATA_OPEN, ids=[name for name, _ in DATA_OPEN])
async def test_a_permitted_data_sm_goes_on_byte_for_byte(
    name: str, body: bytes, shared: Around, three: tuple[RawEsme, RawEsme, RawEsme]
) -> None:
    del name
    before = len(shared.reached())
    answer = await three[0].request(DATA_SM, body)
    assert (answer.command, answer.status) == (DATA_SM | RESP, 0)
    (frame,) = shared.reached()[before:]
    assert frame.same_but_sequence(Frame(pdu(DATA_SM, body)))


OPEN = [
    ("plain", submit()),
    ("payload", submit(b"", tlvs=tlv(PAYLOAD, UCS2 * 8))),
    ("callback of its own", submit(tlvs=tlv(CALLBACK, b"\1\0\1" + b"10690001"))),
    ("validity within the cap", submit(validity="000000120000000R")),
    ("extension digits", submit(source="106900011234")),
    ("vendor TLVs", submit(tlvs=tlv(0x1500, b"\0\xff" * 9) + tlv(0x3FFF, b""))),
    ("GB18030", submit(TEXT.encode("gb18030"), data_coding=15)),
    ("GSM 03.38 with its extension table", submit(b"JL Bank \x1b\x3cloan\x1b\x3e TD", data_coding=0)),
    ("Latin-1", submit("Crédit à 3 %, TD".encode("latin-1"), data_coding=3)),
    ("ASCII", submit(b"JL Bank, reply TD", data_coding=1)),
    ("its own purpose", submit(tlvs=tlv(PURPOSE, b"marketing\0"))),
    ("replaces what went before", submit(protocol_id=0x41)),
    ("0086", submit(to="00" + PERSONS[0])),
    ("17951", submit(to="17951" + PERSONS[0][2:])),
]


@pytest.mark.parametrize(("name", "body"), OPEN, ids=[name for name, _ in OPEN])
async def test_what_is_permitted_goes_on_byte_for_byte(
    name: str, body: bytes, shared: Around, three: tuple[RawEsme, RawEsme, RawEsme]
) -> None:
    del name
    before = len(shared.reached())
    assert (await three[0].request(SUBMIT_SM, body)).status == 0
    (frame,) = shared.reached()[before:]
    assert frame.same_but_sequence(Frame(pdu(SUBMIT_SM, body)))


async def test_binary_passes_for_a_registered_account_and_number_only(shared: Around) -> None:
    binary = await shared.bind("jl-bin")
    for source, status in (("10690009", 0), ("10690001", 0x0437)):
        answer = await binary.request(SUBMIT_SM, submit(bytes(range(60)), data_coding=4, source=source))
        assert answer.status == status


async def test_scheduled_delivery_is_open_to_what_is_neither_marketing_nor_collection(shared: Around) -> None:
    service = await shared.bind("jl-svc")
    collection = await shared.bind("jl-col")
    schedule = "000000010000000R"
    assert (await service.request(SUBMIT_SM, text("10690002", schedule=schedule))).status == 0
    assert (await collection.request(SUBMIT_SM, text("10690003", schedule=schedule))).status == 0x61


async def test_an_id_of_ones_own_may_be_asked_about_and_cancelled_and_of_another_account_not(shared: Around) -> None:
    def answer(frame: Frame, _session: object) -> bytes | None:
        if frame.command == QUERY_SM:
            return pdu(QUERY_SM | RESP, cstring("mine") + b"\0\2\0", sequence=frame.sequence)
        return pdu(CANCEL_SM | RESP, sequence=frame.sequence) if frame.command == CANCEL_SM else None

    shared.smsc.answer = answer
    mine, other = await shared.bind("jl-two"), await shared.bind("xq")
    accepted = await mine.request(SUBMIT_SM, submit())
    message_id = accepted.body.rstrip(b"\0").decode()
    answered = await mine.request(QUERY_SM, query(message_id))
    assert (answered.status, answered.body) == (0, cstring("mine") + b"\0\2\0")
    before = len(shared.reached())
    assert (await other.request(QUERY_SM, query(message_id))).status == 0x67
    assert (await other.request(CANCEL_SM, cancel(message_id))).status == 0x11
    assert len(shared.reached()) == before
    # One's own id under a number of another, or of another institution's operator.
    for number in ("10690202", "10690101", "10690011", "1069"):
        foreign = cancel(message_id).replace(b"10690001", number.encode())
        assert (await mine.request(CANCEL_SM, foreign)).status == 0x11
        assert (await mine.request(QUERY_SM, query(message_id).replace(b"10690001", number.encode()))).status == 0x67
    assert len(shared.reached()) == before
    assert (await mine.request(CANCEL_SM, cancel(message_id))).status == 0
    shared.smsc.answer = None


async def test_another_bind_of_the_same_account_may_ask_about_an_id(shared: Around) -> None:
    first, second = await shared.bind("jl-two"), await shared.bind("jl-two")
    message_id = (await first.request(SUBMIT_SM, submit())).body.rstrip(b"\0").decode()
    before = len(shared.reached())
    await second.request(QUERY_SM, query(message_id))
    assert len(shared.reached()) == before + 1


async def test_a_deliver_sm_of_an_esme_is_answered_and_goes_nowhere(
    shared: Around, three: tuple[RawEsme, RawEsme, RawEsme]
) -> None:
    before, closed = len(shared.reached()), len(shared.suppressions())
    answer = await three[0].request(DELIVER_SM, submit(b"TD", source=PERSONS[3], to="10690001", data_coding=0))
    assert (answer.command, answer.status) == (DELIVER_SM | RESP, 0x04)
    assert len(shared.reached()) == before
    assert (await three[0].request(SUBMIT_SM, submit(to=PERSONS[3]))).status == 0
    assert len(shared.suppressions()) == closed
