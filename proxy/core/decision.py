"""What was answered: the decision, and the permit or refusal that carries it.

INVARIANT: `Permit` needs a `Seal`, and only `proxy/policy.py` makes one (held by a test over the source tree and by the
import contracts). The functions that forward towards the carrier take a `Permit` and nothing else, so a path that
forgets the policy does not type-check.
"""

from typing import Final, Literal

from msgspec import Struct

from proxy.core.purposes import Purpose

Effect = Literal["allow", "deny", "defer"]

#: One octet per rule, in the order of the rule table.
OUTCOME_NA: Final = 0
OUTCOME_PASS: Final = 1
OUTCOME_REFUSE: Final = 2
OUTCOME_SHADOW: Final = 3
OUTCOME_ERROR: Final = 4
OUTCOME_NAMES: Final = ("n/a", "pass", "refuse", "shadow", "error")


class Decision(Struct, frozen=True, gc=False):
    """One answer. `rule` and `detail` are empty on an allow; `person` is the recipient's digest, empty where the
    address has no form; `outcomes` holds one octet per rule of the table.
    """

    id: int
    effect: Effect
    rule: str
    detail: str
    principal: str
    purpose: Purpose
    person: bytes
    pack: str
    pack_version: int
    revision: int
    outcomes: bytes


class Seal:
    """The right to make permits. INVARIANT: instantiated in `proxy/policy.py` and nowhere else."""

    __slots__ = ()


class PermitSpentError(Exception):
    """A permit was to be used twice: a defect that must never pass silently."""


class Permit:
    """The right to send one PDU or INVITE towards the carrier, once."""

    __slots__ = ("_octets", "decision")

    def __init__(self, seal: Seal, decision: Decision, octets: bytes) -> None:
        if type(seal) is not Seal:
            raise TypeError("a permit is made by the policy only")
        self.decision: Final = decision
        self._octets: bytes | None = octets

    def spend(self) -> bytes:
        """The octets that were judged; raises `PermitSpentError` the second time."""
        octets = self._octets
        if octets is None:
            raise PermitSpentError(f"decision {self.decision.id:x}")
        self._octets = None
        return octets


class Refusal(Struct, frozen=True, gc=False):
    """A deny or a defer: nothing of the request goes on."""

    decision: Decision
