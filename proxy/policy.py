"""The policy: one pure function from a request and a snapshot to a permit or a refusal.

Owns the only `Seal`, so the only way to a `Permit`. Must never await, read a clock, or pass what it cannot judge: a
rule that raises is a DEFER under `internal.rule`. How it works: lane rules are judged once per (account, sender,
purpose) and kept as a lane while nothing they looked at can change; per message only the request rules run. That memo
is a part of this function, not a second policy: `evaluate` with an empty memo gives the same answer. A message to
several persons is judged once for each (`evaluate_many`), and its one permit holds the octets for the permitted ones.
"""

from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from proxy.core.catalogue import CATALOGUE
from proxy.core.contacts import ContactsAnd
from proxy.core.content import Against
from proxy.core.debtors import NOBODYS, numbers_of
from proxy.core.decision import Decision, Permit, Refusal, Seal
from proxy.core.ground import (
    ASKS_MESSAGE,
    ASKS_OTHER,
    OUTCOME_ERROR,
    OUTCOME_PASS,
    OUTCOME_REFUSE,
    OUTCOME_SHADOW,
    Effect,
    Ground,
)
from proxy.core.lane import Hit, Lane, SetBy
from proxy.core.pack import CHINA_OFFSET_S
from proxy.core.place import CHINA, place_of, zones_in
from proxy.core.purposes import PURPOSE_BITS, STRICTEST_FIRST, Channel, Purpose
from proxy.core.records import Account, Number, Period
from proxy.core.request import Request
from proxy.core.senders import on_record
from proxy.core.snapshot import ALL_ACCOUNTS, Snapshot
from proxy.rules import entrustment, sender_record
from proxy.rules.binding import counted_caps, packs_of, reviewing, strictest_of
from proxy.rules.content import spans_of, template_of
from proxy.rules.region import telecoms_of
from proxy.rules.rule import LaneFacts, LaneRule, Rule, no_pack
from proxy.rules.table import RULES

_SEAL: Final = Seal()
_LANES_KEPT: Final = 65_536
#: A lane is judged anew at least this often, whatever its periods say.
_LANE_CAP_S: Final = 60.0
_DAY_S: Final = 86_400


def evaluate(request: Request, snapshot: Snapshot, now: float, rules: tuple[Rule, ...] = RULES) -> Permit | Refusal:
    """May this request go on? `now` is UTC seconds. Pure but for the snapshot's memo of lanes; never raises.

    All rules are judged even after the first refusal, so that the decision holds every outcome. `rules` is the table;
    another one is passed only with a snapshot whose memo of lanes is its own.
    """
    account, recipient = request.account, request.recipient
    place = CHINA if recipient is None else place_of(recipient)
    lane = snapshot.lanes.get((account.id, request.channel, request.sender, request.purpose, request.by_id, place))
    # The record is compared too: what was judged of an account's earlier record says nothing of a changed one.
    if lane is None or lane.account is not account or not lane.since <= now < lane.until:
        lane = _new_lane(request, place, snapshot, now, rules)
    if recipient is None:
        digest, person = b"", 0
    else:
        digest = snapshot.person_key.digest(recipient)
        person = int.from_bytes(digest[:8]) ^ lane.salt
    # WHY twice: nearly every request passes every check, and then there is nothing to collect. Rules are pure, so what
    # stops this loop is found again, with everything else, by `_judge_all`.
    try:
        for _, judge in lane.short_checks if is_ordinary(request) else lane.checks:
            if judge(request, lane, person, snapshot) is not None:
                break
        else:
            if lane.clean:
                return Permit(_SEAL, Decision(request.id, digest, lane.ground), request.octets)
    except Exception:  # noqa: BLE001, S110  WHY: `_judge_all` meets it again, and turns it into a DEFER
        pass
    return _judge_all(request, snapshot, lane, digest, person, rules)


