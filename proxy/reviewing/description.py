"""The part of the OpenAPI document for programs that read templates; pages for people are not described."""

from typing import Any, Final

from msgspec import Struct


class TemplateShown(Struct, frozen=True):
    """A template as it passed: `wording` is null where few persons got it; `state` is none, draft, submitted, reviewed
    or rejected, of the `record` that it is of. Moments are UTC microseconds.
    """

    id: str
    number: str
    accounts: dict[str, int]
    messages: int
    against: int
    first_us: int
    last_us: int
    category: str
    marks: list[str]
    findings: list[str]
    wording: str | None
    record: str
    state: str


class RecordShown(Struct, frozen=True):
    """A template on record."""

    id: str
    institution: str
    campaign: str
    purposes: list[str]
    text: str
    state: str
    submitted_by: str
    reviewed: int
    reviewed_by: str
    checklist: list[str]
    reason: str


class TemplatesTold(Struct, frozen=True):
    """Templates of one institution; `more` that passed are not listed."""

    institution: str
    templates: list[TemplateShown]
    more: int
    records: list[RecordShown]


class NotTold(Struct, frozen=True):
    """Why there is nothing to tell."""

    error: str


KINDS: Final[tuple[type[Struct], ...]] = (TemplatesTold, NotTold)


def _says(text: str, kind: type[Struct]) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"description": text, "content": {"application/json": {"schema": schema}}}


PATHS: Final[dict[str, Any]] = {
    "/api/v1/templates": {
        "get": {
            "operationId": "templates",
            "summary": "Templates of the token's institution: as they passed, and on record (Z5)",
            "security": [{"bearer": []}],
            "responses": {
                "200": _says("Both", TemplatesTold),
                "401": _says("No valid token of a person", NotTold),
                "403": _says("The token lacks the scope", NotTold),
                "503": _says("The proxy or its store is away", NotTold),
            },
        }
    }
}
