"""Real peers talk to each other with only a tap in between: proof that the harness is right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.interop import scenarios
from tests.interop.peers.kannel import KannelEsme
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.interop.peers.target import Target
from tests.tools.raw_smsc import RawSession, RawSmsc
from tests.tools.recorder import Recorder
from tests.tools.wire import (
    DATA_SM,
    DELIVER_SM,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    Frame,
    data_sm_body,
    message_body,
    pdu,
    read_message,
    tlv,
)

pytestmark = pytest.mark.interop

LibraryEsme = NodeEsme | SmpplibEsme | AiosmpplibEsme


@pytest.mark.parametrize(
    "scenario",
    [
        scenarios.submits_chinese,
        scenarios.gets_its_receipt,
        scenarios.gets_a_reply,
        scenarios.hears_a_refusal,
    ],
    ids=lambda s: s.__name__,
)
async def test_a_library_and_the_carrier(
    scenario: object,
    library_esme: type[LibraryEsme],
    straight: Target,
    node_smsc: NodeSmsc,
    carrier_tap: Recorder,
    tmp_path: Path,
) -> None:
    async with library_esme(straight, tmp_path) as esme:
        assert esme.bind_status == 0
        await scenario(esme, node_smsc, carrier_tap)  # type: ignore[operator]


@pytest.mark.parametrize("esme_class", [NodeEsme, AiosmpplibEsme], ids=lambda c: c.__name__)
async def test_a_vendor_tlv_goes_and_comes(
    esme_class: type[NodeEsme | AiosmpplibEsme],
    straight: Target,
    node_smsc: NodeSmsc,
    carrier_tap: Recorder,
    tmp_path: Path,
) -> None:
    async with esme_class(straight, tmp_path) as esme:
        await scenarios.sends_a_vendor_tlv(esme, node_smsc, carrier_tap)


async def test_kannel_sends_and_is_answered(
    straight: Target, node_smsc: NodeSmsc, carrier_tap: Recorder, tmp_path: Path
) -> None:
    async with KannelEsme(straight, tmp_path) as kannel:
        await scenarios.kannel_does_all(kannel, node_smsc, carrier_tap)


async def test_kannel_takes_a_refusal_as_final(
    straight: Target, node_smsc: NodeSmsc, carrier_tap: Recorder, tmp_path: Path
) -> None:
    async with KannelEsme(straight, tmp_path) as kannel:
        await scenarios.kannel_hears_a_refusal(kannel, node_smsc, carrier_tap)


async def test_kannel_sends_again_after_throttling(
    straight: Target, node_smsc: NodeSmsc, carrier_tap: Recorder, tmp_path: Path
) -> None:
    async with KannelEsme(straight, tmp_path, retries=5) as kannel:
        await node_smsc.behave(status=0x58)
        await kannel.submit(source=scenarios.SOURCE, destination=scenarios.PERSON, text="TD")
        await carrier_tap.wait(returned=SUBMIT_SM | RESP)
        await node_smsc.behave(status=0)
        (first, second, *_) = await carrier_tap.wait(sent=SUBMIT_SM, count=2)
        assert first.same_but_sequence(second)


async def test_the_carrier_answers_in_reverse_order_and_receipts_come_first(tmp_path: Path) -> None:
    async with NodeSmsc(tmp_path) as smsc:
        await smsc.behave(submit="hold", receipt="before")
        async with NodeEsme(Target("127.0.0.1", smsc.port, "acct0", "secret"), tmp_path) as esme:
            for number in range(3):
                body = message_body("10690001", f"861380000000{number}", b"TD", registered=1)
                await esme.command("raw", hex=pdu(SUBMIT_SM, body, sequence=100 + number).hex())
            await smsc.received(SUBMIT_SM, 3)
            assert await smsc.release("reverse") == 3
            await esme.received(SUBMIT_SM | RESP, 3)
            order = [(f.command, f.sequence) for f in esme.frames() if f.command in (SUBMIT_SM | RESP, DELIVER_SM)]
            assert order == [
                (DELIVER_SM, 1),
                (SUBMIT_SM | RESP, 102),
                (DELIVER_SM, 2),
                (SUBMIT_SM | RESP, 101),
                (DELIVER_SM, 3),
                (SUBMIT_SM | RESP, 100),
            ]


async def test_node_smsc_refuses_binds_nacks_and_disconnects(tmp_path: Path) -> None:
    async with NodeSmsc(tmp_path) as smsc:
        target = Target("127.0.0.1", smsc.port, "acct0", "secret")
        await smsc.behave(bind_status=0x0D)
        async with NodeEsme(target, tmp_path, name="refused") as esme:
            assert esme.bind_status == 0x0D
        await smsc.behave(bind_status=0, submit="nack", status=3)
        async with NodeEsme(target, tmp_path, name="nacked") as esme:
            answer = await esme.submit(source="10690001", destination="8613800000001", text="TD")
            assert (answer.command, answer.status) == (GENERIC_NACK, 3)
            await smsc.disconnect(reset=True)
            await esme.wait(lambda e: e["event"] == "closed")


async def test_aiosmpplib_drops_its_connection_at_a_status_it_does_not_know(tmp_path: Path) -> None:
    """Why the code map for such senders stays within SMPP v3.4: a vendor's status costs them the whole bind."""

    def refuse(frame: Frame, session: RawSession) -> bytes | None:
        return pdu(SUBMIT_SM | RESP, status=0x401, sequence=frame.sequence) if frame.command == SUBMIT_SM else None

    async with RawSmsc(answer=refuse) as smsc:
        target = Target("127.0.0.1", smsc.port, "acct0", "secret")
        async with AiosmpplibEsme(target, tmp_path) as esme:
            with pytest.raises(RuntimeError, match="bound again"):
                await esme.submit(source="10690001", destination="8613800000001", text="TD")
            assert len(smsc.sessions) == 2


