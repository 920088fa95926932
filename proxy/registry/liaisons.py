"""Which institutions have a liaison officer (J19): asked before a number of theirs comes into use."""

from proxy.registry.ports import Reader
from proxy.registry.tables import TABLES


async def in_office(reader: Reader, now_s: int) -> frozenset[str]:
    """The institutions with a liaison officer at a moment (UTC seconds). Raises StoreError."""
    names = TABLES["liaisons"].names
    found = set()
    async for rows in reader.rows("liaisons"):
        for row in rows:
            named = dict(zip(names, row, strict=True))
            if int(named["since"] or 0) <= now_s < int(named["until"] or 0):
                found.add(str(named["institution"]))
    return frozenset(found)
