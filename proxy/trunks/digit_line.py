"""A connection to a media relay that tells keys on it: made, kept, and made anew.

Owns the connection. Must never be silent where nobody is heard: a relay that cannot be reached, or does not answer, is
told (`digits.lost`), since no key in RTP counts until it is back. How it works: rtpengine tells keys to whoever is
connected to its ng port (`listen-tcp-ng`, `dtmf-log-ng-tcp`); a ping in between says that the connection still stands.
"""

import asyncio
import contextlib
from typing import Final

from proxy.sip_settings import SipDigits
from proxy.trunks.digit_log import Heard, Log
from proxy.trunks.digit_notices import Notices

_PING: Final = b"tdgate d7:command4:pinge"
_PING_S: Final = 10.0
_CONNECT_S: Final = 5.0
_FIRST_S: Final = 0.5
_MOST_S: Final = 30.0
_OCTETS: Final = 65_536


class DigitLine:
    """One relay. `log(event, **fields)` counts an event and writes a line without personal data; `ping_s` is for
    tests.
    """

    __slots__ = ("_heard", "_log", "_name", "_ping_s", "_settings", "_task")

    def __init__(self, settings: SipDigits, heard: Heard, log: Log, ping_s: float = _PING_S) -> None:
        self._settings: Final = settings
        self._name: Final = f"{settings.host}:{settings.port}"
        self._heard: Final = heard
        self._log: Final = log
        self._ping_s: Final = ping_s
        self._task: Final = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        """Nothing is heard any more."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        gap_s = _FIRST_S
        while True:
            reason = "closed"
            try:
                async with asyncio.timeout(_CONNECT_S):
                    reader, writer = await asyncio.open_connection(self._settings.host, self._settings.port)
            except (OSError, TimeoutError) as error:
                reason = type(error).__name__
            else:
                self._log("digits.connected", relay=self._name)
                gap_s = _FIRST_S
                try:
                    await self._listen(reader, writer)
                except (OSError, TimeoutError, ValueError) as error:
                    reason = type(error).__name__
                finally:
                    writer.close()
            self._log("digits.lost", relay=self._name, reason=reason)
            await asyncio.sleep(gap_s)
            gap_s = min(gap_s * 2, _MOST_S)

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until it ends; raises TimeoutError where the relay is silent, ValueError where it says what it may not."""
        notices = Notices()
        asked = False
        while True:
            try:
                async with asyncio.timeout(self._ping_s):
                    data = await reader.read(_OCTETS)
            except TimeoutError:
                if asked:
                    raise
                asked = True
                writer.write(_PING)
                continue
            if not data:
                return
            asked = False
            for report in notices.receive(data):
                self._heard([report])
