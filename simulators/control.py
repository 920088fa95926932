"""Commands to a running SMSC or handset, one JSON object a line on standard input, one a line in answer.

    {"do": "reply", "source": "13800138000", "destination": "10690001", "text": "TD"}
    {"do": "faults", "faults": {"nack_share": 0.2}}
    {"do": "disconnect", "reset": true}
    {"do": "figures"}
    {"do": "stop"}

Owns these commands. Must never end the simulator because of a line that is wrong: it answers with the error.
"""

import asyncio
import json
import sys
from typing import Any, Literal

import msgspec

from simulators.faults import Faults
from simulators.scenario import Reply
from simulators.smsc_run import SmscRun
from simulators.traffic import parse_tlvs


class _Command(msgspec.Struct, tag_field="do", forbid_unknown_fields=True):
    pass


class DoReply(Reply, tag_field="do", tag="reply", frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Inject a message; answered with its status."""


class DoFaults(_Command, tag="faults"):
    """Change the faults; `{}`: none."""

    faults: Faults


class DoDisconnect(_Command, tag="disconnect"):
    """End every connection."""

    reset: bool = True


class DoFigures(_Command, tag="figures"):
    """Give the figures so far."""


class DoStop(_Command, tag="stop"):
    """End the run."""


Command = DoReply | DoFaults | DoDisconnect | DoFigures | DoStop
_DECODER = msgspec.json.Decoder(Command)


async def serve_control(run: SmscRun) -> None:
    """Read commands until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        if line.strip():
            print(json.dumps(await _answer(run, line), ensure_ascii=False), flush=True)


async def _answer(run: SmscRun, line: bytes) -> dict[str, Any]:
    try:
        command = _DECODER.decode(line)
        return await _do(run, command)
    except (msgspec.DecodeError, ValueError, ConnectionError, TimeoutError) as wrong:
        return {"event": "error", "error": str(wrong) or type(wrong).__name__}


async def _do(run: SmscRun, command: Command) -> dict[str, Any]:
    event: Literal["reply", "faults", "disconnect", "figures", "stop"]
    if isinstance(command, DoReply):
        status = await run.smsc.inject(
            command.source,
            command.destination,
            command.text,
            encoding=command.encoding,
            data_coding=command.data_coding,
            system_id=command.system_id,
            command=command.command,
            tlvs=parse_tlvs(command.tlvs),
        )
        return {"event": "reply", "status": status}
    if isinstance(command, DoFaults):
        run.smsc.change_faults(command.faults)
        event = "faults"
    elif isinstance(command, DoDisconnect):
        run.smsc.disconnect(reset=command.reset)
        event = "disconnect"
    elif isinstance(command, DoFigures):
        return {"event": "figures", "figures": run.figures()}
    else:
        run.stop()
        event = "stop"
    return {"event": event}
