"""The page: what stands on it, that nothing foreign gets into it, and that news comes at once."""

import asyncio
import re
from html.parser import HTMLParser
from string import Formatter

import msgspec
import pytest

from proxy.console.app import build
from proxy.console.guard import HEADERS
from proxy.console.page import Pages
from proxy.console.sight import Sight
from proxy.console.texts import TEXTS, Lang, choose
from proxy.core.catalogue import CATALOGUE
from proxy.settings import Console, Settings
from proxy.telemetry.status import FRESH_S, BypassRow, EvidenceRow
from tests.console.asgi_asker import ask, asked, next_event
from tests.console.conftest import NOON_US, Scene
from tests.console.synthetic_status import BOOT, refusal, row, status

pytestmark = pytest.mark.unit

HOSTILE = '"><script>alert(1)</script>{{ 7919*6131 }}'


class Elements(HTMLParser):
    """Collects start tags with their attributes, and checks that what must close does."""

    VOID = frozenset(("meta", "link", "br"))

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_binds_decisions_counts_and_refusals_stand_on_the_page(scene: Scene) -> None:
    made = scene.shows()
    page = scene.ask("/?lang=en").text
    for bind in made.binds:
        assert bind.account in page
    for one in made.latest:
        assert f'href="/decisions/{one.id}?lang=en"' in page
    for rule in ("suppression.active", "hours.closed", "consent.missing"):
        assert CATALOGUE[rule].text_en in page
    assert "marketing: SMS, calls" in page
    assert "138******01" in page
    assert "Taking traffic" in page
    Elements(page)


@pytest.mark.parametrize(
    ("asked_for", "accepts", "lang"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("", "en-GB,zh;q=0.9", "en"),
        ("", "de, zh;q=0.1", "zh-CN"),
        ("", "zh;q=0, en;q=0.1", "en"),
        ("", "zh;q=x", "en"),
        ("zh", "en", "zh-CN"),
        ("en", "zh", "en"),
        ("fr", "zh", "en"),
    ],
)
def test_the_language_is_the_one_asked_for_else_the_readers(
    scene: Scene, asked_for: str, accepts: str, lang: str
) -> None:
    scene.shows()
    page = scene.ask(f"/?lang={asked_for}", headers={"accept-language": accepts}).text
    assert f'<html lang="{lang}">' in page
    assert ("最新判定" in page) == (lang == "zh-CN")


def test_both_languages_say_everything_with_the_same_places_to_fill() -> None:
    for key, english in TEXTS["en"].items():
        chinese = TEXTS["zh"][key]
        assert english, key
        assert chinese, key
        places = [{field for _, field, _, _ in Formatter().parse(text)} - {None} for text in (english, chinese)]
        assert places[0] == places[1], key


def test_a_language_without_end_is_no_trouble() -> None:
    assert choose("", "zh;q=0.1," * 100_000) == "zh"


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("trouble", ["absent", "stale", "corrupt"])
def test_the_page_says_plainly_what_is_wrong_and_what_to_do(scene: Scene, trouble: str, lang: str) -> None:
    if trouble != "absent":
        scene.shows()
    if trouble == "corrupt":
        scene.file.path.write_bytes(b"{")
    if trouble == "stale":
        scene.now += FRESH_S + 60
    answer = scene.ask(f"/?lang={lang}")
    assert answer.status == 200
    texts = TEXTS["zh" if lang == "zh" else "en"]
    assert texts[f"trouble.{trouble}.next"] in answer.text
    assert texts["state.ready"] not in answer.text
    Elements(answer.text)


def test_a_wire_that_is_not_ready_and_evidence_that_fails_are_told(scene: Scene) -> None:
    scene.shows(ready=False, ready_reason="no carrier is connected", evidence=EvidenceRow(1, "00", 9, True))
    page = scene.ask("/?lang=en").text
    assert "Not taking traffic: no carrier is connected" in page
    assert TEXTS["en"]["evidence.failing"] in page


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_how_many_replies_wait_for_a_verdict_is_told_and_none_is_no_tile(scene: Scene, lang: str) -> None:
    scene.shows(doubts=1234)
    page = scene.ask(f"/?lang={lang}").text
    assert TEXTS[lang]["figure.doubts"] in page  # type: ignore[index]
    assert "1\u202f234" in page
    scene.shows(doubts=0)
    assert TEXTS[lang]["figure.doubts"] not in scene.ask(f"/?lang={lang}").text  # type: ignore[index]


