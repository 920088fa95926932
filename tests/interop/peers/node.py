"""node-smpp (npm `smpp`) as SMSC and as ESME, each a process of its own.

async with NodeSmsc(tmp_path) as smsc:             # smsc.port
    async with NodeEsme(Target("127.0.0.1", smsc.port, "acct", "secret"), tmp_path) as esme:
        answer = await esme.submit(source="10690001", destination="8613800000001", text="您好")
        (frame,) = await smsc.received(SUBMIT_SM)
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.interop.peers.process import ROOT, JsonPeer, need
from tests.interop.peers.target import Target
from tests.tools.wire import Frame

HERE = Path(__file__).resolve().parent
NODE_ENV = {"NODE_PATH": str(ROOT / "node_modules")}


def octets(value: bytes) -> dict[str, str]:
    return {"hex": value.hex()}


class NodePeer(JsonPeer):
    """What both ends have: the octets that node-smpp read and wrote."""

    def frames(self, command: int | None = None, *, event: str = "pdu") -> list[Frame]:
        """What it received (`event="pdu"`) or wrote (`"sent"`), as the octets were."""
        frames = [Frame(bytes.fromhex(e["raw"])) for e in self.events if e["event"] == event]
        return [f for f in frames if command is None or f.command == command]

    async def received(self, command: int, count: int = 1, limit_s: float = 60.0) -> list[Frame]:
        """The PDUs of this command that came, as soon as there are `count`."""
        await self.wait(
            lambda e: e["event"] == "pdu" and int(e["raw"][8:16], 16) == command, count=count, limit_s=limit_s
        )
        return self.frames(command)

    async def sent(self, command: int, count: int = 1, limit_s: float = 60.0) -> list[Frame]:
        await self.wait(
            lambda e: e["event"] == "sent" and int(e["raw"][8:16], 16) == command, count=count, limit_s=limit_s
        )
        return self.frames(command, event="sent")

    async def __aexit__(self, *raised: object) -> None:
        await self.stop()


class NodeSmsc(NodePeer):
    """An SMSC that takes every bind and answers every submit_sm, until told otherwise by `behave`."""

    def __init__(self, folder: Path, *, name: str = "node-smsc", port: int = 0) -> None:
        super().__init__(name, folder)
        self.port = port

    async def __aenter__(self) -> NodeSmsc:
        need("node")
        await self.start("node", HERE / "node_smsc.js", str(self.port), env=NODE_ENV)
        (ready,) = await self.wait(lambda e: e["event"] == "listening", limit_s=60)
        self.port = ready["port"]
        return self

    async def behave(self, **behaviour: Any) -> None:
        """Changes its behaviour from now on.

        bind_status: 0 or the status that refuses binds. submit: "answer", "hold", "mute", "nack", "disconnect".
        status: command_status of submit_sm_resp (0x58 throttles). delay_ms. receipt: "none", "after", "before" (the
        response; only where registered_delivery asks). receipt_delay_ms. state: of the receipts.
        id_prefix: of message_ids. next_id: the number of the next one. receipt_id: how receipts write it, "same", or
        where it is hexadecimal without prefix "short" (upper case, no zeros), "decimal", "padded" (ten decimal digits).
        echo_tlvs: vendor TLVs of the submit_sm come back in its receipt.
        """
        await self.command("set", behaviour=behaviour)

    async def release(self, order: str = "forward", then: str = "answer") -> int:
        """Answers what `submit="hold"` kept, "forward" or in "reverse"; returns how many."""
        return int((await self.command("release", order=order, then=then))["released"])

    async def bound(self, system_id: str | None = None, limit_s: float = 60.0) -> int:
        """The number of the newest session that sent a bind (under this system_id)."""
        found = await self.wait(
            lambda e: (
                e["event"] == "pdu"
                and e["command"].startswith("bind_")
                and not e["command"].endswith("_resp")
                and system_id in (None, e["fields"]["system_id"])
            ),
            limit_s=limit_s,
        )
        return int(found[-1]["session"])

    async def deliver(
        self,
        session: int,
        *,
        source: str,
        destination: str,
        message: bytes = b"",
        data_coding: int = 0,
        esm_class: int = 0,
        payload: bytes | None = None,
        tlvs: dict[int, bytes] | None = None,
        command: str = "deliver_sm",
        **fields: Any,
    ) -> Frame:
        """Sends an MO (or receipt) written by node-smpp and returns the response that came."""
        fields = {
            "source_addr": source,
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "destination_addr": destination,
            "data_coding": data_coding,
            "esm_class": esm_class,
            **fields,
        }
        if command == "deliver_sm":
            fields["short_message"] = octets(message)
        if payload is not None:
            fields["message_payload"] = octets(payload)
        for tag, value in (tlvs or {}).items():
            fields[f"0x{tag:04x}"] = octets(value)
        answer = await self.command("request", session=session, command=command, fields=fields)
        return Frame(bytes.fromhex(answer["raw"]))

    async def send_raw(self, session: int, data: bytes) -> None:
        """Writes octets that node-smpp would not write."""
        await self.command("raw", session=session, hex=data.hex())

    async def disconnect(self, session: int = 0, *, reset: bool = False) -> None:
        """Drops one session, or all (0)."""
        await self.command("disconnect", session=session, reset=reset)


class NodeEsme(NodePeer):
    """An ESME that binds as transceiver (or as `bind` says) when entered."""

    def __init__(
        self, target: Target, folder: Path, *, name: str = "node-esme", bind: str | None = "bind_transceiver"
    ) -> None:
        super().__init__(name, folder)
        self.target = target
        self.bind_command = bind
        self.bind_status: int | None = None

    async def __aenter__(self) -> NodeEsme:
        need("node")
        await self.start("node", HERE / "node_esme.js", str(self.target.port), self.target.host, env=NODE_ENV)
        await self.wait(lambda e: e["event"] == "connected", limit_s=60)
        if self.bind_command:
            self.bind_status = (await self.bind(self.bind_command)).status
        return self

    async def request(self, command: str, **fields: Any) -> Frame:
        """Any request by its node-smpp name and fields; the response that came."""
        return Frame(bytes.fromhex((await self.command("request", command=command, fields=fields))["raw"]))

    async def bind(self, command: str = "bind_transceiver") -> Frame:
        return await self.request(
            command, system_id=self.target.system_id, password=self.target.password, interface_version=0x34
        )

    async def submit(
        self,
        *,
        source: str,
        destination: str,
        text: str | None = None,
        message: bytes | None = None,
        tlvs: dict[int, bytes] | None = None,
        registered: int = 0,
        **fields: Any,
    ) -> Frame:
        """submit_sm with a text that node-smpp encodes, or with octets (then give data_coding); the response to it."""
        fields = {"source_addr": source, "destination_addr": destination, "registered_delivery": registered, **fields}
        fields["short_message"] = text if message is None else octets(message)
        fields |= {f"0x{tag:04x}": octets(value) for tag, value in (tlvs or {}).items()}
        return await self.request("submit_sm", **fields)

    async def behave(self, *, deliver_status: int) -> None:
        """The status with which MO messages are answered from now on."""
        await self.command("set", behaviour={"deliver_status": deliver_status})
