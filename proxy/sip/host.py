"""Hosts as SIP writes them: names, IPv4 addresses, IPv6 addresses in brackets (RFC 3261 §25.1, RFC 5118)."""

from functools import lru_cache
from typing import Final

from proxy.sip.error import SipError
from proxy.sip.grammar import ALPHANUM, number

# DEVIATION §25.1: an underscore is let through in names, as resolvers and container networks use it.
_NAME: Final = ALPHANUM + b"-._"
_HEX: Final = b"0123456789abcdefABCDEF"
_LONGEST: Final = 253


def is_host(octets: bytes) -> bool:
    """Whether these octets are a host name, an IPv4 address, or an IPv6 address in brackets."""
    if octets[:1] == b"[":
        return octets[-1:] == b"]" and is_ipv6(octets[1:-1])
    return 0 < len(octets) <= _LONGEST and _is_name(octets)


# WHY a memory: the same few peers are named in every message.
@lru_cache(maxsize=2048)
def _is_name(octets: bytes) -> bool:
    if octets.translate(None, _NAME):
        return False
    last = octets.rstrip(b".")
    if octets[0] == 0x2E or b".." in octets or not last:
        return False
    top = last.rpartition(b".")[2]
    # WHY: a last label of digits only belongs to an IPv4 address, so 300.1.1.1 and 1.2.3 are no names either.
    return is_ipv4(octets) if top.isdigit() else top[:1] != b"-"


def is_ipv4(octets: bytes) -> bool:
    """Whether these octets are four decimal numbers of at most 255."""
    parts = octets.split(b".")
    return len(parts) == 4 and all(part.isdigit() and len(part) <= 3 and int(part) <= 255 for part in parts)


def is_ipv6(octets: bytes) -> bool:
    """Whether these octets are an IPv6 address without brackets and zone (RFC 4291 §2.2, with one `::` at most).

    Three colons before an IPv4 address count as two: the grammar of RFC 3261 asked for them by mistake (RFC 5118
    §4.10).
    """
    if b":::" in octets and b"." in octets.rpartition(b":")[2]:
        head, _, tail = octets.rpartition(b":::")
        octets = head + b"::" + tail if b":" not in tail else octets
    halves = octets.split(b"::")
    if len(halves) > 2:
        return False
    groups = 0
    for index, half in enumerate(halves):
        if not half:
            continue
        parts = half.split(b":")
        last = len(parts) - 1
        for place, part in enumerate(parts):
            if place == last and b"." in part and index == len(halves) - 1:
                if not is_ipv4(part):
                    return False
                groups += 2
            elif 1 <= len(part) <= 4 and not part.translate(None, _HEX):
                groups += 1
            else:
                return False
    return groups == 8 if len(halves) == 1 else groups <= 7


def host_and_port(octets: bytes, detail: str) -> tuple[bytes, int]:
    """Read `host [ ":" port ]` without spaces; port 0 where none is written. Raises SipError(400, detail)."""
    bracket = octets.rfind(b"]")
    colon = octets.find(b":", bracket + 1)
    if colon < 0:
        host, port = octets, 0
    else:
        host = octets[:colon]
        port = number(octets[colon + 1 :], 65535, 400, detail)
        if port == 0:
            raise SipError(400, detail)
    if not is_host(host):
        raise SipError(400, detail)
    return host, port
