"""Verbs on persons: refusals and consents. Numbers of persons come in as written and go out masked (J13)."""

from typing import Any, Final, Literal

from proxy.core.addresses import masked
from proxy.core.purposes import ALL_COLLECTION, CHANNELS, PURPOSE_BITS, bit_names
from proxy.core.records import FOREVER
from proxy.registry import dates, fields
from proxy.registry.acts import BY, note_act
from proxy.registry.ports import Given, Refused, VerbError
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

LIST_MOST: Final = 10_000


def bits_of(args: Args) -> int:
    """The bits that `purposes` and `channels` name together; raises VerbError where they name none."""
    purposes = read_field(args, "purposes", fields.PURPOSES.read)
    channels = read_field(args, "channels", fields.CHANNEL_SET.read)
    bits = 0
    for (purpose, channel), bit in PURPOSE_BITS.items():
        bits |= bit if purpose in str(purposes).split(",") and channel in str(channels).split(",") else 0
    if not bits:
        raise VerbError("purposes: only marketing and collection can be agreed to or refused", usage=True)
    return bits


async def institution_of(context: VerbContext, args: Args) -> str:
    """The registered institution that `institution` names; raises VerbError."""
    name = str(args["institution"])
    if name not in await context.reader.ids("institutions"):
        raise VerbError(f"institution: {name} is not registered")
    return name


def moment_of(context: VerbContext, args: Args, name: str) -> int:
    """The moment in a field, UTC microseconds; now where it was left out. Raises VerbError for one in the future."""
    if not args[name]:
        return context.now_us()
    found = read_field(args, name, dates.parse_moment_us)
    if found > context.now_us():
        raise VerbError(f"{name}: lies in the future", usage=True)
    return found


def _told(institution: str, bits: int) -> str:
    return f"{institution} {' '.join(bit_names(bits))}"


async def _suppress_add(context: VerbContext, args: Args) -> dict[str, Any]:
    if args["source"] == "reply":
        raise VerbError("source: reply is what came over the wire; name another", usage=True)
    recipient, bits = read_field(args, "recipient", fields.recipient), bits_of(args)
    institution, at_us = await institution_of(context, args), moment_of(context, args, "at")
    channel: Literal["sms", "voice"] = "sms" if "sms" in args["channels"] else "voice"
    recorded = await owner_of(context).record(
        Refused(
            at_us,
            recipient,
            ((institution, bits),),
            channel,
            source=args["source"],
            label=args["label"],
            objects=(institution,) if bits & ALL_COLLECTION else (),
        )
    )
    # WHY after: a refusal binds before anybody writes down who told it.
    await note_act(context, "suppress.add", recipient, _told(institution, bits), args)
    return {"changed": bool(recorded.changed), "closes": bit_names(bits), "recipient": masked(recipient)}


async def _suppress_list(context: VerbContext, args: Args) -> dict[str, Any]:
    rows = await context.reader.suppressions(**persons_filter(context, args))
    return {
        "rows": [
            {
                "id": row.id,
                "at": dates.moment_text(row.at_us),
                "recipient": masked(context.secret.unseal(row.number, row.person)),
                "institution": row.institution,
                "closes": bit_names(row.bits),
                "channel": row.channel,
                "source": row.source,
                "label": row.label,
                "number_to": row.number_to,
                "released_at": "" if row.released_at is None else dates.moment_text(row.released_at),
            }
            for row in rows
        ]
    }


def persons_filter(context: VerbContext, args: Args) -> dict[str, Any]:
    """The arguments of `PERSONS_FILTER` as a store takes them; raises VerbError."""
    person = None
    if args["recipient"]:
        person = context.secret.person_key.digest(read_field(args, "recipient", fields.recipient))
    most = min(args["most"], LIST_MOST)
    return {"person": person, "institution": args["institution"] or None, "after": args["after"], "most": most}


