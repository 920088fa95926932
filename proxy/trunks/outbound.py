"""The only way of a call towards a carrier: with a permit, which is spent here.

Owns the INVITE of leg B. INVARIANT: no other function of the house builds a request that begins a call towards a
carrier (a test holds that over the source). Must never write an identity that was not judged, nor anything by which one
side could know the other: of leg A only what is end to end passes, and no host, tag, route or name of it. How it works:
the permit is spent once for a call; every try at a gateway is written from the same two numbers.
"""

from collections.abc import Mapping
from typing import Final

from proxy.core.decision import Permit
from proxy.sip.carried import Carried, carried_from
from proxy.sip.headers import key_of, line_of
from proxy.sip.hop import Hop
from proxy.sip.judged import judged_call
from proxy.sip.message import SipRequest
from proxy.sip.name_addr import write_name_addr
from proxy.sip.screening import max_forwards
from proxy.sip_settings import SipCarrier
from proxy.trunks.gateways import Gateway


class HeaderRules:
    """What a carrier's configuration changes in the INVITE that goes there."""

    __slots__ = ("added", "removed")

    def __init__(self, remove: list[str], add: Mapping[str, str]) -> None:
        self.added: Final = [(key_of(name.encode()), value.encode()) for name, value in add.items()]
        # WHY the added ones too: what configuration says stands there once.
        self.removed: Final = frozenset([key_of(name.encode()) for name in remove] + [key for key, _ in self.added])

    def passing(self, carried: Carried) -> Carried:
        """What of leg A's lines goes there."""
        if not self.removed:
            return carried
        kept = [place for place, key in enumerate(carried.keys) if key not in self.removed]
        return Carried([carried.keys[place] for place in kept], [carried.lines[place] for place in kept], carried.body)


class Outbound:
    """One permitted call. Raises `PermitSpentError` where the permit was used, ValueError where it is for no call."""

    __slots__ = ("_body", "_called", "_caller", "_carried", "_display", "_max_forwards", "_page", "decision_id")

    def __init__(self, permit: Permit, asked: SipRequest, held_back: frozenset[str]) -> None:
        self.decision_id: Final = permit.decision.id
        judged = judged_call(permit.spend())
        self._caller: Final = judged.caller.encode()
        self._called: Final = judged.called.encode()
        self._display: Final = judged.display.encode()
        self._page: Final = judged.page.encode()
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
        """The INVITE for one try; `credentials` are a header's key and value, for a try that was challenged."""
        settings = gateway.settings
        person = written_number(self._called, carrier.number_format)
        host = gateway.name.encode()
        transport = b"" if settings.transport == "udp" else b";transport=" + settings.transport.encode()
        caller = b"sip:" + written_number(self._caller, carrier.number_format) + b"@" + identity_host
        identity = write_name_addr(self._display, caller)
        uri = b"sip:" + person + b"@" + host + transport + b";user=phone"
        lines: list[tuple[str, bytes]] = [
            ("via", via),
            ("max-forwards", b"%d" % self._max_forwards),
            ("from", identity + b";tag=" + tag),
            ("to", b"<sip:" + person + b"@" + host + b";user=phone>"),
            ("call-id", call_id),
            ("cseq", b"%d INVITE" % number),
            ("contact", hop.contact),
            ("p-asserted-identity", identity),
            ("allow", allow),
        ]
        if self._page:
            lines.append(("call-info", b"<" + self._page + b">;purpose=info"))
        return write_invite(uri, lines, credentials, rules, self._carried, self._body)


def write_invite(
    uri: bytes,
    lines: list[tuple[str, bytes]],
    credentials: tuple[str, bytes] | None,
    rules: HeaderRules,
    carried: Carried,
    body: bytes,
) -> SipRequest:
    """An INVITE that begins a call: our own lines, what configuration adds, then what passes from the other leg.

    For `Outbound` and `Inward` alone, which know to whom it may go.
    """
    if credentials is not None:
        lines.append(credentials)
    lines += rules.added
    lines.append(("content-length", b"%d" % len(body)))
    request = SipRequest("INVITE", uri, [key for key, _ in lines], [line_of(key, value) for key, value in lines], body)
    rules.passing(carried).into(request)
    return request


def written_number(canonical: bytes, number_format: str) -> bytes:
    """A canonical number as the carrier wants it; what is no E.164 number (a hotline, a port) stays as it is."""
    if canonical[:1] == b"+":
        return canonical if number_format == "plus" else canonical[1:]
    return (
        b"+" + canonical if number_format == "plus" and canonical[:2] == b"86" and len(canonical) >= 12 else canonical
    )
