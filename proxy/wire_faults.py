"""What of the settings of both wires cannot be met: alphabets that there are not, certificates that cannot be used.

Owns the checks that need more than the settings themselves, so that `check-config`, a start and a reload all tell them
before anything changes. Must never open a socket. Reads the files of keys and certificates.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path

import msgspec

from proxy.binds.tls import client_context, server_context
from proxy.core.catalogue import CATALOGUE
from proxy.header_faults import header_faults
from proxy.judging.keypad import KeypadSettings
from proxy.settings import Route, Smpp, Tls
from proxy.sip_settings import Sip
from proxy.smpp.text import AlphabetTable, alphabet_table
from proxy.trunks.certificate import normal_identity


def route_table(route: Route) -> AlphabetTable:
    """A route's reading of data_coding; raises ValueError that names what is none."""
    return alphabet_table({int(key, 0): names for key, names in route.alphabets.items()})


def wire_faults(smpp: Smpp) -> Iterator[str]:
    """Every fault as `KEY: REASON`."""
    for place, listener in enumerate(smpp.listeners):
        if listener.tls is not None:
            yield from _tls_faults(f"smpp.listeners.{place}.tls", listener.tls, of_listener=True)
    for name, route in smpp.routes.items():
        try:
            route_table(route)
        except ValueError as error:
            yield f"smpp.routes.{name}.alphabets: {error}"
        if route.tls is not None:
            yield from _tls_faults(f"smpp.routes.{name}.tls", route.tls, of_listener=False)


def call_faults(sip: Sip) -> Iterator[str]:
    """The same for calls: certificates, header rules, the keypad, rules that there are not."""
    for place, listener in enumerate(sip.listeners):
        if listener.tls is not None:
            yield from _tls_faults(f"sip.listeners.{place}.tls", listener.tls, of_listener=True)
    for name, carrier in sip.carriers.items():
        if carrier.tls is not None:
            yield from _tls_faults(f"sip.carriers.{name}.tls", carrier.tls, of_listener=False)
    for name, trunk in sip.trunks.items():
        if trunk.tls is not None:
            yield from _tls_faults(f"sip.trunks.{name}.tls", trunk.tls, of_listener=False)
        for each in trunk.certificates:
            if not normal_identity(each):
                yield f"sip.trunks.{name}.certificates: {each} is neither a domain nor sha256: and 64 digits"
    yield from header_faults(sip)
    yield from (f"sip.keypad.{fault}" for fault in keypad_of(sip).faults())
    for rule in sip.ends_live_calls:
        if rule not in CATALOGUE:
            yield f"sip.ends_live_calls: there is no rule {rule}"


def keypad_of(sip: Sip) -> KeypadSettings:
    """The keypad as it is configured."""
    return KeypadSettings(**msgspec.structs.asdict(sip.keypad))


def _tls_faults(key: str, tls: Tls, *, of_listener: bool) -> Iterator[str]:
    unreadable = False
    for name in ("certificate", "key", "ca"):
        file = getattr(tls, name)
        try:
            if file:
                Path(file).read_bytes()
        except OSError as error:
            # WHY looked at one by one: the library's own error names no file.
            unreadable = True
            yield f"{key}.{name}: {file}: {error.strerror}"
    if unreadable:
        return
    try:
        server_context(tls) if of_listener else client_context(tls)
    except (OSError, ValueError, ssl.SSLError) as error:
        yield f"{key}: {error}"
