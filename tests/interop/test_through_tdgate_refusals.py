"""How each stack hears tdgate refuse: both code maps, TD and the refusal after it, binds that are not to be."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop import scenarios, senders
from tests.interop.books import settle
from tests.interop.peers.kannel import KannelEsme
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.interop.tdgate_house import House
from tests.tools.recorder import Recorder
from tests.tools.wire import BIND_TRX, BIND_TX, DELIVER_SM, RESP, SUBMIT_SM

pytestmark = pytest.mark.interop

LibraryEsme = NodeEsme | SmpplibEsme | AiosmpplibEsme

#: (source, person, rule, vendor code, code of SMPP v3.4)
REFUSED = (
    (senders.PORT, senders.UNCONSENTED, "consent.missing", 0x0428, 0x0B),
    (senders.PORT, senders.SUPPRESSED, "suppression.active", 0x0429, 0x0B),
    (senders.UNKNOWN_PORT, senders.CONSENTED[0], "number.unregistered", 0x0418, 0x0A),
    (senders.PORT, "8613800000", "address.invalid", 0x0B, 0x0B),
)
DENIED = {("deny", rule): 1 for _, _, rule, _, _ in REFUSED}


def _maps(esme_class: type[LibraryEsme]) -> list[tuple[str, int]]:
    """(account, which code of REFUSED). aiosmpplib leaves at a status that SMPP v3.4 does not know: see below."""
    both = [("acct0", 3), ("acct-std", 4)]
    return both[1:] if esme_class is AiosmpplibEsme else both


async def test_a_library_hears_each_refusal_and_goes_on(
    library_esme: type[LibraryEsme], house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """The code of the account's map, no body, nothing at the carrier, and the bind lives on."""
    maps = _maps(library_esme)
    for system_id, code in maps:
        async with library_esme(
            senders.target(front_tap.port, system_id), tmp_path, name=f"{library_esme.__name__}-{system_id}"
        ) as esme:
            for row in REFUSED:
                answer = await esme.submit(source=row[0], destination=row[1], text=scenarios.MARKETING)
                assert (answer.command, answer.status, answer.body) == (SUBMIT_SM | RESP, row[code], b"")
            fine = await esme.submit(source=senders.PORT, destination=senders.CONSENTED[1], text=scenarios.MARKETING)
            assert fine.status == 0
    books = settle(front_tap, carrier_tap)
    assert (len(books.permitted), len(books.refused)) == (len(maps), len(maps) * len(REFUSED))
    await house.drain()
    assert house.by_rule() == {("allow", ""): len(maps), **{key: len(maps) for key in DENIED}}


