"""Four foreign stacks share one pool of two foreign SMSCs: long texts, receipts and replies, all accounted for.

Kannel, node-smpp, smpplib and aiosmpplib send for four institutions, in parts and in single PDUs; two node-smpp SMSCs
that number their messages alike serve a route each, with two binds. At the end everything adds up by count and by
content: texts joined at the carriers, ids in receipts, whose reply went where, and whose refusal holds.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.interop import invented
from tests.interop.books import Asked, deliveries, octets, submits
from tests.interop.peers.kannel import KannelEsme
from tests.interop.peers.node import NodeEsme, NodeSmsc
from tests.interop.peers.python_esmes import AiosmpplibEsme, SmpplibEsme
from tests.interop.peers.target import Target
from tests.interop.tdgate_house import PACK, House
from tests.tools.recorder import Recorder, Tape
from tests.tools.wire import BIND_TRX, CANCEL_SM, DELIVER_SM, RESP, SUBMIT_SM, Frame, read_message
from tests.wire.house import make_template

pytestmark = pytest.mark.interop

Esme = NodeEsme | SmpplibEsme | AiosmpplibEsme | KannelEsme
SHORT = "【示例机构】“安居贷”年化3.5%起，详询柜台，回T退订"
LONG = (
    "【示例机构】尊敬的客户，春季理财活动开始：" + "满额即享礼遇，名额有限，先到先得；" * 8 + "详询柜台，拒收请回复TD"
)
REFUSED = {"kannel": 0x0429, "node": 0x0429, "smpplib": 0x0429, "aio": 0x0B}


@dataclass(frozen=True)
class Party:
    """One stack: its account, institution, number and persons (the last two refuse)."""

    name: str
    stack: type[Esme]
    institution: str
    number: str
    place: int

    @property
    def persons(self) -> list[str]:
        return [f"861380020{self.place}{each:03}" for each in range(8)]


PARTIES = (
    Party("kannel", KannelEsme, "jianglan", "10690001", 1),
    Party("node", NodeEsme, "yunxiu", "10690101", 2),
    Party("smpplib", SmpplibEsme, "xingqiao", "10690202", 3),
    Party("aio", AiosmpplibEsme, "zehe", "10690301", 4),
)
#: What the last persons of each party write.
REFUSALS = ("TD", "退订")


def registry() -> dict[str, list[invented.Row]]:
    rows = invented.base()
    for party in PARTIES:
        own = {"code_map": "standard"} if party.stack is AiosmpplibEsme else {}
        rows["licences"].append(invented.licence(party.institution, ["marketing"]))
        rows["numbers"].append(invented.number(party.number, party.institution, ["marketing"]))
        rows["accounts"].append(invented.account(party.name, party.institution, ["marketing"], route="pool", **own))
        rows["consents"] += [invented.consent(person, party.institution) for person in party.persons]
    return rows


@pytest.fixture(scope="session")
def four_institutions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_template(tmp_path_factory.mktemp("four") / "template", registry())


async def open_pool(house: House, taps: dict[str, Recorder]) -> None:
    """Starts tdgate with one pool over both taps; returns when all four carrier binds stand."""
    pack = house.folder / "pack.toml"
    pack.write_text(PACK, encoding="utf-8")
    routes = {
        name: {"port": tap.port, "system_id": f"gate-{name}", "password": "pw", "binds": 2}
        for name, tap in taps.items()
    }
    await house.start(
        smpp={"parts_quiet_ms": 8000, "delivery_retry_s": 0.2},
        routes=routes,
        policy={"pack": str(pack)},
        **{"smpp.pools.pool": {"routes": list(routes)}},
    )
    for tap in taps.values():
        await tap.wait(returned=BIND_TRX | RESP, count=2)


# ---- what each stack sends -----------------------------------------------------------------------------------------


def in_sar(text: str, ref: int) -> list[dict[str, object]]:
    """The fields of the parts of a long text under SAR TLVs, as node-smpp takes them."""
    said = text.encode("utf-16-be")
    pieces = [said[at : at + 120] for at in range(0, len(said), 120)]
    return [
        {"message": piece, "sar_msg_ref_num": ref, "sar_total_segments": len(pieces), "sar_segment_seqnum": place}
        for place, piece in enumerate(pieces, start=1)
    ]


async def send(party: Party, esme: Esme, person: str, text: str, tag: str, how: str = "") -> list[int]:
    """Sends one text as its stack does, with a receipt asked for; the statuses that its sender heard."""
    if isinstance(esme, KannelEsme):
        await esme.submit(source=party.number, destination="+" + person, text=text, registered=1, tag=tag)
        told = await esme.sink.wait(
            "/dlr", match=lambda post: post.query["tag"] == tag and post.query["type"] in ("8", "16")
        )
        return [int(post.query["reply"].split("/")[1], 16) if post.query["type"] == "16" else 0 for post in told]
    if isinstance(esme, SmpplibEsme):
        answers = await esme.submit_parts(source=party.number, destination=person, text=text, registered=1)
    elif isinstance(esme, NodeEsme) and how == "sar":
        answers = await asyncio.gather(
            *(
                esme.submit(source=party.number, destination=person, registered=1, data_coding=8, **part)
                for part in in_sar(text, 77)
            )
        )
    elif isinstance(esme, NodeEsme) and how == "payload":
        answers = [
            await esme.submit(
                source=party.number,
                destination=person,
                message=b"",
                data_coding=8,
                registered=1,
                tlvs={0x0424: text.encode("utf-16-be")},
            )
        ]
    else:
        answers = [await esme.submit(source=party.number, destination=person, text=text, registered=1)]
    return [answer.status for answer in answers]


def jobs(party: Party) -> list[tuple[str, str, str]]:
    """person, text and how of everything that a party sends at first; every text is told apart."""
    texts = [SHORT, LONG, SHORT, LONG, LONG, SHORT, SHORT, LONG]
    hows = ["", "sar", "", "payload", "sar", "", "", "payload"]
    return [
        (person, f"{text}{party.name}{place}", how)
        for place, (person, text, how) in enumerate(zip(party.persons, texts, hows, strict=True))
    ]


# ---- reading the taps ----------------------------------------------------------------------------------------------


def joined(frames: Iterable[Frame]) -> Counter[tuple[str, str, str]]:
    """(source, destination, text) of each message, its parts put together whatever kind of header they have."""
    parts: dict[tuple[str, str, int], dict[int, bytes]] = {}
    found: Counter[tuple[str, str, str]] = Counter()
    for frame in frames:
        message = read_message(frame)
        tlvs = dict(message.tlvs)
        assert message.data_coding == 8
        said, place, total, ref = message.short_message, 1, 1, 0
        if message.esm_class & 0x40:
            size = said[0] + 1
            assert said[1:3] == b"\0\x03"
            ref, total, place = said[3:6]
            said = said[size:]
        elif 0x020C in tlvs:
            ref, total, place = (int.from_bytes(tlvs[tag]) for tag in (0x020C, 0x020E, 0x020F))
        elif 0x0424 in tlvs:
            said = tlvs[0x0424]
        if total == 1:
            found[(message.source, message.destination, said.decode("utf-16-be"))] += 1
            continue
        whole = parts.setdefault((message.source, message.destination, ref), {})
        assert place not in whole
        whole[place] = said
        if len(whole) == total:
            text = b"".join(whole[each] for each in sorted(whole)).decode("utf-16-be")
            found[(message.source, message.destination, text)] += 1
            del parts[(message.source, message.destination, ref)]
    assert not parts, "parts without their rest"
    return found


def is_receipt(frame: Frame) -> bool:
    return read_message(frame).esm_class & 0x3C == 4


def named_by(receipt: Frame) -> tuple[str, str, str]:
    """The id that a receipt names, in text and TLV alike, and between whom."""
    message = read_message(receipt)
    in_text = message.short_message.decode("ascii").split()[0].removeprefix("id:")
    assert dict(message.tlvs)[0x1E] == in_text.encode() + b"\0"
    return in_text, message.destination, message.source


def given_by(asked: list[Asked]) -> Counter[tuple[str, str, str]]:
    """(id, source, destination) of what was accepted with a receipt asked for."""
    found: Counter[tuple[str, str, str]] = Counter()
    for one in asked:
        message = read_message(one.request)
        if one.answer is not None and one.answer.status == 0 and message.registered & 3:
            found[(one.answer.body.rstrip(b"\0").decode(), message.source, message.destination)] += 1
    return found


def account_of(tape: Tape) -> str:
    body = tape.up[0].body
    return body[: body.index(0)].decode()


# ---- the job -------------------------------------------------------------------------------------------------------


def halves_of(party: Party) -> tuple[str, str]:
    """A reply that its handset splits."""
    return ("您好，我想了解一下这个活动的具体内容" * 3)[:60], "，谢谢。" + party.name


async def replies_of(party: Party, smsc: NodeSmsc, session: int) -> list[bytes]:
    """What a party's persons write: something short, something in two parts, and two refusals. Gives the octets."""
    said = [(party.persons[0], "请问是哪家机构？".encode("utf-16-be"), 0)]
    for place, half in enumerate(halves_of(party), start=1):
        header = bytes([5, 0, 3, 40 + party.place, 2, place])
        said.append((party.persons[1], header + half.encode("utf-16-be"), 0x40))
    refusing = zip(party.persons[-len(REFUSALS) :], REFUSALS, strict=True)
    said += [(person, refusal.encode("utf-16-be"), 0) for person, refusal in refusing]
    answers = await asyncio.gather(
        *(
            smsc.deliver(
                session, source=person, destination=party.number, message=message, data_coding=8, esm_class=kind
            )
            for person, message, kind in said
        )
    )
    assert [(answer.command, answer.status) for answer in answers] == [(DELIVER_SM | RESP, 0)] * len(said)
    return [message for _, message, _ in said]


