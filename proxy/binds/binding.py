"""How a bind comes about: who it is, whether the account may, and what the carrier says; only then the ESME's answer.

Owns the steps between a bind PDU and a relay, and the dialling of a carrier. Must never answer an ESME's bind before
the carrier answered (its status is the answer), and must never tell an unknown system_id from a wrong password.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Callable
from hashlib import sha256
from ipaddress import ip_address, ip_network
from typing import Final

from msgspec import Struct

from proxy.binds.credentials import Credentials, TooManyChecksError
from proxy.binds.links import CarrierLink, CarrierOwner
from proxy.binds.tcp import connect
from proxy.core.decision import Refusal
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.judging.in_force import InForce
from proxy.judging.journal import Journal
from proxy.policy import evaluate
from proxy.settings import Route
from proxy.smpp.codec import decode, encode
from proxy.smpp.consts import ESME_RBINDFAIL, ESME_RSYSERR, GENERIC_NACK, RESPONSE_BIT
from proxy.smpp.pdu import Pdu, with_sequence
from proxy.smpp.session import BOUND_STATES, Session, State, Timers

_OURS: Final = 1


class BindRefusedError(Exception):
    """A bind that is not to be; `status` is the answer, `reason` a word for the log."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class BindRequest(Struct, frozen=True):
    """What a bind PDU asks. `raw` is the PDU, to be passed on."""

    command_id: int
    sequence: int
    system_id: str
    password: bytes
    interface_version: int
    raw: bytes

    @property
    def state(self) -> State:
        """The bound state that this bind leads to."""
        return BOUND_STATES.get(self.command_id, "trx")


def read_bind(pdu: Pdu) -> BindRequest:
    """Reads a bind PDU (SMPP v3.4 §4.1); raises PduError with the status to answer."""
    values = decode(pdu.raw).values
    system_id, password, version = values["system_id"], values["password"], values["interface_version"]
    assert isinstance(system_id, bytes)
    assert isinstance(password, bytes)
    assert isinstance(version, int)
    return BindRequest(pdu.command_id, pdu.sequence, system_id.decode("latin-1"), password, version, pdu.raw)


def for_carrier(bind: BindRequest, route: Route, command_id: int | None = None) -> bytes:
    """The bind as the carrier gets it: the ESME's own octets, or with the route's credentials where it has some."""
    if not route.system_id and command_id in (None, bind.command_id):
        return with_sequence(bind.raw, _OURS)
    fields = decode(bind.raw)
    values = dict(fields.values)
    if route.system_id:
        values["system_id"] = route.system_id.encode()
        values["password"] = route.password.encode()
    return encode(command_id or bind.command_id, 0, _OURS, values, fields.tlvs)


class Doorkeeper:
    """Decides who may bind."""

    def __init__(self, credentials: Credentials, in_force: InForce, journal: Journal) -> None:
        self._credentials = credentials
        self._in_force = in_force
        self._journal = journal

    async def admit(self, bind: BindRequest, peer: str, certificate: bytes | None) -> Account:
        """The account that may bind; raises BindRefusedError. `certificate` is the peer's in DER, None without."""
        account = self._in_force.snapshot.accounts.get(bind.system_id)
        # WHY: an address or certificate that does not fit is answered like a wrong password, in its time.
        fits = account is not None and _fits(account, peer, certificate)
        try:
            right = await self._credentials.check(account if fits else None, bind.system_id, bind.password, peer)
        except TooManyChecksError:
            raise BindRefusedError(ESME_RSYSERR, "busy") from None
        if not right or account is None:
            raise BindRefusedError(ESME_RBINDFAIL, "credentials")
        # WHY again: the check took its time, and the account may have changed meanwhile, or be gone.
        checked, account = account, self._in_force.snapshot.accounts.get(bind.system_id)
        if account is None or account.password_hash != checked.password_hash or not _fits(account, peer, certificate):
            raise BindRefusedError(ESME_RBINDFAIL, "credentials")
        self._approved(account, bind)
        return account

    def _approved(self, account: Account, bind: BindRequest) -> None:
        """Asks the policy about the account itself (Z7 Z8): nothing binds before it was reviewed."""
        now = time.time()
        request = Request(
            id=self._journal.next_id(),
            channel="sms",
            account=account,
            sender=None,
            recipient=None,
            readings=(),
            octets=b"",
            received_at=now,
            by_id=True,
        )
        verdict = evaluate(request, self._in_force.snapshot, now)
        if isinstance(verdict, Refusal):
            self._journal.decided(request, verdict.decision)
            raise BindRefusedError(ESME_RBINDFAIL, verdict.decision.rule)


