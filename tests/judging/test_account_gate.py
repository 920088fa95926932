"""One bind's gate: no verdict without its record, the registry in force at each request, ids of one account only."""

from __future__ import annotations

import struct
from typing import Any, cast

import msgspec
import pytest

import proxy.judging.numbers_in_use
from proxy.core.codes import load_codes
from proxy.core.decision import Permit, Refusal
from proxy.core.purposes import ALL_MARKETING
from proxy.evidence import records
from proxy.judging.account_gate import AccountGate
from proxy.judging.hearing import Hearing, RefusalStore
from proxy.judging.in_force import InForce
from proxy.judging.latest_messages import Answered, LatestMessages
from proxy.judging.pending import Pending
from proxy.judging.pooled_pending import PooledPending
from proxy.judging.rate import RateLimit
from proxy.judging.shared import Shared
from proxy.registry.packs import find_config
from proxy.rules.table import RULE_IDS
from proxy.settings import read_toml
from proxy.smpp import consts
from proxy.smpp.codec import encode
from proxy.smpp.concat import Reassembly
from proxy.smpp.gate import LATE, UNKNOWN
from proxy.smpp.inbound import Receipt, Reply
from proxy.smpp.long_messages import LongMessages
from proxy.smpp.message_ids import MessageIds
from proxy.smpp.pdu import Pdu
from proxy.smpp.short_message import read_sm
from proxy.smpp.text import DEFAULT_TABLE
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import BASE, NOON, PERSON, PERSON_KEY, ROW, Scene, build
from tests.tools.relay_play import message, part
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

CODES = load_codes(read_toml(find_config("codes", "codes")))
VOCABULARY = shipped_vocabulary()


def submit(sender: str = "10690001", person: str = PERSON, sequence: int = 5) -> Pdu:
    raw = message("submit", sequence, source=sender, dest=person, text=b"offer of Jianglan bank, TD to refuse")
    return Pdu(consts.SUBMIT_SM, 0, sequence, raw)


def long_messages() -> LongMessages:
    return LongMessages(Reassembly(30.0, 10_000))


def data_sm() -> Pdu:
    raw = message("data", 4, source="10690001", dest=PERSON, text=b"offer")
    return Pdu(consts.DATA_SM, 0, 4, raw)


def by_id(command_id: int, message_id: bytes) -> Pdu:
    source = {"source_addr_ton": 1, "source_addr_npi": 1, "source_addr": b"10690001"}
    dest = {"dest_addr_ton": 1, "dest_addr_npi": 1, "destination_addr": PERSON.encode()}
    values: dict[str, Any] = {"message_id": message_id, **source}
    if command_id == consts.CANCEL_SM:
        values |= {"service_type": b"", **dest}
    return Pdu(command_id, 0, 9, encode(command_id, 0, 9, values))


def shared_by_binds(rate: RateLimit | None = None) -> Shared:
    ids = MessageIds(100)
    return Shared(rate, ids, MessageIds(100), Pending(ids, 100, 100.0), PooledPending(100, 100.0), long_messages())


class House:
    """A gate and everything around it. `told` is what came back for the relay and the log."""

    def __init__(self, scene: Scene = BASE, *, shared: Shared | None = None, **more: Any) -> None:
        self.log = LogDouble()
        self.journal = journal_over(self.log)
        self.told: list[Any] = []
        self.latest = LatestMessages()
        self.acted: list[Any] = []
        self.hearing = Hearing(cast(RefusalStore, None), self.journal, self.latest, lambda *_, **__: None)
        self.in_force = InForce(build(scene)[1], VOCABULARY, CODES, scene.now)
        self.shared = shared or shared_by_binds()
        wanted = {"purpose_tag": 0x1401, "transmitter": False, "interface_version": 0x34} | more
        self.gate = AccountGate(
            scene.account,
            self.shared,
            self.in_force,
            self.journal,
            self.hearing,
            DEFAULT_TABLE,
            refusal_durable=lambda pdu, refusal: self.told.append(("refusal", pdu, refusal)),
            several_durable=lambda several: self.told.append(("several", several)),
            reply_durable=lambda pdu, ok: self.told.append(("reply", pdu, ok)),
            confirm=lambda understood: self.told.append(("confirm", understood.person)),
            withdraw=lambda understood: self.told.append(("withdraw", understood.person)),
            log=lambda event: self.told.append(("log", event)),
            **wanted,
        )

    def use(self, scene: Scene) -> None:
        self.in_force.snapshot = build(scene)[1]

    def asked(self, pdu: Pdu | None = None, in_flight: int = 1) -> tuple[str, str, str]:
        decision = self.gate.judge(pdu or submit(), in_flight).decision
        return decision.effect, decision.rule, decision.detail

    @property
    def recorded(self) -> list[tuple[int, int, str]]:
        return [(one.id, one.effect, one.rule) for one in self.log.records if isinstance(one, records.Decision)]

    @property
    def figures(self) -> tuple[int, int, int, int]:
        gate = self.gate
        return gate.submitted, gate.permitted, gate.refused, gate.deferred


