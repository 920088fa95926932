"""Hosts of links: as a browser opens them, as an eye takes them, and which registered domain they imitate."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.hosts import Lookalikes, is_one_edit
from proxy.language.content import read_content
from proxy.language.lexicon import LexiconError, load_lexicon
from proxy.language.links import host_of, skeleton
from tests.tools.shipped import shipped_lexicon

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[2]
LEXICON = shipped_lexicon()
WORDS = LEXICON.links
TABLE = tomllib.loads((ROOT / "config" / "content.toml").read_text("utf-8"))
#: Invented institutions.
DOMAINS = ("jianglanbank.com.cn", "yunxiu-xj.com", "jl.example")
REGISTERED = Lookalikes([host_of(domain, WORDS) for domain in DOMAINS])


@pytest.mark.parametrize(
    ("link", "host", "kind"),
    [
        ("https://www.JiangLanBank.com.cn:443/a?b=c.d", "www.jianglanbank.com.cn", "name"),
        ("http://evil.cn\\@jianglanbank.com.cn/", "evil.cn", "name"),
        ("http://jianglanbank.com.cn@evil.cn/x", "evil.cn", "name"),
        ("HTTP：／／ＪＩＡＮＧＬＡＮＢＡＮＫ．ｃｏｍ。cn", "jianglanbank.com.cn", "name"),
        ("http : //jianglan\u200bbank.com.cn", "jianglanbank.com.cn", "name"),
        ("http://203.0.113.9/x", "203.0.113.9", "address"),
        ("http://3405803785", "3405803785", "address"),
        ("http://0xCB.0.0x7109/", "0xcb.0.0x7109", "address"),
        ("http://0313.0.113.011", "0313.0.113.011", "address"),
        ("http://[2001:db8::1]:80/", "2001:db8::1", "address"),
        ("t.cn/A6b", "t.cn", "short"),
        ("https://m.tb.cn/h.x", "m.tb.cn", "short"),
        ("not.cn", "not.cn", "name"),
        ("", "", "name"),
        ("http://", "", "name"),
    ],
)
def test_a_link_leads_where_a_browser_goes(link: str, host: str, kind: str) -> None:
    found = host_of(link, WORDS)
    assert (found.name, found.kind) == (host, kind)


@pytest.mark.parametrize(
    "link",
    [
        "jianglanbank.com.cn.evil.cn",
        "http://jianglanbank.com.evil.cn",
        "http://jiang1anbank.com.cn",
        "http://jiаnglanbаnk.com.cn",
        "http://xn--" + "jiаnglanbank".encode("punycode").decode() + ".com.cn",
        "http://jianglanbank.cn",
        "http://jianglanbank-login.top",
        "http://login.jianglanbank.top/x",
        "http://jianglanbank.com.cn@203-0-113-9.top/",
        "http://jianglambank.com.cn",
        "http://jianglanbnak.com.cn",
        "http://jianglanbanks.com",
        "http://jianglarnbank.com",
        "http://yunxiuxj.com",
        "http://yunxlu-xj.top",
        "jl.example.evil.cn",
    ],
)
def test_what_looks_like_a_registered_domain_imitates_it(link: str) -> None:
    assert REGISTERED.imitated(host_of(link, WORDS)) in DOMAINS


@pytest.mark.parametrize(
    "link",
    [
        *DOMAINS,
        "https://www.jianglanbank.com.cn/x",
        "https://a.b.jl.example/",
        "http://jl.top",
        "http://example",
        "http://other.com.cn",
        "http://bank.com.cn",
        "http://203.0.113.9/jianglanbank.com.cn",
        "http://top/jianglanbank",
        "",
    ],
)
def test_what_is_registered_or_unlike_imitates_nobody(link: str) -> None:
    assert REGISTERED.imitated(host_of(link, WORDS)) is None
    assert Lookalikes().imitated(host_of(link, WORDS)) is None


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 11), st.sampled_from("abdefghkpqrtuwxyz"), st.sampled_from(("change", "add", "leave", "swap")))
def test_one_edit_of_a_registered_label_is_seen(at: int, letter: str, how: str) -> None:
    label = "jianglanbank"
    edited = {
        "change": label[:at] + letter + label[at + 1 :],
        "add": label[:at] + letter + label[at:],
        "leave": label[:at] + label[at + 1 :],
        "swap": label[:at] + label[at : at + 2][::-1] + label[at + 2 :],
    }[how]
    assert is_one_edit(label, edited) or edited == label
    assert REGISTERED.imitated(host_of(f"http://{edited}.top/", WORDS)) == DOMAINS[0]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60) | st.text(alphabet="xn-.:/@[]0159abж。１", max_size=80))
def test_no_link_raises(link: str) -> None:
    host = host_of(link, WORDS)
    assert len(host.name) <= 253
    REGISTERED.imitated(host)
    skeleton(link)


def test_a_million_domains_would_cost_a_link_no_more() -> None:
    # Forms asked are as many as letters, whatever is registered.
    host = host_of("http://" + "a" * 63 + ".com", WORDS)
    assert len(host.mains[0]) + 1 == 64
    many = Lookalikes([host_of(f"bank{number}house.cn", WORDS) for number in range(2_000)])
    assert many.imitated(host) is None
    assert len(many._forms) > 10 * 2_000


def test_a_message_tells_what_kind_of_link_it_holds() -> None:
    kinds = {
        "【江澜银行】请登录 http://203.0.113.9/x 认证": "address",
        "【江澜银行】详见 t.cn/A6b": "short link",
        "【江澜银行】详见 https://jl.example/a": "link",
    }
    for text, kind in kinds.items():
        assert [one.why for one in read_content(text, LEXICON).evidence["link"]] == [kind]


@pytest.mark.parametrize("links", [{"short": ["T.cn"]}, {"short": ["cn"]}, {"other": []}, {"suffixes": "cn"}, []])
def test_wrong_domains_in_the_table_are_refused(links: object) -> None:
    with pytest.raises(LexiconError, match="links"):
        load_lexicon(TABLE | {"links": links})
