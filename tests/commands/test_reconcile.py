"""Numbers seen on the wire against those declared: used, refused, never used; a draft, and what is refused then."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec.structs import replace

from proxy.commands import reconcile
from proxy.core.ground import OUTCOME_NA, OUTCOME_REFUSE, OUTCOME_SHADOW
from proxy.evidence import records
from proxy.evidence.log import EvidenceLog
from proxy.rules.table import RULE_IDS
from tests.tools.registry_parser import registry_parser
from tests.tools.shipped import shipped_vocabulary
from tests.tools.words import reader

pytestmark = pytest.mark.unit

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "registry" / "demo.json"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
MOMENT_US = 1_780_000_000_000_000


def decision(
    account: str, sender: str, *, rule: str = "", shadow: str = "", channel: str = "sms", **fields: Any
) -> records.Decision:
    outcomes = bytes(
        OUTCOME_REFUSE if one == rule else OUTCOME_SHADOW if one == shadow else OUTCOME_NA for one in RULE_IDS
    )
    record = records.Decision(
        id=0, at_us=MOMENT_US, channel=channel, account=account, sender=sender, person=b"", key_id=1,
        principal="jianglan", purpose="marketing", effect=1 if rule else 0, rule=rule, detail="", mode="enforce",
        pack="cn-open", pack_version=1, revision=1, outcomes=outcomes, rules_hash=records.rules_hash(RULE_IDS),
    )  # fmt: skip
    return replace(record, **fields)


async def log_of(folder: Path, decisions: list[records.Decision]) -> None:
    folder.mkdir(parents=True)  # noqa: ASYNC240  WHY: a folder of a test
    log = EvidenceLog.open(folder, KEY, software="0.1.0", config_digest=b"\7" * 32, rules=RULE_IDS)
    for place, one in enumerate(decisions, 1):
        assert log.append(replace(one, id=log.boot << 32 | place))
    await log.close()


class Tdgate:
    """Runs commands on one configuration."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self._capsys = capsys
        (folder / "tdgate.toml").write_text("[policy]\npack = 'cn-open'\npacks = []\n", encoding="utf-8")

    def __call__(self, *words: str) -> tuple[int, str]:
        parsed = registry_parser().parse_args(["registry", *words, "--config", str(self.folder / "tdgate.toml")])
        code = parsed.run(parsed)
        return code, self._capsys.readouterr().out

    def json(self, *words: str) -> Any:
        code, out = self(*words, "--json")
        assert code == 0
        return json.loads(out)


