"""aiosmpplib as an ESME in a process of its own, driven by JSON lines: see python_esmes.py.

usage: aiosmpplib_process.py HOST PORT SYSTEM_ID PASSWORD MODE
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from aiosmpplib import ESME, AbstractHook, BindMode, PhoneNumber, SubmitSm
from aiosmpplib.retrytimer import SimpleExponentialBackoff
from aiosmpplib.state import NPI, TON, OptionalParam
from json_lines import emit


class Overhearing(AbstractHook):
    """Reports every PDU that aiosmpplib writes or reads, and what it could not send."""

    async def sending(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        emit("sent", raw=pdu.hex(), session=1, log_id=getattr(smpp_message, "log_id", ""))

    async def received(self, smpp_message: Any, pdu: bytes, client_id: str) -> None:
        text = getattr(smpp_message, "short_message", None) or getattr(smpp_message, "message_payload", None)
        emit("pdu", raw=pdu.hex(), session=1, parsed=smpp_message is not None, text=text)

    async def send_error(self, smpp_message: Any, error: Exception, client_id: str) -> None:
        emit("error", message=repr(error), log_id=getattr(smpp_message, "log_id", ""))


async def run(esme: ESME, command: dict[str, Any]) -> dict[str, Any]:
    match command["do"]:
        case "submit":
            message = SubmitSm(
                short_message=command["text"],
                source=PhoneNumber(command["source"], TON.UNKNOWN, NPI.UNKNOWN),
                destination=PhoneNumber(command["destination"], TON.INTERNATIONAL, NPI.ISDN),
                registered_delivery=command["registered"],
                optional_params=[OptionalParam(tag, value) for tag, value in command["params"]],
                log_id=command["log_id"],
            )
            await esme.broker.enqueue(message)
            return {}
        case "stop":
            await esme.stop()
            return {}
        case other:
            raise ValueError(other)


async def main() -> None:
    host, port, system_id, password, mode = sys.argv[1:6]
    esme = ESME(
        smsc_host=host,
        smsc_port=int(port),
        system_id=system_id,
        password=password,
        bind_mode=BindMode[mode.upper()],
        hook=Overhearing(),
        retry_timer=SimpleExponentialBackoff(min_delay=200, max_increases=1),
        log_level="DEBUG",
    )
    life = asyncio.create_task(esme.start())
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    emit("connected")
    while line := await reader.readline():
        command = json.loads(line)
        try:
            emit("done", **{**await run(esme, command), "id": command["id"]})
        except (ValueError, OSError) as error:
            emit("done", id=command["id"], failed=repr(error))
    life.cancel()


asyncio.run(main())
