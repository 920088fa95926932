"""The mirror on the socket: the carrier is asked, its word is passed on, and octets pass as they are."""

from __future__ import annotations

import asyncio
import signal

import pytest

from tests.tools.raw_smsc import RawSession, RawSmsc
from tests.tools.wire import (
    BIND_RX,
    BIND_TRX,
    BIND_TX,
    DATA_SM,
    DELIVER_SM,
    ENQUIRE_LINK,
    GENERIC_NACK,
    RESP,
    SUBMIT_SM,
    UNBIND,
    Frame,
    bind_body,
    cstring,
    data_sm_body,
    message_body,
    pdu,
    receipt_text,
    tlv,
)
from tests.wire.house import ROOT, House, reply, text
from tests.wire.people import PASSWORD, PERSONS

pytestmark = pytest.mark.wire

ONEWAY, THROTTLED, UNKNOWN_OUTCOME, LATER = 0x0403, 0x58, 0x0460, 0x14
ALERT = 0x102
PACK = ROOT / "config/packs/cn-open.toml"


async def until_answered(esme: object, count: int) -> list[Frame]:
    """The first `count` answers to messages that come."""
    return [await esme.expect(SUBMIT_SM | RESP) for _ in range(count)]  # type: ignore[attr-defined]


# ---- binding ----------------


async def test_the_carriers_status_is_the_answer_to_the_bind(house: House) -> None:
    await house.start()
    for status in (0x0D, 0x0E, 0x05, 0x58, 0x0411):
        house.smsc.bind_status = status
        esme = await house.connect()
        answer = await esme.bind("jl", PASSWORD)
        assert (answer.command, answer.status, len(answer.raw)) == (BIND_TRX | RESP, status, 16)
        await esme.wait_closed()
        await house.event("bind.refused", status=status, reason="carrier refused")
    house.smsc.bind_status = 0
    await house.bind("jl")
    await house.end()


async def test_the_esme_waits_until_the_carrier_has_answered(house: House) -> None:
    asked: asyncio.Queue[tuple[Frame, RawSession]] = asyncio.Queue()

    def later(frame: Frame, session: RawSession) -> bytes | None:
        if frame.command != BIND_TRX:
            return None
        asked.put_nowait((frame, session))
        return b""

    house.smsc.answer = later
    await house.start()
    esme = await house.connect()
    body = bind_body("jl", PASSWORD, system_type="cp", addr_range="1069")
    await esme.submit(BIND_TRX, body)
    frame, session = await asked.get()
    # What the ESME said is what the carrier hears, and the carrier's own octets come back.
    assert frame.body == body
    assert esme.received == []
    said = cstring("CARRIER") + tlv(0x0210, b"\x34") + tlv(0x1599, b"\0\xff")
    await session.send(pdu(BIND_TRX | RESP, said, sequence=frame.sequence))
    answer = await esme.expect(BIND_TRX | RESP)
    assert (answer.status, answer.body, answer.sequence) == (0, said, 1)
    await house.end()


@pytest.mark.parametrize("command", [BIND_TX, BIND_RX, BIND_TRX], ids=["tx", "rx", "trx"])
async def test_a_bind_of_its_kind_goes_to_the_carrier(command: int, house: House) -> None:
    await house.start()
    await house.bind("jl", command)
    assert (await house.session("jl")).bind_command == command
    await house.end()


async def test_a_carrier_that_is_not_there_is_a_system_error(house: House) -> None:
    await house.start(route={"connect_timeout_s": 0.5})
    standing = await house.bind("jl")
    await house.smsc.close()
    await standing.wait_closed()
    esme = await house.connect()
    answer = await esme.bind("jl", PASSWORD)
    assert (answer.command, answer.status) == (BIND_TRX | RESP, 0x08)
    await house.event("carrier.unreachable")
    await house.smsc.listen()
    await house.bind("jl")
    await house.end()


STRANGE = {
    "nothing": b"",
    "a nack without status": pdu(GENERIC_NACK),
    "another's response": pdu(SUBMIT_SM | RESP, cstring("1")),
    "an enquire_link_resp": pdu(ENQUIRE_LINK | RESP),
    "another kind of bind": pdu(BIND_TX | RESP, cstring("x")),
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n",
}


