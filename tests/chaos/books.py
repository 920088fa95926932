"""What each end saw of a storm: the sides' own books, which the checker compares with the evidence in the end.

Owns the records and the one clock of their order (`tick`: a number that grows with each event of the test process; `us`
is UTC, to be compared with times in the evidence). Knows nothing of tdgate. Everything is kept: nothing is merged.
"""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from typing import Literal

_ticks = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Moment:
    """When something happened in the test's process."""

    tick: int
    us: int


def now() -> Moment:
    return Moment(next(_ticks), time.time_ns() // 1000)


@dataclass(slots=True)
class Line:
    """One TCP connection as an end saw it. `run` is the tdgate process that it led to or came from (1, 2, …)."""

    number: int
    owner: str
    run: int
    closed: Moment | None = None
    #: "" while it stands; "lost", "unbound", or "watchdog" where the end itself gave up waiting.
    why: str = ""
    #: What the faulty wire in between did to it.
    harms: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Answer:
    at: Moment
    status: int
    message_id: bytes


@dataclass(slots=True)
class Part:
    """One request that carries a message or a part of one: command_id and body as the ESME wrote them."""

    attempt: int
    number: int
    command: int
    body: bytes
    line: Line | None = None
    sent: Moment | None = None
    answers: list[Answer] = field(default_factory=list)


@dataclass(slots=True)
class Attempt:
    """One message that an ESME submitted; what it submits again is another attempt of the same `message`."""

    number: int
    message: int
    account: str
    person: str
    parts: list[Part] = field(default_factory=list)
    #: Whom else it is to.
    others: tuple[str, ...] = ()
    #: Why it is refused whatever happens, empty where it is not.
    closed: str = ""


@dataclass(slots=True)
class Arrival:
    """A request as a carrier got it; `status` and `carrier_id` are what the carrier answered, None while it has not."""

    carrier: str
    line: Line
    at: Moment
    command: int
    body: bytes
    status: int | None = None
    carrier_id: str = ""


@dataclass(slots=True)
class Send:
    """One try of a carrier to deliver something."""

    line: Line
    at: Moment
    statuses: list[tuple[Moment, int]] = field(default_factory=list)


#: A half is one of two parts of a "TD".
Kind = Literal["receipt", "reply", "td", "half"]


@dataclass(slots=True)
class Delivery:
    """A receipt or a reply that a carrier has for an account, however often it has to send it."""

    number: int
    kind: Kind
    carrier: str
    account: str
    person: str
    body: bytes
    #: For receipts: of which arrival, and the id by which the carrier calls its message in it.
    about: Arrival | None = None
    receipt_id: str = ""
    sends: list[Send] = field(default_factory=list)

    @property
    def acknowledged(self) -> Moment | None:
        """When the carrier first heard that it arrived."""
        return next((at for send in self.sends for at, status in send.statuses if status == 0), None)


@dataclass(slots=True)
class Receive:
    """A deliver_sm that an ESME got. `answered` is the status it gave; `settled` when it knew that tdgate has it."""

    account: str
    line: Line
    at: Moment
    body: bytes
    answered: int = 0
    settled: Moment | None = None


@dataclass(slots=True)
class Stray:
    """Something that no end should ever see: an answer to nothing, a request of a kind that was never sent."""

    where: str
    what: str


@dataclass(slots=True)
class Kill:
    run: int
    at: Moment


@dataclass
class Books:
    """Everything that was seen."""

    attempts: dict[int, Attempt] = field(default_factory=dict)
    arrivals: list[Arrival] = field(default_factory=list)
    deliveries: dict[int, Delivery] = field(default_factory=dict)
    receives: list[Receive] = field(default_factory=list)
    #: The deliveries that are refusals in two parts.
    halves: list[tuple[int, int]] = field(default_factory=list)
    #: What ESMEs asked beside messages (queries): line, what, answers.
    other: list[Part] = field(default_factory=list)
    strays: list[Stray] = field(default_factory=list)
    esme_lines: list[Line] = field(default_factory=list)
    carrier_lines: list[Line] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    harms: dict[str, int] = field(default_factory=dict)
    deaths: int = 0
    #: The tdgate process that runs now, or ran last.
    run: int = 0

    @property
    def parts(self) -> list[Part]:
        return [part for attempt in self.attempts.values() for part in attempt.parts]
