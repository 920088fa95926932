"""Holds what a message says against what is on record of its sender: names, telephones, products, links, keyword.

Owns the comparison, as findings for rules `content.*`. Never looks anything up itself, never decides whether a finding
refuses (packs do), never raises. Not yet asked on the wire.

How it works: everything on record is brought to the bare view once (`on_record`), so that a disguised name compares
like a plain one. Marketing and collection have to mark identity, contact and product (Z17), marketing a way to refuse
(Z18).
"""

import re
from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from proxy.language.content import Content, Evidence
from proxy.language.lexicon import Lexicon
from proxy.language.views import view

_ASKED: Final = frozenset(("marketing", "collection"))
_ALWAYS: Final = (
    ("discloses_debtor", "content.disclosure"),
    ("threat", "content.threat"),
    ("insult", "content.threat"),
)
_LIMITED: Final = re.compile(
    r"(?:\d+|[一二三两])(?:小时|分钟|日|天)内[^,]{0,4}(?:回|复|退订)|限?(?:今日|当日|当天)[^,]{0,3}(?:回复?|退订)"
)
_CONTINUED: Final = re.compile("回复?[a-z0-9]{1,6}(?:即可|则|可)?(?:继续|续订|恢复|确认|同意|开通|领取)")
_HOST: Final = re.compile(r"^(?:https?://)?(?:[^/@?#]{0,200}@)?([a-z0-9.-]+)")


class Against(msgspec.Struct, frozen=True, gc=False):
    """A finding: the rule, which case of it, and the span of the text; 0 to 0 where something is missing."""

    rule: str
    detail: str
    start: int = 0
    end: int = 0


class OnRecord(msgspec.Struct, frozen=True):
    """What a message of one principal may name. Names and products are bare, telephones are digits."""

    names: frozenset[str]
    """Signatures, names and short names of the principal."""
    partners: frozenset[str]
    """Those of the partners that are entrusted for this purpose."""
    phones: frozenset[str]
    products: frozenset[str]
    domains: frozenset[str]


def on_record(
    lexicon: Lexicon,
    *,
    names: Iterable[str],
    partners: Iterable[str] = (),
    phones: Iterable[str] = (),
    products: Iterable[str] = (),
    domains: Iterable[str] = (),
) -> OnRecord:
    """The record as messages are compared with it."""

    def bare(texts: Iterable[str]) -> frozenset[str]:
        return frozenset(view(text, lexicon.parts).bare for text in texts)

    return OnRecord(
        bare(names), bare(partners), frozenset(map(_digits, phones)), bare(products), frozenset(map(str.lower, domains))
    )


def held_against(
    text: str, content: Content, record: OnRecord, lexicon: Lexicon, honours: Callable[[str], bool]
) -> list[Against]:
    """What speaks against a message. `honours` says whether replies read a keyword as refusal."""
    found: list[Against] = []
    bare = view(text, lexicon.parts).bare
    for mark, rule in _ALWAYS:
        found += [Against(rule, one.why, one.start, one.end) for one in content.evidence.get(mark, ())]
    if content.category in _ASKED:
        found += _named(bare, content, record, lexicon)
        found += _contact(content, record, lexicon)
        found += _product(content, record, lexicon)
    if content.category == "marketing":
        found += _refusal(bare, content, honours)
    return found


def _named(bare: str, content: Content, record: OnRecord, lexicon: Lexicon) -> Iterable[Against]:
    for one in (*content.evidence.get("signature", ()), *content.evidence.get("other_signature", ())):
        name = view(one.text, lexicon.parts).bare.strip(",")
        if name in record.names:
            continue
        if name not in record.partners:
            yield Against("content.spoof", "signature of nobody on record for this sender", one.start, one.end)
        elif not any(own in bare for own in record.names):
            yield Against("content.identity", "partner without its principal", one.start, one.end)
    if not content.has_identity or not any(name in bare for name in record.names | record.partners):
        yield Against("content.identity", "no institution on record is named")


def _contact(content: Content, record: OnRecord, lexicon: Lexicon) -> Iterable[Against]:
    if not content.has_contact:
        yield Against("content.contact", "no telephone")
    for one in content.evidence.get("has_contact", ()):
        if _digits(view(one.text, lexicon.parts).marked) not in record.phones:
            yield Against("content.contact", "telephone not on record", one.start, one.end)
    for one in content.evidence.get("link", ()):
        host = _HOST.match(view(one.text, lexicon.parts).marked)
        if host is None or not _under(host.group(1).strip("."), record.domains):
            yield Against("content.contact", "link not on record", one.start, one.end)


def _product(content: Content, record: OnRecord, lexicon: Lexicon) -> Iterable[Against]:
    if content.has_product:
        one: Evidence = content.evidence["has_product"][0]
        name = view(one.text, lexicon.parts).bare.strip(",")
        if not any(known in name or name in known for known in record.products):
            yield Against("content.product", "product not on record", one.start, one.end)
    elif content.category == "marketing":
        yield Against("content.product", "no product")


def _refusal(bare: str, content: Content, honours: Callable[[str], bool]) -> Iterable[Against]:
    if not content.has_refusal:
        yield Against("content.refusal", "no way to refuse")
        return
    line = content.evidence["has_refusal"][0]
    if content.refusal_keyword is not None and not honours(content.refusal_keyword):
        yield Against("content.refusal", "keyword is not honoured", line.start, line.end)
    if _CONTINUED.search(bare) is not None:
        yield Against("content.refusal", "keyword is given another meaning", line.start, line.end)
    if _LIMITED.search(bare) is not None:
        yield Against("content.refusal", "limited in time", line.start, line.end)


def _digits(text: str) -> str:
    """A telephone as digits, without the prefixes of country and trunk."""
    digits = "".join(char for char in text if char.isascii() and char.isdigit())
    digits = digits[2:] if digits.startswith("86") and len(digits) > 11 else digits
    return digits.lstrip("0")


def _under(host: str, domains: frozenset[str]) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in domains)
