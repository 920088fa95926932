"""A writer that is killed: what it had reported as durable is in the log, every time."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proxy.evidence.read import entries
from proxy.evidence.records import Gap, Note, Start
from proxy.evidence.verify import verify

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))

WRITER = """
import asyncio, itertools, pathlib, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from proxy.evidence.log import EvidenceLog, Limits
from proxy.evidence.records import Note

async def write(directory):
    log = EvidenceLog.open(
        directory, Ed25519PrivateKey.from_private_bytes(bytes(range(32))), software="0", config_digest=b"", rules=(),
        limits=Limits(linger_ms=1, batch_records=64, segment_octets=20_000),
    )
    for number in itertools.count():
        name = f"{log.boot}.{number}"
        log.append(Note(at_us=0, topic="permit", actor="test", text=name))
        if number % 5 == 0:
            def durable(error, name=name):
                assert error is None
                sys.stdout.write(name + "\\n")
                sys.stdout.flush()
            log.append_durable(Note(at_us=0, topic="refusal", actor="test", text=name), durable)
        if number % 20 == 0:
            await asyncio.sleep(0)
        while log.crowded:
            await asyncio.sleep(0.001)

asyncio.run(write(pathlib.Path(sys.argv[1])))
"""


@pytest.mark.wire
def test_nothing_reported_durable_is_lost_over_ten_kills(tmp_path: Path) -> None:
    reported: list[str] = []
    for kill in range(1, 11):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        # Each round dies a little later, in the middle of what comes.
        for _ in range(3 + 17 * kill):
            line = child.stdout.readline()
            assert line.endswith("\n"), "the writer ended by itself"
            reported.append(line.strip())
        os.kill(child.pid, signal.SIGKILL)
        # A line that the kill cut short is no report.
        reported += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
    # The writer is opened once more, so that the last kill's tail is dealt with too.
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGSTOP)
    try:
        # A batch may be half written where it was stopped: only what precedes its Start is looked at.
        records = [entry.record for entry in entries(tmp_path)]
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    logged = {record.text for record in records if isinstance(record, Note) and record.topic == "refusal"}
    assert len(reported) > 900
    assert set(reported) <= logged
    assert [record.boot for record in records if isinstance(record, Start)] == list(range(1, 12))
    assert sum(isinstance(record, Gap) for record in records) == 10
    report = verify(tmp_path, KEY.public_key())
    # The eleventh writer was killed too, so at most its last batch is cut short.
    assert report.problem is None or report.problem.code == "cut"
