"""The main job on real input: foreign ESMEs, a foreign SMSC, every example message, and books that balance.

Each account is one of four stacks. Every message, decision, receipt and reply is accounted for at the end, by count and
by content: nothing that should not have reached the carrier did, nothing that should was changed, lost or doubled.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from pathlib import Path

import pytest

from tests.interop import plan
from tests.interop.books import deliveries, settle
from tests.interop.peers.kannel import KannelEsme
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.interop.peers.target import Target
from tests.interop.plan import Sent
from tests.interop.tdgate_house import House
from tests.tools.recorder import Recorder
from tests.tools.wire import DELIVER_SM, RESP, SUBMIT_SM, Frame, read_message
from tests.wire.house import make_template

pytestmark = pytest.mark.interop

PERMITTED = plan.PERMIT
Esme = NodeEsme | SmpplibEsme | AiosmpplibEsme | KannelEsme
#: aiosmpplib has the accounts with standard codes: a vendor's code would cost it its bind.
STACKS: dict[str, type[Esme]] = {
    "jl-mkt": KannelEsme,
    "jl-col": SmpplibEsme,
    "jl-svc": AiosmpplibEsme,
    "yx-mkt": NodeEsme,
    "yx-col": AiosmpplibEsme,
    "xq-mkt": SmpplibEsme,
    "xq-svc": NodeEsme,
    "zh-mkt": NodeEsme,
    "lh-mkt": AiosmpplibEsme,
    "dl-ins": SmpplibEsme,
    "yh-svc": KannelEsme,
    "rv-mkt": NodeEsme,
    "yl-zh": SmpplibEsme,
    "yl-yx": NodeEsme,
    "mt-xq": KannelEsme,
    "mt-jl": AiosmpplibEsme,
}
#: (vendor codes, codes of SMPP v3.4) of the rules that refuse here.
STATUS = {
    "address.invalid": (0x0A, 0x0A),
    "fraud.hold": (0x450, 0x45),
    "number.disposed": (0x41A, 0x0A),
    "number.unregistered": (0x418, 0x0A),
    "number.expired": (0x419, 0x0A),
    "entrustment.missing": (0x414, 0x45),
    "entrustment.expired": (0x415, 0x45),
    "licence.scope": (0x410, 0x45),
    "purpose.mismatch": (0x41C, 0x45),
    "suppression.active": (0x429, 0x0B),
    "consent.missing": (0x428, 0x0B),
    "hours.closed": (0x440, 0x45),
}
CODECS = {0: "latin-1", 1: "ascii", 3: "latin-1", 8: "utf-16-be", 15: "gb18030"}


def status_of(sent: Sent, rule: str) -> int:
    """The status that the sender of a line hears."""
    if not rule:
        return 0
    if rule == "address.invalid" and sent.line.destination is not None:
        return 0x0B
    return STATUS[rule][STACKS[sent.line.account] is AiosmpplibEsme]


async def submit(esme: Esme, sent: Sent, tag: str) -> int:
    """Sends one line with a receipt asked for; the status that its sender was told."""
    source, destination = sent.line.source, sent.destination
    if isinstance(esme, KannelEsme):
        await esme.submit(source=source, destination="+" + destination, text=sent.text, registered=1, tag=tag)
        (posted,) = await esme.sink.wait(
            "/dlr", match=lambda post: post.query["tag"] == tag and post.query["type"] in ("8", "16")
        )
        return int(posted.query["reply"].split("/")[1], 16) if posted.query["type"] == "16" else 0
    if isinstance(esme, NodeEsme):
        ton = 0 if source.isdigit() else 5
        answer = await esme.submit(
            source=source, destination=destination, text=sent.text, registered=1, source_addr_ton=ton
        )
    else:
        answer = await esme.submit(source=source, destination=destination, text=sent.text, registered=1)
    return answer.status


def content(frame: Frame) -> tuple[str, str, str]:
    """Source, destination and text of a submit_sm, read by the tests' own reader."""
    message = read_message(frame)
    text = message.short_message.decode(CODECS[message.data_coding])
    # GSM 03.38, which node-smpp writes under 1 too, has the @ at 0; the other signs of these texts are as in ASCII.
    return message.source, message.destination, text.replace("\0", "@") if message.data_coding < 2 else text


@pytest.fixture(scope="session")
def institutions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("institutions") / "template", plan.registry())


