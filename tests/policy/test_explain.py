"""`tdgate explain`: the same answer as the policy's, every rule with its outcome, and nothing sent."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.commands.explain import add_arguments
from proxy.commands.explain_source import Source, UnknownAccountError
from proxy.core.call_codes import load_call_codes
from proxy.core.catalogue import CATALOGUE
from proxy.core.codes import load_codes
from proxy.core.ground import OUTCOME_NAMES
from proxy.core.pack import RuleSetting
from proxy.core.purposes import MARKETING_SMS, MARKETING_VOICE
from proxy.core.records import Period
from proxy.explain import Explanation, explain
from proxy.rules.table import RULE_IDS
from tests.rules.case import Case
from tests.rules.cases import CASES
from tests.rules.scene import BASE, NOON, PERSON, Scene, at, build, decided
from tests.tools.naming import case_of
from tests.tools.slotted import held

pytestmark = pytest.mark.unit

#: Whom nobody can call or write to.
NOBODIES = ("nobody", "sip:110@x", "10086")
CODES = load_codes(
    tomllib.loads((Path(__file__).resolve().parents[2] / "config" / "codes.toml").read_text(encoding="utf-8"))
)


CALL_CODES = load_call_codes(
    tomllib.loads((Path(__file__).resolve().parents[2] / "config" / "call_codes.toml").read_text(encoding="utf-8"))
)


def explained(scene: Scene) -> Explanation:
    request, snapshot, now = build(scene)
    found = explain(request, snapshot, now, CALL_CODES if request.channel == "voice" else CODES)
    assert not snapshot.lanes
    return found


def test_the_answer_is_the_policys() -> None:
    for case in CASES:
        with case_of(case.name):
            check_the_answer(case)


def check_the_answer(case: Case) -> None:
    found, decision = explained(case.scene), decided(case.scene)
    assert (found.effect, found.rule, found.detail) == case.expected
    assert [row.outcome for row in found.rows] == [OUTCOME_NAMES[octet] for octet in decision.outcomes]
    assert (found.status > 0) == (found.effect != "allow")
    for row in found.rows:
        assert bool(row.detail) == (row.outcome in ("refuse", "shadow"))
        if row.rule == found.rule:
            assert row.detail == found.detail


@given(st.sampled_from(CASES), st.sampled_from(CASES))
def test_details_of_several_refusals(one: Case, two: Case) -> None:
    name, _, rest = two.path.partition(".")
    scene = one.scene
    if rest and getattr(scene, name) is None:
        return
    found = explained(scene.but(two.path, two.value))
    assert all(bool(row.detail) == (row.outcome == "refuse") for row in found.rows)


def test_rows_tell_what_a_rule_is() -> None:
    rows = {row.rule: row for row in explained(BASE).rows}
    assert tuple(rows) == RULE_IDS
    suppression = rows["suppression.active"]
    assert (suppression.kind, suppression.floor, suppression.mode) == ("final", True, "enforce")
    assert "Z16" in suppression.cites
    assert suppression.text_zh == CATALOGUE["suppression.active"].text_zh
    assert rows["throughput.account"].kind == "temporary"


def test_a_rule_in_shadow_tells_its_detail() -> None:
    scene = BASE.but("row.period", Period(0, 1)).but("pack.rules", {"number.expired": RuleSetting(mode="shadow")})
    found = explained(scene)
    row = found.rows[RULE_IDS.index("number.expired")]
    assert (found.effect, found.status) == ("allow", 0)
    assert (row.outcome, row.mode, row.detail) == ("shadow", "shadow", "over")


def test_the_status_is_the_accounts() -> None:
    refused = BASE.but("refused", 0xFF)
    assert explained(refused).status == 0x0429
    assert explained(refused.but("account.vendor_base", 0x0480)).status == 0x04A9
    assert explained(refused.but("account.code_map", "standard")).status == 0x0B


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def tdgate(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs `explain sms` over the scene; (exit code, standard output, standard error)."""

    def run(
        scene: Scene,
        *more: str,
        sender: str = "10690001",
        to: str = PERSON,
        account: str = "jianglan-own",
        kind: str = "sms",
    ) -> tuple[int, str, str]:
        _, snapshot, _ = build(scene)

        def load(config: Path, name: str, recipient: str | None) -> Source:
            assert (config, recipient) == (Path("tdgate.toml"), None if to in NOBODIES else PERSON)
            if name not in snapshot.accounts:
                raise UnknownAccountError
            return Source(snapshot, CODES, CALL_CODES)

        parser = argparse.ArgumentParser()
        add_arguments(parser.add_subparsers(), load)
        common = ["explain", kind, "--config", "tdgate.toml", "--account", account]
        asked = ["--from", sender, "--to", to, *(["--text", "【江澜银行】您好"] if kind == "sms" else [])]
        parsed = parser.parse_args([*common, *asked, *more])
        code = parsed.run(parsed)
        shown = capfdbinary.readouterr()
        return code, shown.out.decode(), shown.err.decode()

    return run


NOON_TEXT = "2025-03-05T12:00:00"


def test_a_permit_exits_with_0(tdgate: Run) -> None:
    code, shown, _ = tdgate(BASE, "--at", NOON_TEXT)
    assert code == 0
    assert shown.startswith("allow\n")
    assert all(rule in shown for rule in RULE_IDS)


