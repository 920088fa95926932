"""Finds the way to refuse that a message offers: "拒收请回复R", "退订请点 https://…", "Reply STOP to opt out".

Owns the line, the keyword in it and what spoils it. Never judges whether the parser honours the keyword, never raises.

How it works: over the bare view, a word of refusal stands beside a verb of replying with a keyword, beside a link or
beside a telephone, within one clause or the next. A keyword that does something else ("回T继续接收"), silence as
consent, a log-in, and words that only sound like refusal do not count. Patterns are bounded, so the time is linear.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import msgspec

from proxy.language.views import View

Span = tuple[int, int]

_REFUSE: Final = (
    r"(?:退订|拒收|拒绝|取消|停止|屏蔽|不再接收|不再收|不想收|不想再收|不想接收|不要再收|不需要|勿扰|退出|谢绝|终止|停发|不接收|不收|退订此|免打扰"
    r"|opt ?out|unsubscribe|unsub|stop|quit|end|cancel|no more|opting out)"
)
_VERB: Final = r"(?:回复|回覆|回|复|发送|发|编辑|输入|短信|reply(?: with)?|text|txt|send|sms|type)"
#: Spelt letters ("T D") are one keyword.
_KEYWORD: Final = r"([a-z](?: [a-z]){1,5}(?![a-z])|[a-z]{1,11}(?![a-z])|\d{1,4}(?![\d.%元万])|退订|拒收|取消|停止)"
_TO: Final = r"(?: ?(?:至|到|to) ?,?\d{3,20})?"
#: Verb, keyword, then refusal: "回T退订", "reply STOP to opt out", "发送TD至1069退订".
_FORWARD: Final = re.compile(
    rf"{_VERB},?(?:短信|字母|数字|大写|内容|单词| )?,?{_KEYWORD}"
    rf",?{_TO}(?:即可|可以|可|则|就| to| 2| and|以|,)? ?(?:以|可|即|the )?{_REFUSE}"
)
#: Refusal, verb, keyword: "拒收请回复R", "to opt out SMS STOP".
_BACKWARD: Final = re.compile(
    rf"{_REFUSE}(?:短信|信息|此类|该|消息|推送|接收|服务|到| from this list| texts| messages)?,?的?话?"
    rf"(?:请|可|则|就|直接|的|了|, please| please|,| ){{0,4}}{_VERB},?(?:短信|字母|数字|大写| )?,?{_KEYWORD}"
    r"([^,]{0,6})"
)
#: Keyword and refusal without a verb: "TD退订", "退订T", "STOP to end".
_BARE: Final = re.compile(
    r"(?:(?<![a-z0-9])(td|t|n|r|0{4}|stop|end|quit)(?:=|,| to | 2 ?)?"
    r"(?:退订|拒收|opt ?out|unsubscribe|end|stop|quit|cancel)(?![a-z一-鿿]))"
    r"|(?:(?:退订|拒收),?(td|t|n|r|0{4})(?![a-z0-9一-鿿]))"
)
#: Words that only sound like refusal.
_SOUNDS: Final = re.compile("[推腿忒煺蜕褪][订定丁钉顶]|退[丁钉顶定]|[a-z][订丁]|tui|丁阅")
_WORD_ONLY: Final = re.compile(rf"(?<![a-z]){_VERB}[, ]?(td|t|退订|拒收|stop|unsubscribe|stopall){_TO}(?=$|,)")
_BESIDE: Final = re.compile(
    r"(?:退订|拒收|取消订阅|不再接收|屏蔽|opt ?out|unsubscribe|stop (?:texts|messages))[^,]{0,8},?[^,]{0,8}$"
)
_AFTER: Final = re.compile(r"[^,]{0,4}(?:退订|拒收|取消订阅|unsubscribe| to opt ?out| to unsubscribe| to stop)")
_SPOILT: Final = re.compile(
    r"(?:无法|不能|不可|不支持|不予|暂不|不得|cannot|can not|not able to)[^,]{0,3}(?:退订|拒收|取消|opt|unsub)"
    r"|(?:退订|拒收)(?:无效|失败|不了)"
)
_CONTINUED: Final = re.compile("继续|续订|领取|办理|了解|开通|申请|参加|恢复|确认")
_NO_KEYWORD: Final = frozenset(
    (
        "to",
        "the",
        "us",
        "me",
        "yes",
        "help",
        "info",
        "a",
        "with",
        "for",
        "app",
        "http",
        "https",
        "code",
        "more",
        "your",
        "back",
    )
)


#: Without one of these there is no refusal line; looking for them is cheaper than for the line.
_HINTS: Final = (
    *("退", "拒", "取消", "停", "屏蔽", "不再", "不想", "不要", "不需", "不接", "不收", "勿", "谢绝", "终止", "打扰"),
    *("回t", "复t", "发t", "td", "t d", "opt", "unsub", "stop", "quit", "end", "cancel", "no more"),
)


class RefusalLine(msgspec.Struct, frozen=True, gc=False):
    """A way to refuse that a person can follow from the message."""

    start: int
    end: int
    keyword: str | None
    """The word to send back, folded; None for a link or a telephone."""


def refusal_line(seen: View, links: Sequence[Span], phones: Sequence[Span]) -> RefusalLine | None:
    """The first way to refuse; spans are of the text."""
    bare = seen.bare
    if not any(hint in bare for hint in _HINTS) or _SPOILT.search(bare) is not None:
        return None
    for pattern in (_FORWARD, _BACKWARD, _BARE, _WORD_ONLY):
        for match in pattern.finditer(bare):
            keyword = next(group for group in match.groups() if group).replace(" ", "")
            if pattern is _WORD_ONLY and _SOUNDS.search(bare) is not None:
                continue
            if keyword in _NO_KEYWORD:
                continue
            if pattern is _BACKWARD and _CONTINUED.search(match.group(2) or "") is not None:
                continue
            return RefusalLine(*seen.of_bare(*match.span()), keyword)
    for start, end in (*links, *phones):
        first, last = seen.of_marked(start, end)
        at = bisect_left(seen.bare_at, first)
        beside = _BESIDE.search(bare, max(0, at - 28), at)
        if beside is not None and not re.search("登录|app内", beside.group()):
            return RefusalLine(seen.bare_at[beside.start()], last, None)
        after = bisect_left(seen.bare_at, last)
        follows = _AFTER.match(bare, after)
        if follows is not None:
            return RefusalLine(first, seen.of_bare(*follows.span())[1], None)
    return None
