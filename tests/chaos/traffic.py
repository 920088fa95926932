"""What is written in a storm: messages of every shape, receipts in every spelling, replies. Seeded.

Owns the octets that ESMEs and carriers write, and the names of who is there. Every message goes to a person of its own,
so that whatever is seen anywhere belongs to exactly one message. All institutions and people are invented. 全部虚构。
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tests.chaos.books import Attempt, Delivery, Part
from tests.tools.wire import DATA_SM, SUBMIT_MULTI, SUBMIT_SM, cstring, data_sm_body, message_body, tlv
from tests.wire.people import account, number

REFUSED = 0x0429
UNKNOWN = 0x0460
#: A long message that was never whole.
PARTIAL = 0x0421
#: Parts of two messages under one reference.
AMBIGUOUS = 0x0402
#: Statuses that ask for another try; all but the carrier's own mean that nothing of it was sent.
TEMPORARY = (0x08, 0x14, 0x58, 0x64)


@dataclass(frozen=True)
class Side:
    """One account: where its messages go, and whether its carriers are shared."""

    name: str
    institution: str
    address: str
    route: str
    #: Unanswered requests that its senders may have on a bind.
    window: int = 30

    @property
    def pooled(self) -> bool:
        return self.route == "pool"


SIDES = (
    # Long messages of theirs are kept on disk part by part, since each part waits for the answer to the last. They bind
    # first, having the most to wait for.
    Side("m-narrow", "zehe", "10690301", "hold", window=1),
    Side("p-narrow", "dinglan", "10690501", "pool", window=1),
    Side("m-hold", "jianglan", "10690001", "hold"),
    Side("m-close", "yunxiu", "10690101", "close"),
    Side("p-one", "xingqiao", "10690202", "pool"),
    Side("p-two", "lanhai", "10690402", "pool"),
    Side("p-three", "yuehu", "10690601", "pool"),
)
#: An account whose window is one part is known to stall at once.
_ACCOUNT_WINDOWS = {1: 1}
BY_NAME = {side.name: side for side in SIDES}
MIRRORS = ("hold", "close")
POOLED = ("one", "two")
#: Refused by import, before anything begins.
IMPORTED = tuple(f"86139000000{place:02}" for place in range(20))

PACK = """
[pack]
id = "chaos"
version = 1
region = "CN"
source = "for tests only"
effective = "2026-01-01"

[[hours]]
purposes = ["marketing", "collection"]
channels = ["sms", "voice"]
opens = "00:00"
closes = "24:00"
basis = "for tests only: open all day"

[rules."consent.missing"]
mode = "shadow"
basis = "for tests only"

[validity]
cap_s = 86400
basis = "product default"

[collection_refusal]
closes_channel = true
basis = "product default"
"""


def registry() -> dict[str, Any]:
    """Institutions, each with one account and one number; nobody's consent is asked for (see PACK)."""
    ever = {"since": "2026-01-01", "until": "2099-12-31"}
    return {
        "institutions": [{"id": side.institution, "name": f"{side.name}（虚构）", "kind": "bank"} for side in SIDES],
        "licences": [
            {"institution": side.institution, "purposes": ["marketing"], "channels": ["sms"], **ever} for side in SIDES
        ],
        "partners": [],
        "entrustments": [],
        "numbers": [number(side.address, side.institution, "marketing") for side in SIDES],
        "accounts": [account(side.name, side.institution, "marketing", route=side.route, window=400) for side in SIDES],
        "consents": [],
        "suppressions": [
            {"recipient": person, "institution": side.institution, "at": "2026-06-01", "source": "hotline"}
            for person in IMPORTED
            for side in SIDES
        ],
        "holds": [],
    }


def person_of(message: int) -> str:
    return f"86138{message:08d}"


