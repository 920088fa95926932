"""What both sides of a call do once it stands: 2xx and ACK, BYE, keys, re-INVITE and hold.

Owns the dialog and the deadlines of one call. Must never begin one: `uac` and `uas` do. How it works: what a side has
to do by itself comes from its `InCall`, at times from the answer on; its own BYE waits for the answers to what it asked
before.
"""

from collections.abc import Callable
from typing import Final, Literal, Self

from proxy.sip.dialog import Dialog
from proxy.sip.digest_client import DigestClient
from proxy.sip.dtmf import PLAIN, RELAY, digits_in
from proxy.sip.error import SipError
from proxy.sip.message import SipRequest, SipResponse
from proxy.sip.reply import Headers, refuse, reply
from proxy.sip.timers import Timer
from proxy.sip.transaction.base import ClientTransaction, ServerTransaction
from proxy.sip.transaction.invite_client import InviteClient
from simulators.calls.description import CONTENT_TYPE, answering_direction, describe
from simulators.calls.endpoint import ALLOW, Endpoint, Party
from simulators.calls.settings import InCall
from simulators.calls.sockets import Way
from simulators.watch import LIMIT_S

EndedBy = Literal["", "us", "peer", "lost", "never"]
_PROOF: Final = {401: ("www-authenticate", "authorization"), 407: ("proxy-authenticate", "proxy-authorization")}
_OWN: Final = ("press", "reinvite", "hold", "resume", "talk")


class _Asked:
    """A request of ours inside the dialog."""

    __slots__ = ("body", "headers", "method", "number", "proved")

    def __init__(self, method: str, headers: Headers, body: bytes, proved: bool) -> None:
        self.method: Final = method
        self.headers: Final = headers
        self.body: Final = body
        self.proved: Final = proved
        self.number = 0


