"""Looks for a message in the files of a trail, also while a process writes them: for whoever asks about one.

Owns reading without the lock. Must never write, and never fail over a segment that goes away meanwhile. How it works:
most segments hold none of the octets that are looked for and are not read record by record. What the running process
has forgotten is found as long as its segment stands.
"""

import struct
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from proxy.trail.layout import (
    ACCOUNT,
    ROUTE,
    SEGMENT_SUFFIX,
    STATE,
    AcceptedRecord,
    NameRecord,
    Record,
    ShownRecord,
    payloads,
    records,
)

_pack_id: Final = struct.Struct("<Q").pack
#: What the state of a message says that was given up, since too many were open.
GIVEN_UP: Final = "given up"


class TracedMessage(Struct):
    """One message as the files have it. Times are UTC seconds, 0 where there is none; `state` "" while it is open."""

    message: int
    account: str
    route: str
    carrier_id: bytes
    accepted_at: int
    shown: int = 0
    state: str = ""
    ended_at: int = 0


def search(directory: Path, ids: Collection[int], carrier_ids: Collection[bytes]) -> list[TracedMessage]:
    """The messages under any of these ids: our own, those that ESMEs know, those of carriers. In order of our ids."""
    found: dict[int, TracedMessage] = {}
    wanted = set(ids)
    needles = [*(_pack_id(each) for each in ids), *carrier_ids]
    for record, _ in _records(directory, needles):
        if isinstance(record, AcceptedRecord):
            if record.decision_id in wanted or record.carrier_id in carrier_ids:
                wanted.add(record.decision_id)
        elif isinstance(record, ShownRecord) and record.shown in ids:
            wanted.add(record.decision_id)
    # WHY twice: the end of a message stands behind it, and who has its id as a carrier's is known only by then.
    for record, names in _records(directory, [_pack_id(each) for each in wanted]):
        if isinstance(record, AcceptedRecord):
            if record.decision_id in wanted:
                account, route = names.get((ACCOUNT, record.account), "?"), names.get((ROUTE, record.route), "?")
                found[record.decision_id] = TracedMessage(
                    record.decision_id, account, route, record.carrier_id, record.at, record.decision_id
                )
        elif not isinstance(record, NameRecord) and (message := found.get(record.decision_id)) is not None:
            if isinstance(record, ShownRecord):
                message.shown = record.shown
            else:
                message.state = names.get((STATE, record.state), "?") if record.state else message.state or GIVEN_UP
                message.ended_at = message.ended_at or record.at
    return [found[each] for each in sorted(found)]


def _records(directory: Path, needles: Collection[bytes]) -> Iterator[tuple[Record, dict[tuple[int, int], str]]]:
    """Every record but names of the segments that hold one of these octets, oldest first, with the names so far."""
    for path in sorted(directory.glob("*" + SEGMENT_SUFFIX)):
        try:
            octets = path.read_bytes()
        except FileNotFoundError:
            continue
        if not any(needle in octets for needle in needles):
            continue
        names: dict[tuple[int, int], str] = {}
        for _, payload in payloads(octets):
            for record in records(payload):
                if isinstance(record, NameRecord):
                    names[record.kind, record.number] = record.name
                else:
                    yield record, names
