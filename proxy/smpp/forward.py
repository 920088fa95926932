"""The only way of a message towards the carrier: with a permit, which is spent here.

INVARIANT: no other function of `smpp/` appends a message to the out queue of a session whose peer is an SMSC (a test
holds that over the source). What goes out are the judged octets but for the four of the sequence_number.
"""

from proxy.core.decision import Permit
from proxy.smpp.session import Session


def forward(permit: Permit, carrier: Session, sequence: int) -> None:
    """Spends a permit and queues its octets for the carrier under `sequence`.

    Raises `PermitSpentError` if the permit was used before, ValueError if the peer is no SMSC.
    """
    if carrier.peer != "smsc":
        raise ValueError("a permit leads to the SMSC side only")
    carrier.out.append_as(permit.spend(), sequence)
