"""Reads a submit_multi, writes it anew with fewer destinations, and merges who was refused into its answer. Sans-IO.

Owns the octets of the destination list and of unsuccess_sme (SMPP v3.4 §4.5). Must never decide who is permitted, nor
change an octet of what stays: the parts around the list and each destination are slices of what came. How it works:
`codec` says what is malformed, a walk by offsets finds where each destination stands.
"""

from collections.abc import Sequence
from typing import Final

from proxy.smpp.codec import UnsuccessSme, decode
from proxy.smpp.consts import HEADER_OCTETS, RESPONSE_BIT, SUBMIT_MULTI
from proxy.smpp.pdu import HEADER, PduError, response
from proxy.smpp.short_message import ShortMessage, from_fields

#: no_unsuccess has one octet.
_UNSUCCESS_MOST: Final = 255
_SME_ADDRESS: Final = 1


class Destination:
    """One entry of the list as it stands on the wire. `is_list` is a distribution list, its name in `address`."""

    __slots__ = ("address", "is_list", "npi", "octets", "ton")

    def __init__(self, is_list: bool, ton: int, npi: int, address: bytes, octets: bytes) -> None:
        self.is_list: Final = is_list
        self.ton: Final = ton
        self.npi: Final = npi
        self.address: Final = address
        self.octets: Final = octets

    def unsuccess(self, status: int) -> UnsuccessSme:
        """That this destination was not taken, and why."""
        # WHY a list's name in the place of a number: unsuccess_sme has no other, and the sender must know which it is.
        return UnsuccessSme(self.ton, self.npi, self.address, status)


class SubmitMulti:
    """A submit_multi. `before` is its body up to number_of_dests, `after` all behind the last destination, TLVs too."""

    __slots__ = ("after", "before", "destinations", "raw", "sm")

    def __init__(
        self, raw: bytes, sm: ShortMessage, before: bytes, destinations: tuple[Destination, ...], after: bytes
    ) -> None:
        self.raw: Final = raw
        #: Everything but the destinations; its `dest` is empty.
        self.sm: Final = sm
        self.before: Final = before
        self.destinations: Final = destinations
        self.after: Final = after

    def only(self, places: Sequence[int]) -> bytes:
        """The same PDU with the destinations at these places (from 0, in order) and no others.

        All places give the octets that came. Raises ValueError for none: no message goes to nobody.
        """
        if not places:
            raise ValueError("a submit_multi to nobody")
        listed = b"".join([self.destinations[place].octets for place in places])
        body = self.before + bytes((len(places),)) + listed + self.after
        _, command_id, status, sequence = HEADER.unpack_from(self.raw)
        return HEADER.pack(HEADER_OCTETS + len(body), command_id, status, sequence) + body


def read_multi(raw: bytes) -> SubmitMulti:
    """Reads a submit_multi (SMPP v3.4 §4.5.1); raises PduError with the status to answer.

    ESME_RINVNUMDESTS where it names no destination, or more than 254; ESME_RINVDESTFLAG where one is neither an address
    nor a list; else as `codec.decode`.
    """
    sm = from_fields(decode(raw), raw, SUBMIT_MULTI)
    at = HEADER_OCTETS + len(sm.source_key)
    before, count = raw[HEADER_OCTETS:at], raw[at]
    at += 1
    found: list[Destination] = []
    # INVARIANT: `decode` has walked the same octets, so that each NUL is there.
    for _ in range(count):
        since = at
        if raw[at] == _SME_ADDRESS:
            end = raw.index(0, at + 3)
            found.append(Destination(False, raw[at + 1], raw[at + 2], raw[at + 3 : end], raw[since : end + 1]))
        else:
            end = raw.index(0, at + 1)
            found.append(Destination(True, 0, 0, raw[at + 1 : end], raw[since : end + 1]))
        at = end + 1
    return SubmitMulti(raw, sm, before, tuple(found), raw[at:])


class MultiAnswer:
    """A carrier's answer to a submit_multi: its status and id, whom it did not take, and the octets behind that list.

    `readable` is false where the list could not be read: then nothing is known of whom the carrier took.
    """

    __slots__ = ("after", "message_id", "readable", "status", "unsuccess")

    def __init__(
        self, status: int, message_id: bytes, unsuccess: tuple[UnsuccessSme, ...], after: bytes, readable: bool
    ) -> None:
        self.status: Final = status
        self.message_id: Final = message_id
        self.unsuccess: Final = unsuccess
        self.after: Final = after
        self.readable: Final = readable


def read_multi_answer(raw: bytes) -> MultiAnswer:
    """Reads a submit_multi_resp; never raises. Carriers leave the list out, or end in the middle of it."""
    _, command_id, status, _ = HEADER.unpack_from(raw)
    if command_id != SUBMIT_MULTI | RESPONSE_BIT:
        return MultiAnswer(status, b"", (), b"", True)
    message_id = raw[HEADER_OCTETS:].partition(b"\0")[0]
    try:
        fields = decode(raw)
    except PduError:
        return MultiAnswer(status, message_id, (), b"", len(raw) <= HEADER_OCTETS + len(message_id) + 1)
    listed = fields.values.get("unsuccess_sme", [])
    found = tuple(each for each in listed if isinstance(each, UnsuccessSme)) if isinstance(listed, list) else ()
    if not fields.values:
        return MultiAnswer(status, b"", (), b"", True)
    # message_id and its NUL, no_unsuccess, and 7 octets for each entry besides its address.
    tlvs_at = HEADER_OCTETS + len(message_id) + 2 + sum(len(each.address) + 7 for each in found)
    return MultiAnswer(status, message_id, found, raw[tlvs_at:], True)


def with_unsuccess(answer: MultiAnswer, refused: Sequence[UnsuccessSme]) -> bytes:
    """The submit_multi_resp with `refused` behind whom the carrier itself did not take; sequence_number 0.

    INVARIANT: all of `refused` are in it: they are at most 254. A carrier that names more than it was asked about loses
    the last of its own, so that no_unsuccess is right.
    """
    own = answer.unsuccess[: max(0, _UNSUCCESS_MOST - len(refused))]
    listed = (*own, *refused)
    body = [answer.message_id, b"\0", bytes((len(listed),))]
    for each in listed:
        body += bytes((each.ton, each.npi)), each.address, b"\0", each.error_status.to_bytes(4, "big")
    body.append(answer.after)
    return response(SUBMIT_MULTI | RESPONSE_BIT, answer.status, 0, b"".join(body))
