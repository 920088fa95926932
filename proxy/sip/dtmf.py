"""Digits in INFO bodies: application/dtmf-relay and application/dtmf, as equipment in the field sends them. Pure.

Owns these two forms; no standard does. Must never raise: a body that says no digit says none, and passes on. Keys are
`0`-`9`, `*`, `#` and `A`-`D`; event codes 10 to 15 (RFC 4733 §3.2) stand for the last six.
"""

from typing import Final

from proxy.sip.error import SipError
from proxy.sip.message import SipRequest
from proxy.sip.screening import media_type

RELAY: Final = b"application/dtmf-relay"
PLAIN: Final = b"application/dtmf"
_KEYS: Final = "0123456789*#ABCD"
_LONGEST: Final = 1024


def digits_in(request: SipRequest) -> str:
    """The keys that an INFO says were pressed, in order; empty where it is about something else."""
    try:
        written = request.single("content-type")
        kind = media_type(written) if written else b""
    except SipError:
        return ""
    if len(request.body) > _LONGEST:
        return ""
    text = request.body.decode("latin-1")
    if kind == RELAY:
        return "".join(_key(value) for name, value in _lines(text) if name == "signal")
    return _key(text) or "".join(_key(value) for name, value in _lines(text) if name == "d") if kind == PLAIN else ""


def _lines(text: str) -> list[tuple[str, str]]:
    """`NAME=VALUE` lines; DEVIATION: spaces around both, `:` for `=`, and LF alone are seen in the field."""
    read = []
    for line in text.splitlines():
        name, separator, value = line.replace(":", "=", 1).partition("=")
        if separator:
            read.append((name.strip().lower(), value))
    return read


def _key(value: str) -> str:
    """The one key that a value names; empty where it names none."""
    written = value.strip().upper()
    if len(written) == 1 and written in _KEYS:
        return written
    if written.isascii() and written.isdigit() and len(written) == 2 and 10 <= int(written) <= 15:
        return _KEYS[int(written)]
    return ""
