"""Settings: TOML → frozen structs, every error with file, key and reason.

Owns the names, units and defaults of the configuration file. Units stand in the names (`_s`, `_ms`, `_octets`).
Unknown keys are errors. Reading is pure but for the one file; nothing here is changed after it was read.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct, field

S = TypeVar("S", bound=Struct)


class SettingsError(Exception):
    """The configuration is wrong; `errors` are lines `FILE: KEY: REASON`, all of them."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """Certificates of one listener or route. `ca` on a listener asks peers for a client certificate."""

    certificate: str = ""
    key: str = ""
    ca: str = ""
    server_name: str = ""


class Listener(Struct, frozen=True, forbid_unknown_fields=True):
    """An address that ESMEs connect to. Port 0 picks a free one and prints it."""

    host: str = "127.0.0.1"
    port: int = 2775
    tls: Tls | None = None


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier's SMSC. Without `system_id` the ESME's own system_id and password are passed on.

    `window` unanswered PDUs towards the carrier; `on_loss` what a lost carrier does to the ESME's bind; `alphabets`
    overrides the reading of a data_coding, e.g. `{ "0" = ["latin1"] }`.
    """

    host: str = "127.0.0.1"
    port: int = 2776
    tls: Tls | None = None
    system_id: str = ""
    password: str = ""
    window: int = 1000
    on_loss: Literal["close", "hold"] = "close"
    connect_timeout_s: float = 10.0
    backoff_first_s: float = 0.5
    backoff_most_s: float = 30.0
    alphabets: dict[str, list[str]] = {}


class Smpp(Struct, frozen=True, forbid_unknown_fields=True):
    """The SMPP bind proxy: listeners, routes, timers (SMPP v3.4 §7.2) and limits."""

    listeners: list[Listener] = field(default_factory=lambda: [Listener()])
    routes: dict[str, Route] = field(default_factory=lambda: {"default": Route()})
    session_init_timer_s: float = 10.0
    pdu_timer_s: float = 10.0
    enquire_link_timer_s: float = 30.0
    inactivity_timer_s: float = 600.0
    response_timer_s: float = 30.0
    command_length_most_octets: int = 70_000
    connections_most: int = 4000
    binds_pending_most: int = 1000
    password_checks_at_once: int = 1
    password_delay_first_s: float = 0.5
    password_delay_most_s: float = 30.0
    drain_s: float = 10.0
    purpose_tag: int = 0x1401
    message_ids_kept: int = 200_000


class Confirmation(Struct, frozen=True, forbid_unknown_fields=True):
    """The optional answer to a refusal, once per change of state."""

    enabled: bool = False
    text: str = "您已成功退订，本机构将不再向您发送营销信息。"


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """The evidence log. `linger_ms` bounds how long a permit may wait for its batch."""

    directory: str = "evidence"
    signing_key: str = "keys/evidence.pem"
    linger_ms: int = 100
    outbox_most_records: int = 200_000
    segment_octets: int = 64 << 20


class Store(Struct, frozen=True, forbid_unknown_fields=True):
    """The embedded store and the keys that stay outside it."""

    database: str = "registry.db"
    person_key: str = "keys/person.key"


class Console(Struct, frozen=True, forbid_unknown_fields=True):
    """The window for people: a process of its own that only reads."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8080


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rule pack and vocabulary; a bare name is one that ships, a path is a file."""

    pack: str = "cn-default"
    vocabulary: str = "optout"
    codes: str = "codes"


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """Structured log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration. Relative paths are under `state`, which is under the file's own folder."""

    state: str = "var"
    smpp: Smpp = field(default_factory=Smpp)
    policy: Policy = field(default_factory=Policy)
    confirmation: Confirmation = field(default_factory=Confirmation)
    evidence: Evidence = field(default_factory=Evidence)
    store: Store = field(default_factory=Store)
    console: Console = field(default_factory=Console)
    log: Log = field(default_factory=Log)

    def path(self, name: str) -> Path:
        """A configured path: absolute as it is, relative under the state folder."""
        return Path(self.state) / name


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file; raises SettingsError naming the file where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError([f"{path}: -: {error}"]) from error


def load(path: Path) -> Settings:
    """Reads and checks a configuration file; raises SettingsError with every error found."""
    settings = checked(Settings, read_toml(path), str(path))
    errors = [f"{path}: {line}" for line in _contradictions(settings)]
    if errors:
        raise SettingsError(errors)
    state = Path(settings.state)
    return settings if state.is_absolute() else msgspec.structs.replace(settings, state=str(path.parent / state))


def checked(kind: type[S], table: Mapping[str, Any], file: str) -> S:
    """Converts a table into a struct, or raises SettingsError with one line per wrong, missing or unknown key."""
    errors = [f"{file}: {line}" for line in _errors(kind, table, "")]
    if errors:
        raise SettingsError(errors)
    return msgspec.convert(table, kind)


def _errors(kind: type[Struct], table: Mapping[str, Any], prefix: str) -> list[str]:
    """Every error of a table. WHY: the library stops at the first, an operator wants all of them at once."""
    known = {item.encode_name: item for item in msgspec.structs.fields(kind)}
    found = [f"{prefix}{key}: unknown key; known are {', '.join(sorted(known))}" for key in table if key not in known]
    for name, item in known.items():
        if name not in table:
            if item.required:
                found.append(f"{prefix}{name}: missing")
            continue
        value, key = table[name], f"{prefix}{name}"
        nested = _nested(item.type)
        if nested is not None and isinstance(value, Mapping):
            found += _errors(nested, value, f"{key}.")
            continue
        try:
            msgspec.convert(value, item.type)
        except msgspec.ValidationError as error:
            found.append(f"{key}: {error}")
    return found


def _nested(kind: Any) -> type[Struct] | None:
    candidates = [kind, *getattr(kind, "__args__", ())]
    if getattr(kind, "__origin__", None) in (dict, list):
        return None
    return next((one for one in candidates if isinstance(one, type) and issubclass(one, Struct)), None)


def _contradictions(settings: Settings) -> list[str]:
    """What each key alone does not show: the whole has to fit together."""
    found = []
    smpp = settings.smpp
    if not smpp.listeners:
        found.append("smpp.listeners: at least one is needed")
    if not smpp.routes:
        found.append("smpp.routes: at least one is needed")
    for place, listener in enumerate(smpp.listeners):
        if listener.tls is not None and not (listener.tls.certificate and listener.tls.key):
            found.append(f"smpp.listeners.{place}.tls: certificate and key are both needed on a listener")
    for name, route in smpp.routes.items():
        if route.window < 1:
            found.append(f"smpp.routes.{name}.window: at least 1")
        if route.tls is not None and bool(route.tls.certificate) != bool(route.tls.key):
            found.append(f"smpp.routes.{name}.tls: certificate and key come together")
    for item in msgspec.structs.fields(Smpp):
        value = getattr(smpp, item.name)
        if item.name.endswith(("_s", "_most", "_octets")) and value <= 0:
            found.append(f"smpp.{item.name}: must be more than 0")
    if smpp.command_length_most_octets < 1024:
        found.append("smpp.command_length_most_octets: at least 1024")
    if settings.evidence.linger_ms < 1:
        found.append("evidence.linger_ms: at least 1")
    return found
