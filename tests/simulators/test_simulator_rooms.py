"""The rooms of the simulators that need no socket: patterns, texts, faults, histogram, checks, scenarios, registry."""

from __future__ import annotations

import argparse
import ast
import json
import random
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.registry.documents import read_rows
from proxy.registry.importing import Known, RowCheck, check_rows
from proxy.registry.keys import PersonSecret
from proxy.smpp import consts
from proxy.smpp.codec import decode
from proxy.smpp.pdu import response
from simulators import wording
from simulators.bodies import guess_ton_npi
from simulators.calls.settings import Answer, CallFaults, CallStep, UacSettings, UasSettings
from simulators.expectations import Expect, Range, check_amounts, check_statuses
from simulators.faults import Fate, Faults, fate_of
from simulators.figures import Latencies
from simulators.handset import Rule, matches
from simulators.options import build_parser, overlay
from simulators.patterns import compile_pattern
from simulators.receipts import read_receipt, receipt_text, standing_clock
from simulators.report import Summary, as_junit, lines_of
from simulators.scenario import (
    EsmeSettings,
    Reply,
    Scenario,
    ScenarioError,
    Step,
    Until,
    lay_over,
    read_scenario,
)
from simulators.seeded_registry import make_registry, write_registry
from simulators.smsc_settings import MessageIds, Receipts, SmscSettings
from simulators.traffic import Message, Traffic

pytestmark = pytest.mark.unit

SIMULATORS = Path(__file__).resolve().parents[2] / "simulators"
MANUAL = Path(__file__).resolve().parents[2] / "docs" / "manual" / "simulators.md"


# One seed, one run


def first(seed: int, count: int = 50) -> list[list[bytes]]:
    traffic = Traffic(Message(source="1069000#", destination="138{n:04}####", text="TD"), [], seed)
    return [traffic.next() for _ in range(count)]


def test_a_seed_gives_the_same_messages_and_another_seed_others() -> None:
    assert first(7) == first(7) != first(8)


def test_a_seed_gives_the_same_fates() -> None:
    faults = Faults(nack_share=0.3, wrong_sequence_share=0.2, duplicate_share=0.1, generic_nack_share=0.1)

    def fates(seed: int) -> list[Fate]:
        rng = random.Random(seed)
        return [fate_of(faults, count, rng) for count in range(1, 2001)]

    assert fates(1) == fates(1) != fates(2)
    assert 500 < fates(1).count(Fate.NACK) < 700
    assert {*fates(1)} == {Fate.NACK, Fate.GENERIC_NACK, Fate.WRONG_SEQUENCE, Fate.DUPLICATE, Fate.ANSWER}


def test_a_seed_gives_the_same_registry_and_its_rows_refer_to_each_other(tmp_path: Path) -> None:
    made = make_registry(5, 4, numbers=3, consents=10)
    assert made == make_registry(5, 4, numbers=3, consents=10) != make_registry(6, 4, numbers=3, consents=10)
    institutions = {row["id"] for row in made["institutions"]}
    assert len(institutions) == len(made["accounts"]) == 4
    assert len({row["address"] for row in made["numbers"]}) == 12
    for section, column in (("licences", "institution"), ("numbers", "principal"), ("consents", "institution")):
        assert {row[column] for row in made[section]} == institutions
    out = tmp_path / "registry.json"
    assert write_registry(argparse.Namespace(seed=5, institutions=4, numbers=3, consents=10, out=out)) == 0
    assert json.loads(out.read_text(encoding="utf-8")) == made
    assert write_registry(argparse.Namespace(seed=5, institutions=0, numbers=3, consents=10, out=out)) == 2


@pytest.mark.parametrize("year", [2025, 2026, 2029, 2090])
def test_the_importer_of_the_product_takes_every_row_of_a_seeded_registry(year: int, tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    made = make_registry(1, 3)
    path.write_text(json.dumps(made), encoding="utf-8")
    for row in (row for rows in made.values() if isinstance(rows, list) for row in rows):
        assert row.get("since", "2020-01-01") < f"{year}-06-01" < row.get("until", "2100-01-01")
    now_us = int(datetime(year, 6, 1, tzinfo=UTC).timestamp()) * 1_000_000
    report = check_rows(read_rows(path), RowCheck(Known(), PersonSecret(b"h" * 32, b"s" * 32), now_us))
    assert report.problems == []
    assert report.right["consents"] == 60


# Patterns


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("10690001", ["10690001"] * 3),
        ("a{n}", ["a0", "a1", "a2"]),
        ("{n:06}x", ["000000x", "000001x", "000002x"]),
        ("1, 2", ["1", "2", "1"]),
    ],
)
def test_patterns_without_chance(pattern: str, expected: list[str]) -> None:
    make = compile_pattern(pattern, random.Random(0))
    assert [make(number) for number in range(3)] == expected


