"""How much the trail may keep, for how long, and in what files."""

from msgspec import Struct


class Limits(Struct, frozen=True):
    """How much is kept, for how long, and in what files."""

    open_most: int = 1_000_000
    """Messages kept at a time, those in their grace time included. Beyond it the trail gives up one of the oldest."""
    kept_s: int = 3 * 86_400
    """How long a message waits for its final receipt."""
    grace_s: int = 600
    """How long a message is still found after its final receipt, since receipts repeat."""
    segment_octets: int = 16 << 20
    """A file that has reached this is followed by the next one."""
    segments_least: int = 8
    """Files that may stand before what is open in the oldest is written again and that file deleted."""
    sync_ms: int = 50
    """The longest that octets written wait for their fdatasync to begin."""