def written(chance: random.Random, side: Side, attempt: int, message: int, person: str, *, first: bool) -> Attempt:
    """An attempt to send a message: in one PDU or several, its number in its text; to several only at `first`."""
    said = f"【示例银行】第{message}号活动，第{attempt}次发送，详询柜台，拒收请回复TD"
    made = Attempt(attempt, message, side.name, person)
    # WHY more parts from some: those are what they are here for.
    parts = 10 if side.window == 1 else 4
    kind = chance.choices(
        ("plain", "gsm", "data", "payload", "udh8", "udh16", "sar", "several"), (68, 8, 4, 4, parts, parts, parts, 3)
    )[0]
    bodies: list[tuple[int, bytes]]
    if kind == "several" and first and person == person_of(message):
        # WHY at first: later one of them may have refused, and then it goes on changed.
        made.others = (f"86137{message:08d}", f"86136{message:08d}")[: chance.choice((1, 2))]
        bodies = [(SUBMIT_MULTI, _submit_multi(side, (person, *made.others), said.encode("utf-16-be")))]
    elif kind in ("plain", "several"):
        bodies = [(SUBMIT_SM, _submit(side, person, said.encode("utf-16-be")))]
    elif kind == "gsm":
        ascii_said = f"[Bank] offer {message}, attempt {attempt}; TD to refuse"
        bodies = [(SUBMIT_SM, _submit(side, person, ascii_said.encode("ascii"), data_coding=0))]
    elif kind == "data":
        bodies = [(DATA_SM, data_sm_body(side.address, person, said.encode("utf-16-be"), data_coding=8, registered=1))]
    elif kind == "payload":
        octets = (said + "长" * chance.randrange(50, 200)).encode("utf-16-be")
        bodies = [(SUBMIT_SM, _submit(side, person, b"", tlvs=tlv(0x0424, octets)))]
    else:
        bodies = _in_parts(chance, kind, side, person, said, attempt)
    made.parts = [Part(attempt, place, command, body) for place, (command, body) in enumerate(bodies, start=1)]
    return made


def _submit(side: Side, person: str, octets: bytes, *, data_coding: int = 8, **fields: Any) -> bytes:
    return message_body(side.address, person, octets, data_coding=data_coding, registered=1, **fields)


def _submit_multi(side: Side, persons: tuple[str, ...], octets: bytes) -> bytes:
    """The body of a submit_multi to single persons (SMPP v3.4 §4.5.1)."""
    head = cstring("") + bytes([0, 0]) + cstring(side.address) + bytes([len(persons)])
    head += b"".join(b"\1" + bytes([1, 1]) + cstring(person) for person in persons)
    return head + bytes(3) + bytes(2) + bytes([1, 0, 8, 0]) + bytes([len(octets)]) + octets


def _in_parts(
    chance: random.Random, kind: str, side: Side, person: str, said: str, attempt: int
) -> list[tuple[int, bytes]]:
    """The same text in two to four parts; each tells by its own octets of which attempt it is."""
    total = chance.choice((2, 2, 3, 4))
    # INVARIANT: the number stands whole in each part: two attempts of one message may draw the same reference, and
    # parts of theirs would be taken for one that reached its carrier twice.
    octets = (said + f"第{attempt}次长" * 60)[: 60 * total].encode("utf-16-be")
    size = -(-len(octets) // total // 2) * 2
    pieces = [octets[at : at + size] for at in range(0, len(octets), size)]
    # WHY few: what is sent again often has the reference of what was cut off.
    ref = chance.choice((1, 2, chance.randrange(1, 250)))
    bodies = []
    for place, piece in enumerate(pieces, start=1):
        if kind == "sar":
            tlvs = tlv(0x020C, ref.to_bytes(2)) + tlv(0x020E, bytes([len(pieces)])) + tlv(0x020F, bytes([place]))
            bodies.append((SUBMIT_SM, _submit(side, person, piece, tlvs=tlvs)))
            continue
        if kind == "udh8":
            header = bytes([5, 0, 3, ref, len(pieces), place])
        else:
            header = bytes([6, 8, 4, *ref.to_bytes(2), len(pieces), place])
        bodies.append((SUBMIT_SM, _submit(side, person, header + piece, esm_class=0x40)))
    return bodies


def receipt(delivery: Delivery, message_id: str) -> bytes:
    """The body of a receipt that calls its message so; every third names it in a TLV too."""
    said = (
        f"id:{message_id} sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 "
        f"stat:DELIVRD err:000 text:d{delivery.number}"
    )
    tlvs = tlv(0x001E, cstring(message_id)) + tlv(0x0427, b"\x02") if delivery.number % 3 == 0 else b""
    address = BY_NAME[delivery.account].address
    return message_body(
        delivery.person, address, said.encode(), esm_class=4, source_ton=1, source_npi=1, dest_ton=0, tlvs=tlvs
    )


def reply(delivery: Delivery, said: str, header: bytes = b"") -> bytes:
    """What a person wrote, in UCS-2, behind the `header` of a part; a vendor TLV tells it from the same words again."""
    address = BY_NAME[delivery.account].address
    return message_body(
        delivery.person,
        address,
        header + said.encode("utf-16-be"),
        data_coding=8,
        esm_class=0x40 if header else 0,
        source_ton=1,
        source_npi=1,
        dest_ton=0,
        tlvs=tlv(0x1400, delivery.number.to_bytes(4)),
    )
