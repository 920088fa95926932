"""What is wrong with the settings of the calls is told by key and reason, all of it at once."""

from pathlib import Path

import pytest

from proxy.settings import SettingsError, load

pytestmark = pytest.mark.unit

GOOD = """
[[sip.listeners]]
port = 0
[sip.trunks.jianglan]
account = "jl-voice"
addresses = ["192.0.2.10/32"]
[sip.carriers.default]
gateways = [{ host = "192.0.2.30" }]
"""


def faults(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "tdgate.toml"
    file.write_text(text, "utf-8")
    try:
        load(file)
    except SettingsError as error:
        return [line.removeprefix(f"{file}: ").partition(": ")[0] for line in error.errors]
    return []


@pytest.mark.parametrize(
    ("was", "becomes", "keys"),
    [
        ("port = 0", "port = 70000", ["sip.listeners.0.port"]),
        ("port = 0", 'host = "name.example"', ["sip.listeners.0.host"]),
        ("port = 0", 'transport = "tls"', ["sip.listeners.0.tls", "sip.carriers.default.gateways.0.transport"]),
        ("port = 0", "tls = { certificate = 'a', key = 'b' }", ["sip.listeners.0.tls"]),
        ('addresses = ["192.0.2.10/32"]', "", ["sip.trunks.jianglan"]),
        ('addresses = ["192.0.2.10/32"]', 'username = "u"', ["sip.trunks.jianglan.username"]),
        ("192.0.2.10/32", "192.0.2.10/24", ["sip.trunks.jianglan.addresses"]),
        ('account = "jl-voice"', "", ["sip.trunks.jianglan.account"]),
        ('account = "jl-voice"', 'account = "a"\ncarrier = "other"', ["sip.trunks.jianglan.carrier"]),
        ('{ host = "192.0.2.30" }', "", ["sip.carriers.default.gateways"]),
        ("192.0.2.30", "gw.example", ["sip.carriers.default.gateways.0.host"]),
        ('"192.0.2.30"', '"192.0.2.30", weight = 0', ["sip.carriers.default.gateways.0.weight"]),
        ('addresses = ["192.0.2.10/32"]', 'certificates = ["pbx.example"]', ["sip.trunks.jianglan.certificates"]),
        ("192.0.2.30", "127.0.0.1", []),
        (' "192.0.2.30"', ' "127.0.0.1", port = 5061', []),
        (
            "port = 0",
            'port = 5061\n[sip.trunks.x]\naccount = "x"\naddresses = ["::1"]\ngateways = [{ port = 5061 }]',
            ["sip.trunks.x.gateways.0"],
        ),
        ("[sip.carriers", 'gateways = [{ host = "pbx" }]\n[sip.carriers', ["sip.trunks.jianglan.gateways.0.host"]),
        (
            "[sip.carriers",
            'gateways = [{ transport = "tcp" }]\n[sip.carriers',
            ["sip.trunks.jianglan.gateways.0.transport"],
        ),
        ("[sip.carriers", "gateways = [{ weight = 0 }]\n[sip.carriers", ["sip.trunks.jianglan.gateways.0.weight"]),
        ("[sip.carriers", "no_answer_s = 0.0\n[sip.carriers", ["sip.trunks.jianglan.no_answer_s"]),
        ("[sip.carriers", "options_s = -1.0\n[sip.carriers", ["sip.trunks.jianglan.options_s"]),
        ("[[sip", "[sip]\nring_most_s = 60.0\n[[sip", ["sip.ring_most_s"]),
        ("[[sip", '[sip]\nalgorithms = ["ROT13"]\n[[sip', ["sip.algorithms"]),
        ("[[sip", "[sip]\nunknown = 1\n[[sip", ["sip.unknown"]),
    ],
)
def test_each_error_is_named(tmp_path: Path, was: str, becomes: str, keys: list[str]) -> None:
    assert faults(tmp_path, GOOD) == []
    assert was in GOOD
    assert faults(tmp_path, GOOD.replace(was, becomes, 1)) == keys


def test_a_password_is_never_told(tmp_path: Path) -> None:
    file = tmp_path / "tdgate.toml"
    file.write_text(GOOD.replace("addresses", 'password = "Wire-P4s"\naddresses', 1), "utf-8")
    with pytest.raises(SettingsError) as raised:
        load(file)
    assert "Wire-P4s" not in str(raised.value)
