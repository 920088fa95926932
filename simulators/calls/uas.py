"""Who answers: one call from the INVITE that came to its end, and the end of the wire on which calls come.

Owns the choice of the answer, ringing, and what becomes of a CANCEL. What a call does once it stands is `side`.
"""

import ssl
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

from proxy.sip.dialog import answered_dialog
from proxy.sip.error import SipError
from proxy.sip.headers import key_of
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.reply import Headers, refuse, reply
from proxy.sip.transaction.base import ServerTransaction
from proxy.sip.uri import parse_uri
from simulators.calls.asking import Challenger
from simulators.calls.description import CONTENT_TYPE, answering_direction
from simulators.calls.endpoint import ALLOW, Endpoint
from simulators.calls.figures import CallFigures
from simulators.calls.settings import Answer, Answering, UasSettings, read_headers
from simulators.calls.side import CallSide
from simulators.calls.sockets import Way
from simulators.handset import matches
from simulators.watch import LIMIT_S

_SILENT_KEPT: Final = 100_000


class IncomingCall(CallSide):
    """One call that came. `callee` and `caller` are the users of Request-URI and From."""

    def __init__(
        self, uas: "Uas", way: Way, does: Answering, server: ServerTransaction, request: SipRequest, now: float
    ) -> None:
        super().__init__(uas.endpoint, way, does, uas.ended)
        self.plan: Final = does
        self.request: Final = request
        self.callee: Final = user_of(request.uri)
        self.caller: Final = user_of(request.from_.uri)
        self.status = 0
        """What the INVITE was answered with, at last."""
        self.was_cancelled = False
        self._server: Final = server
        self._begun_at: Final = now
        self._late_s: Final = uas.settings.faults.late_200_s
        server.user = self

    def begin(self, now: float) -> None:
        """Ring, and answer when it is time."""
        try:
            self.dialog = answered_dialog(self.request, self.local_tag, "early")
        except SipError as error:
            self._server.respond(refuse(self.request, error, self.local_tag), now)
            self.figures.malformed += 1
            self.finish("never", now)
            return
        plan = self.plan
        if plan.early_media or plan.ring_status:
            body = self.described() if plan.early_media and self.request.body else b""
            headers: Headers = [self.contact, ("allow", ALLOW)]
            if body:
                headers.append(("content-type", CONTENT_TYPE))
            status = 183 if plan.early_media else plan.ring_status
            self._server.respond(reply(self.request, status, self.local_tag, headers, body), now)
            self.figures.first.add(now - self._begun_at)
        self.after("final", plan.ring_s, now)

    def expired(self, name: str, now: float) -> None:
        """A deadline has come."""
        if name == "final":
            if not self.status and not self.was_cancelled and not self.over:
                self.decide(self.plan.status, now)
        elif name == "late":
            self.decide(200, now)
        else:
            super().expired(name, now)

    def decide(self, status: int, now: float) -> None:
        """Give the final response."""
        self.status = status
        self.figures.statuses[status] += 1
        self.figures.final.add(now - self._begun_at)
        plan = self.plan
        headers: Headers = [(key_of(name.encode()), value) for name, value in read_headers(plan.headers)]
        if status < 300:
            offered = answering_direction(self.request.body) if self.request.body else "sendrecv"
            if self.dialog is not None:
                self.dialog.state = "confirmed"
            self.answer(self._server, self.request, self.described(offered), now, headers)
            return
        if plan.reason and status == plan.status:
            headers.append(("reason", plan.reason.encode()))
        self._server.respond(reply(self.request, status, self.local_tag, headers), now)
        self.finish("never", now)

    def before_answer(self, response: SipResponse) -> None:
        """The 200s that are to be lost are lost by their octets."""
        if self.endpoint.faults.lose_200 and not self.answered:
            self.endpoint.withheld[response.octets()] = self.endpoint.faults.lose_200

    def cancelled(self, now: float) -> None:
        """A CANCEL came in time."""
        if self.status or self.was_cancelled or self.over:
            return
        self.was_cancelled = True
        self.figures.cancelled += 1
        if self._late_s >= 0:
            self.after("late", self._late_s, now)
        else:
            self.decide(487, now)

    def withdraw(self, now: float) -> None:
        """Decline the call, if it is not answered yet."""
        if not self.status and not self.over:
            self.decide(603, now)

    async def stood(self, limit_s: float | None = LIMIT_S) -> "IncomingCall":
        """The call, once it is acknowledged; TimeoutError."""
        await self.endpoint.watch.until(lambda: self.answered, limit_s)
        return self


