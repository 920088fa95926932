"""The shape of an explanation, as `--json`, the console and programs read it.

Owns names and meaning of the fields; fields are only ever added. Persons appear masked or not at all (J13).
"""

from typing import Literal

from msgspec import Struct

from proxy.core.catalogue import Kind
from proxy.core.ground import Effect
from proxy.core.notices import Demand
from proxy.core.pack import Mode
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Period

#: Why a rule said nothing: packs leave it off; it is not of this channel; not of requests about an earlier message; or
#: it does not apply to this account, number or purpose.
Unasked = Literal["", "off", "channel", "by_id", "facts"]


class Fact(Struct, frozen=True):
    """One thing that a rule looked at: `name` is stable (`number.period`), `value` is for people."""

    name: str
    value: str


class Span(Struct, frozen=True):
    """Where in the text something stands: characters from `start` to before `end`, and what it was taken for."""

    start: int
    end: int
    kind: str
    text: str


class Basis(Struct, frozen=True):
    """On what a pack that binds rests a value of this rule: a sentence, or "product default"; see `core.pack.Citation`.

    `pack` is `ID@VERSION`.
    """

    pack: str
    value: str
    basis: str
    official: str


class Campaign(Struct, frozen=True):
    """A campaign of an institution, with who is responsible for it (C2). Nothing on the wire names one: what is sent in
    its period, for its purposes and on its channels may belong to it.
    """

    id: str
    name: str
    responsible: str
    purposes: frozenset[Purpose]
    channels: frozenset[Channel]
    period: Period
    state: str


class Row(Struct, frozen=True):
    """One rule: `outcome` is n/a, pass, refuse, shadow or error; `detail` is empty unless it refused or would have.

    `unasked` tells of n/a why. `saw` is the data that it looked at, `demands` the rows that it cites with the sentence
    of the notice, `basis` what the packs that bind say of it, `spans` where in the text it found something.
    """

    rule: str
    outcome: str
    detail: str
    mode: Mode
    kind: Kind
    floor: bool
    cites: tuple[str, ...]
    text_en: str
    text_zh: str
    unasked: Unasked = ""
    saw: tuple[Fact, ...] = ()
    demands: tuple[Demand, ...] = ()
    basis: tuple[Basis, ...] = ()
    spans: tuple[Span, ...] = ()


class Explanation(Struct, frozen=True):
    """The answer and every rule in the order of the table.

    `status` is the command_status, of a call the SIP status; 0 on an allow. `packs` are all that bind. `saw` is what
    was asked: sender, masked recipient, purpose declared, the moment and place.
    """

    effect: Effect
    rule: str
    detail: str
    status: int
    purpose: Purpose
    principal: str
    pack: str
    pack_version: int
    packs: str
    revision: int
    next_en: str
    next_zh: str
    rows: tuple[Row, ...]
    saw: tuple[Fact, ...] = ()
