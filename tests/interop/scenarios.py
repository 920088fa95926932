"""What every pair of real peers must be able to do, whatever stands between them.

Each scenario takes an entered ESME, the SMSC behind, and the tap before that SMSC, and fails by assertion. Run once
with nothing in between (proof of the harness) and once with the product there.
"""

from __future__ import annotations

from tests.interop.peers.kannel import KannelEsme
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.tools.recorder import Recorder
from tests.tools.wire import DELIVER_SM, RESP, SUBMIT_SM, Frame, read_message

LibraryEsme = NodeEsme | SmpplibEsme | AiosmpplibEsme

MARKETING = "【江澜银行】“安居贷”年化3.5%起，最高40万元，咨询400-000-1001，回T退订"
SOURCE = "10690001"
PERSON = "8613800000001"
VENDOR_TAG = 0x1400
# WHY ASCII: aiosmpplib takes vendor TLVs as text only; octets of every value go by the scripted ends.
VENDOR_VALUE = b"batch-7f"


async def receipt_of(esme: LibraryEsme, message_id: bytes) -> Frame:
    """The receipt that names this message, as soon as it is there."""
    (found, *_) = await esme.wait(
        lambda e: e["event"] == "pdu" and int(e["raw"][8:16], 16) == DELIVER_SM and message_id.hex() in e["raw"]
    )
    return Frame(bytes.fromhex(found["raw"]))


def _mo(frames: list[Frame]) -> list[Frame]:
    return [f for f in frames if read_message(f).esm_class & 0x3C == 0]


async def submits_chinese(
    esme: LibraryEsme,
    smsc: NodeSmsc,
    tap: Recorder,
    *,
    text: str = MARKETING,
    source: str = SOURCE,
    person: str = PERSON,
) -> Frame:
    """A Chinese text gets the carrier's message_id and reaches it as the ESME wrote it, but for the sequence."""
    before = len(tap.sent(SUBMIT_SM))
    answer = await esme.submit(source=source, destination=person, text=text)
    assert answer.command == SUBMIT_SM | RESP
    assert answer.status == 0
    written = (await esme.sent(SUBMIT_SM))[-1]
    at_carrier = (await tap.wait(sent=SUBMIT_SM, count=before + 1))[-1]
    assert at_carrier.same_but_sequence(written)
    message = read_message(at_carrier)
    assert (message.source, message.destination, message.data_coding, message.text) == (source, person, 8, text)
    given = (await smsc.sent(SUBMIT_SM | RESP))[-1]
    assert answer.same_but_sequence(given)
    return answer


async def gets_its_receipt(esme: LibraryEsme, smsc: NodeSmsc, tap: Recorder) -> None:
    """The receipt of a message arrives with the message_id of its response, octet for octet."""
    answer = await esme.submit(source=SOURCE, destination=PERSON, text=MARKETING, registered=1)
    message_id = answer.body.rstrip(b"\0")
    receipt = await receipt_of(esme, message_id)
    assert read_message(receipt).esm_class & 0x3C == 0x04
    assert any(receipt.same_but_sequence(f) for f in await tap.wait(returned=DELIVER_SM))
    assert (await tap.wait(sent=DELIVER_SM | RESP))[-1].status == 0


async def gets_a_reply(
    esme: LibraryEsme, smsc: NodeSmsc, tap: Recorder, *, text: str = "退订", source: str = SOURCE, person: str = PERSON
) -> None:
    """A UCS-2 reply of the person reaches the ESME octet for octet, vendor TLV included, and its answer comes back."""
    before = len(esme.frames(DELIVER_SM))
    session = await smsc.bound()
    answer = await smsc.deliver(
        session,
        source=person,
        destination=source,
        message=text.encode("utf-16-be"),
        data_coding=8,
        tlvs={VENDOR_TAG: VENDOR_VALUE},
    )
    assert (answer.command, answer.status) == (DELIVER_SM | RESP, 0)
    got = _mo(await esme.received(DELIVER_SM, before + 1))[-1]
    written = _mo(await smsc.sent(DELIVER_SM))[-1]
    assert got.same_but_sequence(written)
    assert read_message(got).tlvs == ((VENDOR_TAG, VENDOR_VALUE),)
    assert read_message(got).text == text


