"""The endpoints that need a token: who may, how often, in what shape; then the running proxy is asked.

Owns the order of the checks: token (401), scope (403), pace (429), kind and length of the body (415, 413), its shape
(400), its institution (403). Must never tell one institution of another, nor log a body.
"""

import re
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from proxy.api import shapes
from proxy.api.asking import Asking, AwayError
from proxy.api.bodies import BodyError, octets_of, read_json, require_json
from proxy.api.checking import Checking
from proxy.api.description import KINDS, PATHS
from proxy.api.granting import Granted, TokenBook, token_in
from proxy.api.library import NumberBook
from proxy.api.pace import Pace
from proxy.console.extension import Extension
from proxy.registry.ports import StoreError
from proxy.settings import Settings

S = TypeVar("S", bound=Struct)
_KEY: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_WHOLE: Final = re.compile(r"[0-9]{1,15}")
_LIST_MOST: Final = 200
_NUMBERS_MOST: Final = 1000
_CONTROL_SOCKET: Final = "control.sock"
_encode: Final = msgspec.json.Encoder().encode


class _RefusedError(Exception):
    """The answer is an error: `code` with these headers."""

    def __init__(self, code: int, reason: str, field: str = "", headers: dict[str, str] | None = None) -> None:
        super().__init__(reason)
        self.answer = Response(_encode(shapes.Wrong(reason, field)), code, headers or {}, media_type="application/json")


