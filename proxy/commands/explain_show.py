"""Explanations for people: a table of the rules, and below it what each one saw and which sentence it rests on.

Owns words and layout in English and Chinese. Shows what it is given and nothing else.
"""

import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.console.reopened import Reopened
from proxy.console.texts import TEXTS, Lang
from proxy.core.timetable import SHANGHAI
from proxy.explaining.shape import Explanation, Fact, Row

#: Where no terminal tells its width: wide enough that no cell is cut.
_PLAIN_WIDTH: Final = 240
_HEADINGS: Final = {
    "en": ("rule", "outcome", "detail", "mode", "kind", "floor", "cites", "meaning"),
    "zh": ("规则", "结果", "情形", "模式", "类别", "底线", "依据", "含义"),
}
_COMPARED: Final = {
    "en": ("rule", "recorded then", "asked anew today", "compared"),
    "zh": ("规则", "当时记录", "按现状重问", "比较"),
}
_OUTCOMES_ZH: Final = {"n/a": "不适用", "pass": "通过", "refuse": "拒绝", "shadow": "影子拒绝", "error": "出错"}
_EFFECTS_ZH: Final = {"allow": "允许", "deny": "拒绝", "defer": "暂缓"}
_STYLES: Final = {"refuse": "bold red", "error": "bold red", "shadow": "yellow", "pass": "green", "n/a": "dim"}
_UNASKED: Final = {
    "off": ("not asked: no pack that binds names it", "未启用：适用规则包未列入"),
    "channel": ("not asked: not a rule of this channel", "未适用：不属于该渠道的规则"),
    "by_id": ("not asked: the request is about an earlier message", "未适用：该请求针对先前的消息"),
    "facts": ("does not apply to this account, number or purpose", "不适用于该账户、号码或用途"),
}


def show(explanation: Explanation, lang: str, code: str) -> None:
    """The answer, the rules, and what each saw; `code` formats the status."""
    console, chinese = _console(), lang == "zh"
    console.print(Text(_verdict(explanation, code, chinese=chinese)))
    if explanation.rule:
        console.print(Text(f"→ {explanation.next_zh if chinese else explanation.next_en}"))
    console.print(
        Text(f"{explanation.principal}, {explanation.purpose}; {explanation.packs}, revision {explanation.revision}")
    )
    table = Table()
    for heading in _HEADINGS[lang]:
        table.add_column(heading)
    for row in explanation.rows:
        table.add_row(*_cells(row, chinese=chinese))
    console.print(table)
    _details(console, explanation, chinese=chinese)


def show_reopened(one: Reopened, lang: Lang, code: str) -> None:
    """What was recorded, what was asked anew, and where they differ."""
    console, chinese, words = _console(), lang == "zh", TEXTS[lang]
    recorded = one.recorded
    reason = " / ".join(part for part in (recorded.rule, recorded.detail) if part)
    effect = _EFFECTS_ZH.get(recorded.effect, recorded.effect) if chinese else recorded.effect
    at = datetime.fromtimestamp(recorded.at_us / 1e6, SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")
    console.print(Text(f"{words['today.then']}: {effect} {reason}".rstrip()))
    console.print(
        Text(
            f"  {recorded.id}, {at}, {recorded.channel}, {recorded.account}, {recorded.sender or '–'}, "
            f"{recorded.principal}, {recorded.purpose}, {recorded.mode}; {one.packs_then}, "
            f"revision {one.revision_then}, evidence record {recorded.leaf}"
        )
    )
    for finding in recorded.findings:
        console.print(Text(f"  {finding}"))
    for fate in recorded.fate:
        console.print(Text(f"  {fate.result} 0x{fate.status:08X}"))
    if one.today is not None:
        console.print(Text(f"{words['today.now']}: {_verdict(one.today, code, chinese=chinese)}"))
        console.print(Text(f"  {one.packs_today}, revision {one.revision_today}"))
    console.print(Text(words[f"today.{one.answer}"] + (f": {one.why_not}" if one.why_not else "")))
    table = Table()
    for heading in _COMPARED[lang]:
        table.add_column(heading)
    for row in one.compared:
        said = words[f"verdict.{row.verdict}"] + (f": {words[f'why.{row.why}']}" if row.why else "")
        style = "bold red" if row.verdict == "differs" else "dim" if row.verdict != "same" else ""
        outcomes = [_OUTCOMES_ZH.get(text, text) if chinese else text for text in (row.recorded, row.today)]
        table.add_row(Text(row.rule), Text(outcomes[0] or "–"), Text(outcomes[1] or "–"), Text(said, style=style))
    console.print(table)
    if one.today is not None:
        _details(console, one.today, chinese=chinese)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(file=sys.stdout, width=_PLAIN_WIDTH)


def _verdict(explanation: Explanation, code: str, *, chinese: bool) -> str:
    effect = _EFFECTS_ZH[explanation.effect] if chinese else explanation.effect
    reason = " / ".join(part for part in (explanation.rule, explanation.detail) if part)
    status = f" ({code.format(explanation.status)})" if explanation.status else ""
    return f"{effect} {reason}{status}".rstrip()


def _cells(row: Row, *, chinese: bool) -> list[Text]:
    outcome = _OUTCOMES_ZH[row.outcome] if chinese else row.outcome
    meaning = (row.text_zh if chinese else row.text_en) if row.outcome in ("refuse", "shadow", "error") else ""
    if row.unasked:
        meaning = _UNASKED[row.unasked][chinese]
    floor = ("是" if chinese else "yes") if row.floor else ""
    shown = (row.rule, outcome, row.detail, row.mode, row.kind, floor, " ".join(row.cites), meaning)
    style = _STYLES[row.outcome]
    return [Text(cell, style=style) if place == 1 else Text(cell) for place, cell in enumerate(shown)]


def _details(console: Console, explanation: Explanation, *, chinese: bool) -> None:
    """What the rules saw, and the sentences that they rest on; those that were not asked are left out."""
    console.print(Text("看到的数据" if chinese else "what was seen", style="bold"))
    _facts(console, explanation.saw)
    for row in explanation.rows:
        if row.unasked:
            continue
        outcome = _OUTCOMES_ZH[row.outcome] if chinese else row.outcome
        console.print(Text(f"{row.rule}: {outcome}", style=_STYLES[row.outcome]))
        _facts(console, row.saw)
        for span in row.spans:
            console.print(Text(f"  {span.kind} [{span.start}:{span.end}] {span.text}"))
        for one in row.demands:
            sentence = one.official_zh or (f"“{one.en}”" if one.en else "")
            says, notice = (one.says_zh, one.notice_zh) if chinese else (one.says_en, one.notice_en)
            console.print(Text(f"  {one.row} {says}: {sentence} — {notice}"))
        for basis in row.basis:
            official = f" {basis.official}" if basis.official else ""
            value = f" {basis.value}:" if basis.value else ""
            console.print(Text(f"  {basis.pack}:{value} {basis.basis}{official}"))


def _facts(console: Console, facts: Iterable[Fact]) -> None:
    for fact in facts:
        console.print(Text(f"  {fact.name}: {fact.value}"))
