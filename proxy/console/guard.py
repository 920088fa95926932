"""What every answer of the console has and every question must have: headers, methods, the right host.

Owns the security headers. A plain ASGI layer, so that streams pass through it untouched. Only GET and HEAD come in, but
for the paths that another room adds with methods of their own. On
a loopback address only loopback names are answered, so that a page elsewhere cannot read the console by pointing its
own name here (DNS rebinding).
"""

from collections.abc import Mapping
from ipaddress import ip_address
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
    "Vary": "Accept-Language",
}
_CLOSED: Final = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def policy_for(nonce: str, *, forms: bool = False) -> str:
    """The content security policy of a page whose own style and script carry this nonce; `forms` go to itself only."""
    own = f"style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; img-src data:"
    closed = _CLOSED.replace("form-action 'none'", "form-action 'self'") if forms else _CLOSED
    return f"{closed}; {own}"


class Guard:
    """Stands before the application. `host` is the configured address, `methods` those of paths that have others."""

    def __init__(self, app: ASGIApp, host: str, methods: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self._app = app
        self._methods = {path: each for path, each in (methods or {}).items() if "{" not in path}
        #: What stands before the part of a path that varies.
        self._below = tuple(path.partition("{")[0] for path in methods or {} if "{" in path)
        self._names = {"127.0.0.1", "localhost", "[::1]", host, f"[{host}]"} if _is_loopback(host) else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Content-Security-Policy", _CLOSED)
            await send(message)

        app = self._refusal(scope) or self._app
        await app(scope, receive, with_headers)

    def _is_known(self, path: str) -> bool:
        return path in self._methods or path.startswith(self._below)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        path = scope["path"]
        methods = self._methods.get(path, ("GET", "HEAD"))
        if path.startswith("/api/") and scope["method"] not in methods and not self._is_known(path):
            return JSONResponse({"error": "there is nothing under this path"}, 404)
        if scope["method"] not in methods:
            allowed = ", ".join(methods)
            return JSONResponse({"error": f"{allowed} only"}, 405, headers={"Allow": allowed})
        if self._names is not None and _name_of(Headers(scope=scope).get("host", "")) not in self._names:
            return JSONResponse({"error": "ask by the address that the console is configured with"}, 421)
        return None


def _name_of(host: str) -> str:
    """A Host header without its port."""
    name, colon, port = host.lower().rpartition(":")
    return name if colon and port.isdigit() else host.lower()


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