def evaluate_parts(
    request: Request, parts: tuple[bytes, ...], snapshot: Snapshot, now: float
) -> tuple[Permit, ...] | Refusal:
    """May this long message go on? Judged once, as a whole: one decision, and a permit for each of its parts.

    `request` holds the joined text and what was found in any part, `parts` the octets of each PDU, in order.
    """
    verdict = evaluate(request, snapshot, now)
    if isinstance(verdict, Refusal):
        return verdict
    return tuple([Permit(_SEAL, verdict.decision, octets) for octets in parts])


def evaluate_many(
    requests: Sequence[Request], encode: Callable[[Sequence[int]], bytes], snapshot: Snapshot, now: float
) -> tuple[Permit | None, list[Decision]]:
    """May one message go on to each of several persons? One permit for those who may be sent it, and every decision.

    `requests` ask the same octets for one recipient each; at least one. `encode` writes these octets with the
    recipients at the given places only; it is not asked where all are permitted: then what came goes on. The permit is
    None where nobody is permitted, and carries the first permitted decision. Never raises.

    INVARIANT: the permits of single recipients, which hold the octets for all, are dropped here and never leave.
    """
    verdicts = [evaluate(request, snapshot, now) for request in requests]
    if len({request.recipient for request in requests}) < len(requests):
        verdicts = _one_by_one(requests, snapshot, now)
    decisions = [verdict.decision for verdict in verdicts]
    places = [place for place, verdict in enumerate(verdicts) if isinstance(verdict, Permit)]
    if not places:
        return None, decisions
    if len(places) == len(requests):
        return Permit(_SEAL, decisions[0], requests[0].octets), decisions
    try:
        octets = encode(places)
    except Exception:  # noqa: BLE001  WHY: whoever cannot write for whom it is must not send it to all
        for place in places:
            decisions[place] = unanswerable(requests[place], snapshot, "internal.rule", "encode").decision
        return None, decisions
    return Permit(_SEAL, decisions[places[0]], octets), decisions


def _one_by_one(requests: Sequence[Request], snapshot: Snapshot, now: float) -> list[Permit | Refusal]:
    """The verdicts where a person is named more than once: each contact counts before the next is judged."""
    contacts = ContactsAnd(snapshot.contacts)
    verdicts = []
    with_them = msgspec.structs.replace(snapshot, contacts=contacts)
    for request in requests:
        verdict = evaluate(request, with_them, now)
        verdicts.append(verdict)
        decision = verdict.decision
        bit = PURPOSE_BITS.get((decision.purpose, request.channel), 0)
        if decision.effect == "allow" and bit:
            person = int.from_bytes(decision.person[:8]) ^ snapshot.person_key.salt(decision.principal)
            contacts.lay(bit, person, request.received_at)
    return verdicts


def _judge_all(
    request: Request, snapshot: Snapshot, lane: Lane, digest: bytes, person: int, rules: tuple[Rule, ...]
) -> Permit | Refusal:
    """Every check, whatever the others say. Whatever a rule raises, the answer is a DEFER and never a pass."""
    hits: list[Hit] = list(lane.hits)
    errors: list[int] = list(lane.errors)
    for place, judge in lane.checks:
        try:
            detail = judge(request, lane, person, snapshot)
        except Exception:  # noqa: BLE001  WHY: see above
            errors.append(place)
        else:
            if detail is not None:
                hits.append((place, rules[place].id, detail))
    return _weighed(request, snapshot, lane, digest, person, hits, errors, rules)


def is_ordinary(request: Request) -> bool:
    """Whether nothing in a request is unusual: both addresses, a text (calls have none), nothing found or exceeded."""
    return (
        not request.findings
        and not request.over_rate
        and not request.scheduled
        and request.has_receiver
        and (bool(request.readings) or request.channel == "voice")
        and request.validity_s is None
        and request.sender is not None
        and request.recipient is not None
    )


