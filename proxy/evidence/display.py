"""How heads, reports, decisions and proofs are shown: rows for people, plain objects for JSON.

Owns names and order of what is printed. Octets are hex. Shows nothing that the log does not hold, and the log holds no
number and no text of a person.
"""

from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from rich.console import Console
from rich.table import Table

from proxy.evidence.layout import LOG_ID_OCTETS, SIGNATURE_OCTETS, Head
from proxy.evidence.merkle import HASH_OCTETS
from proxy.evidence.read import Entry
from proxy.evidence.records import EFFECT_NAMES, Call, Decision, Outcome, Unknown
from proxy.evidence.verify import Report

Rows = list[tuple[str, str]]

OUTCOME_NAMES = ("n/a", "pass", "refuse", "shadow", "error")


class OutsideHead(msgspec.Struct, frozen=True):
    """A head as JSON keeps it; `size` and `root` are enough for a comparison."""

    size: int
    root: str
    log_id: str = ""
    boot: int = 0
    at_us: int = 0
    signature: str = ""

    def head(self) -> Head:
        """Raises ValueError where a field is not hex of the right length."""
        octets = [bytes.fromhex(one) for one in (self.log_id, self.root, self.signature)]
        wanted = ({0, LOG_ID_OCTETS}, {HASH_OCTETS}, {0, SIGNATURE_OCTETS})
        if any(len(one) not in lengths for one, lengths in zip(octets, wanted, strict=True)):
            raise ValueError("a field has the wrong length")
        log_id, root, signature = octets
        return Head(log_id, self.boot, self.size, self.at_us, root, signature)


def outside(head: Head) -> OutsideHead:
    """The JSON form of a head."""
    return OutsideHead(head.size, head.root.hex(), head.log_id.hex(), head.boot, head.at_us, head.signature.hex())


class Proof(msgspec.Struct, frozen=True):
    """A proof as JSON keeps it: with the signed head it leads to, so that the public key is all one needs."""

    kind: Literal["inclusion", "consistency"]
    head: OutsideHead
    path: list[str]
    index: int = 0
    record: str = ""
    old_size: int = 0
    old_root: str = ""

    @classmethod
    def inclusion(cls, head: Head, index: int, record: bytes, path: list[bytes]) -> "Proof":
        return cls("inclusion", outside(head), [one.hex() for one in path], index=index, record=record.hex())

    @classmethod
    def consistency(cls, head: Head, old_size: int, old_root: bytes, path: list[bytes]) -> "Proof":
        hexes = [one.hex() for one in path]
        return cls("consistency", outside(head), hexes, old_size=old_size, old_root=old_root.hex())

    def rows(self) -> Rows:
        rows: Rows = [("kind 种类", self.kind)]
        if self.kind == "inclusion":
            rows += [("index 序号", str(self.index)), ("record 记录", self.record)]
        else:
            rows += [("old size 旧大小", str(self.old_size)), ("old root 旧根", self.old_root)]
        rows += [(f"path 路径 {number}", one) for number, one in enumerate(self.path)]
        return rows + head_rows(self.head.head())


