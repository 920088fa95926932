"""What stalled messages ask of the rest of the house: a disk, a judge and a way to the carrier, as small protocols."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from proxy.core.decision import Permit, Refusal
from proxy.smpp.concat import Part
from proxy.smpp.pdu import Pdu


class StalledLimits(Struct, frozen=True):
    """Bounds for one account, and times in seconds.

    `deadline_s`: until then all parts are there, or none is forwarded; as long a message is known after its end.
    `age_s`: so long a whole message is tried. `retry_first_s`, `retry_most_s`: the pauses between tries.
    """

    parts: int = 10_000
    octets: int = 8 << 20
    deadline_s: float = 120.0
    age_s: float = 3600.0
    retry_first_s: float = 1.0
    retry_most_s: float = 60.0


class StalledStore(Protocol):
    """Where records and receipts are kept. Each `put` calls back once, unless it gives False: no room."""

    def put(self, record: bytes, then: Callable[[bool], None]) -> bool:
        """Keeps a record; `then` is told whether it is durable."""
        ...

    def drop(self, record: bytes) -> None:
        """Forgets a durable record, a little later."""
        ...

    def deliver(self, receipt: bytes, then: Callable[[bool], None]) -> bool:
        """Keeps a receipt for the ESME, whenever it comes."""
        ...


class StalledJudge(Protocol):
    """A gate of the account, bound to no connection."""

    def part_of(self, pdu: Pdu) -> Part | None:
        """A part as it reads now; None where it is none any more."""
        ...

    def judge_parts(
        self, parts: tuple[Part, ...], rule: str, detail: str, refused: Callable[[Refusal], None]
    ) -> tuple[Permit, ...]:
        """As `long_messages.PartsJudge`."""
        ...

    def refused_whole(self, parts: tuple[Part, ...]) -> Refusal | None:
        """Why a message that was just permitted would be refused now, if so; records nothing."""
        ...

    def status(self, refusal: Refusal) -> int: ...

    def status_of(self, rule: str) -> int: ...

    def outcome(self, decision_id: int, result: str, status: int, message_id: bytes) -> None: ...

    def note(self, event: str) -> None: ...


class StalledWay(Protocol):
    """The way to the carrier. What becomes of each part is told to `StalledMessages`, each once."""

    def is_open(self) -> bool:
        """Whether a message could be sent now."""
        ...

    def reserve(self, message: int) -> None:
        """A message is about to be sent: whatever it would go by is not to end before. `release` follows."""
        ...

    def release(self, message: int) -> None:
        """It was sent, or will not be now."""
        ...

    def send(self, message: int, going: list[tuple[int, Part, Permit]]) -> bool:
        """Sends parts, each under its id; False where nothing of it was taken."""
        ...

    def took(self, id_: int) -> bool:
        """Whether the carrier is known to have taken the part with this id."""
        ...
