"""Verbs on what persons prefer, on do-not-call lists, and on what becomes of refusals (J6 J14 Z16)."""

from typing import Any, Final

from proxy.core.addresses import masked
from proxy.core.preferences import DAY_MINUTES, declined_bits, preference, window
from proxy.core.purposes import CHANNELS, PURPOSE_BITS, bit_names
from proxy.registry import dates, fields
from proxy.registry.acts import BY, note_act
from proxy.registry.ports import VerbError
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

LIST_MOST: Final = 10_000


def _declined(args: Args) -> int:
    if not args["declines"]:
        return 0
    purposes = str(read_field(args, "declines", fields.PURPOSES.read)).split(",")
    channels = str(read_field(args, "channels", fields.CHANNEL_SET.read)).split(",")
    bits = 0
    for (purpose, channel), bit in PURPOSE_BITS.items():
        bits |= bit if purpose in purposes and channel in channels else 0
    if not bits:
        raise VerbError("declines: only marketing and collection can be declined", usage=True)
    return bits


def _minutes(args: Args, name: str) -> int:
    written = str(args[name])
    if not written:
        return 0
    hours, colon, minutes = written.partition(":")
    whole = written.isascii() and hours.isdecimal() and minutes.isdecimal() and len(hours) <= 2
    if not (colon and whole and len(minutes) == 2 and int(minutes) < 60):
        raise VerbError(f"{name}: must be HH:MM", usage=True)
    return int(hours) * 60 + int(minutes)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def preference_of(args: Args) -> int:
    """The value that `declines`, `channels`, `opens` and `closes` say together; raises VerbError."""
    if bool(args["opens"]) != bool(args["closes"]):
        raise VerbError("opens, closes: both or none", usage=True)
    opens, closes = _minutes(args, "opens"), _minutes(args, "closes")
    if args["opens"] and not 0 <= opens < closes <= DAY_MINUTES:
        raise VerbError("opens, closes: from 00:00 to 24:00, the first before the last", usage=True)
    return preference(_declined(args), opens, closes)


async def _set(context: VerbContext, args: Args) -> dict[str, Any]:
    recipient = read_field(args, "recipient", fields.recipient)
    institution = str(args["institution"])
    if institution and institution not in await context.reader.ids("institutions"):
        raise VerbError(f"institution: {institution} is not registered")
    value = preference_of(args)
    changed = await owner_of(context).prefer(recipient, institution, value, args["source"])
    await note_act(context, "preference.set", recipient, institution or "all institutions", args)
    return {"changed": changed, "recipient": masked(recipient), **shown_preference(value)}


def shown_preference(value: int) -> dict[str, Any]:
    """A preference as it is listed."""
    opens, closes = window(value)
    return {"declines": bit_names(declined_bits(value)), "hours": f"{_clock(opens)}-{_clock(closes)}" if closes else ""}


async def _list(context: VerbContext, args: Args) -> dict[str, Any]:
    person = None
    if args["recipient"]:
        person = context.secret.person_key.digest(read_field(args, "recipient", fields.recipient))
    rows = await context.reader.preferences(
        person=person, institution=args["institution"] or None, after=args["after"], most=min(args["most"], LIST_MOST)
    )
    return {
        "rows": [
            {
                "id": row.id,
                "at": dates.moment_text(row.at_us),
                "recipient": masked(context.secret.unseal(row.number, row.person)),
                "institution": row.institution or "all",
                **shown_preference(row.value),
                "source": row.source,
            }
            for row in rows
        ]
    }


async def _load_donotcall(context: VerbContext, args: Args) -> dict[str, Any]:
    return {"lists": await owner_of(context).load_donotcall(f"do-not-call {args['cause']}")}


async def _lifts(context: VerbContext, _args: Args) -> dict[str, Any]:
    rows = await context.reader.lifts()
    return {"rows": [{"institution": name, "lifts": count, "refusals": refused} for name, count, refused in rows]}


async def _recycle(context: VerbContext, args: Args) -> dict[str, Any]:
    numbers: list[tuple[str, int]] = []
    for place, written in enumerate(args["numbers"], 1):
        number, comma, moment = str(written).partition(",")
        try:
            recycled = fields.recipient(number), dates.parse_moment_us(moment)
        except ValueError as error:
            raise VerbError(f"numbers: {place}: {error}", usage=True) from error
        if not comma or recycled[1] > context.now_us():
            raise VerbError(f"numbers: {place}: must be NUMBER,DATE of a day that has begun", usage=True)
        numbers.append(recycled)
    return {"numbers": len(numbers), "consents_ended": await owner_of(context).recycle(numbers)}


WILL_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "preference.set",
        "write",
        "what a person prefers from now on, in place of what they said before (J6)",
        (
            VerbField("recipient", "the person's number", required=True),
            VerbField("institution", "for this institution only; for all if left out"),
            VerbField("declines", "marketing, collection", "list", default=[]),
            VerbField("channels", "sms, voice: where it is declined", "list", default=list(CHANNELS)),
            VerbField("opens", "HH:MM: nothing before"),
            VerbField("closes", "HH:MM: nothing from then on"),
            VerbField("source", "how it came: app, hotline, branch, …", required=True),
            BY,
        ),
        _set,
    ),
    Verb(
        "preference.list",
        "read",
        "the ledger of preferences",
        (
            VerbField("recipient", "only this person"),
            VerbField("institution", "only this institution"),
            VerbField("after", "rows with a higher id", "whole", default=0),
            VerbField("most", "at most so many rows", "whole", default=100),
        ),
        _list,
    ),
    Verb(
        "donotcall.load",
        "write",
        "takes up the do-not-call lists as they lie on disk",
        (VerbField("cause", "why", default="load"),),
        _load_donotcall,
    ),
    Verb("suppress.lifts", "read", "refusals and their lifts, counted for each institution (Z16)", (), _lifts),
    Verb(
        "consent.recycle",
        "write",
        "numbers that have new owners: consents given before end (Z15)",
        (VerbField("numbers", "NUMBER,DATE of each", "list", required=True),),
        _recycle,
    ),
)
