"""What the policy would answer, and what each rule says of it: `tdgate explain`. Pure; nothing is sent or recorded.

Must never decide anything itself: the answer is `evaluate`'s, and so is each row. How it works: the whole table is
asked once; a rule that hit is asked again alone, enforced, for its detail; `proxy/explaining` tells what it looked at.
"""

from collections.abc import Callable, Iterator
from typing import Final

from msgspec.structs import replace

from proxy.core.addresses import masked
from proxy.core.bound import Bound
from proxy.core.call_codes import CallCodes
from proxy.core.catalogue import CATALOGUE
from proxy.core.codes import CodeMaps
from proxy.core.ground import OUTCOME_NAMES
from proxy.core.notices import demand
from proxy.core.pack import RuleSetting
from proxy.core.place import CHINA, place_of
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.explaining import of_packs, of_persons, of_senders, of_texts, of_wire
from proxy.explaining.seen import Ledger, Seen, moment, period
from proxy.explaining.shape import Basis, Campaign, Explanation, Fact, Row, Span, Unasked
from proxy.policy import evaluate, lane_facts
from proxy.rules.rule import Rule, no_pack
from proxy.rules.table import RULES

_HITS: Final = ("refuse", "shadow")
#: What each rule looks at, by its id.
FACTS: Final[dict[str, Callable[[Seen], Iterator[Fact]]]] = {
    **of_wire.FACTS,
    **of_senders.FACTS,
    **of_persons.FACTS,
    **of_packs.FACTS,
    **of_texts.FACTS,
}
_NO_LEDGER: Final[Ledger] = {}


def explain(
    request: Request,
    snapshot: Snapshot,
    now: float,
    codes: CodeMaps | CallCodes,
    rules: tuple[Rule, ...] = RULES,
    ledger: Ledger = _NO_LEDGER,
    campaigns: tuple[Campaign, ...] = (),
) -> Explanation:
    """Asks the policy without sending; `now` is UTC seconds, `codes` are of the request's channel. The snapshot's memo
    stays as it is. `ledger` is what the store knows of the person besides, `campaigns` are all of the institution.
    """
    decision = evaluate(request, replace(snapshot, lanes={}), now, rules).decision
    seen = _seen(request, snapshot, now)
    places = of_texts.spans(decision.findings, request.readings)
    rows = tuple(
        [
            _row(rule, OUTCOME_NAMES[octet], seen, ledger.get(rule.id, ()), places.get(rule.id, ()))
            for rule, octet in zip(rules, decision.outcomes, strict=True)
        ]
    )
    named = CATALOGUE.get(decision.rule)
    return Explanation(
        effect=decision.effect,
        rule=decision.rule,
        detail=decision.detail,
        status=codes.status(request.account, decision.rule, decision.detail) if named else 0,
        purpose=decision.purpose,
        principal=decision.principal,
        pack=decision.pack,
        pack_version=decision.pack_version,
        packs=" ".join([pack.name for pack in seen.packs.packs]),
        revision=decision.revision,
        next_en=named.next_en if named else "",
        next_zh=named.next_zh if named else "",
        rows=rows,
        saw=(*_asked(seen), *_campaigns(seen, campaigns)),
    )


def _seen(request: Request, snapshot: Snapshot, now: float) -> Seen:
    place = CHINA if request.recipient is None else place_of(request.recipient)
    facts, _ = lane_facts(request.account, request.sender, request.purpose, request.channel, snapshot, now, place)
    key = snapshot.person_key
    anyone = 0 if request.recipient is None else int.from_bytes(key.digest(request.recipient)[:8])
    person = anyone ^ key.salt(request.account.principal) if anyone else 0
    return Seen(request, snapshot, now, facts, facts.bound, place, person, anyone)


def _asked(seen: Seen) -> tuple[Fact, ...]:
    request = seen.request
    return (
        Fact("channel", request.channel),
        Fact("account", request.account.id),
        Fact("sender", request.sender or "no canonical form"),
        Fact("recipient", "no canonical form" if request.recipient is None else masked(request.recipient)),
        Fact("purpose.declared", request.purpose or "none"),
        Fact("moment", moment(seen.now)),
        Fact("place", seen.place or "China, province not certain"),
        Fact("revision", str(seen.snapshot.revision)),
    )


def _campaigns(seen: Seen, campaigns: tuple[Campaign, ...]) -> Iterator[Fact]:
    """Those to which this may belong: by institution, purpose, channel and period."""
    yield Fact("account.responsible", seen.request.account.responsible)
    for one in campaigns:
        fits = seen.facts.purpose in one.purposes and seen.request.channel in one.channels
        if fits and one.period.holds(seen.now):
            period_said = period(one.period, seen.now)
            yield Fact("campaign", f"{one.id} {one.name}: responsible {one.responsible}, {one.state}, {period_said}")


def _row(rule: Rule, outcome: str, seen: Seen, noted: tuple[Fact, ...], places: tuple[Span, ...]) -> Row:
    entry, packs, account = CATALOGUE[rule.id], seen.packs, seen.request.account
    mode = "enforce" if entry.floor else packs.mode(rule.id, account.id, each=rule.set_by is not no_pack)
    unasked: Unasked = "" if outcome != "n/a" else _unasked(rule, mode == "off", seen)
    saw = FACTS.get(rule.id)
    return Row(
        rule=rule.id,
        outcome=outcome,
        detail=_detail(rule, seen) if outcome in _HITS else "",
        mode=mode,
        kind=entry.kind,
        floor=entry.floor,
        cites=rule.cites,
        text_en=entry.text_en,
        text_zh=entry.text_zh,
        unasked=unasked,
        saw=() if unasked in ("off", "channel", "by_id") or saw is None else (*saw(seen), *noted),
        demands=tuple([demand(row) for row in rule.cites]),
        basis=_basis(rule.id, packs),
        spans=places,
    )


def _unasked(rule: Rule, off: bool, seen: Seen) -> Unasked:
    if off:
        return "off"
    if seen.request.channel not in rule.channels:
        return "channel"
    return "by_id" if seen.request.by_id and not rule.by_id else "facts"


def _basis(rule: str, packs: Bound) -> tuple[Basis, ...]:
    """What the packs that bind say of a rule; where none does, its being enforced is a product default."""
    found = [
        Basis(pack.name, one.value, one.basis, one.official)
        for pack in packs.packs
        for one in pack.citations
        if one.rule == rule
    ]
    return tuple(found) or (Basis(packs.packs[0].name, "", "product default", ""),)


def _detail(rule: Rule, seen: Seen) -> str:
    snapshot = seen.snapshot
    packs = [
        replace(pack, rules={rule.id: RuleSetting()}, shadow=False, share=1.0)
        for pack in (snapshot.pack, *snapshot.shelf.packs)
    ]
    enforced = replace(snapshot, pack=packs[0], shelf=replace(snapshot.shelf, packs=tuple(packs[1:])), lanes={})
    return evaluate(seen.request, enforced, seen.now, (rule,)).decision.detail
