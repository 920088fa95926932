"""A permit for a call of invented people, and the INVITE that `Outbound` writes with it."""

from proxy.core.decision import Decision, Permit, Seal
from proxy.core.ground import Ground
from proxy.sip.flow import Flow
from proxy.sip.hop import Hop
from proxy.sip.judged import JudgedCall
from proxy.sip.message import SipRequest
from proxy.sip_settings import SipCarrier, SipGateway
from proxy.trunks.gateways import Gateway
from proxy.trunks.outbound import HeaderRules, Outbound

GROUND = Ground("voice", "jl-voice", "95500", "allow", "", "", "jianglan", "marketing", "test", 1, 1, b"")
HOP = Hop(Flow("b", b"192.0.2.30", False), b"UDP", b"192.0.2.20", 5060, b"sip:tdgate@192.0.2.20:5060")


def permit(octets: bytes | None = None) -> Permit:
    judged = JudgedCall("95500", "8613800138000", "江澜银行").octets()
    return Permit(Seal(), Decision(1, b"", GROUND), judged if octets is None else octets)


def written(outbound: Outbound, carrier: SipCarrier | None = None) -> SipRequest:
    settings = carrier or SipCarrier()
    rules = HeaderRules(settings.header_remove, settings.header_add)
    gateway = Gateway("default", SipGateway("192.0.2.30", 5070))
    via = HOP.via(b"z9hG4bK1")
    return outbound.invite(gateway, settings, rules, HOP, via, b"192.0.2.20", b"INVITE", b"call", b"tag", 1)
