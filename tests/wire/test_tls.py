"""TLS on both sides: own certificates, client certificates, and handshakes that fail."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from pathlib import Path
from typing import Any

import pytest

from tests.tools.raw_smsc import RawSmsc
from tests.tools.wire import BIND_TRX, GENERIC_NACK, RESP, SUBMIT_SM
from tests.wire.bystander import Bystander
from tests.wire.certificates import Authority, Pair
from tests.wire.house import House, make_template, reply, text
from tests.wire.people import PASSWORD, account, registry

pytestmark = pytest.mark.wire


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def listening(authority: Authority) -> Pair:
    return authority.sign("gateway")


@pytest.fixture(scope="module")
def sender(authority: Authority) -> Pair:
    return authority.sign("sender")


@pytest.fixture(scope="module")
def tls_template(tmp_path_factory: pytest.TempPathFactory, sender: Pair) -> Path:
    """A registry in which one account is tied to a certificate."""
    tied = account("jl-cert", "jianglan", "marketing", client_certificate=sender.fingerprint)
    return make_template(tmp_path_factory.mktemp("tls") / "template", registry(accounts=[tied]))


def listeners(pair: Pair, ca: Path | None = None) -> list[dict[str, Any]]:
    tls = {"certificate": str(pair.certificate), "key": str(pair.key)} | ({"ca": str(ca)} if ca else {})
    return [{"port": 0}, {"port": 0, "tls": tls}]


async def test_both_sides_speak_tls_and_everything_passes(
    template: Path, tmp_path: Path, authority: Authority, listening: Pair
) -> None:
    async with (
        RawSmsc(tls=authority.server_context(authority.sign("carrier"))) as smsc,
        House(template, tmp_path) as house,
    ):
        await house.start(
            smpp={"listeners": listeners(listening)}, route={"port": smsc.port, "tls": {"ca": str(authority.file)}}
        )
        await house.until(lambda: len(house.ports) == 2)
        esme = await house.bind("jl", port=house.ports["smpp+tls"], tls=authority.client_context())
        for source, status in (("10690001", 0), ("10690999", 0x0418)):
            assert (await esme.request(SUBMIT_SM, text(source))).status == status
        session = await smsc.bound("jl")
        assert (await session.answered(await session.deliver(reply("TD")))).status == 0
        assert (await esme.request(SUBMIT_SM, text())).status == 0x0429
        # Wrong octets within TLS are answered as without.
        await esme.send(b"GET / HTTP/1.1\r\n\r\n")
        assert (await esme.expect(GENERIC_NACK)).status == 0x02
        await esme.wait_closed()
        await house.end()


async def test_a_carrier_with_a_certificate_of_nobody_is_not_trusted(
    template: Path, tmp_path: Path, authority: Authority
) -> None:
    stranger = Authority(tmp_path / "stranger", "another authority")
    async with (
        RawSmsc(tls=stranger.server_context(stranger.sign("carrier"))) as smsc,
        House(template, tmp_path) as house,
    ):
        await house.start(route={"port": smsc.port, "tls": {"ca": str(authority.file)}})
        esme = await house.connect()
        assert (await esme.bind("jl", PASSWORD)).status == 0x08
        await house.event("carrier.unreachable")
        assert smsc.frames == []
        await house.end()


async def test_a_carrier_asks_for_our_certificate(
    template: Path, tmp_path: Path, authority: Authority, sender: Pair
) -> None:
    context = authority.server_context(authority.sign("carrier"), ask_peer=True)
    async with RawSmsc(tls=context) as smsc, House(template, tmp_path) as house:
        ours = {"ca": str(authority.file), "certificate": str(sender.certificate), "key": str(sender.key)}
        await house.start(route={"port": smsc.port, "tls": ours, "connect_timeout_s": 1.0})
        esme = await house.bind("jl")
        assert (await esme.request(SUBMIT_SM, text())).status == 0
        await house.end()
        house.configure(route={"port": smsc.port, "tls": {"ca": str(authority.file)}, "connect_timeout_s": 1.0})
        await house.start()
        assert (await (await house.connect()).bind("jl", PASSWORD)).status == 0x08
        await house.end()


async def test_an_account_that_is_tied_to_a_certificate(
    tls_template: Path, tmp_path: Path, authority: Authority, listening: Pair, sender: Pair
) -> None:
    async with House(tls_template, tmp_path) as house:
        await house.start(smpp={"listeners": listeners(listening, authority.file)})
        await house.until(lambda: len(house.ports) == 2)
        tls = house.ports["smpp+tls"]
        right = await house.connect(port=tls, tls=authority.client_context(sender))
        assert (await right.bind("jl-cert", PASSWORD)).status == 0
        # Another's certificate of the same authority, and none at all: like a wrong password.
        other = await house.connect(port=tls, tls=authority.client_context(authority.sign("other")))
        assert (await other.bind("jl-cert", PASSWORD)).status == 0x0D
        plain = await house.connect()
        assert (await plain.bind("jl-cert", PASSWORD)).status == 0x0D
        await house.event("bind.refused", 2, reason="credentials")
        # Whoever shows none is not let in at all where the listener asks for one.
        with contextlib.suppress(OSError):
            bare = await house.connect(port=tls, tls=authority.client_context())
            await bare.submit(BIND_TRX)
            await bare.wait_closed()
            assert bare.received == []
        await house.end()


async def test_handshakes_that_fail_leave_nothing_behind(house: House, authority: Authority, listening: Pair) -> None:
    """Three places, and many more failures than that: whoever comes after them is served."""
    await house.start(smpp={"listeners": listeners(listening), "connections_most": 3, "session_init_timer_s": 0.4})
    await house.until(lambda: len(house.ports) == 2)
    tls = house.ports["smpp+tls"]
    async with Bystander(house) as bystander:
        for octets in (b"\0" * 40, b"GET / HTTP/1.1\r\n\r\n", b"", b"\x16\x03\x01"):
            for _ in range(2):
                broken = await house.connect(port=tls)
                await broken.send(octets)
                if octets:
                    broken.half_close()
                await broken.wait_closed()
                assert [one for one in broken.received if one.command & RESP] == []
            await bystander.goes_on()
        assert len(await house.event("tls.failed", 8)) == 8
        assert await house.counted("tls.failed", 8) == 8
        stranger = ssl.create_default_context()
        with pytest.raises(ssl.SSLError):
            await house.connect(port=tls, tls=stranger)
        await house.event("tls.failed", 9)
        esme = await house.bind("jl", port=tls, tls=authority.client_context())
        assert (await esme.request(SUBMIT_SM, text())).status == 0
    await house.end()


async def test_connections_beyond_the_limit_are_closed_and_the_others_stay(house: House) -> None:
    await house.start(smpp={"connections_most": 3, "session_init_timer_s": 20.0})
    first = await house.bind("jl")
    idle = [await house.connect() for _ in range(2)]
    beyond = await house.connect()
    await beyond.wait_closed()
    await house.event("connection.refused")
    assert (await first.request(SUBMIT_SM, text())).status == 0
    # One goes, the next may come.
    await idle[0].close()
    async with asyncio.timeout(60):
        while True:
            # Whoever comes before its end was noticed is still one too many.
            with contextlib.suppress(OSError):
                again = await house.connect()
                assert (await again.bind("jl", PASSWORD)).status == 0
                break
    await house.end()
