"""Who calls whom in the words of the policy: what a permit for a call holds.

Owns the one writing of it. Must never hold a word that nobody judged: what leaves towards the carrier as an identity is
taken from here and from nowhere else. How it works: three lines, caller, called person, display name, in UTF-8; none of
them holds a line end.
"""

from typing import Final

_END: Final = "\n"


class JudgedCall:
    """`caller` and `called` are canonical (see `core/addresses`); `display` is the name to show, empty for none.

    Raises ValueError where one of them cannot be written.
    """

    __slots__ = ("called", "caller", "display")

    def __init__(self, caller: str, called: str, display: str = "") -> None:
        for each in (caller, called, display):
            # WHY asked first: nearly all are printable, and then there is nothing to look for.
            if not each.isprintable() and any(ord(char) < 0x20 or ord(char) == 0x7F for char in each):
                raise ValueError("a control character")
        if not caller or not called:
            raise ValueError("no number")
        self.caller: Final = caller
        self.called: Final = called
        self.display: Final = display

    def octets(self) -> bytes:
        """As a permit holds it."""
        return _END.join((self.caller, self.called, self.display)).encode()


def judged_call(octets: bytes) -> JudgedCall:
    """Read what `JudgedCall.octets` wrote; raises ValueError where it is anything else."""
    parts = octets.decode().split(_END)
    if len(parts) != 3:
        raise ValueError("three lines")
    return JudgedCall(parts[0], parts[1], parts[2])
