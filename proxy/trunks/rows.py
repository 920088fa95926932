"""Rows of the status file about trunks and gateways, from what the calls have at hand.

Owns their order and their bound. Pure, and only asked when a status is written. No row holds a number or a name of a
person.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from proxy.core.snapshot import Snapshot
from proxy.judging.call_tallies import CallTallies
from proxy.telemetry.status import GatewayRow, TrunkRow
from proxy.trunks.gates import CallGates
from proxy.trunks.gateways import Carrier
from proxy.trunks.peers import Trunk

_MOST: Final = 500


def trunk_rows(
    trunks: Iterable[Trunk], gates: CallGates, tallies: CallTallies, snapshot: Snapshot
) -> tuple[TrunkRow, ...]:
    """A row for each trunk, in the order of the configuration, the first 500."""
    rows = []
    for trunk in islice(trunks, _MOST):
        account = trunk.account
        record = snapshot.accounts.get(account)
        asked, permitted, refused, deferred = gates.asked_of(account)
        now, most = gates.calls_of(account)
        out = {name: tallies.ended(account, "out", name) for name in ("answered", "refused", "failed", "cancelled")}
        rows.append(
            TrunkRow(
                name=trunk.name,
                account=account,
                principal=record.principal if record is not None else "",
                now=now,
                most=most,
                asked=asked,
                permitted=permitted,
                refused=refused,
                deferred=deferred,
                answered=out["answered"],
                declined=out["refused"],
                failed=out["failed"],
                cancelled=out["cancelled"],
                back=tallies.back(account),
            )
        )
    return tuple(rows)


def gateway_rows(groups: Iterable[Carrier]) -> tuple[GatewayRow, ...]:
    """A row for each gateway, group by group, the first 500."""
    rows = (
        GatewayRow(
            group=group.name,
            host=each.settings.host,
            port=each.settings.port,
            transport=each.settings.transport,
            priority=each.settings.priority,
            weight=each.settings.weight,
            up=each.up,
            watched=group.settings.options_s > 0,
            of_trunk=each.of_trunk,
            asked=each.asked,
        )
        for group in groups
        for each in group.gateways
    )
    return tuple(islice(rows, _MOST))
