"""Every key of the configuration stands in the manual with its default, and in the configuration that ships."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from proxy.settings import Settings, load
from proxy.smpp.text import alphabet_table

pytestmark = pytest.mark.unit

ROOT = Path(__file__).resolve().parents[2]
MANUAL = ROOT / "docs" / "manual" / "configuration.md"
SHIPPED = ROOT / "config" / "tdgate.toml"
ROW = re.compile(r"^\| `([a-z0-9_.]+)` \| `(.*?)` \| (.+) \|$", re.M)
#: Keys that a default configuration shows as a comment: they are tables that most have not.
COMMENTED = (
    *("smpp.listeners.tls", "smpp.routes.tls", "smpp.routes.alphabets", "smpp.pools.routes"),
    *("sip.listeners", "sip.digits", "sip.trunks", "sip.carriers"),
    "console.tls",
    *("lists.broker", "lists.http", "lists.follow"),
)


def struct_in(kind: Any) -> Any:
    return next(
        (one for one in (kind, *get_args(kind)) if isinstance(one, type) and issubclass(one, msgspec.Struct)), None
    )


def keys_of(kind: type[msgspec.Struct], prefix: str = "") -> Iterator[tuple[str, object]]:
    """(key, default) of everything that can be configured; names of routes and places of listeners left out."""
    for item in msgspec.structs.fields(kind):
        inner = struct_in(item.type)
        key = f"{prefix}{item.encode_name}"
        if inner is not None:
            yield from keys_of(inner, f"{key}.")
        elif item.default_factory is not msgspec.NODEFAULT:
            yield key, item.default_factory()
        else:
            yield key, item.default


def test_the_manual_has_every_key_with_its_default_and_no_other() -> None:
    written = {key: json.loads(default) for key, default, _ in ROW.findall(MANUAL.read_text("utf-8"))}
    assert written == dict(keys_of(Settings))


def test_the_shipped_configuration_has_every_key_and_changes_nothing() -> None:
    text = SHIPPED.read_text("utf-8")
    shipped = load(SHIPPED)
    assert msgspec.structs.replace(shipped, state="var") == Settings()
    assert shipped.state == str(SHIPPED.parent / "var")

    table = tomllib.loads(text)
    table["smpp"]["listeners"] = table["smpp"]["listeners"][0]
    table["smpp"]["routes"] = table["smpp"]["routes"]["default"]
    given = {".".join(path) for path in paths(table)}
    wanted = {key for key, _ in keys_of(Settings) if not key.startswith(COMMENTED)}
    assert given == wanted


def test_what_the_shipped_configuration_shows_as_a_comment_is_right_too(tmp_path: Path) -> None:
    text = re.sub(r"^# (?=\[\[|port = 3550|tls = |alphabets = )", "", SHIPPED.read_text("utf-8"), flags=re.M)
    file = tmp_path / "tdgate.toml"
    file.write_text(text, "utf-8")
    settings = load(file)
    assert settings.smpp.listeners[1].tls is not None
    assert settings.smpp.routes["default"].tls is not None
    alphabets = settings.smpp.routes["default"].alphabets
    assert alphabet_table({int(coding): names for coding, names in alphabets.items()}) != alphabet_table({})


def test_the_calls_that_the_shipped_configuration_shows_as_a_comment_are_right_too(tmp_path: Path) -> None:
    text = re.sub(r"^#: (?!tls = )", "", SHIPPED.read_text("utf-8"), flags=re.M)
    file = tmp_path / "tdgate.toml"
    file.write_text(text, "utf-8")
    sip = load(file).sip
    table = tomllib.loads(text)["sip"]
    shown = {
        "listeners": sip.listeners[0],
        "digits": sip.digits[0],
        "trunks": sip.trunks["jianglan"],
        "carriers": sip.carriers["default"],
    }
    written = {key: table[key][0] for key in ("listeners", "digits")} | {
        key: next(iter(table[key].values())) for key in ("trunks", "carriers")
    }
    for key, one in shown.items():
        assert set(written[key]) == {item.name for item in msgspec.structs.fields(one)} - {"tls"}


def paths(table: dict[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from paths(value, (*above, key))
        else:
            yield (*above, key)
