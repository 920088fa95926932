"""What a record costs: `python tests/evidence/measure_cost.py [records per second]`. Not a test: it asserts nothing.

Prints CPU µs per record from `append` to `fdatasync` (all threads, user and system) for batches of 2,000, the best of
many, so that quiet moments of a busy machine count; beside it keyed BLAKE2b-128 of a number, which takes 0.45 µs on the
machine of the design figures. Then: how late a timer of 1 ms is while records arrive at the given rate, with hashing on
the loop, as it is, and in a thread.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from threading import Thread

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.evidence.log import EvidenceLog
from proxy.evidence.merkle import CompactRange
from proxy.evidence.records import Decision, encode, rules_hash

BATCH = 2_000
RULES = tuple(f"family.rule{number}" for number in range(40))


def decision(number: int) -> Decision:
    return Decision(
        id=1 << 32 | number,
        at_us=1_700_000_000_000_000 + number,
        channel="sms",
        account="jianglan-01",
        sender="106900001111",
        person=b"\x5a" * 16,
        key_id=1,
        principal="jianglan",
        purpose="marketing",
        effect=0,
        rule="",
        detail="",
        mode="enforce",
        pack="cn-zhejiang",
        pack_version=3,
        revision=17,
        outcomes=b"\1" * 40,
        rules_hash=rules_hash(RULES),
    )


RECORDS = [decision(number) for number in range(BATCH)]


def best(rounds: int, work: Callable[[], object], count: int) -> float:
    """µs of CPU per item, the least of several rounds."""
    least = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        work()
        least = min(least, time.process_time() - begun)
    return least / count * 1e6


def open_log(directory: str) -> EvidenceLog:
    key = Ed25519PrivateKey.generate()
    return EvidenceLog.open(Path(directory), key, software="0", config_digest=b"", rules=RULES)


async def cost_of_a_record(directory: str) -> float:
    log = open_log(directory)
    least = float("inf")
    for _ in range(300):
        begun = time.process_time()
        for at in range(0, len(RECORDS), 100):
            for record in RECORDS[at : at + 100]:
                assert log.append(record)
            await asyncio.sleep(0)
        done = asyncio.Event()
        log.append_durable(RECORDS[0], lambda _, done=done: done.set())  # type: ignore[misc]
        await done.wait()
        least = min(least, time.process_time() - begun)
    await log.close()
    return least / len(RECORDS) * 1e6


async def lateness(append: Callable[[Decision], object], rate: int, seconds: float = 3.0) -> tuple[float, float, float]:
    """ms at p50, p99 and worst that a timer of 1 ms is late, under `rate` records/s in ticks of 1 ms."""
    late: list[float] = []
    end = time.perf_counter() + seconds
    due = time.perf_counter()
    while due < end:
        for record in RECORDS[: rate // 1000]:
            append(record)
        due += 0.001
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(max(0.0, time.perf_counter() - due) * 1e3)
    late.sort()
    return late[len(late) // 2], late[len(late) * 99 // 100], late[-1]


def hashing_thread(queue: list[bytes], stop: list[bool]) -> None:
    """What the log does not do: hashes a batch at a time beside the loop."""
    tree = CompactRange()
    while not stop:
        time.sleep(0.1)
        batch, queue[:] = queue[:], []
        tree.extend(batch)


async def main() -> None:
    rate = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    blake = best(
        200, lambda: [blake2b(b"8613800000000", key=b"k" * 32, digest_size=16).digest() for _ in RECORDS], BATCH
    )
    print(f"keyed BLAKE2b                     {blake:6.2f} µs")
    print(f"encode                            {best(200, lambda: [encode(one) for one in RECORDS], BATCH):6.2f} µs")
    encoded = [encode(one) for one in RECORDS]

    def tree() -> None:
        whole = CompactRange()
        for at in range(0, len(encoded), 64):
            whole.extend(encoded[at : at + 64])

    print(f"leaves and nodes                  {best(200, tree, BATCH):6.2f} µs")
    with tempfile.TemporaryDirectory() as directory:
        print(f"append to fdatasync, all of it    {await cost_of_a_record(directory):6.2f} µs")
    idle = await lateness(lambda _: None, rate)
    print("timer late, no log                p50 {:.2f}  p99 {:.2f}  worst {:.2f} ms".format(*idle))
    with tempfile.TemporaryDirectory() as directory:
        log = open_log(directory)
        on_loop = await lateness(log.append, rate)
        await log.close()
    print("timer late, hashing on the loop   p50 {:.2f}  p99 {:.2f}  worst {:.2f} ms".format(*on_loop))
    queue: list[bytes] = []
    stop: list[bool] = []
    thread = Thread(target=hashing_thread, args=(queue, stop))
    thread.start()
    beside = await lateness(lambda record: queue.append(encode(record)), rate)
    stop.append(True)
    thread.join()
    print("timer late, hashing in a thread   p50 {:.2f}  p99 {:.2f}  worst {:.2f} ms".format(*beside))


if __name__ == "__main__":
    uvloop.run(main())
