"""Settings of the calls: `[sip]`, its listeners, trunks and carriers.

Owns their names, units and defaults, and what contradicts itself in them. Without a listener nothing of it is opened.
"""

from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Final, Literal

from msgspec import Struct, field

from proxy.settings_shape import Tls, port_range, ranges

Transport = Literal["udp", "tcp", "tls"]


class SipListener(Struct, frozen=True, forbid_unknown_fields=True):
    """An address for SIP. Port 0 picks a free one and prints it; `advertised` is the host that peers are told, where it
    is another one.
    """

    host: str = "127.0.0.1"
    port: int = 5060
    transport: Transport = "udp"
    advertised: str = ""
    tls: Tls | None = None


class SipGateway(Struct, frozen=True, forbid_unknown_fields=True):
    """One of a carrier's gateways. Lower `priority` goes first; those of one priority share by `weight`."""

    host: str = "127.0.0.1"
    port: int = 5060
    transport: Transport = "udp"
    priority: int = 1
    weight: int = 1


class SipTrunk(Struct, frozen=True, forbid_unknown_fields=True):
    """Who may ask for calls: `account` is that of the registry. A trunk is known by its `addresses` (IP networks), its
    `certificates` (domains of RFC 5922, or `sha256:` fingerprints) and its `username` by digest: by all that it has.

    What it may (caps, asserted identities, numbers) stands with its account in the registry. `gateways` are where it
    takes calls from carriers to its numbers; without any it takes none. `number_format`, `no_answer_s`, `options_s` and
    `tls` are as those of a carrier, towards them.
    """

    account: str = ""
    addresses: list[str] = []
    certificates: list[str] = []
    username: str = ""
    password: str = ""
    carrier: str = "default"
    gateways: list[SipGateway] = []
    number_format: Literal["e164", "plus"] = "e164"
    no_answer_s: float = 4.0
    options_s: float = 30.0
    tls: Tls | None = None

    def taking(self) -> "SipCarrier":
        """Where it takes calls, in the form of a carrier."""
        return SipCarrier(
            gateways=self.gateways,
            number_format=self.number_format,
            no_answer_s=self.no_answer_s,
            options_s=self.options_s,
            tls=self.tls,
        )


class SipCarrier(Struct, frozen=True, forbid_unknown_fields=True):
    """Where calls go. `username` and `password` answer a challenge; `domain` is the host of identities (empty: ours).

    `number_format` writes numbers as 8613800138000 (`e164`) or +8613800138000 (`plus`). `no_answer_s` without any 1xx
    is a failed gateway. `options_s` is how often a gateway is asked whether it lives (0: never). `header_remove` and
    `header_add` change the INVITE that goes there. `end_user`: its signalling is the person's own, so that a 607 of it
    is a refusal. `keys_by` says how keys come from there, for `check-config`; they count whichever way they come.
    `follow_redirects`: whom a 3xx names is asked about anew and dialled at these gateways, once.
    """

    gateways: list[SipGateway] = []
    username: str = ""
    password: str = ""
    domain: str = ""
    number_format: Literal["e164", "plus"] = "e164"
    no_answer_s: float = 4.0
    options_s: float = 30.0
    end_user: bool = False
    follow_redirects: bool = False
    keys_by: Literal["", "info", "rtp"] = ""
    tls: Tls | None = None
    header_remove: list[str] = []
    header_add: dict[str, str] = {}


#: What would tell one side of the other, or show the person a name that nobody judged.
HELD_BACK: Final = (
    "Record-Route",
    "User-Agent",
    "Server",
    "Organization",
    "Subject",
    "Alert-Info",
    "Call-Info",
    "Reply-To",
    "In-Reply-To",
    "Date",
    "Geolocation",
    "P-Called-Party-ID",
    "P-Associated-URI",
    "User-to-User",
)
#: A hold, and a number that was closed: what runs ends for them.
ENDS_LIVE_CALLS: Final = ("fraud.hold", "number.disposed")
#: Of digest, the best first (RFC 8760 §2.3).
ALGORITHMS: Final = ("SHA-512-256", "SHA-256", "MD5")


