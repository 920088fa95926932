"""What an SMSC has for its ESMEs: where each delivery goes, and what waits because nobody can receive it.

Owns routing and holding. Must never lose a mobile-originated message whose answer somebody awaits: either it is sent
again or its sender is told.
"""

from collections import defaultdict, deque
from collections.abc import Sequence

from proxy.smpp.consts import HEADER_OCTETS
from simulators.smsc_session import Done, SmscSession

Unanswered = list[tuple[bytes, Done | None]]


class Outbox:
    """Deliveries of one SMSC; `sessions` is its live list of connections."""

    def __init__(self, sessions: Sequence[SmscSession]) -> None:
        self._sessions = sessions
        self._held: defaultdict[str, deque[tuple[int, bytes, Done | None]]] = defaultdict(deque)

    def put(
        self,
        system_id: str | None,
        command: int,
        body: bytes,
        *,
        session: SmscSession | None = None,
        done: Done | None = None,
    ) -> None:
        """Send a body to `session` if it can receive, else to any bind of `system_id` that can, else hold it.

        A `system_id` of None means any.
        """
        if session is None or session.closed or not session.can_receive:
            session = next(
                (s for s in self._sessions if s.can_receive and not s.closed and system_id in (None, s.system_id)),
                None,
            )
        if session is None:
            self._held[system_id or ""].append((command, body, done))
        else:
            session.deliver(command, body, done)

    def release(self, session: SmscSession) -> None:
        """Send a new bind what was held for it."""
        for key in (session.system_id, ""):
            for command, body, done in self._held.pop(key, ()):
                session.deliver(command, body, done)

    def again(self, system_id: str, unanswered: Unanswered) -> None:
        """Send what a lost connection left without an answer again; receipts, which nobody awaits, are not."""
        for pdu, done in unanswered:
            if done is not None:
                self.put(system_id, int.from_bytes(pdu[4:8], "big"), pdu[HEADER_OCTETS:], done=done)


def give_up(unanswered: Unanswered) -> None:
    """Tell those who await an answer that none will come."""
    for _, done in unanswered:
        if done is not None:
            done(None)
