"""What the rules of persons saw: refusals, consents, debts, preferences, lists. Pure; nobody's number is shown."""

from collections.abc import Callable, Iterator
from typing import Final

from proxy.core.debtors import ROLES, role_in, verified_day_in
from proxy.core.preferences import declined_bits, window
from proxy.core.purposes import OBJECTION, PURPOSE_BITS, bit_names
from proxy.core.snapshot import notice_of
from proxy.explaining.of_senders import today
from proxy.explaining.seen import Seen, day, listing, said
from proxy.explaining.shape import Fact
from proxy.rules.person import CONSENT_DAY_SHIFT

_HOUR: Final = 60


def _bit(seen: Seen) -> int:
    return PURPOSE_BITS.get((seen.facts.purpose, seen.facts.channel), 0)


def _refused(seen: Seen) -> Iterator[Fact]:
    value = seen.snapshot.suppressions.get(seen.person) if seen.person else 0
    yield Fact("asked", f"{seen.facts.purpose}/{seen.facts.channel}")
    yield Fact("refusals.close", listing(bit_names(value)))


def _consented(seen: Seen) -> Iterator[Fact]:
    value = seen.snapshot.consents.get(seen.person) if seen.person else 0
    yield Fact("asked", f"{seen.facts.purpose}/{seen.facts.channel}")
    yield Fact("consents.open", listing(bit_names(value)))
    if value:
        yield Fact("consents.until", f"before {day(value >> CONSENT_DAY_SHIFT)}")
    yield Fact("today", day(today(seen.now)))


def _debtor(seen: Seen) -> Iterator[Fact]:
    value = seen.snapshot.debtors.get(seen.person) if seen.person else 0
    role = next((name for name, number in ROLES.items() if number == role_in(value)), "none")
    yield Fact("debtor.role", role)
    if role_in(value):
        yield Fact("debtor.verified", day(verified_day_in(value)))
    allowed = "nobody: the packs that bind allow different roles" if seen.facts.pack.collection_closed else ""
    yield Fact("debtor.roles_allowed", allowed or listing(seen.facts.pack.roles))
    yield Fact("debtor.verified_days", str(seen.facts.pack.debtor_verified_days or "without end"))


def _informed(seen: Seen) -> Iterator[Fact]:
    account = seen.request.account
    key = seen.anyone ^ seen.snapshot.person_key.salt(notice_of(account.principal, account.operator))
    told = bool(seen.person and seen.snapshot.notices.get(key))
    yield Fact("debtor.notice", f"told of {account.operator}: {said(yes=told)}")


def _objected(seen: Seen) -> Iterator[Fact]:
    value = seen.snapshot.suppressions.get(seen.person) if seen.person else 0
    yield Fact("objection.open", said(yes=bool(value & OBJECTION)))


def _preferred(seen: Seen) -> Iterator[Fact]:
    preferences = seen.snapshot.preferences
    for name, key in (("preference.of_all", seen.anyone), ("preference.of_institution", seen.person)):
        value = preferences.get(key) if seen.person else 0
        opens, closes = window(value)
        hours = f", between {_clock(opens)} and {_clock(closes)}" if closes else ""
        yield Fact(name, f"declined {listing(bit_names(declined_bits(value)))}{hours}" if value else "none")


def _clock(minutes: int) -> str:
    return f"{minutes // _HOUR:02d}:{minutes % _HOUR:02d}"


def _listed(seen: Seen) -> Iterator[Fact]:
    yield Fact("donotcall.lists", str(len(seen.snapshot.donotcall)))
    found = [one.get(seen.anyone) for one in seen.snapshot.donotcall] if seen.person else []
    named = [f"list {place}: {listing(bit_names(value))}" for place, value in enumerate(found, 1) if value]
    yield Fact("donotcall.closes", "; ".join(named) or "–")
    yield Fact("asked", listing(bit_names(_bit(seen))))


FACTS: Final[dict[str, Callable[[Seen], Iterator[Fact]]]] = {
    "suppression.active": _refused,
    "consent.missing": _consented,
    "debtor.unknown": _debtor,
    "debtor.uninformed": _informed,
    "collection.objection": _objected,
    "preference.declined": _preferred,
    "preference.donotcall": _listed,
}
