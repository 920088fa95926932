"""Many calls, with 2 % of all datagrams lost each way on both sides: nothing of them is left in the process at the end.

The long version (`make soak`) makes 50,000 calls and looks at memory. What `make test` runs is the same with fewer, and
with a small T1, so that the last timers are soon over.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from proxy.evidence.records import Call
from tests.interop.callers import CALL_S_MOST, REFUSED, CallHouse
from tests.interop.sipp_sides import answer, asked, inside, reply, theirs
from tests.tools.lossy import LossyRelay
from tests.tools.sipp import KEPT, SDP, SIPP, free_port, pause, recv, send
from tests.tools.sipp_load import Load
from tests.wire.people import PERSONS

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(SIPP is None, reason="sipp is not installed (sip-tester)"),
]

LOST = 0.02
WILLING = tuple(each for each in PERSONS if each != REFUSED)
#: SIPp's own patience: it sends again five times an INVITE, nine times anything else, and then counts a failed call.
FAILED_MOST = 0.01
#: For how long an INVITE that was refused is kept over UDP, whatever T1 is (RFC 3261 §17.1.1.2, timer D).
TIMER_D_S = 32.0
#: A call that came late in the run may be answered still; SIPp keeps what it must send again for so long.
LINGER = '<timewait milliseconds="4000"/>'


def symmetric(text: str) -> str:
    """WHY rport: without it the answer goes to the port of the Via, past the relay (RFC 3581). WHY a plain Call-ID: the
    BYE by which SIPp gives up knows no other.
    """
    return text.replace("branch=[branch]", "branch=[branch];rport").replace("uac-call-id///", "")


def said(method: str, number: int = 1) -> str:
    return symmetric(asked(method, "[field0]", number))


def later(method: str, number: int) -> str:
    return symmetric(inside(method, number, "[field0]"))


CALLS = [
    send(said("INVITE"), SDP, retrans_ms=500),
    recv(100, optional=True),
    recv(180, optional=True),
    recv(200, more='rrs="true"'),
    send(later("ACK", 1)),
]
#: WHY a transaction: without it SIPp takes a 200 of the INVITE that comes again for that of the BYE, and is content.
BYE = send(later("BYE", 2), retrans_ms=500).replace("<send ", '<send start_txn="bye" ')
ANSWERED = [send(answer("180 Ringing")), pause(50), send(answer("200 OK"), SDP, retrans_ms=500)]


@dataclass(frozen=True)
class Kind:
    """One kind of call: its share of all, both sides of it, and whom it calls."""

    share: float
    uac: Sequence[str]
    uas: Sequence[str]
    persons: Sequence[str] = WILLING


KINDS = {
    "the caller hangs up": Kind(
        0.7,
        (*CALLS, pause(100), BYE, recv(200, more='response_txn="bye"')),
        # A BYE may come where the ACK was lost.
        (recv("INVITE"), *ANSWERED, recv("ACK", optional=True), recv("BYE"), send(reply("200 OK")), LINGER),
    ),
    "the person hangs up": Kind(
        0.15,
        (*CALLS, recv("BYE"), send(reply("200 OK")), LINGER),
        (KEPT, *ANSWERED, recv("ACK"), pause(100), send(symmetric(theirs("BYE", 1)), retrans_ms=500), recv(200)),
    ),
    "the carrier refuses": Kind(
        0.1,
        (
            send(said("INVITE"), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(180, optional=True),
            recv(486),
            send(said("ACK")),
            LINGER,
        ),
        (recv("INVITE"), send(answer("180 Ringing")), send(answer("486 Busy Here"), retrans_ms=500), recv("ACK")),
    ),
    "the policy refuses": Kind(
        0.05,
        (
            send(said("INVITE"), SDP, retrans_ms=500),
            recv(100, optional=True),
            recv(607),
            send(said("ACK")),
            LINGER,
        ),
        (recv("INVITE"),),
        (REFUSED,),
    ),
}


def rss_kb(pid: int) -> int:
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def open_files(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def settled(house: CallHouse, limit_s: float) -> dict[str, int]:
    """What the calls hold once that is nothing, or after `limit_s`."""
    held: dict[str, int] = {}
    try:
        async with asyncio.timeout(limit_s):
            while True:
                held = dict((await house.status(fresh=True))["sip"])
                if not any(held.values()):
                    return held
                # WHY a pause: a status comes once a second.
                await asyncio.sleep(0.5)
    except TimeoutError:
        return held


async def soaked(
    house: CallHouse, folder: Path, kinds: dict[str, Kind], calls: int, rate: int, **sip: Any
) -> list[int]:
    """Makes the calls, checks what is left; the process's memory in kB over the run, the last one at rest."""
    async with AsyncExitStack() as open_:
        sides: dict[str, tuple[Load, LossyRelay]] = {}
        trunks, carriers = {}, {}
        for place, (name, kind) in enumerate(kinds.items()):
            port = free_port()
            behind = await Load(f"uas{place}", kind.uas).listen(folder, port)
            open_.push_async_callback(behind.end)
            relay = LossyRelay(("127.0.0.1", port), share=LOST, seed=place)
            sides[name] = (behind, await open_.enter_async_context(relay))
            trunks[f"t{place}"] = {"addresses": [f"127.0.0.{place + 2}/32"], "carrier": f"c{place}"}
            carriers[f"c{place}"] = {"gateways": [{"port": relay.port}], "no_answer_s": 30.0}
        await open_.enter_async_context(house)
        await house.open(trunks, carriers, **sip)
        assert house.process is not None
        pid = house.process.pid
        files = open_files(pid)
        runs, relays = [], [relay for _, relay in sides.values()]
        for place, kind in enumerate(kinds.values()):
            to = ("127.0.0.1", house.sip)
            relay = LossyRelay(to, share=LOST, seed=100 + place, host=f"127.0.0.{place + 2}")
            relays.append(await open_.enter_async_context(relay))
            uac = Load(f"uac{place}", kind.uac, kind.persons)
            open_.push_async_callback(uac.end)
            many, each_s = int(calls * kind.share), max(1, int(rate * kind.share))
            runs.append(uac.run(folder, remote=relay.port, calls=many, rate=each_s))
        memory: list[int] = []
        watching = asyncio.create_task(watch(pid, memory))
        counts = await asyncio.gather(*runs)
        watching.cancel()
        for relay in relays:
            relay.share = 0.0
        made, failed = sum(one.good + one.bad for one in counts), sum(one.bad for one in counts)
        print(f"\n{made} calls, {failed} failed, {sum(one.repeated for one in counts)} messages repeated by callers")
        print(f"{sum(one.passed for one in relays)} datagrams passed, {sum(one.lost for one in relays)} lost")
        assert made == sum(int(calls * kind.share) for kind in kinds.values())
        assert failed <= max(2, FAILED_MOST * made), dict(zip(kinds, counts, strict=True))
        assert sum(one.lost for one in relays) > LOST / 2 * sum(one.passed for one in relays)

        t1_s = float(sip.get("t1_s", 0.5))
        held = await settled(house, 64 * t1_s + TIMER_D_S + CALL_S_MOST)
        print(f"left: {held}; memory at rest {rss_kb(pid)} kB, {min(memory)}–{max(memory)} kB under way")
        assert not any(held.values()), held
        assert open_files(pid) <= files
        memory.append(rss_kb(pid))
        records = Counter(one.result for one in house.records() if isinstance(one, Call))
        refused = house.refused_by()
        await house.end()
        assert set(refused) == {"suppression.active"}
        assert len(refused) == int(calls * kinds["the policy refuses"].share)
        assert sum(records.values()) == made - len(refused)
    return memory


async def watch(pid: int, memory: list[int]) -> None:
    while True:
        memory.append(rss_kb(pid))
        await asyncio.sleep(1)


async def test_calls_with_loss_leave_nothing_behind(caller_state: Path, tmp_path: Path) -> None:
    # Those keep their transactions for 32 s, whatever T1 is.
    kinds = {name: kind for name, kind in KINDS.items() if name != "the carrier refuses"}
    await soaked(CallHouse(caller_state, tmp_path), tmp_path, kinds, 600, 150, t1_s=0.05)


@pytest.mark.soak
async def test_fifty_thousand_calls_with_loss(caller_state: Path, tmp_path: Path) -> None:
    """Memory stays where it was after the first fifth of the run, when every table has once been full."""
    memory = await soaked(CallHouse(caller_state, tmp_path), tmp_path, KINDS, 50_000, 120)
    *under_way, rest = memory
    fifth = len(under_way) // 5
    print(f"memory by fifths: {[max(under_way[n * fifth : (n + 1) * fifth]) for n in range(5)]} kB, at rest {rest} kB")
    assert max(under_way[fifth * 4 :]) <= max(under_way[fifth : 2 * fifth]) * 1.05