class Uas:
    """Takes calls; nothing listens before `start`. `record` keeps all calls, for tests and `[expect]`."""

    def __init__(
        self,
        settings: UasSettings | None = None,
        answers: Sequence[Answer] = (),
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        seed: int = 0,
        tls: ssl.SSLContext | None = None,
        record: bool = True,
        counting: Sequence[str] = (),
    ) -> None:
        self.settings: Final = settings or UasSettings()
        self.answers: Final = tuple(answers)
        self.figures: Final = CallFigures()
        self.endpoint: Final = Endpoint(
            self.settings.transport,
            self.figures,
            t1_s=self.settings.t1_s,
            faults=self.settings.faults,
            seed=seed,
            follow_contact=self.settings.follow_contact,
        )
        self.endpoint.asked = self._asked
        self.endpoint.ignores = self._ignores
        self.host: Final = host
        self.port = port
        self.calls: Final[list[IncomingCall]] = []
        """All that came, in order, where they are recorded."""
        self.called_numbers: Final[dict[str, int]] = dict.fromkeys(counting, 0)
        """How often each number of `counting` was called."""
        self._record: Final = record
        self._tls = tls
        self._used = [0] * len(self.answers)
        self._heard_of: dict[bytes, bool] = {}
        self._challenger: Final = Challenger(self.settings) if self.settings.username else None

    async def start(self) -> int:
        """Listen; returns the port."""
        self.port = await self.endpoint.listen(self.host, self.port, self._tls)
        return self.port

    async def stop(self) -> None:
        """Stop listening; what runs is left as it is."""
        await self.endpoint.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def called(self, count: int = 1, limit_s: float | None = LIMIT_S) -> list[IncomingCall]:
        """All calls that came, as soon as there are `count`; TimeoutError."""
        await self.endpoint.watch.until(lambda: self.figures.calls >= count, limit_s)
        return self.calls

    def ended(self, call: CallSide) -> None:
        """A call is over."""
        self.figures.now -= 1
        self.figures.ended += 1

    def _ignores(self, request: SipRequest) -> bool:
        share = self.settings.faults.silent_share
        if not share or request.method != "INVITE" or request.to.tag is not None:
            return False
        silent = self._heard_of.get(request.call_id)
        if silent is None:
            if len(self._heard_of) >= _SILENT_KEPT:
                self._heard_of.clear()
            silent = self._heard_of[request.call_id] = self.endpoint.rng.random() < share
            self.figures.unanswered += silent
        return silent

    def _asked(self, server: ServerTransaction, request: SipRequest, way: Way, now: float) -> None:
        if request.has("require"):
            # WHY none is known: reliable provisional responses and session timers are not simulated.
            unsupported: Headers = [("unsupported", b", ".join(request.values("require")))]
            server.respond(reply(request, 420, self.endpoint.ids.next(), unsupported), now)
            return
        if self._challenger is not None and not self._challenger.proved(request):
            self.figures.challenged += 1
            tag = self.endpoint.ids.next()
            server.respond(reply(request, 401, tag, self._challenger.challenges(self.endpoint.ids.next())), now)
            return
        self.figures.begun()
        call = IncomingCall(self, way, self._plan(request), server, request, now)
        if call.callee in self.called_numbers:
            self.called_numbers[call.callee] += 1
        if self._record:
            self.calls.append(call)
        call.begin(now)

    def _plan(self, request: SipRequest) -> Answering:
        callee, caller = user_of(request.uri), user_of(request.from_.uri)
        for place, answer in enumerate(self.answers):
            spent = answer.times and self._used[place] >= answer.times
            if not spent and matches(answer.to, callee) and matches(answer.sender, caller):
                self._used[place] += 1
                return answer
        return self.settings


def user_of(written: bytes) -> str:
    """The user of a URI, or the number of a tel URI; empty where there is none."""
    try:
        uri = parse_uri(written)
    except SipError:
        return ""
    return (uri.user or b"").decode("utf-8", "replace")
