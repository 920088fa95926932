"""The page of doubtful replies: what waits for a verdict, what somebody is to read, and what they decide (Z16 Z19 J13).

Owns which cases a viewer may see: those that concern their institutions and no other. Must never show a person's words
but to whoever says why, which the proxy notes first; a verdict that ends a refusal takes the tokens of two people.
"""

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from proxy.language.names import is_one_person
from proxy.reviewing.asking import AskError, Proxy
from proxy.reviewing.desk import PAGES, Desk, Viewer
from proxy.reviewing.forms import Form

SCOPE: Final = "doubts:review"
_PATH: Final = PAGES[1][0]
_ASKED: Final = 100
_SHOWN_MOST: Final = 100
#: Of a queue that others fill, so many rows are looked through for one's own.
_LOOKED_MOST: Final = 1_000


class Replies:
    """Doubtful replies to the institutions of whoever looks."""

    def __init__(self, desk: Desk, proxy: Proxy) -> None:
        self._desk = desk
        self._proxy = proxy

    async def page(self, _request: Request, viewer: Viewer) -> Response:
        """The open cases, without their words."""
        if not viewer.institutions(SCOPE):
            return self._desk.show("no_sight.html", viewer, viewer.lang, _PATH, code=403)
        rows: list[dict[str, Any]] = []
        more = away = False
        try:
            rows, more = await self._open(viewer)
        except AskError:
            away = True
        return self._desk.show("replies.html", viewer, viewer.lang, _PATH, rows=rows, more=more, away=away)

    async def _open(self, viewer: Viewer) -> tuple[list[dict[str, Any]], bool]:
        found: list[dict[str, Any]] = []
        after = 0
        for _ in range(_LOOKED_MOST // _ASKED):
            rows = (await self._proxy.ask("doubt.list", {"after": after, "most": _ASKED}))["rows"]
            found += [row for row in rows if _by(viewer, row)]
            if len(rows) < _ASKED:
                return found[:_SHOWN_MOST], len(found) > _SHOWN_MOST
            after = rows[-1]["id"]
            if len(found) >= _SHOWN_MOST:
                break
        return found[:_SHOWN_MOST], True

    async def act(self, viewer: Viewer, form: Form) -> Response:
        """One form: read, confirmed or dismissed. Raises AskError, BodyError."""
        case, action, reason = form.one("case"), form.one("do"), form.one("reason")
        row = await self._one(int(case)) if case.isascii() and case.isdigit() and len(case) < 16 else None
        by = "" if row is None else _by(viewer, row)
        if row is None or not by or action not in ("read", "confirmed", "dismissed"):
            return self._desk.back(viewer, _PATH, "", "no.sight")
        if action == "read":
            if not reason:
                return self._desk.back(viewer, _PATH, "", "no.reason")
            shown = await self._proxy.ask("doubt.show", {"case": row["id"], "by": by, "reason": reason})
            return self._desk.show("reply.html", viewer, viewer.lang, _PATH, row=shown, by=by)
        args = {"case": row["id"], "verdict": action, "by": by, "reason": reason}
        if action == "dismissed":
            second = self._second(form.one("second"), row)
            if not second or is_one_person(second, by):
                return self._desk.back(viewer, _PATH, "", "no.second")
            args["second"] = second
        await self._proxy.ask("doubt.decide", args)
        return self._desk.back(viewer, _PATH, "", f"yes.{action}", good=True)

    async def _one(self, case: int) -> dict[str, Any] | None:
        rows = (await self._proxy.ask("doubt.list", {"after": case - 1, "most": 1}))["rows"]
        return rows[0] if rows and rows[0]["id"] == case else None

    def _second(self, token: str, row: dict[str, Any]) -> str:
        """The name of the other person; empty where their token does not open this case."""
        granted = self._desk.granted(token)
        if granted is None or SCOPE not in granted.scopes or set(row["institutions"]) != {granted.institution}:
            return ""
        return granted.label


def _by(viewer: Viewer, row: dict[str, Any]) -> str:
    """The name under which a viewer may decide a case; empty where it concerns another institution, too."""
    names = {viewer.may(one, SCOPE) for one in row["institutions"]}
    return names.pop() if len(names) == 1 else ""
