"""Who calls: one call from its first INVITE to its end, and the end of the wire that makes such calls.

Owns the INVITE, its credentials, its cancelling, and forks. What a call does once it stands is `side`.
"""

import asyncio
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

from proxy.sip.dialog import asked_dialog
from proxy.sip.digest_client import DigestClient
from proxy.sip.error import SipError
from proxy.sip.headers import key_of, line_of
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.name_addr import write_name_addr
from proxy.sip.transaction.base import ClientTransaction
from proxy.sip.transaction.invite_client import InviteClient
from simulators.calls.description import CONTENT_TYPE
from simulators.calls.endpoint import ALLOW, Endpoint, Party
from simulators.calls.figures import CallFigures
from simulators.calls.settings import CallShape, UacSettings, read_headers
from simulators.calls.side import CallSide, rule_of
from simulators.calls.sockets import Way, bracketed, local_host_towards
from simulators.watch import LIMIT_S

_NO_PARTY: Final = Party()
UacDone = Callable[["OutgoingCall"], None]


class OutgoingCall(CallSide):
    """One call that we make. `status` is that of the final response, 0 until there is one; `rule` the text of the
    Reason of a refusal."""

    def __init__(
        self, uac: "Uac", way: Way, shape: CallShape, caller: str, callee: str, asserted: str, done: UacDone, due: float
    ) -> None:
        super().__init__(uac.endpoint, way, shape, self._ended)
        self.shape: Final = shape
        self.caller: Final = caller
        self.callee: Final = callee
        self.status = 0
        self.phrase = ""
        self.rule = ""
        self.response: SipResponse | None = None
        """The final one."""
        self.provisional: list[SipResponse] = []
        """All 1xx but 100."""
        self.failure = ""
        """Why there was no final response: timeout, sending, limit."""
        self.was_cancelled = False
        self._told = done
        self._uac: Final = uac
        self._begun_at: Final = due
        self._asserted: Final = asserted
        self._call_id: Final = uac.endpoint.ids.next()
        self._number = 0
        self._signed = False
        self._invite: SipRequest | None = None
        self._client: InviteClient | None = None
        if uac.settings.username:
            self.digest = DigestClient(uac.settings.username.encode(), uac.settings.password.encode())

    def _ended(self, side: CallSide) -> None:
        self.figures.now -= 1
        self.figures.ended += 1
        self._told(self)

    # ---- the INVITE ---------------------------------------------------------------------------------------------

    def begin(self, now: float) -> None:
        """Send the INVITE."""
        self.figures.begun()
        self._send_invite(now, self.described() if self.shape.offer else b"")
        if self.shape.cancel_s >= 0:
            self.after("cancel", self.shape.cancel_s, now)

    def _send_invite(self, now: float, body: bytes) -> None:
        self._number += 1
        request = self._request(body)
        if self._signed:
            self.sign(request)
        self._invite = request
        client = self.endpoint.ask(request, self.way, self, now)
        assert isinstance(client, InviteClient)
        self._client = client

    def _request(self, body: bytes) -> SipRequest:
        shape, way = self.shape, self.way
        target = bracketed(way.peer[0]) + b":%d" % way.peer[1]
        callee, domain = self.callee.encode(), shape.domain.encode() or bracketed(way.local_host)
        uri = b"tel:" + callee if shape.scheme == "tel" else b"sip:" + callee + b"@" + target
        if shape.scheme == "sip" and self.endpoint.transport != "udp":
            uri += b";transport=" + self.endpoint.transport.encode()
        from_ = b"sip:" + self.caller.encode() + b"@" + domain
        lines: list[tuple[str, bytes]] = [
            ("via", way.hop.via(self.endpoint.ids.branch())),
            ("max-forwards", b"70"),
            ("from", write_name_addr(shape.display.encode(), from_, b";tag=" + self.local_tag)),
            ("to", b"<sip:" + callee + b"@" + domain + b">"),
            ("call-id", self._call_id),
            ("cseq", b"%d INVITE" % self._number),
            self.contact,
            ("allow", ALLOW),
        ]
        if self._asserted:
            asserted = b"sip:" + self._asserted.encode() + b"@" + domain
            lines.append(("p-asserted-identity", write_name_addr(shape.display.encode(), asserted)))
        lines += [(key_of(name.encode()), value) for name, value in read_headers(shape.headers)]
        if body:
            lines.append(("content-type", CONTENT_TYPE))
        lines.append(("content-length", b"%d" % len(body)))
        keys = [key for key, _ in lines]
        return SipRequest("INVITE", uri, keys, [line_of(key, value) for key, value in lines], body)

    def expired(self, name: str, now: float) -> None:
        """A deadline has come."""
        if name == "cancel":
            self.withdraw(now)
        else:
            super().expired(name, now)

    def withdraw(self, now: float) -> None:
        """Cancel the call, if it is not answered yet."""
        if self._client is not None and not self.status and not self.was_cancelled and not self.over:
            self.was_cancelled = True
            self.figures.cancelled += 1
            self.endpoint.table.cancel(self._client, None, now)

    # ---- its answers --------------------------------------------------------------------------------------------

    def responded(self, client: ClientTransaction, response: SipResponse, now: float) -> None:
        """An answer to the INVITE, or inside the dialog."""
        if client is not self._client:
            super().responded(client, response, now)
        elif response.status < 200:
            if response.status > 100:
                if not self.provisional:
                    self.figures.first.add(now - self._begun_at)
                self.provisional.append(response)
        elif response.status < 300:
            self._accepted(response, now)
        elif self.challenged(response, answered=self._signed) and not self.was_cancelled:
            self.figures.challenged += 1
            self._signed = True
            self._send_invite(now, self._invite.body if self._invite is not None else b"")
        else:
            self._final(response, now)
            self.finish("never", now)

    def _accepted(self, response: SipResponse, now: float) -> None:
        invite = self._invite
        assert invite is not None
        if self.dialog is not None:
            if (response.to.tag or b"") == self.dialog.remote_tag:
                self.acknowledge_again(now)
            else:
                self._turn_away(invite, response, now)
            return
        self._final(response, now)
        try:
            self.dialog = asked_dialog(invite, response)
        except SipError:
            self.figures.malformed += 1
            self.finish("lost", now)
            return
        offered = bool(response.body) and not invite.body
        self.acknowledge(self._number, response, now, self.described() if offered else b"")
        if self.was_cancelled:
            self.figures.late_answers += 1
            self.bye(now)
            return
        self.answered = True
        self.stands(now)

    def _turn_away(self, invite: SipRequest, response: SipResponse, now: float) -> None:
        """A 2xx of another fork: acknowledge it, and end its dialog (RFC 3261 §13.2.2.4)."""
        self.figures.late_answers += 1
        try:
            dialog = asked_dialog(invite, response)
        except SipError:
            self.figures.malformed += 1
            return
        way = self.endpoint.way_of_dialog(dialog, self.way)
        ids = self.endpoint.ids
        self.endpoint.table.send(way.flow, dialog.ack(self._number, way.hop.via(ids.branch())).octets())
        self.endpoint.ask(dialog.request("BYE", way.hop.via(ids.branch())), way, _NO_PARTY, now)

    def _final(self, response: SipResponse, now: float) -> None:
        self.status, self.response = response.status, response
        self.phrase = response.reason.decode("utf-8", "replace")
        self.figures.statuses[response.status] += 1
        self.figures.final.add(now - self._begun_at)
        if not self.provisional:
            self.figures.first.add(now - self._begun_at)
        if response.status >= 300:
            self.rule = rule_of(response)
            if self.rule:
                self.figures.rules[self.rule] += 1

    def unanswered(self, client: ClientTransaction, timer: str, now: float) -> None:
        """No answer to the INVITE, or inside the dialog."""
        if client is not self._client:
            super().unanswered(client, timer, now)
        elif timer == "C":
            self.withdraw(now)
        elif not self.status:
            self.give_up("sending" if timer == "sending" else "timeout", now)

    def connection_lost(self, now: float) -> None:
        """Our connection ended."""
        if self.status:
            super().connection_lost(now)
        else:
            self.give_up("sending", now)

    def give_up(self, why: str, now: float) -> None:
        """There will be no final response that counts."""
        self.failure = why
        if why == "sending":
            self.figures.lost += 1
        else:
            self.figures.unanswered += 1
        self.finish("never", now)

    # ---- for tests ----------------------------------------------------------------------------------------------

    async def rang(self, limit_s: float | None = LIMIT_S) -> SipResponse:
        """The first 1xx but 100; TimeoutError."""
        await self.endpoint.watch.until(lambda: bool(self.provisional), limit_s)
        return self.provisional[0]

    async def decided(self, limit_s: float | None = LIMIT_S) -> int:
        """The status of the final response, 0 where there is none; TimeoutError."""
        await self.endpoint.watch.until(lambda: bool(self.status) or self.over, limit_s)
        return self.status