async def test_no_other_word_of_the_carrier_binds(house: House) -> None:
    await house.start(route={"connect_timeout_s": 0.5})

    async def one(octets: bytes) -> None:
        esme = await house.connect()
        house.smsc.answer = lambda frame, _session: octets if frame.command == BIND_TRX else None
        answer = await esme.bind("jl", PASSWORD)
        assert (answer.command, answer.status in (0x08, 0x0D)) == (BIND_TRX | RESP, True), octets
        await esme.wait_closed()

    for octets in STRANGE.values():
        await one(octets)
    await house.end()


async def test_max_binds_addresses_routes_and_reviews(house: House) -> None:
    await house.start()
    first, _ = await house.bind("jl-max"), await house.bind("jl-max")
    for account, status in (
        ("jl-max", 0x0D),
        ("jl-far", 0x0D),
        ("unreviewed", 0x0D),
        ("expired", 0x0D),
        ("jl-noroute", 0x08),
    ):
        esme = await house.connect()
        assert ((await esme.bind(account, PASSWORD)).status, account) == (status, account)
        await esme.wait_closed()
    assert len(house.smsc.sessions) == 2
    await house.bind("jl-near")
    # One goes, another may come.
    assert (await first.request(UNBIND)).status == 0
    await house.event("bind.closed", account="jl-max")
    await house.bind("jl-max")
    await house.end()
    assert house.refused_by() == ["account.unreviewed", "telecom.licence"]


async def test_routes_have_their_own_carrier_and_credentials(house: House) -> None:
    async with RawSmsc() as second:
        await house.start(routes={"second": {"port": second.port, "system_id": "GATE", "password": "hidden-1"}})
        one, two = await house.bind("jl"), await house.bind("jl-b")
        assert (await second.bound("GATE")).received[0].body.startswith(cstring("GATE") + cstring("hidden-1"))
        for esme in (one, two):
            assert (await esme.request(SUBMIT_SM, text())).status == 0
        assert (len(house.smsc.of(SUBMIT_SM)), len(second.of(SUBMIT_SM))) == (1, 1)
        # Losing one costs the other nothing.
        await second.close()
        await two.wait_closed()
        assert (await one.request(SUBMIT_SM, text())).status == 0
        await house.end()


# ---- octets ----------------


async def test_everything_passes_octet_for_octet_in_both_directions(house: House) -> None:
    await house.start()
    esme = await house.bind("jl", auto=())
    session = await house.session("jl")
    vendor = tlv(0x1501, b"\0\1\xff") + tlv(0x3FFF, b"") + tlv(0x0005, b"\1") + tlv(0x2001, bytes(200))
    said = cstring("id-é".encode("latin-1")) + tlv(0x1400, b"\0") + b""
    house.smsc.answer = lambda one, _: pdu(SUBMIT_SM | RESP, said, sequence=one.sequence)
    body = text(tlvs=vendor, registered=1, priority=2, source_ton=3, service_type="CMT")
    answer = await esme.request(SUBMIT_SM, body)
    assert (answer.status, answer.body) == (0, said)
    assert house.smsc.of(SUBMIT_SM)[0].body == body
    # A refusal of the carrier, with a body and a status of its own.
    house.smsc.answer = lambda one, _: pdu(SUBMIT_SM | RESP, b"x\0" + vendor, status=0x4FF, sequence=one.sequence)
    answer = await esme.request(SUBMIT_SM, body)
    assert (answer.status, answer.body) == (0x4FF, b"x\0" + vendor)
    # A nack is passed on as a nack.
    house.smsc.answer = lambda one, _: pdu(GENERIC_NACK, status=0xFE, sequence=one.sequence)
    answer = await esme.request(SUBMIT_SM, body)
    assert (answer.command, answer.status) == (GENERIC_NACK, 0xFE)
    # And the other way.
    for command, down in (
        (DELIVER_SM, reply("hello", tlvs=vendor)),
        (DELIVER_SM, reply(receipt_text("1").decode(), esm_class=4, tlvs=vendor)),
        (DATA_SM, data_sm_body(PERSONS[0], "10690001", "你好".encode("utf-16-be"), data_coding=8, tlvs=vendor)),
    ):
        sequence = await session.deliver(down, command)
        seen = await esme.expect(command)
        assert seen.body == down
        await esme.send(pdu(command | RESP, b"\0" + vendor, status=0x65, sequence=seen.sequence))
        answered = await session.answered(sequence, command)
        assert (answered.status, answered.body) == (0x65, b"\0" + vendor)
    alert = bytes([1, 1]) + cstring(PERSONS[0]) + bytes([1, 1]) + cstring("10690001") + tlv(0x0422, b"\0")
    await session.send(pdu(ALERT, alert, sequence=99))
    assert (await esme.expect(ALERT)).body == alert
    await house.end()
    assert [(one.result, one.status) for one in house.outcomes()] == [("rejected", 0x4FF), ("rejected", 0xFE)]


