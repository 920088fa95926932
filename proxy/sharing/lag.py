"""How far each recipient is behind (J24): read from the folder, so that any process can tell."""

import msgspec
from msgspec import Struct

from proxy.lists.document import Heading
from proxy.lists.folder import HEAD, ListFolder, name_of


class Lag(Struct, frozen=True):
    """`documents` that a recipient does not hold, and for how many `seconds` the first of them has been there.

    `differs`: it holds another list under the newest number. `at` is when it was last heard, UTC seconds.
    """

    recipient: str
    number: int
    documents: int
    seconds: int
    differs: bool
    at: int


def lags(folder: ListFolder, issuer: str, now: float) -> list[Lag]:
    """Of every recipient that ever acknowledged something."""
    newest = _heading(folder, HEAD)
    if newest is None or newest.issuer != issuer:
        return []
    found = []
    for said in folder.acknowledged():
        documents = max(newest.number - said.number, 0)
        first = _heading(folder, name_of("delta", said.number + 1)) if documents else None
        since = (first or newest).made_at
        differs = said.number == newest.number and said.digest != newest.digest
        seconds = max(int(now) - since, 0) if documents else 0
        found.append(Lag(said.recipient, said.number, documents, seconds, differs, said.at))
    return found


def _heading(folder: ListFolder, name: str) -> Heading | None:
    """What a document of one's own folder says; None where it is not there."""
    octets = folder.read(name)
    if octets is None:
        return None
    try:
        return msgspec.json.decode(octets.partition(b"\n")[0], type=Heading)
    except msgspec.DecodeError:
        return None