async def _consent_add(context: VerbContext, args: Args) -> dict[str, Any]:
    recipient, bits = read_field(args, "recipient", fields.recipient), bits_of(args)
    institution, at_us = await institution_of(context, args), moment_of(context, args, "given")
    until = read_field(args, "until", fields.UNTIL.read) if args["until"] else FOREVER
    basis = read_field(args, "basis", fields.BASIS.read)
    if basis == "request" and not (args["product"] and args["until"]):
        raise VerbError("a request needs product and until", usage=True)
    given = Given(
        at_us=at_us,
        recipient=recipient,
        institution=institution,
        bits=bits,
        until_day=dates.day_number(int(until or 0)),
        source=args["source"],
        basis=str(basis),
        product=args["product"],
        proof_hash=args["proof_hash"],
    )
    # INVARIANT: who opens is on record before anything is open.
    await note_act(context, "consent.add", recipient, _told(institution, bits), args)
    return {"changed": await owner_of(context).give(given), "opens": bit_names(bits), "recipient": masked(recipient)}


async def _consent_withdraw(context: VerbContext, args: Args) -> dict[str, Any]:
    recipient, bits = read_field(args, "recipient", fields.recipient), bits_of(args)
    institution = await institution_of(context, args)
    ended = await owner_of(context).withdraw(recipient, institution, bits, context.now_us(), args["source"])
    await note_act(context, "consent.withdraw", recipient, _told(institution, bits), args)
    return {"changed": ended, "recipient": masked(recipient)}


async def _consent_list(context: VerbContext, args: Args) -> dict[str, Any]:
    rows = await context.reader.consents(**persons_filter(context, args))
    return {
        "rows": [
            {
                "id": row.id,
                "given": dates.moment_text(row.at_us),
                "recipient": masked(context.secret.unseal(row.number, row.person)),
                "institution": row.institution,
                "opens": bit_names(row.bits),
                "until": dates.until_text(dates.day_start_s(row.until_day)),
                "basis": row.basis,
                "product": row.product,
                "source": row.source,
                "withdrawn": bit_names(row.withdrawn),
            }
            for row in rows
        ]
    }


_RECIPIENT: Final = VerbField("recipient", "the person's number", required=True)
_INSTITUTION: Final = VerbField("institution", "the institution's id", required=True)
_PURPOSES: Final = VerbField("purposes", "marketing, collection", "list", default=["marketing"])
_CHANNELS: Final = VerbField("channels", "sms, voice", "list", default=list(CHANNELS))
PERSONS_FILTER: Final = (
    VerbField("recipient", "only this person"),
    VerbField("institution", "only this institution"),
    VerbField("after", "rows with a higher id", "whole", default=0),
    VerbField("most", "at most so many rows", "whole", default=100),
)
PERSON_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "suppress.add",
        "write",
        "records a refusal that came another way than by reply",
        (
            _RECIPIENT,
            _INSTITUTION,
            _PURPOSES,
            _CHANNELS,
            VerbField("at", "when the person refused; now if left out"),
            VerbField("source", "how it came: hotline, letter, …", default="api"),
            VerbField("label", "a word on it"),
            BY,
        ),
        _suppress_add,
    ),
    Verb("suppress.list", "read", "the ledger of refusals", PERSONS_FILTER, _suppress_list),
    Verb(
        "consent.add",
        "write",
        "records a consent",
        (
            _RECIPIENT,
            _INSTITUTION,
            _PURPOSES,
            VerbField("channels", "sms, voice", "list", required=True),
            VerbField("source", "where it was given", required=True),
            VerbField("given", "when; now if left out"),
            VerbField("until", "last day, or forever"),
            VerbField("basis", "consent or request", default="consent"),
            VerbField("product", "what it is limited to"),
            VerbField("proof_hash", "hash of the proof"),
            BY,
        ),
        _consent_add,
    ),
    Verb("consent.list", "read", "the ledger of consents", PERSONS_FILTER, _consent_list),
    Verb(
        "consent.withdraw",
        "write",
        "ends consents given until now",
        (_RECIPIENT, _INSTITUTION, _PURPOSES, _CHANNELS, VerbField("source", "how it came", default="api"), BY),
        _consent_withdraw,
    ),
)
