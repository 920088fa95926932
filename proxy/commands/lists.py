"""`tdgate registry publish|follow|recipients`: number lists that houses share (J16 J24).

Processes of their own beside the proxy: publishing reads the registry, following hands what was proved to its owner.
Exit codes: 0 done, 1 refused or failed, 2 usage.
"""

import argparse
import asyncio
import contextlib
import functools
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import uvicorn

from proxy.bus.mqtt import follow_list, serve_list
from proxy.commands.registry_access import StoreAccess
from proxy.commands.registry_output import show
from proxy.control import ControlError
from proxy.evidence.keys import KeyFileError, load_or_create_signing_key, load_public_key, public_pem
from proxy.list_settings import FollowedIssuer, ListHttp
from proxy.lists.document import DocumentFault, ListDocument, key_id_of
from proxy.lists.folder import ListFolder
from proxy.lists.following import Following
from proxy.registry.list_verbs import listed
from proxy.registry.ports import Reader, StoreError, VerbError
from proxy.settings import Settings, load
from proxy.sharing.ending import until_stopped
from proxy.sharing.fetching import FolderSource, HttpSource, Source, fetch
from proxy.sharing.follower import Follower, NotTakenError
from proxy.sharing.lag import lags
from proxy.sharing.publisher import Publisher
from proxy.sharing.service import ListService
from proxy.store.followed import stage_list
from proxy.store.reader import open_reader
from proxy.telemetry.counters import Counters
from proxy.telemetry.events import BY_NAME
from proxy.telemetry.log import EventLog, configure

_IMPORTS: Final = "imports"
_GRACE_S: Final = 1
#: What ends a command with one line that says what to mend.
_FAILURES: Final = (StoreError, KeyFileError, DocumentFault, OSError, ValueError)
Log = Callable[..., None]


def add_arguments(commands: Any) -> None:
    """Adds the commands to those of `tdgate registry`."""
    publish = commands.add_parser("publish", help="publishes the house's number list, signed and numbered")
    publish.add_argument("--serve", action="store_true", help="stay, publish each change, answer recipients")
    publish.set_defaults(run=_guarded(_publish))
    follow = commands.add_parser("follow", help="follows the number lists of other houses")
    follow.add_argument("--once", action="store_true", help="fetch what there is and end (folders and HTTP only)")
    follow.add_argument("--issuer", help="only this one of [lists.follow]")
    follow.set_defaults(run=_guarded(_follow))
    recipients = commands.add_parser("recipients", help="how far each recipient of the list is behind")
    recipients.add_argument("--json", action="store_true", help="for programs")
    recipients.set_defaults(run=_guarded(_recipients))
    for parser in (publish, follow, recipients):
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")


def _guarded(run: Callable[[argparse.Namespace, Settings], int]) -> Callable[[argparse.Namespace], int]:
    def guarded(parsed: argparse.Namespace) -> int:
        try:
            return run(parsed, load(parsed.config))
        except _FAILURES as error:
            sys.stderr.write(f"tdgate: {error}\n")
        except ExceptionGroup as several:
            # What runs beside others fails so.
            failures, defects = several.split(_FAILURES)
            if defects is not None:
                raise
            sys.stderr.write(f"tdgate: {failures.exceptions[0] if failures else several}\n")
        return 1

    return guarded


def _log(settings: Settings) -> Log:
    configure(settings.log.level)
    events = EventLog(Counters())

    def log(event: str, /, error: BaseException | None = None, **fields: str | int | float | bool | None) -> None:
        events.emit(BY_NAME[event], error=error, **fields)

    return log


def _until_told(main: Callable[[asyncio.Event], Coroutine[Any, Any, int]]) -> int:
    async def run() -> int:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stopping.set)
        return await main(stopping)

    return asyncio.run(run())


# Publishing


def _publish(parsed: argparse.Namespace, settings: Settings) -> int:
    if not settings.lists.issuer:
        sys.stderr.write(f"tdgate: {parsed.config}: lists.issuer: missing; give this house a name to publish under\n")
        return 1
    return _until_told(functools.partial(_publishing, settings, parsed.serve))


@contextlib.asynccontextmanager
async def _publisher(settings: Settings, log: Log) -> AsyncIterator[Publisher]:
    lists = settings.lists
    key = load_or_create_signing_key(settings.path(lists.signing_key))
    public = settings.path(lists.signing_key).with_suffix(".public.pem")
    if not public.exists():
        public.write_bytes(public_pem(key.public_key()))
    reader: Reader = await open_reader(settings.path(settings.store.database))
    try:
        folder = ListFolder(settings.path(lists.folder))
        rows = functools.partial(listed, reader)
        yield Publisher(lists, folder, key, reader.revision, rows, log, time.time)
    finally:
        await reader.close()


async def _publishing(settings: Settings, serve: bool, stopping: asyncio.Event) -> int:
    log = _log(settings)
    lists = settings.lists
    async with _publisher(settings, log) as publisher:
        made = await publisher.look()
        publication = publisher.publication
        told = {"issuer": publication.issuer, "number": publication.number, "numbers": len(publication)}
        show({**told, "digest": publication.digest, "documents": len(made)}, as_json=False)
        if not serve:
            return 0
        sys.stdout.flush()
        running = [_looking(publisher, lists.look_s, stopping)]
        if lists.http is not None:
            running.append(_serving(ListService(publisher, lists.http), lists.http, stopping))
        if lists.broker is not None:
            running.append(serve_list(publisher, lists.broker, stopping, log))
        async with asyncio.TaskGroup() as group:
            for each in running:
                group.create_task(each)
    return 0


