"""A process that is killed: every id that it had told anybody after `flush` is known to the next one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.trail.limits import Limits
from proxy.trail.message import esme_id
from proxy.trail.trail import Trail

LIMITS = "Limits(open_most=100_000, segment_octets=300_000, segments_least=2)"

WRITER = f"""
import os, pathlib, sys
from proxy.trail.limits import Limits
from proxy.trail.message import esme_id
from proxy.trail.trail import Trail

trail = Trail.open(pathlib.Path(sys.argv[1]), limits={LIMITS})
boot = int(sys.argv[2])
number = 0
while True:
    lines = []
    for _ in range(7):
        number += 1
        ours = boot << 32 | number
        trail.accepted(ours, "jianglan-01", "cmcc", b"%d-%d" % (boot, number), bytes(16))
        lines.append(b"A " + esme_id(ours))
        if number % 3 == 0:
            trail.final(ours, "DELIVRD")
            lines.append(b"F " + esme_id(ours))
    trail.flush()
    os.write(1, b"\\n".join(lines) + b"\\n")
"""


@pytest.mark.wire
def test_no_id_that_was_answered_is_unknown_after_ten_kills(tmp_path: Path) -> None:
    accepted: set[str] = set()
    ended: set[str] = set()
    for boot in range(1, 11):
        child = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(boot)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        lines = []
        # Each round dies a little later, in the middle of what comes.
        for _ in range(50 + 170 * boot):
            line = child.stdout.readline()
            assert line.endswith("\n"), "the writer ended by itself"
            lines.append(line)
        os.kill(child.pid, signal.SIGKILL)
        lines += [line for line in child.stdout if line.endswith("\n")]
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
        accepted |= {line[2:].strip() for line in lines if line[0] == "A"}
        ended |= {line[2:].strip() for line in lines if line[0] == "F"}
    trail = Trail.open(tmp_path, limits=Limits(open_most=100_000, segment_octets=300_000, segments_least=2))
    assert len(accepted) > 5000
    for written in accepted:
        message = trail.by_ours(int(written, 16))
        assert message is not None, written
        assert esme_id(message.decision_id).decode() == written
        assert message.carrier_id == b"%d-%d" % (message.decision_id >> 32, message.decision_id & 0xFFFFFFFF)
        assert [each.decision_id for each in trail.by_carrier("cmcc", message.carrier_id)] == [message.decision_id]
        assert written not in ended or message.state == "DELIVRD"
    assert trail.recovered.unnamed == 0
    trail.close()
