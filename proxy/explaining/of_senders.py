"""What the rules of senders saw: account, chain, number, entrustment, licence, segment, library. Pure."""

from collections.abc import Callable, Iterator
from typing import Final

from proxy.core.pack import CHINA_OFFSET_S
from proxy.core.records import Entrustment, Number
from proxy.core.regions import province_of
from proxy.explaining.seen import Seen, listing, moment, period, said
from proxy.explaining.shape import Fact
from proxy.rules.entrustment import chains
from proxy.rules.region import telecoms_of

_DAY_S: Final = 86_400


def _account(seen: Seen) -> Iterator[Fact]:
    account, facts = seen.request.account, seen.facts
    yield Fact("account.approved", said(yes=account.reviewed))
    yield Fact("institution", f"{account.principal}: {_named(facts.institution)}")
    if account.operator != account.principal:
        contract = "none" if facts.partner is None else period(facts.partner.contract, seen.now)
        yield Fact("partner.contract", f"{account.operator}: {contract}")


def _named(one: object) -> str:
    name, kind = getattr(one, "name", ""), getattr(one, "kind", "")
    return f"{name}, {kind}" if name else "not in the registry"


def _chain(seen: Seen) -> Iterator[Fact]:
    account = seen.request.account
    yield Fact("account.telecom_licence", period(account.telecom_licence, seen.now))
    for name in account.telecoms:
        known = seen.snapshot.telecoms.get(name)
        yield Fact("telecom.licence", f"{name}: {'unknown' if known is None else period(known.licence, seen.now)}")
    row = seen.facts.row
    owner = None if row is None else seen.snapshot.telecoms.get(row.telecom)
    if owner is not None:
        yield Fact("number.telecom", f"{owner.name}: {period(owner.licence, seen.now)}")


def _receiver(seen: Seen) -> Iterator[Fact]:
    yield Fact("account.receiver", said(yes=seen.request.has_receiver))


def _holds(seen: Seen) -> Iterator[Fact]:
    sender = seen.request.sender or ""
    yield Fact("account.held", said(yes=seen.request.account.id in seen.snapshot.held_accounts))
    held = sorted(one for one in seen.snapshot.held_numbers if sender.startswith(one))
    yield Fact("number.held", listing(held))


def _numbers(seen: Seen) -> Iterator[Fact]:
    if not seen.facts.listed:
        yield Fact("number.rows", "none in any library")
    for row in seen.facts.listed:
        yield Fact("number.row", _number(row, seen))


def _number(row: Number, seen: Seen) -> str:
    bound = "; the one that binds" if row is seen.facts.row else ""
    port = ", a port with extensions" if row.extensible else ""
    disposed = ", disposed of" if row.disposed else ""
    return (
        f"{row.address}{port}: {row.principal} by {row.operator}, {listing(row.purposes)} on "
        f"{listing(row.channels)}, {period(row.period, seen.now)}{disposed}{bound}"
    )


def _disposals(seen: Seen) -> Iterator[Fact]:
    above = seen.snapshot.numbers.above(seen.request.sender or "")
    closed = {row.address for row in (*seen.facts.listed, *above) if row.disposed}
    yield Fact("number.disposed", listing(closed))


def _entrusted(seen: Seen) -> Iterator[Fact]:
    account, facts = seen.request.account, seen.facts
    if facts.row is None:
        yield Fact("number.row", f"none for {account.principal} by {account.operator}")
    if account.operator == account.principal:
        yield Fact("entrustment", "none needed: the institution sends for itself")
        return
    if not facts.entrustments:
        yield Fact("entrustment", f"none of {account.principal} for {account.operator}")
    for given in facts.entrustments:
        yield Fact("entrustment", _document(given, seen))


def _document(given: Entrustment, seen: Seen) -> str:
    passed = f", passed on by {given.parent}" if given.parent else ""
    where = f", in {listing(given.regions)}" if given.regions else ""
    paper = f", document {given.document_hash}" if given.document_hash else ", no document hash"
    return (
        f"{given.institution} to {given.partner}{passed}: {listing(given.purposes)} on {listing(given.channels)}"
        f"{where}, {period(given.period, seen.now)}{paper}"
    )