async def sends_a_vendor_tlv(esme: NodeEsme | AiosmpplibEsme, smsc: NodeSmsc, tap: Recorder) -> None:
    """A vendor TLV of the ESME reaches the carrier octet for octet, and comes back in the receipt that echoes it."""
    answer = await esme.submit(
        source=SOURCE, destination=PERSON, text=MARKETING, registered=1, tlvs={VENDOR_TAG: VENDOR_VALUE}
    )
    assert answer.status == 0
    at_carrier = (await tap.wait(sent=SUBMIT_SM))[-1]
    assert at_carrier.same_but_sequence((await esme.sent(SUBMIT_SM))[-1])
    assert (VENDOR_TAG, VENDOR_VALUE) in read_message(at_carrier).tlvs
    receipt = await receipt_of(esme, answer.body.rstrip(b"\0"))
    assert (VENDOR_TAG, VENDOR_VALUE) in read_message(receipt).tlvs


async def hears_a_refusal(esme: LibraryEsme, smsc: NodeSmsc, tap: Recorder, *, status: int = 0x45) -> None:
    """A refusal by the carrier reaches the ESME with its status, and the bind lives on."""
    await smsc.behave(status=status)
    refused = await esme.submit(source=SOURCE, destination=PERSON, text=MARKETING)
    assert refused.status == status
    await smsc.behave(status=0)
    assert (await esme.submit(source=SOURCE, destination=PERSON, text=MARKETING)).status == 0


async def kannel_does_all(kannel: KannelEsme, smsc: NodeSmsc, tap: Recorder) -> None:
    """Kannel: a Chinese text with a vendor TLV out, its receipts and a reply with a binary vendor TLV in."""
    said = await kannel.submit(
        source=SOURCE,
        destination="+" + PERSON,
        text=MARKETING,
        registered=1,
        tag="first",
        tlvs={VENDOR_TAG: VENDOR_VALUE},
    )
    assert said.status == 202
    message = read_message((await tap.wait(sent=SUBMIT_SM))[0])
    assert (message.source, message.destination, message.text) == (SOURCE, PERSON, MARKETING)
    assert (VENDOR_TAG, VENDOR_VALUE) in message.tlvs
    await kannel.sink.wait("/dlr", match=lambda p: p.query["tag"] == "first" and p.query["type"] == "8")
    await kannel.sink.wait("/dlr", match=lambda p: p.query["tag"] == "first" and p.query["type"] == "1")
    session = await smsc.bound()
    answer = await smsc.deliver(
        session,
        source=PERSON,
        destination=SOURCE,
        message="退订".encode("utf-16-be"),
        data_coding=8,
        tlvs={VENDOR_TAG: b"\0\x01\xff"},
    )
    assert answer.status == 0
    (reply,) = await kannel.sink.wait("/mo")
    assert (reply.query["from"], reply.query["to"]) == ("+" + PERSON, SOURCE)
    assert reply.octets("text").decode("utf-16-be") == "退订"
    assert reply.octets("meta") == b"?smpp?vendor=%00%01%FF&"


async def kannel_hears_a_refusal(kannel: KannelEsme, smsc: NodeSmsc, tap: Recorder, *, status: int = 0x45) -> None:
    """A refusal reaches Kannel's dlr-url as "refused by the SMSC" with its status, and is not sent again."""
    await smsc.behave(status=status)
    await kannel.submit(source=SOURCE, destination="+" + PERSON, text=MARKETING, registered=1, tag="refused")
    (posted,) = await kannel.sink.wait("/dlr", match=lambda p: p.query["tag"] == "refused")
    assert posted.query["type"] == "16"
    assert f"0x{status:08x}" in posted.query["reply"]
    await smsc.behave(status=0)
    await kannel.submit(source=SOURCE, destination="+" + PERSON, text=MARKETING, registered=1, tag="after")
    await kannel.sink.wait("/dlr", match=lambda p: p.query["tag"] == "after" and p.query["type"] == "8")
    assert len(tap.sent(SUBMIT_SM)) == 2
