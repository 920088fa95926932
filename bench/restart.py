"""How long a restart takes with receipts in the spool: tdgate is killed with -9 while 10^5 wait, and started again.

    python -m bench.restart [--receipts 100000] [--json]

Ten transmitters send, nobody takes the receipts. Times count from the start of the new process: until a bind is
answered, until a message of it is accepted by the carrier, until the first receipt comes, and until every account has
taken all of its receipts.
"""

import argparse
import json
import selectors
import socket
import struct
import sys
import time
from typing import Final

from msgspec.structs import asdict

from bench.bound_figures import Figure, all_met, told
from bench.cases import ACCOUNTS, NUMBER, PASSWORD, account, person
from bench.pool_process import PoolProcess

RECEIPTS: Final = 100_000
_S_MOST: Final = 5.0
_LIMIT_S: Final = 120.0
_SUBMIT_SM, _DELIVER_SM, _BIND_TRX, _RESP = 0x4, 0x5, 0x9, 0x80000000
#: Accounts that send, and so those that receipts wait for.
_SENDERS: Final = 10


class _Esme:
    """A transceiver that takes what comes. Raises OSError where the connection does not stand."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_LIMIT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.receipts: set[bytes] = set()

    def send(self, command: int, sequence: int, body: bytes) -> None:
        self.socket.sendall(struct.pack(">IIII", 16 + len(body), command, 0, sequence) + body)

    def bind(self, name: str) -> None:
        head = b"".join(text.encode() + b"\0" for text in (name, PASSWORD, ""))
        self.send(_BIND_TRX, 1, head + b"\x34\0\0\0")

    def submit(self) -> None:
        addresses = b"\0\0\0" + NUMBER.encode() + b"\0\1\1" + person(1).encode() + b"\0"
        self.send(_SUBMIT_SM, 2, addresses + bytes(9) + bytes((2,)) + b"ok")

    def take(self) -> list[tuple[int, int]]:
        """(command, status) of the PDUs that come next; receipts are answered and kept. Raises OSError at the end."""
        chunk = self.socket.recv(1 << 18)
        if not chunk:
            raise ConnectionError("tdgate closed the connection")
        self._rest += chunk
        at, answers, told = 0, [], []
        while len(self._rest) - at >= 16:
            length, command, status, sequence = struct.unpack_from(">IIII", self._rest, at)
            if len(self._rest) - at < length:
                break
            if command == _DELIVER_SM:
                self.receipts.add(self._rest[at : at + length].partition(b"id:")[2].partition(b" ")[0])
                answers.append(struct.pack(">IIII", 17, command | _RESP, 0, sequence) + b"\0")
            told.append((command, status))
            at += length
        self._rest = self._rest[at:]
        self.socket.sendall(b"".join(answers))
        return told

    def until(self, command: int) -> None:
        """Waits for an answer of this command; raises RuntimeError where its status is not 0."""
        while True:
            for heard, status in self.take():
                if heard == command:
                    if status:
                        raise RuntimeError(f"0x{command:x} with status 0x{status:x}")
                    return

    def close(self) -> None:
        self.socket.close()


def _connected(port: int, until: float) -> _Esme:
    while True:
        try:
            return _Esme(port)
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


def _accepted(port: int, name: str, until: float) -> _Esme:
    """An ESME whose message the carrier took: asked again while the carriers' binds are not up yet."""
    while True:
        esme = _connected(port, until)
        try:
            esme.bind(name)
            esme.until(_BIND_TRX | _RESP)
            esme.submit()
            esme.until(_SUBMIT_SM | _RESP)
        except (OSError, RuntimeError):
            esme.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return esme


def _all_taken(port: int, waiting: int, began: float) -> tuple[float, int]:
    """Every account takes its receipts at once: when the first came, and how many different ones came in all."""
    ready = selectors.DefaultSelector()
    esmes = []
    for number in range(_SENDERS):
        esme = _connected(port, began + _LIMIT_S)
        esme.bind(account(number))
        ready.register(esme.socket, selectors.EVENT_READ, esme)
        esmes.append(esme)
    first_s = 0.0
    while sum(len(one.receipts) for one in esmes) < waiting and time.monotonic() < began + _LIMIT_S:
        for key, _ in ready.select(timeout=1.0):
            heard = key.data.take()
            if not first_s and any(command == _DELIVER_SM for command, _ in heard):
                first_s = time.monotonic() - began
    for each in esmes:
        each.close()
    return first_s, sum(len(one.receipts) for one in esmes)


def measure(receipts: int = RECEIPTS) -> list[Figure]:
    """Fills the spool, kills, starts, and takes everything; raises RuntimeError or OSError where that fails."""
    with PoolProcess(binds=4, receipts=True) as pool:
        pool.load("-B", 2, "-b", _SENDERS, "-w", 100, "-W", 0, "-t", 300, "-n", receipts)
        deadline = time.monotonic() + _LIMIT_S
        while pool.receipts_taken() < receipts and time.monotonic() < deadline:
            time.sleep(0.2)
        waiting = pool.receipts_taken()
        if waiting < receipts:
            raise RuntimeError(f"{waiting:,} of {receipts:,} receipts were taken")
        pool.kill()
        began = time.monotonic()
        pool.start(wait=False)
        bound = _connected(pool.port, began + _LIMIT_S)
        # WHY an account that sent nothing: nothing waits for it, so it shows when the process serves at all.
        bound.bind(account(ACCOUNTS - 1))
        bound.until(_BIND_TRX | _RESP)
        bound_s = time.monotonic() - began
        served = _accepted(pool.port, account(ACCOUNTS - 2), began + _LIMIT_S)
        served_s = time.monotonic() - began
        first_s, taken = _all_taken(pool.port, waiting, began)
        all_s = time.monotonic() - began
        if taken < waiting:
            raise RuntimeError(f"{taken:,} of {waiting:,} receipts came back")
        for each in (bound, served):
            each.close()
        return [
            Figure("receipts that waited in the spool", waiting, ""),
            Figure("restart until a bind is answered", bound_s, "s", _S_MOST),
            Figure("restart until a message is accepted", served_s, "s", _S_MOST),
            Figure("restart until the first receipt comes", first_s, "s", _S_MOST),
            Figure("restart until every receipt was taken", all_s, "s"),
        ]


def main(arguments: list[str] | None = None) -> int:
    """Prints the figures; exit code 1 where one is beyond its bound."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--receipts", type=int, default=RECEIPTS)
    parser.add_argument("--json", action="store_true")
    parsed = parser.parse_args(arguments)
    found = measure(parsed.receipts)
    print(json.dumps([asdict(one) for one in found], indent=1) if parsed.json else told(found))
    return int(not all_met(found))


if __name__ == "__main__":
    sys.exit(main())
