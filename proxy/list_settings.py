"""Settings of shared lists: `[lists]`, its broker, its HTTP service and the lists that are followed.

Owns their names, units and defaults, and what contradicts itself in them.
"""

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from proxy.settings_shape import Tls, port_range, ranges

#: Names of issuers and recipients: parts of topics and of file names.
LIST_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class ListBroker(Struct, frozen=True, forbid_unknown_fields=True):
    """An MQTT 5 broker. `password_file` holds the password of `username`; `topic` is where all lists begin."""

    host: str = "127.0.0.1"
    port: int = 1883
    tls: Tls | None = None
    username: str = ""
    password_file: str = ""
    topic: str = "tdgate/lists"


class ListHttp(Struct, frozen=True, forbid_unknown_fields=True):
    """Where recipients fetch documents and acknowledge them. `recipients`: name → SHA-256 of its token, hexadecimal."""

    host: str = "127.0.0.1"
    port: int = 8090
    tls: Tls | None = None
    recipients: dict[str, str] = {}


class FollowedIssuer(Struct, frozen=True, forbid_unknown_fields=True):
    """A list of another house. `public_keys` are PEM files of its issuer; `source` is `mqtt`, the URL of a folder, or
    the path of one. `recipient` is what that house calls us; `token_file` holds what proves it over HTTP.
    """

    public_keys: list[str] = []
    source: str = "mqtt"
    recipient: str = ""
    token_file: str = ""
    poll_s: float = 5.0


class Lists(Struct, frozen=True, forbid_unknown_fields=True):
    """Shared lists (J16 J24). With `issuer` one's own list is published into `folder`; `look_s` is how often changes
    are looked for, `snapshot_every` after how many deltas a whole list is written, `deltas_most` how many are kept.
    """

    issuer: str = ""
    folder: str = "lists"
    signing_key: str = "keys/lists.pem"
    look_s: float = 0.5
    snapshot_every: int = 100
    deltas_most: int = 10_000
    broker: ListBroker | None = None
    http: ListHttp | None = None
    follow: dict[str, FollowedIssuer] = {}


def contradictions(lists: Lists) -> Iterator[str]:
    """What the types do not show."""
    yield from ranges("lists", lists)
    if lists.issuer and LIST_NAME.fullmatch(lists.issuer) is None:
        yield "lists.issuer: letters, digits, - and _, at most 64"
    if lists.snapshot_every < 1:
        yield "lists.snapshot_every: at least 1"
    if lists.broker is not None:
        yield from port_range("lists.broker.port", lists.broker.port, least=1)
        if not lists.broker.topic or any(mark in lists.broker.topic for mark in "+#\0"):
            yield "lists.broker.topic: a topic without wildcards"
    if lists.http is not None:
        yield from port_range("lists.http.port", lists.http.port, least=0)
        for name, digest in lists.http.recipients.items():
            if LIST_NAME.fullmatch(name) is None:
                yield f"lists.http.recipients.{name}: letters, digits, - and _, at most 64"
            if re.fullmatch(r"[0-9a-f]{64}", digest) is None:
                yield f"lists.http.recipients.{name}: the SHA-256 of its token, 64 hexadecimal digits"
    for name, each in lists.follow.items():
        yield from ranges(f"lists.follow.{name}", each)
        if LIST_NAME.fullmatch(name) is None:
            yield f"lists.follow.{name}: letters, digits, - and _, at most 64"
        if name == lists.issuer:
            yield f"lists.follow.{name}: is published here; a list does not follow itself"
        if not each.public_keys:
            yield f"lists.follow.{name}.public_keys: missing; without a key nothing can be believed"
        if LIST_NAME.fullmatch(each.recipient) is None:
            yield f"lists.follow.{name}.recipient: missing; the name under which {name} knows this house"
        if each.source == "mqtt" and lists.broker is None:
            yield f"lists.follow.{name}.source: mqtt needs [lists.broker]"