@pytest.fixture
def tdgate(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Tdgate:
    # WHY: they are read anew by each command, and no number depends on them.
    monkeypatch.setattr(reconcile, "read_vocabulary", lambda name: shipped_vocabulary())
    monkeypatch.setattr(reconcile, "read_reader", lambda content, vocabulary: reader())
    made = Tdgate(tmp_path, capsys)
    assert made("import", str(EXAMPLE))[0] == 0
    return made


SEEN = [
    *[decision("jianglan-mkt", "10690001")] * 3,
    decision("jianglan-mkt", "1069000177", at_us=MOMENT_US + 60_000_000),
    decision("jianglan-mkt", "10690001", rule="consent.missing"),
    decision("jianglan-mkt", "10690001", shadow="consent.missing"),
    *[decision("jianglan-mkt", "10695555", shadow="number.unregistered")] * 2,
    decision("jianglan-mkt", "95555", rule="number.unregistered", channel="voice"),
    decision("yuanlu-jl", "10690011"),
    decision("yuanlu-jl", "10697777", rule="number.unregistered"),
    decision("yuanlu-jl", "10690101", rule="entrustment.missing"),
    decision("yuanlu-jl", "138******00#ab", rule="number.unregistered"),
    decision("jianglan-mkt", "10690001", asks=1),
    decision("gone", "10690001"),
]


def states(found: dict[str, Any]) -> dict[tuple[str, str], str]:
    return {(row["account"], row["sender"]): row["state"] for row in found["seen"]}


def foreseen(found: dict[str, Any]) -> set[tuple[str, str, str, int]]:
    return {(row["account"], row["rule"], row["detail"], row["messages"]) for row in found["tomorrow"]}


def test_what_was_seen_is_held_against_the_library(tdgate: Tdgate) -> None:
    asyncio.run(log_of(tdgate.folder / "var" / "evidence", SEEN))
    found = tdgate.json("reconcile")
    assert (found["decisions"], found["left_out"]) == (len(SEEN) - 1, 0)
    assert states(found) == {
        ("jianglan-mkt", "10690001"): "declared",
        ("jianglan-mkt", "1069000177"): "declared",
        ("jianglan-mkt", "10695555"): "unregistered",
        ("jianglan-mkt", "95555"): "unregistered",
        ("yuanlu-jl", "10690011"): "declared",
        ("yuanlu-jl", "10697777"): "unregistered",
        ("yuanlu-jl", "10690101"): "another's",
        ("yuanlu-jl", "138******00#ab"): "hidden",
        ("gone", "10690001"): "no account",
    }
    (row,) = [row for row in found["seen"] if (row["account"], row["sender"]) == ("jianglan-mkt", "10690001")]
    assert (row["permitted"], row["refused"]) == (4, 1)
    unused = {row["address"] for row in found["unused"]}
    assert "10690002" in unused
    assert not {"10690001", "10690011"} & unused
    assert not {"10690120", "10690203"} & unused  # over, and disposed of
    assert foreseen(found) >= {
        ("jianglan-mkt", "number.unregistered", "unknown", 3),
        ("jianglan-mkt", "consent.missing", "", 2),
        ("yuanlu-jl", "number.unregistered", "unknown", 2),
        ("yuanlu-jl", "entrustment.missing", "number", 1),
    }
    code, told = tdgate("reconcile")
    assert code == 0
    assert all(part in told for part in ("10695555\tsms\tunregistered", "declared, never seen", "refused tomorrow"))


def test_a_draft_imports_once_somebody_says_who_owns_the_numbers(tdgate: Tdgate) -> None:
    asyncio.run(log_of(tdgate.folder / "var" / "evidence", SEEN))
    path = tdgate.folder / "draft.json"
    found = tdgate.json("reconcile", "--draft", str(path), "--until", "2030-12-31")
    assert found["drafted"] == 3
    draft = json.loads(path.read_text(encoding="utf-8"))
    rows = {(row["address"], row["operator"]): row for row in draft["numbers"]}
    assert set(rows) == {("10695555", "jianglan"), ("95555", "jianglan"), ("10697777", "yuanlu")}
    assert rows["95555", "jianglan"]["channels"] == ["voice"]
    assert rows["10697777", "yuanlu"]["until"] == "2030-12-31"
    left = {row["rule"] for row in found["tomorrow"] if row["account"] == "jianglan-mkt" and row["basis"] == "library"}
    assert "number.unregistered" not in left
    assert ("yuanlu-jl", "number.unregistered", "unknown", 1) in foreseen(found)  # the hidden one
    assert tdgate("import", str(path))[0] == 1
    for row in draft["numbers"]:
        row["telecom"] = "示例通信（虚构）"
    path.write_text(json.dumps(draft), encoding="utf-8")
    assert tdgate("import", str(path))[0] == 0
    again = tdgate.json("reconcile", "--draft", str(path))
    assert again["drafted"] == 0
    assert states(again)["jianglan-mkt", "10695555"] == "declared"


def test_days_leave_out_what_is_older(tdgate: Tdgate) -> None:
    asyncio.run(log_of(tdgate.folder / "var" / "evidence", [decision("jianglan-mkt", "10690001", at_us=1)]))
    assert tdgate.json("reconcile")["decisions"] == 1
    assert tdgate.json("reconcile", "--days", "7")["decisions"] == 0


def test_a_log_that_is_not_there_has_seen_nothing(tdgate: Tdgate) -> None:
    found = tdgate.json("reconcile")
    assert (found["decisions"], found["seen"], found["tomorrow"]) == (0, [], [])
    assert found["unused"]


def test_an_end_before_today_is_told(tdgate: Tdgate) -> None:
    assert tdgate("reconcile", "--draft", str(tdgate.folder / "d.json"), "--until", "2020-01-01")[0] == 2


def test_a_list_is_drafted_submitted_merged_and_summed_up(tdgate: Tdgate) -> None:
    more = {
        "liaisons": [
            {"institution": "jianglan", "name": "林一", "contact": "x", "since": "2026-01-01", "until": "forever"}
        ],
        "segments": [
            {"id": "finance", "first": "10690", "last": "10690", "channels": "sms", "purposes": "marketing",
             "department": "一局（虚构）", "since": "2026-01-01", "until": "forever"}
        ],
    }  # fmt: skip
    path = tdgate.folder / "more.json"
    path.write_text(json.dumps(more), encoding="utf-8")
    assert tdgate("import", str(path))[0] == 0
    drafted = tdgate.json("submission", "draft", "jianglan", "--department", "一局（虚构）")
    assert (drafted["state"], drafted["numbers"]) == ("draft", 5)
    tdgate.json("submission", "submit", drafted["id"], "--by", "林一")
    tdgate.json("submission", "receive", drafted["id"], "--receipt", "R-1", "--by", "乙")
    tdgate.json("submission", "accept", drafted["id"], "--by", "乙")
    assert tdgate.json("submission", "merge", drafted["id"], "--by", "乙")["cases"] == []
    asyncio.run(log_of(tdgate.folder / "var" / "evidence", SEEN))
    rows = {(row["department"], row["segment"]): row for row in tdgate.json("summary")["rows"]}
    assert set(rows) == {("一局（虚构）", "finance"), ("一局（虚构）", "-"), ("-", "finance"), ("-", "-")}
    mine = rows["一局（虚构）", "finance"]
    assert (mine["institutions"], mine["numbers"], mine["open_cases"]) == (1, 4, 0)
    assert (mine["senders_used"], mine["permitted"], mine["refused"]) == (3, 6, 1)
    assert tdgate("submission", "draft", "nobody", "--department", "一局")[0] == 1