def test_an_empty_status_says_that_nothing_is_there(scene: Scene) -> None:
    scene.shows(binds=(), latest=(), refusals=(), decisions=(), routes=())
    page = scene.ask("/?lang=en").text
    for key in ("binds.none", "decisions.none", "refusals.none", "counts.none", "routes.none"):
        assert TEXTS["en"][key] in page
    Elements(page)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_calls_stand_beside_messages(scene: Scene, lang: Lang) -> None:
    made = scene.shows()
    page = scene.ask(f"/?lang={lang}").text
    words = TEXTS[lang]
    latest = re.search(r'<tbody data-region="decisions".*?</tbody>', page, re.S)
    assert latest is not None
    said = re.findall(r'<tr data-key="(\w+)"><td class="num">.*?</td><td class="name-of">(.*?)</td>', latest[0])
    assert said == [(row.id, words[f"channel.{row.channel}"]) for row in made.latest]
    assert {row.channel for row in made.latest} == {"sms", "voice"}
    trunk = re.search(r'<th scope="row">callcentre</th><td>jianglan-call</td>.*?</tr>', page)
    assert trunk is not None
    shown = re.findall(r'right">([^<]*)<', trunk[0])
    assert shown == [f"{each:,}".replace(",", "\u202f") for each in (7, 61, 1902, 1412, 480, 10, 1177, 143, 41, 44, 12)]
    states = re.findall(r'<tbody data-region="gateways">.*?</tbody>', page, re.S)
    assert re.findall(r'class="lamp (\w+)">', states[0]) == ["good", "bad", "good"]
    assert states[0].count(words["gateway.unwatched"]) == states[0].count(words["gateway.of_trunk"]) == 1
    assert f"<dt>{words['figure.calls']}</dt><dd>7</dd>" in page
    assert '<dd class="num">127.0.0.1:5061</dd>' in page
    Elements(page)


def test_without_trunks_the_page_says_nothing_of_calls(scene: Scene) -> None:
    scene.shows(trunks=(), gateways=())
    page = scene.ask("/?lang=en").text
    assert TEXTS["en"]["trunks"] not in page
    assert TEXTS["en"]["figure.calls"] not in page


def test_what_others_chose_is_shown_as_text(scene: Scene) -> None:
    made = status(at_us=NOON_US)
    bind = msgspec.structs.replace(made.binds[0], account=HOSTILE, peer=HOSTILE, state=HOSTILE)
    one = msgspec.structs.replace(made.latest[0], account=HOSTILE, sender=HOSTILE, rule=HOSTILE, purpose=HOSTILE)
    trunk = msgspec.structs.replace(made.trunks[0], name=HOSTILE, account=HOSTILE, principal=HOSTILE)
    gateway = msgspec.structs.replace(made.gateways[0], group=HOSTILE, host=HOSTILE, transport=HOSTILE)
    heard = msgspec.structs.replace(made.listeners[0], host=HOSTILE, kind=HOSTILE)
    scene.shows(trunks=(trunk,), gateways=(gateway,), listeners=(heard,))
    assert "<script>alert" not in scene.ask("/").text
    person = msgspec.structs.replace(made.refusals[0], matched=HOSTILE, label=HOSTILE, closes=(HOSTILE,))
    scene.shows(binds=(bind,), latest=(one,), refusals=(person,), pack=HOSTILE, ready=False, ready_reason=HOSTILE)
    for path in ("/", f"/decisions/{one.id}", f"/decisions/{one.id}?part=1", f"/?lang={HOSTILE.replace(' ', '%20')}"):
        text = scene.ask(path).text
        assert "<script>alert" not in text
        assert "48551389" not in text


@pytest.mark.parametrize("path", ["/", f"/decisions/{BOOT << 32 | 1:x}", "/decisions/ff", "/decisions/zz"])
def test_pages_load_nothing_and_run_only_what_carries_their_nonce(scene: Scene, path: str) -> None:
    scene.shows()
    answer = scene.ask(path)
    policy = answer.headers["content-security-policy"]
    nonce = re.search(r"'nonce-([\w-]{20,})'", policy)
    assert nonce is not None
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for tag, attributes in Elements(answer.text).found:
        if tag in ("script", "style"):
            assert attributes == {"nonce": nonce.group(1)}
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        for name in ("src", "href", "action"):
            value = attributes.get(name) or ""
            assert value.startswith(("/", "?", "#", "data:,")) or not value
            assert not value.startswith("//")


def test_no_two_answers_have_the_same_nonce(scene: Scene) -> None:
    scene.shows()
    policies = {scene.ask("/").headers["content-security-policy"] for _ in range(3)}
    assert len(policies) == 3


