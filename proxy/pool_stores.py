"""What pools and stalled messages keep on disk, opened and closed together: trail, spool, and tables that route.

Owns the spool's key file (32 octets, mode 0600, made where it is missing).
"""

import os
from pathlib import Path

from msgspec import Struct

from proxy.core.persons import PersonIndex
from proxy.registry.carriers import read_carriers
from proxy.routing.carriers import CarrierTable, PortedNumbers
from proxy.settings import Settings, SettingsError
from proxy.spool.limits import Limits
from proxy.spool.spool import Spool
from proxy.store.ported_file import PORTED_FILE, load_ported
from proxy.trail.limits import Limits as TrailLimits
from proxy.trail.trail import Trail

_KEY_OCTETS = 32
#: Without a pool only stalled messages are in the trail.
_STALLED_ONLY = TrailLimits(open_most=100_000, segment_octets=4 << 20)


class PoolStores(Struct, frozen=True, eq=False):
    """The trail, the spool, and whose subscriber a number is: nobody's where there is no pool."""

    trail: Trail
    spool: Spool
    carriers: CarrierTable

    async def close(self) -> None:
        """Writes what is queued and gives both directories free."""
        try:
            await self.spool.close()
        finally:
            self.trail.close()


def open_stores(settings: Settings, person_key_ids: tuple[int, ...]) -> PoolStores:
    """Opens what is needed; blocks while it recovers.

    Raises SettingsError, OSError, and what trail, spool and ported numbers raise for damaged files.
    """
    carriers = CarrierTable({}, {}, PortedNumbers(PersonIndex(), ()))
    if settings.smpp.pools:
        ported = load_ported(settings.path(settings.store.database).with_name(PORTED_FILE), person_key_ids)
        carriers = read_carriers(settings.routing.carriers).with_ported(ported)
    limits = Limits(
        octets=settings.spool.octets_most,
        account_octets=settings.spool.account_octets_most,
        age_s=int(settings.spool.age_most_s),
    )
    trail_limits = None if settings.smpp.pools else _STALLED_ONLY
    trail = Trail.open(settings.path(settings.trail.directory), limits=trail_limits)
    try:
        key = _spool_key(settings.path(settings.spool.key))
        spool = Spool.open(settings.path(settings.spool.directory), key, limits=limits)
    except BaseException:
        trail.close()
        raise
    return PoolStores(trail, spool, carriers)


def _spool_key(path: Path) -> bytes:
    """The key of the spool; raises SettingsError where the file is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) != _KEY_OCTETS:
            raise SettingsError([f"{path}: spool.key: a key of the spool has {_KEY_OCTETS} octets"]) from None
        return key
    with os.fdopen(descriptor, "wb") as file:
        key = os.urandom(_KEY_OCTETS)
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    return key
