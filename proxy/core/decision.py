"""What was answered: the decision, and the permit or refusal that carries it.

INVARIANT: `Permit` needs a `Seal`, and only `proxy/policy.py` makes one (held by a test over the source tree and by the
import contracts). The functions that forward towards the carrier take a `Permit` and nothing else, so a path that
forgets the policy does not type-check.
"""

from typing import Final, Literal

from msgspec import Struct

from proxy.core.purposes import Channel, Purpose

Effect = Literal["allow", "deny", "defer"]

#: One octet per rule, in the order of the rule table.
OUTCOME_NA: Final = 0
OUTCOME_PASS: Final = 1
OUTCOME_REFUSE: Final = 2
OUTCOME_SHADOW: Final = 3
OUTCOME_ERROR: Final = 4
OUTCOME_NAMES: Final = ("n/a", "pass", "refuse", "shadow", "error")


class Ground(Struct, frozen=True, gc=False):
    """What one decision shares with all others of its lane that were made alike: the same answer for the same reasons.

    `sender` is as `senders.on_record` writes it, never a person's number. `rule` and `detail` are empty on an allow;
    `outcomes` holds one octet per rule of the table. Grounds are few and live long, so that whoever writes or counts
    many decisions can keep something per ground.
    """

    channel: Channel
    account: str
    sender: str
    effect: Effect
    rule: str
    detail: str
    principal: str
    purpose: Purpose
    pack: str
    pack_version: int
    revision: int
    outcomes: bytes


class Decision(Struct, frozen=True, gc=False):
    """One answer: `id`, the recipient's digest (`person`, empty where the address has no form), and its ground."""

    id: int
    person: bytes
    ground: Ground

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


class Permit(Struct, gc=False, eq=False):
    """The right to send one PDU or INVITE towards the carrier, once. The octets are reached by `spend` only."""

    seal: Seal
    decision: Decision
    _octets: bytes | None

    def spend(self) -> bytes:
        """The octets that were judged; raises `PermitSpentError` the second time, TypeError without the seal."""
        octets = self._octets
        if octets is None:
            raise PermitSpentError(f"decision {self.decision.id:x}")
        if type(self.seal) is not Seal:
            raise TypeError("a permit is made by the policy only")
        self._octets = None
        return octets


class Refusal(Struct, frozen=True, gc=False):
    """A deny or a defer: nothing of the request goes on."""

    decision: Decision