async def _looking(publisher: Publisher, look_s: float, stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        await publisher.look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(look_s):
                await stopping.wait()


async def _serving(service: ListService, settings: ListHttp, stopping: asyncio.Event) -> None:
    tls = settings.tls
    config = uvicorn.Config(
        service.app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        lifespan="off",
        limit_concurrency=64,
        # WHY: a recipient that stopped in the middle of a question, or reads no answer, must not hold the end up.
        timeout_graceful_shutdown=_GRACE_S,
        ssl_certfile=tls.certificate if tls is not None else None,
        ssl_keyfile=tls.key if tls is not None else None,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    await asyncio.wait((task, asyncio.ensure_future(stopping.wait())), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    await task


class _Server(uvicorn.Server):
    """Leaves signals to the command, and says where it listens."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        for server in self.servers:
            for each in server.sockets:
                host, port = each.getsockname()[:2]
                print(f"lists: http://{host}:{port}/", flush=True)


# Following


def _follow(parsed: argparse.Namespace, settings: Settings) -> int:
    wanted = {
        name: each for name, each in settings.lists.follow.items() if parsed.issuer is None or name == parsed.issuer
    }
    if not wanted:
        sys.stderr.write(f"tdgate: {parsed.config}: lists.follow: no such list to follow\n")
        return 1
    return _until_told(functools.partial(_following, settings, wanted, parsed.once))


async def _following(settings: Settings, wanted: dict[str, FollowedIssuer], once: bool, stopping: asyncio.Event) -> int:
    log = _log(settings)
    followers = {name: await _follower(settings, name, each, log) for name, each in wanted.items()}
    if once:
        for name, follower in followers.items():
            await fetch(follower, _source(settings, wanted[name]))
            show(_told(follower), as_json=False)
        return 0 if all(each.following.number and not each.following.behind for each in followers.values()) else 1
    async with asyncio.TaskGroup() as group:
        for name, follower in followers.items():
            each = wanted[name]
            if each.source == "mqtt" and settings.lists.broker is not None:
                group.create_task(follow_list(follower, settings.lists.broker, each.recipient, stopping, log))
            else:
                group.create_task(_polling(follower, _source(settings, each), each.poll_s, stopping, log))
    return 0


def _told(follower: Follower) -> dict[str, Any]:
    following = follower.following
    return {
        "issuer": following.issuer,
        "number": following.number,
        "digest": following.digest,
        "behind": following.behind,
    }


def _source(settings: Settings, each: FollowedIssuer) -> Source:
    if each.source.startswith(("http://", "https://")):
        token = settings.path(each.token_file).read_text(encoding="utf-8").strip() if each.token_file else ""
        return HttpSource(each.source, token)
    if each.source == "mqtt":
        raise ValueError("--once needs a folder or a URL as source; over MQTT a list is followed without it")
    return FolderSource(settings.path(each.source), each.recipient)


async def _follower(settings: Settings, name: str, each: FollowedIssuer, log: Log) -> Follower:
    keys = {key_id_of(key): key for key in (load_public_key(settings.path(file)) for file in each.public_keys)}
    following = Following(name, keys)
    database = settings.path(settings.store.database)
    if database.exists():
        reader = await open_reader(database)
        try:
            held = next((one for one in await reader.followed_lists() if one.issuer == name), None)
            if held is not None:
                rows = [
                    entry
                    async for part in reader.followed(issuer=name, after=-1)
                    for _, entry, gone in part
                    if not gone
                ]
                following.resume(held.number, rows)
                if following.digest != held.digest:
                    raise ValueError(f"{name}: the rows in the store are not the list that was taken in")
        finally:
            await reader.close()
    return Follower(following, functools.partial(_take_in, settings, database.with_name(_IMPORTS)), log)


async def _take_in(settings: Settings, imports: Path, document: ListDocument) -> None:
    def run() -> None:
        staged = stage_list(imports, document)
        try:
            StoreAccess(settings).ask("list.take_in", {"staged": staged.name})
        finally:
            staged.unlink(missing_ok=True)

    try:
        await asyncio.to_thread(run)
    except (StoreError, ControlError, VerbError) as error:
        raise NotTakenError(str(error)) from error


async def _polling(follower: Follower, source: Source, poll_s: float, stopping: asyncio.Event, log: Log) -> None:
    while not stopping.is_set():
        try:
            await until_stopped(fetch(follower, source), stopping)
        except OSError as error:
            log("list.unreachable", error=error, issuer=follower.following.issuer)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(poll_s):
                await stopping.wait()


# Recipients


def _recipients(parsed: argparse.Namespace, settings: Settings) -> int:
    found = lags(ListFolder(settings.path(settings.lists.folder)), settings.lists.issuer, time.time())
    rows = [msgspec.structs.asdict(each) for each in found]
    show({"rows": rows, "total": len(rows)}, as_json=parsed.json)
    return 0