@pytest.mark.parametrize("path", ["/", "/livez", "/readyz", "/metrics", "/api/v1/rules", "/nowhere"])
def test_every_answer_has_the_security_headers(scene: Scene, path: str) -> None:
    headers = scene.ask(path).headers
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= headers.items()
    assert headers["content-security-policy"].startswith("default-src 'none'; frame-ancestors 'none'")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_get_is_answered(scene: Scene, method: str) -> None:
    scene.shows()
    for path in ("/", "/api/v1/status"):
        answer = scene.ask(path, method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("127.0.0.1:8080", 200),
        ("localhost:1", 200),
        ("LOCALHOST", 200),
        ("[::1]:8080", 200),
        ("evil.example:8080", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
    ],
)
def test_on_loopback_only_loopback_names_are_answered(scene: Scene, host: str, code: int) -> None:
    assert scene.ask("/livez", headers={"host": host}).status == code


def test_on_another_address_any_name_is_answered(scene: Scene) -> None:
    app = build(Settings(state=str(scene.state), console=Console(host="0.0.0.0")))
    assert ask(app, "/livez", headers={"host": "gate.example"}).status == 200


def test_a_decision_has_a_page_of_its_own_in_both_languages(scene: Scene) -> None:
    scene.shows()
    for lang, words in (
        ("en", ("the person refused", "only the person can lift it", "No marketing after a clear refusal", "refuses")),
        ("zh", ("该用户已明确拒绝", "消费者明确拒绝后不得再营销", "不适用", "仅用户本人可解除")),
    ):
        page = scene.ask(f"/decisions/{BOOT << 32 | 1:x}?lang={lang}").text
        for word in words:
            assert word in page
        assert page.count("<tr class=") > 15
        Elements(page)


def test_what_opens_below_a_row_begins_with_the_rule_that_decided(scene: Scene) -> None:
    scene.shows()
    part = scene.ask(f"/decisions/{BOOT << 32 | 1:x}?part=1&lang=en").text
    assert "<html" not in part
    body = part.partition("<tbody>")[2]
    assert body.index("suppression.active") < body.index("pdu.unsupported")


@pytest.mark.parametrize(("path", "code"), [("ff", 404), ("zz", 400)])
def test_a_decision_that_is_not_there_gets_a_page_that_says_so(scene: Scene, path: str, code: int) -> None:
    answer = scene.ask(f"/decisions/{path}?lang=zh")
    assert answer.status == code
    assert TEXTS["zh"][f"missing.{code}"] in answer.text


def test_the_page_is_made_once_however_often_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    pages = Pages()
    sight = Sight("a", "", status())
    first = pages.overview(sight, "en")
    assert all(pages.overview(sight, "en") is first for _ in range(50))
    assert pages.overview(sight, "zh") is not first
    assert pages.overview(Sight("b", "", status(decisions=1)), "en") is not first


def test_without_a_script_the_page_comes_again_by_itself(scene: Scene) -> None:
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in scene.ask("/").text


async def test_an_open_stream_gets_the_page_at_once_and_again_when_something_new_is_there(scene: Scene) -> None:
    made = scene.shows()
    async with asked(scene.app, "/events?lang=en") as sent:
        start = await sent.get()
        assert (start["status"], dict(start["headers"])[b"content-type"]) == (200, b"text/event-stream; charset=utf-8")
        assert made.latest[0].id in await next_event(sent)
        td = refusal(77, NOON_US)
        after = row(4_001, NOON_US)
        scene.shows(latest=(after, *made.latest), refusals=(td, *made.refusals))
        news = await next_event(sent)
        assert after.id in news
        assert td.person in news
        scene.file.remove()
        assert TEXTS["en"]["trouble.absent"] in await next_event(sent)


async def test_only_so_many_streams_are_open_and_one_that_ends_makes_room(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.console.app._STREAMS_MOST", 1)
    async with asked(scene.app, "/events") as first:
        await next_event(first)
        async with asked(scene.app, "/events") as second:
            assert (await second.get())["status"] == 503
    async with asyncio.timeout(60), asked(scene.app, "/events") as third:
        assert (await third.get())["status"] == 200


def test_a_bypass_that_is_open_is_a_warning_on_the_page(scene: Scene) -> None:
    rows = (
        BypassRow("a1b2c3d4", "", "周明（虚构）", "李岚（虚构）", HOSTILE, 10, NOON_US + 600_000_000),
        BypassRow("e5f60718", "jianglan-mkt", "周明（虚构）", "", "号码库误报", 10, 0),
    )
    scene.shows(bypasses=rows)
    page = scene.ask("/?lang=en").text
    assert "tdgate bypass end a1b2c3d4" in page
    assert "Bypass open for all accounts until" in page
    assert "A bypass for jianglan-mkt over 10 min was asked for" in page
    assert "<script>alert" not in page
