"""Who is at the desk: the session of a request, what its tokens allow now, and how answers go back to the browser.

Owns cookie, rights and headers. Must never let a form act for an institution whose token does not hold at that moment.
"""

import time
from ipaddress import ip_address
from pathlib import Path
from secrets import token_hex, token_urlsafe
from typing import Final
from urllib.parse import urlencode

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from proxy.api.granting import Granted, TokenBook
from proxy.console.guard import policy_for
from proxy.console.page import FOLDER, environment, own_text, with_first
from proxy.console.texts import HTML_LANG, Lang, choose
from proxy.registry.tokens import PERSONAL, TOKEN_CHARACTERS
from proxy.reviewing.sessions import Session, Sessions
from proxy.reviewing.words import ALL
from proxy.settings import Settings

COOKIE: Final = "tdgate_review"
PAGES: Final = (("/review/templates", "page.templates"), ("/review/replies", "page.replies"))
_FOLDER: Final = Path(__file__).parent / "pages"


class Viewer(Struct, frozen=True):
    """Who looks: session, and the rights of each institution: (scopes, the person's name)."""

    secret: str
    session: Session
    rights: dict[str, tuple[frozenset[str], str]]
    lang: Lang

    def may(self, institution: str, scope: str) -> str:
        """The name under which something may be done; empty where it may not."""
        scopes, name = self.rights.get(institution, (frozenset(), ""))
        return name if scope in scopes else ""

    def institutions(self, *scopes: str) -> list[str]:
        """Those in which any of these scopes holds."""
        return sorted(name for name, (held, _) in self.rights.items() if not held.isdisjoint(scopes))


class Desk:
    """Sessions and pages of one window."""

    def __init__(self, settings: Settings) -> None:
        self.tokens: Final = TokenBook(settings.path(settings.store.database))
        self.sessions: Final = Sessions(time.monotonic)
        self._secure = settings.console.tls is not None
        self.is_private: Final = self._secure or _is_loopback(settings.console.host)
        # WHY random: no value that is shown can hold it, so none can take the nonce.
        self._mark = token_hex(16)
        self._templates = environment(_FOLDER, FOLDER)
        style = own_text(FOLDER / "console.css") + own_text(_FOLDER / "review.css")
        self._templates.globals.update(nonce=self._mark, style=style, pages=with_first(PAGES))

    def viewer(self, request: Request, lang: str = "") -> Viewer | None:
        """Who looks; None where nobody has signed in. Raises StoreError."""
        secret = request.cookies.get(COOKIE, "")
        session = self.sessions.find(secret) if secret else None
        if session is None:
            return None
        rights: dict[str, tuple[frozenset[str], str]] = {}
        for token in session.tokens:
            granted = self.granted(token)
            if granted is not None:
                scopes, name = rights.get(granted.institution, (frozenset(), granted.label))
                # WHY the first name only: under two names one browser would be two people.
                more = granted.scopes & PERSONAL if name == granted.label else frozenset()
                rights[granted.institution] = (scopes | more, name)
        asked = lang or request.query_params.get("lang", "")
        return Viewer(secret, session, rights, language(request, asked)) if rights else None

    def granted(self, token: str) -> Granted | None:
        """What a token of a person allows now; None for any other."""
        if len(token) != TOKEN_CHARACTERS or not token.isascii():
            return None
        found = self.tokens.find(token)
        return found if found is not None and found.scopes & PERSONAL and found.label else None

    def show(self, template: str, viewer: Viewer | None, lang: Lang, here: str, **values: object) -> Response:
        """A page; what the session had to tell is told once."""
        notice = None
        if viewer is not None:
            notice, viewer.session.notice = viewer.session.notice, None
        code = values.pop("code", 200)
        page = self._templates.get_template(template).render(
            {"lang": lang, "html_lang": HTML_LANG[lang], "t": ALL[lang], "viewer": viewer, "here": here}
            | {"notice": notice}
            | values
        )
        nonce = token_urlsafe(16)
        headers = {"Content-Security-Policy": policy_for(nonce, forms=True)}
        assert isinstance(code, int)
        return Response(page.replace(self._mark, nonce), code, headers, "text/html")

    def back(self, viewer: Viewer, path: str, asked: str, *notice: str, good: bool = False) -> Response:
        """To a page after a form, with what it is to tell: key of the words, and what was said."""
        key, said = (*notice, "")[:2] if notice else ("", "")
        viewer.session.notice = (good, key, said) if key else None
        return RedirectResponse(f"{path}?{asked}{urlencode({'lang': viewer.lang})}", 303)

    def enter(self, request: Request, token: str) -> tuple[str, Session]:
        """A session of this browser with one more token, and its cookie's secret.

        INVARIANT: a new secret each time, or whoever planted a cookie would be signed in with others' tokens.
        """
        former = request.cookies.get(COOKIE, "")
        held = self.sessions.find(former) if former else None
        secret, session = self.sessions.begin()
        for one in (*(held.tokens if held is not None else ()), token):
            session.add(one)
        self.sessions.end(former)
        return secret, session

    def give_cookie(self, response: Response, secret: str) -> None:
        response.set_cookie(COOKIE, secret, path="/review", httponly=True, samesite="strict", secure=self._secure)


def language(request: Request, asked: str = "") -> Lang:
    return choose(asked or request.query_params.get("lang", ""), request.headers.get("accept-language", ""))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
