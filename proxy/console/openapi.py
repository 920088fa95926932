"""The description of the HTTP interface, OpenAPI 3.1, written by hand.

Owns what is promised to programs; a test holds it against the routes and against the answers. Schemas come from the
value types themselves.
"""

from typing import Any, Final

import msgspec

from proxy.console.extension import NOTHING, Extension
from proxy.console.lookup import Opened
from proxy.console.outcomes import RuleText
from proxy.console.reopened import Reopened
from proxy.telemetry.pack_rows import PackRow
from proxy.telemetry.status import DecisionRow, Status

#: Of the interface, not of the product: the first number changes when something is taken away.
API_VERSION: Final = "1.1"
_REFS: Final = "#/components/schemas/{name}"


class Ready(msgspec.Struct, frozen=True):
    """Whether the wire takes traffic, and if not, why."""

    ready: bool
    reason: str


class Problem(msgspec.Struct, frozen=True):
    """Why there is no answer."""

    error: str


class RuleList(msgspec.Struct, frozen=True):
    """All rules of the catalogue, the base pack in force (empty while that is not known), and all packs with source,
    region, effective date and the basis of each value.
    """

    pack: str
    pack_version: int
    rules: tuple[RuleText, ...]
    packs: tuple[PackRow, ...] = ()


class DecisionList(msgspec.Struct, frozen=True):
    """The latest decisions, newest first."""

    decisions: tuple[DecisionRow, ...]


def _json(says: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": says, "content": {"application/json": {"schema": schema}}}


def _get(operation: str, summary: str, responses: dict[str, Any], *parameters: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": operation, "summary": summary, "responses": responses}
    if parameters:
        found["parameters"] = list(parameters)
    return {"get": found}


def document(more: Extension = NOTHING) -> dict[str, Any]:
    """The whole description, ready to be encoded as JSON; `more` is what another room adds."""
    (status, rules, decisions, opened, reopened, ready, problem, *_), components = msgspec.json.schema_components(
        (Status, RuleList, DecisionList, Opened, Reopened, Ready, Problem, *more.kinds), ref_template=_REFS
    )
    text = {"description": "Plain text", "content": {"text/plain": {"schema": {"type": "string"}}}}
    limit = {
        "name": "limit",
        "in": "query",
        "description": "How many at most",
        "schema": {"type": "integer", "minimum": 1, "maximum": 50, "default": 50},
    }
    decision = {
        "name": "id",
        "in": "path",
        "required": True,
        "description": "The decision's id, up to 16 hex digits",
        "schema": {"type": "string", "pattern": "^[0-9A-Fa-f]{1,16}$"},
    }
    unavailable = _json("The wire process has no readable status", problem)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "tdgate console",
            "version": API_VERSION,
            "description": "What needs no token only reads. Persons appear masked or as pseudonyms. Times that are "
            "whole numbers are UTC in microseconds.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/livez": _get("livez", "Is the console alive", {"200": text}),
            "/readyz": _get(
                "readyz",
                "Does the wire take traffic",
                {"200": _json("It does", ready), "503": _json("It does not", ready)},
            ),
            "/metrics": _get("metrics", "Metrics in the text exposition format", {"200": text}),
            "/api/v1/status": _get(
                "status", "The status as the wire wrote it", {"200": _json("The status", status), "503": unavailable}
            ),
            "/api/v1/rules": _get("rules", "Every rule of the catalogue", {"200": _json("The rules", rules)}),
            "/api/v1/decisions": _get(
                "decisions",
                "The latest decisions",
                {
                    "200": _json("The decisions", decisions),
                    "400": _json("A limit out of range", problem),
                    "503": unavailable,
                },
                limit,
            ),
            "/api/v1/decisions/{id}": _get(
                "decision",
                "One decision with every rule's outcome and the rows it cites",
                {
                    "200": _json("The decision", opened),
                    "400": _json("Not an id", problem),
                    "404": _json("No such decision", problem),
                    "503": _json("The evidence log cannot be read, or is being searched already", problem),
                },
                decision,
            ),
            "/api/v1/decisions/{id}/explanation": _get(
                "explanation",
                "One recorded decision beside what the same question would get under the registry and packs of today",
                {
                    "200": _json("What was recorded, what was asked anew, and each rule compared", reopened),
                    "400": _json("Not an id", problem),
                    "404": _json("No such decision in the evidence log", problem),
                    "503": _json("Log or registry cannot be read, or another is being read already", problem),
                },
                decision,
            ),
            "/api/v1/openapi.json": _get(
                "openapi", "This description", {"200": _json("OpenAPI 3.1", {"type": "object"})}
            ),
            **more.paths,
        },
        "components": {
            "schemas": components,
            **({"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}} if more.paths else {}),
        },
    }