async def test_a_receipt_before_its_response_waits_for_it(house: House) -> None:
    held: list[Frame] = []
    house.smsc.answer = lambda frame, _: held.append(frame) or b"" if frame.command == SUBMIT_SM else None  # type: ignore[func-returns-value]
    await house.start()
    esme = await house.bind("jl")
    session = await house.session("jl")
    await esme.submit(SUBMIT_SM, text(registered=1))
    (asked,) = await house.smsc.wait_for(SUBMIT_SM)
    early = await session.deliver(reply(receipt_text("0a").decode(), esm_class=4))
    # Another person's receipt and an ordinary reply need not wait.
    other = await session.deliver(reply(receipt_text("0b").decode(), person=PERSONS[1], esm_class=4))
    mo = await session.deliver(reply("hello"))
    await session.answered(other)
    await session.answered(mo)
    assert early not in [one.sequence for one in session.received if one.command == DELIVER_SM | RESP]
    await session.send(pdu(SUBMIT_SM | RESP, cstring("0a"), sequence=asked.sequence))
    assert (await session.answered(early)).status == 0
    kinds = [one.command for one in esme.received[1:]]
    assert kinds == [DELIVER_SM, DELIVER_SM, SUBMIT_SM | RESP, DELIVER_SM]
    await house.counted("receipt.waited")
    await house.end()


# ---- limits ----------------


async def test_a_window_that_is_exceeded_is_throttled_and_the_rest_answered(house: House) -> None:
    held: list[Frame] = []
    house.smsc.answer = lambda frame, _: held.append(frame) or b"" if frame.command == SUBMIT_SM else None  # type: ignore[func-returns-value]
    await house.start()
    esme = await house.bind("jl-win")
    session = await house.session("jl-win")
    for _ in range(7):
        await esme.submit(SUBMIT_SM, text())
    throttled = await until_answered(esme, 3)
    assert [(one.sequence, one.status) for one in throttled] == [(number, THROTTLED) for number in (6, 7, 8)]
    await house.smsc.wait_for(SUBMIT_SM, 4)
    for frame in held:
        await session.send(pdu(SUBMIT_SM | RESP, cstring("1"), sequence=frame.sequence))
    assert [(one.sequence, one.status) for one in await until_answered(esme, 4)] == [(n, 0) for n in (2, 3, 4, 5)]
    house.smsc.answer = None
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()
    assert house.refused_by() == ["throughput.account"] * 3


async def test_a_carriers_window_that_is_full_makes_the_esme_wait_and_nobody_lose(house: House) -> None:
    held: list[Frame] = []
    house.smsc.answer = lambda frame, _: held.append(frame) or b"" if frame.command == SUBMIT_SM else None  # type: ignore[func-returns-value]
    await house.start(route={"window": 3})
    esme = await house.bind("jl")
    session = await house.session("jl")
    await esme.send(b"".join(pdu(SUBMIT_SM, text(), sequence=100 + number) for number in range(40)))
    for answered in range(40):
        # Never more than the window is open there.
        wanted = min(answered + 3, 40)
        await house.smsc.wait(lambda: len(held) >= wanted)  # noqa: B023  WHY: awaited within the same round
        assert len(held) - answered <= 3
        await session.send(pdu(SUBMIT_SM | RESP, cstring("1"), sequence=held[answered].sequence))
    assert [one.sequence for one in await until_answered(esme, 40)] == list(range(100, 140))
    await house.end()


