"""A scene: one institution, one account, one number, one person, one message; and what changes it by one field.

Every value is invented. `build` makes of a scene what the policy is asked: request, snapshot and time.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from proxy.core.bound import EMPTY_SHELF, Shelf
from proxy.core.contacts import Contacts, second_of
from proxy.core.debtors import ROLES
from proxy.core.decision import Decision, Permit, Refusal
from proxy.core.number_library import NumberLibrary
from proxy.core.own_marks import Mark, OwnMarks
from proxy.core.pack import Cap, Hours, Pack
from proxy.core.persons import PersonIndex, PersonKey, index_key
from proxy.core.purposes import CHANNELS, PURPOSE_BITS, Channel, Purpose
from proxy.core.records import (
    Account,
    Entrustment,
    Institution,
    Licence,
    Number,
    Partner,
    Period,
    Segment,
    Telecom,
    Template,
)
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot, notice_of
from proxy.policy import evaluate
from proxy.registry.own_marks import MARK_MAKERS, MarkShelf
from proxy.registry.wordings import WordingShelf, worded_of
from proxy.rules.rule import Rule
from proxy.rules.table import RULES
from tests.tools.slotted import changed
from tests.tools.words import reader

SHANGHAI = ZoneInfo("Asia/Shanghai")
PERSON = "8613800138000"
PERSON_KEY = PersonKey(b"a key for tests only", 1)
DAY_S = 86_400
ALL_PURPOSES: frozenset[Purpose] = frozenset(("marketing", "collection", "legal", "service", "verification"))
BOTH = frozenset(CHANNELS)


def at(text: str) -> float:
    """UTC seconds of a local time in Shanghai, `2025-03-05 10:00:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp()


NOON = at("2025-03-05 12:00:00")
YEAR = Period(int(at("2025-01-01 00:00:00")), int(at("2026-01-01 00:00:00")))

JIANGLAN = Institution("jianglan", "江澜银行", "bank", ("江澜",))
ACCOUNT = Account(
    id="jianglan-own",
    principal="jianglan",
    operator="jianglan",
    purposes=ALL_PURPOSES,
    password_hash="",
    reviewed=True,
    telecom_licence=YEAR,
    responsible="周明（虚构）",
)
ROW = Number("10690001", "jianglan", "jianglan", BOTH, frozenset(("marketing",)), YEAR, extensible=True)
HOURS = {
    (purpose, channel): Hours(8 * 60, 22 * 60)
    for purpose in ("marketing", "collection")
    for channel in CHANNELS
}  # fmt: skip
CAPS = (Cap("collection", BOTH, 3, DAY_S), Cap("marketing", BOTH, 4, 7 * DAY_S))
PACK = Pack("cn-test", 3, hours=HOURS, caps=CAPS)  # type: ignore[arg-type]
CONSENT_FOREVER = (1 << 20) << 8


def _replaced(one: Any, **fields: Any) -> Any:
    return changed(one, **fields) if isinstance(one, Request) else msgspec.structs.replace(one, **fields)


def value_of(role: str, day: int) -> int:
    """What the store keeps of a role that was verified on a day (`core/debtors.py`)."""
    return next(number for name, number in ROLES.items() if name == role) | day << 8


class Scene(msgspec.Struct, frozen=True):
    """What a decision depends on. Absent records are None, `others` are further rows of number libraries.

    `consent`, `refused`, `debt` and `prefers` are the values of the person's entries for the account's principal,
    `prefers_of_all` of what holds for all institutions, `listed` of a do-not-call list; `informed` tells whether the
    person was told of 元麓科技. `contacts` are those that this principal had with the person: purpose, channel, UTC
    seconds. `marks` are records that texts are held against, with their tables; `reads` tells whether texts are read.
    """

    request: Request
    account: Account = ACCOUNT
    institution: Institution | None = JIANGLAN
    licence: Licence | None = Licence("jianglan", frozenset(("marketing", "collection")), BOTH, YEAR)
    partner: Partner | None = Partner("yuanlu", "元麓科技", YEAR)
    entrustment: Entrustment | None = Entrustment("jianglan", "yuanlu", frozenset(("marketing",)), BOTH, YEAR)
    row: Number | None = ROW
    others: tuple[Number, ...] = ()
    templates: tuple[Template, ...] = ()
    more_licences: tuple[Licence, ...] = ()
    more_entrustments: tuple[Entrustment, ...] = ()
    more_partners: tuple[Partner, ...] = ()
    telecom: Telecom | None = Telecom("tongxin", "示例通信（虚构）", "carrier", YEAR, "A2.B1-0001")
    pack: Pack = PACK
    shelf: Shelf = EMPTY_SHELF
    contacts: tuple[tuple[Purpose, Channel, float], ...] = ()
    consent: int = CONSENT_FOREVER | 0xFF
    refused: int = 0
    prefers: int = 0
    prefers_of_all: int = 0
    listed: int = 0
    debt: int = value_of("debtor", int((NOON + 8 * 3600) // DAY_S))
    informed: bool = True
    segments: tuple[Segment, ...] = ()
    attested: int | None = None
    held_accounts: frozenset[str] = frozenset()
    held_numbers: frozenset[str] = frozenset()
    now: float = NOON
    marks: tuple[tuple[str, Mark], ...] = ()
    reads: bool = False

    def but(self, path: str, value: Any) -> Scene:
        """The same scene with one field changed: `row.period`, `request.recipient`, `now`."""
        name, _, rest = path.partition(".")
        field = _replaced(getattr(self, name), **{rest: value}) if rest else value
        return msgspec.structs.replace(self, **{name: field})


BASE = Scene(
    Request(
        id=1,
        channel="sms",
        account=ACCOUNT,
        sender="10690001",
        recipient=PERSON,
        readings=("【江澜银行】“安居贷”年化3.5%起，咨询400-000-1001，回T退订",),
        octets=b"octets",
        received_at=NOON,
    )
)


#: Another institution, whose names and numbers are not this one's.
OTHER_HOUSE = Institution("lanhai", "澜海银行", "bank")


def _own_marks(scene: Scene, partners: tuple[Partner, ...]) -> OwnMarks:
    kept: dict[str, list[Mark]] = {table: [] for table in MARK_MAKERS}
    for table, mark in scene.marks:
        kept[table].append(mark)
    houses = (*([scene.institution] if scene.institution else []), OTHER_HOUSE)
    given = (*([scene.entrustment] if scene.entrustment else []), *scene.more_entrustments)
    shelf = MarkShelf()
    for one in given:
        shelf.changed("entrustments", one)
    return shelf.marks({**kept, "institutions": houses, "partners": partners}, reader())


def build(scene: Scene) -> tuple[Request, Snapshot, float]:
    """(request, snapshot with an empty memo, UTC seconds)."""
    account = scene.account
    principal = account.principal
    key = index_key(PERSON_KEY.digest(PERSON), PERSON_KEY.salt(principal))
    consents, suppressions = PersonIndex(), PersonIndex()
    consents.put(key, scene.consent)
    suppressions.put(key, scene.refused)
    preferences, donotcall, of_all = PersonIndex(), PersonIndex(), index_key(PERSON_KEY.digest(PERSON), 0)
    preferences.put(key, scene.prefers)
    preferences.put(of_all, scene.prefers_of_all)
    donotcall.put(of_all, scene.listed)
    debtors, notices = PersonIndex(), PersonIndex()
    debtors.put(key, scene.debt)
    told = index_key(PERSON_KEY.digest(PERSON), PERSON_KEY.salt(notice_of(principal, "yuanlu")))
    notices.put(told, int(scene.informed))
    counted = Contacts(cap for pack in (scene.pack, *scene.shelf.packs) for cap in pack.caps)
    for purpose, channel, moment in scene.contacts:
        counted.add(PURPOSE_BITS[purpose, channel], key, second_of(moment), second_of(scene.now))
    licences = (*([scene.licence] if scene.licence else []), *scene.more_licences)
    entrustments: dict[tuple[str, str], tuple[Entrustment, ...]] = {}
    for given in (*([scene.entrustment] if scene.entrustment else []), *scene.more_entrustments):
        pair = (given.institution, given.partner)
        entrustments[pair] = (*entrustments.get(pair, ()), given)
    partners = (*([scene.partner] if scene.partner else []), *scene.more_partners)
    snapshot = Snapshot(
        revision=7,
        pack=scene.pack,
        person_key=PERSON_KEY,
        accounts={account.id: account},
        institutions={scene.institution.id: scene.institution} if scene.institution else {},
        licences={"jianglan": licences},
        telecoms={scene.telecom.id: scene.telecom, scene.telecom.name: scene.telecom} if scene.telecom else {},
        partners={partner.id: partner for partner in partners},
        entrustments=entrustments,
        templates={(one.institution, one.text): (one,) for one in scene.templates},
        numbers=NumberLibrary([*([scene.row] if scene.row else []), *scene.others]),
        preferences=preferences,
        donotcall=(PersonIndex(), donotcall) if scene.listed else (),
        segments=scene.segments,
        attested={} if scene.attested is None else {principal: scene.attested},
        held_accounts=scene.held_accounts,
        held_numbers=scene.held_numbers,
        consents=consents,
        suppressions=suppressions,
        debtors=debtors,
        notices=notices,
        shelf=scene.shelf,
        contacts=counted,
        wordings=worded_of(scene.templates),
        rejections=WordingShelf().rejected(scene.templates, reader()) if scene.reads else {},
        own_marks=_own_marks(scene, tuple(partners)) if scene.reads else OwnMarks(),
        reader=reader() if scene.reads else None,
    )
    return changed(scene.request, account=account, received_at=scene.now), snapshot, scene.now


def answer(scene: Scene, rules: tuple[Rule, ...] = RULES) -> Permit | Refusal:
    return evaluate(*build(scene), rules)


def decided(scene: Scene, rules: tuple[Rule, ...] = RULES) -> Decision:
    return answer(scene, rules).decision


def outcome(scene: Scene, rules: tuple[Rule, ...] = RULES) -> tuple[str, str, str]:
    """(effect, rule, detail)."""
    decision = decided(scene, rules)
    return decision.effect, decision.rule, decision.detail
