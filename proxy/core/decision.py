"""What was answered: the decision, and the permit or refusal that carries it.

INVARIANT: `Permit` needs a `Seal`, and only `proxy/policy.py` makes one (held by a test over the source tree and by the
import contracts). The functions that forward towards the carrier take a `Permit` and nothing else, so a path that
forgets the policy does not type-check.
"""

from typing import Final

from proxy.core.content import Against
from proxy.core.ground import Effect, Ground
from proxy.core.purposes import Purpose


class Decision:
    """One answer: `id`, the recipient's digest (`person`, empty where the address has no form), and its ground.

    `findings` are what the text said against it, enforced or in shadow: codes and spans; `template` is the id of the
    template that it is of, told only where something was found.
    """

    __slots__ = ("findings", "ground", "id", "person", "template")

    def __init__(
        self, id: int, person: bytes, ground: Ground, findings: tuple[Against, ...] = (), template: str = ""
    ) -> None:
        self.id: Final = id
        self.person: Final = person
        self.ground: Final = ground
        self.findings: Final = findings
        self.template: Final = template

    @property
    def effect(self) -> Effect:
        return self.ground.effect

    @property
    def rule(self) -> str:
        return self.ground.rule

    @property
    def detail(self) -> str:
        return self.ground.detail

    @property
    def principal(self) -> str:
        return self.ground.principal

    @property
    def purpose(self) -> Purpose:
        return self.ground.purpose

    @property
    def pack(self) -> str:
        return self.ground.pack

    @property
    def pack_version(self) -> int:
        return self.ground.pack_version

    @property
    def revision(self) -> int:
        return self.ground.revision

    @property
    def outcomes(self) -> bytes:
        return self.ground.outcomes


class Seal:
    """The right to make permits. INVARIANT: instantiated in `proxy/policy.py` and nowhere else."""

    __slots__ = ()


class PermitSpentError(Exception):
    """A permit was to be used twice: a defect that must never pass silently."""


class Permit:
    """The right to send one PDU or INVITE towards the carrier, once. The octets are reached by `spend` only."""

    __slots__ = ("_octets", "decision", "seal")

    def __init__(self, seal: Seal, decision: Decision, octets: bytes) -> None:
        self.seal: Final = seal
        self.decision: Final = decision
        self._octets: bytes | None = octets

    def spend(self) -> bytes:
        """The octets that were judged; raises `PermitSpentError` the second time, TypeError without the seal."""
        octets = self._octets
        if octets is None:
            raise PermitSpentError(f"decision {self.decision.id:x}")
        if type(self.seal) is not Seal:
            raise TypeError("a permit is made by the policy only")
        self._octets = None
        return octets


class Refusal:
    """A deny or a defer: nothing of the request goes on."""

    __slots__ = ("decision",)

    def __init__(self, decision: Decision) -> None:
        self.decision: Final = decision
