"""How an SMSC behaves: the tables `[smsc]` of a scenario and the options of the command, as frozen values.

Owns names, defaults and limits. Must never read a file: `scenario` does.
"""

from collections.abc import Callable
from types import MappingProxyType
from typing import Final, Literal

import msgspec

from simulators.faults import Faults
from simulators.receipts import STATES

RADIX_SIGNS: Final = MappingProxyType({"hex": "x", "HEX": "X", "decimal": "d"})
"""What the names of formats are in a format specification."""


class MessageIds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How message_ids look."""

    format: Literal["hex", "HEX", "decimal"] = "hex"
    width: int = 8
    """Padded with zeros to this many digits; 0: not padded."""
    first: int = 1

    def writer(self) -> Callable[[int], str]:
        """Make the function that writes the id of a number."""
        kind = RADIX_SIGNS[self.format]
        return f"{{:0{self.width}{kind}}}".format if self.width else f"{{:{kind}}}".format


class Receipts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which messages get a receipt, when, and what it says."""

    share: float = 1.0
    """Of those messages that get one at all."""
    unasked: bool = False
    """Also where registered_delivery asks for none."""
    delay_ms: float = 0.0
    states: dict[str, float] = msgspec.field(default_factory=lambda: {"DELIVRD": 1.0})
    """Weight of each final state."""
    timing: Literal["after", "before"] = "after"
    """Whether the receipt leaves after the response or just before it (then without delay)."""
    tlvs: bool = True
    """Say id and state in TLVs too."""
    id_format: Literal["same", "hex", "HEX", "decimal"] = "same"
    """The id in the receipt's text in another radix than in the response, as some carriers write it."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.share <= 1.0:
            raise ValueError("share of receipts lies between 0 and 1")
        unknown = self.states.keys() - STATES.keys()
        if unknown or not self.states or any(weight < 0 for weight in self.states.values()):
            raise ValueError(f"states of receipts: weights of {', '.join(STATES)}")


class SmscSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An SMSC."""

    system_id: str = "SMSC"
    """What bind responses carry."""
    accounts: dict[str, str] = {}
    """system_id and password of those who may bind; empty: everybody."""
    sc_interface_version: int | None = 0x34
    """The TLV in bind responses; none where absent (-1 in a file)."""
    ids: MessageIds = MessageIds()
    receipts: Receipts = Receipts()
    faults: Faults = Faults()
    enquire_link_ms: float = 0.0
    """How often the SMSC asks for life on an idle connection; 0: never."""
    redeliver: bool = True
    """A mobile-originated message whose connection ended before its answer is sent again on the next bind."""