def _depths(seen: Seen) -> Iterator[Fact]:
    account, facts = seen.request.account, seen.facts
    found = chains(seen.snapshot, account.principal, account.operator, facts.purpose, facts.channel, seen.now)
    yield Fact("entrustment.depths", listing(str(chain.depth) for chain in found if chain.holds))
    yield Fact("entrustment.depth_most", str(facts.pack.entrustment_depth_most))


def _licences(seen: Seen) -> Iterator[Fact]:
    facts = seen.facts
    yield Fact("institution.kind", _named(facts.institution))
    yield Fact("asked", f"{facts.purpose} on {facts.channel}")
    if not facts.licences:
        yield Fact("licence", f"none of {facts.account.principal}")
    for held in facts.licences:
        where = f"local, {held.region}" if held.region else "central"
        by = f", {held.issuer}" if held.issuer else ""
        yield Fact(
            "licence",
            f"{listing(held.purposes)} on {listing(held.channels)}, {where}{by}, {period(held.period, seen.now)}",
        )


def _regions(seen: Seen) -> Iterator[Fact]:
    yield from _licences(seen)
    for telecom in telecoms_of(seen.request.account, seen.facts.row, seen.snapshot):
        yield Fact("telecom.region", f"{telecom.name}: {telecom.region or 'nationwide'}")
    recipient = seen.request.recipient
    yield Fact("recipient.province", (province_of(recipient) if recipient else "") or "not certain by the number")


def _segments(seen: Seen) -> Iterator[Fact]:
    sender = seen.request.sender or ""
    found = [one for one in seen.snapshot.segments if one.covers(sender)]
    if not found:
        yield Fact("segment", "the number lies in none")
    for one in found:
        yield Fact(
            "segment",
            f"{one.id} {one.first}–{one.last}: {listing(one.purposes)} on {listing(one.channels)}, "
            f"{period(one.period, seen.now)}",
        )
    yield Fact("institution.kind", _named(seen.facts.institution))


def _purposes(seen: Seen) -> Iterator[Fact]:
    facts = seen.facts
    yield Fact("purpose.declared", seen.request.purpose or "none")
    yield Fact("purpose.account", listing(facts.account.purposes))
    yield Fact("purpose.number", "–" if facts.row is None else listing(facts.row.purposes))
    yield Fact("purpose.binds", facts.purpose)


def _attested(seen: Seen) -> Iterator[Fact]:
    at = seen.snapshot.attested.get(seen.request.account.principal)
    yield Fact("library.attested", "never" if at is None else moment(at))
    yield Fact("library.attest_days", str(seen.facts.pack.attest_days))


def _rate(seen: Seen) -> Iterator[Fact]:
    account = seen.request.account
    yield Fact("account.rate_per_s", str(account.rate_per_s or "no limit"))
    if seen.request.channel == "voice":
        yield Fact("account.calls_per_s", str(account.calls_per_s or "no limit"))
        yield Fact("account.calls_most", str(account.calls_most or "no limit"))


def today(now: float) -> int:
    """The day number in Asia/Shanghai."""
    return int((now + CHINA_OFFSET_S) // _DAY_S)


FACTS: Final[dict[str, Callable[[Seen], Iterator[Fact]]]] = {
    "account.unreviewed": _account,
    "telecom.licence": _chain,
    "account.oneway": _receiver,
    "fraud.hold": _holds,
    "number.disposed": _disposals,
    "number.unregistered": _numbers,
    "number.expired": _numbers,
    "entrustment.missing": _entrusted,
    "entrustment.expired": _entrusted,
    "entrustment.depth": _depths,
    "licence.scope": _licences,
    "licence.expired": _licences,
    "licence.region": _regions,
    "segment.misuse": _segments,
    "purpose.mismatch": _purposes,
    "library.stale": _attested,
    "throughput.account": _rate,
}
