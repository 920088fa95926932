"""A process with the real shell of the calls, and a judge that stands in for the policy.

    python -m tests.tools.sip_stand_in CONFIG

It permits whom it is asked for, but for numbers that end in 4444, which it refuses a little later, as if the refusal
had to be on disk first. Calls to 95500 are those of the account jl-voice. Everything else is the product: sockets,
settings, transactions, calls. SIGUSR1 has it print what it holds.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Container
from pathlib import Path

from proxy.core.decision import Decision, Permit, Seal
from proxy.core.ground import Ground
from proxy.settings import load
from proxy.sip.call_events import EndedBy
from proxy.sip.error import SipError
from proxy.sip.judged import JudgedCall
from proxy.sip.message import SipRequest
from proxy.sip.subscriber import subscriber_of
from proxy.sip.uri import Uri, parse_uri
from proxy.sip_b2bua import SipServer
from proxy.telemetry.counters import Counters
from proxy.telemetry.events import BY_NAME
from proxy.telemetry.log import EventLog, configure
from proxy.trunks.judge import Answer, CallBack, NotTaken, Permitted, Refused

GROUND = Ground("voice", "jl-voice", "95500", "allow", "", "", "jianglan", "marketing", "test", 1, 1, b"")


class Counted(Permitted):
    """A call whose end is counted."""

    def __init__(self, judge: StandIn, permit: Permit) -> None:
        super().__init__(permit)
        self._judge = judge

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        del by, cause, status, request
        self._judge.open -= 1


class Back(CallBack):
    """A call from a carrier whose end is counted."""

    def __init__(self, judge: StandIn) -> None:
        super().__init__("jl-voice", "95500")
        self._judge = judge

    def ended(self, by: EndedBy, cause: str, status: int, request: SipRequest | None) -> None:
        del by, cause, status, request
        self._judge.open -= 1


class StandIn:
    """The judge."""

    def __init__(self) -> None:
        self.asked = 0
        self.open = 0

    def judge(
        self, account: str, request: SipRequest, uri: Uri, answer: Answer, *, offers_text: bool = False
    ) -> Permitted | None:
        del account
        self.asked += 1
        called = subscriber_of(uri)
        try:
            caller = subscriber_of(parse_uri(request.from_.uri))
        except SipError:
            caller = None
        if called is None or caller is None or called.digits.endswith(b"4444"):
            refused = Refused(
                607, b"Unwanted", [("reason", b'Q.850;cause=21;text="suppression.person"')], "suppression"
            )
            asyncio.get_running_loop().call_later(0.01, answer, refused)
            return None
        if called.digits.endswith(b"5555"):
            raise RuntimeError("a defect of the judge")
        self.open += 1
        judged = JudgedCall(caller.digits.decode(), called.digits.decode(), "江澜银行")
        return Counted(self, Permit(Seal(), Decision(self.asked, b"", GROUND), judged.octets()))

    def call_back(self, carrier: str, request: SipRequest, uri: Uri, taking: Container[str]) -> CallBack | NotTaken:
        del carrier, request
        called = subscriber_of(uri)
        if called is None or called.digits != b"95500":
            return NotTaken(404, [("reason", b"Q.850;cause=1")], "number")
        if "jl-voice" not in taking:
            return NotTaken(480, [("reason", b"Q.850;cause=20")], "untaken")
        self.open += 1
        return Back(self)

    def put_off(self, account: str, request: SipRequest, uri: Uri, rule: str, answer: Answer) -> None:
        del account, request, uri
        answer(Refused(503, b"Service Unavailable", [("reason", b'Q.850;cause=41;text="%s"' % rule.encode())], rule))


async def main(config: Path) -> None:
    configure("debug")
    events = EventLog(Counters(), strict=True)
    judge = StandIn()
    server = SipServer(load(config).sip, judge, lambda name, /, **fields: events.emit(BY_NAME[name], **fields))
    await server.start()
    stopping = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopping.set)

    def held() -> str:
        return f"calls={len(server.calls)} attempts={len(server.desk)} open={judge.open}"

    def tell() -> None:
        # WHY there: in order with what is logged.
        print(json.dumps({"event": "held", "held": held()}), file=sys.stderr, flush=True)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
    for kind, host, port in server.listening:
        print(f"listening {kind} {host}:{port}", flush=True)
    await stopping.wait()
    await server.drain(1.0)
    print(f"left {held()}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