async def test_the_main_job_with_real_stacks_on_real_input(
    institutions: Path, carrier_tap: Recorder, node_smsc: NodeSmsc, tmp_path: Path
) -> None:
    messages = plan.messages()
    house = House(institutions, tmp_path, carrier_port=carrier_tap.port)
    async with house, contextlib.AsyncExitStack() as standing:
        await house.open()
        front = await standing.enter_async_context(Recorder(house.port))

        async def bind(name: str, stack: type[Esme]) -> tuple[str, Esme]:
            esme = stack(Target("127.0.0.1", front.port, name, "secret"), tmp_path / name)
            return name, await standing.enter_async_context(esme)

        esmes = dict(await asyncio.gather(*(bind(name, stack) for name, stack in STACKS.items())))

        async def send_all(of: list[Sent], round_name: str) -> list[int]:
            """Each ESME sends its own lines in order, all ESMEs at once."""
            heard: dict[int, int] = {}

            async def send_own(name: str) -> None:
                for place, sent in enumerate(of):
                    if sent.line.account == name:
                        heard[place] = await submit(esmes[name], sent, f"{round_name}{place}")

            await asyncio.gather(*(send_own(name) for name in STACKS))
            return [heard[place] for place in range(len(of))]

        # The first round: what the registry says is what each sender hears.
        assert await send_all(messages, "first") == [status_of(sent, sent.line.refused) for sent in messages]
        # The people answer, each on the bind that wrote to them.
        permitted = [sent for sent in messages if not sent.line.refused]
        answering = [sent for sent in permitted if sent.line.reply]
        for sent in answering:
            line = sent.line
            said = await node_smsc.deliver(
                await node_smsc.bound(line.account),
                source=sent.person,
                destination=line.source,
                dest_addr_ton=0 if line.source.isdigit() else 5,
                message=line.reply.encode(CODECS[line.coding]),
                data_coding=line.coding,
            )
            assert (said.command, said.status) == (DELIVER_SM | RESP, 0)
        # The second round: everybody writes again, and those who refused are left alone.
        expected = ["suppression.active" if sent.line.closes else PERMITTED for sent in permitted]
        assert await send_all(permitted, "second") == [
            status_of(sent, rule) for sent, rule in zip(permitted, expected, strict=True)
        ]
        through = len(permitted) + expected.count(PERMITTED)
        await carrier_tap.wait(sent=DELIVER_SM | RESP, count=through + len(answering))
        told = await house.status(
            lambda status: sum(row["submitted"] for row in status["binds"]) == len(messages) + len(permitted)
        )

        # Books of the wire.
        books = settle(front, carrier_tap)
        assert len(books.permitted) == through
        assert len(books.permitted) + len(books.refused) == len(messages) + len(permitted)
        passing = permitted + [sent for sent, rule in zip(permitted, expected, strict=True) if not rule]
        wanted = Counter((sent.line.source, sent.destination, sent.text) for sent in passing)
        assert Counter(content(frame) for frame in carrier_tap.sent(SUBMIT_SM)) == wanted
        # Books of the receipts: one for each message_id that was given, to the sender that was given it.
        for tape in front.tapes:
            given = Counter(f.body.rstrip(b"\0") for f in tape.down if f.command == SUBMIT_SM | RESP and not f.status)
            receipts = [f for f in tape.down if f.command == DELIVER_SM and read_message(f).esm_class == 4]
            named = Counter(value.rstrip(b"\0") for f in receipts for tag, value in read_message(f).tlvs if tag == 0x1E)
            assert named == given
        assert len(deliveries(front)) == through + len(answering)
        # Books of tdgate, bind by bind.
        assert {row["account"] for row in told["binds"]} == set(STACKS)
        for row in told["binds"]:
            assert row["submitted"] == row["permitted"] + row["refused"] + row["deferred"]
            assert row["deferred"] == row["esme_in_flight"] == row["carrier_in_flight"] == 0
        assert sum(row["permitted"] for row in told["binds"]) == through
        assert sum(row["replies"] for row in told["binds"]) == len(answering)

        await standing.aclose()
        await house.drain()
    rules = Counter(sent.line.refused for sent in messages) + Counter(expected)
    assert house.by_rule() == {("deny" if rule else "allow", rule): count for rule, count in rules.items()}
    assert Counter(one.account for one in house.decisions()) == Counter(
        sent.line.account for sent in [*messages, *permitted]
    )
    closing = [sent for sent in answering if sent.line.closes]
    # One more: TD to the number of a service notice closes marketing, which that number never was for.
    assert len(house.suppressions()) == len(closing) + 1
    house.check_evidence()
    secrets = [octets for sent in messages for octets in (sent.person[2:].encode(), sent.text.encode())]
    for file in (house.folder / "tdgate.log", *(house.state / "evidence").iterdir()):
        assert not [secret for secret in secrets if secret in file.read_bytes()]