def unanswerable(request: Request, snapshot: Snapshot, rule: str, detail: str = "") -> Refusal:
    """A refusal for a reason outside the rules: `internal.*`, `outcome.unknown`, `throughput.account`.

    Raises KeyError on an unknown id.
    """
    effect: Effect = "deny" if CATALOGUE[rule].kind == "final" else "defer"
    digest = b"" if request.recipient is None else snapshot.person_key.digest(request.recipient)
    purpose = request.purpose or _strictest(request.account.purposes)
    pack = snapshot.pack
    account, sender = request.account, request.sender
    listed = () if sender is None else snapshot.numbers.find(sender)
    ground = Ground(
        channel=request.channel,
        account=account.id,
        sender=on_record(sender or "", listed, snapshot.person_key),
        effect=effect,
        rule=rule,
        detail=detail,
        principal=account.principal,
        purpose=purpose,
        pack=pack.id,
        pack_version=pack.version,
        revision=snapshot.revision,
        outcomes=b"",
        asks=ASKS_OTHER if request.by_id else ASKS_MESSAGE,
    )
    return Refusal(Decision(request.id, digest, ground))


def _weighed(
    request: Request,
    snapshot: Snapshot,
    lane: Lane,
    digest: bytes,
    person: int,
    hits: list[Hit],
    errors: list[int],
    rules: tuple[Rule, ...],
) -> Permit | Refusal:
    """The decision of what was found, remembered where it hangs on nothing else: most refusals of a lane are alike."""
    found = (tuple(hits), tuple(errors))
    ground = lane.weighed.get(found)
    if ground is None:
        set_by = {hit[0]: rules[hit[0]].set_by(request, lane, person, snapshot) for hit in hits}
        ground = _ground_of(lane, hits, errors, set_by, rules)
        if all(rules[hit[0]].set_by is no_pack for hit in hits):
            lane.weighed[found] = ground
    against, template = _told(request, lane, person, snapshot, hits)
    decision = Decision(request.id, digest, ground, against, template)
    return Permit(_SEAL, decision, request.octets) if ground.effect == "allow" else Refusal(decision)


def _ground_of(
    lane: Lane, hits: list[Hit], errors: list[int], set_by: dict[int, SetBy | None], rules: tuple[Rule, ...]
) -> Ground:
    """Sorts enforced hits from shadow ones; the first enforced one of the table names the refusal."""
    outcomes = bytearray(lane.ground.outcomes)
    enforced: list[Hit] = []
    for hit in hits:
        whose = set_by[hit[0]]
        shadow = lane.modes[hit[0]] == "shadow" or (whose is not None and whose.shadow)
        outcomes[hit[0]] = OUTCOME_SHADOW if shadow else OUTCOME_REFUSE
        if not shadow:
            enforced.append(hit)
    for place in errors:
        outcomes[place] = OUTCOME_ERROR
    failed = [place for place in errors if lane.modes[place] == "enforce"]
    effect: Effect = "allow"
    rule = detail = ""
    whose = None
    # WHY final ones first: a temporary refusal invites a retry, which would be refused for good.
    final = [hit for hit in enforced if CATALOGUE[hit[1]].kind == "final"]
    if final:
        effect, (place, rule, detail) = "deny", min(final)
        whose = set_by[place]
    elif enforced:
        effect, (place, rule, detail) = "defer", min(enforced)
        whose = set_by[place]
    elif failed:
        effect, rule, detail = "defer", "internal.rule", rules[failed[0]].id
    key = (effect, rule, detail, bytes(outcomes), "" if whose is None else f"{whose.pack}@{whose.version}")
    ground = lane.other_grounds.get(key)
    if ground is None:
        ground = msgspec.structs.replace(
            lane.ground,
            effect=effect,
            rule=rule,
            detail=detail,
            outcomes=bytes(outcomes),
            pack=lane.ground.pack if whose is None else whose.pack,
            pack_version=lane.ground.pack_version if whose is None else whose.version,
        )
        lane.other_grounds[key] = ground
    return ground