class CallSide(Party):
    """One side of a call. `done` is told once, when nothing of it is left to come."""

    def __init__(self, endpoint: Endpoint, way: Way, does: InCall, done: Callable[["CallSide"], None]) -> None:
        self.endpoint: Final = endpoint
        self.figures: Final = endpoint.figures
        self.does: Final = does
        self.way = way
        self.local_tag: Final = endpoint.ids.next()
        self.dialog: Dialog | None = None
        self.answered = False
        self.over = False
        self.ended_by: EndedBy = ""
        self.end_reason = ""
        """The Reason of the BYE that came."""
        self.heard = ""
        """Keys that the other side pressed."""
        self.pressed: list[int] = []
        """What our keys were answered with, in order."""
        self.reinvited: list[int] = []
        """What our re-INVITEs were answered with."""
        self.directions: list[str] = []
        """Of the re-INVITEs that came: sendrecv, sendonly, recvonly, inactive."""
        self._done: Final = done
        self.digest: DigestClient | None = None
        """What answers challenges, where there is a password."""
        self._proof = ""
        self._open: dict[ClientTransaction, _Asked] = {}
        self._keys = ""
        self._bye_due = False
        self._ending = False
        self._timers: list[Timer] = []
        self._session: Final = endpoint.rng.randrange(1, 1 << 31)
        self._version = 0
        #: Our 2xx that is repeated until its ACK comes.
        self._answer: SipResponse | None = None
        self._answer_number = 0
        self._gap_s = 0.0
        #: The ACK of the peer's last 2xx, and how many of them are still lost on purpose.
        self._ack = b""
        self._acks_to_lose = endpoint.faults.lose_ack
        endpoint.parties[self.local_tag] = self

    # ---- what it is made of -------------------------------------------------------------------------------------

    def described(self, direction: str = "sendrecv") -> bytes:
        """A new description of ours."""
        self._version += 1
        return describe(self.way.local_host, self._session, self._version, direction)

    @property
    def contact(self) -> tuple[str, bytes]:
        """The Contact line of ours."""
        return ("contact", self.way.hop.contact)

    def after(self, name: str, delay_s: float, now: float) -> None:
        """Have `expired(name)` called; at once where there is no delay."""
        if delay_s <= 0:
            self.expired(name, now)
        else:
            self._timers.append(self.endpoint.timers.start(self, name, delay_s, now))

    # ---- it stands ----------------------------------------------------------------------------------------------

    def stands(self, now: float) -> None:
        """The call is answered and acknowledged: what this side does by itself begins."""
        does = self.does
        delays = (does.press_s if does.press else -1.0, does.reinvite_s, does.hold_s, does.resume_s, does.talk_s)
        for name, delay_s in zip(_OWN, delays, strict=True):
            if delay_s >= 0:
                self.after(name, delay_s, now)

    def expired(self, name: str, now: float) -> None:
        """A deadline has come."""
        if name == "2xx":
            self._answer_again(now)
        elif name == "ack":
            self._never_acknowledged(now)
        elif self.over or self._ending:
            return
        elif name == "press":
            self.press(self.does.press, now)
        elif name == "talk":
            self.bye(now)
        else:
            self.reinvite("sendonly" if name == "hold" else "sendrecv", now)

    def press(self, keys: str, now: float) -> None:
        """Press keys, each after the answer to the one before."""
        self._keys += keys.upper()
        if not any(each.method == "INFO" for each in self._open.values()):
            self._next_key(now)

    def _next_key(self, now: float) -> None:
        if not self._keys or self.over or self._ending:
            return
        key, self._keys = self._keys[0], self._keys[1:]
        relay = self.does.press_body == "relay"
        body = f"Signal={key}\r\nDuration=160\r\n".encode() if relay else key.encode()
        self._ask("INFO", [("content-type", RELAY if relay else PLAIN)], body, now)

    def reinvite(self, direction: str, now: float) -> None:
        """Send an INVITE inside the call."""
        headers = [self.contact, ("allow", ALLOW), ("content-type", CONTENT_TYPE)]
        self._ask("INVITE", headers, self.described(direction), now)

    def bye(self, now: float, reason: str = "") -> None:
        """End the call, once what we asked is answered."""
        if self.over or self._ending or self.dialog is None:
            return
        if self._open or self._keys or self._answer is not None:
            # WHY also our 2xx: no BYE before its ACK (RFC 3261 §15).
            self._bye_due = True
            return
        self._ending = True
        written = reason or self.does.bye_reason
        headers: Headers = [("reason", written.encode())] if written else []
        self._ask("BYE", headers, b"", now)

    def _ask(self, method: str, headers: Headers, body: bytes, now: float, *, proved: bool = False) -> None:
        dialog = self.dialog
        if dialog is None or dialog.state == "terminated":
            return
        way = self.endpoint.way_of_dialog(dialog, self.way)
        via = way.hop.via(self.endpoint.ids.branch())
        asked = _Asked(method, headers, body, proved)
        request = dialog.request(method, via, headers, body)
        asked.number = dialog.local_sequence
        if proved:
            self.sign(request)
        self._open[self.endpoint.ask(request, way, self, now)] = asked

    def challenged(self, response: SipResponse, *, answered: bool) -> bool:
        """Take the challenges of a response; True where the request is to be sent again, signed."""
        if response.status not in (401, 407) or self.digest is None:
            return False
        theirs, ours = _PROOF[response.status]
        self._proof = ours
        return self.digest.challenged(response.each(theirs), answered=answered)

    def sign(self, request: SipRequest) -> None:
        """Put credentials into a request."""
        if self.digest is not None:
            value = self.digest.credentials(request.method, request.uri, request.body, self.endpoint.ids.next())
            request.append(self._proof, value)

    # ---- answers to what we asked -------------------------------------------------------------------------------

    def responded(self, client: ClientTransaction, response: SipResponse, now: float) -> None:
        """An answer inside the dialog."""
        asked = self._open.get(client)
        if asked is None:
            if isinstance(client, InviteClient) and response.status < 300 and self._ack:
                self.acknowledge_again(now)
            return
        if response.status < 200:
            return
        del self._open[client]
        if self.challenged(response, answered=asked.proved):
            self._ask(asked.method, asked.headers, asked.body, now, proved=True)
            return
        self._came(asked, response.status, response, now)

    def unanswered(self, client: ClientTransaction, timer: str, now: float) -> None:
        """No answer inside the dialog: as if 408 (RFC 3261 §12.2.1.2)."""
        asked = self._open.pop(client, None)
        if asked is not None:
            self._came(asked, 408, None, now)

    def _came(self, asked: _Asked, status: int, response: SipResponse | None, now: float) -> None:
        if asked.method == "BYE":
            self.finish("us" if status < 300 or status == 481 else "lost", now)
            return
        if asked.method == "INFO":
            self.pressed.append(status)
            if status < 300:
                self.figures.pressed += 1
            else:
                self.figures.refused_keys += 1
            self._next_key(now)
        elif asked.method == "INVITE":
            self.reinvited.append(status)
            self.figures.reinvited["ours" if status < 300 else "failed"] += 1
            if response is not None and status < 300:
                self.acknowledge(asked.number, response, now)
        if self._bye_due and not self._open and not self._keys:
            self._bye_due = False
            self.bye(now)

    def disconnected(self, way: Way, now: float) -> None:
        """A connection ended: over, where it was ours."""
        if way is self.way and not self.over:
            self.connection_lost(now)

    def connection_lost(self, now: float) -> None:
        """Our connection ended."""
        self.finish("lost", now)

    def acknowledge(self, number: int, response: SipResponse, now: float, body: bytes = b"") -> None:
        """Acknowledge a 2xx; a body is the answer to the description that it offered."""
        dialog = self.dialog
        if dialog is None:
            return
        try:
            dialog.refresh(response)
        except SipError:
            self.figures.malformed += 1
        way = self.endpoint.way_of_dialog(dialog, self.way)
        headers: Headers = [("content-type", CONTENT_TYPE)] if body else []
        ack = dialog.ack(number, way.hop.via(self.endpoint.ids.branch()), headers, body)
        self._ack = ack.octets()
        self._send_ack()

    def acknowledge_again(self, now: float) -> None:
        """The same 2xx came again."""
        self.figures.came_again += 1
        self._send_ack()

    def _send_ack(self) -> None:
        if self._acks_to_lose:
            self._acks_to_lose -= 1
            self.figures.dropped += 1
        elif self.dialog is not None:
            way = self.endpoint.way_of_dialog(self.dialog, self.way)
            self.endpoint.table.send(way.flow, self._ack)

    # ---- what the other side asks -------------------------------------------------------------------------------

    def requested(self, server: ServerTransaction, request: SipRequest, now: float) -> None:
        """A request inside the dialog."""
        dialog = self.dialog
        if dialog is None or not dialog.belongs(request) or (self.over and request.method != "BYE"):
            server.respond(reply(request, 481), now)
            return
        try:
            dialog.receive(request)
        except SipError as error:
            server.respond(refuse(request, error, b""), now)
            return
        if request.method == "BYE":
            self._bye_came(server, request, now)
        elif request.method == "INFO":
            keys = digits_in(request)
            self.heard += keys
            self.figures.heard += len(keys)
            server.respond(reply(request, 200), now)
        elif request.method == "INVITE":
            self._reinvited(server, request, now)
        elif request.method == "OPTIONS":
            self.endpoint.options(server, request, now)
        else:
            server.respond(reply(request, 405, b"", [("allow", ALLOW)]), now)

    def _bye_came(self, server: ServerTransaction, request: SipRequest, now: float) -> None:
        if self.endpoint.faults.ignore_bye:
            return
        server.respond(reply(request, 200), now)
        if self.over:
            return
        reason = request.first("reason")
        if reason is not None:
            self.end_reason = reason.decode("utf-8", "replace")
            self.figures.end_reasons[self.end_reason] += 1
        self.finish("peer", now)

    def _reinvited(self, server: ServerTransaction, request: SipRequest, now: float) -> None:
        if any(each.method == "INVITE" for each in self._open.values()):
            server.respond(reply(request, 491), now)
            return
        if self._answer is not None:
            server.respond(reply(request, 500, b"", [("retry-after", b"1")]), now)
            return
        self.figures.reinvited["theirs"] += 1
        if self.dialog is not None:
            self.dialog.refresh(request)
        direction = answering_direction(request.body) if request.body else "sendrecv"
        self.directions.append(direction)
        self.answer(server, request, self.described(direction), now)

    # ---- a 2xx of ours ------------------------------------------------------------------------------------------

    def answer(
        self, server: ServerTransaction, request: SipRequest, body: bytes, now: float, headers: Headers | None = None
    ) -> SipResponse:
        """Give a 200 with a description and repeat it until its ACK comes (RFC 3261 §13.3.1.4)."""
        lines = [self.contact, ("allow", ALLOW), *(headers or []), ("content-type", CONTENT_TYPE)]
        response = reply(request, 200, self.local_tag, lines, body)
        self._answer, self._answer_number = response, request.cseq.number
        self._gap_s = self.endpoint.table.timing.t1_s
        self._answer_way = server.flow
        self.before_answer(response)
        server.respond(response, now)
        self.after("2xx", self._gap_s, now)
        self.after("ack", self.endpoint.table.timing.give_up_s, now)
        return response

    def before_answer(self, response: SipResponse) -> None:
        """A 200 is about to leave."""

    def _answer_again(self, now: float) -> None:
        response = self._answer
        if response is None:
            return
        self.figures.sent_again += 1
        self.endpoint.table.send(self._answer_way, response.octets())
        self._gap_s = min(self._gap_s * 2, self.endpoint.table.timing.t2_s)
        self.after("2xx", self._gap_s, now)

    def acknowledged(self, request: SipRequest, now: float) -> None:
        """An ACK came."""
        if self._answer is None or request.cseq.number != self._answer_number:
            return
        self.endpoint.withheld.pop(self._answer.octets(), None)
        self._answer = None
        if self.over:
            return
        if not self.answered:
            self.answered = True
            self.stands(now)
        if self._bye_due:
            self._bye_due = False
            self.bye(now)

    def _never_acknowledged(self, now: float) -> None:
        if self._answer is None:
            return
        self.endpoint.withheld.pop(self._answer.octets(), None)
        self._answer = None
        self.figures.ack_missing += 1
        if not self.over:
            self._bye_due = False
            self.bye(now)

    # ---- for tests and demonstrations ---------------------------------------------------------------------------

    def press_now(self, keys: str) -> None:
        """Press keys."""
        now = self.endpoint.time()
        self.press(keys, now)
        self.endpoint.turn(now)

    def hang_up(self, reason: str = "") -> None:
        """End the call with a BYE; where it is not answered yet, as this side ends such a call."""
        now = self.endpoint.time()
        if self.dialog is not None and self.dialog.state == "confirmed":
            self.bye(now, reason)
        else:
            self.withdraw(now)
        self.endpoint.turn(now)

    def withdraw(self, now: float) -> None:
        """End a call that is not answered yet."""
        raise NotImplementedError

    async def ended(self, limit_s: float | None = LIMIT_S) -> Self:
        """The call, once it is over; TimeoutError."""
        await self.endpoint.watch.until(lambda: self.over, limit_s)
        return self

    # ---- the end ------------------------------------------------------------------------------------------------

    def finish(self, by: EndedBy, now: float) -> None:
        """The call is over; its tag is known for a while, for what is still under way."""
        if self.over:
            return
        self.over = True
        self.ended_by = by
        self._keys = ""
        self._bye_due = False
        if self._answer is not None:
            self.endpoint.withheld.pop(self._answer.octets(), None)
            self._answer = None
        for timer in self._timers:
            timer.end()
        self._timers.clear()
        if by != "never":
            self.figures.ended_by[by] += 1
        self.endpoint.timers.start(_Forgetting(self), "forget", self.endpoint.table.timing.give_up_s, now)
        self._done(self)


class _Forgetting:
    """When the tag of a call is given up."""

    def __init__(self, side: CallSide) -> None:
        self._side: Final = side

    def expired(self, name: str, now: float) -> None:
        """The only timer it has."""
        self._side.endpoint.parties.pop(self._side.local_tag, None)


def rule_of(response: SipResponse) -> str:
    """The text of the Reason of a response (RFC 3326); empty where there is none."""
    value = response.first("reason")
    if value is None:
        return ""
    _, found, rest = value.partition(b'text="')
    return rest.partition(b'"')[0].decode("utf-8", "replace") if found else ""
