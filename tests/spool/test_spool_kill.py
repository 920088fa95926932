"""A process that is killed: what it had acknowledged and not answered is in the spool, every time, in order."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.spool.spool import Spool

KEY = bytes(range(32))

# Prints `p ACCOUNT NUMBER` for what is durable, `t ACCOUNT NUMBER AGAIN` before what it takes is answered. Every third
# entry is never answered.
WRITER = """
import asyncio, itertools, pathlib, sys
from proxy.spool.limits import Limits
from proxy.spool.spool import Spool

def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\\n")
    sys.stdout.flush()

async def write(directory, first):
    spool = Spool.open(directory, bytes(range(32)), limits=Limits(segment_octets=4_000, done_linger_ms=1))
    for number in itertools.count(first):
        account = f"account-{number % 3}"
        octets = b"%s %d" % (account.encode(), number)
        def durable(error, account=account, number=number):
            assert error is None
            say("p", account, number)
        assert spool.put(account, octets, durable)
        if number % 7 == 0:
            await asyncio.sleep(0.001)
            for entry in spool.take(account, 5):
                taken = int(entry.octets.split()[1])
                say("t", account, taken, int(entry.again))
                if taken % 3:
                    spool.done(entry)
        if number % 50 == 0:
            spool.give_back("account-1")

asyncio.run(write(pathlib.Path(sys.argv[1]), int(sys.argv[2])))
"""


def lines_until_killed(directory: Path, first: int, least: int) -> list[str]:
    """What a writer reports before it is killed, after it has reported at least so much."""
    child = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(directory), str(first)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    lines: list[str] = []
    for _ in range(least):
        line = child.stdout.readline()
        assert line.endswith("\n"), "the writer ended by itself"
        lines.append(line)
    os.kill(child.pid, signal.SIGKILL)
    # A line that the kill cut short is no report.
    lines += [line for line in child.stdout if line.endswith("\n")]
    child.stdout.close()
    assert child.wait() == -signal.SIGKILL
    return lines


@pytest.mark.wire
async def test_nothing_acknowledged_is_lost_over_kills(tmp_path: Path) -> None:
    acknowledged: set[tuple[str, int]] = set()
    taken: set[tuple[str, int]] = set()
    answered: set[tuple[str, int]] = set()
    seen_again = 0
    for kill in range(5):
        taken_before = set(taken)
        for line in lines_until_killed(tmp_path, kill * 1_000_000, 100 + 171 * kill):
            kind, account, number, *again = line.split()
            delivery = (account, int(number))
            if kind == "p":
                acknowledged.add(delivery)
                continue
            # INVARIANT: what was handed out before, in whichever run, says so.
            if delivery in taken_before:
                assert again == ["1"]
                seen_again += 1
            taken.add(delivery)
            if int(number) % 3:
                answered.add(delivery)
    assert seen_again > 0
    spool = Spool.open(tmp_path, KEY)
    found: set[tuple[str, int]] = set()
    for account in spool.accounts():
        numbers: list[int] = []
        for entry in spool.take(account, 1 << 20):
            named, number = entry.octets.split()
            assert named.decode() == account
            assert entry.again
            numbers.append(int(number))
        assert numbers == sorted(set(numbers))
        found |= {(account, number) for number in numbers}
    await spool.close()
    assert len(acknowledged) > 1_000
    assert acknowledged - answered <= found
