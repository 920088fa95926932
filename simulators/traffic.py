"""The messages of a load: bodies without headers, made from texts, address patterns and flags.

Owns the making. Must never send. The body of a text is written once; of every message only the destination is put in,
so that a load costs its target more than itself. Long texts and sources with patterns are written anew each time.
"""

import random
from typing import Literal

import msgspec

from proxy.smpp import consts
from simulators import wording
from simulators.bodies import data_body, message_body
from simulators.patterns import compile_pattern


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every message of a load, or one of a script, is made of."""

    source: str = "10690001"
    """A pattern, as `destination`: `#` random digit, `{n}` running number, `,` in turn."""
    destination: str = "1380013####"
    text: str = ""
    encoding: str = "auto"
    data_coding: int | None = None
    long: Literal["parts", "parts16", "sar", "payload", "refuse"] = "parts"
    registered_delivery: int = 0
    command: Literal["submit_sm", "data_sm"] = "submit_sm"
    tlvs: tuple[str, ...] = ()
    """`0x1401=0a0b`: tag, value in hexadecimal; in this order, after ours."""
    service_type: str = ""
    validity: str = ""
    schedule: str = ""
    esm_class: int = 0
    protocol_id: int = 0
    priority_flag: int = 0
    source_ton: int | None = None
    source_npi: int | None = None
    dest_ton: int | None = None
    dest_npi: int | None = None

    def __post_init__(self) -> None:
        parse_tlvs(self.tlvs)


def parse_tlvs(written: tuple[str, ...] | list[str]) -> tuple[tuple[int, bytes], ...]:
    """Read TLVs as options and scenarios write them; ValueError says which is wrong."""
    found = []
    for each in written:
        tag, equals, value = each.partition("=")
        try:
            if not equals:
                raise ValueError
            found.append((int(tag, 0), bytes.fromhex(value)))
        except ValueError:
            raise ValueError(f"TLV {each!r}: write 0x1401=0a0b (tag=hexadecimal value)") from None
        if not 0 <= found[-1][0] <= 0xFFFF:
            raise ValueError(f"TLV {each!r}: a tag has 16 bits")
    return tuple(found)


class Traffic:
    """An endless source of messages, the same ones for the same seed."""

    def __init__(self, message: Message, texts: list[str], seed: int) -> None:
        """Take the flags of all messages and the texts that are sent in turn (none: `message.text`).

        ValueError for patterns, TLVs and encodings that are wrong, here rather than in the middle of a load.
        """
        rng = random.Random(seed)
        self._message = message
        self._texts = texts or [message.text]
        self._source = compile_pattern(message.source, rng)
        self._destination = compile_pattern(message.destination, rng)
        self._tlvs = parse_tlvs(message.tlvs)
        self._plain = not any(sign in message.source for sign in "#{,")
        self._number = 0
        self._templates: dict[int, tuple[bytes, bytes] | None] = {}
        self.command = consts.DATA_SM if message.command == "data_sm" else consts.SUBMIT_SM
        for text in self._texts:
            wording.segments(text, message.encoding, data_coding=message.data_coding, long=message.long)

    def next(self) -> list[bytes]:
        """Make the next message: the body of each of its parts."""
        number = self._number
        self._number = number + 1
        index = number % len(self._texts)
        destination = self._destination(number)
        if index not in self._templates:
            self._templates[index] = self._template(self._texts[index], destination)
        template = self._templates[index]
        if template is not None:
            return [template[0] + destination.encode("latin-1") + template[1]]
        return self._written(self._texts[index], self._source(number), destination, number + 1)

    def _template(self, text: str, destination: str) -> tuple[bytes, bytes] | None:
        """Write the body once and cut it around the destination; None where that cannot be repeated."""
        if not self._plain:
            return None
        bodies = self._written(text, self._message.source, destination, 1)
        if len(bodies) > 1:
            return None
        service_end = bodies[0].index(b"\0")
        at = bodies[0].index(b"\0", service_end + 3) + 3
        return bodies[0][:at], bodies[0][at + len(destination) :]

    def _written(self, text: str, source: str, destination: str, reference: int) -> list[bytes]:
        message = self._message
        pieces = wording.segments(
            text, message.encoding, data_coding=message.data_coding, long=message.long, reference=reference
        )
        if message.command == "data_sm":
            return [
                data_body(source, destination, piece, registered_delivery=message.registered_delivery, tlvs=self._tlvs)
                for piece in pieces
            ]
        return [
            message_body(
                source,
                destination,
                piece,
                service_type=message.service_type,
                source_ton=message.source_ton,
                source_npi=message.source_npi,
                dest_ton=message.dest_ton,
                dest_npi=message.dest_npi,
                esm_class=message.esm_class,
                protocol_id=message.protocol_id,
                priority_flag=message.priority_flag,
                schedule=message.schedule,
                validity=message.validity,
                registered_delivery=message.registered_delivery,
                tlvs=self._tlvs,
            )
            for piece in pieces
        ]
