"""The part of the OpenAPI document that needs a token; `console/openapi.py` has the rest."""

from typing import Any, Final

from msgspec import Struct

from proxy.api import shapes

KINDS: Final[tuple[type[Struct], ...]] = (
    shapes.RefusalTold,
    shapes.PreferenceTold,
    shapes.PreferencesTold,
    shapes.ConsentTold,
    shapes.WithdrawalTold,
    shapes.CheckAsked,
    shapes.Checked,
    shapes.RefusalPage,
    shapes.Receipted,
    shapes.PreferenceList,
    shapes.NumberList,
    shapes.Wrong,
)
_BEARER: Final[list[dict[str, list[str]]]] = [{"bearer": []}]


def _ref(kind: type[Struct]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}


def _says(text: str, kind: type[Struct] = shapes.Wrong) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": _ref(kind)}}}


REFUSALS: Final[dict[str, Any]] = {
    "401": _says("No valid token"),
    "403": _says("The token lacks the scope, or speaks for another institution"),
    "429": _says("Too often; see Retry-After"),
    "503": _says("Not confirmed: the proxy, its store or its evidence is away; repeat with the same key"),
}
_BODY_REFUSALS: Final[dict[str, Any]] = {
    "400": _says("Wrong: `field` is where"),
    "408": _says("The body did not come in time"),
    "411": _says("Content-Length is missing, or the body comes in chunks"),
    "413": _says("The body is too long"),
    "415": _says("The body is not plain JSON"),
}
_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same key with the same request is one telling, answered the same each time",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._:-]{1,64}$"},
}


def _post(operation: str, summary: str, kind: type[Struct]) -> dict[str, Any]:
    return {
        "operationId": operation,
        "summary": summary,
        "security": _BEARER,
        "parameters": [_KEY],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(kind)}}},
        "responses": {
            "201": _says("It is on disk and in the evidence", shapes.Receipted),
            "409": _says("The key was used for another request"),
            **_BODY_REFUSALS,
            **REFUSALS,
        },
    }


def _whole(name: str, says: str, default: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": 0, "default": default}
    return {"name": name, "in": "query", "description": says, "schema": schema}


def _word(name: str, says: str, *, required: bool = False) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": says, "required": required, "schema": {"type": "string"}}


PATHS: Final[dict[str, Any]] = {
    "/api/v1/suppressions": {"post": _post("refuse", "A person's refusal (Z16 Z19)", shapes.RefusalTold)},
    "/api/v1/suppressions/export": {
        "get": {
            "operationId": "refusals",
            "summary": "One's own refusals since a mark, in clear, to be suppressed elsewhere; noted (Z16 J13)",
            "security": _BEARER,
            "parameters": [
                _word("purpose", "Must be suppress", required=True),
                _word("receiver", "Who gets them: the institution if left out, or a partner that it entrusts"),
                _whole("after", "The mark of the page before", 0),
                _whole("most", "At most, up to 500", 500),
            ],
            "responses": {
                "200": _says("The rows", shapes.RefusalPage),
                "400": _says("Another purpose, no such receiver, or a number out of range"),
                **REFUSALS,
            },
        }
    },
    "/api/v1/preferences": {
        "get": {
            "operationId": "preferences",
            "summary": "What persons prefer with one's institution (J6)",
            "security": _BEARER,
            "parameters": [_whole("after", "Rows with a higher id", 0), _whole("most", "At most, up to 200", 100)],
            "responses": {
                "200": _says("The rows", shapes.PreferenceList),
                "400": _says("A number out of range"),
                **REFUSALS,
            },
        },
        "post": _post("prefer", "What a person prefers from now on (J6)", shapes.PreferenceTold),
    },
    "/api/v1/preferences/batch": {
        "post": _post("preferAll", "What several persons prefer, all or none (J6)", shapes.PreferencesTold)
    },
    "/api/v1/numbers": {
        "get": {
            "operationId": "numbers",
            "summary": "The number library of one's institution (Z9 J17)",
            "security": _BEARER,
            "parameters": [_whole("after", "Rows with a higher id", 0), _whole("most", "At most, up to 1000", 100)],
            "responses": {
                "200": _says("The rows", shapes.NumberList),
                "400": _says("A number out of range"),
                **REFUSALS,
            },
        }
    },
    "/api/v1/precheck": {
        "post": {
            "operationId": "precheck",
            "summary": "What would become of a dial or send list now; noted, and nobody is counted as contacted",
            "security": _BEARER,
            "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(shapes.CheckAsked)}}},
            "responses": {"200": _says("A result for each", shapes.Checked), **_BODY_REFUSALS, **REFUSALS},
        }
    },
    "/api/v1/consents": {"post": _post("consent", "A person's consent (Z15)", shapes.ConsentTold)},
    "/api/v1/consents/withdrawals": {
        "post": _post("withdraw", "A person took a consent back (Z15)", shapes.WithdrawalTold)
    },
}