class SipKeypad(Struct, frozen=True, forbid_unknown_fields=True):
    """The key by which a person refuses inside a call (Z19): `keys` one after the other, each within `gap_s`; empty for
    none. The window opens `opens_s` after the answer and stays open `open_s`, 0: to the end. `early`: before it too.
    `release`: the call is ended once the refusal is on disk; else it goes on.
    """

    keys: str = "9"
    opens_s: float = 0.0
    open_s: float = 0.0
    gap_s: float = 3.0
    early: bool = False
    release: bool = False


class SipDigits(Struct, frozen=True, forbid_unknown_fields=True):
    """Where keys in RTP (RFC 4733) are heard of. `udp`: an address to which a media relay reports them, rtpengine's
    `dtmf-log-dest`; port 0 picks a free one and prints it; `sources` are the IP networks of relays, and from elsewhere
    nothing is taken. `tcp`: the `listen-tcp-ng` of an rtpengine with `dtmf-log-ng-tcp`, to which tdgate connects.
    """

    transport: Literal["udp", "tcp"] = "udp"
    host: str = "127.0.0.1"
    port: int = 22223
    sources: list[str] = field(default_factory=lambda: ["127.0.0.1/32", "::1/128"])


class Sip(Struct, frozen=True, forbid_unknown_fields=True):
    """The back-to-back user agent: limits and timers (RFC 3261 §17), trunks and carriers.

    `strangers`: whether a request from nobody's address is met with `silence` or `refuse` (403). `realm` is that of
    digest challenges. `header_hold` names header fields that never pass; `purpose_header` the one in which a sender of
    several purposes says which one it means (J22). `ends_live_calls`: rules for which a call that runs is ended.
    """

    listeners: list[SipListener] = []
    trunks: dict[str, SipTrunk] = {}
    carriers: dict[str, SipCarrier] = {}
    realm: str = "tdgate"
    algorithms: list[str] = field(default_factory=lambda: list(ALGORITHMS))
    nonce_s: float = 300.0
    strangers: Literal["silence", "refuse"] = "silence"
    header_hold: list[str] = field(default_factory=lambda: list(HELD_BACK))
    purpose_header: str = "X-Purpose"
    ends_live_calls: list[str] = field(default_factory=lambda: list(ENDS_LIVE_CALLS))
    keypad: SipKeypad = SipKeypad()
    digits: list[SipDigits] = []
    calls_most: int = 10_000
    transactions_most: int = 150_000
    connections_most: int = 1000
    datagram_octets: int = 1300
    t1_s: float = 0.5
    ring_most_s: float = 181.0
    message_timer_s: float = 5.0
    connect_timeout_s: float = 3.0
    idle_timer_s: float = 600.0
    drain_s: float = 10.0


def contradictions(sip: Sip) -> Iterator[str]:
    """What the types do not show, as `KEY: REASON`."""
    yield from ranges("sip", sip)
    for place, listener in enumerate(sip.listeners):
        key = f"sip.listeners.{place}"
        yield from port_range(f"{key}.port", listener.port, least=0)
        yield from _address(f"{key}.host", listener.host)
        if (listener.transport == "tls") != (listener.tls is not None):
            yield f"{key}.tls: comes with transport tls, and with it only"
        elif listener.tls is not None and not (listener.tls.certificate and listener.tls.key):
            yield f"{key}.tls: certificate and key are both needed on a listener"
    fixed = [(one.host, one.port, one.transport == "udp") for one in sip.listeners if one.port]
    if len(set(fixed)) < len(fixed):
        yield "sip.listeners: two have one host and port"
    yield from _digits(sip)
    unknown = set(sip.algorithms) - set(ALGORITHMS)
    if unknown or not sip.algorithms:
        yield "sip.algorithms: of SHA-512-256, SHA-256 and MD5, at least one"
    if sip.ring_most_s <= 180:
        yield "sip.ring_most_s: more than 180 (RFC 3261 §16.6)"
    if not 548 <= sip.datagram_octets <= 65_000:
        yield "sip.datagram_octets: 548 to 65000"
    yield from _trunks(sip)
    for name, carrier in sip.carriers.items():
        yield from _carrier(f"sip.carriers.{name}", carrier)
        yield from _gateways(f"sip.carriers.{name}", carrier, sip.listeners)
    for name, trunk in sip.trunks.items():
        yield from _gateways(f"sip.trunks.{name}", trunk.taking(), sip.listeners)


