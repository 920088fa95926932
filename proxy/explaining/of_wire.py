"""What the rules of the wire saw: what its readers found, in which form the addresses stand. Pure; never a text."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final

from proxy.core.addresses import masked
from proxy.core.rejections import skeleton_of
from proxy.explaining.seen import Seen, listing
from proxy.explaining.shape import Fact


def _found(rule: str, seen: Seen) -> Iterator[Fact]:
    yield Fact("findings", listing(one.detail for one in seen.request.findings if one.rule == rule))


def _unsupported(seen: Seen) -> Iterator[Fact]:
    yield from _found("pdu.unsupported", seen)
    yield Fact("scheduled", "yes" if seen.request.scheduled else "no")
    asked = seen.request.validity_s
    yield Fact("validity", "the default" if asked is None else f"{asked} s")
    yield Fact("validity.most", f"{seen.facts.pack.validity_cap_s} s")


def _addresses(seen: Seen) -> Iterator[Fact]:
    yield from _found("address.invalid", seen)
    yield Fact("sender", seen.request.sender or "no canonical form")
    recipient = seen.request.recipient
    yield Fact("recipient", "no canonical form" if recipient is None else masked(recipient))


def _readings(seen: Seen) -> Iterator[Fact]:
    yield from _found("content.undecodable", seen)
    yield Fact("text.readings", str(len(seen.request.readings)))


def _templates(seen: Seen) -> Iterator[Fact]:
    principal = seen.facts.account.principal
    found = [
        one
        for reading in seen.request.readings
        for one in seen.snapshot.templates.get((principal, reading.strip()), ())
    ]
    if not found:
        yield Fact("template", f"no text on record of {principal} is this one")
    for one in found:
        reviewed = "reviewed" if one.reviewed else "not reviewed"
        yield Fact("template", f"{one.id}: {reviewed}, for {listing(one.purposes)}")
    yield from _rejections(seen)


def _rejections(seen: Seen) -> Iterator[Fact]:
    rejections, reader = seen.snapshot.rejections.get(seen.facts.account.principal), seen.snapshot.reader
    if rejections is None or reader is None:
        return
    for reading in seen.request.readings:
        if found := rejections.of(skeleton_of(reader.bare(reading))):
            yield Fact("template", f"{found}: rejected")


FACTS: Final[dict[str, Callable[[Seen], Iterator[Fact]]]] = {
    "pdu.unsupported": _unsupported,
    "pdu.ambiguous": partial(_found, "pdu.ambiguous"),
    "message.partial": partial(_found, "message.partial"),
    "message.foreign": partial(_found, "message.foreign"),
    "caller.identity": partial(_found, "caller.identity"),
    "address.invalid": _addresses,
    "content.undecodable": _readings,
    "template.unreviewed": _templates,
}
