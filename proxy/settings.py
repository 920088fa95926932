"""Settings: TOML → frozen structs, every error with file, key and reason.

Owns the names, units and defaults of the configuration file. Units stand in the names (`_s`, `_ms`, `_octets`).
Unknown keys are errors. Reading is pure but for the one file; nothing here is changed after it was read.
"""

import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec
from msgspec import Struct, field

from proxy import list_settings, sip_settings
from proxy.list_settings import Lists
from proxy.settings_shape import Tls as Tls
from proxy.settings_shape import port_range, ranges
from proxy.sip_settings import Sip

S = TypeVar("S", bound=Struct)

_SYSTEM_ID_MOST: Final = 15
_PASSWORD_MOST: Final = 8
#: `evidence/counting.py` looks two hours back for what a day may have left open.
_TALLY_MOST_S: Final = 3600.0
_BYPASS_MOST_MIN: Final = 24 * 60


class SettingsError(Exception):
    """The configuration is wrong; `errors` are lines `FILE: KEY: REASON`, all of them."""

    def __init__(self, errors: list[str]) -> None:
        super().__init__("\n".join(errors))
        self.errors = errors


class Listener(Struct, frozen=True, forbid_unknown_fields=True):
    """An address that ESMEs connect to. Port 0 picks a free one and prints it."""

    host: str = "127.0.0.1"
    port: int = 2775
    tls: Tls | None = None


