"""The real process for a test: a configuration written inline, `tdgate run` on port 0, scripted ends on both sides.

    async with House(template, tmp_path) as house:
        await house.start(smpp={"response_timer_s": 0.5}, route={"on_loss": "hold"})
        esme = await house.bind("jl")
        assert (await esme.request(SUBMIT_SM, text("10690001"))).status == 0
        await house.end()                      # SIGTERM, exit 0, evidence verified, no personal data anywhere

Owns the life of the process, its state folder (a copy of a template that an import made once) and its log. Knows the
product from outside only: octets, standard output and error, status.json, the evidence through its public reader.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from proxy.commands.registry_access import ImportRequest, StoreAccess
from proxy.evidence import read
from proxy.evidence.keys import load_signing_key
from proxy.evidence.records import Decision, Outcome, Release, Suppression
from proxy.evidence.verify import verify
from proxy.settings import load
from tests.tools.raw_esme import RawEsme
from tests.tools.raw_smsc import RawSession, RawSmsc
from tests.tools.wire import BIND_RX, BIND_TRX, BIND_TX, Frame, message_body
from tests.wire.people import PASSWORD, PERSONS, REGISTRY, SECRET_TEXTS, TEXT, TEXTS

ROOT = Path(__file__).resolve().parents[2]
#: Against waiting for ever; nothing is judged by it.
LIMIT_S = 60.0
#: tdgate as it stands here; another build has another command.
CHECKOUT = (sys.executable, "-m", "proxy")
T = TypeVar("T")
Table = Mapping[str, Any]

#: Small, so that no test waits long for a timer; single tests set their own.
SMPP: dict[str, Any] = {
    "session_init_timer_s": 5.0,
    "pdu_timer_s": 5.0,
    "enquire_link_timer_s": 20.0,
    "response_timer_s": 8.0,
    "password_delay_first_s": 0.05,
    "password_delay_most_s": 0.4,
    "drain_s": 5.0,
    "parts_quiet_ms": 300,
}
ROUTE: dict[str, Any] = {"connect_timeout_s": 3.0, "backoff_first_s": 0.05, "backoff_most_s": 0.2}


def toml(tables: Mapping[str, Table]) -> str:
    """A configuration file; nested tables are written inline."""
    return "\n".join(
        f"[{name}]\n" + "\n".join(f"{key} = {_value(value)}" for key, value in table.items()) + "\n"
        for name, table in tables.items()
    )


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, Path):
        value = str(value)
    return json.dumps(value, ensure_ascii=False)


def make_template(folder: Path, registry: Table = REGISTRY) -> Path:
    """A state folder into which a registry was imported; copied for each process."""
    folder.mkdir(parents=True)
    config = folder / "tdgate.toml"
    config.write_text('state = "state"\n')
    file = folder / "registry.json"
    file.write_text(json.dumps(registry, ensure_ascii=False), encoding="utf-8")
    report, changed = StoreAccess(load(config)).take_in(ImportRequest(file), lambda _: None)
    assert changed is not None, report.problems
    return folder / "state"


def text(
    source: str = "10690001",
    to: str = PERSONS[0],
    said: str = "",
    **fields: Any,
) -> bytes:
    """The body of a submit_sm in UCS-2; where nothing is to be said in particular, what the number is for."""
    said = said or TEXTS.get(source, TEXT)
    return message_body(source, to, said.encode("utf-16-be"), data_coding=8, **fields)


def reply(said: str, number: str = "10690001", person: str = PERSONS[0], **fields: Any) -> bytes:
    """The body of a deliver_sm: what a person wrote back."""
    return message_body(person, number, said.encode("ascii"), source_ton=1, source_npi=1, dest_ton=0, **fields)


async def tdgate(*arguments: str | Path, limit_s: float = LIMIT_S) -> tuple[int, str, str]:
    """Runs a command to its end: exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "proxy",
        *map(str, arguments),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), limit_s)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


