"""The demonstration on the screen: one table that says who wrote to whom, what came of it, by which rule, and why.

Owns the words and the form. Must never judge: the ticks come from the round. Persons are masked, as everywhere.
"""

from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from proxy.core.addresses import masked
from proxy.core.catalogue import CATALOGUE
from simulators.demo_round import RoundResult, Row
from simulators.demo_script import Bind, Call, Reaches, Send
from simulators.demo_world import SENDERS, Person, Words

_WIDTH_UNKNOWN: Final = 168
_HEAD: Final = (
    Words("#", "#"),
    Words("who → whom", "谁 → 谁"),
    Words("what", "内容"),
    Words("expected", "预期"),
    Words("got", "结果"),
    Words("rule", "规则"),
    Words("why", "原因"),
    Words("", ""),
)
_TITLE: Final = Words(
    "tdgate between senders and a carrier (everybody in it is invented)", "tdgate 位于发送方与运营商之间（均为虚构）"
)
_PASSED: Final = Words("passed", "放行")
_TAKEN: Final = Words("taken", "受理")
_HANDED_ON: Final = Words("handed on", "已转交")
_REFUSED: Final = Words("refused", "拒绝")
_NOTHING: Final = Words("no answer", "无应答")
_LEAKED: Final = Words("refused, but the carrier got it", "已拒绝，但运营商收到了")
_LOST: Final = Words("passed, but the carrier has nothing", "已放行，但运营商未收到")
_CHECKS: Final = (
    Words(
        "The carrier got {arrived} messages, {permitted} were permitted", "运营商收到 {arrived} 条，放行 {permitted} 条"
    ),
    Words("They arrived octet for octet as they were sent", "到达内容与发送内容逐字节一致"),
    Words(
        "Messages after the refusal, on any number: {after_refusal}",
        "拒收之后（任何号码）仍到达的消息：{after_refusal}",
    ),
    Words(
        "The carrier got {calls_arrived} calls, {calls_permitted} were permitted",
        "运营商收到 {calls_arrived} 个呼叫，放行 {calls_permitted} 个",
    ),
    Words("tdgate evidence verify: the log of decisions is whole", "tdgate evidence verify：决定日志完整"),
)
_OK: Final = Words("Every outcome was as expected.", "全部结果均符合预期。")
_WRONG: Final = Words("NOT every outcome was as expected.", "存在不符合预期的结果。")


def screen() -> Console:
    """Standard output; wide enough for the table where it is no terminal."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=_WIDTH_UNKNOWN)


def show(console: Console, result: RoundResult, lang: str) -> None:
    """The table, the checks over the whole round, and the verdict."""
    table = Table(title=_TITLE.of(lang), box=box.SIMPLE_HEAD, pad_edge=False, title_justify="left")
    for place, head in enumerate(_HEAD):
        table.add_column(head.of(lang), justify="right" if place == 0 else "left", overflow="fold")
    for number, row in enumerate(result.rows, 1):
        table.add_row(str(number), *_cells(row, lang), _tick(row.as_expected))
    console.print(table)
    values = {
        "arrived": result.arrived,
        "permitted": result.permitted,
        "after_refusal": result.after_refusal,
        "calls_arrived": result.calls_arrived,
        "calls_permitted": result.calls_permitted,
    }
    held = (
        result.arrived == result.permitted,
        result.unchanged,
        result.after_refusal == 0,
        result.calls_arrived == result.calls_permitted,
        result.verified,
    )
    for check, good in zip(_CHECKS, held, strict=True):
        console.print(_tick(good), check.of(lang).format(**values))
    if not result.verified:
        console.print(result.verify_said)
    console.print(Text((_OK if result.ok else _WRONG).of(lang), "bold green" if result.ok else "bold red"))


def _tick(good: bool) -> Text:
    return Text("✓", "green") if good else Text("✗", "bold red")


def _person(person: Person, lang: str) -> str:
    return f"{person.name.of(lang)} {masked('86' + person.number)}"


def _way(row: Row, lang: str) -> str:
    act = row.step.act
    if isinstance(act, Bind):
        return f"{SENDERS[act.account].of(lang)} → tdgate"
    if isinstance(act, Call):
        return f"{SENDERS[act.account].of(lang)} {act.source} ☎ {_person(act.person, lang)}"
    if isinstance(act, Send):
        return f"{SENDERS[act.account].of(lang)} {act.source} → {_person(act.person, lang)}"
    return f"{_person(act.person, lang)} → {act.number}"


def _said(row: Row) -> str:
    act = row.step.act
    return f"“{act.text}”" if not isinstance(act, Send | Call | Bind) else ""


def _cells(row: Row, lang: str) -> tuple[str, str, Text, Text, str, str]:
    what = " ".join(part for part in (row.step.what.of(lang), _said(row)) if part)
    return (_way(row, lang), what, _expected(row, lang), _got(row, lang), row.came.rule or "–", _why(row, lang))


def _word(row: Row, status: int) -> Words:
    if status:
        return _REFUSED
    if isinstance(row.step.act, Reaches):
        return _HANDED_ON
    return _PASSED if isinstance(row.step.act, Send | Call | Bind) else _TAKEN


def _code(row: Row, status: int) -> str:
    return str(status) if isinstance(row.step.act, Call) else f"0x{status:04X}"


def _expected(row: Row, lang: str) -> Text:
    status = row.step.status
    said = _word(row, status).of(lang)
    return Text(f"{said} {_code(row, status)}" if status else said, "dim")


def _got(row: Row, lang: str) -> Text:
    status = row.came.status
    if status is None:
        return Text(f"{_NOTHING.of(lang)} {row.came.note}".strip(), "bold red")
    if isinstance(row.step.act, Send | Call) and row.came.reached != (status == 0):
        return Text((_LEAKED if status else _LOST).of(lang), "bold red")
    said = _word(row, status).of(lang)
    return Text(f"{said} {_code(row, status)}", "yellow") if status else Text(said, "green")


def _why(row: Row, lang: str) -> str:
    if row.came.note:
        return row.came.note
    entry = CATALOGUE.get(row.came.rule)
    if entry is None:
        return row.step.why.of(lang)
    return entry.text_zh if lang == "zh" else entry.text_en