def _digits(sip: Sip) -> Iterator[str]:
    for place, each in enumerate(sip.digits):
        key = f"sip.digits.{place}"
        yield from port_range(f"{key}.port", each.port, least=0 if each.transport == "udp" else 1)
        yield from _address(f"{key}.host", each.host)
        if not each.sources:
            yield f"{key}.sources: at least one is needed, else nothing is heard"
        for source in each.sources:
            try:
                ip_network(source)
            except ValueError:
                yield f"{key}.sources: {source} is no IP network"


def _trunks(sip: Sip) -> Iterator[str]:
    names: dict[str, str] = {}
    for name, trunk in sip.trunks.items():
        key = f"sip.trunks.{name}"
        if not trunk.account:
            yield f"{key}.account: the registry's account is needed"
        if not trunk.addresses and not trunk.certificates and not trunk.username:
            yield f"{key}: addresses, certificates or a username are needed, else anybody would be this trunk"
        if trunk.certificates and not any(one.tls is not None and one.tls.ca for one in sip.listeners):
            yield f"{key}.certificates: there is no listener of tls with a ca, which asks for one"
        if bool(trunk.username) != bool(trunk.password):
            yield f"{key}.username: username and password come together"
        if trunk.username and trunk.username in names:
            yield f"{key}.username: is that of {names[trunk.username]} already"
        names.setdefault(trunk.username, name)
        if trunk.carrier not in sip.carriers:
            yield f"{key}.carrier: there is no carrier {trunk.carrier}"
        for each in trunk.addresses:
            try:
                ip_network(each)
            except ValueError:
                yield f"{key}.addresses: {each} is no IP network"


def _carrier(key: str, carrier: SipCarrier) -> Iterator[str]:
    if not carrier.gateways:
        yield f"{key}.gateways: at least one is needed"
    if bool(carrier.username) != bool(carrier.password):
        yield f"{key}.username: username and password come together"


def _gateways(key: str, group: SipCarrier, listeners: list[SipListener]) -> Iterator[str]:
    """A carrier's gateways, or those at which a trunk takes calls."""
    transports = {one.transport for one in listeners}
    for place, gateway in enumerate(group.gateways):
        yield from port_range(f"{key}.gateways.{place}.port", gateway.port, least=1)
        yield from _address(f"{key}.gateways.{place}.host", gateway.host)
        if gateway.weight < 1:
            yield f"{key}.gateways.{place}.weight: at least 1"
        if gateway.transport not in transports:
            yield f"{key}.gateways.{place}.transport: there is no listener of {gateway.transport}"
        if any((one.host, one.port) == (gateway.host, gateway.port) for one in listeners):
            yield f"{key}.gateways.{place}: is a listener of ours"
    if not 0 < group.no_answer_s < float("inf"):
        yield f"{key}.no_answer_s: must be more than 0 and finite"
    if not 0 <= group.options_s < float("inf"):
        yield f"{key}.options_s: 0 or more"


def _address(key: str, host: str) -> Iterator[str]:
    try:
        ip_address(host)
    except ValueError:
        yield f"{key}: {host} is no IP address"
