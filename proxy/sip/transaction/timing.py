"""How long each timer of RFC 3261 runs (§17.1.1.1, appendix A table 4, RFC 6026 §7)."""

from typing import Final

from msgspec import Struct


class Timing(Struct, frozen=True):
    """Seconds. T1 is the estimate of a round trip, T2 the longest gap between two repetitions, T4 how long a message
    stays in the network.

    `c_s`: how long an INVITE may ring before it is given up (timer C, §16.6: more than three minutes). `trying_s`:
    after which a 100 is sent where nobody has answered (§17.2.1). `d_s`: how long answers to repeated responses are
    kept (timer D, at least 32 s).
    """

    t1_s: float = 0.5
    t2_s: float = 4.0
    t4_s: float = 5.0
    c_s: float = 181.0
    d_s: float = 32.0
    trying_s: float = 0.2

    @property
    def give_up_s(self) -> float:
        """64*T1: timers B, F, H, J, L, M."""
        return 64 * self.t1_s


DEFAULT_TIMING: Final = Timing()
