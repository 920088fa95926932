"""smpplib as an ESME in a process of its own, driven by JSON lines: see python_esmes.py.

usage: smpplib_process.py HOST PORT
"""

from __future__ import annotations

import json
import logging
import os
import select
import sys
from typing import Any

import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm
import smpplib.smpp
from json_lines import emit


class Client(smpplib.client.Client):
    """smpplib's own client; the octets that it reads and writes are reported."""

    def _recv_exact(self, exact_size: int) -> bytes:
        octets: bytes = super()._recv_exact(exact_size)
        self.heard += octets
        return octets

    def read_pdu(self) -> Any:
        self.heard = b""
        try:
            return super().read_pdu()
        finally:
            if len(self.heard) >= 16:
                emit("pdu", raw=self.heard.hex(), session=1)

    def send_pdu(self, p: Any) -> Any:
        sent = super().send_pdu(p)
        emit("sent", raw=p.generate().hex(), session=1)
        return sent


def run(client: Client, command: dict[str, Any]) -> dict[str, Any]:
    """One command. What it returns goes back to the test."""
    match command.pop("do"):
        case "bind":
            try:
                bind = getattr(client, f"bind_{command['mode']}")
                return {"status": bind(system_id=command["system_id"], password=command["password"]).status}
            except smpplib.exceptions.PDUError as refusal:
                return {"status": refusal.args[1]}
        case "submit":
            if "text" in command:
                parts, coding, kind = smpplib.gsm.make_parts(command["text"])
            else:
                parts, coding, kind = [bytes.fromhex(command["message"])], command["data_coding"], 0
            sequences = [
                client.send_message(
                    source_addr_ton=0,
                    source_addr_npi=0,
                    source_addr=command["source"],
                    dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                    dest_addr_npi=smpplib.consts.SMPP_NPI_ISDN,
                    destination_addr=command["destination"],
                    short_message=part,
                    data_coding=coding,
                    esm_class=kind,
                    registered_delivery=bool(command["registered"]),
                    **command.get("fields", {}),
                ).sequence
                for part in parts
            ]
            return {"sequences": sequences}
        case "behave":
            client.deliver_status = command["deliver_status"]
            return {}
        case "enquire":
            client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=client))
            return {}
        case "unbind":
            client.unbind()
            return {}
        case other:
            raise ValueError(other)


def main() -> None:
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    client = Client(sys.argv[1], int(sys.argv[2]), timeout=60, allow_unknown_opt_params=True)
    client.heard = b""
    client.deliver_status = 0
    client.set_message_received_handler(lambda pdu: client.deliver_status)
    client.set_message_sent_handler(lambda pdu: None)
    client.set_error_pdu_handler(lambda pdu: None)
    client.connect()
    emit("connected")
    waiting = b""
    while True:
        readable, _, _ = select.select([0, client._socket], [], [])
        if 0 in readable:
            chunk = os.read(0, 65536)
            if not chunk:
                return
            *lines, waiting = (waiting + chunk).split(b"\n")
            for line in lines:
                command = json.loads(line)
                number = command.pop("id")
                try:
                    emit("done", **{**run(client, command), "id": number})
                except (smpplib.exceptions.PDUError, smpplib.exceptions.ConnectionError, OSError, ValueError) as error:
                    emit("done", id=number, failed=repr(error))
        elif client._socket in readable:
            try:
                client.read_once(auto_send_enquire_link=False)
            except smpplib.exceptions.ConnectionError:
                emit("closed", session=1)
                return


main()
