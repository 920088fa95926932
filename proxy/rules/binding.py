"""What the packs that bind say of one account's requests to one place: hours, caps, and when to try again.

Owns no rule; the policy makes its lanes with it. Pure.
"""

from collections.abc import Sequence
from typing import Final

from proxy.core.bound import Bound, bound
from proxy.core.contacts import CountedCap, bits_of
from proxy.core.decision import Decision
from proxy.core.lane import SetBy
from proxy.core.pack import Pack
from proxy.core.place import CHINA, place_of, region_in, zones_in
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Account, Number
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.core.timetable import opens_in
from proxy.rules.region import telecoms_of

#: Texts that a pack may want reviewed.
REVIEWED_PURPOSES: Final[tuple[Purpose, ...]] = ("marketing", "collection", "legal")

#: The rules whose refusals end at a moment that is known.
_TIMED: Final = frozenset(("hours.closed", "frequency.cap"))


def packs_of(snapshot: Snapshot, account: Account, sender: str | None, place: str, now: float) -> Bound:
    """The packs that bind: of installation, institution, telecom enterprises, and the person's `place`."""
    institution = snapshot.institutions.get(account.principal)
    regions = [institution.region if institution is not None else "", region_in(place)]
    listed = () if sender is None else snapshot.numbers.find(sender)
    own = [row for row in listed if row.principal == account.principal and row.operator == account.operator]
    # WHY all that hold: of a number that changed its telecom enterprise, the row that is over says nothing any more.
    held: list[Number | None] = [row for row in own if row.period.holds(now)]
    for row in held or [own[0] if own else None]:
        regions += [telecom.region for telecom in telecoms_of(account, row, snapshot)]
    return bound(snapshot.pack, snapshot.shelf, account.id, regions, now)


def strictest_for(snapshot: Snapshot, institution: str, recipient: str, now: float) -> Pack:
    """The tightest single values of the packs that bind an institution and a person, whoever sends."""
    known = snapshot.institutions.get(institution)
    regions = (known.region if known is not None else "", region_in(place_of(recipient)))
    return bound(snapshot.pack, snapshot.shelf, "", regions, now).strictest


def strictest_of(closed: Sequence[Pack], account: Account) -> SetBy | None:
    """Of packs whose hours are closed: the first that enforces them, else the first that records it."""
    return _first("hours.closed", closed, account)


def reviewing(packs: Bound, account: Account, purpose: Purpose) -> SetBy | None:
    """Of packs that let only reviewed texts of a purpose out (Z5): the first that enforces it, else records it."""
    if purpose not in REVIEWED_PURPOSES:
        return None
    return _first("template.unreviewed", [pack for pack in packs.packs if pack.reviews_texts], account)


def _first(rule: str, packs: Sequence[Pack], account: Account) -> SetBy | None:
    modes = [(pack.mode_for(rule, account.id), pack) for pack in packs]
    for wanted in ("enforce", "shadow"):
        for mode, pack in modes:
            if mode == wanted:
                return SetBy(pack.id, pack.version, wanted == "shadow")
    return None


def counted_caps(packs: Bound, account: Account, purpose: Purpose, channel: Channel) -> tuple[CountedCap, ...]:
    """The caps that a contact counts under, enforced ones first."""
    found = [(one, one.pack.mode_for("frequency.cap", account.id)) for one in packs.caps(purpose, channel)]
    counted = [
        CountedCap(
            one.cap.most,
            one.cap.window_s,
            bits_of(purpose, one.cap.channels),
            one.pack.id,
            one.pack.version,
            mode == "shadow",
        )
        for one, mode in found
        if mode != "off"
    ]
    return tuple(sorted(counted, key=lambda cap: cap.shadow))


def retry_after_s(request: Request, decision: Decision, snapshot: Snapshot, now: float) -> float:
    """Seconds after which what refused a request may permit it: hours that open, a window that frees; 0: unknown."""
    if decision.rule not in _TIMED:
        # WHY first: finding the packs costs a refused call more than having it judged.
        return 0.0
    account, recipient = request.account, request.recipient
    place = CHINA if recipient is None else place_of(recipient)
    packs = packs_of(snapshot, account, request.sender, place, now)
    if decision.rule == "hours.closed":
        tables = packs.timetables(account.principal, decision.purpose, request.channel)
        enforced = [one for one in tables if one.pack.mode_for("hours.closed", account.id) == "enforce"]
        return opens_in(enforced, zones_in(place), now)
    person = int.from_bytes(decision.person[:8]) ^ snapshot.person_key.salt(decision.principal)
    caps = counted_caps(packs, account, decision.purpose, request.channel)
    return max([snapshot.contacts.frees_in(cap, person, now) for cap in caps if not cap.shadow], default=0)