class Route(Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier's SMSC. Without `system_id` the ESME's own system_id and password are passed on.

    `window` unanswered PDUs towards the carrier; `on_loss` what a lost carrier does to the ESME's bind; `alphabets`
    overrides the reading of a data_coding, e.g. `{ "0" = ["latin-1"] }`. In a pool: how many `binds` it has, whose
    subscribers it serves (`carriers`, none: all), its `priority` (lower goes first) and `weight` among those
    of one priority, and how many messages a second it takes at most (`rate_per_s`, 0: no limit).
    """

    host: str = "127.0.0.1"
    port: int = 2776
    tls: Tls | None = None
    system_id: str = ""
    password: str = ""
    window: int = 1000
    withdraw: bool = True
    outbind: Literal["ignore", "close"] = "ignore"
    on_loss: Literal["close", "hold"] = "close"
    binds: int = 2
    carriers: list[str] = []
    priority: int = 1
    weight: int = 1
    rate_per_s: float = 0.0
    connect_timeout_s: float = 10.0
    backoff_first_s: float = 0.5
    backoff_most_s: float = 30.0
    alphabets: dict[str, list[str]] = {}


class Pool(Struct, frozen=True, forbid_unknown_fields=True):
    """Routes that many ESMEs share: an account whose `route` names a pool has its messages sent over any of them."""

    routes: list[str] = []


class Spool(Struct, frozen=True, forbid_unknown_fields=True):
    """What waits for an ESME of a pool, and parts of stalled senders: encrypted under `key`, made where missing."""

    directory: str = "spool"
    key: str = "keys/spool.key"
    octets_most: int = 1 << 30
    account_octets_most: int = 256 << 20
    age_most_s: float = 259_200.0


class Trail(Struct, frozen=True, forbid_unknown_fields=True):
    """The ids of messages that wait for their receipt, where tdgate gave them ids of its own."""

    directory: str = "trail"


class Routing(Struct, frozen=True, forbid_unknown_fields=True):
    """Whose subscriber a number is; a bare name is a table that ships, a path is a file."""

    carriers: str = "carriers"


class Stalled(Struct, frozen=True, forbid_unknown_fields=True):
    """Long messages whose sender waits for answers: parts are kept on disk and answered under ids of tdgate's own.

    `enabled` false refuses them instead. `parts_most` and `account_octets_most` bound one account, `deadline_s` is
    until when all parts are there, `age_most_s` how long a whole message is tried, with pauses between the tries.
    """

    enabled: bool = True
    parts_most: int = 10_000
    account_octets_most: int = 8 << 20
    deadline_s: float = 120.0
    age_most_s: float = 3600.0
    retry_first_s: float = 1.0
    retry_most_s: float = 60.0


class Smpp(Struct, frozen=True, forbid_unknown_fields=True):
    """The SMPP bind proxy: listeners, routes, pools, timers (SMPP v3.4 §7.2) and limits."""

    listeners: list[Listener] = field(default_factory=lambda: [Listener()])
    routes: dict[str, Route] = field(default_factory=lambda: {"default": Route()})
    pools: dict[str, Pool] = {}
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
    delivery_retry_s: float = 5.0
    parts_deadline_s: float = 30.0
    parts_quiet_ms: int = 1000
    parts_most_octets: int = 4 << 20
    mo_parts_wait_ms: int = 3000
    pending_most: int = 20_000
    pending_s: float = 86_400.0
    stalled: Stalled = field(default_factory=Stalled)


class Confirmation(Struct, frozen=True, forbid_unknown_fields=True):
    """The optional answer to a refusal, once per change of state."""

    enabled: bool = False
    text: str = "您已成功退订，本机构将不再向您发送营销信息。"


class Review(Struct, frozen=True, forbid_unknown_fields=True):
    """Replies that careful readers may read differently: whether each counts as a refusal until somebody decides.

    `most` cases wait at once; what comes then counts as configured, and waits for nobody. `quoted_most`: messages that
    are remembered, in memory alone, so that what a reply quotes of them is known; 0 for none.
    """

    meanwhile: Literal["refuse", "none"] = "refuse"
    most: int = 10_000
    quoted_most: int = 50_000


class Evidence(Struct, frozen=True, forbid_unknown_fields=True):
    """The evidence log. `linger_ms` bounds how long a permit may wait for its batch.

    `tally_s` is how often each account's counts are recorded, at most an hour.
    """

    directory: str = "evidence"
    signing_key: str = "keys/evidence.pem"
    linger_ms: int = 100
    outbox_most_records: int = 200_000
    segment_octets: int = 64 << 20
    tally_s: float = 60.0


class Store(Struct, frozen=True, forbid_unknown_fields=True):
    """The embedded store and the keys that stay outside it."""

    database: str = "registry.db"
    person_key: str = "keys/person.key"


class Console(Struct, frozen=True, forbid_unknown_fields=True):
    """The window for people and the HTTP interface: a process of its own."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8080
    tls: Tls | None = None


class Api(Struct, frozen=True, forbid_unknown_fields=True):
    """What institutions may tell and ask over HTTP with a token, in the window's process.

    `requests_per_s` in the long run and `requests_at_once` hold for each token, `precheck_rows_per_day` for each
    institution, over HTTP and by command together; `precheck_rows_most` for one request.
    """

    enabled: bool = True
    requests_per_s: float = 50.0
    requests_at_once: int = 100
    body_most_octets: int = 65_536
    precheck_rows_most: int = 5000
    precheck_rows_per_day: int = 500_000


class Policy(Struct, frozen=True, forbid_unknown_fields=True):
    """Which rule packs, and which words of replies (`vocabulary`) and of messages (`content`).

    A bare name is one that ships, a path is a file.

    `pack` is the base, which always binds; `packs` bind where their region is that of the institution, of the person,
    or `region`, the province of whoever runs this installation. `contacts_most`: persons whose contacts are counted for
    caps. `bypass_most_min`: the longest time for which two people may open a bypass.
    `expiry_warn_days`: how long before a licence, contract or entrustment ends it is told; 0 for never.
    """

    pack: str = "cn-default"
    packs: list[str] = field(default_factory=lambda: ["cn-zhejiang", "cn-jiangsu", "cn-ningxia"])
    region: str = ""
    contacts: str = "contacts"
    contacts_most: int = 20_000_000
    vocabulary: str = "optout"
    content: str = "content"
    codes: str = "codes"
    call_codes: str = "call_codes"
    bypass_most_min: int = 120
    expiry_warn_days: int = 30


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """Structured log on standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole configuration. Relative paths are under `state`, which is under the file's own folder."""

    state: str = "var"
    smpp: Smpp = field(default_factory=Smpp)
    sip: Sip = field(default_factory=Sip)
    policy: Policy = field(default_factory=Policy)
    confirmation: Confirmation = field(default_factory=Confirmation)
    review: Review = field(default_factory=Review)
    evidence: Evidence = field(default_factory=Evidence)
    store: Store = field(default_factory=Store)
    spool: Spool = field(default_factory=Spool)
    trail: Trail = field(default_factory=Trail)
    routing: Routing = field(default_factory=Routing)
    lists: Lists = field(default_factory=Lists)
    console: Console = field(default_factory=Console)
    api: Api = field(default_factory=Api)
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
    table = read_toml(path)
    faults = list(_faults(Settings, table, ()))
    for fault in faults:
        _take_out(table, fault.key)
    # WHY on what is left: an operator wants all errors at once, not the next one after each that is mended.
    settings = msgspec.convert(table, Settings)
    lines = [str(fault) for fault in faults]
    # A default that stands in for a faulty part must not be blamed for not fitting the rest.
    lines += [line for line in _contradictions(settings) if not any(one.startswith(_key(line)) for one in lines)]
    errors = [f"{path}: {line}" for line in lines]
    if errors:
        raise SettingsError(errors)
    state = Path(settings.state)
    return settings if state.is_absolute() else msgspec.structs.replace(settings, state=str(path.parent / state))


def checked(kind: type[S], table: Mapping[str, Any], file: str) -> S:
    """Converts a table into a struct, or raises SettingsError with one line per wrong, missing or unknown key."""
    errors = [f"{file}: {fault}" for fault in _faults(kind, table, ())]
    if errors:
        raise SettingsError(errors)
    return msgspec.convert(table, kind)


class _Fault(Struct, frozen=True):
    """What is wrong with one key; keys and places in lists lead to it."""

    key: tuple[str | int, ...]
    reason: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.key))}: {self.reason}"