@given(st.integers(), st.integers(1, 14))
def test_every_hash_sign_is_one_digit(seed: int, digits: int) -> None:
    single = compile_pattern("138" + "#" * digits, random.Random(seed))(0)
    several = compile_pattern("#" + "{n}" + "#" * digits, random.Random(seed))(5)
    assert single.startswith("138")
    assert (len(single), single.isdigit()) == (3 + digits, True)
    assert (len(several), several.isdigit(), several[1]) == (2 + digits, True, "5")


@pytest.mark.parametrize("pattern", ["{x}", "{", "{0}", "{n:zz}"])
def test_a_wrong_pattern_is_an_error(pattern: str) -> None:
    with pytest.raises(ValueError, match="pattern"):
        compile_pattern(pattern, random.Random(0))


# Texts


# WHY any text: GB 18030 has all of Unicode, as the others have; to ask for its characters by name takes six seconds.
@given(st.text(max_size=600), st.integers(0, 70000))
def test_parts_join_to_the_text_in_every_encoding_and_way(text: str, reference: int) -> None:
    for encoding in ("auto", "ucs2", "gb18030", "utf8"):
        for long in ("parts", "parts16", "sar", "payload"):
            pieces = wording.segments(text, encoding, long=long, reference=reference)
            found, numbers = "", []
            for piece in pieces:
                octets, part = wording.split_udh(piece.octets, piece.esm_class, piece.tlvs)
                found += wording.decode(octets, piece.data_coding)
                numbers.append(part.number if part else 1)
                assert len(piece.octets) <= 160
            assert found == text
            assert numbers == list(range(1, len(pieces) + 1))


@pytest.mark.parametrize(
    ("text", "encoding", "long", "sizes"),
    [
        ("x" * 160, "gsm", "parts", [160]),
        ("x" * 161, "gsm", "parts", [153, 8]),
        ("x" * 161, "gsm", "parts16", [152, 9]),
        ("x" * 152 + "€" * 5, "gsm", "parts", [152, 10]),
        ("退" * 71, "ucs2", "parts", [134, 8]),
        ("退" * 71, "ucs2", "parts16", [132, 10]),
        ("x" * 141, "latin1", "parts", [134, 7]),
        ("x" + "退" * 70, "gb18030", "parts", [133, 8]),
        ("退" * 66 + "😀" * 5, "ucs2", "parts", [132, 20]),
    ],
)
def test_parts_are_as_long_as_a_handset_takes_and_split_no_character(
    text: str, encoding: str, long: str, sizes: list[int]
) -> None:
    """3GPP TS 23.040 §9.2.3.24: with its header a part fills 140 octets, or 160 septets."""
    pieces = wording.segments(text, encoding, long=long)
    header = 0 if len(pieces) == 1 else 7 if long == "parts16" else 6
    assert [len(piece.octets) - header for piece in pieces] == sizes


def test_a_text_is_never_bent_to_fit() -> None:
    with pytest.raises(ValueError, match="GSM"):
        wording.segments("退订", "gsm")
    with pytest.raises(ValueError, match="160"):
        wording.segments("x" * 161, long="refuse")
    with pytest.raises(ValueError, match="255"):
        wording.segments("退" * 67 * 256)
    with pytest.raises(ValueError, match="klingon"):
        wording.segments("x", "klingon")
    assert wording.segments("0a0b", "hex", data_coding=245) == [wording.Segment(b"\x0a\x0b", 245)]


def test_addresses_get_the_ton_that_suits_them() -> None:
    numbers = ("10690001", "13800138000", "8613800138000", "+8613800138000", "JLBANK", "")
    assert [guess_ton_npi(number) for number in numbers] == [(0, 0), (0, 0), (1, 1), (1, 1), (5, 0), (0, 0)]


def test_traffic_puts_only_the_destination_into_a_template() -> None:
    message = Message(destination="1380013{n:04}", registered_delivery=1, tlvs=("0x1401=0a",), service_type="CMT")
    traffic = Traffic(message, ["一", "二" * 200], 0)
    for number in range(6):
        bodies = traffic.next()
        assert len(bodies) == (1 if number % 2 == 0 else 3)
        for body in bodies:
            fields = decode(response(consts.SUBMIT_SM, 0, 1, body))
            assert fields.values["destination_addr"] == f"1380013{number:04}".encode()
            assert (fields.values["service_type"], fields.values["registered_delivery"]) == (b"CMT", 1)
            assert fields.tlvs == ((0x1401, b"\x0a"),)


