"""Who may bind, and what the carrier is asked: addresses, certificates, octets passed on, pauses between attempts."""

from __future__ import annotations

import asyncio
from hashlib import sha256
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.binds.binding import BindRefusedError, BindRequest, Doorkeeper, backoff_s, for_carrier, read_bind
from proxy.binds.credentials import Credentials, TooManyChecksError
from proxy.core.codes import load_codes
from proxy.core.records import Account
from proxy.judging.in_force import InForce
from proxy.registry.packs import find_config
from proxy.settings import Route, read_toml
from proxy.smpp import consts
from proxy.smpp.codec import decode, encode
from proxy.smpp.pdu import Pdu, PduError
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import BASE, Scene, build
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

CODES = load_codes(read_toml(find_config("codes", "codes")))
VOCABULARY = shipped_vocabulary()
CERTIFICATE = b"a certificate in DER"
FINGERPRINT = sha256(CERTIFICATE).hexdigest()

_names = st.binary(max_size=15).filter(lambda name: b"\0" not in name)
_passwords = st.binary(max_size=8).filter(lambda name: b"\0" not in name)
_tlvs = st.lists(st.tuples(st.integers(0x1400, 0x3FFF), st.binary(max_size=20)), max_size=3)


def bind_pdu(
    system_id: bytes = b"jianglan-own",
    password: bytes = b"secret",
    command_id: int = consts.BIND_TRANSCEIVER,
    tlvs: Any = (),
) -> Pdu:
    values = {
        "system_id": system_id,
        "password": password,
        "system_type": b"VMA",
        "interface_version": 0x34,
        "addr_ton": 1,
        "addr_npi": 1,
        "address_range": b"^1069",
    }
    return Pdu(command_id, 0, 77, encode(command_id, 0, 77, values, tuple(tlvs)))


@given(_names, _passwords, st.sampled_from(sorted(consts.BIND_COMMANDS)), _tlvs)
def test_without_credentials_of_the_route_the_carrier_gets_the_esmes_own_octets(
    system_id: bytes, password: bytes, command_id: int, tlvs: list[tuple[int, bytes]]
) -> None:
    pdu = bind_pdu(system_id, password, command_id, tlvs)
    raw = for_carrier(read_bind(pdu), Route())
    assert raw[:12] + raw[16:] == pdu.raw[:12] + pdu.raw[16:]
    assert int.from_bytes(raw[12:16]) == 1


@given(_names, _passwords, st.sampled_from(sorted(consts.BIND_COMMANDS)), _tlvs)
def test_with_credentials_of_the_route_nothing_else_changes(
    system_id: bytes, password: bytes, command_id: int, tlvs: list[tuple[int, bytes]]
) -> None:
    pdu = bind_pdu(system_id, password, command_id, tlvs)
    raw = for_carrier(read_bind(pdu), Route(system_id="tdgate", password="theirs"))
    expected = bind_pdu(b"tdgate", b"theirs", command_id, tlvs).raw
    assert raw[:12] + raw[16:] == expected[:12] + expected[16:]


def test_a_receiver_of_tdgates_own_asks_as_a_receiver() -> None:
    bind = read_bind(bind_pdu(command_id=consts.BIND_TRANSMITTER, tlvs=((0x1400, b"x"),)))
    asked = decode(for_carrier(bind, Route(), consts.BIND_RECEIVER))
    assert asked.command_id == consts.BIND_RECEIVER
    assert asked.values == decode(bind.raw).values
    assert asked.tlvs == ((0x1400, b"x"),)


def test_a_bind_is_read_octet_for_octet() -> None:
    bind = read_bind(bind_pdu(b"j\xe9", b"\xff", consts.BIND_RECEIVER))
    assert (bind.system_id, bind.password, bind.interface_version) == ("j\xe9", b"\xff", 0x34)
    assert (bind.sequence, bind.state) == (77, "rx")


@pytest.mark.parametrize("cut", [17, 25, 30])
def test_a_bind_that_ends_too_early_is_an_error_with_a_status(cut: int) -> None:
    raw = bytearray(bind_pdu().raw[:cut])
    raw[:4] = cut.to_bytes(4)
    with pytest.raises(PduError) as found:
        read_bind(Pdu(consts.BIND_TRANSCEIVER, 0, 77, bytes(raw)))
    assert found.value.status


