"""Who calls whom in the words of the policy: what a permit for a call holds.

Owns the one writing of it. Must never hold a word that nobody judged: what leaves towards the carrier as an identity is
taken from here and from nowhere else. How it works: four lines, caller, called person, display name, page, in UTF-8;
none of them holds a line end.
"""

from typing import Final

_END: Final = "\n"


class JudgedCall:
    """`caller` and `called` are canonical (see `core/addresses`); `display` is the name to show, `page` the URI to tell
    in Call-Info, both empty for none.

    Raises ValueError where one of them cannot be written.
    """

    __slots__ = ("called", "caller", "display", "page")

    def __init__(self, caller: str, called: str, display: str = "", page: str = "") -> None:
        whole = caller + called + display + page
        # WHY asked first: nearly all are printable, and then there is nothing to look for.
        if not whole.isprintable() and any(ord(char) < 0x20 or ord(char) == 0x7F for char in whole):
            raise ValueError("a control character")
        if not caller or not called:
            raise ValueError("no number")
        if page and (not page.isascii() or ">" in page or " " in page):
            raise ValueError("no page")
        self.caller: Final = caller
        self.called: Final = called
        self.display: Final = display
        self.page: Final = page

    def octets(self) -> bytes:
        """As a permit holds it."""
        return _END.join((self.caller, self.called, self.display, self.page)).encode()


def judged_call(octets: bytes) -> JudgedCall:
    """Read what `JudgedCall.octets` wrote; raises ValueError where it is anything else."""
    parts = octets.decode().split(_END)
    if len(parts) != 4:
        raise ValueError("four lines")
    return JudgedCall(parts[0], parts[1], parts[2], parts[3])
