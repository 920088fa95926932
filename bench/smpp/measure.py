"""One measured run of smppload against one hop, and the CPU that the hop spent on it.

CPU is utime+stime of the hop's whole process tree from /proc, per 1,000 acknowledged messages: it holds on a busy
machine, where messages per second do not. It is read at both ends of the measured time, without start, warm-up and end.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def build(folder: Path) -> tuple[Path, Path]:
    """Compiles smppload and smscsim into `folder` where they are older than their sources; returns both paths."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("smppload", "smscsim"):
        source, program = HERE / f"{name}.c", folder / name
        if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
            subprocess.run(["gcc", "-O2", "-o", program, source, "-lm"], check=True)
    return folder / "smppload", folder / "smscsim"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def tree(pid: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            parent = int(Path(f"/proc/{entry}/stat").read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(entry))
    found, todo = [], [pid]
    while todo:
        found.append(todo.pop())
        todo += children.get(found[-1], [])
    return found


def resident_mb(pids: list[int]) -> float:
    """Resident memory of these processes, shared pages counted once each, in MB."""
    total = 0
    for pid in pids:
        try:
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total / 1000


def wait_for(port: int, process: subprocess.Popen[bytes], limit_s: float) -> bool:
    """Whether something listens on the port before the limit, or the end of the process."""
    end = time.monotonic() + limit_s
    while time.monotonic() < end and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                time.sleep(0.5)
                return True
        time.sleep(0.1)
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that leads its own session, politely, then by force."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sign)
            process.wait(10)
            return
        except ProcessLookupError:
            process.wait()
            return
        except subprocess.TimeoutExpired:
            continue


def measure(args: list[str], hop: subprocess.Popen[bytes] | None, warm_s: float, measured_s: float) -> dict[str, Any]:
    """One run of smppload. Its own JSON line, with cpu_s_per_1k of the hop; {"error": …} if it did not end well."""
    if hop:
        # WHY by smppload: it alone knows when all binds stand and the measured time begins; argon2 makes binds slow.
        args = [*args, "-P", ",".join(map(str, tree(hop.pid)))]
    run = subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, err = run.communicate(timeout=warm_s + measured_s + 60)
    except subprocess.TimeoutExpired:
        run.kill()
        run.wait()
        return {"error": "no end"}
    if run.returncode or not out:
        return {"error": (err.strip().splitlines() or [f"exit {run.returncode}"])[-1]}
    row: dict[str, Any] = json.loads(out)
    return row
