"""Bodies of requests: bounded, JSON only, nothing in them that two readers could understand differently.

Owns the reading. A name that stands twice in an object, a number that JSON has not (NaN), octets that are no UTF-8 and
fields that are not known are errors, told with the field.
"""

import asyncio
import json
import re
from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request

S = TypeVar("S", bound=Struct)
#: For the whole of a body.
_PATIENCE_S: Final = 10.0
_PLACE: Final = re.compile(r"^(.*?)(?: - at `\$\.?(.*)`)?$", re.S)
_FIELD: Final = re.compile(r"^Object (missing required|contains unknown) field `(.*)`$", re.S)


class BodyError(Exception):
    """The body cannot be taken: `code` is the HTTP status, `field` where it is wrong."""

    def __init__(self, code: int, reason: str, field: str = "") -> None:
        super().__init__(reason)
        self.code = code
        self.field = field


def require_json(headers: Headers) -> None:
    """Raises BodyError unless the body says how long it is (411), and that it is plain JSON (415)."""
    # WHY: of a request with a length and with chunks, one before us may take another part for the next request.
    if "transfer-encoding" in headers or "content-length" not in headers:
        raise BodyError(411, "Content-Length is needed, without Transfer-Encoding")
    kinds = headers.getlist("content-type")
    kind, _, more = (kinds[0] if len(kinds) == 1 else "").partition(";")
    charset = more.strip().lower().replace('"', "")
    if kind.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
        raise BodyError(415, "Content-Type: application/json")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise BodyError(415, "Content-Encoding: identity only")


async def octets_of(request: Request, most: int) -> bytes:
    """The body; raises BodyError: as soon as it is longer than `most` octets (413), or when it does not come (408)."""
    length = request.headers.get("content-length", "0")
    too_long = BodyError(413, f"the body has more than {most} octets")
    if len(length) > len(str(most)) + 1 or (length.isascii() and length.isdigit() and int(length) > most):
        raise too_long
    found = bytearray()
    try:
        async with asyncio.timeout(_PATIENCE_S):
            async for part in request.stream():
                found += part
                if len(found) > most:
                    raise too_long
    except TimeoutError as error:
        raise BodyError(408, "the body did not come in time") from error
    except ClientDisconnect as error:
        raise BodyError(400, "the body ended early") from error
    return bytes(found)


def read_json(octets: bytes, kind: type[S]) -> S:
    """The body as one of the shapes; raises BodyError (400) with the field."""
    try:
        found = json.loads(octets.decode("utf-8"), object_pairs_hook=_once, parse_constant=_none_such)
    except UnicodeDecodeError as error:
        raise BodyError(400, "not UTF-8") from error
    except json.JSONDecodeError as error:
        raise BodyError(400, f"not JSON: {error.msg} at line {error.lineno} column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise BodyError(400, "not JSON: too deep, or a number too long") from error
    if not isinstance(found, dict):
        raise BodyError(400, "must be an object")
    try:
        msgspec.json.encode(found)
    except (ValueError, RecursionError) as error:
        raise BodyError(400, "half of a surrogate pair stands alone, or it is too deep") from error
    try:
        return msgspec.convert(found, kind)
    except msgspec.ValidationError as error:
        raise BodyError(400, *_said(str(error))) from error


def _said(text: str) -> tuple[str, str]:
    """What the library says of a shape, as a reason and the field."""
    place = _PLACE.match(text)
    reason, where = (place[1], place[2] or "") if place else (text, "")
    named = _FIELD.match(reason)
    if named is None:
        return reason, where
    reason = "missing" if named[1] == "missing required" else "not known here"
    return reason, f"{where}.{named[2]}".lstrip(".")[:80]


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise BodyError(400, "stands twice", next(name for name in names if names.count(name) > 1)[:64])
    return found


def _none_such(written: str) -> None:
    raise BodyError(400, f"not JSON: {written}")
