"""What tables of the configuration have in common: certificates, ranges of numbers.

Must never read a file. How it works: the end of a key's name says its unit, and with it what values make sense.
"""

from collections.abc import Iterator
from math import inf

import msgspec
from msgspec import Struct


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """Certificates of one listener or route. `ca` on a listener asks peers for a client certificate."""

    certificate: str = ""
    key: str = ""
    ca: str = ""
    server_name: str = ""


def ranges(prefix: str, table: Struct) -> Iterator[str]:
    """Times, sizes and limits are more than 0 and finite, as the end of their names says what they are."""
    for item in msgspec.structs.fields(table):
        value = getattr(table, item.name)
        if (
            not item.name.endswith("per_s")
            and item.name.endswith(("_s", "_ms", "_most", "_octets", "_records"))
            and not 0 < value < inf
        ):
            yield f"{prefix}.{item.encode_name}: must be more than 0 and finite"


def port_range(key: str, port: int, *, least: int) -> Iterator[str]:
    """A port of UDP or TCP; `least` 0 where a free one may be picked."""
    if not least <= port <= 0xFFFF:
        yield f"{key}: must be {least} to 65535"