async def test_what_each_library_answers_to_unusual_replies(library_esme: type[LibraryEsme], tmp_path: Path) -> None:
    """The facts of docs/manual/interop.md: the product must carry these answers back as they are."""
    text = "退订"
    nack, ok = GENERIC_NACK, DELIVER_SM | RESP
    odd = nack if library_esme is AiosmpplibEsme else ok
    cases = [
        (DELIVER_SM, message_body("8613800000001", "10690001", text.encode("gb18030"), data_coding=15), odd),
        (
            DELIVER_SM,
            message_body("8613800000001", "10690001", b"", data_coding=8, tlvs=tlv(0x424, text.encode("utf-16-be"))),
            ok,
        ),
        (DELIVER_SM, message_body("8613800000001", "10690001", b"TD", tlvs=tlv(0x1400, b"\0\x01\xff")), odd),
        (DELIVER_SM, message_body("8613800000001", "10690001", b""), odd),
    ]
    if library_esme is not SmpplibEsme:
        data = data_sm_body("8613800000001", "10690001", text.encode("utf-16-be"), data_coding=8)
        cases.append((DATA_SM, data, nack if library_esme is AiosmpplibEsme else DATA_SM | RESP))
    async with RawSmsc() as smsc, library_esme(Target("127.0.0.1", smsc.port, "acct0", "secret"), tmp_path) as esme:
        session = await smsc.bound()
        for command, body, expected in cases:
            answer = await session.answered(await session.deliver(body, command), command)
            assert answer.command == expected
            assert answer.status == 0
        # WHY wait: aiosmpplib answers first and tells its application then.
        await esme.received(cases[-1][0], sum(command == cases[-1][0] for command, _, _ in cases))
        heard = [f for f in esme.frames() if f.command in (DELIVER_SM, DATA_SM)]
        assert [f.body for f in heard] == [body for _, body, _ in cases]
        assert read_message(heard[0]).short_message == text.encode("gb18030")
