"""The page: templates filled with what is seen, kept until something else is to be seen.

Owns how figures, times and names look. Must never mark a value as safe: everything but the product's own style and
script goes through autoescape. A page is rendered once for each (stamp, language), however often it is asked for.
"""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from secrets import token_hex
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from proxy.console.lookup import Opened
from proxy.console.openapi import Problem
from proxy.console.outcomes import rule_text
from proxy.console.reopened import Reopened
from proxy.console.sight import Sight
from proxy.console.texts import HTML_LANG, TEXTS, Lang
from proxy.core.pack import CHINA_OFFSET_S
from proxy.telemetry.events import REFUSAL_RECORDED
from proxy.telemetry.status import Status

_TEMPLATES: Final = Path(__file__).parent / "templates"
#: Where the pages of this room stand, for whoever extends them.
FOLDER: Final = _TEMPLATES
_CHINA: Final = timezone(timedelta(seconds=CHINA_OFFSET_S))
_KEPT: Final = 4


class Pages:
    """Renders; keeps the last few of what it rendered. Octets hold `nonce_mark` where a nonce belongs."""

    def __init__(self, others: tuple[tuple[str, str], ...] = ()) -> None:
        """`others` are further pages, as (path, key of their name)."""
        # WHY random: no value that is shown can hold it, so none can take the nonce.
        self.nonce_mark: Final = token_hex(16).encode()
        self._templates = _environment()
        mark = self.nonce_mark.decode()
        self._templates.globals.update(nonce=mark, style=_own("console.css"), script=_own("console.js"))
        self._templates.globals.update(pages=with_first(others))
        self._overviews: dict[tuple[str, Lang, bool], bytes] = {}

    def overview(self, sight: Sight, lang: Lang, *, part: bool = False) -> bytes:
        """The first page, or with `part` only what changes on it."""
        key = (f"{sight.stamp} {sight.unready}", lang, part)
        kept = self._overviews.get(key)
        if kept is not None:
            return kept
        if len(self._overviews) >= _KEPT:
            self._overviews.clear()
        name = "live.html" if part else "overview.html"
        rendered = self._render(name, lang, sight=sight, status=sight.status, counts=_counts(sight.status))
        self._overviews[key] = rendered
        return rendered

    def decision(
        self,
        opened: Opened,
        lang: Lang,
        *,
        part: bool = False,
        anew: Reopened | tuple[Problem, int] | None = None,
        may_ask: bool = False,
    ) -> bytes:
        """One decision on a page of its own, or with `part` only what opens below its row.

        `anew` is what it would be today, or why that cannot be told; `may_ask` offers to ask for it.
        """
        if part:
            return self._render("rules.html", lang, one=opened, part=True)
        told = anew if isinstance(anew, Reopened) else None
        problem = anew[0].error if isinstance(anew, tuple) else ""
        saw = {} if told is None or told.today is None else {row.rule: row for row in told.today.rows}
        return self._render(
            "decision.html", lang, one=opened, part=False, anew=told, saw=saw, problem=problem, may_ask=may_ask
        )

    def missing(self, status_code: int, lang: Lang) -> bytes:
        """Why there is no such decision: 400, 404 or 503."""
        return self._render("missing.html", lang, code=str(status_code))

    def _render(self, template: str, lang: Lang, **values: object) -> bytes:
        texts = TEXTS[lang]
        page = self._templates.get_template(template)
        return page.render(lang=lang, html_lang=HTML_LANG[lang], t=texts, **values).encode()


class Counts:
    """Figures over all decisions of a status: totals by effect, and rows from the most frequent to the least."""

    def __init__(self, status: Status | None) -> None:
        rows = () if status is None else status.decisions
        self.total = {"allow": 0, "deny": 0, "defer": 0}
        for _, effect, _, count in rows:
            self.total[effect] += count
        self.rows = sorted((row for row in rows if row[3]), key=lambda row: (-row[3], row[2]))
        self.most = max((row[3] for row in rows), default=0) or 1
        self.refusals = 0 if status is None else status.counters.get(REFUSAL_RECORDED.name, 0)


def _counts(status: Status | None) -> Counts:
    return Counts(status)


def with_first(others: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What a header leads to: nothing where the first page is the only one."""
    return (("/", "page.live"), *others) if others else ()


def _environment() -> Environment:
    return environment(_TEMPLATES)


def environment(*folders: Path) -> Environment:
    """Templates of these folders, escaped, with the words and figures of the console.

    INVARIANT: the console's own folder stands last for whoever extends its pages.
    """
    # WHY no bytecode cache, no reload: templates are part of the program.
    found = Environment(
        loader=FileSystemLoader(folders),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters.update(clock=_clock, moment=_moment, iso=_iso, figure=_figure, duration=_duration)
    found.globals.update(rule_text=rule_text, word=_word, closes=_closes)
    return found


def _own(name: str) -> Markup:
    return own_text(_TEMPLATES / name)


def own_text(path: Path) -> Markup:
    """Style and script of the product itself: the only text that is not escaped."""
    return Markup(path.read_text(encoding="utf-8"))


def _at(at_us: int) -> datetime:
    try:
        return datetime.fromtimestamp(at_us / 1e6, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)


def _clock(at_us: int) -> str:
    return _at(at_us).astimezone(_CHINA).strftime("%H:%M:%S")


def _moment(at_us: int) -> str:
    return _at(at_us).astimezone(_CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _iso(at_us: int) -> str:
    return _at(at_us).isoformat(timespec="milliseconds")


def _figure(value: int) -> str:
    """Thousands apart by a narrow space: a comma or a point means different things to different readers."""
    return f"{value:,}".replace(",", "\u202f")


def _duration(value_us: int) -> str:
    if value_us < 1_000_000:
        return f"{value_us / 1000:.1f} ms"
    return f"{value_us / 1e6:.1f} s"


def _word(texts: dict[str, str], kind: str, value: str) -> str:
    """The reader's word for a value of a closed vocabulary; the value itself where it has none."""
    return texts.get(f"{kind}.{value}", value)


def _closes(texts: dict[str, str], pairs: tuple[str, ...]) -> list[str]:
    """`marketing/sms, marketing/voice` in the reader's words, one line a purpose: `marketing: SMS, calls`."""
    channels: dict[str, list[str]] = {}
    for pair in pairs:
        purpose, _, channel = pair.partition("/")
        channels.setdefault(purpose, []).append(_word(texts, "channel", channel))
    return [f"{_word(texts, 'purpose', purpose)}: {', '.join(found)}" for purpose, found in channels.items()]
