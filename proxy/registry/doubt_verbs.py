"""Verbs on doubtful replies: what waits, what somebody is to read, and what they decide (Z16 Z19 J13).

Owns who may do what: a text is shown only by name and reason, noted before it is shown; one person may confirm a
refusal, ending what counted as one takes two, as every lift does (Z16).
"""

from typing import Any, Final, cast

from proxy.core.addresses import masked
from proxy.core.purposes import bit_names
from proxy.language.names import is_one_person
from proxy.registry import dates, fields
from proxy.registry.doubts import CLOSES, DoubtRow, Verdict
from proxy.registry.ports import VerbError
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

LIST_MOST: Final = 10_000
_STATES: Final = ("open", "confirmed", "dismissed", "")


def _shown(context: VerbContext, row: DoubtRow) -> dict[str, Any]:
    closes = CLOSES.decode(row.closes)
    return {
        "id": row.id,
        "at": dates.moment_text(row.at_us),
        "recipient": masked(context.secret.unseal(row.number, row.person)),
        "number_to": row.number_to,
        "channel": row.channel,
        "confidence": row.confidence,
        "counts_meanwhile": bool(row.binds),
        "institutions": [name for name, _, _ in closes],
        "closes": sorted({name for _, bits, _ in closes for name in bit_names(bits)}),
        "received": max(1, row.moments.count(",") + 1 if row.moments != "[]" else 1),
        "state": row.state,
        "decided": dates.moment_text(row.decided_us) if row.decided_us else "",
        "decided_by": row.decided_by,
    }


async def _list(context: VerbContext, args: Args) -> dict[str, Any]:
    if args["state"] not in _STATES:
        raise VerbError("state: open, confirmed, dismissed, or left empty for all", usage=True)
    rows = await context.reader.doubts(state=args["state"], after=args["after"], most=min(args["most"], LIST_MOST))
    return {"rows": [_shown(context, row) for row in rows]}


async def _show(context: VerbContext, args: Args) -> dict[str, Any]:
    by, reason = str(read_field(args, "by", fields.FILLED.read)), str(read_field(args, "reason", fields.FILLED.read))
    row = await owner_of(context).show_doubt(args["case"], by=by, reason=reason)
    return {**_shown(context, row), "text": context.secret.unseal(row.text, row.person)}


async def _decide(context: VerbContext, args: Args) -> dict[str, Any]:
    verdict = args["verdict"]
    if verdict not in ("confirmed", "dismissed"):
        raise VerbError("verdict: confirmed or dismissed", usage=True)
    by, second = str(read_field(args, "by", fields.FILLED.read)).strip(), str(args["second"]).strip()
    if verdict == "dismissed" and (not second or is_one_person(second, by)):
        # WHY: what ends here kept messages away from a person; one alone lifts no refusal.
        raise VerbError("second: that a reply was no refusal takes two people; name the other one", usage=True)
    named = f"{by}, {second}" if second else by
    decided = await owner_of(context).decide_doubt(
        args["case"], cast(Verdict, verdict), by=named, reason=args["reason"]
    )
    return {
        "changed": True,
        "case": args["case"],
        "state": verdict,
        "ended": list(decided.ended),
        "closed": list(decided.closed),
    }


DOUBT_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "doubt.list",
        "read",
        "replies that careful readers may read differently, without their text",
        (
            VerbField("state", "open, confirmed, dismissed; all if empty", default="open"),
            VerbField("after", "cases with a higher id", "whole", default=0),
            VerbField("most", "at most so many", "whole", default=100),
        ),
        _list,
    ),
    Verb(
        "doubt.show",
        "write",
        "one open case with its text; who reads it and why is noted first (J13)",
        (
            VerbField("case", "its id", "whole", required=True),
            VerbField("by", "who reads it", required=True),
            VerbField("reason", "why", required=True),
        ),
        _show,
    ),
    Verb(
        "doubt.decide",
        "write",
        "a verdict: it was a refusal (confirmed), or it was none (dismissed, by two)",
        (
            VerbField("case", "its id", "whole", required=True),
            VerbField("verdict", "confirmed or dismissed", required=True),
            VerbField("by", "who decides", required=True),
            VerbField("second", "who agrees; needed to dismiss"),
            VerbField("reason", "why"),
        ),
        _decide,
    ),
)