class House:
    """One tdgate and its state. `smsc` is the carrier of the default route; more can be made by a test."""

    def __init__(self, template: Path, folder: Path, command: Sequence[str] = CHECKOUT) -> None:
        self.folder = folder
        self._command = command
        self.state = folder / "state"
        self.config = folder / "tdgate.toml"
        self.smsc = RawSmsc()
        self.port = 0
        self.ports: dict[str, int] = {}
        self.console = ""
        self.lines: list[dict[str, Any]] = []
        self.process: asyncio.subprocess.Process | None = None
        self._template = template
        self._changed = asyncio.Condition()
        self._readers: list[asyncio.Task[None]] = []
        self._esmes: list[RawEsme] = []

    async def __aenter__(self) -> House:
        self.folder.mkdir(exist_ok=True)
        shutil.copytree(self._template, self.state, dirs_exist_ok=True)
        await self.smsc.listen()
        return self

    async def __aexit__(self, *raised: object) -> None:
        for esme in self._esmes:
            await esme.close()
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)
        await self.smsc.close()

    # ---- the process --------------------------------------------------------------------------------------------

    def configure(
        self,
        *,
        smpp: Table | None = None,
        route: Table | None = None,
        routes: Mapping[str, Table] | None = None,
        **tables: Table,
    ) -> None:
        """Writes the configuration: `smpp` and `route` (the default one) over small timers, other tables as given."""
        default = {"port": self.smsc.port, **ROUTE, **(route or {})}
        whole: dict[str, Table] = {
            "smpp": {"listeners": [{"port": 0}], **SMPP, **(smpp or {})},
            "smpp.routes.default": default,
            **{f"smpp.routes.{name}": {**ROUTE, **one} for name, one in (routes or {}).items()},
            "policy": {"pack": "cn-open"},
            "console": {"enabled": False},
        }
        for name, table in tables.items():
            whole[name] = {**whole.get(name, {}), **table}
        self.config.write_text('state = "state"\n' + toml(whole), encoding="utf-8")

    async def start(self, *, file_octets_most: int = 0, **configuration: Any) -> House:
        """Starts `tdgate run` and returns when it listens. Without arguments the configuration that stands is used."""
        if configuration or not self.config.exists():
            self.configure(**configuration)

        def limited() -> None:
            # A write beyond the limit then fails as on a full disk, instead of ending the process.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (file_octets_most, file_octets_most))

        self.process = await asyncio.create_subprocess_exec(
            *self._command,
            "run",
            "--config",
            str(self.config),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            preexec_fn=limited if file_octets_most else None,
        )
        self.port, self.ports, self.console = 0, {}, ""
        self.status_path.unlink(missing_ok=True)
        self._readers += [asyncio.create_task(self._read_output()), asyncio.create_task(self._read_log())]
        await self.until(lambda: self.port or self.ports, or_ended=True)
        return self

    async def _read_output(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with (self.folder / "tdgate.out.log").open("ab") as kept:
            async for line in self.process.stdout:
                kept.write(line)
                word, _, rest = line.decode().strip().partition(" ")
                if word == "listening":
                    kind, _, address = rest.partition(" ")
                    self.ports[kind] = int(address.rpartition(":")[2])
                    self.port = self.ports.get("smpp", self.port)
                elif word == "console:":
                    self.console = rest
                await self._tell()
        await self._tell()

    async def _read_log(self) -> None:
        assert self.process is not None
        assert self.process.stderr is not None
        with (self.folder / "tdgate.log").open("ab") as kept:
            async for line in self.process.stderr:
                kept.write(line)
                kept.flush()
                with contextlib.suppress(ValueError):
                    self.lines.append(json.loads(line))
                await self._tell()
        await self._tell()

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def until(self, check: Callable[[], T | None], *, or_ended: bool = False, limit_s: float = LIMIT_S) -> T:
        """The first true value of `check`, asked at every line that the process writes."""
        assert self.process is not None
        async with asyncio.timeout(limit_s), self._changed:
            while not (value := check()):
                if or_ended and self.process.stdout is not None and self.process.stdout.at_eof():
                    raise RuntimeError(f"tdgate ended: see {self.folder / 'tdgate.log'}")
                await self._changed.wait()
            return value

    async def event(self, name: str, count: int = 1, **fields: Any) -> list[dict[str, Any]]:
        """The log lines of an event (with these fields), as soon as there are `count`."""
        return await self.until(lambda: found if len(found := self.logged(name, **fields)) >= count else None)

    def logged(self, name: str, **fields: Any) -> list[dict[str, Any]]:
        return [line for line in self.lines if line.get("event") == name and fields.items() <= line.items()]

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def exit_code(self, limit_s: float = LIMIT_S) -> int:
        assert self.process is not None
        code = await asyncio.wait_for(self.process.wait(), limit_s)
        await asyncio.gather(*self._readers)
        return code

    async def kill(self) -> None:
        """Ends it as a crash does."""
        self.send_signal(signal.SIGKILL)
        assert await self.exit_code() == -signal.SIGKILL

    async def end(self) -> None:
        """An orderly end, and what holds after every end: exit 0, a sound log, no personal data."""
        # The status file goes with an orderly end, so it is looked at before.
        self.check_privacy()
        self.send_signal(signal.SIGTERM)
        assert await self.exit_code() == 0
        self.check_evidence()
        self.check_privacy()

    async def command(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Runs `tdgate ARGUMENTS --config …` beside the process: exit code, standard output, standard error."""
        return await tdgate(*arguments, "--config", self.config)

    # ---- what it tells ------------------------------------------------------------------------------------------

    @property
    def status_path(self) -> Path:
        return self.state / "status.json"

    async def status(
        self, check: Callable[[dict[str, Any]], Any] = lambda _: True, *, fresh: bool = False
    ) -> dict[str, Any]:
        """The status file as soon as `check` holds of it; a `fresh` one was written after this call."""
        seen: dict[str, Any] = {}
        since_us = time.time_ns() // 1000 if fresh else 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT_S):
                while True:
                    with contextlib.suppress(OSError, ValueError):
                        seen = json.loads(self.status_path.read_bytes())
                        if seen["at_us"] >= since_us and check(seen):
                            return seen
                    # WHY a pause: a file that is replaced is no event one could wait for.
                    await asyncio.sleep(0.02)
        raise AssertionError(f"never told: counters {seen.get('counters')} decisions {seen.get('decisions')}")

    async def counted(self, name: str, count: int = 1) -> int:
        """The counter of an event, as soon as it is at least `count`."""
        status = await self.status(lambda one: one["counters"].get(name, 0) >= count)
        return int(status["counters"][name])

    async def counters(self) -> dict[str, int]:
        """All counters of a status that was written after this call."""
        return dict((await self.status(fresh=True))["counters"])

    def records(self) -> list[Any]:
        """All records of the evidence."""
        return [entry.record for entry in read.entries(self.state / "evidence")]

    def decisions(self) -> list[Decision]:
        return [one for one in self.records() if isinstance(one, Decision)]

    def refused_by(self) -> list[str]:
        """The rules of all refusals, in order."""
        return [one.rule for one in self.decisions() if one.rule]

    def outcomes(self) -> list[Outcome]:
        return [one for one in self.records() if isinstance(one, Outcome)]

    def suppressions(self) -> list[Suppression]:
        return [one for one in self.records() if isinstance(one, Suppression)]

    def releases(self) -> list[Release]:
        return [one for one in self.records() if isinstance(one, Release)]

    async def record(self, check: Callable[[Any], Any], count: int = 1) -> list[Any]:
        """The records that fit, as soon as there are `count` on disk."""
        found: list[Any] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT_S):
                while True:
                    found = [one for one in self.records() if check(one)]
                    if len(found) >= count:
                        return found
                    # WHY a pause: a file that grows is no event one could wait for.
                    await asyncio.sleep(0.02)
        raise AssertionError(f"{len(found)} of {count} records")

    def check_evidence(self) -> None:
        key = load_signing_key(self.state / "keys/evidence.pem").public_key()
        report = verify(self.state / "evidence", key)
        assert report.sound, report.problem
        assert report.records

    def check_privacy(self) -> None:
        """No number of a person, no text, no password: in the log, on standard output, in evidence or status."""
        files = [self.folder / "tdgate.log", self.folder / "tdgate.out.log", *(self.state / "evidence").iterdir()]
        if self.status_path.exists():
            files.append(self.status_path)
        for file in files:
            octets = file.read_bytes() if file.exists() else b""
            for secret in SECRETS:
                assert secret not in octets, (file.name, secret)

    # ---- the two sides ------------------------------------------------------------------------------------------

    async def connect(self, **options: Any) -> RawEsme:
        """A connection that has not bound."""
        esme = await RawEsme.connect(options.pop("port", self.port), **options)
        self._esmes.append(esme)
        return esme

    async def bind(self, account: str, command: int = BIND_TRX, **options: Any) -> RawEsme:
        """A bound ESME; its carrier session is `house.session(account)`."""
        esme = await self.connect(**options)
        answer = await esme.bind(account, PASSWORD, command)
        assert answer.status == 0, answer
        return esme

    async def bind_all(self, account: str) -> tuple[RawEsme, RawEsme, RawEsme]:
        """A transmitter, a receiver and a transceiver of one account."""
        tx, rx, trx = [await self.bind(account, command) for command in (BIND_TX, BIND_RX, BIND_TRX)]
        return tx, rx, trx

    async def session(self, account: str) -> RawSession:
        """The newest open connection to the carrier that bound as this account."""
        return await self.smsc.bound(account)

    async def hear(self, account: str, body: bytes, command: int = 5) -> Frame:
        """Has the carrier deliver something on this account's bind; its answer."""
        session = await self.session(account)
        return await session.answered(await session.deliver(body, command), command)


def _secrets() -> list[bytes]:
    found = [PASSWORD.encode()]
    for person in PERSONS:
        bare = person.removeprefix("86")
        found += [bare.encode(), bare.encode("utf-16-be"), int(person).to_bytes(8, "big")]
    for said in SECRET_TEXTS:
        found += [said.encode(), said.encode("utf-16-be"), said.encode("gb18030")]
    return found


SECRETS = _secrets()
