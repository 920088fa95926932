"""The page and the interface show a recorded decision beside what it would be today, when somebody asks for it."""

import tomllib
from pathlib import Path

import msgspec
import pytest

from proxy.console.app import build
from proxy.console.lookup import LogUnreadableError, from_status
from proxy.console.reopened import Reopened
from proxy.console.sight import Window
from proxy.core.codes import load_codes
from proxy.explain import explain
from proxy.explaining.compared import Then, compared, request_of, rules_anew
from proxy.settings import Settings
from tests.console.asgi_asker import Answer, ask
from tests.console.conftest import Scene
from tests.console.synthetic_status import BOOT
from tests.rules import scene as registry

pytestmark = pytest.mark.unit

CODES = load_codes(
    tomllib.loads((Path(__file__).resolve().parents[2] / "config" / "codes.toml").read_text(encoding="utf-8"))
)
ID = BOOT << 32 | 1
HOSTILE = '<script>alert("1")</script>'


class House:
    """A console that may ask anew, over a stand-in for the registry."""

    def __init__(self, scene: Scene) -> None:
        self.status = scene.shows()
        self.asked: list[int] = []
        self.fails = False
        seen = Window(scene.file.path, clock=lambda: scene.now)
        self.app = build(scene.settings, window=seen, reopen=self.reopen)

    def ask(self, path: str) -> Answer:
        return ask(self.app, path)

    def reopen(self, _: Settings, decision_id: int) -> Reopened | None:
        self.asked.append(decision_id)
        if self.fails:
            raise LogUnreadableError("torn")
        recorded = from_status(self.status, decision_id)
        if recorded is None:
            return None
        rules = tuple(row.rule for row in recorded.rules)
        octets = bytes.fromhex(next(row.outcomes for row in self.status.latest if row.id == recorded.id))
        then = Then(ID, "sms", "10690001", "marketing", 0, registry.NOON, rules, octets)
        _, snapshot, _ = registry.build(registry.BASE.but("row.telecom", HOSTILE))
        request = request_of(then, registry.ACCOUNT, snapshot, registry.PERSON)
        today = explain(request, snapshot, registry.NOON, CODES, rules_anew(then))
        rows = compared(then, today)
        return Reopened(recorded, today, HOSTILE, "differs", rows, 40, 7, "cn-former@2", "cn-test@3")


def test_programs_get_both_and_each_rule_compared(scene: Scene) -> None:
    house = House(scene)
    answer = house.ask(f"/api/v1/decisions/{ID:x}/explanation")
    found = msgspec.json.decode(answer.body, type=Reopened)
    assert (answer.status, found.recorded.rule, found.today is not None and found.today.effect) == (
        200, "suppression.active", "allow",
    )  # fmt: skip
    row = next(row for row in found.compared if row.rule == "suppression.active")
    assert (row.recorded, row.today, row.verdict) == ("refuse", "pass", "differs")


def test_the_page_asks_only_when_somebody_wants_it(scene: Scene) -> None:
    house = House(scene)
    page = house.ask(f"/decisions/{ID:x}?lang=en").text
    assert (house.asked, "Ask anew" in page) == ([], True)
    # The sentence of the notice stands with the row that a rule cites, in Chinese the place of the official one.
    assert "if consumers clearly express rejection" in page
    page = house.ask(f"/decisions/{ID:x}?lang=en&today=1").text
    assert house.asked == [ID]
    assert "The answer would differ today." in page
    assert "refusals.close" in page
    assert "product default" in page
    assert HOSTILE not in page
    assert "按现状重问，结论不同。" in house.ask(f"/decisions/{ID:x}?lang=zh&today=1").text


@pytest.mark.parametrize(("path", "code"), [("xyz", 400), ("ffff", 404)])
def test_what_cannot_be_explained_is_told(scene: Scene, path: str, code: int) -> None:
    assert House(scene).ask(f"/api/v1/decisions/{path}/explanation").status == code


def test_a_log_that_cannot_be_read_is_told_on_page_and_interface(scene: Scene) -> None:
    house = House(scene)
    house.fails = True
    assert house.ask(f"/api/v1/decisions/{ID:x}/explanation").status == 503
    assert "torn" in house.ask(f"/decisions/{ID:x}?lang=en&today=1").text
    house.fails = False
    assert house.ask(f"/api/v1/decisions/{ID:x}/explanation").status == 200


def test_a_console_without_a_registry_shows_what_was_recorded(scene: Scene) -> None:
    scene.shows()
    assert scene.ask(f"/api/v1/decisions/{ID:x}/explanation").status == 503
    page = scene.ask(f"/decisions/{ID:x}?lang=en&today=1")
    assert (page.status, "Ask anew" in page.text, 'id="today"' in page.text) == (200, False, False)
