"""Holds what a message says against what is on record of its sender: names, telephones, products, links, keyword.

Owns the comparison, as findings for the rules `content.*` and `purpose.mismatch`. Never decides whether a finding
refuses (packs do), and looks at nothing but the text, its lane and who owns which name. Pure.

How it works: what is asked of a text goes by what it says, whatever its sender declares. Marketing and collection mark
identity, contact and product (Z17), marketing a way to refuse (Z18 J12). A text that reads as nothing in particular is
asked what its purpose asks. Of several readings of the same octets each that markets or collects has to be in order;
where none does, it is enough that one of them has the marks.
"""

from collections.abc import Iterable
from typing import Final

from proxy.core.content import Against, Content, Evidence, Reader
from proxy.core.hosts import Host
from proxy.core.own_marks import Asked, OnRecord
from proxy.core.snapshot import Snapshot

_MARKING: Final = ("marketing", "collection")
_STERN: Final = ("marketing", "collection", "fraud")
#: Rules of what has to be there.
_MARKS: Final = frozenset(("content.identity", "content.contact", "content.product", "content.refusal"))
_LAX: Final = ("service", "verification")
#: From where on a reading counts: with words of the table, by the classifier alone, and where it lays demands aside.
_SURE_BY_WORDS: Final = 0.6
_SURE_ALONE: Final = 0.75
_SURE_OF_NO_DEMANDS: Final = 0.8
_SURE_OF_FRAUD: Final = 0.9
#: A classifier of characters has nothing to say of fewer.
_SHORTEST: Final = 8
#: Concepts of the table by which a debt is named.
_DEBT: Final = frozenset(("overdue", "overdue_sure"))


def held_against(readings: Iterable[str], asked: Asked, snapshot: Snapshot, reader: Reader) -> tuple[Against, ...]:
    """What speaks against a message of a lane, for the rules that run there."""
    every = [_Read(text, reader.read(text), asked) for text in readings]
    # WHY: octets read in a wrong alphabet are letters without words, of which a classifier may say anything.
    worded = [one for one in every if "category" in one.content.evidence] or every
    stern = [one for one in worded if one.seen in _STERN]
    found = [_against(one, asked, snapshot, reader) for one in stern or worded]
    if not stern:
        fewest = min([[one for one in each if one.rule in _MARKS] for each in found], key=len, default=[])
        found = [fewest, *([one for one in each if one.rule not in _MARKS] for each in found)]
    return tuple(dict.fromkeys([against for each in found for against in each]))


class _Read:
    """One reading of a message: its text, what it says, and what it is seen as for certain; "" for nothing."""

    __slots__ = ("content", "seen", "text")

    def __init__(self, text: str, content: Content, asked: Asked) -> None:
        self.text: Final = text
        self.content: Final = content
        self.seen: Final = reads_as(text, content) or _torn(content, asked)


def reads_as(text: str, content: Content) -> str:
    """The category that a text has for certain enough to act on it; "" where it reads as nothing in particular."""
    sure, category = content.confidence, content.category
    if "category" not in content.evidence:
        return category if category in _MARKING and sure >= _SURE_ALONE and len(text) >= _SHORTEST else ""
    if category == "fraud":
        return category if sure >= _SURE_OF_FRAUD else ""
    if category in _LAX:
        return category if sure >= _SURE_OF_NO_DEMANDS else ""
    return category if sure >= _SURE_BY_WORDS else ""


