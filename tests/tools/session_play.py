"""One SMPP session without a socket: octets and seconds go in, what it let through and what it said come out.

end = SessionEnd("esme", "trx")
end.hears(pdu(SUBMIT_SM, 7))            # the PDUs that the session let through
end.said()                              # [("enquire_link_resp", 0, 9)], and forgets them
end.waits(30)                           # lets the clock run, acting on each deadline as it comes
"""

from __future__ import annotations

import struct

from proxy.smpp.consts import COMMAND_NAMES
from proxy.smpp.pdu import Pdu
from proxy.smpp.session import Session, Side, State, Timers

TIMERS = Timers(session_init_s=10, pdu_s=5, enquire_link_s=30, inactivity_s=100, response_s=20)
MOST_OCTETS = 4096
BEGIN = 1000.0
#: A session that needs more turns than this for one deadline does not get on.
MOST_TURNS = 50

Said = tuple[str, int, int]


def pdu(command_id: int, sequence: int = 1, status: int = 0, body: bytes = b"") -> bytes:
    """A header before a body, as it stands on the wire."""
    return struct.pack(">IIII", 16 + len(body), command_id, status, sequence) + body


def name_of(command_id: int) -> str:
    return COMMAND_NAMES.get(command_id, f"{command_id:#010x}")


def read_all(octets: bytes) -> list[Pdu]:
    """All PDUs in octets that a session wrote; they must be whole."""
    found = []
    while octets:
        length, command_id, status, sequence = struct.unpack_from(">IIII", octets)
        assert 16 <= length <= len(octets), "half a PDU was written"
        found.append(Pdu(command_id, status, sequence, octets[:length]))
        octets = octets[length:]
    return found


class SessionEnd:
    """A session with its clock, its notes, and the sequence_numbers of its link requests."""

    def __init__(self, peer: Side = "esme", state: State = "open", timers: Timers = TIMERS) -> None:
        self.now = BEGIN
        self.notes: list[str] = []
        self.session = Session(peer, timers, MOST_OCTETS, self.notes.append, self.now)
        if state != "open":
            self.session.enter(state)
        self.sequence = 0

    def hears(self, *octets: bytes) -> list[Pdu]:
        """What the session lets through of octets that come in one piece."""
        return self.session.receive(b"".join(octets), self.now)

    def said(self) -> list[Said]:
        """(command, status, sequence) of what the session wrote, which is forgotten."""
        return [
            (name_of(each.command_id), each.status, each.sequence) for each in read_all(bytes(self.session.out.take()))
        ]

    def noted(self) -> list[str]:
        """The notes since the last call."""
        notes, self.notes[:] = list(self.notes), []
        return notes

    def link_sequence(self) -> int:
        self.sequence += 1
        return self.sequence

    def waits(self, seconds: float) -> None:
        """Lets time pass; acts on each deadline when it is due. Fails where a deadline stays in the past."""
        end = self.now + seconds
        while (due := self.session.next_deadline()) <= end:
            self.now = max(self.now, due)
            turns = 0
            while self.session.next_deadline() <= self.now:
                self.session.handle_deadline(self.now, self.link_sequence())
                turns += 1
                assert turns < MOST_TURNS, "a deadline was acted on and is still due"
        self.now = end
