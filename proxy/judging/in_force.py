"""What is in force now: snapshot, vocabulary, codes, and the clock of the chunk in hand.

Owns nothing but four references. Must never be copied: whoever judges looks here at each request, so that what a reload
or a new revision swaps binds on the next PDU.
"""

from proxy.core.codes import CodeMaps
from proxy.core.snapshot import Snapshot
from proxy.optout_parser import Vocabulary


class InForce:
    """What is in force now; whoever reloads swaps these references. `now` is UTC seconds, set once per chunk."""

    __slots__ = ("codes", "now", "snapshot", "vocabulary")

    def __init__(self, snapshot: Snapshot, vocabulary: Vocabulary, codes: CodeMaps, now: float) -> None:
        self.snapshot = snapshot
        self.vocabulary = vocabulary
        self.codes = codes
        self.now = now
