"""Follows a list from a folder of files: on this machine, or behind any web server (J16).

Owns nothing but the way: which file to read next. Every file is proved by `Following`, wherever it came from.
"""

import asyncio
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from threading import Thread
from typing import Any, Final, Protocol, TypeVar

import msgspec

from proxy.lists.document import DOCUMENT_MOST_OCTETS
from proxy.lists.folder import HEAD, ListFolder, name_of
from proxy.lists.following import Acknowledge, Ask
from proxy.sharing.follower import Follower

_TIMEOUT_S: Final = 20.0
T = TypeVar("T")


class Source(Protocol):
    """Where documents lie. Both raise OSError where it cannot be reached."""

    def get(self, name: str) -> bytes | None:
        """A document by its name, None where there is none."""

    def acknowledge(self, said: Acknowledge) -> None:
        """Tell the issuer what is held here, where the source has a way for it."""


class FolderSource:
    """A folder that is mounted here."""

    def __init__(self, path: Path, recipient: str) -> None:
        self._path: Final = path
        self._recipient: Final = recipient

    def get(self, name: str) -> bytes | None:
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError:
            return None

    def acknowledge(self, said: Acknowledge) -> None:
        """Only where the folder may be written to: otherwise its issuer sees no lag of ours."""
        try:
            ListFolder(self._path).acknowledge(self._recipient, said, int(time.time()))
        except PermissionError:
            return


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Goes where configuration says and nowhere else: the token is for nobody but the issuer."""

    def redirect_request(self, *_: object) -> None:
        return None


class HttpSource:
    """A folder behind a web server; `token` proves who asks."""

    def __init__(self, url: str, token: str) -> None:
        self._url: Final = url.rstrip("/")
        self._opener: Final = urllib.request.build_opener(_NoRedirect())
        self._headers: Final = {"Authorization": f"Bearer {token}"} if token else {}

    def get(self, name: str) -> bytes | None:
        try:
            with self._open(name, None) as answer:
                octets: bytes = answer.read(DOCUMENT_MOST_OCTETS + 1)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise
        return octets

    def acknowledge(self, said: Acknowledge) -> None:
        body = msgspec.json.encode(said)
        with self._open("acknowledged", body):
            pass

    @contextmanager
    def _open(self, name: str, body: bytes | None) -> Iterator[HTTPResponse]:
        request = urllib.request.Request(f"{self._url}/{name}", data=body, headers=self._headers)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                yield answer
        except HTTPException as error:
            # WHY: whoever answers in no HTTP has not been reached, like one that does not answer.
            raise OSError(f"{self._url}: no answer in HTTP: {type(error).__name__}") from error


async def _beside(work: Callable[..., T], *arguments: Any) -> T:
    """What blocking work returns or raises, in a thread that the end of the process does not wait for.

    WHY not `asyncio.to_thread`: who answers a letter a second is read for hours, and nothing can end that.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)  # type: ignore[arg-type]  # WHY: without an error there is a result
        else:
            done.set_exception(error)

    def run() -> None:
        result, error = None, None
        try:
            result = work(*arguments)
        except BaseException as raised:  # noqa: BLE001  WHY: it is raised where it is waited for
            error = raised
        # Nobody waits any more where the loop has ended.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, result, error)

    Thread(target=run, name="list-source", daemon=True).start()
    return await done


async def fetch(follower: Follower, source: Source) -> None:
    """Bring a followed list to the newest that the source has. Raises OSError where it cannot be reached."""
    head = await _beside(source.get, HEAD)
    if head is None:
        return
    back = await follower.receive(head)
    while (asked := next((each for each in back if isinstance(each, Ask)), None)) is not None:
        back = [each for each in back if isinstance(each, Acknowledge)]
        held = follower.following.number
        for name in _wanted(follower, asked.first):
            octets = await _beside(source.get, name)
            if octets is None:
                # WHY the whole list: what is not kept any more leads nowhere, and the newest whole list does.
                octets = await _beside(source.get, name_of("snapshot", follower.following.snapshot))
            if octets is not None:
                back += await follower.receive(octets)
        if follower.following.number == held:
            # INVARIANT: who does not get further stops, and tries again at the next look.
            break
    said = [each for each in back if isinstance(each, Acknowledge)]
    if said:
        await _beside(source.acknowledge, said[-1])


def _wanted(follower: Follower, first: int) -> Iterator[str]:
    following = follower.following
    if first <= 0:
        yield name_of("snapshot", following.snapshot)
        return
    while following.number < following.newest:
        held = following.number
        yield name_of("delta", held + 1)
        if following.number == held:
            return
