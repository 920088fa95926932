"""What stands in the files at start, told in the order in which it was written.

Owns the reading of segments. Must never change a file, and never fail over octets that are not sound: it counts
them. A message past its time is not told.
"""

from collections.abc import Callable

from msgspec import Struct

from proxy.trail.layout import (
    ACCOUNT,
    ROUTE,
    SEGMENT_MAGIC,
    STATE,
    AcceptedRecord,
    FinalRecord,
    NameRecord,
    ShownRecord,
    frame_octets,
    payloads,
    records,
)
from proxy.trail.limits import Limits
from proxy.trail.segments import Segments


class Recovered(Struct):
    """What a start found."""

    segments: int = 0
    accepted: int = 0
    """Records of messages within their time, those that had ended included."""
    unsound_octets: int = 0
    """Octets in no sound frame: what a kill or a power cut leaves at the end of a file."""
    unnamed: int = 0
    """Records whose account or route is not named in the sound part of their file."""


Show = Callable[[int, int], None]
Accept = Callable[[int, int, int, str, str, bytes, bytes], None]
End = Callable[[int, int, str], None]


def recover(segments: Segments, accept: Accept, end: End, show: Show, now: int, limits: Limits) -> Recovered:
    """Reads all segments, oldest first; `now` is UTC seconds. Raises OSError."""
    found = Recovered(segments=len(segments.numbers))
    oldest = now - limits.kept_s
    for number in segments.numbers:
        octets = segments.read(number)
        sound = len(SEGMENT_MAGIC) if octets.startswith(SEGMENT_MAGIC) else 0
        names: dict[tuple[int, int], str] = {(STATE, 0): ""}
        for _, payload in payloads(octets):
            sound += frame_octets(payload)
            for record in records(payload):
                if isinstance(record, AcceptedRecord):
                    if record.at < oldest:
                        continue
                    account = names.get((ACCOUNT, record.account))
                    route = names.get((ROUTE, record.route))
                    if account is None or route is None:
                        found.unnamed += 1
                        continue
                    found.accepted += 1
                    accept(number, record.decision_id, record.at, account, route, record.person, record.carrier_id)
                elif isinstance(record, FinalRecord):
                    # WHY "?": that a message has ended counts, even where the name of its state is lost.
                    end(record.decision_id, record.at, names.get((STATE, record.state), "?"))
                elif isinstance(record, ShownRecord):
                    show(record.decision_id, record.shown)
                else:
                    assert isinstance(record, NameRecord)
                    names[record.kind, record.number] = record.name
        found.unsound_octets += len(octets) - sound
    return found