class Uac:
    """Makes calls to one target; nothing is opened before `start`."""

    def __init__(
        self,
        settings: UacSettings,
        *,
        seed: int = 0,
        figures: CallFigures | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.settings: Final = settings
        self.figures: Final = figures or CallFigures()
        self.endpoint: Final = Endpoint(
            settings.transport,
            self.figures,
            t1_s=settings.t1_s,
            faults=settings.faults,
            seed=seed,
            follow_contact=settings.follow_contact,
        )
        self.under_way: Final[set[OutgoingCall]] = set()
        self._tls = tls
        self._way: Way | None = None

    async def start(self) -> None:
        """Open the socket, or make the connection. OSError, TimeoutError."""
        settings = self.settings
        if settings.transport == "udp":
            local = settings.local_host or await asyncio.to_thread(local_host_towards, settings.host, settings.port)
            await self.endpoint.listen(local, settings.local_port)
        self._way = await self.endpoint.reach(settings.host, settings.port, self._tls)

    async def stop(self) -> None:
        """Close everything; what runs is left as it is."""
        await self.endpoint.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def call(
        self,
        callee: str,
        caller: str | None = None,
        *,
        asserted: str | None = None,
        shape: CallShape | None = None,
        due: float | None = None,
        done: UacDone | None = None,
    ) -> OutgoingCall:
        """Begin a call; `shape` says what it is made of, else the settings do. `due` is when it should have begun."""
        assert self._way is not None
        shape = shape or self.settings
        now = self.endpoint.time()

        def ended(call: OutgoingCall) -> None:
            self.under_way.discard(call)
            if done is not None:
                done(call)

        call = OutgoingCall(
            self,
            self._way,
            shape,
            shape.caller if caller is None else caller,
            callee,
            shape.asserted if asserted is None else asserted,
            ended,
            now if due is None else due,
        )
        self.under_way.add(call)
        call.begin(now)
        self.endpoint.turn(now)
        return call