def _told(
    request: Request, lane: Lane, person: int, snapshot: Snapshot, hits: list[Hit]
) -> tuple[tuple[Against, ...], str]:
    """Where in the text the rules that hit found what they found, and the template that it is of."""
    try:
        if lane.asked is None:
            return (), ""
        found = spans_of(request, lane, person, snapshot, frozenset([hit[1] for hit in hits]))
        return found, template_of(request, lane, snapshot) if found else ""
    except Exception:  # noqa: BLE001  WHY: what was decided stands, with or without a place in the text
        return (), ""


def _new_lane(request: Request, place: str, snapshot: Snapshot, now: float, rules: tuple[Rule, ...]) -> Lane:
    """Judges the lane rules and remembers the result for as long as nothing they looked at can change."""
    account, channel = request.account, request.channel
    facts, edges = lane_facts(account, request.sender, request.purpose, channel, snapshot, now, place)
    packs = facts.bound
    outcomes = bytearray(len(rules))
    hits: list[Hit] = []
    errors: list[int] = []
    checks = []
    modes = []
    ordinary: set[int] = set()
    gates: list[Callable[[Request, Lane, int, Snapshot], str | None]] = []
    gated: list[tuple[int, Callable[[Request, Lane, int, Snapshot], str | None]]] = []
    bypassed = max(snapshot.bypasses.get(account.id, 0.0), snapshot.bypasses.get(ALL_ACCOUNTS, 0.0))
    if bypassed > now:
        edges.append(bypassed)
    for number, rule in enumerate(rules):
        floor = CATALOGUE[rule.id].floor
        mode = "enforce" if floor else packs.mode(rule.id, account.id, each=rule.set_by is not no_pack)
        # INVARIANT: a bypass weakens no rule of the floor.
        if bypassed > now and mode == "enforce" and not floor:
            mode = "shadow"
        modes.append(mode)
        if mode == "off" or channel not in rule.channels or (request.by_id and not rule.by_id):
            continue
        try:
            if not rule.applies(facts):
                continue
            outcomes[number] = OUTCOME_PASS
            if not isinstance(rule, LaneRule):
                checks.append((number, rule.judge))
                if rule.passes_ordinary:
                    ordinary.add(number)
            elif (detail := rule.judge(facts)) is not None:
                hits.append((number, rule.id, detail))
                continue
            elif rule.each is not None and rule.each_applies(facts):
                checks.append((number, rule.each))
            else:
                continue
            if rule.gate is not None:
                ordinary.add(number)
                if rule.gate not in gates:
                    gates.append(rule.gate)
                    gated.append((number, rule.gate))
        except Exception:  # noqa: BLE001  WHY: as in evaluate
            errors.append(number)
    asked = sender_record.asked_of(facts, frozenset(rules[check[0]].id for check in checks))
    if asked is not None:
        asked = snapshot.asked.setdefault(asked, asked)
    lane = Lane(
        since=now,
        until=min(edges, default=now + _LANE_CAP_S),
        account=account,
        principal=account.principal,
        purpose=facts.purpose,
        bit=PURPOSE_BITS.get((facts.purpose, channel), 0),
        salt=snapshot.person_key.salt(account.principal),
        day=int((now + CHINA_OFFSET_S) // _DAY_S),
        number=facts.row,
        validity_cap_s=facts.pack.validity_cap_s,
        ground=Ground(
            channel,
            account.id,
            on_record(request.sender or "", facts.listed, snapshot.person_key),
            "allow",
            "",
            "",
            account.principal,
            facts.purpose,
            packs.packs[0].id,
            packs.packs[0].version,
            snapshot.revision,
            bytes(outcomes),
            ASKS_OTHER if request.by_id else ASKS_MESSAGE,
            "bypass" if bypassed > now else "enforce",
            packs.others,
        ),
        hits=tuple(hits),
        errors=tuple(errors),
        checks=tuple(checks),
        short_checks=(*(check for check in checks if check[0] not in ordinary), *gated),
        clean=not hits and not errors,
        other_grounds={},
        weighed={},
        modes=tuple(modes),
        closed_by=facts.closed_by,
        caps=facts.caps,
        roles=NOBODYS if facts.pack.collection_closed else numbers_of(facts.pack.roles),
        verified_days=facts.pack.debtor_verified_days,
        asked=asked,
        reviewed_by=facts.reviewed_by,
    )
    if len(snapshot.lanes) >= _LANES_KEPT:
        # WHY: senders can be invented without end; the memo starts anew instead of growing.
        snapshot.lanes.clear()
    snapshot.lanes[(account.id, channel, request.sender, request.purpose, request.by_id, place)] = lane
    return lane


def lane_facts(
    account: Account,
    sender: str | None,
    declared: Purpose | None,
    channel: Channel,
    snapshot: Snapshot,
    now: float,
    place: str = CHINA,
) -> tuple[LaneFacts, list[float]]:
    """What the lane rules look at, and the moments (UTC seconds, all later than `now`) at which it may change.

    `place` is where the person is (`core/place.py`).
    """
    listed = snapshot.numbers.find(sender) if sender is not None else ()
    mine = [row for row in listed if row.principal == account.principal and row.operator == account.operator]
    row = _row_of(mine, channel, now)
    shared = account.purposes & row.purposes if row is not None else frozenset[Purpose]()
    promised = bool(shared) and (declared is None or declared in shared)
    purpose = declared if declared is not None and promised else _strictest(shared or account.purposes)
    partner = snapshot.partners.get(account.operator)
    entrustments = snapshot.entrustments.get((account.principal, account.operator), ())
    licences = snapshot.licences.get(account.principal, ())
    packs = packs_of(snapshot, account, sender, place, now)
    tables, zones = packs.timetables(account.principal, purpose, channel), zones_in(place)
    closed = [table.pack for table in tables if not table.is_open(zones, now)]
    facts = LaneFacts(
        account=account,
        sender=sender,
        channel=channel,
        purpose=purpose,
        promised=promised,
        listed=listed,
        row=row,
        institution=snapshot.institutions.get(account.principal),
        partner=partner,
        licences=licences,
        entrustments=entrustments,
        bound=packs,
        pack=packs.strictest,
        closed_by=strictest_of(closed, account),
        caps=counted_caps(packs, account, purpose, channel),
        reviewed_by=reviewing(packs, account, purpose),
        snapshot=snapshot,
        now=now,
    )
    periods: list[Period] = [account.telecom_licence, *(number.period for number in mine)]
    periods += [licence.period for licence in licences]
    periods += [segment.period for segment in snapshot.segments]
    periods += [telecom.licence for telecom in telecoms_of(account, row, snapshot)]
    periods += sender_record.periods(snapshot, account.principal, account.operator)
    if account.operator != account.principal:
        periods += entrustment.periods(snapshot, account.principal, account.operator)
    edges = [float(edge) for period in periods for edge in (period.since, period.until) if edge > now]
    attested = snapshot.attested.get(account.principal)
    if attested is not None and packs.strictest.attest_days:
        stale = float(attested + packs.strictest.attest_days * _DAY_S)
        edges += [stale] if stale > now else []
    edges += [float(pack.since) for pack in (snapshot.pack, *snapshot.shelf.packs) if pack.since > now]
    edges += [table.next_change(zones, now) for table in tables]
    edges += [now + _LANE_CAP_S, ((now + CHINA_OFFSET_S) // _DAY_S + 1) * _DAY_S - CHINA_OFFSET_S]
    return facts, edges


def _row_of(mine: list[Number], channel: Channel, now: float) -> Number | None:
    """Of several rows for one sender: the one that fits channel and time best, so that a renewed period counts."""
    if not mine:
        return None
    return max(mine, key=lambda row: (channel in row.channels, row.period.holds(now), row.period.until))


def _strictest(purposes: frozenset[Purpose]) -> Purpose:
    return next((purpose for purpose in STRICTEST_FIRST if purpose in purposes), STRICTEST_FIRST[0])
