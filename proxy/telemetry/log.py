"""The log: one JSON object a line on standard error, of events that are in the catalogue.

Owns the form of a line: `at` (UTC), `level`, `event`, then the event's own fields. Must never let a person's number, a
text or a password out: fields of such names are left out (raised on in tests), what looks like a number is masked, and
of an exception only its type and where it was raised are written, since its message may quote what it choked on.
How it works: `EventLog.emit` counts the event and hands it to stdlib logging; `JsonLines` is the formatter. Each event
may write so many lines a second, so that no peer can fill a disk; what was held back is told by the next line. Nobody
waits for whoever reads the log: lines that it takes not are left out, which is told by the next one too.
"""

import logging
import select
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final, TextIO

import msgspec

from proxy.telemetry.counters import Counters
from proxy.telemetry.events import LOG_FIELD_DROPPED, LOG_MESSAGE, Event
from proxy.telemetry.redaction import FORBIDDEN_FIELDS, redacted

Value = str | int | float | bool | None
LOGGER_NAME: Final = "tdgate"
LINES_PER_S: Final = 50
_TEXT_MOST: Final = 500
_FRAMES_MOST: Final = 12
#: Of a record: how many lines before it nobody took.
_LEFT_OUT: Final = "tdgate_left_out"
_LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_encode: Final = msgspec.json.Encoder().encode


class ForbiddenFieldError(Exception):
    """A field was to be logged whose name says that it holds personal data; the text is the event and the name."""


class JsonLines(logging.Formatter):
    """One JSON object a record, whoever wrote it; lines of libraries come under `log.message`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Value | list[str]] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
        }
        fields = getattr(record, "tdgate_fields", None)
        if fields is None:
            # WHY only the first line: after it asyncio and others print what an exception holds.
            first = record.getMessage().partition("\n")[0][:_TEXT_MOST]
            line |= {"event": LOG_MESSAGE.name, "logger": record.name, "message": redacted(first)}
        else:
            line["event"] = record.msg
            line |= {name: _clean(value) for name, value in fields.items()}
        if (left_out := getattr(record, _LEFT_OUT, 0)) > 0:
            line["left_out"] = left_out
        if record.exc_info is not None and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["raised_at"] = _frames(record.exc_info[2])
        return _encode(line).decode()


class NeverWaiting(logging.StreamHandler[TextIO]):
    """Writes a line only where the stream takes it now.

    WHY: a pipe or a terminal whose reader has stopped holds whoever writes, here the loop, and with it all traffic.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._left_out = 0
        self._room: select.poll | None = None
        try:
            descriptor = stream.fileno()
        except (OSError, AttributeError):
            return  # what is no file has room; a standard error that was closed takes nothing
        self._room = select.poll()
        self._room.register(descriptor, select.POLLOUT)

    def emit(self, record: logging.LogRecord) -> None:
        if self._room is not None and not self._room.poll(0):
            self._left_out += 1
            return
        setattr(record, _LEFT_OUT, self._left_out)
        self._left_out = 0
        super().emit(record)


class EventLog:
    """Where events go: counted in `counters`, written by `logger`.

    With `strict` (tests) a forbidden field raises ForbiddenFieldError; else it is left out and counted.
    """

    __slots__ = ("_clock", "_counts", "_lines", "_logger", "_strict", "_withheld")

    def __init__(
        self,
        counters: Counters,
        logger: logging.Logger | None = None,
        *,
        strict: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._counts = counters.counts
        self._logger = logger or logging.getLogger(LOGGER_NAME)
        self._strict = strict
        self._clock = clock
        self._lines: dict[str, tuple[int, int]] = {}
        self._withheld: dict[str, int] = {}

    def emit(self, event: Event, /, *, error: BaseException | None = None, **fields: Value) -> None:
        """Counts an event and writes its line. `error` adds the type and the place of an exception, not its message."""
        self.write(event, error, fields)

    def write(self, event: Event, error: BaseException | None, fields: dict[str, Value]) -> None:
        """As `emit`; the fields are the log's to change."""
        name = event.name
        self._counts[name] += 1
        level = _LEVELS[event.level]
        if not self._strict and not self._logger.isEnabledFor(level):
            return
        if not FORBIDDEN_FIELDS.isdisjoint(fields):
            forbidden = FORBIDDEN_FIELDS.intersection(fields)
            if self._strict:
                raise ForbiddenFieldError(f"{name}: {', '.join(sorted(forbidden))}")
            self._counts[LOG_FIELD_DROPPED.name] += len(forbidden)
            fields = {field: value for field, value in fields.items() if field not in forbidden}
        if not self._logger.isEnabledFor(level) or not self._within_rate(name):
            return
        withheld = self._withheld.pop(name, 0)
        if withheld:
            fields["withheld"] = withheld
        trace = None if error is None else (type(error), error, error.__traceback__)
        self._logger.log(level, name, exc_info=trace, extra={"tdgate_fields": fields})

    def _within_rate(self, name: str) -> bool:
        second = int(self._clock())
        since, lines = self._lines.get(name, (second, 0))
        if since != second:
            lines = 0
        self._lines[name] = (second, lines + 1)
        if lines < LINES_PER_S:
            return True
        self._withheld[name] = self._withheld.get(name, 0) + 1
        return False


def configure(level: str, stream: TextIO | None = None) -> None:
    """Sends every logger of the process through `JsonLines`, to standard error unless told otherwise.

    `level` is one of settings.Log. Called once, by whoever starts a process.
    """
    lines = NeverWaiting(sys.stderr if stream is None else stream)
    lines.setFormatter(JsonLines())
    # WHY: what libraries say below a warning quotes what they were given, keyed hashes and sealed numbers among it.
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.getLogger(LOGGER_NAME).setLevel(_LEVELS[level])


def _clean(value: Value) -> Value:
    """What may stand in a line. An int is looked at as its digits: a number stays one when it is written as an int."""
    if isinstance(value, str):
        return redacted(value[:_TEXT_MOST])
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    digits = str(value)
    cleaned = redacted(digits)
    return value if cleaned == digits else cleaned


def _frames(trace: TracebackType | None) -> list[str]:
    """`file:line function` of the innermost frames, outermost first."""
    frames: list[str] = []
    while trace is not None:
        code = trace.tb_frame.f_code
        frames.append(f"{Path(code.co_filename).name}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return frames[-_FRAMES_MOST:]