async def test_a_rate_that_is_exceeded_is_throttled(house: House) -> None:
    await house.start()
    esme = await house.bind("jl-rate")
    await esme.send(b"".join(pdu(SUBMIT_SM, text(), sequence=100 + number) for number in range(40)))
    statuses = [one.status for one in await until_answered(esme, 40)]
    assert set(statuses) == {0, THROTTLED}
    # Five a second: of forty at once nearly all are too many, and what is open of the second's allowance passes.
    assert 1 <= statuses.count(0) <= 15
    assert len(house.smsc.of(SUBMIT_SM)) == statuses.count(0)
    await house.end()


async def test_a_transmitter_needs_a_receiver_of_its_account(house: House) -> None:
    await house.start()
    tx = await house.bind("jl", BIND_TX)
    stranger = await house.bind("yx", BIND_RX)
    assert (await tx.request(SUBMIT_SM, text())).status == ONEWAY
    rx = await house.bind("jl", BIND_RX)
    assert (await tx.request(SUBMIT_SM, text())).status == 0
    # It leaves, and from then on nothing more goes out.
    await rx.request(UNBIND)
    await house.event("bind.closed", account="jl")
    assert (await tx.request(SUBMIT_SM, text())).status == ONEWAY
    # A receiver whose carrier is lost is no way back either.
    rx = await house.bind("jl", BIND_RX)
    assert (await tx.request(SUBMIT_SM, text())).status == 0
    session = next(one for one in reversed(house.smsc.sessions) if one.bind_command == BIND_RX)
    session.drop()
    await rx.wait_closed()
    assert (await tx.request(SUBMIT_SM, text())).status == ONEWAY
    await stranger.close()
    await house.end()
    assert house.refused_by() == ["account.oneway"] * 3


async def test_a_receiver_of_tdgates_own_hears_the_refusals_of_a_transmitter(house: House) -> None:
    await house.start()
    tx = await house.bind("jl-own", BIND_TX)

    def receiver() -> RawSession | None:
        return next(
            (one for one in house.smsc.sessions if one.bind_command == BIND_RX and not one.closed.is_set()), None
        )

    session = await house.smsc.wait(receiver)
    await house.status(lambda one: any(bind["state"] == "own receiver" for bind in one["binds"]))
    assert (await tx.request(SUBMIT_SM, text())).status == 0
    assert (await session.answered(await session.deliver(reply("TD")))).status == 0
    assert (await tx.request(SUBMIT_SM, text())).status == 0x0429
    # Lost, it comes back by itself; the transmitter sends nothing meanwhile.
    session.drop()
    await house.event("carrier.lost")
    back = await house.smsc.wait(lambda: found if (found := receiver()) is not None and found is not session else None)
    assert (await back.answered(await back.deliver(reply("TD", person=PERSONS[1])))).status == 0
    assert (await tx.request(SUBMIT_SM, text(to=PERSONS[1]))).status == 0x0429
    # And it goes when the transmitter goes.
    await tx.request(UNBIND)
    async with asyncio.timeout(60):
        await back.closed.wait()
    await house.end()


# ---- link requests ----------------


async def test_who_is_silent_is_asked_and_who_does_not_answer_is_closed(house: House) -> None:
    await house.start(smpp={"enquire_link_timer_s": 0.3, "response_timer_s": 1.5})
    living, mute = await house.bind("jl"), await house.bind("yx", auto=())
    await mute.expect(ENQUIRE_LINK)
    await mute.wait_closed()
    await house.event("connection.silent")
    await living.expect(ENQUIRE_LINK)
    await living.expect(ENQUIRE_LINK)
    assert not living.closed.is_set()
    # The same towards the carrier: one that is mute is lost.
    house.smsc.answer = lambda frame, _: b"" if frame.command == ENQUIRE_LINK else None
    await house.event("carrier.lost")
    await living.wait_closed()
    house.smsc.answer = None
    await house.end()