ALLOWED = ("allow", "", "")
REFUSED = BASE.but("refused", ALL_MARKETING)


def test_a_permit_is_recorded_and_holds_the_octets_that_were_judged() -> None:
    house = House()
    pdu = submit()
    verdict = house.gate.judge(pdu, 1)
    assert isinstance(verdict, Permit)
    assert house.recorded == [(verdict.decision.id, records.ALLOW, "")]
    assert house.log.records[0].person == PERSON_KEY.digest(PERSON)  # type: ignore[union-attr]
    assert verdict.spend() == pdu.raw
    assert house.figures == (1, 1, 0, 0)


def test_a_permit_that_cannot_be_recorded_is_a_deferral() -> None:
    house = House(BASE.but("others", (msgspec.structs.replace(ROW, principal="yunxiu"),)).but("row.extensible", False))
    house.log.full = True
    verdict = house.gate.judge(submit(), 1)
    assert isinstance(verdict, Refusal)
    assert (verdict.decision.effect, verdict.decision.rule) == ("defer", "internal.outbox")
    assert house.gate.status(verdict) == consts.ESME_RMSGQFUL
    assert not house.gate.awaits_disk(verdict, submit())
    assert house.figures == (1, 0, 0, 1)
    # What was not sent is nobody's latest message.
    assert house.latest.find(PERSON_KEY.digest(PERSON), "10690001") is None


def test_a_refusal_is_answered_when_it_is_on_disk() -> None:
    house = House(REFUSED)
    pdu = submit()
    verdict = house.gate.judge(pdu, 1)
    assert isinstance(verdict, Refusal)
    assert house.gate.awaits_disk(verdict, pdu)
    assert not house.gate.awaits_disk(verdict, pdu), "once"
    assert house.told == []
    house.log.written()
    assert house.told == [("refusal", pdu, verdict)]
    assert house.recorded == [(verdict.decision.id, records.DENY, "suppression.active")]
    assert house.figures == (1, 0, 1, 0)


def test_a_refusal_whose_record_the_disk_did_not_take_yet_is_answered_all_the_same() -> None:
    house = House(REFUSED)
    house.gate.judge(submit(), 1)
    house.log.written(OSError("no space"))
    assert [what for what, *_ in house.told] == ["refusal"]


def test_a_refusal_that_cannot_be_recorded_is_a_deferral() -> None:
    house = House(REFUSED)
    house.log.full = True
    verdict = house.gate.judge(submit(), 1)
    assert isinstance(verdict, Refusal)
    assert (verdict.decision.effect, verdict.decision.rule) == ("defer", "internal.outbox")
    assert not house.gate.awaits_disk(verdict, submit())
    house.log.written()
    assert house.told == []
    assert house.figures == (1, 0, 0, 1)


def test_a_refusal_that_was_not_asked_for_does_not_make_the_next_one_wait() -> None:
    house = House(REFUSED)
    house.gate.judge(submit(), 1)
    house.use(BASE)
    deferred = house.gate.unanswerable(submit(), "internal.upstream")
    assert not house.gate.awaits_disk(deferred, submit())


def test_every_request_has_an_id_of_its_own_and_one_record() -> None:
    house = House()
    pdus = [submit(), by_id(consts.QUERY_SM, b"X"), data_sm()]
    for _ in range(20):
        for pdu in pdus:
            house.gate.judge(pdu, 1)
    ids = [one for one, _, _ in house.recorded]
    assert len(set(ids)) == len(ids) == 60


