"""The addresses of review: signing in and out, templates, doubtful replies, and templates for programs.

Owns the routes and what goes wrong on any of them. A form is looked at only when a page of this console sent it, made
for this session (CSRF), by somebody whose token holds.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from proxy.api.bodies import BodyError
from proxy.api.granting import token_in
from proxy.console.extension import Extension
from proxy.registry.ports import StoreError
from proxy.reviewing.asking import AskError, Proxy
from proxy.reviewing.description import KINDS, PATHS
from proxy.reviewing.desk import COOKIE, PAGES, Desk, Viewer, language
from proxy.reviewing.forms import Form, is_own_page, read_form
from proxy.reviewing.replies import Replies
from proxy.reviewing.templates import SIGHT, TemplateDesk
from proxy.settings import Settings

_CONTROL_SOCKET: Final = "control.sock"
_FIRST: Final = PAGES[0][0]
Page = Callable[[Request, Viewer], Awaitable[Response]]
Action = Callable[[Viewer, Form], Awaitable[Response]]


class Reviewing:
    """The pages over one store and one control socket."""

    def __init__(self, settings: Settings) -> None:
        self._desk = Desk(settings)
        proxy = Proxy(settings.path(_CONTROL_SOCKET))
        self._templates = TemplateDesk(settings, self._desk, proxy)
        self._replies = Replies(self._desk, proxy)

    def extension(self) -> Extension:
        """The endpoints as the console's application takes them in."""
        both = ("GET", "HEAD", "POST")
        return Extension(
            routes=(
                ("/review", ("GET", "HEAD"), self.first),
                ("/review/sign-in", both, self.enter),
                ("/review/sign-out", ("POST",), self.leave),
                (PAGES[0][0], both, self._page(self._templates.page, self._templates.act, PAGES[0][0])),
                (PAGES[1][0], both, self._page(self._replies.page, self._replies.act, PAGES[1][0])),
                ("/api/v1/templates", ("GET",), self.told),
            ),
            paths=PATHS,
            kinds=KINDS,
            pages=PAGES,
        )

    async def first(self, request: Request) -> Response:
        return RedirectResponse(_FIRST, 303)

    async def enter(self, request: Request) -> Response:
        """The form for a token; and what becomes of one."""
        lang = language(request)
        if request.method != "POST":
            return self._sign_in(request, "", 200)
        if not is_own_page(request.headers):
            return self._sign_in(request, "no.form", 403)
        try:
            form = await read_form(request)
            lang = language(request, form.one("lang"))
            token = form.one("token")
            granted = self._desk.granted(token) if self._desk.is_private else None
            other = None if granted is not None or not self._desk.is_private else self._known(token)
        except BodyError as error:
            return self._sign_in(request, "no.form", error.code)
        except StoreError:
            return self._sign_in(request, "no.store", 503)
        if granted is None:
            wrong = "no.private" if not self._desk.is_private else "no.scope" if other else "no.token"
            return self._sign_in(request, wrong, 403, lang)
        secret, session = self._desk.enter(request, token)
        session.notice = (True, "yes.entered", "")
        answer = RedirectResponse(f"{_FIRST}?lang={lang}", 303)
        self._desk.give_cookie(answer, secret)
        return answer

    def _known(self, token: str) -> bool:
        """Whether it is a token at all, though none of a person."""
        found = token_in(f"Bearer {token}")
        return bool(found) and self._desk.tokens.find(found) is not None

    def _sign_in(self, request: Request, wrong: str, code: int, lang: str = "") -> Response:
        chosen = language(request, lang)
        return self._desk.show("sign_in.html", None, chosen, "", wrong=wrong, code=code)

    async def leave(self, request: Request) -> Response:
        secret = request.cookies.get(COOKIE, "")
        session = self._desk.sessions.find(secret) if secret else None
        try:
            form = await read_form(request) if is_own_page(request.headers) else None
        except BodyError:
            form = None
        if session is not None and form is not None and session.is_own(form.one("form")):
            self._desk.sessions.end(secret)
        answer = RedirectResponse("/review/sign-in", 303)
        answer.delete_cookie(COOKIE, path="/review")
        return answer

    def _page(self, page: Page, act: Action, path: str) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            form, fault = await self._form(request)
            try:
                viewer = self._desk.viewer(request, "" if form is None else form.one("lang"))
            except (StoreError, BodyError):
                return self._sign_in(request, "no.store", 503)
            if viewer is None:
                return self._sign_in(request, "no.form" if request.method == "POST" else "", 401)
            if request.method != "POST":
                try:
                    return await page(request, viewer)
                except StoreError:
                    return self._sign_in(request, "no.store", 503)
            if form is None or not viewer.session.is_own(form.one("form")):
                return self._desk.back(viewer, path, "", "no.form", fault)
            try:
                return await act(viewer, form)
            except BodyError:
                return self._desk.back(viewer, path, "", "no.form")
            except AskError as error:
                said = ("no.away",) if error.away else ("no.refused", str(error))
                return self._desk.back(viewer, path, "", *said)
            except StoreError:
                return self._desk.back(viewer, path, "", "no.store")

        return answer

    async def _form(self, request: Request) -> tuple[Form | None, str]:
        if request.method != "POST":
            return None, ""
        if not is_own_page(request.headers):
            return None, ""
        try:
            return await read_form(request), ""
        except BodyError as error:
            return None, str(error)

    async def told(self, request: Request) -> Response:
        """Templates of a token's institution, for programs."""
        headers = request.headers.getlist("authorization")
        token = token_in(headers[0]) if len(headers) == 1 and self._desk.is_private else ""
        try:
            granted = self._desk.granted(token) if token else None
            if granted is None:
                return _json({"error": "needs one valid token: Authorization: Bearer …"}, 401)
            if granted.scopes.isdisjoint(SIGHT):
                return _json({"error": f"needs one of the scopes {', '.join(SIGHT)}"}, 403)
            return _json(await self._templates.told(granted.institution), 200)
        except AskError as error:
            return _json({"error": str(error) or "the proxy is not running"}, 503)
        except StoreError:
            return _json({"error": "the store cannot be read"}, 503)


def _json(value: dict[str, Any], code: int) -> Response:
    challenge = {"WWW-Authenticate": "Bearer"} if code == 401 else {}
    return Response(msgspec.json.encode(value), code, challenge, media_type="application/json")
