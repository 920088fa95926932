"""The socket on which media relays report keys: who may write to it, and what cannot be read.

Owns the socket. Must never take a report from a source that is not configured: a key is a person's refusal, and a
datagram proves nothing but its address. Nothing is ever answered.
"""

import asyncio
from collections.abc import Callable
from ipaddress import ip_address, ip_network
from typing import Final

from proxy.sip_settings import SipDigits
from proxy.trunks.digit_reports import DigitReport, read_log
from proxy.trunks.udp import UdpSocket, UdpWay

Log = Callable[..., None]
#: Told what one datagram may say.
Heard = Callable[[list[DigitReport]], None]


class DigitLog:
    """One socket. `log(event, **fields)` counts an event and writes a line without personal data."""

    def __init__(self, loop: asyncio.AbstractEventLoop, settings: SipDigits, heard: Heard, log: Log) -> None:
        self._networks: Final = [ip_network(each) for each in settings.sources]
        self._heard: Final = heard
        self._log: Final = log
        self._socket: Final = UdpSocket(loop, settings.host, settings.port, "", self._received)
        self.address: Final = self._socket.address

    def close(self) -> None:
        """Nothing is heard any more."""
        self._socket.close()

    def _received(self, found: list[tuple[UdpWay, bytes]]) -> None:
        for way, data in found:
            self._reported(way, data)

    def _reported(self, way: UdpWay, data: bytes) -> None:
        source = ip_address(way.flow.peer.decode())
        if not any(source in network for network in self._networks):
            self._log("digits.stranger", peer=str(source))
            return
        try:
            reports = read_log(data)
        except ValueError as error:
            self._log("digits.malformed", detail=str(error))
            return
        self._heard(reports)
