"""The page of templates: what passed and what is on record, and the review of it (Z5).

Owns which verb a form is, and what it needs. Must never act for an institution that the viewer's tokens do not name:
each verb is told the institution, and the proxy refuses a template of another.
"""

import asyncio
import time
from typing import Any, Final, cast, get_args
from urllib.parse import urlencode

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from proxy.core.content import CATEGORIES
from proxy.core.purposes import Purpose
from proxy.core.wording import VARIABLES
from proxy.reviewing import seen
from proxy.reviewing.asking import AskError, Proxy
from proxy.reviewing.desk import PAGES, Desk, Viewer
from proxy.reviewing.forms import Form
from proxy.reviewing.on_record import Likeness, Record, RecordBook
from proxy.reviewing.words import CHECKS
from proxy.settings import Settings, SettingsError

SIGHT: Final = ("templates:submit", "templates:review")
_PATH: Final = PAGES[0][0]
_VERB: Final = "content.templates"
#: What the proxy told is taken for so long, so that nobody who reloads a page costs the wire anything.
_FRESH_S: Final = 2.0
_SHOWN_MOST: Final = 200
_PURPOSES: Final = cast(tuple[str, ...], get_args(Purpose))


class _Seen(msgspec.Struct, frozen=True):
    passed: list[seen.Passed]
    records: list[Record]
    away: bool
    more: int


class TemplateDesk:
    """Templates of the institutions of whoever looks."""

    def __init__(self, settings: Settings, desk: Desk, proxy: Proxy) -> None:
        self._desk = desk
        self._proxy = proxy
        self._book = RecordBook(settings.path(settings.store.database))
        self._likeness = Likeness(settings)
        self._asking = asyncio.Lock()
        self._told: dict[str, tuple[float, dict[str, Any]]] = {}

    async def page(self, request: Request, viewer: Viewer) -> Response:
        """Everything that the viewer may see, as it is asked for."""
        institutions = viewer.institutions(*SIGHT)
        if not institutions:
            return self._desk.show("no_sight.html", viewer, viewer.lang, _PATH, code=403)
        asked = seen.Filter(**{name: request.query_params.get(name, "")[:64] for name in seen.Filter.__struct_fields__})
        passed: list[seen.Passed] = []
        kept: list[seen.Kept] = []
        away, more = False, 0
        for institution in institutions:
            found = await self._seen(institution)
            scopes, name = viewer.rights[institution]
            passed += found.passed
            kept += seen.kept(found.records, found.passed, scopes, name)
            away, more = away or found.away, more + found.more
        shown = sorted([one for one in passed if asked.takes(one)], key=lambda one: (-one.messages, one.id))
        query = urlencode([(name, value) for name, value in msgspec.structs.asdict(asked).items() if value])
        return self._desk.show(
            "templates.html",
            viewer,
            viewer.lang,
            _PATH,
            away=away,
            passed=shown[:_SHOWN_MOST],
            more=more + max(0, len(shown) - _SHOWN_MOST),
            any_passed=bool(passed),
            waiting=[one for one in kept if one.record.state == "submitted"],
            kept=[
                one
                for one in kept
                if one.record.state != "submitted" and asked.institution in ("", one.record.institution)
            ],
            filter=asked,
            choices={
                "institution": institutions,
                "account": sorted({name for one in passed for name, _ in one.accounts if name}),
                "category": CATEGORIES,
                "verdict": seen.VERDICTS,
                "state": seen.STATES,
            },
            names={one: self._book.name_of(one) for one in institutions},
            checks=tuple(CHECKS),
            purposes=_PURPOSES,
            variables=(*VARIABLES, "figures", "phone", "link"),
            asked=f"{query}&" if query else "",
        )

    async def told(self, institution: str) -> dict[str, Any]:
        """The same for programs; raises AskError, StoreError."""
        found = await self._seen(institution)
        if found.away:
            raise AskError("", away=True)
        rows = [
            {name: getattr(one, name) for name in ("id", "number", "messages", "against", "first_us", "last_us")}
            | {"accounts": dict(one.accounts), "category": one.category, "marks": one.marks, "findings": one.findings}
            | {"wording": "".join(f"{{{name}}}" if name else words for name, words in one.pieces) or None}
            | {"record": "" if one.record is None else one.record.id, "state": one.state}
            for one in found.passed
        ]
        return {
            "institution": institution,
            "templates": rows,
            "more": found.more,
            "records": [msgspec.to_builtins(one) for one in found.records],
        }

    async def _seen(self, institution: str) -> _Seen:
        records = await run_in_threadpool(self._book.templates, institution)
        telephone = await run_in_threadpool(self._book.telephone_of, institution)
        try:
            answer = await self._ask(institution)
        except AskError:
            return _Seen([], records, True, 0)
        rows = answer["templates"]
        known = await run_in_threadpool(self._known, records, {str(row["number"]) for row in rows})
        return _Seen(seen.passed(rows, known, {institution: telephone}), records, False, answer["more"])

    async def _ask(self, institution: str) -> dict[str, Any]:
        async with self._asking:
            at, answer = self._told.get(institution, (-_FRESH_S, {}))
            if time.monotonic() - at >= _FRESH_S:
                answer = await self._proxy.ask(_VERB, {"principal": institution})
                self._told = {one: kept for one, kept in self._told.items() if time.monotonic() - kept[0] < _FRESH_S}
                self._told[institution] = (time.monotonic(), answer)
            return answer

    def _known(self, records: list[Record], numbers: set[str]) -> dict[str, Record]:
        try:
            return seen.by_wire_id(
                (wire_id, one) for one in records for wire_id in self._likeness.ids(one, sorted(numbers))
            )
        except (SettingsError, OSError, ValueError):
            # WHY nothing: words that are being edited say nothing of what is on record; the page shows the rest.
            return {}

    async def act(self, viewer: Viewer, form: Form) -> Response:
        """One form: pass, reject, submit or record. Raises AskError, BodyError."""
        action, institution = form.one("do"), form.one("institution")
        scope = "templates:review" if action in ("pass", "reject") else "templates:submit"
        by = viewer.may(institution, scope)
        if not by or action not in ("pass", "reject", "submit", "record"):
            return self._desk.back(viewer, _PATH, "", "no.sight")
        args: dict[str, Any] = {"id": form.one("id"), "institution": institution, "by": by}
        args["reason"] = form.one("reason")
        if action == "record":
            args |= {"purposes": form.all("purposes"), "text": form.one("text")}
        else:
            args["kind"] = "template"
        if action == "pass":
            args["checklist"] = [CHECKS[one] for one in form.all("checked") if one in CHECKS]
            if not args["checklist"]:
                return self._desk.back(viewer, _PATH, "", "no.checklist")
        if action == "reject" and not args["reason"]:
            return self._desk.back(viewer, _PATH, "", "no.reason")
        await self._proxy.ask(f"review.{action}", args)
        done = {"pass": "yes.passed", "reject": "yes.rejected"}.get(action, "yes.submitted")
        return self._desk.back(viewer, _PATH, "", done, args["id"], good=True)