class Checks:
    """Credentials that note what they were asked; `meanwhile` is called while a check is under way."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []
        self.busy = False
        self.meanwhile = lambda: None

    async def check(self, account: Account | None, system_id: str, password: bytes, peer: str) -> bool:
        if self.busy:
            raise TooManyChecksError
        self.asked.append(account and account.id)
        await asyncio.sleep(0)
        self.meanwhile()
        return account is not None and password == b"secret"


class Door:
    def __init__(self, scene: Scene = BASE) -> None:
        self.log = LogDouble()
        self.checks = Checks()
        self.in_force = InForce(build(scene)[1], VOCABULARY, CODES, scene.now)
        self.keeper = Doorkeeper(cast(Credentials, self.checks), self.in_force, journal_over(self.log))

    async def admit(self, pdu: Pdu | None = None, peer: str = "127.0.0.1", certificate: bytes | None = None) -> Account:
        return await self.keeper.admit(read_bind(pdu or bind_pdu()), peer, certificate)

    async def refusal(self, *args: Any, **more: Any) -> tuple[int, str]:
        with pytest.raises(BindRefusedError) as found:
            await self.admit(*args, **more)
        return found.value.status, found.value.reason


# The licence of the scene's account is of 2025; a bind is judged by the clock.
LASTING = BASE.but("account.telecom_licence", msgspec.structs.replace(BASE.account.telecom_licence, until=1 << 40))
WRONG = (consts.ESME_RBINDFAIL, "credentials")


async def test_the_right_one_is_admitted() -> None:
    assert (await Door(LASTING).admit()).id == "jianglan-own"


@pytest.mark.parametrize(
    ("addresses", "peer", "fits"),
    [
        ((), "198.51.100.9", True),
        (("192.0.2.7",), "192.0.2.7", True),
        (("192.0.2.7",), "192.0.2.8", False),
        (("192.0.2.0/24", "198.51.100.0/24"), "198.51.100.9", True),
        (("192.0.2.9/24",), "192.0.2.1", True),
        (("192.0.2.0/24",), "192.0.3.1", False),
        (("2001:db8::/32",), "2001:db8::1", True),
        (("2001:db8::/32",), "2001:db9::1", False),
        (("2001:db8::/32",), "192.0.2.1", False),
        (("192.0.2.0/24",), "2001:db8::1", False),
        # A listener on :: sees IPv4 peers so.
        (("192.0.2.0/24",), "::ffff:192.0.2.1", True),
        (("192.0.2.0/24",), "::ffff:192.0.3.1", False),
        (("0.0.0.0/0",), "", False),
        (("no network",), "192.0.2.1", False),
    ],
)
async def test_an_account_binds_from_its_addresses_only(addresses: tuple[str, ...], peer: str, fits: bool) -> None:
    door = Door(LASTING.but("account.addresses", addresses))
    if fits:
        assert (await door.admit(peer=peer)).id == "jianglan-own"
    else:
        assert await door.refusal(peer=peer) == WRONG
        # It is checked all the same, as a name that nobody has.
        assert door.checks.asked == [None]


@pytest.mark.parametrize("written", [FINGERPRINT, FINGERPRINT.upper(), sha256(CERTIFICATE).digest().hex(":")])
async def test_a_named_certificate_is_the_only_one_that_binds(written: str) -> None:
    door = Door(LASTING.but("account.client_certificate", written))
    assert (await door.admit(certificate=CERTIFICATE)).id == "jianglan-own"
    assert await door.refusal(certificate=b"another one") == WRONG
    assert await door.refusal(certificate=None) == WRONG
    assert door.checks.asked == ["jianglan-own", None, None]


async def test_unknown_and_wrong_are_answered_alike() -> None:
    door = Door(LASTING)
    assert await door.refusal(bind_pdu(system_id=b"nobody")) == WRONG
    assert await door.refusal(bind_pdu(password=b"wrong")) == WRONG
    assert door.checks.asked == [None, "jianglan-own"]
    assert door.log.kept == []


async def test_too_many_checks_ask_to_come_again() -> None:
    door = Door(LASTING)
    door.checks.busy = True
    assert await door.refusal() == (consts.ESME_RSYSERR, "busy")


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("account.reviewed", False, "account.unreviewed"),
        ("institution", None, "account.unreviewed"),
        ("account.telecom_licence", msgspec.structs.replace(BASE.account.telecom_licence, until=1), "telecom.licence"),
    ],
)
async def test_an_account_that_was_not_approved_does_not_bind_and_it_is_recorded(
    path: str, value: object, rule: str
) -> None:
    door = Door(LASTING.but(path, value))
    assert await door.refusal() == (consts.ESME_RBINDFAIL, rule)
    assert len(door.log.kept) == 1


@pytest.mark.parametrize(
    ("path", "value", "answer"),
    [
        ("account.password_hash", "changed", WRONG),
        ("account.addresses", ("192.0.2.0/24",), WRONG),
        ("account.id", "renamed", WRONG),
        ("account.reviewed", False, (consts.ESME_RBINDFAIL, "account.unreviewed")),
    ],
)
async def test_what_changed_while_the_password_was_checked_counts(
    path: str, value: object, answer: tuple[int, str]
) -> None:
    door = Door(LASTING)

    def change() -> None:
        door.in_force.snapshot = build(LASTING.but(path, value))[1]

    door.checks.meanwhile = change
    assert await door.refusal() == answer


async def test_the_account_as_it_is_now_is_the_one_that_binds() -> None:
    door = Door(LASTING)

    def change() -> None:
        door.in_force.snapshot = build(LASTING.but("account.window", 3))[1]

    door.checks.meanwhile = change
    assert (await door.admit()).window == 3


@given(st.integers(0, 10_000), st.floats(0.01, 10), st.floats(10, 100))
def test_pauses_double_up_to_the_cap_and_never_vanish(attempt: int, first: float, most: float) -> None:
    route = Route(backoff_first_s=first, backoff_most_s=most)
    full = min(first * 2.0 ** min(attempt, 40), most)
    assert full / 2 <= backoff_s(route, attempt) <= full


def test_pauses_differ_so_that_many_do_not_come_back_at_once() -> None:
    assert len({backoff_s(Route(), 3) for _ in range(20)}) > 1


def test_every_bind_command_leads_to_its_state() -> None:
    states = {command: BindRequest(command, 1, "", b"", 0, b"").state for command in consts.BIND_COMMANDS}
    assert states == {consts.BIND_RECEIVER: "rx", consts.BIND_TRANSMITTER: "tx", consts.BIND_TRANSCEIVER: "trx"}
