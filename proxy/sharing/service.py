"""The HTTP service of a published list: documents out, acknowledgements in, lag as metrics (J24).

Owns who may ask: a recipient proves itself by a token, of which only the hash is configured. Documents are files of
the folder and nothing else is. Must never say more to a stranger than 401.
"""

import hmac
import time
from hashlib import sha256
from typing import Final

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from proxy.list_settings import ListHttp
from proxy.lists.following import Acknowledge
from proxy.sharing.lag import lags
from proxy.sharing.publisher import Publisher

_ACKNOWLEDGEMENT_MOST_OCTETS: Final = 512


class ListService:
    """The routes over one publisher."""

    def __init__(self, publisher: Publisher, settings: ListHttp) -> None:
        self._publisher: Final = publisher
        self._hashes: Final = {name: bytes.fromhex(digest) for name, digest in settings.recipients.items()}
        self.app: Final = Starlette(
            routes=[
                Route("/metrics", self._metrics),
                Route("/acknowledged", self._acknowledged, methods=["POST"]),
                Route("/{name}", self._document),
            ]
        )

    def _recipient(self, request: Request) -> str | None:
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer":
            return None
        digest = sha256(token.encode()).digest()
        # WHY all: the time that it takes must not tell which one was nearly right.
        found = [name for name, kept in self._hashes.items() if hmac.compare_digest(kept, digest)]
        return found[0] if found else None

    async def _document(self, request: Request) -> Response:
        if self._recipient(request) is None:
            return _stranger()
        octets = self._publisher.folder.read(request.path_params["name"])
        if octets is None:
            return PlainTextResponse("no such document\n", 404)
        return Response(octets, media_type="application/octet-stream", headers={"cache-control": "no-store"})

    async def _acknowledged(self, request: Request) -> Response:
        recipient = self._recipient(request)
        if recipient is None:
            return _stranger()
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _ACKNOWLEDGEMENT_MOST_OCTETS:
                return PlainTextResponse("too long\n", 413)
        try:
            said = msgspec.json.decode(body, type=Acknowledge)
        except msgspec.DecodeError as error:
            return PlainTextResponse(f"not an acknowledgement: {error}\n", 400)
        self._publisher.acknowledged(recipient, said)
        return Response(status_code=204)

    async def _metrics(self, _request: Request) -> Response:
        issuer = self._publisher.publication.issuer
        lines = [
            "# TYPE tdgate_list_number gauge",
            f'tdgate_list_number{{issuer="{issuer}"}} {self._publisher.publication.number}',
            "# TYPE tdgate_list_lag_documents gauge",
            "# TYPE tdgate_list_lag_seconds gauge",
        ]
        for lag in lags(self._publisher.folder, issuer, time.time()):
            labels = f'issuer="{issuer}",recipient="{lag.recipient}"'
            lines.append(f"tdgate_list_lag_documents{{{labels}}} {lag.documents}")
            lines.append(f"tdgate_list_lag_seconds{{{labels}}} {lag.seconds}")
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")


def _stranger() -> Response:
    return PlainTextResponse("who asks?\n", 401, headers={"www-authenticate": "Bearer"})