async def test_aiosmpplib_pays_for_a_vendor_code_with_its_bind(
    house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """Why senders on aiosmpplib get code_map = "standard": each vendor code costs a reconnection, seen from tdgate."""
    async with AiosmpplibEsme(senders.target(front_tap.port), tmp_path) as esme:
        with pytest.raises(RuntimeError, match="bound again"):
            await esme.submit(source=senders.PORT, destination=senders.UNCONSENTED, text=scenarios.MARKETING)
        fine = await esme.submit(source=senders.PORT, destination=senders.CONSENTED[0], text=scenarios.MARKETING)
        assert fine.status == 0
        # The mirror: each of its binds had one of its own at the carrier.
        assert len(front_tap.sent(BIND_TRX)) == len(carrier_tap.sent(BIND_TRX)) == 2


@pytest.mark.parametrize(("system_id", "code"), [("acct0", 3), ("acct-std", 4)])
async def test_kannel_takes_each_refusal_as_final(
    system_id: str, code: int, house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """Receipt type 16 with the code, once: with retries allowed, nothing is sent a second time."""
    async with KannelEsme(senders.target(front_tap.port, system_id), tmp_path, retries=5) as kannel:
        for row in REFUSED:
            await kannel.submit(source=row[0], destination=row[1], text=scenarios.MARKETING, registered=1, tag=row[2])
            (posted,) = await kannel.sink.wait("/dlr", match=lambda p, rule=row[2]: p.query["tag"] == rule)  # type: ignore[misc]
            assert posted.query["type"] == "16"
            assert posted.query["reply"].startswith(f"NACK/0x{row[code]:08x}/")
        # WHY another message: a retry would have come before it.
        await kannel.submit(
            source=senders.PORT, destination="+" + senders.CONSENTED[0], text=scenarios.MARKETING, registered=1, tag="x"
        )
        # The carrier's receipt, which would else be under way when Kannel leaves.
        await kannel.sink.wait("/dlr", match=lambda p: p.query["tag"] == "x" and p.query["type"] == "1")
        await carrier_tap.wait(sent=DELIVER_SM | RESP, count=1)
    books = settle(front_tap, carrier_tap)
    assert (len(books.permitted), len(books.refused)) == (1, len(REFUSED))


async def test_kannel_sends_again_what_exceeded_its_rate_until_all_have_passed(
    house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """0x58 is temporary for Kannel: every message arrives in the end, none twice."""
    people = senders.CONSENTED[:3]
    async with KannelEsme(senders.target(front_tap.port, "acct-slow"), tmp_path, retries=20) as kannel:
        for person in people:
            await kannel.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING)
        await carrier_tap.wait(sent=SUBMIT_SM, count=len(people), limit_s=60)
        await carrier_tap.wait(returned=SUBMIT_SM | RESP, count=len(people))
        await front_tap.wait(returned=SUBMIT_SM | RESP, count=len(people) + 1)
    books = settle(front_tap, carrier_tap)
    assert len(books.permitted) == len(people)
    assert books.refused
    assert {one.answer.status for one in books.refused if one.answer} == {0x58}


async def test_a_td_closes_the_door_for_every_stack(
    library_esme: type[LibraryEsme],
    house: House,
    front_tap: Recorder,
    carrier_tap: Recorder,
    node_smsc: NodeSmsc,
    tmp_path: Path,
) -> None:
    """A TD reaches the ESME; then that person is closed, from every extension, over a restart; START opens again."""
    person, other = senders.CONSENTED[:2]
    status = 0x0B

    async def says(esme: LibraryEsme, text: str) -> None:
        before = len(esme.frames(DELIVER_SM))
        session = await node_smsc.bound()
        said = await node_smsc.deliver(session, source=person, destination=senders.PORT, message=text.encode("ascii"))
        assert said.status == 0
        assert (await esme.received(DELIVER_SM, before + 1))[-1].body.endswith(bytes([len(text)]) + text.encode())

    async def tries(esme: LibraryEsme, to: str, extension: str = "") -> int:
        answer = await esme.submit(source=senders.PORT + extension, destination=to, text=scenarios.MARKETING)
        return answer.status

    target = senders.target(front_tap.port, "acct-std")
    async with library_esme(target, tmp_path, name="first") as esme:
        assert await tries(esme, person) == 0
        await says(esme, "TD")
        assert [await tries(esme, person), await tries(esme, person, "07"), await tries(esme, other)] == [
            status,
            status,
            0,
        ]
    await house.drain()
    await house.open()
    async with library_esme(target, tmp_path, name="second") as esme:
        assert await tries(esme, person) == status
        await says(esme, "START")
        assert await tries(esme, person) == 0
    books = settle(front_tap, carrier_tap)
    assert (len(books.permitted), len(books.refused), len(books.delivered)) == (3, 3, 2)
    await house.drain()
    assert house.by_rule() == {("allow", ""): 3, ("deny", "suppression.active"): 3}


async def test_binds_that_are_not_to_be_never_reach_the_carrier(
    library_esme: type[LibraryEsme], house: House, front_tap: Recorder, carrier_tap: Recorder, tmp_path: Path
) -> None:
    """A wrong password, an unknown system_id, an account nobody reviewed: all 0x0D."""
    for system_id, password in (("acct0", "wrong"), ("nobody", "secret"), ("unreviewed", "secret")):
        target = senders.target(front_tap.port, system_id, password)
        async with library_esme(target, tmp_path, name=system_id) as esme:
            assert esme.bind_status == 0x0D
            if isinstance(esme, AiosmpplibEsme):
                # It tries again by itself, and is refused again.
                assert {frame.status for frame in await esme.binds(2)} == {0x0D}
    assert {f.status for f in front_tap.returned(BIND_TRX | RESP)} == {0x0D}
    assert not carrier_tap.tapes


@pytest.mark.parametrize(("status", "again"), [(0x0D, True), (0x0F, False)], ids=["bind-failed", "invalid-system-id"])
async def test_kannel_comes_again_after_bind_failed_and_gives_up_after_invalid_system_id(
    status: int, again: bool, house: House, front_tap: Recorder, node_smsc: NodeSmsc, tmp_path: Path
) -> None:
    """Why tdgate's own refusals of a bind are 0x0D: a Kannel that hears 0x0F is down until somebody starts it."""
    await node_smsc.behave(bind_status=status)
    async with KannelEsme(senders.target(front_tap.port), tmp_path, await_bind=False) as kannel:
        (heard, *_) = await front_tap.wait(returned=BIND_TRX | RESP)
        assert heard.status == status
        if again:
            await front_tap.wait(returned=BIND_TRX | RESP, count=2)
            await node_smsc.behave(bind_status=0)
            await kannel.bound()
        else:
            await kannel.says(lambda page: "dead" in page)
            assert len(front_tap.sent(BIND_TRX)) == 1


async def test_the_carriers_refusal_of_a_bind_is_what_the_esme_hears(
    library_esme: type[LibraryEsme],
    house: House,
    front_tap: Recorder,
    carrier_tap: Recorder,
    node_smsc: NodeSmsc,
    tmp_path: Path,
) -> None:
    await node_smsc.behave(bind_status=0x0F)
    async with library_esme(senders.target(front_tap.port), tmp_path) as esme:
        assert esme.bind_status == 0x0F
    (asked, *_), (heard, *_) = carrier_tap.sent(BIND_TRX), front_tap.returned(BIND_TRX | RESP)
    assert asked.body == front_tap.sent(BIND_TRX)[0].body
    assert heard.same_but_sequence(carrier_tap.returned(BIND_TRX | RESP)[0])


@pytest.mark.parametrize("esme_class", [NodeEsme, SmpplibEsme], ids=lambda c: c.__name__)
async def test_a_transmitter_sends_only_while_a_receiver_of_its_account_is_there(
    esme_class: type[NodeEsme | SmpplibEsme],
    house: House,
    front_tap: Recorder,
    carrier_tap: Recorder,
    node_smsc: NodeSmsc,
    tmp_path: Path,
) -> None:
    """account.oneway, and a reply that comes on the receiver's bind closes the door for the transmitter's."""
    person = senders.CONSENTED[0]
    target = senders.target(front_tap.port)

    def as_(mode: str, name: str) -> NodeEsme | SmpplibEsme:
        if esme_class is NodeEsme:
            return NodeEsme(target, tmp_path, name=name, bind=f"bind_{mode}")
        return SmpplibEsme(target, tmp_path, name=name, mode=mode)

    async with as_("transmitter", "tx") as sending:
        alone = await sending.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING)
        assert alone.status == 0x0403
        async with as_("receiver", "rx") as hearing:
            heard = await sending.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING)
            assert heard.status == 0
            session = await node_smsc.bound()
            await node_smsc.deliver(session, source=person, destination=senders.PORT, message=b"T")
            assert len(await hearing.received(DELIVER_SM)) == 1
            closed = await sending.submit(source=senders.PORT, destination=person, text=scenarios.MARKETING)
            assert closed.status == 0x0429
    assert len(carrier_tap.sent(BIND_TX)) == 1
    settle(front_tap, carrier_tap)