def _against(read: _Read, asked: Asked, snapshot: Snapshot, reader: Reader) -> list[Against]:
    rules, seen, content = asked.rules, read.seen, read.content
    kind = seen if seen else asked.purpose
    found: list[Against] = []
    if "content.fraud" in rules and seen == "fraud":
        found.append(_whole("content.fraud", "text", content))
    if "purpose.mismatch" in rules:
        other = other_purpose(seen, asked)
        if other is not None:
            found.append(_whole("purpose.mismatch", other, content))
    if "content.disclosure" in rules and content.discloses_debtor:
        found += _each("content.disclosure", "third", content, "discloses_debtor")
    if "content.threat" in rules:
        found += _each("content.threat", "threat", content, "threat")
        found += _each("content.threat", "insult", content, "insult")
    if seen == "fraud":
        kind = asked.purpose
    marking = kind in _MARKING
    if "content.spoof" in rules:
        found += _spoofs(content, marking, asked, snapshot, reader)
    if "content.link" in rules:
        found += _links(content, marking, asked, snapshot, reader)
    if not marking:
        return found
    if "content.identity" in rules:
        found += _unnamed(read.text, content, asked.record, reader)
    if "content.contact" in rules:
        found += _contacts(content, asked, snapshot, reader)
    if "content.product" in rules:
        found += _products(content, asked, snapshot, reader)
    if "content.refusal" in rules and kind in asked.refusal_in:
        found += _refusals(content, asked, reader)
    return found


def other_purpose(seen: str, asked: Asked) -> str | None:
    """Whether a text is of another purpose than it is judged for, and of which (J22).

    WHY a service notice from a number of marketing does not: it is judged as the stricter of the two.
    """
    if seen == "marketing" and asked.purpose != "marketing":
        return "marketing"
    if seen == "collection" and asked.purpose not in ("collection", "legal"):
        return "collection"
    if seen == "verification" and asked.purpose not in _LAX and asked.promised.isdisjoint(_LAX):
        return "verification"
    return None


def _torn(content: Content, asked: Asked) -> str:
    """What a text is besides what it is asked for, where it is two messages in one and neither for certain; or ""."""
    others = content.evidence.get("other_category")
    if others:
        for seen in (content.category, others[0].why):
            if seen in _MARKING and other_purpose(seen, asked) is not None:
                return seen
    return ""


def told_debt(content: Content) -> Evidence | None:
    """Where a debt is named."""
    for one in content.evidence.get("category", []):
        if one.why in _DEBT:
            return one
    return None


def _whole(rule: str, detail: str, content: Content) -> Against:
    """From the first to the last span by which the category was read; 0 to 0 where a classifier read it alone."""
    spans = content.evidence.get("category", [])
    if not spans:
        return Against(rule, detail)
    return Against(rule, detail, min([one.start for one in spans]), max([one.end for one in spans]))


def _each(rule: str, detail: str, content: Content, mark: str) -> list[Against]:
    return [Against(rule, detail, one.start, one.end) for one in content.evidence.get(mark, [])]


def _signatures(content: Content) -> list[Evidence]:
    return content.evidence.get("signature", []) + content.evidence.get("other_signature", [])


def _spoofs(content: Content, marking: bool, asked: Asked, snapshot: Snapshot, reader: Reader) -> list[Against]:
    """Signatures of others, whatever the text is; of nobody at all, where it has to say who sends it."""
    record = asked.record
    found: list[Against] = []
    for one in _signatures(content):
        name = reader.name(one.text)
        if not name or name in record.names or name in record.partners:
            continue
        if snapshot.own_marks.signatures.owners(name):
            found.append(Against("content.spoof", "other", one.start, one.end))
        elif marking and (one.why == "second signature" or _names_somebody(content, one)):
            found.append(Against("content.spoof", "unknown", one.start, one.end))
    return found


def _names_somebody(content: Content, signature: Evidence) -> bool:
    """Whether a signature is the name of an institution: 【贷款专员】 is nobody's."""
    return any(one.start == signature.start for one in content.evidence.get("has_identity", []))


def _unnamed(text: str, content: Content, record: OnRecord, reader: Reader) -> list[Against]:
    """A partner that does not name its principal, or nobody who is on record."""
    signed = [(one, reader.name(one.text)) for one in _signatures(content)]
    if any(name in record.names for _, name in signed):
        return []
    bare = reader.bare(text)
    if any(name in bare for name in record.names):
        return []
    for one, name in signed:
        if name in record.partners:
            return [Against("content.identity", "principal", one.start, one.end)]
    return [Against("content.identity", "none")]


