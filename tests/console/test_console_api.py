"""The JSON interface: what is promised, what is answered, and how a decision opens into its rules and rows."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.console.app import build
from proxy.console.lookup import Opened
from proxy.console.openapi import DecisionList, Problem, Ready, RuleList
from proxy.core.catalogue import CATALOGUE
from proxy.core.citations import ROWS
from proxy.core.ground import OUTCOME_PASS, OUTCOME_REFUSE, OUTCOME_SHADOW
from proxy.evidence.log import EvidenceLog
from proxy.evidence.records import DENY, Decision, Outcome, rules_hash
from proxy.rules.table import RULE_IDS, RULES
from proxy.telemetry.status import Status
from tests.console.conftest import NOON_US, Scene
from tests.console.synthetic_status import BOOT

pytestmark = pytest.mark.unit

API = ("/api/v1/status", "/api/v1/rules", "/api/v1/decisions", f"/api/v1/decisions/{BOOT << 32 | 1:x}")
FORMER_RULES = ("number.unregistered", "rule.of.former.times", "suppression.active")


def test_the_status_is_given_as_it_was_written(scene: Scene) -> None:
    made = scene.shows()
    assert msgspec.json.decode(scene.ask("/api/v1/status").body, type=Status) == made


@pytest.mark.parametrize("path", ["/api/v1/status", "/api/v1/decisions"])
def test_without_a_status_the_answer_says_so(scene: Scene, path: str) -> None:
    answer = scene.ask(path)
    assert (answer.status, answer.json) == (503, {"error": "status absent"})


def test_every_rule_of_the_catalogue_is_listed_in_both_languages(scene: Scene) -> None:
    scene.shows()
    listed = msgspec.json.decode(scene.ask("/api/v1/rules").body, type=RuleList)
    assert {rule.id for rule in listed.rules} == set(CATALOGUE)
    assert [rule.id for rule in listed.rules][: len(RULE_IDS)] == list(RULE_IDS)
    assert (listed.pack, listed.pack_version) == ("cn-default", 3)
    (pack,) = listed.packs
    assert (pack.region, pack.source, pack.effective, pack.state) == ("CN-NX", "虚构的通知", "2026-01-01", "in force")
    assert pack.values[0].basis == "product default"
    for rule in listed.rules:
        entry = CATALOGUE[rule.id]
        assert rule.text == {"en": entry.text_en, "zh": entry.text_zh}
        assert (rule.kind, rule.floor) == (entry.kind, entry.floor)


def test_rules_are_told_without_a_wire_too(scene: Scene) -> None:
    assert len(scene.ask("/api/v1/rules").json["rules"]) == len(CATALOGUE)


def test_every_row_that_a_rule_cites_has_words() -> None:
    cited = {row for rule in RULES for row in rule.cites}
    assert cited <= set(ROWS)
    assert all(row.says_en and row.says_zh for row in ROWS.values())


def test_the_latest_decisions_come_newest_first(scene: Scene) -> None:
    made = scene.shows()
    found = msgspec.json.decode(scene.ask("/api/v1/decisions?limit=3").body, type=DecisionList).decisions
    assert found == made.latest[:3]
    assert found[0].at_us > found[2].at_us
    assert len(scene.ask("/api/v1/decisions").json["decisions"]) == len(made.latest)


@pytest.mark.parametrize("limit", ["0", "51", "-1", "x", "", "٣", "99999999999999999999"])
def test_a_limit_out_of_range_is_told(scene: Scene, limit: str) -> None:
    scene.shows()
    assert scene.ask(f"/api/v1/decisions?limit={limit}").status == 400


def test_a_decision_opens_into_every_rule_and_its_rows(scene: Scene) -> None:
    scene.shows()
    answer = scene.ask(f"/api/v1/decisions/{BOOT << 32 | 1:x}")
    found = msgspec.json.decode(answer.body, type=Opened)
    assert (found.effect, found.rule, found.recipient) == ("deny", "suppression.active", "138******01")
    assert [row.rule for row in found.rules] == list(RULE_IDS)
    (decided,) = (row for row in found.rules if row.decided)
    assert (decided.rule, decided.outcome) == ("suppression.active", "refuse")
    assert [row.id for row in decided.cites] == ["Z16", "Z19", "J6"]
    assert decided.cites[0].says_zh == ROWS["Z16"].says_zh
    assert {row.outcome for row in found.rules} == {"n/a", "pass", "refuse"}


def test_a_refusal_from_outside_the_table_stands_alone(scene: Scene) -> None:
    made = scene.shows()
    row = msgspec.structs.replace(made.latest[0], effect="defer", rule="internal.upstream", outcomes="")
    scene.shows(latest=(row,))
    found = msgspec.json.decode(scene.ask(f"/api/v1/decisions/{row.id}").body, type=Opened)
    assert [(one.rule, one.outcome, one.decided) for one in found.rules] == [("internal.upstream", "refuse", True)]


@pytest.mark.parametrize(
    ("path", "code"),
    [("xyz", 400), ("0x", 400), ("0x1f", 404), ("12345678901234567", 400), ("1_0", 400), ("٣", 400), ("ff", 404)],
)
def test_what_is_no_decision_is_told(scene: Scene, path: str, code: int) -> None:
    scene.shows()
    answer = scene.ask(f"/api/v1/decisions/{path}")
    assert answer.status == code
    assert msgspec.json.decode(answer.body, type=Problem).error


def _logged(number: int, table: bytes = b"") -> Decision:
    return Decision(
        id=1 << 32 | number,
        at_us=NOON_US,
        channel="sms",
        account="jianglan-mkt",
        sender="8613900139000",
        person=bytes(range(16)),
        key_id=1,
        principal="jianglan",
        purpose="marketing",
        effect=DENY,
        rule="suppression.active",
        detail="refused",
        mode="enforce",
        pack="cn-former",
        pack_version=2,
        revision=40,
        outcomes=bytes((OUTCOME_PASS, OUTCOME_SHADOW, OUTCOME_REFUSE)),
        rules_hash=table or rules_hash(FORMER_RULES),
    )


@pytest.fixture
def logged(scene: Scene) -> Path:
    """An evidence log of five decisions and what became of one, most of them judged by a table of former times."""
    directory = scene.settings.path(scene.settings.evidence.directory)
    directory.mkdir()

    async def write() -> None:
        log = EvidenceLog.open(
            directory,
            Ed25519PrivateKey.generate(),
            software="0",
            config_digest=b"",
            rules=FORMER_RULES,
        )
        for number in range(3):
            assert log.append(_logged(number))
        assert log.append(_logged(3, rules_hash(RULE_IDS)))
        assert log.append(_logged(4, b"unknown."))
        assert log.append(Outcome(id=1 << 32 | 1, at_us=NOON_US, result="late", status=0))
        await log.close()

    asyncio.run(write())
    return directory


def test_a_decision_that_left_the_status_is_found_in_the_evidence(scene: Scene, logged: Path) -> None:
    scene.shows()
    found = msgspec.json.decode(scene.ask("/api/v1/decisions/100000001").body, type=Opened)
    assert (found.pack, found.revision, found.person) == ("cn-former", 40, bytes(range(16)).hex())
    assert [(row.rule, row.outcome) for row in found.rules] == [
        ("number.unregistered", "pass"),
        ("rule.of.former.times", "shadow"),
        ("suppression.active", "refuse"),
    ]
    assert found.shadow == ("rule.of.former.times",)
    assert found.leaf > 0
    assert [(fate.result, fate.status) for fate in found.fate] == [("late", 0)]
    assert found.sender == "139******00"


def test_a_table_that_the_log_does_not_name_is_this_versions_or_unknown(scene: Scene, logged: Path) -> None:
    own = msgspec.json.decode(scene.ask("/api/v1/decisions/100000003").body, type=Opened)
    assert [row.rule for row in own.rules] == ["suppression.active", *RULE_IDS[:3]]
    unknown = msgspec.json.decode(scene.ask("/api/v1/decisions/100000004").body, type=Opened)
    assert [row.rule for row in unknown.rules] == ["suppression.active"]


def test_the_evidence_is_read_without_a_wire_too(scene: Scene, logged: Path) -> None:
    for written in ("100000000", "0000000100000000", "0x0000000100000000"):
        assert scene.ask(f"/api/v1/decisions/{written}").status == 200
    assert scene.ask("/api/v1/decisions/100000007").status == 404


def test_an_evidence_log_that_is_damaged_is_told(scene: Scene, logged: Path) -> None:
    for segment in logged.glob("*.seg*"):
        segment.write_bytes(b"\0" * 400)
    answer = scene.ask("/api/v1/decisions/100000000")
    assert answer.status == 503
    assert "evidence log" in answer.json["error"]


def test_the_description_names_every_route_for_programs(scene: Scene, described: Callable[[], Any]) -> None:
    for_people = {"/", "/decisions/{id}", "/events"}
    routes = {route.path for route in build(scene.settings).routes} - for_people
    assert set(described()["paths"]) == routes


def test_the_description_refers_to_schemas_that_it_has(described: Callable[[], Any]) -> None:
    def references(part: Any) -> set[str]:
        if isinstance(part, dict):
            own = {part["$ref"]} if "$ref" in part else set()
            return own.union(*(references(value) for value in part.values()))
        return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()

    document = described()
    schemas = document["components"]["schemas"]
    assert {ref.removeprefix("#/components/schemas/") for ref in references(document)} == set(schemas)
    assert document["openapi"].startswith("3.1")


@pytest.mark.parametrize("with_status", [True, False])
def test_every_answer_is_one_that_the_description_has(
    scene: Scene, described: Callable[[], Any], with_status: bool
) -> None:
    kinds = {"Status": Status, "RuleList": RuleList, "DecisionList": DecisionList, "Opened": Opened, "Ready": Ready}
    if with_status:
        scene.shows()
    for path in (*API, "/readyz", "/livez", "/metrics", "/api/v1/decisions/zz", "/api/v1/decisions?limit=0"):
        answer = scene.ask(path)
        bare = path.partition("?")[0]
        template = "/api/v1/decisions/{id}" if bare.startswith("/api/v1/decisions/") else bare
        content = described()["paths"][template]["get"]["responses"][str(answer.status)]["content"]
        (media,) = content
        assert answer.headers["content-type"].startswith(media), path
        if media == "application/json":
            name = content[media]["schema"]["$ref"].rpartition("/")[2]
            msgspec.json.decode(answer.body, type=kinds.get(name, Problem))
