"""`check-config` says where a pack wants a refusal to be possible inside a call and nobody would hear it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from proxy.call_warnings import call_warnings
from proxy.cli import main
from proxy.registry.packs import pack_from, read_packs
from proxy.settings import SettingsError, load
from proxy.sip_settings import Sip, SipCarrier, SipDigits, SipGateway, SipKeypad, SipListener, SipTrunk

pytestmark = pytest.mark.unit

WANTED = frozenset(("marketing",))
GATEWAYS = [SipGateway(host="192.0.2.30")]


def warned(*, listeners: bool = True, digits: bool = False, keys: str = "9", **carrier: Any) -> list[str]:
    sip = Sip(
        listeners=[SipListener()] if listeners else [],
        trunks={"jianglan": SipTrunk(account="jl-voice", addresses=["192.0.2.10/32"])},
        carriers={"default": SipCarrier(gateways=GATEWAYS, **carrier), "unused": SipCarrier(gateways=GATEWAYS)},
        digits=[SipDigits()] if digits else [],
        keypad=SipKeypad(keys=keys),
    )
    assert list(call_warnings(sip, frozenset())) == [], "the pack wants nothing"
    return [line.partition(": ")[0] for line in call_warnings(sip, WANTED)]


@pytest.mark.parametrize(
    ("configured", "keys"),
    [
        ({}, ["sip.carriers.default.keys_by"]),
        ({"keys_by": "rtp"}, ["sip.carriers.default.keys_by"]),
        ({"keys_by": "info"}, []),
        ({"digits": True}, []),
        ({"keys_by": "rtp", "digits": True}, []),
        ({"end_user": True}, []),
        ({"end_user": True, "keys": ""}, []),
        ({"keys": ""}, ["sip.keypad.keys"]),
        ({"keys": "", "keys_by": "info", "digits": True}, ["sip.keypad.keys"]),
        ({"listeners": False}, []),
    ],
)
def test_a_way_to_refuse_is_missed_where_there_is_none(configured: dict[str, Any], keys: list[str]) -> None:
    assert warned(**configured) == keys


def test_what_is_said_names_what_to_do() -> None:
    sip = Sip(
        listeners=[SipListener()],
        trunks={"jianglan": SipTrunk(account="jl-voice", addresses=["192.0.2.10/32"])},
        carriers={"default": SipCarrier(gateways=GATEWAYS)},
    )
    (line,) = call_warnings(sip, ("marketing", "collection"))
    assert "collection, marketing" in line
    assert '"info"' in line
    assert "[[sip.digits]]" in line


def test_a_warning_changes_no_exit_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "tdgate.toml"
    written = """
state = "state"
[[sip.listeners]]
port = 0
[sip.trunks.jianglan]
account = "jl-voice"
addresses = ["192.0.2.10/32"]
[sip.carriers.default]
gateways = [{ host = "192.0.2.30" }]
"""
    config.write_text(written)
    assert main(["check-config", str(config)]) == 0
    told = capsys.readouterr()
    assert told.out == f"{config}: ok\n"
    assert told.err.startswith(f"warning: {config}: sip.carriers.default.keys_by: ")
    config.write_text(written + 'keys_by = "info"\n')
    assert main(["check-config", str(config)]) == 0
    assert capsys.readouterr().err == ""
    config.write_text(written + 'keys_by = "smoke signals"\n')
    with pytest.raises(SettingsError, match="keys_by"):
        load(config)


def test_packs_say_for_which_purposes(tmp_path: Path) -> None:
    assert read_packs("cn-default")[0].refusal_in_calls == WANTED
    assert read_packs("cn-open")[0].refusal_in_calls == frozenset()
    text = (Path(__file__).resolve().parents[2] / "config" / "packs" / "cn-default.toml").read_text("utf-8")
    for wrong, said in (
        ('purposes = ["bingo"]\nbasis = "x"', "refusal_in_calls.purposes"),
        ('purposes = ["marketing"]\nbasis = ""', "refusal_in_calls.basis"),
        ('purposes = ["marketing"]', "basis"),
    ):
        head = text.partition("[refusal_in_calls]")[0]
        with pytest.raises(SettingsError, match=said):
            pack_from(tomllib.loads(f"{head}[refusal_in_calls]\n{wrong}\n"), str(tmp_path))