class Api:
    """Endpoints over one store and one control socket."""

    def __init__(self, settings: Settings, config: Path) -> None:
        self._most = settings.api.body_most_octets
        self._book = TokenBook(settings.path(settings.store.database))
        self._numbers = NumberBook(settings.path(settings.store.database))
        self._asking = Asking(settings.path(_CONTROL_SOCKET))
        self._pace = Pace(settings.api.requests_per_s, settings.api.requests_at_once, time.monotonic)
        self._checking = Checking(config, self._asking, settings.api.precheck_rows_most)
        self._is_private = settings.console.tls is not None or _is_loopback(settings.console.host)

    def extension(self) -> Extension:
        """The endpoints as the console's application takes them in."""
        tell = self._telling
        return Extension(
            routes=(
                ("/api/v1/suppressions", ("POST",), tell("suppressions:write", "api.suppress", shapes.RefusalTold)),
                ("/api/v1/preferences", ("GET", "POST"), self.preferences),
                (
                    "/api/v1/preferences/batch",
                    ("POST",),
                    tell("preferences:write", "api.prefer", shapes.PreferencesTold),
                ),
                ("/api/v1/numbers", ("GET",), self.numbers),
                ("/api/v1/consents", ("POST",), tell("consents:write", "api.consent", shapes.ConsentTold)),
                (
                    "/api/v1/consents/withdrawals",
                    ("POST",),
                    tell("consents:write", "api.withdraw", shapes.WithdrawalTold),
                ),
                ("/api/v1/suppressions/export", ("GET",), self.export),
                ("/api/v1/precheck", ("POST",), self.precheck),
            ),
            paths=PATHS,
            kinds=KINDS,
        )

    async def preferences(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._telling("preferences:write", "api.prefer", shapes.PreferenceTold)(request)
        return await _answered(self._listed(request))

    async def numbers(self, request: Request) -> Response:
        return await _answered(self._library(request))

    async def export(self, request: Request) -> Response:
        return await _answered(self._exported(request))

    async def _exported(self, request: Request) -> Response:
        granted = self._granted(request, "export")
        asked: dict[str, Any] = {"after": _whole(request, "after", 0), "most": _whole(request, "most", 500)}
        asked |= {name: _word(request, name) for name in ("purpose", "receiver")}
        args = asked | {"token": granted.token, "institution": granted.institution}
        return _of_proxy(await self._asking.ask("api.refusals", args))

    async def precheck(self, request: Request) -> Response:
        return await _answered(self._checked(request))

    async def _checked(self, request: Request) -> Response:
        granted = self._granted(request, "precheck")
        asked = await self._body(request, granted, shapes.CheckAsked, self._checking.body_most)
        return _of_proxy(await self._checking.check(granted, asked))

    def _telling(self, scope: str, verb: str, kind: type[Struct]) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that takes one of the shapes and has the proxy record it."""

        async def tell(request: Request) -> Response:
            return await _answered(self._tell(request, scope, verb, kind))

        return tell

    async def _tell(self, request: Request, scope: str, verb: str, kind: type[Struct]) -> Response:
        granted = self._granted(request, scope)
        key = _key_of(request)
        body = msgspec.to_builtins(await self._body(request, granted, kind, self._most))
        args = body | {"token": granted.token, "institution": granted.institution, "key": key}
        return _of_proxy(await self._asking.ask(verb, args))

    async def _body(self, request: Request, granted: Granted, kind: type[S], most: int) -> S:
        """The body in its shape, which names no other institution."""
        if request.url.query:
            raise _RefusedError(400, "everything stands in the body", "?")
        require_json(request.headers)
        body = read_json(await octets_of(request, most), kind)
        named = getattr(body, "institution", "")
        if named and named != granted.institution:
            raise _RefusedError(403, "this token speaks for another institution", "institution")
        return body

    async def _listed(self, request: Request) -> Response:
        granted = self._granted(request, "preferences:read")
        after, most = _page(request, _LIST_MOST)
        args = {"after": after, "most": most, "token": granted.token, "institution": granted.institution}
        return _of_proxy(await self._asking.ask("api.preferences", args))

    async def _library(self, request: Request) -> Response:
        granted = self._granted(request, "numbers:read")
        after, most = _page(request, _NUMBERS_MOST)
        rows = await run_in_threadpool(self._numbers.page, granted.institution, after, most)
        return Response(_encode({"rows": rows}), media_type="application/json")

    def _granted(self, request: Request, scope: str) -> Granted:
        if not self._is_private:
            raise _RefusedError(403, "tokens are taken over TLS or on a loopback address only")
        headers = request.headers.getlist("authorization")
        token = token_in(headers[0]) if len(headers) == 1 else ""
        granted = self._book.find(token) if token else None
        if granted is None:
            raise _RefusedError(
                401, "needs one valid token: Authorization: Bearer …", headers={"WWW-Authenticate": "Bearer"}
            )
        wait_s = self._pace.wait_s(granted.token)
        if wait_s:
            raise _RefusedError(429, "too often", headers={"Retry-After": str(int(wait_s) + 1)})
        if scope not in granted.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            raise _RefusedError(403, f"needs the scope {scope}", headers={"WWW-Authenticate": challenge})
        return granted


async def _answered(work: Awaitable[Response]) -> Response:
    try:
        return await work
    except _RefusedError as error:
        return error.answer
    except BodyError as error:
        # WHY closed: what is left of a body that was not read would be taken for the next request.
        return _RefusedError(error.code, str(error), error.field, {"Connection": "close"}).answer
    except (AwayError, StoreError) as error:
        reason = str(error) if isinstance(error, AwayError) else "the store cannot be read"
        return _RefusedError(503, reason, headers={"Retry-After": "1"}).answer


def _of_proxy(answer: dict[str, Any]) -> Response:
    code = answer.get("code")
    if code in (200, 201):
        return Response(_encode(answer["body"]), code, media_type="application/json")
    if not isinstance(code, int):
        raise AwayError("the proxy did not confirm")
    headers = {"Retry-After": str(answer.get("wait_s", 1))} if code in (429, 503) else {}
    raise _RefusedError(code, str(answer.get("error", "")), str(answer.get("field", "")), headers)


def _key_of(request: Request) -> str:
    found = request.headers.getlist("idempotency-key")
    if not found:
        return ""
    if len(found) > 1 or not _KEY.fullmatch(found[0]):
        raise _RefusedError(400, "1 to 64 of A-Z a-z 0-9 . _ : -, once", "Idempotency-Key")
    return found[0]


def _page(request: Request, most_allowed: int) -> tuple[int, int]:
    """`after` and `most` of a listing."""
    after, most = _whole(request, "after", 0), _whole(request, "most", 100)
    if not 1 <= most <= most_allowed:
        raise _RefusedError(400, f"1 to {most_allowed}", "most")
    return after, most


def _whole(request: Request, name: str, default: int) -> int:
    found = request.query_params.getlist(name)
    if not found:
        return default
    if len(found) > 1 or not _WHOLE.fullmatch(found[0]):
        raise _RefusedError(400, "a whole number", name)
    return int(found[0])


def _word(request: Request, name: str) -> str:
    found = request.query_params.getlist(name)
    if len(found) > 1 or (found and not _KEY.fullmatch(found[0])):
        raise _RefusedError(400, "one word", name)
    return found[0] if found else ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
