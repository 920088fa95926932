"""A mirrored pair as the holder of parts: what its relay does about them is written at the end of the loop turn."""

from collections.abc import Callable
from typing import Final, Protocol

from proxy.binds.links import CarrierLink, EsmeLink
from proxy.core.decision import Permit, Refusal
from proxy.smpp.pdu import Pdu
from proxy.smpp.relay import MirrorRelay


class Ends(Protocol):
    """What a pair is to its parts (see `pairs.Bound`): its links come and go, its relay stays."""

    @property
    def relay(self) -> MirrorRelay: ...

    @property
    def esme(self) -> EsmeLink | None: ...

    @property
    def carrier(self) -> CarrierLink | None: ...


class PartsOf:
    """As `concat.Holder`."""

    def __init__(self, bound: Ends, wake: Callable[..., None]) -> None:
        self._bound: Final = bound
        self._wake: Final = wake
        self._parts: Final = bound.relay.parts

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        self._parts.part_permitted(pdu, permit, now)
        self._wake(self._bound.carrier)

    def part_refused(self, pdu: Pdu, refusal: Refusal) -> None:
        self._parts.part_refused(pdu, refusal)
        self._wake(self._bound.esme)

    def part_answered(self, pdu: Pdu, answer: bytes) -> None:
        self._parts.part_answered(pdu, answer)
        self._wake(self._bound.esme)

    def message_permitted(self) -> None:
        self._parts.message_permitted()

    def message_ended(self, decision_id: int, result: str, answer: bytes) -> None:
        self._parts.message_ended(decision_id, result, answer)

    def part_joined(self, now: float) -> None:
        self._parts.part_joined(now)

    def unable(self) -> str:
        return self._bound.relay.unable()