def test_the_registry_in_force_counts_at_each_request() -> None:
    house = House()
    assert house.asked() == ALLOWED
    house.in_force.snapshot = msgspec.structs.replace(build(BASE)[1], accounts={})
    assert house.asked() == ("deny", "account.unreviewed", "account")
    assert house.asked() == ("deny", "account.unreviewed", "account")
    house.use(BASE.but("account.reviewed", False))
    assert house.asked() == ("deny", "account.unreviewed", "account")
    house.use(BASE)
    assert house.asked() == ALLOWED
    house.use(BASE.but("row", None))
    assert house.asked() == ("deny", "number.unregistered", "unknown")
    house.use(BASE.but("account.window", 1))
    assert house.asked(in_flight=2) == ("defer", "throughput.account", "rate")


def test_the_window_is_the_accounts() -> None:
    house = House(BASE.but("account.window", 3))
    assert house.asked(in_flight=3) == ALLOWED
    assert house.asked(in_flight=4) == ("defer", "throughput.account", "rate")
    assert house.told == [], "a deferral waits for no disk"
    assert house.figures == (2, 1, 0, 1)


def test_the_rate_is_shared_by_all_binds_of_the_account() -> None:
    shared = shared_by_binds(RateLimit(2))
    one, other = House(shared=shared), House(shared=shared)
    assert [house.asked()[1] for house in (one, other, one)] == ["", "", "throughput.account"]
    one.in_force.now = NOON + 1
    assert one.asked() == ALLOWED


def test_a_final_refusal_beats_a_temporary_one() -> None:
    assert House(REFUSED).asked(in_flight=10_000) == ("deny", "suppression.active", "refused")


def test_a_transmitter_sends_only_while_a_receiver_path_stands() -> None:
    house = House(transmitter=True)
    assert house.asked() == ("deny", "account.oneway", "transmitter")
    house.shared.receivers = 1
    assert house.asked() == ALLOWED
    house.shared.receivers = 0
    assert house.asked() == ("deny", "account.oneway", "transmitter")
    assert House(transmitter=False).asked() == ALLOWED


@pytest.mark.parametrize(("command_id", "detail"), [(consts.QUERY_SM, "query_sm"), (consts.CANCEL_SM, "cancel_sm")])
def test_only_ids_of_ones_own_account_can_be_asked_about(command_id: int, detail: str) -> None:
    shared = shared_by_binds()
    house, second_bind, stranger = House(shared=shared), House(shared=shared), House()
    assert house.asked(by_id(command_id, b"A1")) == ("deny", "message.foreign", detail)
    house.gate.accepted(b"A1", submit().raw, house.gate.judge(submit(), 1).decision)
    assert house.asked(by_id(command_id, b"A1")) == ALLOWED
    assert second_bind.asked(by_id(command_id, b"A1")) == ALLOWED
    assert stranger.asked(by_id(command_id, b"A1")) == ("deny", "message.foreign", detail)
    assert house.asked(by_id(command_id, b"A2")) == ("deny", "message.foreign", detail)
    assert house.asked(by_id(command_id, b"")) == ("deny", "message.foreign", detail)


def test_commands_that_are_closed_are_refused_and_recorded() -> None:
    house = House()
    replace = encode(consts.REPLACE_SM, 0, 9, {"message_id": b"A1", "source_addr": b"10690001", "short_message": b"x"})
    assert house.asked(Pdu(consts.REPLACE_SM, 0, 9, replace)) == ("deny", "pdu.unsupported", "replace_sm")
    assert house.gate.status(Refusal(house.gate.judge(Pdu(consts.REPLACE_SM, 0, 9, replace), 1).decision)) == 0x13
    assert [rule for _, _, rule in house.recorded] == ["pdu.unsupported"] * 2


def test_a_data_sm_is_judged_as_a_text() -> None:
    assert House().asked(data_sm()) == ALLOWED
    assert House(REFUSED).asked(data_sm())[:2] == ("deny", "suppression.active")
    assert House(transmitter=True).asked(data_sm()) == ("deny", "account.oneway", "transmitter")


