"""smpplib and aiosmpplib as ESMEs, each in a process of its own, with the methods that NodeEsme has.

async with SmpplibEsme(target, tmp_path) as esme: ...
async with AiosmpplibEsme(target, tmp_path) as esme:
    answer = await esme.submit(source="10690001", destination="8613800000001", text="您好", registered=1)
    (mo,) = await esme.received(DELIVER_SM)
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any

from tests.interop.peers.node import NodePeer
from tests.interop.peers.target import Target
from tests.tools.wire import BINDS, GENERIC_NACK, RESP, SUBMIT_SM, Frame

HERE = Path(__file__).resolve().parent
BIND_ANSWERS = tuple(bind | RESP for bind in BINDS)


class SmpplibEsme(NodePeer):
    """Synchronous smpplib. It cannot write vendor TLVs; `fields` takes what it knows (user_message_reference=7)."""

    def __init__(self, target: Target, folder: Path, *, name: str = "smpplib-esme", mode: str = "transceiver") -> None:
        super().__init__(name, folder)
        self.target = target
        self.mode = mode
        self.bind_status: int | None = None

    async def __aenter__(self) -> SmpplibEsme:
        await self.start(sys.executable, HERE / "smpplib_process.py", self.target.host, str(self.target.port))
        await self.wait(lambda e: e["event"] == "connected", limit_s=60)
        bound = await self.command(
            "bind", mode=self.mode, system_id=self.target.system_id, password=self.target.password, limit_s=60
        )
        self.bind_status = bound["status"]
        return self

    async def submit_parts(self, *, source: str, destination: str, registered: int = 0, **given: Any) -> list[Frame]:
        """Sends `text` as smpplib itself would split and encode it, or `message` (octets) with `data_coding`."""
        if "message" in given:
            given["message"] = given["message"].hex()
        sent = await self.command("submit", source=source, destination=destination, registered=registered, **given)
        return [await self.response(sequence) for sequence in sent["sequences"]]

    async def submit(self, *, source: str, destination: str, registered: int = 0, **given: Any) -> Frame:
        """The same for a text that fits one message: the response that came."""
        (answer,) = await self.submit_parts(source=source, destination=destination, registered=registered, **given)
        return answer

    async def response(self, sequence: int, limit_s: float = 60.0) -> Frame:
        """The response with this sequence_number, as soon as it is there."""

        def fits(event: dict[str, Any]) -> bool:
            if event["event"] != "pdu":
                return False
            frame = Frame(bytes.fromhex(event["raw"]))
            return frame.sequence == sequence and frame.command in (SUBMIT_SM | RESP, GENERIC_NACK)

        return Frame(bytes.fromhex((await self.wait(fits, limit_s=limit_s))[0]["raw"]))

    async def behave(self, *, deliver_status: int) -> None:
        """The status with which MO messages are answered from now on."""
        await self.command("behave", deliver_status=deliver_status)


class AiosmpplibEsme(NodePeer):
    """aiosmpplib, which connects again by itself (after 0.2 to 0.4 s here). Vendor TLVs: ASCII strings without NUL."""

    def __init__(
        self, target: Target, folder: Path, *, name: str = "aiosmpplib-esme", mode: str = "transceiver"
    ) -> None:
        super().__init__(name, folder)
        self.target = target
        self.mode = mode
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> AiosmpplibEsme:
        to = self.target
        program = HERE / "aiosmpplib_process.py"
        await self.start(sys.executable, program, to.host, str(to.port), to.system_id, to.password, self.mode)
        await self.binds(1, limit_s=60)
        return self

    async def binds(self, count: int, limit_s: float = 60.0) -> list[Frame]:
        """The bind responses so far, as soon as there are `count`; the second and later ones are reconnections."""
        found = await self.wait(
            lambda e: e["event"] == "pdu" and Frame(bytes.fromhex(e["raw"])).command in BIND_ANSWERS,
            count=count,
            limit_s=limit_s,
        )
        return [Frame(bytes.fromhex(e["raw"])) for e in found]

    @property
    def bind_status(self) -> int:
        (first, *_) = (f for f in self.frames() if f.command in BIND_ANSWERS)
        return first.status

    async def submit(
        self, *, source: str, destination: str, text: str, registered: int = 0, tlvs: dict[int, bytes] | None = None
    ) -> Frame:
        """The response that came; `tlvs` in ASCII. RuntimeError if aiosmpplib binds again instead of hearing one."""
        log_id = str(next(self._numbers))
        params = [(tag, value.decode("ascii")) for tag, value in (tlvs or {}).items()]
        await self.command(
            "submit",
            source=source,
            destination=destination,
            text=text,
            registered=registered,
            params=params,
            log_id=log_id,
        )
        (sent,) = await self.wait(lambda e: e["event"] == "sent" and e.get("log_id") == log_id)
        sequence, since = Frame(bytes.fromhex(sent["raw"])).sequence, self.events.index(sent)

        def fits(event: dict[str, Any]) -> bool:
            if event["event"] != "pdu":
                return False
            frame = Frame(bytes.fromhex(event["raw"]))
            if frame.command in BIND_ANSWERS and self.events.index(event) > since:
                return True
            return frame.sequence == sequence and frame.command in (SUBMIT_SM | RESP, GENERIC_NACK)

        answer = Frame(bytes.fromhex((await self.wait(fits))[0]["raw"]))
        if answer.command in BIND_ANSWERS:
            raise RuntimeError("aiosmpplib dropped the connection and bound again, with no answer")
        return answer

    async def unbind(self) -> None:
        """Ends the session politely and stays unbound."""
        await self.command("stop", limit_s=60)
