"""How the process begins and ends: a start that fails ends at once and says why, an orderly end raises no alarm."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import resource
import signal
import socket
from pathlib import Path
from typing import Any

import pytest

from proxy import console_process
from proxy.app import needing_restart
from proxy.settings import Settings, load
from tests.wire.house import CHECKOUT, LIMIT_S, ROOT, House, tdgate, toml

pytestmark = pytest.mark.wire


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def test_a_damaged_evidence_log_ends_the_start_at_once(house: House) -> None:
    await house.start()
    await house.end()
    (segment,) = (house.state / "evidence").glob("*.seg")
    octets = bytearray(segment.read_bytes())
    octets[60] ^= 1
    segment.write_bytes(octets)
    code, out, err = await tdgate("run", "--config", house.config)
    assert (code, out) == (1, "")
    assert segment.name in err
    assert "Traceback" not in err
    # The state was given back: its owner is nobody.
    segment.write_bytes(bytes(octets[:60]) + bytes((octets[60] ^ 1,)) + bytes(octets[61:]))
    await house.start()
    await house.end()


async def test_an_address_in_use_ends_the_start_at_once(house: House) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        house.configure(smpp={"listeners": [{"port": 0}, {"port": taken.getsockname()[1]}]})
        code, _, err = await tdgate("run", "--config", house.config)
    assert code == 1
    assert "in use" in err
    assert "Traceback" not in err


async def test_a_missing_key_of_persons_is_never_replaced(house: House) -> None:
    house.configure()
    key = house.state / "keys/person.key"
    octets = key.read_bytes()
    key.unlink()
    code, out, err = await tdgate("run", "--config", house.config)
    assert (code, out) == (1, "")
    assert "person.key: missing" in err
    assert "backup" in err
    assert not key.exists()
    key.write_bytes(octets)
    key.chmod(0o600)
    await house.start()
    await house.end()


async def test_an_orderly_end_of_all_its_processes_is_no_fault(house: House) -> None:
    await house.start(console={"enabled": True, "port": 0})
    await house.until(lambda: house.console)
    assert house.process is not None
    # As a terminal or a service manager does it: every process of the group is told, here the window first.
    (window,) = children_of(house.process.pid)
    os.kill(window, signal.SIGTERM)
    async with asyncio.timeout(60):
        while True:
            if window not in children_of(house.process.pid):
                break
            # WHY a pause: the end of somebody else's child is no event one could wait for.
            await asyncio.sleep(0.02)
    house.send_signal(signal.SIGTERM)
    assert await house.exit_code() == 0
    assert house.logged("process.stopped")
    assert not house.logged("console.failed")


async def test_a_window_that_finds_no_room_for_its_process_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    async def no_room(*_: object) -> None:
        tried.append(1)
        if len(tried) == 3:
            console.expect_end()
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    said: list[str] = []
    monkeypatch.setattr(console_process, "_PAUSE_S", (0.0,))
    monkeypatch.setattr(asyncio, "create_subprocess_exec", no_room)
    console = console_process.ConsoleProcess(Path("none.toml"), lambda event, **_: said.append(event))
    await console.run()
    assert said == ["console.failed"] * 3


OTHER = {
    "smpp": {"drain_s": 6.0},
    "sip": {"drain_s": 6.0},
    "confirmation": {"enabled": True},
    "review": {"meanwhile": "none"},
    "evidence": {"linger_ms": 50},
    "store": {"database": "other.db"},
    "console": {"enabled": False},
    "api": {"enabled": False},
    "log": {"level": "debug"},
    "spool": {"directory": "other"},
    "trail": {"directory": "other"},
    "routing": {"carriers": "other"},
    "lists": {"issuer": "donggang"},
}


@pytest.mark.parametrize("name", OTHER)
def test_every_table_that_a_reload_does_not_apply_is_named(name: str, tmp_path: Path) -> None:
    config = tmp_path / "tdgate.toml"
    config.write_text("")
    running = load(config)
    config.write_text(toml({"policy": {"pack": "cn-open"}, name: OTHER[name]}))
    assert needing_restart(running, load(config)) == [name]


def test_no_table_is_forgotten(tmp_path: Path) -> None:
    assert {*OTHER, "policy", "state"} == set(Settings.__struct_fields__)
    config = tmp_path / "tdgate.toml"
    config.write_text("")
    running = load(config)
    config.write_text('state = "elsewhere"\n')
    assert needing_restart(running, load(config)) == ["state"]


async def test_a_reload_told_while_it_starts_comes_after_it_and_names_what_needs_a_restart(house: House) -> None:
    house.configure()
    told: dict[str, dict[str, Any]] = {}
    # Standard output on a full disk: a start that cannot say where it listens serves all the same.
    full = os.open("/dev/full", os.O_WRONLY)
    _, files_most = resource.getrlimit(resource.RLIMIT_NOFILE)
    process = await asyncio.create_subprocess_exec(
        *(*CHECKOUT, "run", "--config", str(house.config)),
        cwd=ROOT,
        stdout=full,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, files_most)),
    )
    os.close(full)
    assert process.stderr is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            async for line in process.stderr:
                event = json.loads(line)
                told[event["event"]] = event
                if event["event"] == "process.started":
                    house.configure(smpp={"drain_s": 4.0}, evidence={"linger_ms": 50})
                    process.send_signal(signal.SIGHUP)
                elif event["event"] == "config.reloaded":
                    assert "process.ready" in told
                    # Beyond the first limit on open files, which it was given, up to the last one.
                    assert resource.prlimit(process.pid, resource.RLIMIT_NOFILE)[0] == min(files_most, 65_536)
                    process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert told["config.reloaded"]["needs_restart"] == "smpp,evidence"
    assert list(told)[-1] == "process.stopped"
    house.check_evidence()