def _contacts(content: Content, asked: Asked, snapshot: Snapshot, reader: Reader) -> list[Against]:
    """No telephone, or one that is not the sender's own."""
    shown = content.evidence.get("has_contact", [])
    found: list[Against] = []
    if not shown:
        found.append(Against("content.contact", "none"))
    for one in shown:
        digits = reader.digits(one.text)
        if digits in asked.record.phones or _calls_from(digits, asked, snapshot):
            continue
        if snapshot.own_marks.phones.owners(digits):
            found.append(Against("content.contact", "other", one.start, one.end))
        elif asked.record.phones or not asked.unrecorded:
            found.append(Against("content.contact", "unknown", one.start, one.end))
    return found


def _calls_from(digits: str, asked: Asked, snapshot: Snapshot) -> bool:
    """Whether it is a number of the library from which the sender calls people itself."""
    rows = snapshot.numbers.find(digits) or snapshot.numbers.find(f"0{digits}")
    return any(row.principal == asked.principal and "voice" in row.channels for row in rows)


def _products(content: Content, asked: Asked, snapshot: Snapshot, reader: Reader) -> list[Against]:
    """No product, or a name for one that is not registered; a kind of product (信用卡) is nobody's name."""
    shown = content.evidence.get("has_product", [])
    found: list[Against] = []
    if not shown and (content.category != "collection" or told_debt(content) is not None):
        # WHY: "请转告施某致电" must not say what it is about.
        found.append(Against("content.product", "none"))
    for one in shown:
        name = reader.name(one.text)
        if reader.is_kind(name) or any(known in name or name in known for known in asked.record.products):
            continue
        if snapshot.own_marks.products.owners(name) - {asked.principal}:
            found.append(Against("content.product", "other", one.start, one.end))
        elif asked.record.products or not asked.unrecorded:
            found.append(Against("content.product", "unknown", one.start, one.end))
    return found


def _links(content: Content, marking: bool, asked: Asked, snapshot: Snapshot, reader: Reader) -> list[Against]:
    found: list[Against] = []
    for one in content.evidence.get("link", []):
        wrong = wrong_link(reader.host(one.text), marking, asked, snapshot)
        if wrong is not None:
            found.append(Against("content.link", wrong, one.start, one.end))
    return found


def wrong_link(host: Host, marking: bool, asked: Asked, snapshot: Snapshot) -> str | None:
    """Hosts without a name and imitations, in any text; others' and unknown ones where it has to say whose it is."""
    marks, own, above = snapshot.own_marks, asked.record.domains, _above(host.name)
    if not own.isdisjoint(above):
        return None
    if host.kind == "address" or not host.name:
        return "address"
    if marks.lookalikes.imitated(host) is not None:
        return "imitation"
    if marking and any(marks.domains.owners(domain) for domain in above):
        return "other"
    if marking and host.kind == "short":
        return "short"
    if marking and (own or not asked.unrecorded):
        return "unknown"
    return None


def _refusals(content: Content, asked: Asked, reader: Reader) -> list[Against]:
    """No way to refuse, or one that does not do what it says."""
    if not content.has_refusal:
        return [Against("content.refusal", "none")]
    found: list[Against] = []
    line = content.evidence["has_refusal"][0]
    keywords, keyword = asked.record.keywords, content.refusal_keyword
    if keyword is not None and not reader.honours(keyword, keywords):
        found.append(Against("content.refusal", "keyword", line.start, line.end))
    if keyword is None and not asked.by_link and _is_link(line, content):
        found.append(Against("content.refusal", "link", line.start, line.end))
    # WHY of honoured words only: "回复1办理" spoils nothing, "回T继续接收" makes a refusal a wish.
    meant = [one for one in content.evidence.get("reply_means", []) if reader.honours(one.text, keywords)]
    found += [Against("content.refusal", "meaning", one.start, one.end) for one in meant]
    return found + _each("content.refusal", "limited", content, "refusal_limited")


def _is_link(line: Evidence, content: Content) -> bool:
    return any(one.start < line.end and line.start < one.end for one in content.evidence.get("link", []))


def _above(host: str) -> list[str]:
    """A host and the domains that it is under, but for the last label: a.b.example → itself, b.example."""
    labels = host.split(".")[-8:]
    return [".".join(labels[at:]) for at in range(max(1, len(labels) - 1))]
