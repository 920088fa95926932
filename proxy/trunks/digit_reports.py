"""What a media relay reports of keys pressed (RFC 4733): the UDP log of rtpengine (`dtmf-log-dest`). Pure.

Owns that form. Must never trust a boundary that somebody else can write: rtpengine puts Call-ID and tags between quotes
as they are, and a Call-ID may hold a quote (RFC 3261 §25.1), so that a sender could make a log that no JSON reader
takes, and no key would ever be heard. How it works: the fields stand in a fixed order, and every way to divide them is
given; what is none of our calls is dropped by whoever looks them up. In another order they are read as JSON.
"""

import json
from typing import Final

KEYS: Final = "0123456789*#ABCD"
"""By event code (RFC 4733 §3.2)."""

_LONGEST: Final = 4096
_DIVISIONS: Final = 8
_FIRST: Final = b'{"callid":"'
_SOURCE: Final = b'","source_tag":"'
_TAGS: Final = b'"tags":['
_KIND: Final = b'],"type":"DTMF"'
_EVENT: Final = b'"event":'


class DigitReport:
    """One key: `tag` is that of who pressed it, `tags` are all that the relay knows of the call; `key` is empty for an
    event that is no key.
    """

    __slots__ = ("call_id", "key", "tag", "tags")

    def __init__(self, call_id: bytes, tag: bytes, tags: tuple[bytes, ...], key: str) -> None:
        self.call_id: Final = call_id
        self.tag: Final = tag
        self.tags: Final = tags
        self.key: Final = key


def read_log(data: bytes) -> list[DigitReport]:
    """What one datagram may say, in nearly all cases one thing; raises ValueError where it is no such report."""
    if len(data) > _LONGEST:
        raise ValueError("too long")
    if data.startswith(_FIRST):
        head, kind, tail = data.rpartition(_KIND)
        if kind:
            return _divided(head[len(_FIRST) :], _key(_number(tail)))
    return [_from_json(data)]


def _divided(head: bytes, key: str) -> list[DigitReport]:
    """Call-ID, source tag and tags, by each place at which the one may end and the other begin."""
    found: list[DigitReport] = []
    at = head.rfind(_SOURCE)
    while at >= 0 and len(found) < _DIVISIONS:
        tag, _, rest = head[at + len(_SOURCE) :].partition(b'"')
        tags = rest.partition(_TAGS)[2].split(b'"')
        found.append(DigitReport(head[:at], tag, tuple(each for each in tags if each not in (b"", b",")), key))
        at = head.rfind(_SOURCE, 0, at)
    if not found:
        raise ValueError("no source_tag")
    return found


def _number(tail: bytes) -> int:
    digits = tail.rpartition(_EVENT)[2].partition(b",")[0].rstrip(b"}").strip()
    if not digits.isdigit() or len(digits) > 3:
        raise ValueError("event")
    return int(digits)


def _key(event: int) -> str:
    return KEYS[event] if 0 <= event < len(KEYS) else ""


def _from_json(data: bytes) -> DigitReport:
    try:
        read = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ValueError("json") from error
    if not isinstance(read, dict) or read.get("type") != "DTMF":
        raise ValueError("type")
    call_id, tag, tags, event = (read.get(name) for name in ("callid", "source_tag", "tags", "event"))
    if not isinstance(call_id, str) or not isinstance(tag, str) or type(event) is not int:
        raise ValueError("fields")
    if tags is not None and not (isinstance(tags, list) and all(isinstance(each, str) for each in tags)):
        raise ValueError("tags")
    others = tuple(each.encode() for each in tags or ())
    return DigitReport(call_id.encode(), tag.encode(), others, _key(event))