def _faults(kind: type[Struct], table: Mapping[str, Any], prefix: tuple[str | int, ...]) -> Iterator[_Fault]:
    """Every error of a table. WHY: the library stops at the first, and names a key of a nested table by its table."""
    known = {item.encode_name: item for item in msgspec.structs.fields(kind)}
    for key in table:
        if key not in known:
            yield _Fault((*prefix, key), f"unknown key; known are {', '.join(sorted(known))}")
    for name, item in known.items():
        if name in table:
            yield from _faults_of(item.type, table[name], (*prefix, name))
        elif item.required:
            yield _Fault((*prefix, name), "missing")


def _faults_of(kind: Any, value: Any, key: tuple[str | int, ...]) -> Iterator[_Fault]:
    container, inner = get_origin(kind), get_args(kind)
    nested = next((one for one in (kind, *inner) if isinstance(one, type) and issubclass(one, Struct)), None)
    if container is dict and isinstance(value, Mapping):
        for name, one in value.items():
            yield from _faults_of(inner[1], one, (*key, name))
    elif container is list and isinstance(value, list):
        for place, one in enumerate(value):
            yield from _faults_of(inner[0], one, (*key, place))
    elif container not in (dict, list) and nested is not None and isinstance(value, Mapping):
        yield from _faults(nested, value, key)
    else:
        try:
            msgspec.convert(value, kind)
        except msgspec.ValidationError as error:
            yield _Fault(key, str(error))


def _take_out(table: dict[str, Any], key: tuple[str | int, ...]) -> None:
    """Leaves a faulty key to its default. A faulty part of a list takes the list along: it would move the rest."""
    within: Any = table
    for part, after in pairwise(key):
        if isinstance(after, int) and not isinstance(within[part][after], Mapping):
            del within[part]
            return
        within = within[part]
    within.pop(key[-1], None)