@pytest.mark.parametrize("rule", ["internal.upstream", "internal.draining", "internal.outbox"])
def test_what_lies_in_the_house_or_the_carrier_is_a_deferral_with_a_record(rule: str) -> None:
    house = House()
    refusal = house.gate.unanswerable(submit(), rule)
    assert (refusal.decision.effect, refusal.decision.rule) == ("defer", rule)
    assert house.recorded == [(refusal.decision.id, records.DEFER, rule)]
    assert house.figures == (1, 0, 0, 1)


def test_the_rule_is_told_in_words_only_to_v5_peers_and_to_accounts_that_ask() -> None:
    refusal = House(REFUSED).gate.judge(submit(), 1)
    assert isinstance(refusal, Refusal)
    told = struct.pack(">HH", consts.TAG_ADDITIONAL_STATUS_INFO_TEXT, 19) + b"suppression.active\0"
    assert House().gate.status_text(refusal) == b""
    assert House(interface_version=0x50).gate.status_text(refusal) == told
    assert House(BASE.but("account.status_text", True)).gate.status_text(refusal) == told
    assert House(interface_version=0x33).gate.status_text(refusal) == b""


@pytest.mark.parametrize(
    ("in_flight", "crowded", "full", "state"),
    [
        (1, False, False, 0),
        (8, False, False, 0),
        (9, False, False, 90),
        (10, False, False, 100),
        (12, False, False, 100),
        (1, True, False, 90),
        (1, True, True, 100),
        (10, True, False, 100),
    ],
)
def test_a_v5_peer_is_told_of_congestion(in_flight: int, crowded: bool, full: bool, state: int) -> None:
    house = House(REFUSED.but("account.window", 10), interface_version=0x50)
    verdict = house.gate.judge(submit(), in_flight)
    assert isinstance(verdict, Refusal)
    house.log.crowded, house.log.full = crowded, full
    told = house.gate.status_text(verdict)
    assert told.startswith(struct.pack(">HH", consts.TAG_ADDITIONAL_STATUS_INFO_TEXT, 19))
    assert told[23:] == (struct.pack(">HHB", 0x0428, 1, state) if state else b"")
    # No peer of an earlier version is, whatever its account asks for.
    older = House(REFUSED.but("account.window", 10).but("account.status_text", True))
    verdict = older.gate.judge(submit(), in_flight)
    assert isinstance(verdict, Refusal)
    assert len(older.gate.status_text(verdict)) == 23


def test_every_rule_fits_the_text_that_it_is_told_in() -> None:
    # SMPP v5.0 §4.8.4.1: 1 to 256 octets with the NUL.
    assert all(len(rule) + 1 <= 256 for rule in RULE_IDS)


def test_the_accounts_own_code_map_gives_the_status() -> None:
    refusal = House(REFUSED).gate.judge(submit(), 1)
    assert isinstance(refusal, Refusal)
    assert House().gate.status(refusal) == 0x0429
    assert House(BASE.but("account.vendor_base", 0x0500)).gate.status(refusal) == 0x0529
    assert House(BASE.but("account.code_map", "standard")).gate.status(refusal) == 0x0B
    assert House().gate.status_of("outcome.unknown") == 0x0460


def receipt_of(ids: tuple[bytes, ...]) -> Receipt:
    return Receipt(ids, read_sm(submit().raw), True)


def test_receipts_of_what_tdgate_sent_itself_are_known_by_their_id() -> None:
    gate = House().gate
    gate.own_answered(1, b"C1")
    gate.own_answered(2, b"")
    assert gate.is_own_receipt(receipt_of((b"X", b"C1")))
    assert not gate.is_own_receipt(receipt_of((b"C2",)))
    assert not gate.is_own_receipt(receipt_of(()))
    assert not gate.is_own_receipt(receipt_of((b"",)))


def test_an_outcome_is_recorded_without_the_carriers_id_in_clear() -> None:
    house = House()
    house.gate.outcome(7, UNKNOWN, 0, b"")
    house.gate.outcome(7, LATE, 0, b"carrier-id-1")
    first, second = (one for one in house.log.records if isinstance(one, records.Outcome))
    assert (first.id, first.result, first.carrier_id_hash) == (7, UNKNOWN, b"")
    assert (second.result, second.carrier_id_hash) == (LATE, PERSON_KEY.fingerprint(b"carrier-id-1"))
    assert b"carrier-id-1" not in b"".join(house.log.kept)
    assert ("log", "outcome.unknown") in house.told


