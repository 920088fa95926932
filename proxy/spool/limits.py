"""How much may wait in a spool, for how long, and how it is written."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """Octets of entries are counted without what the format adds."""

    octets: int = 256 << 20
    entries: int = 1_000_000
    """Each costs memory (about 0.4 kB) even where its octets are only on disk."""
    account_octets: int = 64 << 20
    """Of one account's entries, so that one absent ESME does not take all the room."""
    age_s: int = 72 * 3600
    memory_octets: int = 64 << 20
    """Of entries held in memory; beyond it they are read from disk when they are taken."""
    segment_octets: int = 16 << 20
    spare_segments: int = 4
    """So much on disk may be done with before the few entries that live in a segment are moved to free it."""
    batch_octets: int = 256 << 10
    """Sealed at once; what one turn puts beyond it is the next batch."""
    linger_ms: int = 2
    """While several entries come at a time: how long the first of a batch waits for others."""
    done_linger_ms: int = 100
    retry_ms: int = 1_000
    """Wait before what is done with is written down again after a failure."""