def test_a_refusal_exits_with_1_and_says_what_to_do(tdgate: Run) -> None:
    code, shown, _ = tdgate(BASE.but("refused", 0xFF), "--at", NOON_TEXT)
    assert code == 1
    assert shown.startswith("deny suppression.active / refused (command_status 0x00000429)\n")
    assert CATALOGUE["suppression.active"].next_en in shown


def test_in_chinese(tdgate: Run) -> None:
    _, shown, _ = tdgate(BASE.but("refused", 0xFF), "--at", NOON_TEXT, "--lang", "zh")
    assert CATALOGUE["suppression.active"].text_zh in shown
    assert CATALOGUE["suppression.active"].next_zh in shown
    assert "依据" in shown


def test_as_json(tdgate: Run) -> None:
    code, shown, _ = tdgate(BASE, "--at", "2025-03-05T14:00:00Z", "--json")
    found = json.loads(shown)
    assert (code, found["effect"], found["rule"]) == (1, "deny", "hours.closed")
    assert [row["rule"] for row in found["rows"]] == list(RULE_IDS)
    assert {"outcome", "cites", "text_en", "text_zh", "floor", "kind", "mode"} <= found["rows"][0].keys()


@pytest.mark.parametrize("written", ["13800138000", "+86 138 0013 8000", "0086-13800138000"])
def test_numbers_in_any_writing(tdgate: Run, written: str) -> None:
    assert tdgate(BASE, "--at", NOON_TEXT, to=written, sender="8610690001")[0] == 0


def test_an_alphanumeric_sender(tdgate: Run) -> None:
    scene = BASE.but("row.address", "JIANGLAN")
    assert tdgate(scene, "--at", NOON_TEXT, sender="JIANGLAN")[0] == 0


def test_what_has_no_form(tdgate: Run) -> None:
    code, shown, _ = tdgate(BASE, "--at", NOON_TEXT, to="nobody")
    assert (code, shown.partition(" (")[0]) == (1, "deny address.invalid / destination")


def test_a_declared_purpose(tdgate: Run) -> None:
    _, shown, _ = tdgate(BASE, "--at", NOON_TEXT, "--purpose", "service")
    assert shown.startswith("deny purpose.mismatch / promised")


def test_a_call(tdgate: Run) -> None:
    code, shown, _ = tdgate(BASE.but("refused", MARKETING_VOICE), "--at", NOON_TEXT, kind="call")
    assert (code, shown.partition("\n")[0]) == (1, "deny suppression.active / refused (SIP 607)")
    assert tdgate(BASE.but("refused", MARKETING_SMS), "--at", NOON_TEXT, kind="call")[0] == 0
    assert tdgate(BASE.but("row.channels", frozenset(("sms",))), "--at", NOON_TEXT, kind="call")[0] == 1


@pytest.mark.parametrize(
    "written", ["+86 138-0013-8000", "tel:+86-138-0013-8000", "sip:13800138000;rn=+8613010@x", "sip:%31380013800%30@x"]
)
def test_a_call_in_any_writing(tdgate: Run, written: str) -> None:
    """It is read as an INVITE is."""
    assert tdgate(BASE, "--at", NOON_TEXT, kind="call", to=written, sender="sip:+8610690001@pbx.invalid")[0] == 0


def test_a_call_as_json(tdgate: Run) -> None:
    code, shown, _ = tdgate(BASE, "--at", NOON_TEXT, "--json", kind="call", to="nobody")
    found = json.loads(shown)
    assert (code, found["rule"], found["detail"], found["status"]) == (1, "address.invalid", "destination", 484)
    text_only = {row["rule"] for row in found["rows"] if row["outcome"] == "n/a"}
    assert {"message.partial", "message.foreign", "account.oneway", "content.undecodable"} <= text_only


@pytest.mark.parametrize(
    ("numbers", "answer"),
    [
        ({"sender": "sip:anonymous@anonymous.invalid"}, "deny caller.identity / number (SIP 403)"),
        ({"to": "sip:110@x"}, "deny address.invalid / emergency (SIP 484)"),
        ({"to": "10086"}, "deny address.invalid / service (SIP 484)"),
    ],
)
def test_a_call_is_told_what_its_invite_would_be(tdgate: Run, numbers: dict[str, str], answer: str) -> None:
    code, shown, _ = tdgate(BASE, "--at", NOON_TEXT, kind="call", **numbers)
    assert (code, shown.partition("\n")[0]) == (1, answer)


def test_an_unknown_account(tdgate: Run) -> None:
    code, shown, error = tdgate(BASE, account="nobody")
    assert (code, shown, error) == (1, "", "tdgate explain: no account nobody\n")


@pytest.mark.parametrize(
    "wrong",
    [["--at", "noon"], ["--at", "9999-12-31"], ["--at", "1969-12-31"], ["--purpose", "gambling"], ["--lang", "fr"]],
)
def test_usage_errors_exit_with_2(tdgate: Run, wrong: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        tdgate(BASE, *wrong)
    assert left.value.code == 2


def test_times_without_an_offset_are_shanghais(tdgate: Run) -> None:
    assert at("2025-03-05 12:00:00") == NOON
    assert tdgate(BASE, "--at", "2025-03-05T22:00:00")[0] == 1
    assert tdgate(BASE, "--at", "2025-03-05T22:00:00+09:00")[0] == 0


def test_explaining_does_not_change_the_request() -> None:
    request, snapshot, now = build(BASE)
    before = held(request)
    explain(request, snapshot, now, CODES)
    assert held(request) == before