async def test_who_does_nothing_for_long_is_unbound(house: House) -> None:
    await house.start(smpp={"enquire_link_timer_s": 5.0, "inactivity_timer_s": 0.4})
    esme = await house.bind("jl", auto=())
    asked = await esme.expect(UNBIND)
    await esme.send(pdu(UNBIND | RESP, sequence=asked.sequence))
    await esme.wait_closed()
    await house.event("connection.inactive")
    # Its carrier bind goes with it.
    await house.smsc.wait(lambda: all(one.closed.is_set() for one in house.smsc.sessions))
    await house.end()


async def test_an_unbind_is_answered_when_everything_else_is(house: House) -> None:
    held: list[Frame] = []
    house.smsc.answer = lambda frame, _: held.append(frame) or b"" if frame.command == SUBMIT_SM else None  # type: ignore[func-returns-value]
    await house.start()
    esme = await house.bind("jl")
    session = await house.session("jl")
    for _ in range(5):
        await esme.submit(SUBMIT_SM, text())
    unbind = await esme.submit(UNBIND)
    # What comes behind an unbind is not taken any more.
    behind = await esme.request(SUBMIT_SM, text())
    assert behind.status == 0x04
    await house.smsc.wait_for(SUBMIT_SM, 5)
    for frame in held:
        await session.send(pdu(SUBMIT_SM | RESP, cstring("1"), sequence=frame.sequence))
    await esme.wait_closed()
    assert [(one.command, one.status) for one in esme.received[2:]] == [(SUBMIT_SM | RESP, 0)] * 5 + [
        (UNBIND | RESP, 0)
    ]
    assert esme.received[-1].sequence == unbind
    await house.smsc.wait(session.closed.is_set)
    assert await house.counted("bind.closed") == 1
    await house.end()


