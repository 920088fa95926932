"""Sessions end, forms come from the own page, and what a viewer may do follows from scopes and names."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from proxy.console.openapi import document
from proxy.core.content import CATEGORIES
from proxy.core.wording import VARIABLES
from proxy.language.content import read_whole
from proxy.language.templates import Templates
from proxy.registry.content_words import read_lexicon
from proxy.registry.ports import StoreError
from proxy.reviewing import seen, service
from proxy.reviewing.desk import Viewer
from proxy.reviewing.forms import is_own_page
from proxy.reviewing.on_record import Likeness, Record
from proxy.reviewing.service import Reviewing
from proxy.reviewing.sessions import Session, Sessions
from proxy.reviewing.words import ALL, CHECKS
from proxy.settings import Settings

pytestmark = pytest.mark.unit

BOTH = frozenset(("templates:submit", "templates:review"))
OFFER = "【江澜银行】尊敬的{name}先生，额度{amount}元，{date}前有效，咨询400-000-1001，回T退订"
RECORD = Record("offer", "jianglan", "", ("marketing",), OFFER, "submitted", "甲（虚构）", 0, "", (), "")
ROW: dict[str, Any] = {
    "id": "1", "principal": "jianglan", "number": "10690001", "messages": 30, "against": 2, "first_us": 1, "last_us": 2,
    "accounts": {"jl": 20, "jl-two": 10}, "category": "marketing", "marks": ["has_identity"], "findings": [],
    "wording": "【江澜银行】尊敬的{name}先生，额度{figures}元，编号{figures}，{phone}，{link}",
}  # fmt: skip


def test_a_session_ends_when_idle_when_long_and_when_told() -> None:
    now = 0.0
    sessions = Sessions(lambda: now)
    idle, long, told = (sessions.begin()[0] for _ in range(3))
    sessions.end(told)
    assert sessions.find(told) is None
    while now < 28_000:
        now += 1000
        assert sessions.find(long) is not None
    assert sessions.find(idle) is None
    now += 1000
    assert sessions.find(long) is None


def test_sessions_are_bounded_and_the_one_longest_unseen_goes() -> None:
    now = 0.0
    sessions = Sessions(lambda: now)
    secrets = []
    for _ in range(300):
        now += 1
        secrets.append(sessions.begin()[0])
    held = [secret for secret in secrets if sessions.find(secret)]
    assert held == secrets[-256:]


@pytest.mark.parametrize(
    ("headers", "own"),
    [
        ({}, True),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8080"}, False),
        ({"sec-fetch-site": "none"}, False),
        ({"origin": "http://127.0.0.1:8080"}, True),
        ({"origin": "http://127.0.0.1:9090"}, False),
        ({"origin": "null"}, False),
    ],
)
def test_a_form_of_another_page_is_none(headers: dict[str, str], own: bool) -> None:
    assert is_own_page(Headers({"host": "127.0.0.1:8080"} | headers)) is own


@pytest.mark.parametrize(
    ("state", "scopes", "name", "may"),
    [
        ("submitted", BOTH, "乙（虚构）", "review"),
        ("submitted", BOTH, "甲（虚构）", "other"),
        ("submitted", BOTH, "甲", "other"),
        ("submitted", frozenset(("templates:submit",)), "乙", ""),
        ("draft", BOTH, "乙", "submit"),
        ("reviewed", frozenset(("templates:review",)), "乙", ""),
        ("rejected", BOTH, "甲", "submit"),
    ],
)
def test_what_somebody_may_do(state: str, scopes: frozenset[str], name: str, may: str) -> None:
    (one,) = seen.kept([msgspec.structs.replace(RECORD, state=state)], [], scopes, name)
    assert one.may == may


def test_a_wording_of_the_wire_and_the_one_on_record_are_one() -> None:
    memory = Templates(read_lexicon())
    likeness = Likeness(Settings())
    ids = set(likeness.ids(RECORD, ["10690001"]))
    for name, amount, date in (("陈", "35,000.50", "2026-03-01"), ("施", "9", "3月15日"), ("李", "1", "2026年3月1日")):
        text = OFFER.format(name=name, amount=amount, date=date)
        assert memory.id_of(("jianglan", "10690001"), text, read_whole(text, memory.lexicon).content) in ids, text
        assert memory.id_of(("jianglan", "10690002"), text, read_whole(text, memory.lexicon).content) not in ids
    other = OFFER.replace("额度", "利息").format(name="陈", amount="9", date="3月15日")
    assert memory.id_of(("jianglan", "10690001"), other, read_whole(other, memory.lexicon).content) not in ids


def test_of_several_records_the_one_that_decides_is_shown() -> None:
    rejected, reviewed = (msgspec.structs.replace(RECORD, id=one, state=one) for one in ("rejected", "reviewed"))
    assert seen.by_wire_id([("1", rejected), ("1", reviewed), ("1", RECORD)])["1"].id == "reviewed"


def test_what_passed_is_filtered_and_can_be_put_on_record() -> None:
    (one,) = seen.passed([ROW], {"1": RECORD}, {"jianglan": "4000001001"})
    assert one.draft == "【江澜银行】尊敬的{name}先生，额度{amount}元，编号{digits}，400-000-1001，"
    assert [name for name, _ in one.pieces if name] == ["name", "figures", "figures", "phone", "link"]
    for wanted, takes in (
        ({}, True),
        ({"account": "jl-two"}, True),
        ({"account": "x"}, False),
        ({"institution": "yunxiu"}, False),
        ({"category": "collection"}, False),
        ({"verdict": "clear"}, True),
        ({"verdict": "against"}, False),
        ({"state": "submitted"}, True),
        ({"state": "none"}, False),
    ):
        assert seen.Filter(**wanted).takes(one) is takes, wanted
    (hidden,) = seen.passed([ROW | {"wording": None}], {}, {})
    assert (hidden.pieces, hidden.draft, hidden.state) == ((), "", "none")
    assert seen.kept([RECORD], [one], BOTH, "乙")[0].messages == 30


async def test_a_store_that_cannot_be_read_is_told_on_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    async def unread(*_: object) -> Response:
        raise StoreError("templates cannot be read")

    pages = Reviewing(Settings())
    monkeypatch.setattr(pages._desk, "viewer", lambda *_: Viewer("", Session(0.0), {}, "en"))
    scope = {"type": "http", "method": "GET", "path": "/review/templates", "query_string": b"", "headers": []}
    answer = await pages._page(unread, unread, "/review/templates")(Request(scope))
    assert (answer.status_code, b"The store cannot be read" in bytes(answer.body)) == (503, True)


def test_what_programs_read_is_described() -> None:
    more = Reviewing(Settings()).extension()
    described = document(more)
    for path, methods, _ in more.routes:
        if path.startswith("/api/"):
            assert {method.lower() for method in methods} == set(described["paths"][path])
    for name in re.findall(r'"#/components/schemas/(\w+)"', msgspec.json.encode(described).decode()):
        assert name in described["components"]["schemas"]


def test_every_word_of_the_pages_is_there_in_both_languages() -> None:
    pages = Path(service.__file__).parent / "pages"
    asked = set()
    for page in pages.glob("*.html"):
        asked |= set(re.findall(r't\["([a-z_.0-9]+)"\]', page.read_text("utf-8")))
    assert len(asked) > 60
    for lang, words in ALL.items():
        assert asked <= set(words), lang
        assert all(words.values())
    for group, names in (("state", seen.STATES), ("verdict", seen.VERDICTS), ("check", CHECKS),
                         ("category", CATEGORIES),
                         ("var", (*VARIABLES, "figures", "phone", "link"))):  # fmt: skip
        assert {f"{group}.{name}" for name in names} <= set(ALL["en"])
