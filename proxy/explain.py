"""What the policy would answer, and what each rule says of it: `tdgate explain`. Pure; nothing is sent or recorded.

Must never decide anything itself: the answer is `evaluate`'s, and so is each row. How it works: the whole table is
asked once; a rule that hit is asked again alone, enforced, for its detail.
"""

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.call_codes import CallCodes
from proxy.core.catalogue import CATALOGUE, Kind
from proxy.core.codes import CodeMaps
from proxy.core.ground import OUTCOME_NAMES, Effect
from proxy.core.pack import Mode, RuleSetting
from proxy.core.place import CHINA, place_of
from proxy.core.purposes import Purpose
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot
from proxy.policy import evaluate
from proxy.rules.binding import packs_of
from proxy.rules.rule import Rule, no_pack
from proxy.rules.table import RULES

_HITS: Final = ("refuse", "shadow")


class Row(Struct, frozen=True):
    """One rule: `outcome` is n/a, pass, refuse, shadow or error; `detail` is empty unless it refused or would have."""

    rule: str
    outcome: str
    detail: str
    mode: Mode
    kind: Kind
    floor: bool
    cites: tuple[str, ...]
    text_en: str
    text_zh: str


class Explanation(Struct, frozen=True):
    """The answer and every rule in the order of the table.

    `status` is the command_status, of a call the SIP status; 0 on an allow. `packs` are all that bind.
    """

    effect: Effect
    rule: str
    detail: str
    status: int
    purpose: Purpose
    principal: str
    pack: str
    pack_version: int
    packs: str
    revision: int
    next_en: str
    next_zh: str
    rows: tuple[Row, ...]


def explain(
    request: Request,
    snapshot: Snapshot,
    now: float,
    codes: CodeMaps | CallCodes,
    rules: tuple[Rule, ...] = RULES,
) -> Explanation:
    """Asks the policy without sending; `now` is UTC seconds, `codes` are of the request's channel. The snapshot's memo
    stays as it is.
    """
    decision = evaluate(request, replace(snapshot, lanes={}), now, rules).decision
    place = CHINA if request.recipient is None else place_of(request.recipient)
    packs = packs_of(snapshot, request.account, request.sender, place, now)
    rows = []
    for rule, octet in zip(rules, decision.outcomes, strict=True):
        entry, outcome = CATALOGUE[rule.id], OUTCOME_NAMES[octet]
        rows.append(
            Row(
                rule=rule.id,
                outcome=outcome,
                detail=_detail(rule, request, snapshot, now) if outcome in _HITS else "",
                mode="enforce"
                if entry.floor
                else packs.mode(rule.id, request.account.id, each=rule.set_by is not no_pack),
                kind=entry.kind,
                floor=entry.floor,
                cites=rule.cites,
                text_en=entry.text_en,
                text_zh=entry.text_zh,
            )
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
        packs=" ".join([pack.name for pack in packs.packs]),
        revision=decision.revision,
        next_en=named.next_en if named else "",
        next_zh=named.next_zh if named else "",
        rows=tuple(rows),
    )


def _detail(rule: Rule, request: Request, snapshot: Snapshot, now: float) -> str:
    packs = [
        replace(pack, rules={rule.id: RuleSetting()}, shadow=False, share=1.0)
        for pack in (snapshot.pack, *snapshot.shelf.packs)
    ]
    enforced = replace(snapshot, pack=packs[0], shelf=replace(snapshot.shelf, packs=tuple(packs[1:])), lanes={})
    return evaluate(request, enforced, now, (rule,)).decision.detail
