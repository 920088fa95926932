"""The belt to the braces: takes out of a line whatever looks like a subscriber's number.

The braces are that nobody puts one in. Owns what counts as looking like one: eight or more digits in a row, of any
script, that canonicalise as a subscriber; and a Chinese mobile with single separators between its digits. Pure.
Masks too much rather than too little: a carrier's message_id that could be a telephone number is masked as one.
"""

import re
from typing import Final

from proxy.core.addresses import TON_UNKNOWN, masked, recipient

#: Names under which personal data would travel: refused in tests, left out in production.
FORBIDDEN_FIELDS: Final = frozenset(
    ("password", "text", "short_message", "message_payload", "msisdn", "recipient", "number", "destination_addr")
)

_RUN: Final = re.compile(r"\+?\d{8,}")
_SPACED_MOBILE: Final = re.compile(r"(?<!\d)1[ \-.\u00a0]?[3-9](?:[ \-.\u00a0]?\d){9}(?!\d)")
_NPI_UNKNOWN: Final = 0


def redacted(line: str) -> str:
    """The line with every subscriber number masked as on a screen."""
    line = _RUN.sub(_masked_run, line)
    return _SPACED_MOBILE.sub(_masked_run, line)


def _masked_run(match: re.Match[str]) -> str:
    found = match.group()
    # WHY: int() reads the digits of every script; a full-width number is as readable as any.
    digits = "".join(str(int(char)) for char in found if char.isdecimal())
    plus = "+" if found.startswith("+") else ""
    canonical = recipient(TON_UNKNOWN, _NPI_UNKNOWN, (plus + digits).encode())
    return found if canonical is None else masked(canonical)