def _fits(account: Account, peer: str, certificate: bytes | None) -> bool:
    if account.client_certificate and (
        certificate is None or sha256(certificate).hexdigest() != account.client_certificate.replace(":", "").lower()
    ):
        return False
    if not account.addresses:
        return True
    try:
        address = ip_address(peer)
        # WHY: a listener on :: sees IPv4 peers as ::ffff:192.0.2.1.
        address = getattr(address, "ipv4_mapped", None) or address
        return any(address in ip_network(network, strict=False) for network in account.addresses)
    except ValueError:
        return False


class Dialler:
    """Makes carrier links: connects, binds, and waits for the answer."""

    def __init__(
        self, owner: CarrierOwner, in_force: InForce, timers: Timers, most_octets: int, note: Callable[[str], None]
    ) -> None:
        self._owner = owner
        self._in_force = in_force
        self._timers = timers
        self._most_octets = most_octets
        self._note = note
        self._answers: dict[CarrierLink, asyncio.Future[Pdu]] = {}

    async def dial(self, route: Route, tls: ssl.SSLContext | None, raw: bytes, state: State) -> tuple[CarrierLink, Pdu]:
        """A bound carrier link, its session still held, and the carrier's answer.

        Raises BindRefusedError with the carrier's status, or ESME_RSYSERR where it cannot be reached: a sender tries
        that again.
        """
        loop = asyncio.get_running_loop()
        session = Session("smsc", self._timers, self._most_octets, self._note, time.monotonic())
        session.outbind_closes = route.outbind == "close"
        link = CarrierLink(session, self._owner, self._in_force, lambda: False)
        link.awaits = int.from_bytes(raw[4:8]) | RESPONSE_BIT
        self._answers[link] = answer = loop.create_future()
        try:
            async with asyncio.timeout(route.connect_timeout_s):
                if tls is None or route.tls is None:
                    await connect(route.host, route.port, link)
                else:
                    name = route.tls.server_name or route.host
                    await loop.create_connection(lambda: link, route.host, route.port, ssl=tls, server_hostname=name)
                session.enter("binding")
                session.out.append(raw)
                link.flush()
                pdu = await answer
        except (OSError, TimeoutError, ssl.SSLError) as error:
            link.abort()
            self._note("carrier.unreachable")
            raise BindRefusedError(ESME_RSYSERR, "carrier unreachable") from error
        except BaseException:
            link.abort()
            raise
        finally:
            self._answers.pop(link, None)
        if pdu.status or pdu.command_id == GENERIC_NACK:
            self._note("carrier.refused")
            session.close("refused")
            link.flush()
            raise BindRefusedError(pdu.status or ESME_RBINDFAIL, "carrier refused")
        session.enter(state)
        self._note("carrier.connected")
        return link, pdu

    def answered(self, link: CarrierLink, pdu: Pdu) -> None:
        """The carrier's answer to a bind of ours; anything else that comes before it is none."""
        future = self._answers.get(link)
        if future is not None and not future.done() and pdu.command_id in (link.awaits, GENERIC_NACK):
            future.set_result(pdu)

    def lost(self, link: CarrierLink) -> None:
        """The connection ended before an answer came."""
        future = self._answers.get(link)
        if future is not None and not future.done():
            future.set_exception(ConnectionResetError("the carrier closed before it answered the bind"))


def backoff_s(route: Route, attempt: int) -> float:
    """How long to wait before the given attempt (from 0): doubled each time, with jitter, capped."""
    most = min(route.backoff_first_s * 2.0 ** min(attempt, 16), route.backoff_most_s)
    # WHY: jitter, so that many binds lost at once do not come back at once.
    return most * random.uniform(0.5, 1.0)
