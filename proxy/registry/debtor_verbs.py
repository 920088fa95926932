"""Verbs of collection: who somebody is to a debt, what they were told, what they object to (J7 J10).

Numbers of persons come in as written and go out masked (J13). Must never lift a refusal: settling an objection leaves
what is closed closed.
"""

from typing import Any, Final

from proxy.core.addresses import masked
from proxy.registry import dates, fields
from proxy.registry.acts import BY, note_act
from proxy.registry.person_verbs import (
    PERSONS_FILTER,
    institution_of,
    moment_of,
    persons_filter,
)
from proxy.registry.ports import Informed, VerbError, Verified
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field


async def _debtor_add(context: VerbContext, args: Args) -> dict[str, Any]:
    recipient = read_field(args, "recipient", fields.recipient)
    one = Verified(
        at_us=moment_of(context, args, "verified"),
        recipient=recipient,
        institution=await institution_of(context, args),
        role=str(read_field(args, "role", fields.DEBT_ROLE.read)),
        source=args["source"],
        document_hash=_hash(args),
    )
    # INVARIANT: who opens is on record before anything is open.
    await note_act(context, "debtor.add", recipient, f"{one.institution} {one.role}", args)
    return {"changed": await owner_of(context).verify(one), "role": one.role, "recipient": masked(recipient)}


def _hash(args: Args) -> str:
    return str(read_field(args, "document_hash", fields.HASH.read)) if args["document_hash"] else ""


async def _debtor_list(context: VerbContext, args: Args) -> dict[str, Any]:
    return {
        "rows": [
            {
                "id": row.id,
                "verified": dates.moment_text(row.at_us),
                "recipient": masked(context.secret.unseal(row.number, row.person)),
                "institution": row.institution,
                "role": row.role,
                "source": row.source,
                "document_hash": row.document_hash,
            }
            for row in await context.reader.debtors(**persons_filter(context, args))
        ]
    }


async def _notice_add(context: VerbContext, args: Args) -> dict[str, Any]:
    recipient, partner = read_field(args, "recipient", fields.recipient), str(args["partner"])
    if partner not in await context.reader.ids("partners"):
        raise VerbError(f"partner: {partner} is not registered")
    one = Informed(
        at_us=moment_of(context, args, "at"),
        recipient=recipient,
        institution=await institution_of(context, args),
        partner=partner,
        way=args["way"],
        source=args["source"],
        document_hash=_hash(args),
    )
    # INVARIANT: who opens is on record before anything is open.
    await note_act(context, "notice.add", recipient, f"{one.institution} {partner}", args)
    return {"changed": await owner_of(context).inform(one), "partner": partner, "recipient": masked(recipient)}


async def _notice_list(context: VerbContext, args: Args) -> dict[str, Any]:
    return {
        "rows": [
            {
                "id": row.id,
                "at": dates.moment_text(row.at_us),
                "recipient": masked(context.secret.unseal(row.number, row.person)),
                "institution": row.institution,
                "partner": row.partner,
                "way": row.way,
                "source": row.source,
                "document_hash": row.document_hash,
            }
            for row in await context.reader.notices(**persons_filter(context, args))
        ]
    }


async def _objection_list(context: VerbContext, args: Args) -> dict[str, Any]:
    return {
        "rows": [
            {
                "id": row.id,
                "at": dates.moment_text(row.at_us),
                "recipient": masked(context.secret.unseal(row.number, row.person)),
                "institution": row.institution,
                "source": row.source,
                "label": row.label,
                "number_to": row.number_to,
            }
            for row in await context.reader.objections(**persons_filter(context, args))
        ]
    }


async def _objection_settle(context: VerbContext, args: Args) -> dict[str, Any]:
    recipient, institution = read_field(args, "recipient", fields.recipient), await institution_of(context, args)
    outcome, by = (str(read_field(args, name, fields.FILLED.read)) for name in ("outcome", "by"))
    settled = await owner_of(context).settle(recipient, institution, outcome, by)
    return {"changed": settled, "institution": institution, "recipient": masked(recipient)}


_RECIPIENT: Final = VerbField("recipient", "the person's number", required=True)
_INSTITUTION: Final = VerbField("institution", "the institution's id", required=True)
_SOURCE: Final = VerbField("source", "where it comes from", default="api")
_DOCUMENT: Final = VerbField("document_hash", "SHA-256 of the paper that shows it")

DEBTOR_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "debtor.add",
        "write",
        "who somebody is to a debt, as verified (J7)",
        (
            _RECIPIENT,
            _INSTITUTION,
            VerbField("role", "debtor, guarantor, contact, or none", required=True),
            VerbField("verified", "when; now if left out"),
            _SOURCE,
            _DOCUMENT,
            BY,
        ),
        _debtor_add,
    ),
    Verb("debtor.list", "read", "the ledger of debtors", PERSONS_FILTER, _debtor_list),
    Verb(
        "notice.add",
        "write",
        "somebody was told that a partner collects for the institution (J10)",
        (
            _RECIPIENT,
            _INSTITUTION,
            VerbField("partner", "the partner's id", required=True),
            VerbField("at", "when; now if left out"),
            VerbField("way", "letter, branch, message, …"),
            _SOURCE,
            _DOCUMENT,
            BY,
        ),
        _notice_add,
    ),
    Verb("notice.list", "read", "the ledger of debtor notices", PERSONS_FILTER, _notice_list),
    Verb("objection.list", "read", "objections to a collection that are open", PERSONS_FILTER, _objection_list),
    Verb(
        "objection.settle",
        "write",
        "ends an objection; what the person refused stays closed",
        (
            _RECIPIENT,
            _INSTITUTION,
            VerbField("outcome", "what was found", required=True),
            VerbField("by", "who settled it", required=True),
        ),
        _objection_settle,
    ),
)