def test_permits_from_a_shared_number_are_remembered_and_others_are_not() -> None:
    shared_row = msgspec.structs.replace(ROW, address="10690777", extensible=False)
    scene = BASE.but("others", (shared_row, msgspec.structs.replace(shared_row, principal="yunxiu")))
    house = House(scene)
    assert house.asked(submit("10690777")) == ALLOWED
    assert house.asked(submit("10690001")) == ALLOWED
    person = PERSON_KEY.digest(PERSON)
    assert house.latest.find(person, "10690777") == Answered("jianglan", frozenset(("marketing",)))
    assert house.latest.find(person, "10690001") is None
    # A refused message is no latest message.
    again = House(msgspec.structs.replace(scene, refused=ALL_MARKETING))
    assert again.asked(submit("10690777"))[0] == "deny"
    assert again.latest.find(person, "10690777") is None


def test_invented_extensions_do_not_grow_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy.judging.numbers_in_use, "_NUMBERS_KEPT", 8)
    house = House()
    for extension in range(50):
        assert house.asked(submit(f"10690001{extension:04}")) == ALLOWED
        assert len(house.gate.numbers.uses) <= 8


def test_a_reply_that_asks_for_nothing_needs_no_disk() -> None:
    house = House()
    assert not house.gate.hear(Reply(PERSON, "10690001", ("你好",)), submit())
    assert house.gate.replies == 1


@pytest.mark.parametrize(("ok", "changed"), [(True, True), (True, False), (False, False)])
def test_a_refusal_answers_the_carrier_and_is_confirmed_once_per_change(
    monkeypatch: pytest.MonkeyPatch, ok: bool, changed: bool
) -> None:
    house = House()
    acting: list[Any] = []
    monkeypatch.setattr(Hearing, "act", lambda _self, understood, _snapshot, done: acting.append((understood, done)))
    pdu = submit()
    assert house.gate.hear(Reply(PERSON, "10690001", ("TD",)), pdu)
    ((understood, done),) = acting
    assert (understood.person, understood.reading.label) == (PERSON, "optout")
    assert house.told == []
    done(ok, changed)
    confirmed = [("confirm", PERSON)] if changed else []
    assert house.told == [("reply", pdu, ok), ("withdraw", PERSON), *confirmed]


def test_a_start_that_the_carrier_sends_again_is_delivered_and_lifts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """START is acted upon but not acknowledged, TD follows, START comes again: the person's last word was TD."""
    house = House()
    acting: list[str] = []
    monkeypatch.setattr(
        Hearing, "act", lambda _self, understood, _snapshot, _done: acting.append(understood.reading.label)
    )
    start, td = submit(), submit("10690002")
    assert house.gate.hear(Reply(PERSON, "10690001", ("START",)), start)
    assert house.gate.hear(Reply(PERSON, "10690001", ("TD",)), td)
    assert not house.gate.hear(Reply(PERSON, "10690001", ("START",)), start)
    house.gate.acknowledged(start)
    assert house.gate.hear(Reply(PERSON, "10690001", ("START",)), start)
    assert acting == ["optin", "optout", "optin"]


def test_a_start_that_could_not_be_put_on_disk_is_acted_upon_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House()
    ends: list[Any] = []
    monkeypatch.setattr(Hearing, "act", lambda _self, _understood, _snapshot, done: ends.append(done))
    start = submit()
    assert house.gate.hear(Reply(PERSON, "10690001", ("START",)), start)
    ends.pop()(False, False)
    assert house.gate.hear(Reply(PERSON, "10690001", ("START",)), start)


# ---- parts of long messages -----------------------------------------------------------------------------------------


