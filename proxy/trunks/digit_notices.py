"""What rtpengine tells its ng clients on a connection of its own accord: keys pressed (`dtmf-log-ng-tcp`). Sans-IO.

Owns that form: a cookie, a space, a bencoded dictionary, one after the other without anything between. Strings bear
their length, so that nothing in them can end them. Must never keep more than one notice of bounded size.
"""

from typing import Final

from proxy.trunks.digit_reports import KEYS, DigitReport

_LONGEST: Final = 16_384
_COOKIE_MOST: Final = 256
_DEEPEST: Final = 8
_DIGITS_MOST: Final = 19


class _UnfinishedError(Exception):
    """The rest has not come yet."""


class Notices:
    """One connection. `receive` raises ValueError where what comes is no such thing: then nothing after it can be read
    either.
    """

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = b""

    def receive(self, data: bytes) -> list[DigitReport]:
        """The keys that are whole by now; other notices are passed over."""
        self._data += data
        found = []
        while self._data:
            try:
                read, end = _notice(self._data)
            except _UnfinishedError:
                if len(self._data) > _LONGEST:
                    raise ValueError("too long") from None
                break
            self._data = self._data[end:]
            report = _report(read)
            if report is not None:
                found.append(report)
        return found


def _notice(data: bytes) -> tuple[object, int]:
    space = data.find(b" ", 0, _COOKIE_MOST)
    if space < 0:
        if len(data) >= _COOKIE_MOST:
            raise ValueError("cookie")
        raise _UnfinishedError
    return _value(data, space + 1, 0)


def _value(data: bytes, at: int, depth: int) -> tuple[object, int]:
    """The value that begins here, and where it ends."""
    kind = data[at : at + 1]
    if not kind:
        raise _UnfinishedError
    if kind == b"i":
        return _number(data, at + 1, b"e")
    if kind.isdigit():
        length, start = _number(data, at, b":")
        end = start + length
        if length > _LONGEST:
            raise ValueError("too long")
        if end > len(data):
            raise _UnfinishedError
        return data[start:end], end
    if kind not in (b"l", b"d") or depth >= _DEEPEST:
        raise ValueError("form")
    items: list[object] = []
    at += 1
    while data[at : at + 1] != b"e":
        item, at = _value(data, at, depth + 1)
        items.append(item)
    if kind == b"l":
        return items, at + 1
    keys, values = items[::2], items[1::2]
    if len(keys) != len(values) or not all(isinstance(key, bytes) for key in keys):
        raise ValueError("dictionary")
    return dict(zip(keys, values, strict=True)), at + 1


def _number(data: bytes, at: int, until: bytes) -> tuple[int, int]:
    digits, ended, _ = data[at : at + _DIGITS_MOST + 1].partition(until)
    if ended and digits.removeprefix(b"-").isdigit():
        return int(digits), at + len(digits) + 1
    if ended or len(digits) > _DIGITS_MOST or digits.strip(b"-0123456789"):
        raise ValueError("number")
    raise _UnfinishedError


def _report(read: object) -> DigitReport | None:
    """The key of a notice; None where it is about something else."""
    data = read.get(b"data") if isinstance(read, dict) and read.get(b"notify") == b"onDTMF" else None
    if not isinstance(data, dict):
        return None
    call_id, tag, tags, event = (data.get(name) for name in (b"callid", b"source_tag", b"tags", b"event"))
    if not isinstance(call_id, bytes) or not isinstance(tag, bytes) or not isinstance(event, int):
        return None
    others = tuple(each for each in tags if isinstance(each, bytes)) if isinstance(tags, list) else ()
    return DigitReport(call_id, tag, others, KEYS[event] if 0 <= event < len(KEYS) else "")
