"""Scenario files: one TOML document that says what a simulator does and what must come of it.

Owns the schema. Unknown keys are errors, and so are tables that the role does not use. Must never run anything.
Options of the command are laid over a scenario's tables before they are read, by the same rules.
"""

import tomllib
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

import msgspec

from simulators.calls.settings import Answer, CallStep, UacSettings, UasSettings
from simulators.expectations import Expect
from simulators.handset import Rule
from simulators.smsc_settings import SmscSettings
from simulators.traffic import Message


class ScenarioError(Exception):
    """A scenario (or an option) that cannot be meant: the message names file, key and reason."""


class EsmeSettings(Message, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[esme]`: the binds, and what every message of a load is made of."""

    host: str = "127.0.0.1"
    port: int = 2775
    system_id: str = "esme"
    """A pattern with `{n}`, the number of the bind from 0."""
    password: str = "secret"
    system_type: str = ""
    address_range: str = ""
    interface_version: int = 0x34
    bind: Literal["tx", "rx", "trx", "tx+rx"] = "trx"
    """`tx+rx`: a transmitter and a receiver for each of `binds`."""
    binds: int = 1
    window: int = 10
    rate: float | None = None
    """Messages a second, all binds together; absent: as fast as the windows let."""
    count: int | None = None
    duration_s: float | None = None
    texts: str = ""
    """A file with one text a line, relative to the scenario; instead of `text`."""
    enquire_link_s: float = 0.0
    limit_s: float = 10.0
    """How long an answer may take."""
    settle_s: float = 5.0
    """How long receipts may take after the last answer."""
    stack: Literal["own", "smpplib"] = "own"


class Step(Message, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[[message]]` of an ESME's script: sent one after the other, each answered before the next."""

    status: int | None = None
    """What it must be answered with."""
    repeat: int = 1
    bind: int = 0
    """Which bind sends it, from 0."""
    after_replies: int = 0
    """Waits until so many replies have come to any bind."""
    after_receipts: int = 0


class Reply(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table `[[reply]]` of an SMSC: a mobile-originated message that nobody has to provoke."""

    source: str
    destination: str
    text: str
    encoding: str = "auto"
    data_coding: int | None = None
    command: Literal["deliver_sm", "data_sm"] = "deliver_sm"
    system_id: str | None = None
    tlvs: tuple[str, ...] = ()
    after_submits: int = 0
    after_ms: float = 0.0
    status: int | None = None
    """What it must be answered with."""


class Until(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table `[until]`: an SMSC, handset or UAS ends when all counts are reached, or after `duration_s`."""

    submits: int | None = None
    deliveries_answered: int | None = None
    """Receipts and replies that were answered."""
    calls: int | None = None
    """Calls that came and are over."""
    duration_s: float | None = None


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole file."""

    name: str = ""
    seed: int = 0
    clock: datetime | None = None
    """What the SMSC's clock shows, and goes on showing: timestamps of receipts."""
    esme: EsmeSettings = EsmeSettings()
    message: tuple[Step, ...] = ()
    smsc: SmscSettings = SmscSettings()
    reply: tuple[Reply, ...] = ()
    rule: tuple[Rule, ...] = ()
    uac: UacSettings = UacSettings()
    call: tuple[CallStep, ...] = ()
    uas: UasSettings = UasSettings()
    answer: tuple[Answer, ...] = ()
    until: Until = Until()
    expect: Expect = Expect()


Role = Literal["esme", "smsc", "handset", "uac", "uas"]
_COMMON: Final = frozenset({"name", "seed", "expect"})
TABLES: Final = MappingProxyType(
    {
        "esme": _COMMON | {"clock", "esme", "message"},
        "smsc": _COMMON | {"clock", "smsc", "reply", "until"},
        "handset": _COMMON | {"clock", "smsc", "reply", "rule", "until"},
        "uac": _COMMON | {"uac", "call"},
        "uas": _COMMON | {"uas", "answer", "until"},
    }
)
"""Which tables each role reads."""


def read_tables(path: Path) -> dict[str, Any]:
    """Read a file as plain tables; ScenarioError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as wrong:
        raise ScenarioError(f"{path}: {wrong}") from None


def lay_over(tables: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """Lay options over the tables of a file, key by key; values of None leave what is there."""
    result = dict(tables)
    for key, value in options.items():
        if isinstance(value, dict):
            below = result.get(key, {})
            if not isinstance(below, dict):
                raise ScenarioError(f"{key}: expected a table")
            merged = lay_over(below, value)
            if merged or key in result:
                result[key] = merged
        elif value is not None:
            result[key] = value
    return result


def read_scenario(tables: dict[str, Any], role: Role, origin: str = "options") -> Scenario:
    """Turn tables into a scenario for a role; ScenarioError names the key that is wrong."""
    foreign = tables.keys() - TABLES[role]
    known = foreign & set(Scenario.__struct_fields__)
    if known:
        raise ScenarioError(f"{origin}: {', '.join(sorted(known))}: not for the role {role}")
    try:
        return msgspec.convert(tables, Scenario)
    except msgspec.ValidationError as wrong:
        raise ScenarioError(f"{origin}: {wrong}") from None


def read_texts(settings: EsmeSettings, folder: Path) -> list[str]:
    """Read the file of texts, without empty lines; an empty list where none is named."""
    if not settings.texts:
        return []
    path = folder / settings.texts
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as wrong:
        raise ScenarioError(f"{path}: {wrong}") from None
    texts = [line for line in lines if line.strip()]
    if not texts:
        raise ScenarioError(f"{path}: no text in it")
    return texts
