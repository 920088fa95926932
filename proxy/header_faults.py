"""Which header rules of the configuration would break what a back-to-back user agent has to keep.

Owns the limits of `header_hold`, `header_remove`, `header_add` and `purpose_header`. Must never let configuration write
what the policy has judged or a dialog is known by, nor part a body from its type. How it works: names by name, compact
forms too; the fields that each leg has of its own are those of `sip/carried`.
"""

from collections.abc import Iterator
from typing import Final

from proxy.sip.carried import OWNED
from proxy.sip.error import SipError
from proxy.sip.headers import key_of
from proxy.sip_settings import Sip

#: What a body cannot be read without.
_OF_BODY: Final = frozenset(
    ("content-type", "content-disposition", "content-encoding", "content-language", "content-id", "mime-version")
)
#: What shows a person a name, a picture or a sound that no registry has: added by nobody (J11).
_SHOWN: Final = frozenset(
    ("organization", "reply-to", "subject", "alert-info", "p-called-party-id", "p-associated-uri")
)
_OWN: Final = "is tdgate's own"
_BODY: Final = "belongs to the body"


def header_faults(sip: Sip) -> Iterator[str]:
    """Every fault as `KEY: REASON`."""
    for name in sip.header_hold:
        yield from _faults("sip.header_hold", name, {_BODY: _OF_BODY})
    if sip.purpose_header:
        yield from _faults("sip.purpose_header", sip.purpose_header, {_BODY: _OF_BODY, _OWN: OWNED})
    for carrier, settings in sip.carriers.items():
        key = f"sip.carriers.{carrier}"
        for name in settings.header_remove:
            yield from _faults(f"{key}.header_remove", name, {_BODY: _OF_BODY, _OWN: OWNED})
        seen: set[str] = set()
        for name, value in settings.header_add.items():
            forbidden = {_BODY: _OF_BODY, _OWN: OWNED, "shows what the registry does not hold": _SHOWN}
            yield from _faults(f"{key}.header_add", name, forbidden)
            found = _key(name)
            if found in seen:
                yield f"{key}.header_add: {name} stands there twice"
            seen.add(found)
            if not value.strip() or any(not char.isprintable() for char in value):
                yield f"{key}.header_add: the value of {name} is empty or holds a control character"


def purpose_key_of(sip: Sip) -> str:
    """The key of the header field that names a purpose; empty for none."""
    return _key(sip.purpose_header)


def _faults(key: str, name: str, forbidden: dict[str, frozenset[str]]) -> Iterator[str]:
    found = _key(name)
    reason = next((each for each, names in forbidden.items() if found in names), "")
    if reason or not found:
        yield f"{key}: {name} {reason or 'is no name of a header field'}"


def _key(name: str) -> str:
    """The key of a name, empty where it is none."""
    try:
        return key_of(name.encode())
    except SipError:
        return ""