async def test_a_carrier_that_unbinds_is_answered_and_lost(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    session = await house.session("jl")
    await session.send(pdu(UNBIND, sequence=7))
    await house.smsc.wait(lambda: any(one.command == UNBIND | RESP and one.sequence == 7 for one in session.received))
    await esme.wait_closed()
    await house.end()


# ---- operation ----------------


async def test_sigterm_lets_open_windows_come_to_their_end(house: House) -> None:
    held: list[Frame] = []
    house.smsc.answer = lambda frame, _: held.append(frame) or b"" if frame.command == SUBMIT_SM else None  # type: ignore[func-returns-value]
    await house.start()
    binds = [await house.bind(name) for name in ("jl", "jl-two", "jl")]
    for esme in binds:
        for _ in range(10):
            await esme.submit(SUBMIT_SM, text())
    await house.smsc.wait(lambda: len(held) == 30)
    house.send_signal(signal.SIGTERM)
    await house.event("process.draining")
    for esme in binds:
        assert (await esme.request(SUBMIT_SM, text())).status == LATER
    with pytest.raises(ConnectionRefusedError):
        await house.connect()
    for session in house.smsc.sessions:
        for frame in [one for one in session.received if one.command == SUBMIT_SM]:
            await session.send(pdu(SUBMIT_SM | RESP, cstring("1"), sequence=frame.sequence))
    for esme in binds:
        assert [one.status for one in await until_answered(esme, 10)] == [0] * 10
        # tdgate unbinds in order, on both sides.
        asked = await esme.expect(UNBIND)
        await esme.send(pdu(UNBIND | RESP, sequence=asked.sequence))
        await esme.wait_closed()
    assert await house.exit_code() == 0
    assert len(house.smsc.of(UNBIND)) == 3
    house.check_evidence()
    house.check_privacy()
    assert house.outcomes() == []
    assert house.refused_by() == ["internal.draining"] * 3


async def test_sigterm_ends_though_nobody_answers(house: House) -> None:
    house.smsc.answer = lambda frame, _: b"" if frame.command in (SUBMIT_SM, UNBIND) else None
    await house.start(smpp={"drain_s": 0.5})
    esme = await house.bind("jl", auto=())
    for _ in range(10):
        await esme.submit(SUBMIT_SM, text())
    await house.smsc.wait_for(SUBMIT_SM, 10)
    house.send_signal(signal.SIGTERM)
    assert await house.exit_code() == 0
    house.check_evidence()


async def test_a_route_is_drained_and_resumed_by_command(house: House) -> None:
    async with RawSmsc() as second:
        await house.start(routes={"second": {"port": second.port}})
        one, two = await house.bind("jl"), await house.bind("jl-b", auto=())
        held: list[Frame] = []
        second.answer = lambda frame, _: held.append(frame) or b"" if frame.command == SUBMIT_SM else None  # type: ignore[func-returns-value]
        await two.submit(SUBMIT_SM, text())
        await second.wait_for(SUBMIT_SM)
        code, out, _ = await house.command("route", "drain", "second", "--json")
        assert (code, '"draining":true' in out) == (0, True)
        assert (await two.request(SUBMIT_SM, text())).status == LATER
        refused = await house.connect()
        assert (await refused.bind("jl-b", PASSWORD)).status == 0x08
        # What was open is answered, then the bind is ended in order.
        session = await second.bound()
        await session.send(pdu(SUBMIT_SM | RESP, cstring("1"), sequence=held[0].sequence))
        assert (await two.expect(SUBMIT_SM | RESP)).status == 0
        asked = await two.expect(UNBIND)
        await two.send(pdu(UNBIND | RESP, sequence=asked.sequence))
        await two.wait_closed()
        # The other route goes on meanwhile, and this one after it was resumed.
        assert (await one.request(SUBMIT_SM, text())).status == 0
        assert (await house.command("route", "resume", "second"))[0] == 0
        second.answer = None
        assert (await (await house.bind("jl-b")).request(SUBMIT_SM, text())).status == 0
        assert (await house.command("route", "drain", "nowhere"))[0] == 1
        assert (await one.request(SUBMIT_SM, text())).status == 0
        await house.end()


async def test_sighup_keeps_the_old_configuration_if_the_new_one_is_wrong(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    night = await house.bind("zh")
    assert (await night.request(SUBMIT_SM, text("10690301"))).status == 0x0440
    right = house.config.read_text(encoding="utf-8")
    for wrong in ("no toml [", right + "[unknown]\n", right.replace('"cn-open"', '"no-such-pack"')):
        before = len(house.logged("config.rejected"))
        house.config.write_text(wrong, encoding="utf-8")
        house.send_signal(signal.SIGHUP)
        await house.event("config.rejected", before + 1)
        assert (await esme.request(SUBMIT_SM, text())).status == 0
        assert (await night.request(SUBMIT_SM, text("10690301"))).status == 0x0440
    # A right one takes effect on binds that stand: here a pack in which that institution is open, and this one shut.
    shipped = PACK.read_text(encoding="utf-8").replace('institution = "zehe"', 'institution = "jianglan"')
    pack = house.folder / "pack.toml"
    pack.write_text(shipped, encoding="utf-8")
    house.config.write_text(right.replace('"cn-open"', f'"{pack}"'), encoding="utf-8")
    house.send_signal(signal.SIGHUP)
    await house.event("config.reloaded")
    assert (await night.request(SUBMIT_SM, text("10690301"))).status == 0
    assert (await esme.request(SUBMIT_SM, text())).status == 0x0440
    await house.end()


async def test_a_change_of_the_registry_binds_on_the_next_pdu(house: House) -> None:
    await house.start()
    esme = await house.bind("jl")
    assert (await esme.request(SUBMIT_SM, text())).status == 0
    for command, status in (
        (("registry", "dispose", "10690001"), 0x041A),
        (("registry", "restore", "10690001"), 0),
        (("hold", "add", "account", "jl"), 0x0450),
        (("hold", "remove", "account", "jl"), 0),
    ):
        about = ("--by", "tester") if command[1] == "remove" else ("--by", "tester", "--reason", "test")
        code, _, err = await house.command(*command, *about)
        assert code == 0, err
        assert (await esme.request(SUBMIT_SM, text())).status == status
    await house.end()


async def test_binary_text_of_a_message_body_is_whatever_it_is(house: House) -> None:
    """Octets that could be taken for the end of a field pass as they are."""
    await house.start()
    esme = await house.bind("jl")
    body = message_body("10690001", PERSONS[0], "\u0000A".encode("utf-16-be") * 60, data_coding=8)
    assert (await esme.request(SUBMIT_SM, body)).status == 0
    assert house.smsc.of(SUBMIT_SM)[0].body == body
    await house.end()
