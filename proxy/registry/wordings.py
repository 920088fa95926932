"""Makes what texts are compared with of the templates on record: wordings with variables, and what was rejected (Z5).

Owns these forms, kept until a template or the reader of texts changes. Pure.
"""

from collections.abc import Collection, Iterable
from contextlib import suppress

from proxy.core.content import Reader
from proxy.core.records import Template
from proxy.core.rejections import RejectedWording, Rejections, rejected_wording
from proxy.core.wording import Wording, WordingError

Worded = dict[str, tuple[tuple[Wording, Template], ...]]


def worded_of(templates: Iterable[Template]) -> Worded:
    """Templates with variables, by institution; those without are found by their whole text."""
    found: dict[str, list[tuple[Wording, Template]]] = {}
    for one in templates:
        if "{" in one.text:
            # WHY: texts of earlier versions may hold braces that are no variables.
            with suppress(WordingError):
                found.setdefault(one.institution, []).append((Wording(one.text), one))
    return {institution: tuple(these) for institution, these in found.items()}


class WordingShelf:
    """The forms of one registry's templates; `changed` whenever a template did."""

    def __init__(self) -> None:
        self._worded: Worded | None = None
        self._rejections: dict[str, Rejections] | None = None
        self._reader: Reader | None = None
        #: Rejected templates that are compared already. WHY kept: folding thousands of texts would hold the loop up.
        self._compared: dict[Template, RejectedWording | None] = {}

    def changed(self) -> None:
        self._worded = self._rejections = None

    def worded(self, templates: Collection[Template]) -> Worded:
        """As `worded_of`."""
        if self._worded is None:
            self._worded = worded_of(templates)
        return self._worded

    def rejected(self, templates: Collection[Template], reader: Reader) -> dict[str, Rejections]:
        """What was rejected, by institution."""
        if reader is not self._reader:
            self._reader, self._rejections, self._compared = reader, None, {}
        if self._rejections is None:
            known = self._compared
            self._compared = {
                one: known[one] if one in known else rejected_wording(one.id, one.text, reader.bare)
                for one in templates
                if one.rejected
            }
            found: dict[str, list[RejectedWording]] = {}
            for template, wording in self._compared.items():
                if wording is not None:
                    found.setdefault(template.institution, []).append(wording)
            self._rejections = {institution: Rejections(tuple(these)) for institution, these in found.items()}
        return self._rejections