class Bind:
    """Holds parts and keeps what it was told about them."""

    def __init__(self) -> None:
        self.told: list[tuple[int, Any]] = []

    def part_permitted(self, pdu: Pdu, permit: Permit, now: float) -> None:
        self.told.append((pdu.sequence, permit))

    def part_refused(self, pdu: Pdu, refusal: Refusal) -> None:
        self.told.append((pdu.sequence, (refusal.decision.effect, refusal.decision.rule, refusal.decision.detail)))

    def part_answered(self, pdu: Pdu, answer: bytes) -> None:
        self.told.append((pdu.sequence, answer))

    def message_permitted(self) -> None:
        pass

    def message_ended(self, decision_id: int, result: str, answer: bytes) -> None:
        self.told.append((decision_id, result))

    def part_joined(self, now: float) -> None:
        pass

    def unable(self) -> str:
        return ""


def hold(house: House, *parts: bytes, others: int = 0) -> Bind:
    bind = Bind()
    house.gate.holder = bind
    for held, raw in enumerate(parts, 1):
        assert house.gate.judge(Pdu(consts.SUBMIT_SM, 0, held, raw), held) is None
        house.gate.hold(0.0, held, others)
    return bind


def two(person: str = PERSON, **given: Any) -> tuple[bytes, bytes]:
    texts = (b"offer of Jianglan bank, T", b"D to refuse")
    first, second = (part(1, text, ref=4, of=2, n=n, dest=person, **given) for n, text in enumerate(texts, 1))
    return first, second


def test_a_long_message_has_one_decision_and_a_permit_for_each_part() -> None:
    house = House()
    octets = two()
    bind = hold(house, *octets)
    permits = [permit for _, permit in bind.told]
    assert [permit.spend() for permit in permits] == list(octets)
    assert {permit.decision.id for permit in permits} == {house.recorded[0][0]}
    assert len(house.recorded) == 1
    assert house.figures == (1, 1, 0, 0)
    assert house.gate.parts == 2


def test_a_refused_long_message_is_answered_when_its_one_record_is_on_disk() -> None:
    house = House(REFUSED)
    bind = hold(house, *two())
    assert bind.told == []
    house.log.written()
    assert bind.told == [(1, ("deny", "suppression.active", "refused")), (2, ("deny", "suppression.active", "refused"))]
    assert len(house.recorded) == 1
    assert house.figures == (1, 0, 1, 0)


def test_a_long_message_that_cannot_be_recorded_is_put_off() -> None:
    house = House()
    house.log.full = True
    bind = hold(house, *two())
    assert [(at, told[:2]) for at, told in bind.told] == [
        (1, ("defer", "internal.outbox")),
        (2, ("defer", "internal.outbox")),
    ]


def test_a_window_full_of_parts_is_a_stall_and_one_with_other_messages_is_not() -> None:
    window = House().gate.account.window
    house = House()
    first, _ = two()
    bind = Bind()
    house.gate.holder = bind
    house.gate.judge(Pdu(consts.SUBMIT_SM, 0, 1, first), window)
    house.gate.hold(0.0, 1, window - 1)
    assert house.told.count(("log", "parts.stalled")) == 0
    house.gate.judge(Pdu(consts.SUBMIT_SM, 0, 2, first), window)
    house.gate.hold(0.0, window, 0)
    house.log.written()
    assert bind.told == [(at, ("deny", "message.partial", "stalled")) for at in (1, 2)]


def test_what_closes_a_part_whatever_the_rest_says_is_answered_at_once() -> None:
    house = House()
    raw = bytearray(two()[0])
    raw[raw.index(b"\x40\0\0\0\0")] |= 0x04  # a receipt of one's own making
    verdict = house.gate.judge(Pdu(consts.SUBMIT_SM, 0, 1, bytes(raw)), 1)
    assert isinstance(verdict, Refusal)
    assert (verdict.decision.rule, verdict.decision.detail) == ("pdu.ambiguous", "receipt")


def test_a_national_table_in_one_part_makes_the_whole_unreadable() -> None:
    house = House()
    first, second = two()
    header = b"\5\0\3\4\2\2"
    at = second.index(header)
    longer = second[at - 1] + 3
    body = second[16 : at - 1] + bytes((longer,)) + b"\x08\0\3\4\2\2\x24\1\1" + second[at + len(header) :]
    second = (16 + len(body)).to_bytes(4, "big") + second[4:16] + body
    bind = hold(house, first, second)
    house.log.written()
    assert bind.told == [(at, ("deny", "content.undecodable", "national_shift")) for at in (1, 2)]
