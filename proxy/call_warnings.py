"""What of the calls is configured as it may be, and still leaves a person without a way to refuse (J12, Z19), or makes
calls back impossible.

Owns the warnings of `check-config`: each names a key and what to do. Must never be an error: whether a carrier sends
keys in its signalling, or shares an address with a trunk, is known to whoever runs it, and to nobody else.
"""

from collections.abc import Collection, Iterator
from ipaddress import ip_address, ip_network

from proxy.core.purposes import Purpose
from proxy.sip_settings import Sip


def call_warnings(sip: Sip, needed: Collection[Purpose]) -> Iterator[str]:
    """Every warning as `KEY: REASON`. `needed` are the purposes of calls in which the pack wants a refusal to be
    possible; empty: none.
    """
    if not needed or not sip.listeners:
        return
    why = f"a person cannot refuse inside a call ({', '.join(sorted(needed))}; J12)"
    for name in sorted({trunk.carrier for trunk in sip.trunks.values()}):
        carrier = sip.carriers.get(name)
        if carrier is None or carrier.end_user:
            continue
        key = f"sip.carriers.{name}.keys_by"
        if not sip.keypad.keys:
            yield f"sip.keypad.keys: empty, and {name} is no end_user carrier: {why}; name a key"
        elif carrier.keys_by == "rtp" and not sip.digits:
            yield f"{key}: keys come in RTP, and no [[sip.digits]] takes them: {why}; have the media relay report them"
        elif not carrier.keys_by and not sip.digits:
            yield (
                f"{key}: nobody said how keys come from there; where it is not by INFO, {why}; "
                'say "info", or "rtp" and add [[sip.digits]]'
            )


def address_warnings(sip: Sip) -> Iterator[str]:
    """Every carrier's gateway at an address of a trunk, as `KEY: REASON`: who calls from there is the trunk."""
    for name, trunk in sip.trunks.items():
        networks = [ip_network(each) for each in trunk.addresses]
        for carrier, settings in sip.carriers.items():
            hosts = sorted({each.host for each in settings.gateways})
            found = [host for host in hosts if any(ip_address(host) in network for network in networks)]
            if found:
                yield (
                    f"sip.trunks.{name}.addresses: {', '.join(found)} is a gateway of {carrier}: "
                    "calls back from there are taken for the trunk's own and judged"
                )
