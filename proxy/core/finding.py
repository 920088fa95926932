"""What a reader of the wire saw in a request that closes it."""

from msgspec import Struct


class Finding(Struct, frozen=True):
    """Something a reader of the wire saw that closes the request: `rule` of the catalogue and which case of it."""

    rule: str
    detail: str
