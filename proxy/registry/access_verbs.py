"""The access log: who listed what of persons (J13).

Owns which verbs show persons, masked or in clear, and the verb by which a command notes that before it shows anything.
Must never hold a person's number: noted is what was listed, of which institution, and by whom.
"""

from typing import Any, Final

from proxy.registry import fields
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

LOOK: Final = "persons.look"
_LEDGERS: Final = frozenset(
    ("suppress.list", "consent.list", "preference.list", "debtor.list", "notice.list", "objection.list")
)


def shows_persons(verb: str, args: Args) -> bool:
    """Whether a reading verb shows persons: a ledger masked, an export of persons in clear."""
    return verb in _LEDGERS or (verb == "registry.export" and bool(args.get("persons")))


def looked_up(verb: str, args: Args, by: str) -> Args:
    """The arguments of `LOOK` for such a verb."""
    one = "one person" if args.get("recipient") else "all persons"
    return {"what": f"{verb} {one} {args.get('institution') or 'all institutions'}", "by": by}


async def _look(context: VerbContext, args: Args) -> dict[str, Any]:
    by = str(read_field(args, "by", fields.FILLED.read))
    await owner_of(context).look(str(args["what"]), by)
    return {"noted": True}


ACCESS_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        LOOK,
        "write",
        "notes that somebody lists persons (J13)",
        (VerbField("what", "what is listed", required=True), VerbField("by", "who lists it", required=True)),
        _look,
    ),
)