def print_rows(title: str, rows: Rows) -> None:
    """A table of two columns on standard output."""
    table = Table(title=title, title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(name, value)
    Console(soft_wrap=False, markup=False, highlight=False).print(table)


def when(at_us: int) -> str:
    """A moment (UTC, µs) as it is shown."""
    return datetime.fromtimestamp(at_us / 1_000_000, UTC).isoformat(timespec="milliseconds")


def head_object(head: Head) -> dict[str, Any]:
    """What `--head` of verify reads."""
    built: dict[str, Any] = msgspec.to_builtins(outside(head))
    return built


def head_rows(head: Head) -> Rows:
    return [
        ("log 日志", head.log_id.hex()),
        ("records 记录数", str(head.size)),
        ("root 根", head.root.hex()),
        ("time 时间", when(head.at_us)),
        ("boot 启动序号", str(head.boot)),
        ("signature 签名", head.signature.hex()),
    ]


def report_object(report: Report) -> dict[str, Any]:
    return {
        "sound": report.sound,
        "segments": report.segments,
        "batches": report.batches,
        "records": report.records,
        "head": head_object(report.head) if report.head else None,
        "outside_head_met": report.outside_head_met,
        "set_aside": list(report.set_aside),
        "problem": msgspec.to_builtins(report.problem),
    }


def problem_rows(report: Report) -> Rows:
    """The verdict first, then where the problem is, then what was verified."""
    rows = [("verdict 结论", "sound 完好" if report.sound else "NOT SOUND 不完好")]
    problem = report.problem
    if problem is not None:
        rows += [("problem 问题", f"{problem.code}: {problem.text}"), ("segment 段", problem.segment or "–")]
        rows.append(("octet 字节", str(problem.offset)))
        if problem.batch >= 0:
            rows.append(("batch 批", str(problem.batch)))
        if problem.first >= 0:
            rows.append(("records 记录", str(problem.first) if problem.last < 0 else f"{problem.first}–{problem.last}"))
    rows.append(("verified 已核验", f"{report.records} records, {report.batches} batches, {report.segments} segments"))
    rows.append(("head held outside 外存树头", "met 相符" if report.outside_head_met else "not compared 未比对"))
    rows += [("set aside 移出", name) for name in report.set_aside]
    return rows + (head_rows(report.head) if report.head else [])


def _outcome_name(value: int) -> str:
    return OUTCOME_NAMES[value] if value < len(OUTCOME_NAMES) else str(value)


def rule_outcomes(decision: Decision, rules: tuple[str, ...]) -> Rows:
    """(rule id, outcome) for each rule; numbered where the table is not known."""
    if len(rules) != len(decision.outcomes):
        return [(f"#{number}", _outcome_name(value)) for number, value in enumerate(decision.outcomes)]
    return [(rule, _outcome_name(value)) for rule, value in zip(rules, decision.outcomes, strict=True)]


def _fields(record: object) -> dict[str, Any]:
    if isinstance(record, Unknown):
        return {"kind": record.kind, "fields": [repr(one) for one in record.fields]}
    if not isinstance(record, msgspec.Struct):
        return {}
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    return {name: value.hex() if isinstance(value, bytes) else value for name, value in values.items()}


def entry_object(entry: Entry, rules: tuple[str, ...], outcomes: list[Entry]) -> dict[str, Any]:
    record = entry.record
    named = rule_outcomes(record, rules) if isinstance(record, Decision) else []
    return {
        "index": entry.index,
        "record": _fields(record),
        "octets": entry.octets.hex(),
        "rules": [{"rule": rule, "outcome": outcome} for rule, outcome in named],
        "became": [_fields(one.record) for one in outcomes],
        "head": head_object(entry.head),
    }


def decision_rows(entry: Entry, decision: Decision, rules: tuple[str, ...], outcomes: list[Entry]) -> Rows:
    effect = EFFECT_NAMES[decision.effect] if decision.effect < len(EFFECT_NAMES) else str(decision.effect)
    rows = [
        ("id 编号", f"{decision.id} ({decision.id:#x})"),
        ("index 序号", str(entry.index)),
        ("time 时间", when(decision.at_us)),
        ("effect 结果", effect),
        ("rule 规则", " ".join(part for part in (decision.rule, decision.detail) if part) or "–"),
        ("account 账号", f"{decision.account} ({decision.channel})"),
        ("sender 主叫号码", decision.sender),
        ("person 收件人", f"{decision.person.hex()} (key {decision.key_id})"),
        ("principal 委托机构", decision.principal or "–"),
        ("purpose 用途", decision.purpose or "–"),
        ("mode 模式", decision.mode),
        ("pack 规则包", f"{decision.pack} {decision.pack_version}"),
        ("registry 登记版本", str(decision.revision)),
    ]
    rows += [(f"  {rule}", outcome) for rule, outcome in rule_outcomes(decision, rules)]
    for one in outcomes:
        record = one.record
        if isinstance(record, Outcome):
            rows.append(("became 后续", f"{record.result}, status {record.status:#010x}, {when(record.at_us)}"))
        elif isinstance(record, Call):
            by = f"by {record.side} ({record.cause})"
            rows.append(("became 后续", f"{record.result}, SIP {record.status}, ended {by}, {when(record.at_us)}"))
    return rows
