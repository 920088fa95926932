"""One trunk's gate: no verdict without its record, refusals from disk, places given back, the registry of now."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proxy.core.call_codes import CallAnswer, load_call_codes
from proxy.core.decision import Refusal
from proxy.core.finding import Finding
from proxy.core.pack import Hours
from proxy.core.purposes import MARKETING_SMS, MARKETING_VOICE
from proxy.core.snapshot import Snapshot
from proxy.evidence import records
from proxy.judging.call_gate import CallGate, CallsInForce, PermittedCall
from proxy.judging.call_limits import CallLimits
from proxy.sip.judged import judged_call
from proxy.sip.read_invite import ReadInvite
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import BASE, NOON, PERSON, PERSON_KEY, Scene, at, build

pytestmark = pytest.mark.unit

CODES = load_call_codes(
    tomllib.loads((Path(__file__).resolve().parents[2] / "config" / "call_codes.toml").read_text(encoding="utf-8"))
)
ASKED = ReadInvite("10690001", PERSON, None, ())


class House:
    """A gate and everything around it. `answers` is what the trunk is told, `logged` what an operator sees."""

    def __init__(self, scene: Scene = BASE, limits: CallLimits | None = None) -> None:
        self.log = LogDouble()
        self.limits = limits or CallLimits()
        self.in_force = CallsInForce(build(scene)[1], CODES, scene.now)
        self.answers: list[CallAnswer] = []
        self.logged: list[str] = []
        self.gate = CallGate(scene.account, self.in_force, journal_over(self.log), self.limits, self.logged.append)

    def use(self, scene: Scene) -> None:
        self.in_force.snapshot, self.in_force.now = build(scene)[1], scene.now

    def asked(self, question: ReadInvite = ASKED) -> tuple[str, str, str]:
        decision = self.judged(question).decision
        return decision.effect, decision.rule, decision.detail

    def judged(self, question: ReadInvite = ASKED) -> PermittedCall | Refusal:
        return self.gate.judge(question, self.answers.append)

    @property
    def decisions(self) -> list[records.Decision]:
        return [one for one in self.log.records if isinstance(one, records.Decision)]

    @property
    def figures(self) -> tuple[int, int, int, int]:
        gate = self.gate
        return gate.asked, gate.permitted, gate.refused, gate.deferred


def permitted(house: House) -> PermittedCall:
    call = house.judged()
    assert isinstance(call, PermittedCall)
    return call


def test_a_permit_is_recorded_and_holds_what_was_judged() -> None:
    house = House()
    call = permitted(house)
    (record,) = house.decisions
    assert (record.id, record.effect, record.channel, record.sender) == (
        call.decision.id,
        records.ALLOW,
        "voice",
        "10690001",
    )
    assert record.person == PERSON_KEY.digest(PERSON)
    assert (call.principal, call.purpose) == ("jianglan", "marketing")
    judged = judged_call(call.permit.spend())
    assert (judged.caller, judged.called, judged.display, judged.page) == ("10690001", PERSON, "江澜银行", "")
    assert (house.figures, house.answers) == ((1, 1, 0, 0), [])


def test_a_permit_holds_the_page_of_the_registry() -> None:
    house = House(BASE.but("institution.page", "https://www.jianglan.example/"))
    assert judged_call(permitted(house).permit.spend()).page == "https://www.jianglan.example/"


def test_a_final_refusal_is_answered_from_disk() -> None:
    house = House(BASE.but("refused", MARKETING_VOICE))
    assert house.asked() == ("deny", "suppression.active", "refused")
    assert house.answers == []
    house.log.written()
    (answer,) = house.answers
    assert (answer.status, answer.phrase, answer.rule) == (607, b"Unwanted", "suppression.active")
    assert answer.headers == [("reason", b'Q.850;cause=21;text="suppression.active"')]
    assert house.figures == (1, 0, 1, 0)
    assert house.limits.calls(house.gate.account.id) == 0


def test_a_refusal_whose_record_fails_is_a_refusal_all_the_same() -> None:
    house = House(BASE.but("refused", MARKETING_VOICE))
    house.judged()
    house.log.written(OSError("disk"))
    assert [answer.status for answer in house.answers] == [607]


def test_what_was_refused_for_texts_alone_may_be_called() -> None:
    assert House(BASE.but("refused", MARKETING_SMS)).asked()[0] == "allow"


def test_a_permit_that_cannot_be_recorded_is_a_deferral() -> None:
    house = House()
    house.log.full = True
    assert house.asked() == ("defer", "internal.outbox", "")
    assert [answer.status for answer in house.answers] == [500]
    assert house.limits.calls(house.gate.account.id) == 0
    assert house.figures == (1, 0, 0, 1)


def test_a_refusal_that_cannot_be_recorded_is_a_deferral() -> None:
    house = House(BASE.but("refused", MARKETING_VOICE))
    house.log.full = True
    assert house.asked() == ("defer", "internal.outbox", "")
    assert [answer.status for answer in house.answers] == [500]


def test_simultaneous_calls_do_not_pass_a_cap() -> None:
    house = House(BASE.but("account.calls_most", 2))
    calls = [house.judged() for _ in range(3)]
    assert [call.decision.rule for call in calls] == ["", "", "throughput.account"]
    (answer,) = house.answers
    assert (answer.status, dict(answer.headers)["retry-after"]) == (503, b"1")
    assert dict(answer.headers)["reason"] == b'Q.850;cause=41;text="throughput.account"'
    assert isinstance(calls[0], PermittedCall)
    calls[0].place.give_back()
    assert house.asked()[0] == "allow"


def test_a_refused_call_counts_as_an_attempt_of_its_second() -> None:
    house = House(BASE.but("account.calls_per_s", 1))
    assert house.asked(ReadInvite("10690001", None, None, ()))[1] == "address.invalid"
    assert house.asked()[1:] == ("throughput.account", "rate")
    assert house.limits.calls(house.gate.account.id) == 0


def test_an_emergency_call_is_refused_and_told() -> None:
    house = House()
    question = ReadInvite("10690001", None, None, (Finding("address.invalid", "emergency"),))
    assert house.asked(question) == ("deny", "address.invalid", "emergency")
    house.log.written()
    assert ([answer.status for answer in house.answers], house.logged) == ([484], ["call.emergency"])
    assert house.asked(ReadInvite("10690001", None, None, (Finding("address.invalid", "service"),)))[2] == "service"
    assert house.logged == ["call.emergency"]


def test_a_refused_call_takes_no_place() -> None:
    house = House(BASE.but("account.calls_most", 1))
    for _ in range(3):
        assert house.asked(ReadInvite("10690001", None, None, ()))[1] == "address.invalid"
    assert house.asked()[0] == "allow"


def test_whatever_raises_takes_no_place() -> None:
    """A name with a control character in it can be written into no call."""
    institution = msgspec.structs.replace(BASE.institution, name="江澜\n银行")
    house = House(msgspec.structs.replace(BASE, institution=institution))
    with pytest.raises(ValueError, match="control"):
        house.judged()
    assert house.limits.calls(house.gate.account.id) == 0


def test_the_institution_of_another_trunk_counts() -> None:
    limits = CallLimits()
    scene = BASE.but("institution.calls_most", 1)
    one, other = House(scene, limits), House(scene.but("account.id", "jianglan-other"), limits)
    assert one.asked()[0] == "allow"
    assert other.asked() == ("defer", "throughput.account", "institution_calls")


def test_the_registry_in_force_is_that_of_each_call() -> None:
    house = House()
    assert house.asked()[0] == "allow"
    house.use(BASE.but("row.disposed", True))
    assert house.asked()[1] == "number.disposed"
    house.use(BASE.but("account.calls_most", 1))
    assert house.asked()[1] == "throughput.account", "the first call is still there"
    house.in_force.snapshot = msgspec.structs.replace(build(BASE)[1], accounts={})
    assert house.asked() == ("deny", "account.unreviewed", "account")


def test_closed_hours_say_when_they_end() -> None:
    for night, seconds in (("2025-03-05 23:30:00", b"30600"), ("2025-03-06 07:59:30.5", b"30")):
        house = House(BASE.but("now", at(night)))
        assert house.asked()[1] == "hours.closed"
        house.log.written()
        assert (house.answers[0].status, dict(house.answers[0].headers)["retry-after"]) == (603, seconds)
    never = House(BASE.but("pack.institution_hours", {"jianglan": Hours(0, 0)}))
    never.judged()
    never.log.written()
    assert "retry-after" not in dict(never.answers[0].headers)


def test_findings_of_the_reader_refuse() -> None:
    house = House()
    assert (
        house.asked(ReadInvite(None, PERSON, None, (Finding("caller.identity", "ambiguous"),)))[1] == "caller.identity"
    )
    assert (
        house.asked(ReadInvite("10690001", PERSON, None, (Finding("pdu.unsupported", "media"),)))[1]
        == "pdu.unsupported"
    )
    house.log.written()
    assert [answer.status for answer in house.answers] == [403, 488]
    assert house.asked(ReadInvite("10690001", PERSON, "service", ()))[1] == "purpose.mismatch"


def test_what_is_found_counts_over_a_cap_too() -> None:
    house = House(BASE.but("account.calls_most", 1))
    assert house.asked()[0] == "allow"
    found = (Finding("caller.identity", "privacy"),)
    assert house.asked(ReadInvite("10690001", PERSON, None, found))[:2] == ("deny", "caller.identity")


def test_a_failed_rule_is_told() -> None:
    house = House()
    assert house.asked(ReadInvite("10690001", PERSON, None, (Finding("no.rule", ""),)))[1] == "internal.rule"
    assert house.logged == ["rule.failed"]
    assert [answer.status for answer in house.answers] == [500]


def test_what_is_put_off_is_recorded() -> None:
    house = House()
    assert house.gate.put_off(ASKED, "internal.draining", house.answers.append).decision.rule == "internal.draining"
    assert [(one.effect, one.rule) for one in house.decisions] == [(records.DEFER, "internal.draining")]
    assert [answer.status for answer in house.answers] == [503]


@pytest.mark.parametrize(
    ("path", "value", "rule"),
    [
        ("held_numbers", frozenset(("10690001",)), "fraud.hold"),
        ("held_accounts", frozenset(("jianglan-own",)), "fraud.hold"),
        ("row.disposed", True, "number.disposed"),
        ("refused", 0xFF, ""),
        ("now", at("2025-03-05 22:00:00"), ""),
        ("account.calls_most", 1, ""),
    ],
)
def test_a_hold_closes_a_call_that_is_under_way(path: str, value: Any, rule: str) -> None:
    house = House()
    call = permitted(house)
    assert house.gate.closed_now(call) == ""
    house.use(BASE.but(path, value))
    assert house.gate.closed_now(call) == rule
    assert len(house.decisions) == 1


def test_a_call_that_was_refused_meanwhile_is_not_made_again_and_that_is_on_record() -> None:
    house = House(BASE.but("account.calls_most", 1))
    call = permitted(house)
    assert house.gate.may_go_on(call, house.answers.append)
    assert (len(house.decisions), house.answers, house.figures) == (1, [], (1, 1, 0, 0))
    house.use(BASE.but("refused", MARKETING_VOICE))
    assert not house.gate.may_go_on(call, house.answers.append)
    assert house.answers == [], "it is answered when it is on disk"
    house.log.written()
    assert [(answer.status, answer.rule) for answer in house.answers] == [(607, "suppression.active")]
    first, second = house.decisions
    assert (second.effect, second.rule, second.person) == (records.DENY, "suppression.active", first.person)
    assert second.id != first.id
    assert house.figures == (2, 1, 1, 0)
    assert house.limits.calls(house.gate.account.id) == 1, "the place is its call's, which ends with it"


def test_an_account_that_is_gone_meanwhile_makes_no_further_call() -> None:
    house = House()
    call = permitted(house)
    house.in_force.snapshot = msgspec.structs.replace(house.in_force.snapshot, accounts={})
    assert not house.gate.may_go_on(call, house.answers.append)
    assert house.decisions[-1].rule == "account.unreviewed"


def test_a_contact_that_was_counted_is_no_reason_against_itself() -> None:
    house = House(BASE.but("account.calls_per_s", 1))
    call = permitted(house)
    assert house.gate.may_go_on(call, house.answers.append)


def test_which_rules_end_a_call_is_configured() -> None:
    house = House()
    call = permitted(house)
    house.use(BASE.but("refused", 0xFF))
    assert house.gate.closed_now(call, frozenset(("suppression.active",))) == "suppression.active"
    assert house.gate.closed_now(call, ()) == ""
    assert house.gate.ending("suppression.active")[1] == ("reason", b'SIP;cause=607;text="suppression.active"')


def test_the_memo_of_texts_is_not_that_of_calls() -> None:
    snapshot: Snapshot = build(BASE.but("licence.channels", frozenset(("sms",))))[1]
    house = House()
    house.in_force.snapshot = snapshot
    assert house.asked()[1] == "licence.scope"
    assert house.in_force.now == NOON
