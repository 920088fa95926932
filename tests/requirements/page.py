"""The page of the manual: for each row what was sent, what was answered and which decisions stand behind it.

Owns the wording of the page; everything that it tells comes from a run. Two runs differ in the ids of decisions alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.core.citations import ROWS
from tests.requirements.demands import Demand
from tests.requirements.later import LATER
from tests.requirements.play import Played, Shown
from tests.requirements.stage import Answer

_KINDS = {"submit": "submit_sm", "bind": "bind_transceiver", "call": "INVITE"}
_HEAD = """\
# Requirements and where they show 要求与可见之处

Every row of [what the two notices demand](../requirements.md), and where somebody outside sees it. This page is written
by a run of the tests (`python -m tests.requirements --write docs/manual/requirements.md`) over the SMPP and SIP sockets
of a real process. All institutions, numbers and people are invented.
本页由测试运行生成（真实进程、真实 SMPP 与 SIP 套接字）；机构、号码与人员均为虚构。

- **Refused** 拒绝: a request was permitted and reached the carrier; the same request with another value in the one
  field that is named was refused, and the carrier saw nothing of it.
  仅改动所列的一个字段：原请求放行并到达运营商，改动后被拒，运营商未收到。
- **Decisions** 判定编号: of the permitted and of the refused request, looked up in the evidence log of the run with
  `tdgate evidence show` and `tdgate explain`. A bind that is permitted has none. Another run has other ids, and nothing
  else differs. 编号因运行而异，其余内容不变。
- **Seen** 可见: what was seen by commands, events, HTTP and files of the same process.
- **Not yet** 尚无: what the row names and nobody can see yet.

"""


def page(played: Played) -> str:
    """The whole page. Meant for a run without failures."""
    return _HEAD + "\n".join(_section(played, demand) for demand in played.demands.rows.values()) + "\n"


def without_ids(text: str) -> str:
    """A page with its decision ids taken out: what has to be the same in every run."""
    return re.sub(r"\b0x[0-9a-f]{16}\b", "#", text)


def _section(played: Played, demand: Demand) -> str:
    return "\n".join((*_demanded(demand), *_refused(played, demand.id), *_seen(played, demand.id)))


def _demanded(demand: Demand) -> Iterator[str]:
    yield f"## {demand.id}"
    yield ""
    yield demand.says
    if demand.id in ROWS:
        yield f"（{ROWS[demand.id].says_zh}）"
    yield ""
    if demand.like:
        yield "As " + ", ".join(f"[{row}](#{row.lower()})" for row in demand.like) + "; see there too. 另见上述各条。"
        yield ""
    if demand.observable:
        yield f"Observable: {demand.observable}"
        yield ""


def _refused(played: Played, row: str) -> Iterator[str]:
    shown = [one for one in played.shown if row in one.pair.rows]
    if not shown:
        return
    yield "| refused by 规则 | request 请求 | field 字段 | because 原因 | answer 应答 | decisions 判定编号 |"
    yield "|---|---|---|---|---|---|"
    for one in shown:
        yield "| " + " | ".join(_cells(one)) + " |"
    yield ""


def _cells(shown: Shown) -> tuple[str, ...]:
    pair, refused = shown.pair, shown.refused
    assert refused is not None, shown
    ids = ", ".join(_id(answer) for answer in (shown.permitted, refused))
    answer = f"{refused.status} `{refused.headers['reason']}`" if shown.kind == "call" else f"0x{refused.status:04X}"
    if refused.headers.get("retry-after"):
        answer += ", Retry-After"
    rule = f"`{pair.rule}` `{pair.detail}`"
    return (rule, _KINDS[shown.kind], f"`{shown.differs}`", " ".join(pair.because), answer, ids)


def _id(answer: Answer | None) -> str:
    return "–" if answer is None or answer.decision is None else f"0x{answer.decision.id:016x}"


def _seen(played: Played, row: str) -> Iterator[str]:
    seen = [one for one in played.seen if row in one.rows]
    for one in seen:
        yield f"- **Seen**: {one.en}. {one.zh}。"
    later = [one for one in LATER if one.row == row]
    for each in later:
        spans = "".join(f" `{span}`" for span in each.spans)
        yield f"- **Not yet**{spans}: {each.en}. {each.zh}。"
    if seen or later:
        yield ""
