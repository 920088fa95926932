"""The INVITE of a call from a carrier, as the trunk that takes it gets it.

Owns what a trunk is shown of the caller: the number and name that the carrier sent, and no host of the carrier's. Must
never be sent anywhere but to a gateway of a trunk: no permit was asked for, since a call towards the sender reaches no
person. How it works: as `Outbound`, from what was read once; the identities are the caller's own, not judged ones.
"""

from typing import Final

from proxy.sip.carried import carried_from
from proxy.sip.error import SipError
from proxy.sip.hop import Hop
from proxy.sip.message import SipRequest
from proxy.sip.name_addr import NameAddr
from proxy.sip.screening import max_forwards
from proxy.sip.uri import Uri, parse_uri
from proxy.sip_settings import SipCarrier
from proxy.trunks.gateways import Gateway
from proxy.trunks.outbound import HeaderRules, write_invite, written_number

_NOT_PRIVATE: Final = frozenset((b"", b"none"))
_ANONYMOUS: Final = b'"Anonymous" <sip:anonymous@anonymous.invalid>'
_INVALID: Final = b".invalid"


class Inward:
    """One call to a number of ours. Raises SipError(400) where its caller cannot be read."""

    __slots__ = ("_asserted", "_body", "_called", "_caller", "_carried", "_max_forwards")

    def __init__(self, asked: SipRequest, called: str, held_back: frozenset[str]) -> None:
        self._called: Final = called.encode()
        wishes = {
            each.strip().lower() for line in asked.each("privacy") for each in line.replace(b",", b";").split(b";")
        }
        wishes -= _NOT_PRIVATE
        caller = _Shown(asked.from_)
        # WHY none where privacy is asked for: the carrier may know it, a trunk is outside of its trust (RFC 3325 §7).
        asserted = asked.addresses("p-asserted-identity") if not wishes else []
        self._caller: Final = None if b"user" in wishes else caller
        self._asserted: Final = [shown for each in asserted if (shown := _readable(each)) is not None]
        self._carried: Final = carried_from(asked, held_back)
        self._body: Final = asked.body
        self._max_forwards: Final = max_forwards(asked) - 1

    def invite(
        self,
        gateway: Gateway,
        carrier: SipCarrier,
        rules: HeaderRules,
        hop: Hop,
        via: bytes,
        identity_host: bytes,
        allow: bytes,
        call_id: bytes,
        tag: bytes,
        number: int,
        credentials: tuple[str, bytes] | None = None,
    ) -> SipRequest:
        """The INVITE for one try, as `Outbound.invite`; raises ValueError where the gateway is no trunk's."""
        if not gateway.of_trunk:
            raise ValueError("a call without a permit goes to a trunk only")
        called = written_number(self._called, carrier.number_format)
        host = gateway.name.encode()
        transport = gateway.settings.transport.encode()
        uri = b"sip:" + called + b"@" + host + (b"" if transport == b"udp" else b";transport=" + transport)
        caller = _ANONYMOUS if self._caller is None else self._caller.at(identity_host)
        lines: list[tuple[str, bytes]] = [
            ("via", via),
            ("max-forwards", b"%d" % self._max_forwards),
            ("from", caller + b";tag=" + tag),
            ("to", b"<sip:" + called + b"@" + host + b";user=phone>"),
            ("call-id", call_id),
            ("cseq", b"%d INVITE" % number),
            ("contact", hop.contact),
            *(("p-asserted-identity", each.at(identity_host)) for each in self._asserted),
            ("allow", allow),
        ]
        return write_invite(uri + b";user=phone", lines, credentials, rules, self._carried, self._body)


class _Shown:
    """An identity of the caller's: name and user as they came, the carrier's host replaced. Raises SipError(400)."""

    __slots__ = ("_display", "_uri")

    def __init__(self, identity: NameAddr) -> None:
        self._display: Final = identity.display + b" " if identity.display else b""
        self._uri: Final = parse_uri(identity.uri)

    def at(self, host: bytes) -> bytes:
        """As a trunk gets it; `host` is ours."""
        return self._display + b"<" + _moved(self._uri, host) + b">"


def _moved(uri: Uri, host: bytes) -> bytes:
    if not uri.is_sip:
        return uri.written
    if uri.host.lower().endswith(_INVALID):
        # Anonymous already (RFC 3323 §4.1.1.3), and nobody's host.
        host = uri.host
    user = uri.user + b"@" if uri.user else b""
    phone = b";user=phone" if (uri.param(b"user") or b"").lower() == b"phone" else b""
    return b"sip:" + user + host + phone


def _readable(identity: NameAddr) -> _Shown | None:
    try:
        return _Shown(identity)
    except SipError:
        return None
