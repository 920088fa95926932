"""The console's application: which address shows what.

Owns the routes. Reads the status file through `Window` and the evidence log through `lookup`; must never write, and
never ask the wire process for anything. What needs a token is another room's (`Extension`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from proxy.console import lookup
from proxy.console.extension import NOTHING, Extension
from proxy.console.guard import Guard, policy_for
from proxy.console.metrics import exposition, registry
from proxy.console.openapi import DecisionList, Problem, Ready, RuleList, document
from proxy.console.outcomes import rule_texts
from proxy.console.page import Pages
from proxy.console.reopened import Reopen, Reopened
from proxy.console.sight import Sight, Window
from proxy.console.texts import Lang, choose
from proxy.settings import Settings, SettingsError
from proxy.telemetry.status import LATEST_MOST, status_path

#: How often an open stream looks whether there is a new status (seconds).
LOOK_EVERY_S: Final = 0.2
#: A stream without news says this often that it lives (seconds).
_BEAT_S: Final = 15.0
_STREAMS_MOST: Final = 32
_encode: Final = msgspec.json.Encoder().encode


class Console:
    """The endpoints over one window and one evidence directory."""

    def __init__(
        self,
        window: Window,
        evidence: Path,
        anew: Callable[[int], Reopened | None] | None = None,
        more: Extension = NOTHING,
    ) -> None:
        self._anew = anew
        self._window = window
        self._evidence = evidence
        self._pages = Pages(more.pages)
        self._metrics = registry(window.look)
        self._described = _encode(document(more))
        self._rules = rule_texts()
        self._streams = 0
        self._searching = False

    async def livez(self, request: Request) -> Response:
        return PlainTextResponse("alive\n")

    async def readyz(self, request: Request) -> Response:
        reason = self._window.look().unready
        return _json(Ready(not reason, reason), 503 if reason else 200)

    async def metrics(self, request: Request) -> Response:
        return Response(exposition(self._metrics), media_type="text/plain; version=0.0.4; charset=utf-8")

    async def status(self, request: Request) -> Response:
        sight = self._window.look()
        return _unavailable(sight) if sight.status is None else _json(sight.status)

    async def rules(self, request: Request) -> Response:
        status = self._window.look().status
        pack, version = ("", 0) if status is None else (status.pack, status.pack_version)
        return _json(RuleList(pack, version, self._rules, () if status is None else status.packs))

    async def decisions(self, request: Request) -> Response:
        text = request.query_params.get("limit", str(LATEST_MOST))
        limit = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
        if not 1 <= limit <= LATEST_MOST:
            return _json(Problem(f"limit: a whole number from 1 to {LATEST_MOST}"), 400)
        sight = self._window.look()
        return _unavailable(sight) if sight.status is None else _json(DecisionList(sight.status.latest[:limit]))

    async def decision(self, request: Request) -> Response:
        found = await self._find(request.path_params["id"])
        return _json(found[0], found[1]) if isinstance(found, tuple) else _json(found)

    async def explained(self, request: Request) -> Response:
        decision_id = lookup.parse_id(request.path_params["id"])
        if decision_id is None:
            return _json(Problem("a decision's id is 1 to 16 hex digits"), 400)
        found = await self._reopen(decision_id)
        return _json(found[0], found[1]) if isinstance(found, tuple) else _json(found)

    async def _reopen(self, decision_id: int) -> Reopened | tuple[Problem, int]:
        """The decision beside what it would be today."""
        anew = self._anew
        if anew is None:
            return Problem("this console was started without the registry"), 503
        # WHY one at a time: as in `_find`; the registry is read whole, too.
        if self._searching:
            return Problem("the evidence log is being searched for another; try again"), 503
        self._searching = True
        try:
            found = await run_in_threadpool(anew, decision_id)
        except lookup.LogUnreadableError as error:
            return Problem(f"the evidence log cannot be read: {error}"), 503
        except SettingsError as error:
            return Problem("; ".join(error.errors)), 503
        finally:
            self._searching = False
        return found or (Problem("no decision with this id in the evidence log"), 404)

    async def openapi(self, request: Request) -> Response:
        return Response(self._described, media_type="application/json")

    async def page(self, request: Request) -> Response:
        return self._html(self._pages.overview(self._window.look(), _language(request)))

    async def decision_page(self, request: Request) -> Response:
        lang = _language(request)
        found = await self._find(request.path_params["id"])
        if isinstance(found, tuple):
            return self._html(self._pages.missing(found[1], lang), found[1])
        if "part" in request.query_params:
            return self._html(self._pages.decision(found, lang, part=True))
        # WHY on demand: the page of a decision opens at once; the registry is read when somebody asks for it.
        wanted = self._anew is not None and "today" in request.query_params
        anew = await self._reopen(int(found.id, 16)) if wanted else None
        return self._html(self._pages.decision(found, lang, anew=anew, may_ask=self._anew is not None))

    async def events(self, request: Request) -> Response:
        if self._streams >= _STREAMS_MOST:
            return _json(Problem(f"more than {_STREAMS_MOST} windows are open"), 503)
        return StreamingResponse(self._stream(_language(request)), media_type="text/event-stream")

    async def _stream(self, lang: Lang) -> AsyncIterator[bytes]:
        """What changes on the page, each time it does, as server-sent events."""
        self._streams += 1
        try:
            seen, quiet = "", 0.0
            while True:
                sight = self._window.look()
                if sight.stamp != seen:
                    seen, quiet = sight.stamp, 0.0
                    part = self._pages.overview(sight, lang, part=True).decode()
                    yield f"event: seen\ndata: {json.dumps(part)}\n\n".encode()
                elif quiet >= _BEAT_S:
                    quiet = 0.0
                    yield b": alive\n\n"
                await asyncio.sleep(LOOK_EVERY_S)
                quiet += LOOK_EVERY_S
        finally:
            self._streams -= 1

    async def _find(self, text: str) -> lookup.Opened | tuple[Problem, int]:
        decision_id = lookup.parse_id(text)
        if decision_id is None:
            return Problem("a decision's id is 1 to 16 hex digits"), 400
        status = self._window.look().status
        found = None if status is None else lookup.from_status(status, decision_id)
        if found is not None:
            return found
        # WHY one at a time: an id that is not there costs a read of the whole log.
        if self._searching:
            return Problem("the evidence log is being searched for another; try again"), 503
        self._searching = True
        try:
            found = await run_in_threadpool(lookup.from_log, self._evidence, decision_id)
        except lookup.LogUnreadableError as error:
            return Problem(f"the evidence log cannot be read: {error}"), 503
        finally:
            self._searching = False
        return found or (Problem("no decision with this id"), 404)

    def _html(self, octets: bytes, status_code: int = 200) -> Response:
        nonce = token_urlsafe(16)
        body = octets.replace(self._pages.nonce_mark, nonce.encode())
        headers = {"Content-Security-Policy": policy_for(nonce)}
        return Response(body, status_code, headers, "text/html")


def _json(value: msgspec.Struct, status_code: int = 200) -> Response:
    return Response(_encode(value), status_code, media_type="application/json")


def _unavailable(sight: Sight) -> Response:
    return _json(Problem(sight.unready), 503)


def _language(request: Request) -> Lang:
    return choose(request.query_params.get("lang", ""), request.headers.get("accept-language", ""))


def build(
    settings: Settings, *, window: Window | None = None, reopen: Reopen | None = None, more: Extension = NOTHING
) -> Starlette:
    """The application for a configuration, with what another room adds; `window` is another one in tests, `reopen`
    asks decisions anew.
    """
    seen = window or Window(status_path(settings.state))
    anew = None if reopen is None else partial(reopen, settings)
    console = Console(seen, settings.path(settings.evidence.directory), anew, more)
    # INVARIANT: what is not under /api, /metrics or a probe is for people.
    routes: tuple[tuple[str, Callable[[Request], object]], ...] = (
        ("/livez", console.livez),
        ("/readyz", console.readyz),
        ("/metrics", console.metrics),
        ("/api/v1/status", console.status),
        ("/api/v1/rules", console.rules),
        ("/api/v1/decisions", console.decisions),
        ("/api/v1/decisions/{id}", console.decision),
        ("/api/v1/decisions/{id}/explanation", console.explained),
        ("/api/v1/openapi.json", console.openapi),
        ("/", console.page),
        ("/decisions/{id}", console.decision_page),
        ("/events", console.events),
    )
    return Starlette(
        routes=[
            *[Route(path, endpoint, methods=["GET"]) for path, endpoint in routes],
            *[Route(path, endpoint, methods=list(methods)) for path, methods, endpoint in more.routes],
        ],
        middleware=[
            Middleware(
                Guard,
                host=settings.console.host,
                methods={path: ("GET", "HEAD") for path, _ in routes}
                | {path: methods for path, methods, _ in more.routes},
            )
        ],
    )
