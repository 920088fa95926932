"""Finds what spoils a way to refuse: a limit in time, and words that are to be sent back for something else.

Owns the terms beside a refusal line. Never judges them: whether a word is one that replies honour is not known here.
Never raises; patterns are bounded, so the time is linear.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

from proxy.language.refusal_line import RefusalLine
from proxy.language.views import View

Span = tuple[int, int]

_HOURS: Final = r"(?:\d{1,4}|[一二三两四五六七十])个?(?:小时|分钟|工作日|日|天)(?:之?内)"
_TODAY: Final = "(?:限|仅限?|请于)?(?:今日|今天|当日|当天|本日|今晚)内?"
_REPLY: Final = "(?:回复?|复|发送?|编辑|短信|退订|拒收|有效)"
_WITHIN: Final = r"within \d{1,3} (?:hours?|minutes?|days?)"
#: "24小时内回T退订", "限今日退订", "within 24 hours reply STOP"; it has to reach to the line.
_BEFORE: Final = re.compile(rf"(?:{_HOURS}|{_TODAY})[^,]{{0,4}}{_REPLY}|{_WITHIN}(?: ,|,| )")
#: "回T退订，24小时内有效", "STOP to opt out, today only".
_BEHIND: Final = re.compile(
    rf",?(?:仅|只)?限?(?:{_HOURS}|{_TODAY})(?:有效|受理|操作|回复|退订)|[, ]{{0,2}}(?:{_WITHIN}|today only)"
)
#: How far before a line its limit may end, in characters of the bare view.
_GAP: Final = 4
#: "回T继续接收", "回复Y确认开通": the word, and what sending it does.
_MEANS: Final = re.compile(
    r"(?:回复?|回覆|复|发送?)(?:短信|字母|数字)?,?([a-z0-9]{1,6})(?![a-z0-9])"
    r"(?:即可|即为|即|则为|则|就|可以|可|视为|表示|为|，|,)?"
    r"(?:继续|续订|恢复|确认|同意|开通|领取|申请|接受|办理|激活|授权)"
    r"|(?:reply|text|send) ([a-z0-9]{1,6}) to (?:continue|keep|stay|confirm|agree|accept|activate|apply|claim|resume)"
)


def limits(seen: View, line: RefusalLine) -> Iterator[Span]:
    """Where a refusal line is said to hold for some time only, as spans of the text."""
    bare, at = seen.bare, seen.bare_at
    first, last = bisect_left(at, line.start), bisect_left(at, line.end)
    for match in _BEFORE.finditer(bare, max(0, first - 24), last):
        if match.end() >= first - _GAP:
            yield seen.of_bare(*match.span())
    behind = _BEHIND.match(bare, last)
    if behind is not None:
        yield seen.of_bare(*behind.span())


def meanings(seen: View) -> Iterator[Span]:
    """The words that a person is told to send back for something that is no refusal, as spans of the text."""
    for match in _MEANS.finditer(seen.bare):
        yield seen.of_bare(*match.span(1 if match.group(1) is not None else 2))
