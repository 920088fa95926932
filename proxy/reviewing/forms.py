"""Forms as browsers send them, bounded; and whether it was a page of this console that sent them.

Owns the reading. What is no urlencoded form of this host is refused before a field of it is looked at.
"""

from typing import Final
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.requests import Request

from proxy.api.bodies import BodyError, octets_of

_MOST_OCTETS: Final = 32_768
_FIELDS_MOST: Final = 64


class Form:
    """Fields by name; what is missing is empty."""

    def __init__(self, fields: dict[str, list[str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The only value of a field; raises BodyError where it stands twice."""
        found = self._fields.get(name, [])
        if len(found) > 1:
            raise BodyError(400, "stands twice", name)
        return found[0].strip() if found else ""

    def all(self, name: str) -> list[str]:
        """The values of a field that may stand several times, without empty ones."""
        return [value.strip() for value in self._fields.get(name, []) if value.strip()]


def is_own_page(headers: Headers) -> bool:
    """Whether a page of this console sent a request, as far as the browser tells (Fetch Metadata, Origin)."""
    site, origin = headers.get("sec-fetch-site", ""), headers.get("origin", "")
    if site:
        # WHY not the origin, too: under this console's referrer policy a browser sends none of its own forms.
        return site == "same-origin"
    # WHY by the host alone: a proxy in front may take TLS off.
    return not origin or origin.partition("://")[2] == headers.get("host", "")


async def read_form(request: Request) -> Form:
    """The form of a POST; raises BodyError."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise BodyError(415, "a form of this page is needed")
    if "transfer-encoding" in request.headers or "content-length" not in request.headers:
        raise BodyError(411, "Content-Length is needed, without Transfer-Encoding")
    octets = await octets_of(request, _MOST_OCTETS)
    try:
        fields = parse_qs(octets.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS_MOST, errors="strict")
    except ValueError as error:
        raise BodyError(400, "not a form in UTF-8") from error
    return Form(fields)
