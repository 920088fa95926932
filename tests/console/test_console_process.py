"""The console as a process: its address, its priority, its end, and what a broken peer does to it."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest

pytestmark = pytest.mark.wire

#: Starts a console as its parent, tells its process id, and is gone as soon as somebody closes its input.
PARENT = """
import os, sys
from pathlib import Path
from proxy.settings import load
from proxy.console.serve import serve
settings, me = load(Path(sys.argv[1])), os.getpid()
if os.fork() == 0:
    os.close(0)
    os._exit(serve(settings, parent=me))
sys.stdin.read()
os._exit(0)
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "state").mkdir()
    found = tmp_path / "tdgate.toml"
    found.write_text('state = "state"\n[console]\nport = 0\n')
    return found


@pytest.fixture
def console(config: Path, tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A running console and its address."""
    command = [sys.executable, "-m", "proxy.console", "--config", str(config)]
    with (tmp_path / "console.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().decode().removeprefix("console: ").strip()
        finally:
            process.kill()
            process.wait(20)


def alive(address: str) -> bool:
    with urlopen(f"{address}livez", timeout=60) as answer:
        return bool(answer.status == 200)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_its_address_yields_to_the_wire_and_ends_in_order(
    console: tuple[subprocess.Popen[bytes], str], number: signal.Signals
) -> None:
    process, address = console
    assert alive(address)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) >= os.getpriority(os.PRIO_PROCESS, 0) + 10
    process.send_signal(number)
    assert process.wait(20) == 0


def test_it_ends_while_somebody_watches(console: tuple[subprocess.Popen[bytes], str]) -> None:
    process, address = console
    with urlopen(f"{address}events", timeout=60) as stream:
        assert stream.readline() == b"event: seen\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


@pytest.mark.parametrize("octets", [b"\0" * 400, b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 20_000, b"\x16\x03\x01\x02"])
def test_octets_that_are_no_http_harm_nobody(console: tuple[subprocess.Popen[bytes], str], octets: bytes) -> None:
    _, address = console
    port = int(address.rstrip("/").rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port), timeout=60) as peer:
        with contextlib.suppress(ConnectionError):  # closed on us half way: that is an answer
            peer.sendall(octets)
        assert alive(address)


def test_an_address_in_use_is_told(config: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        config.write_text(f'state = "state"\n[console]\nport = {port}\n')
        command = [sys.executable, "-m", "proxy.console", "--config", str(config)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use".encode() in done.stderr


def test_a_configuration_that_is_wrong_is_told(config: Path) -> None:
    config.write_text("[console]\nprot = 1\n")
    command = [sys.executable, "-m", "proxy.console", "--config", str(config)]
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    assert done.returncode == 1
    assert b"console.prot: unknown key" in done.stderr


def test_it_does_not_outlive_the_process_that_started_it(config: Path, tmp_path: Path) -> None:
    """The end of its standard output is the event: nobody else holds the other end."""
    with (tmp_path / "console.log").open("wb") as log:
        parent = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(config)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log
        )
        assert parent.stdin is not None
        assert parent.stdout is not None
        address = parent.stdout.readline().decode().removeprefix("console: ").strip()
        assert alive(address)
        parent.stdin.close()
        assert parent.wait(20) == 0
        assert parent.stdout.read() == b""
        parent.stdout.close()
    with pytest.raises(OSError):
        alive(address)