async def test_four_stacks_share_two_routes_and_everything_is_accounted_for(
    four_institutions: Path, tmp_path: Path
) -> None:
    async with contextlib.AsyncExitStack() as standing:
        smscs, taps = {}, {}
        for name, spelling in (("one", "padded"), ("two", "short")):
            smsc = await standing.enter_async_context(NodeSmsc(tmp_path, name=f"smsc-{name}"))
            # Both number alike, from a number on whose decimal digits are another hexadecimal id.
            await smsc.behave(receipt="after", id_prefix="", next_id=0x10, receipt_id=spelling)
            smscs[name], taps[name] = smsc, await standing.enter_async_context(Recorder(smsc.port))
        house = await standing.enter_async_context(House(four_institutions, tmp_path, carrier_port=0))
        await open_pool(house, taps)
        front = await standing.enter_async_context(Recorder(house.port))

        async def bind(party: Party) -> tuple[str, Esme]:
            esme = party.stack(Target("127.0.0.1", front.port, party.name, "secret"), tmp_path / party.name)
            return party.name, await standing.enter_async_context(esme)

        esmes = dict(await asyncio.gather(*map(bind, PARTIES)))

        async def send_own(party: Party) -> None:
            for place, (person, text, how) in enumerate(jobs(party)):
                statuses = await send(party, esmes[party.name], person, text, f"first{place}", how)
                assert set(statuses) == {0}, (party.name, place, statuses)

        await asyncio.gather(*map(send_own, PARTIES))
        sent = Counter((party.number, person, text) for party in PARTIES for person, text, _ in jobs(party))

        # Every receipt is there: what has one is not taken back by what follows.
        await front.wait(sent=DELIVER_SM | RESP, count=at_carriers_with_receipt(taps))
        # The persons answer, over either route.
        said: dict[str, list[bytes]] = {}
        for place, party in enumerate(PARTIES):
            smsc = smscs[("one", "two")[place % 2]]
            said[party.name] = await replies_of(party, smsc, await smsc.bound())

        # Whoever refused is left alone by everybody who sends for that institution.
        for party in PARTIES:
            for person in party.persons[-len(REFUSALS) :]:
                statuses = await send(party, esmes[party.name], person, SHORT, f"late{person}")
                assert statuses == [REFUSED[party.name]], party.name

        # Everything that is on its way has arrived.
        at_carriers = sum(len(tap.sent(SUBMIT_SM)) for tap in taps.values())
        expected = at_carriers_with_receipt(taps) + sum(map(len, said.values()))
        await front.wait(sent=DELIVER_SM | RESP, count=expected)
        kannel = esmes["kannel"]
        assert isinstance(kannel, KannelEsme)
        texts_of_kannel = jobs(PARTIES[0])
        arrived = await kannel.sink.wait(
            "/dlr", match=lambda post: post.query["type"] == "1", count=len(texts_of_kannel)
        )
        # The two parts are one reply to Kannel.
        heard_by_kannel = await kannel.sink.wait("/mo", count=len(said["kannel"]) - 1)

        # Books of the texts: what was sent, joined at the carriers; each message by one route, and both had some.
        by_route = {name: joined(tap.sent(SUBMIT_SM)) for name, tap in taps.items()}
        assert by_route["one"] + by_route["two"] == sent
        assert min(by_route["one"].total(), by_route["two"].total()) >= 4
        assert all(len(tap.tapes) == 2 for tap in taps.values())
        # Octet for octet, but for the sequence_number.
        asked = submits(front)
        assert all(one.answer is not None for one in asked)
        permitted = [one for one in asked if one.answer is not None and one.answer.status == 0]
        assert octets(one.request for one in permitted) == octets(
            frame for tap in taps.values() for frame in tap.sent(SUBMIT_SM)
        )
        assert len(asked) - len(permitted) == len(REFUSALS) * len(PARTIES)
        # Books of the receipts: for each id that an ESME was given, to it and nobody else, in text and TLV.
        for party in PARTIES:
            tapes = [tape for tape in front.tapes if account_of(tape) == party.name]
            own = [one for one in permitted for tape in tapes if one.request in tape.up]
            receipts = [f for tape in tapes for f in tape.down if f.command == DELIVER_SM and is_receipt(f)]
            assert Counter(map(named_by, receipts)) == given_by(own)
            assert given_by(own).total() == len({message_id for message_id, _, _ in given_by(own)})
            # Books of the replies: its own, each once, as the persons wrote them.
            heard = [f for tape in tapes for f in tape.down if f.command == DELIVER_SM and not is_receipt(f)]
            assert Counter(read_message(f).short_message for f in heard) == Counter(said[party.name])
            assert {read_message(f).destination for f in heard} == {party.number}
        for one in (*deliveries(front), *(each for tap in taps.values() for each in deliveries(tap))):
            assert one.answer is not None
            assert (one.answer.command, one.answer.status) == (DELIVER_SM | RESP, 0)
        # What Kannel made of it: it knows the id in each receipt, and joined the reply in parts.
        assert Counter(post.query["tag"] for post in arrived) == Counter(
            f"first{n}" for n in range(len(texts_of_kannel))
        )
        assert Counter(post.octets("text").decode("utf-16-be") for post in heard_by_kannel) == Counter(
            ["请问是哪家机构？", "".join(halves_of(PARTIES[0])), *REFUSALS]
        )
        # Books of tdgate.
        for tap in taps.values():
            await tap.wait(returned=CANCEL_SM | RESP, count=len(tap.sent(CANCEL_SM)))
        told = await house.counters()
        for wrong in (
            "receipt.unmatched",
            "receipt.unrenamed",
            "reply.unattributed",
            "delivery.rejected",
            "carrier.lost",
        ):
            assert not told.get(wrong), wrong
        await standing_down(esmes.values())
        await house.drain()
        refused = len(REFUSALS) * len(PARTIES)
        assert house.by_rule() == {("allow", ""): sent.total(), ("deny", "suppression.active"): refused}
        assert len(house.suppressions()) == refused
        # A TD takes back what has no receipt: the parts of a text for which its stack asked for none.
        refusing = {person for party in PARTIES for person in party.persons[-len(REFUSALS) :]}
        open_parts = [
            message
            for tap in taps.values()
            for message in map(read_message, tap.sent(SUBMIT_SM))
            if message.destination in refusing and not message.registered & 3
        ]
        assert Counter(one.result for one in house.outcomes()) == Counter({"cancelled": len(open_parts)})
        code, out, _ = await house.command("counts", "--json")
        assert code == 0, out
        rows = {row["account"]: row for row in json.loads(out)["rows"] if row["submitted"]}
        for party in PARTIES:
            row = rows[party.name]
            assert (row["submitted"], row["permitted"], row["refused"]) == (10, 8, 2)
            assert (row["accepted"], row["rejected"], row["unknown"]) == (8, 0, 0)
        house.check_evidence()
    assert at_carriers == len(permitted)


def at_carriers_with_receipt(taps: dict[str, Recorder]) -> int:
    return sum(read_message(frame).registered & 3 != 0 for tap in taps.values() for frame in tap.sent(SUBMIT_SM))


async def standing_down(esmes: Iterable[Esme]) -> None:
    for esme in esmes:
        if isinstance(esme, KannelEsme):
            await esme.shut_down()
