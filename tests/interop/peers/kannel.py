"""Kannel (bearerbox and smsbox) as an ESME: messages in by HTTP, replies and receipts out to a local HTTP sink.

async with KannelEsme(target, tmp_path) as kannel:
    said = await kannel.submit(source="10690001", destination="8613800000001", text="您好", registered=1, tag="m1")
    (mo,) = await kannel.sink.wait("/mo")                              # query: from, to, text, coding
    (dlr,) = await kannel.sink.wait("/dlr", match=lambda p: p.query["tag"] == "m1" and p.query["type"] == "1")
"""

from __future__ import annotations

import asyncio
import signal
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from string import Template

from tests.interop.peers.process import Peer, free_port, need
from tests.interop.peers.target import Target
from tests.tools.http_sink import HttpSink

SMSC_ID = "carrier"
# Bits of Kannel's dlr-mask.
DELIVERED, UNDELIVERABLE, BUFFERED, SMSC_ACCEPTED, SMSC_REFUSED = 1, 2, 4, 8, 16
ALL_RECEIPTS = 31

CONFIG = Template("""\
group = core
admin-port = $admin_port
admin-password = harness
status-password = harness
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = $smsbox_port
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = "$folder/bearerbox.log"
log-level = 0
dlr-storage = internal
sms-resend-freq = 1
sms-resend-retry = $retries

group = smsc
smsc = smpp
smsc-id = $smsc_id
host = $host
port = $port
transceiver-mode = true
smsc-username = "$system_id"
smsc-password = "$password"
system-type = ""
interface-version = 34
reconnect-delay = 1
enquire-link-interval = 30
max-pending-submits = $window
throughput = 0

group = smpp-tlv
name = vendor
tag = 0x1400
type = octetstring
length = 64
smsc-id = $smsc_id

group = smsbox
bearerbox-host = 127.0.0.1
bearerbox-port = $smsbox_port
sendsms-port = $sendsms_port
sendsms-interface = 127.0.0.1
log-file = "$folder/smsbox.log"
log-level = 0
http-request-retry = 0

group = sendsms-user
username = harness
password = harness
user-allow-ip = "127.0.0.1"
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
max-messages = 0
get-url = "http://127.0.0.1:$sink_port/mo?from=%p&to=%P&coding=%c&charset=%C&text=%b&meta=%D"
""")


@dataclass(frozen=True)
class Said:
    """What sendsms answered: HTTP status and its one line."""

    status: int
    line: str