def _contradictions(settings: Settings) -> Iterator[str]:
    """What the type of a key does not show: its range, and whether the whole fits together."""
    smpp = settings.smpp
    if not smpp.listeners:
        yield "smpp.listeners: at least one is needed"
    if not smpp.routes:
        yield "smpp.routes: at least one is needed"
    for place, listener in enumerate(smpp.listeners):
        yield from port_range(f"smpp.listeners.{place}.port", listener.port, least=0)
        if listener.tls is not None and not (listener.tls.certificate and listener.tls.key):
            yield f"smpp.listeners.{place}.tls: certificate and key are both needed on a listener"
    fixed = [(listener.host, listener.port) for listener in smpp.listeners if listener.port]
    if len(set(fixed)) < len(fixed):
        yield "smpp.listeners: two have one host and port"
    for name, route in smpp.routes.items():
        yield from ranges(f"smpp.routes.{name}", route)
        yield from port_range(f"smpp.routes.{name}.port", route.port, least=1)
        yield from _credentials(f"smpp.routes.{name}", route)
        if route.window < 1:
            yield f"smpp.routes.{name}.window: at least 1"
        if route.backoff_first_s > route.backoff_most_s:
            yield f"smpp.routes.{name}.backoff_first_s: more than backoff_most_s"
        if route.tls is not None and bool(route.tls.certificate) != bool(route.tls.key):
            yield f"smpp.routes.{name}.tls: certificate and key come together"
    yield from _pools(smpp)
    yield from sip_settings.contradictions(settings.sip)
    yield from list_settings.contradictions(settings.lists)
    yield from ranges("smpp", smpp)
    yield from ranges("smpp.stalled", smpp.stalled)
    if smpp.stalled.retry_first_s > smpp.stalled.retry_most_s:
        yield "smpp.stalled.retry_first_s: more than retry_most_s"
    yield from ranges("spool", settings.spool)
    if settings.policy.contacts_most < 1:
        yield "policy.contacts_most: at least 1"
    if not 1 <= settings.policy.bypass_most_min <= _BYPASS_MOST_MIN:
        yield f"policy.bypass_most_min: 1 to {_BYPASS_MOST_MIN}"
    yield from ranges("evidence", settings.evidence)
    if settings.evidence.tally_s > _TALLY_MOST_S:
        yield f"evidence.tally_s: at most {_TALLY_MOST_S:.0f}"
    if not _is_one_message(settings.confirmation.text):
        yield "confirmation.text: must fit one message: 160 ASCII characters, or 70 with any other"
    if settings.review.most < 1:
        yield "review.most: at least 1"
    if settings.review.quoted_most < 0:
        yield "review.quoted_most: 0 or more"
    yield from port_range("console.port", settings.console.port, least=0)
    if (tls := settings.console.tls) is not None and not (tls.certificate and tls.key):
        yield "console.tls: certificate and key are both needed"
    yield from _api(settings.api)
    if smpp.command_length_most_octets < 1024:
        yield "smpp.command_length_most_octets: at least 1024"
    if smpp.password_checks_at_once < 1:
        yield "smpp.password_checks_at_once: at least 1"
    if smpp.password_delay_first_s > smpp.password_delay_most_s:
        yield "smpp.password_delay_first_s: more than password_delay_most_s"
    if smpp.message_ids_kept < 1:
        yield "smpp.message_ids_kept: at least 1"
    if not 0x1400 <= smpp.purpose_tag <= 0x3FFF:
        yield "smpp.purpose_tag: must be of the range for vendors, 0x1400 to 0x3FFF (SMPP v3.4 §5.3.2)"


def _api(api: Api) -> Iterator[str]:
    if api.requests_per_s <= 0:
        yield "api.requests_per_s: more than 0"
    if api.requests_at_once < 1:
        yield "api.requests_at_once: at least 1"
    if not 1 <= api.precheck_rows_most <= 50_000:
        yield "api.precheck_rows_most: 1 to 50000"
    if api.precheck_rows_per_day < 1:
        yield "api.precheck_rows_per_day: at least 1"
    if not 1024 <= api.body_most_octets <= 1 << 20:
        yield "api.body_most_octets: 1024 to 1048576"


def _pools(smpp: Smpp) -> Iterator[str]:
    """A pool shares routes that nothing else uses, each with credentials of its own."""
    taken: dict[str, str] = {}
    for name, pool in smpp.pools.items():
        if name in smpp.routes:
            yield f"smpp.pools.{name}: a route has this name: accounts could not tell which they mean"
        if not pool.routes:
            yield f"smpp.pools.{name}.routes: at least one is needed"
        for each in pool.routes:
            route = smpp.routes.get(each)
            if each in taken:
                yield f"smpp.pools.{name}.routes: {each} is in pool {taken[each]} already"
            elif route is None:
                yield f"smpp.pools.{name}.routes: there is no route {each}"
            elif not route.system_id:
                yield f"smpp.routes.{each}.system_id: a route of a pool binds with credentials of its own"
            taken.setdefault(each, name)
    for name, route in smpp.routes.items():
        for key in ("binds", "weight"):
            if getattr(route, key) < 1:
                yield f"smpp.routes.{name}.{key}: at least 1"
        if route.rate_per_s < 0:
            yield f"smpp.routes.{name}.rate_per_s: 0 or more"


def _is_one_message(text: str) -> bool:
    """Whether a text fits one message, in GSM 03.38 (ASCII but for a few) or else in UCS-2."""
    units = len(text.encode("utf-16-be")) // 2
    if text.isascii() and text.isprintable() and "`" not in text:
        # WHY: these are of the extension table and take two septets.
        return 0 < units + sum(text.count(each) for each in "^{}\\[~]|") <= 160
    return 0 < units <= 70


def _credentials(prefix: str, route: Route) -> Iterator[str]:
    """What a bind PDU has room for (SMPP v3.4 §4.1.1). Never repeats a password."""
    for name, most in (("system_id", _SYSTEM_ID_MOST), ("password", _PASSWORD_MOST)):
        value: str = getattr(route, name)
        if len(value) > most or not value.isascii() or "\0" in value:
            yield f"{prefix}.{name}: at most {most} ASCII characters"


def _key(line: str) -> str:
    return line.partition(":")[0]
