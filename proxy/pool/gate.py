"""What a desk asks of the rest of the house, as small protocols: gate, spool, and who knows carriers. Sans-IO."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from proxy.core.decision import Decision, Refusal
from proxy.pool.spoken import Spoken
from proxy.smpp.gate import Gate
from proxy.smpp.pdu import Pdu
from proxy.smpp.several import Several


class PoolGate(Gate, Protocol):
    """A gate that tells whom its latest permit leads to."""

    @property
    def recipient(self) -> str:
        """The canonical recipient of the latest permit."""
        ...

    @property
    def pooled(self) -> Callable[[bytes, bytes, Decision], None]:
        """Keeps a message that a carrier took, by our id, so that a refusal of its person can take it back."""
        ...

    @property
    def spoken(self) -> Spoken | None:
        """The message that the latest permit is about, where it was asked for by id."""
        ...

    def judge_several(self, pdu: Pdu, in_flight: int) -> Several | Refusal: ...

    def refused_several(self, several: Several) -> dict[int, int]:
        """The status for each permitted decision of a submit_multi that would be a refusal now; records nothing."""
        ...


class Entry(Protocol):
    """One delivery out of the spool."""

    @property
    def octets(self) -> bytes: ...


class Deliveries(Protocol):
    """What waits for one account, oldest first (`proxy/spool`)."""

    def take(self, account: str, most: int) -> Sequence[Entry]: ...

    def done(self, entry: Any) -> bool: ...

    def give_back_entry(self, entry: Any) -> bool: ...


class Carriers(Protocol):
    """Whose subscriber somebody is (`proxy/routing/carriers.py`)."""

    def of(self, recipient: str, person: bytes) -> str: ...