def test_receipts_are_read_as_they_were_written() -> None:
    text = receipt_text("0a1f", "EXPIRED", standing_clock(datetime(2026, 1, 1, tzinfo=UTC)), b"text with id:x inside")
    assert text.endswith(b"text:text with id:x insid")
    found = read_receipt(text, ())
    assert (found.message_id, found.state, found.error) == ("0a1f", "EXPIRED", "001")
    assert read_receipt(b"", ((consts.TAG_RECEIPTED_MESSAGE_ID, b"7\0"), (consts.TAG_MESSAGE_STATE, b"\2"))) == (
        type(found)("7", "DELIVRD", "")
    )


# Figures


@given(st.lists(st.integers(0, 60_000_000), min_size=1, max_size=300), st.floats(0.01, 1.0))
def test_quantiles_are_within_a_per_cent_of_the_truth(micros: list[int], share: float) -> None:
    latencies = Latencies()
    for each in micros:
        latencies.add(each / 1e6)
    [found] = latencies.quantiles_ms(share)
    truth = sorted(micros)[max(1, -int(-share * len(micros) // 1)) - 1] / 1000
    assert truth * 0.997 - 0.002 <= found <= truth + 0.001
    assert abs(latencies.largest_ms - max(micros) / 1000) <= 0.001


def test_quantiles_of_nothing_are_zero() -> None:
    assert Latencies().quantiles_ms(0.5, 0.99) == [0.0, 0.0]


# Checks


def test_what_is_not_named_must_not_occur() -> None:
    checks = check_statuses("status", {"ESME_ROK": 2, "11": Range(min=1, max=3)}, {0: 2, 0x0B: 4, 0x58: 1})
    assert [(check.name, check.ok) for check in checks] == [
        ("status 0x00000000", True),
        ("status 0x0000000B", False),
        ("status 0x00000058", False),
    ]
    assert check_amounts("receipt", {}, {"DELIVRD": 3}) == []


def test_junit_and_lines_show_figures_and_failures() -> None:
    checks = check_amounts("receipt", {"DELIVRD": 1}, {})
    summary = Summary("esme", "<n>", tuple(checks), {"sent": 1, "statuses": {"0x00000000": 1}, "receipts": {}})
    junit = as_junit(summary)
    assert 'failures="1"' in junit
    assert '<failure message="expected 1, found 0"' in junit
    assert lines_of(summary.figures) == [
        "  sent               1",
        "  statuses           0x00000000 1",
        "  receipts           -",
    ]


def test_patterns_of_people() -> None:
    for pattern, fits in (("", True), ("138*", True), ("13800138000", True), ("139*", False), ("1380013800", False)):
        assert matches(pattern, "13800138000") is fits


# Scenarios and options


def test_options_lie_over_a_scenario_key_by_key() -> None:
    tables = {"seed": 1, "esme": {"window": 5, "count": 10}, "expect": {"statuses": {"0": 10}}}
    options = build_parser().parse_args(["esme", "--count", "20", "--seed", "3", "--tlv", "0x1401=00"])
    scenario = read_scenario(lay_over(tables, overlay(options, "esme")), "esme")
    assert (scenario.seed, scenario.esme.window, scenario.esme.count, scenario.esme.tlvs) == (3, 5, 20, ("0x1401=00",))
    assert scenario.expect.statuses == {"0": 10}


def test_options_without_a_scenario_are_the_defaults() -> None:
    for role in ("esme", "smsc", "handset", "uac", "uas"):
        options = build_parser().parse_args([role])
        assert read_scenario(lay_over({}, overlay(options, role)), role) == Scenario()  # type: ignore[arg-type]


def test_options_of_calls_reach_their_tables() -> None:
    written = "uac --port 5061 --transport tls --no-offer --header Subject:x --lose-ack 2 --press 9 --hold-s 1"
    options = build_parser().parse_args([*written.split(), "--expect", "603=1", "--expect-rule", "hours.closed=1"])
    scenario = read_scenario(lay_over({"uac": {"port": 1, "count": 3}}, overlay(options, "uac")), "uac")
    faults = CallFaults(lose_ack=2)
    assert scenario.uac == UacSettings(
        port=5061, transport="tls", offer=False, headers=("Subject:x",), count=3, press="9", hold_s=1.0, faults=faults
    )
    assert scenario.expect == Expect(statuses={"603": 1}, rules={"hours.closed": 1})
    written = "uas --status 302 --early-media --algorithms MD5 --until-calls 4 --until-s 9 --stay --silent-share 0.5"
    options = build_parser().parse_args(written.split())
    scenario = read_scenario(lay_over({}, overlay(options, "uas")), "uas")
    assert scenario.uas == UasSettings(
        status=302, early_media=True, algorithms=("MD5",), follow_contact=False, faults=CallFaults(silent_share=0.5)
    )
    assert scenario.until == Until(calls=4, duration_s=9.0)


@pytest.mark.parametrize(
    "table",
    [{"press": "E"}, {"headers": ["no colon"]}, {"headers": ["A: b\r\nC: d"]}, {"faults": {"loss": 1.5}}, {"host": 1}],
)
def test_calls_that_cannot_be_meant(table: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError):
        read_scenario({"uac": table}, "uac")


def test_smsc_options_reach_their_tables() -> None:
    written = "smsc --account a:b --clock 2026-01-05T22:30:00+08:00 --id-format decimal --receipt-state DELIVRD=3"
    written += " --receipt-state UNDELIV --nack-share 0.5 --nack-status 0x14 --until-submits 4 --ignore-binds"
    options = build_parser().parse_args(written.split())
    scenario = read_scenario(lay_over({}, overlay(options, "smsc")), "smsc")
    assert scenario.clock == datetime(2026, 1, 5, 14, 30, tzinfo=UTC)
    assert scenario.smsc == SmscSettings(
        accounts={"a": "b"},
        ids=MessageIds(format="decimal"),
        receipts=Receipts(states={"DELIVRD": 3.0, "UNDELIV": 1.0}),
        faults=Faults(nack_share=0.5, nack_status=0x14, ignore_binds=True),
    )
    assert scenario.until == Until(submits=4)


@pytest.mark.parametrize(
    "tables",
    [
        {"uac": {"port": 1}},
        {"esme": {"x": 1}},
        {"x": 1},
        {"esme": 3},
        {"message": [{"stat": 1}]},
        {"expect": {"sent": {"least": 1}}},
    ],
)
def test_unknown_keys_are_errors_at_every_depth(tables: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError):
        read_scenario(lay_over(tables, overlay(build_parser().parse_args(["esme"]), "esme")), "esme")


def test_simulators_use_nothing_of_the_product_but_its_codec() -> None:
    codec_rooms = {"consts", "pdu", "codec", "short_message", "tlv", "gsm", "receipt", "text"}
    # WHY more of SIP: transactions and dialogs are the standard's alone; leg, call, calls, door and desk are not here.
    sip_rooms = {"dialog", "digest_client", "digest_hash", "dtmf", "error", "flow", "framing", "headers", "hop", "ids"}
    sip_rooms |= {"message", "name_addr", "reply", "screening", "timers", "uri"}
    sip_rooms |= {f"transaction.{room}" for room in ("base", "invite_client", "table", "timing")}
    found = set()
    # WHY not the demo: it stands between the product and the simulators, and knows both.
    for path in sorted(path for path in SIMULATORS.rglob("*.py") if not path.name.startswith("demo")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "proxy":
                alone = node.module == "proxy.smpp"
                found |= {f"proxy.smpp.{alias.name}" for alias in node.names} if alone else {node.module}
            elif isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names if alias.name.split(".")[0] == "proxy"}
    assert found
    assert found <= {f"proxy.smpp.{room}" for room in codec_rooms} | {f"proxy.sip.{room}" for room in sip_rooms}


@pytest.mark.parametrize(
    "table",
    [
        *(Scenario, EsmeSettings, Step, SmscSettings, MessageIds, Receipts, Faults, Rule, Reply, Until, Expect),
        *(UacSettings, CallStep, UasSettings, Answer, CallFaults),
    ],
    ids=lambda table: table.__name__,
)
def test_the_manual_names_every_key_of_a_scenario(table: type[msgspec.Struct]) -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    assert [field for field in table.__struct_fields__ if f"`{field}`" not in manual] == []


def test_the_examples_of_the_manual_can_be_read() -> None:
    found = re.findall(r"^```toml\n# \S+: tdgate-sim (\w+) (.*?)^```", MANUAL.read_text(encoding="utf-8"), re.M | re.S)
    assert {role for role, _ in found} == {"handset", "uac", "uas"}
    for role, text in found:
        scenario = read_scenario(tomllib.loads("# " + text), role)
        assert scenario != Scenario()


def test_the_manual_names_every_option() -> None:
    manual = MANUAL.read_text(encoding="utf-8")
    parser = build_parser()
    [roles] = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    options = {
        option
        for role in roles.choices.values()
        for action in role._actions
        for option in action.option_strings
        if option.startswith("--") and option != "--help"
    }
    assert sorted(option for option in options if f"`{option}" not in manual) == []
