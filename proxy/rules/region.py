"""Where a message goes, as far as it is certain: the provinces of the telecom enterprises and of a fixed line.

Decides for licences and entrustments alike. A mobile number tells no province for certain, so only fixed lines do; a
telecom enterprise licensed for one province serves there (docs/adr/0024-registry-of-the-chain.md).
"""

from collections.abc import Iterator

from proxy.core.lane import Lane
from proxy.core.records import Account, Number, Telecom
from proxy.core.regions import province_of
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot


def telecoms_of(account: Account, number: Number | None, snapshot: Snapshot) -> Iterator[Telecom]:
    """The telecom enterprises on record of an account and of the number it sends from."""
    for name in (*account.telecoms, *((number.telecom,) if number is not None else ())):
        telecom = snapshot.telecoms.get(name)
        if telecom is not None:
            yield telecom


def lies_outside(regions: frozenset[str], request: Request, lane: Lane, snapshot: Snapshot) -> str | None:
    """Which one is certain to lie outside of these provinces, `telecom` or `recipient`; None where nothing is."""
    for telecom in telecoms_of(lane.account, lane.number, snapshot):
        if telecom.region and telecom.region not in regions:
            return "telecom"
    province = province_of(request.recipient) if request.recipient is not None else ""
    return "recipient" if province and province not in regions else None
