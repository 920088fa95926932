"""A wrong configuration: every error at once, each with file, key and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from proxy.settings import Settings, SettingsError, checked, load

pytestmark = pytest.mark.unit


def written(folder: Path, text: str) -> Path:
    path = folder / "tdgate.toml"
    path.write_text(text, encoding="utf-8")
    return path


def errors_of(folder: Path, text: str) -> list[str]:
    path = written(folder, text)
    with pytest.raises(SettingsError) as raised:
        load(path)
    assert str(raised.value) == "\n".join(raised.value.errors)
    for error in raised.value.errors:
        assert error.startswith(f"{path}: ")
    return [error.removeprefix(f"{path}: ") for error in raised.value.errors]


def keys_of(folder: Path, text: str) -> list[str]:
    return [error.partition(": ")[0] for error in errors_of(folder, text)]


def test_an_empty_file_is_the_defaults(tmp_path: Path) -> None:
    settings = load(written(tmp_path, ""))
    assert settings.state == str(tmp_path / "var")
    assert settings.path("registry.db") == tmp_path / "var" / "registry.db"
    assert settings.smpp == Settings().smpp


def test_paths(tmp_path: Path) -> None:
    assert load(written(tmp_path, 'state = "/srv/tdgate"')).state == "/srv/tdgate"
    assert load(written(tmp_path, 'state = "here"')).path("/etc/x") == Path("/etc/x")


def test_every_key_can_be_given(tmp_path: Path) -> None:
    settings = load(
        written(
            tmp_path,
            """
            [smpp]
            listeners = [{ port = 0 }, { host = "0.0.0.0", port = 3550, tls = { certificate = "a", key = "b" } }]
            [smpp.routes.north]
            port = 2776
            on_loss = "hold"
            alphabets = { "0" = ["latin1"] }
            [smpp.routes.north.tls]
            ca = "ca.pem"
            """,
        )
    )
    assert settings.smpp.routes["north"].alphabets == {"0": ["latin1"]}
    assert settings.smpp.listeners[1].tls is not None


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("port = 1", "port"),
        ("[smpp]\nwindows = 3", "smpp.windows"),
        ("[smpp.routes.north]\nhosts = 'x'", "smpp.routes.north.hosts"),
        ("[smpp.routes.north.tls]\nkeys = 'x'", "smpp.routes.north.tls.keys"),
        ("[[smpp.listeners]]\nport = 0\n[[smpp.listeners]]\nports = 1", "smpp.listeners.1.ports"),
        ("[[smpp.listeners]]\ntls = { keyfile = 'x', certificate = 'a', key = 'b' }", "smpp.listeners.0.tls.keyfile"),
        ("[evidence]\nlinger_s = 1", "evidence.linger_s"),
    ],
)
def test_an_unknown_key_is_named_with_the_whole_way_to_it(tmp_path: Path, text: str, key: str) -> None:
    (error,) = errors_of(tmp_path, text)
    assert error.startswith(f"{key}: unknown key; known are ")


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("smpp = 3", "smpp"),
        ("[smpp]\nroutes = []", "smpp.routes"),
        ("[smpp]\nroutes = { north = 3 }", "smpp.routes.north"),
        ("[smpp]\nlisteners = { port = 1 }", "smpp.listeners"),
        ("[smpp]\nlisteners = [3]", "smpp.listeners.0"),
        ("[[smpp.listeners]]\nport = '2775'", "smpp.listeners.0.port"),
        ("[[smpp.listeners]]\ntls = true", "smpp.listeners.0.tls"),
        ("[smpp.routes.north]\nwindow = 1.5", "smpp.routes.north.window"),
        ("[smpp.routes.north]\non_loss = 'drop'", "smpp.routes.north.on_loss"),
        ("[smpp.routes.north]\nalphabets = { 0 = ['latin1', 3] }", "smpp.routes.north.alphabets.0.1"),
        ("[smpp.routes.north]\nalphabets = { 0 = 'latin1' }", "smpp.routes.north.alphabets.0"),
        ("[smpp]\nwindow = true\npdu_timer_s = 'x'", "smpp.pdu_timer_s"),
        ("[console]\nenabled = 1", "console.enabled"),
        ("[log]\nlevel = 'loud'", "log.level"),
    ],
)
def test_a_wrong_type_is_named(tmp_path: Path, text: str, key: str) -> None:
    assert key in keys_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("[smpp]\nlisteners = []", "smpp.listeners"),
        ("[smpp]\nroutes = {}", "smpp.routes"),
        ("[[smpp.listeners]]\nport = 65536", "smpp.listeners.0.port"),
        ("[[smpp.listeners]]\nport = -1", "smpp.listeners.0.port"),
        ("[[smpp.listeners]]\n[[smpp.listeners]]", "smpp.listeners"),
        ("[[smpp.listeners]]\ntls = {}", "smpp.listeners.0.tls"),
        ("[smpp.routes.north]\nport = 0", "smpp.routes.north.port"),
        ("[smpp.routes.north]\nwindow = 0", "smpp.routes.north.window"),
        ("[smpp.routes.north]\nbackoff_first_s = 31.0", "smpp.routes.north.backoff_first_s"),
        ("[smpp.routes.north]\nconnect_timeout_s = 0.0", "smpp.routes.north.connect_timeout_s"),
        ("[smpp.routes.north]\ntls = { key = 'x' }", "smpp.routes.north.tls"),
        ("[smpp]\npdu_timer_s = nan", "smpp.pdu_timer_s"),
        ("[smpp]\npdu_timer_s = inf", "smpp.pdu_timer_s"),
        ("[smpp]\nresponse_timer_s = -1.0", "smpp.response_timer_s"),
        ("[smpp]\nconnections_most = 0", "smpp.connections_most"),
        ("[smpp]\ncommand_length_most_octets = 1023", "smpp.command_length_most_octets"),
        ("[smpp]\npassword_checks_at_once = 0", "smpp.password_checks_at_once"),
        ("[smpp]\npassword_delay_first_s = 60.0", "smpp.password_delay_first_s"),
        ("[smpp]\nmessage_ids_kept = 0", "smpp.message_ids_kept"),
        ("[smpp]\npurpose_tag = 0x0424", "smpp.purpose_tag"),
        ("[evidence]\nlinger_ms = 0", "evidence.linger_ms"),
        ("[evidence]\noutbox_most_records = 0", "evidence.outbox_most_records"),
        ("[evidence]\nsegment_octets = 0", "evidence.segment_octets"),
        ("[console]\nport = 70000", "console.port"),
    ],
)
def test_a_value_out_of_range_is_named(tmp_path: Path, text: str, key: str) -> None:
    assert keys_of(tmp_path, text) == [key]


def test_all_errors_come_at_once(tmp_path: Path) -> None:
    """Unknown keys, wrong types, ranges and contradictions, in one run."""
    text = """
    states = "x"
    [smpp]
    pdu_timer_s = "soon"
    connections_most = 0
    [[smpp.listeners]]
    port = "2775"
    tls = {}
    [smpp.routes.north]
    window = 0
    hots = "x"
    [log]
    level = "loud"
    """
    assert set(keys_of(tmp_path, text)) == {
        "states",
        "smpp.pdu_timer_s",
        "smpp.connections_most",
        "smpp.listeners.0.port",
        "smpp.listeners.0.tls",
        "smpp.routes.north.window",
        "smpp.routes.north.hots",
        "log.level",
    }


def test_a_default_is_not_blamed_for_a_faulty_key(tmp_path: Path) -> None:
    """The port that cannot be read is not taken for 2775, which the other listener has."""
    assert keys_of(tmp_path, "[[smpp.listeners]]\nport = 'x'\n[[smpp.listeners]]") == ["smpp.listeners.0.port"]


def test_a_value_is_not_shown_where_it_may_be_a_secret(tmp_path: Path) -> None:
    errors = errors_of(tmp_path, "[smpp.routes.north]\npassword = 13800138000")
    assert errors == ["smpp.routes.north.password: Expected `str`, got `int`"]


@pytest.mark.parametrize("content", [b"[smpp", b"a = 1\na = 2", b"\xff\xfe", b"x"])
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tdgate.toml"
    path.write_bytes(content)
    with pytest.raises(SettingsError) as raised:
        load(path)
    assert len(raised.value.errors) == 1
    assert raised.value.errors[0].startswith(f"{path}: ")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.toml"):
        load(tmp_path / "absent.toml")
    with pytest.raises(SettingsError):
        load(tmp_path)


class Inner(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    count: int = 0


class Outer(Struct, frozen=True, forbid_unknown_fields=True):
    one: Inner
    many: list[Inner] = []
    named: dict[str, Inner] = {}
    maybe: Inner | None = None


@pytest.mark.parametrize(
    ("table", "errors"),
    [
        ({}, ["one: missing"]),
        ({"one": {}}, ["one.name: missing"]),
        ({"one": {"name": "x"}, "many": [{"name": "y"}, {}]}, ["many.1.name: missing"]),
        ({"one": {"name": "x"}, "named": {"a": {}, "b": {"name": 1}}}, ["named.a.name: missing", "named.b.name: Exp"]),
        ({"one": {"name": "x"}, "maybe": {"nam": 1}}, ["maybe.nam: unknown key", "maybe.name: missing"]),
    ],
)
def test_missing_keys_of_any_struct(table: dict[str, Any], errors: list[str]) -> None:
    with pytest.raises(SettingsError) as raised:
        checked(Outer, table, "pack.toml")
    assert len(raised.value.errors) == len(errors)
    for found, expected in zip(raised.value.errors, errors, strict=True):
        assert found.startswith(f"pack.toml: {expected}")


def test_what_is_right_is_converted() -> None:
    found = checked(Outer, {"one": {"name": "x"}, "many": [{"name": "y"}], "maybe": {"name": "z"}}, "pack.toml")
    assert found == Outer(Inner("x"), [Inner("y")], {}, Inner("z"))