class KannelEsme:
    """Two processes and their sink. Entered when the bind is up, unless `await_bind=False`."""

    def __init__(
        self, target: Target, folder: Path, *, window: int = 10, retries: int = 0, await_bind: bool = True
    ) -> None:
        self.target = target
        self.folder = folder / "kannel"
        self.bearerbox = Peer("bearerbox-output", self.folder)
        self.smsbox = Peer("smsbox-output", self.folder)
        self.sink = HttpSink()
        self.admin_port = self.sendsms_port = 0
        self._window, self._retries, self._await_bind = window, retries, await_bind

    async def __aenter__(self) -> KannelEsme:
        need("bearerbox", "smsbox")
        self.folder.mkdir(parents=True, exist_ok=True)
        await self.sink.__aenter__()
        self.admin_port, self.sendsms_port, smsbox_port = free_port(), free_port(), free_port()
        config = self.folder / "kannel.conf"
        config.write_text(
            CONFIG.substitute(
                admin_port=self.admin_port,
                smsbox_port=smsbox_port,
                sendsms_port=self.sendsms_port,
                sink_port=self.sink.port,
                folder=self.folder,
                smsc_id=SMSC_ID,
                window=self._window,
                retries=self._retries,
                host=self.target.host,
                port=self.target.port,
                system_id=self.target.system_id,
                password=self.target.password,
            )
        )
        try:
            await self.bearerbox.spawn("bearerbox", "-v", "1", config)
            await self._until("the admin port", lambda page: "Status: running" in page)
            await self.smsbox.spawn("smsbox", "-v", "1", config)
            await self._until("smsbox", lambda page: "smsbox" in page.partition("Box connections:")[2])
            await self._sendsms_answers()
            if self._await_bind:
                await self.bound()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.smsbox.stop()
        await self.bearerbox.stop()
        await self.sink.__aexit__()

    def kill(self) -> None:
        """Ends both processes as a crash does."""
        self.smsbox.kill()
        self.bearerbox.kill()

    async def status(self) -> str:
        """Bearerbox's status page."""
        return (await self._get(f"http://127.0.0.1:{self.admin_port}/status.txt?password=harness")).line

    async def bound(self, limit_s: float = 60.0) -> None:
        """Returns when the carrier's line of the status page says online."""
        await self._until("the bind", lambda page: "(online" in page, limit_s)

    async def _sendsms_answers(self) -> None:
        """Returns when smsbox answers HTTP at all, if only that there is no such page."""
        async with asyncio.timeout(60):
            while True:
                try:
                    await self._get(f"http://127.0.0.1:{self.sendsms_port}/is-there-anybody")
                except OSError:
                    # WHY a pause: a connection that is refused or dropped is no event one could wait for.
                    await asyncio.sleep(0.05)
                    continue
                return

    async def says(self, check: Callable[[str], bool], limit_s: float = 60.0) -> None:
        """Returns when the status page fits."""
        await self._until("what the test waits for", check, limit_s)

    async def _until(self, what: str, check: object, limit_s: float = 60.0) -> None:
        page = ""
        try:
            async with asyncio.timeout(limit_s):
                while True:
                    try:
                        page = await self.status()
                    except OSError:
                        page = ""
                    if callable(check) and check(page):
                        return
                    # WHY a pause: Kannel tells its state only when asked.
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise TimeoutError(f"{what} is not there: {page}") from None

    async def _get(self, url: str) -> Said:
        def fetch() -> Said:
            try:
                with urllib.request.urlopen(url, timeout=60) as answer:
                    return Said(answer.status, answer.read().decode("utf-8", "replace"))
            except urllib.error.HTTPError as refused:
                return Said(refused.code, refused.read().decode("utf-8", "replace"))

        return await asyncio.to_thread(fetch)

    async def submit(
        self,
        *,
        source: str,
        destination: str,
        text: str | None = None,
        message: bytes | None = None,
        coding: int | None = None,
        registered: int = 0,
        tlvs: dict[int, bytes] | None = None,
        tag: str = "",
        **further: str,
    ) -> Said:
        """Queues one message by sendsms, which answers 202 before the carrier does: see the SMSC, or the /dlr posts.

        registered: 1 asks for all of Kannel's receipts (ALL_RECEIPTS). tlvs: only 0x1400, by its configured name.
        """
        ascii_only = text is not None and text.isascii()
        query: dict[str, str | bytes] = {
            "username": "harness",
            "password": "harness",
            "from": source,
            "to": destination,
            "text": message if message is not None else (text or "").encode("utf-8"),
            "coding": str(coding if coding is not None else 0 if ascii_only else 2),
            **further,
        }
        if message is None:
            query["charset"] = "UTF-8"
        if registered:
            query["dlr-mask"] = str(ALL_RECEIPTS)
            query["dlr-url"] = f"http://127.0.0.1:{self.sink.port}/dlr?tag={tag}&type=%d&reply=%A&meta=%D"
        if tlvs:
            fields = "&".join(f"vendor={urllib.parse.quote(value)}" for value in tlvs.values())
            query["meta-data"] = f"?smpp?{fields}"
        url = f"http://127.0.0.1:{self.sendsms_port}/cgi-bin/sendsms?{urllib.parse.urlencode(query)}"
        return await self._get(url)

    async def shut_down(self) -> None:
        """Asks bearerbox to unbind and end."""
        await self.bearerbox.stop(signal.SIGINT)
