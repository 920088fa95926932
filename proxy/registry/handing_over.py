"""Refusals handed over to who has to keep them: an institution, or a partner that it entrusts (Z16 Z19 J13).

Owns the purpose-bound way by which persons' numbers leave in clear: for suppressing and nothing else, the fields that
this needs and no more, each page noted with who gets it. Must never hand over another institution's refusals. A mark is
the id of the last row that was handed over; whoever resumes after it misses nothing, since ids only grow.
"""

from typing import Any, Final

from proxy.core.purposes import bit_names
from proxy.registry import dates, fields
from proxy.registry.person_verbs import institution_of
from proxy.registry.ports import VerbError
from proxy.registry.tables import TABLES
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

#: Numbers are unsealed between two messages of the wire: so few that it takes a millisecond or two.
PAGE_MOST: Final = 500
PURPOSE: Final = "suppress"


async def _entrusted(context: VerbContext, institution: str, partner: str) -> bool:
    names = TABLES["entrustments"].names
    now = context.now_us() // 1_000_000
    async for rows in context.reader.rows("entrustments"):
        for row in rows:
            named = dict(zip(names, row, strict=True))
            holds = int(named["since"] or 0) <= now < int(named["until"] or 0)
            if named["institution"] == institution and named["partner"] == partner and holds:
                return True
    return False


async def _hand_over(context: VerbContext, args: Args) -> dict[str, Any]:
    institution = await institution_of(context, args)
    if args["purpose"] != PURPOSE:
        raise VerbError(f"purpose: numbers are handed over to {PURPOSE} only", usage=True)
    receiver = str(args["receiver"]) or institution
    if receiver != institution and not await _entrusted(context, institution, receiver):
        raise VerbError(f"receiver: {receiver} is neither {institution} nor a partner that it entrusts today")
    after, most = int(args["after"]), int(args["most"])
    if after < 0 or not 1 <= most <= PAGE_MOST:
        raise VerbError(f"after, most: a mark, and 1 to {PAGE_MOST} rows", usage=True)
    by = str(read_field(args, "by", fields.FILLED.read))
    found = await context.reader.suppressions(institution=institution, after=after, most=most)
    mark = found[-1].id if found else after
    rows = [row for row in found if row.released_at is None]
    # INVARIANT: who gets numbers is on record before a number leaves.
    about = f"{institution} to {receiver}, rows {len(rows)}, marks {after} to {mark}"
    await owner_of(context).note_act("suppressions.exported", about, PURPOSE, by)
    return {
        "rows": [
            {
                "number": context.secret.unseal(row.number, row.person),
                "closes": bit_names(row.bits),
                "at": dates.moment_text(row.at_us),
            }
            for row in rows
        ],
        "mark": mark,
        "more": len(found) == most,
    }


HAND_OVER_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "suppress.export",
        "write",
        "refusals since a mark, numbers in clear, to be suppressed elsewhere; noted",
        (
            VerbField("institution", "whose refusals", required=True),
            VerbField("receiver", "who gets them: the institution, or a partner that it entrusts"),
            VerbField("purpose", f"must be {PURPOSE}", required=True),
            VerbField("after", "rows after this mark", "whole", default=0),
            VerbField("most", "at most so many rows", "whole", default=PAGE_MOST),
            VerbField("by", "who asks", required=True),
        ),
        _hand_over,
    ),
)
