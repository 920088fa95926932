"""The confirmation of a refusal: to whom it goes, what guards it all the same, and what its octets say."""

from __future__ import annotations

import msgspec
import pytest

from proxy.core.catalogue import CATALOGUE
from proxy.core.codes import load_codes
from proxy.core.decision import Permit
from proxy.core.ground import OUTCOME_NA
from proxy.core.purposes import ALL_MARKETING
from proxy.evidence import records
from proxy.judging.confirmation import Confirmer
from proxy.judging.hearing import Understood
from proxy.judging.in_force import InForce
from proxy.judging.latest_messages import Answered
from proxy.optout_parser import Label, Reading
from proxy.registry.packs import find_config
from proxy.rules.table import RULE_IDS
from proxy.settings import Confirmation, read_toml
from proxy.smpp.codec import decode
from proxy.smpp.consts import SUBMIT_SM
from proxy.smpp.text import DEFAULT_TABLE, readings
from tests.judging.evidence_double import LogDouble, journal_over
from tests.rules.scene import BASE, PERSON, PERSON_KEY, YEAR, Scene, at, build
from tests.tools.shipped import shipped_vocabulary

pytestmark = pytest.mark.unit

CODES = load_codes(read_toml(find_config("codes", "codes")))
VOCABULARY = shipped_vocabulary()
TEXT = "您已成功退订（虚构示例）。"
#: Just after the refusal, at night, without consent, by an account that only sends: a confirmation goes out.
REFUSED = BASE.but("refused", ALL_MARKETING).but("consent", 0).but("now", at("2025-03-05 23:30:00"))


class Asked:
    """One confirmation that was asked for."""

    def __init__(
        self,
        scene: Scene = REFUSED,
        *,
        person: str = PERSON,
        number: str = "10690001",
        label: Label = "optout",
        enabled: bool = True,
        text: str = TEXT,
        full: bool = False,
    ) -> None:
        self.log = LogDouble()
        self.log.full = full
        self.snapshot = build(scene.but("reads", True))[1]
        in_force = InForce(self.snapshot, VOCABULARY, CODES, scene.now)
        confirmer = Confirmer(Confirmation(enabled, text), in_force, journal_over(self.log))
        understood = Understood(Reading(label, "sms", "TD", 1.0), person, number, (Answered("jianglan", frozenset()),))
        self.permit: Permit | None = confirmer.permit(scene.account, understood, scene.now)


@pytest.mark.parametrize("text", [TEXT, "You are unsubscribed [invented].", "您" * 70, "a" * 160])
def test_the_octets_say_the_text_to_the_person_from_the_number_that_was_answered(text: str) -> None:
    asked = Asked(text=text)
    assert asked.permit is not None
    raw = asked.permit.spend()
    fields = decode(raw)
    values = fields.values
    assert (fields.command_id, fields.tlvs) == (SUBMIT_SM, ())
    assert (values["source_addr"], values["destination_addr"]) == (b"10690001", PERSON.encode())
    assert (values["dest_addr_ton"], values["dest_addr_npi"]) == (1, 1)
    assert values["registered_delivery"] == 0
    short_message, data_coding = values["short_message"], values["data_coding"]
    assert isinstance(short_message, bytes)
    assert isinstance(data_coding, int)
    assert len(short_message) <= 160
    assert text in readings(short_message, data_coding, DEFAULT_TABLE)


def test_it_is_recorded_like_every_permit_with_each_outcome_at_its_rules_place() -> None:
    asked = Asked()
    assert asked.permit is not None
    (record,) = asked.log.records
    assert isinstance(record, records.Decision)
    assert (record.effect, record.id, record.person) == (
        records.ALLOW,
        asked.permit.decision.id,
        PERSON_KEY.digest(PERSON),
    )
    assert len(record.outcomes) == len(RULE_IDS)
    # The lanes of ordinary messages are not those of confirmations.
    assert asked.snapshot.lanes == {}


def test_of_the_floor_it_passes_by_the_refusal_that_it_confirms_and_the_receiver_that_it_does_not_need() -> None:
    asked = Asked()
    assert asked.permit is not None
    not_asked = {
        rule
        for rule, outcome in zip(RULE_IDS, asked.permit.decision.outcomes, strict=True)
        if outcome == OUTCOME_NA and CATALOGUE[rule].floor
    }
    assert not_asked == {"suppression.active", "account.oneway"}


@pytest.mark.parametrize(
    "asked",
    [
        {"enabled": False},
        {"label": "optin"},
        {"number": ""},
        {"number": "JIANGLAN"},
        {"person": "10086"},
        {"person": "1069000123456"},
        {"person": "95588"},
        {"person": "861380013800"},
        {"person": "85298765432"},
        {"full": True},
    ],
    ids=str,
)
def test_none_goes_out_where_none_is_to_be(asked: dict[str, object]) -> None:
    found = Asked(**asked)  # type: ignore[arg-type]
    assert found.permit is None
    assert found.log.kept == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("row", None),
        ("row.disposed", True),
        ("row.period", msgspec.structs.replace(YEAR, until=YEAR.since + 1)),
        ("row.principal", "yunxiu"),
        ("row.operator", "yuanlu"),
        ("held_accounts", frozenset(("jianglan-own",))),
        ("held_numbers", frozenset(("10690001",))),
        ("account.reviewed", False),
        ("account.telecom_licence", msgspec.structs.replace(YEAR, until=YEAR.since + 1)),
        ("institution", None),
    ],
    ids=str,
)
def test_what_guards_the_account_and_the_number_guards_confirmations_too(path: str, value: object) -> None:
    assert Asked(REFUSED).permit is not None
    assert Asked(REFUSED.but(path, value)).permit is None


def test_each_confirmation_has_an_id_of_its_own() -> None:
    in_force = InForce(build(REFUSED)[1], VOCABULARY, CODES, REFUSED.now)
    confirmer = Confirmer(Confirmation(True, TEXT), in_force, journal_over(LogDouble()))
    understood = Understood(Reading("optout", "sms", "TD", 1.0), PERSON, "10690001", ())
    permits = [confirmer.permit(REFUSED.account, understood, REFUSED.now) for _ in range(3)]
    assert len({permit.decision.id for permit in permits if permit}) == 3
