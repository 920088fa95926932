"""Where octets come from and go to, as far as a core may know it."""

from typing import Final


class Flow:
    """One way to one peer: an address on a UDP socket, or a TCP or TLS connection (RFC 5626 §1). Made and understood by
    the shell.

    `reliable` is False for UDP; `peer` is the address without port, for comparing hops; `key` is the shell's own, never
    looked into.
    """

    __slots__ = ("key", "peer", "reliable")

    def __init__(self, key: object, peer: bytes, reliable: bool) -> None:
        self.key: Final = key
        self.peer: Final = peer
        self.reliable: Final = reliable
