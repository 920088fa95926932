"""Verbs of review: onboarding of accounts, templates and campaigns, liaison officers (Z5 Z8 J19).

Owns the states and who may take them on. Must never let one person do what two have to: an account is reviewed by one
and approved by another, a text is reviewed by somebody else than who submitted it. Each step says from which state it
goes on; whoever comes second is told. The store writes the step and its entry among the measures together.
"""

from typing import Any, Final

from proxy.language.names import is_one_person
from proxy.registry import dates, fields
from proxy.registry.ports import Alter, Put, VerbError
from proxy.registry.tables import TABLES
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

Named = dict[str, Any]


async def _rows(context: VerbContext, table: str, **wanted: Any) -> list[Named]:
    names = TABLES[table].names
    found = [dict(zip(names, row, strict=True)) async for rows in context.reader.rows(table) for row in rows]
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


def _by(args: Args) -> str:
    return str(read_field(args, "by", fields.FILLED.read))


async def _latest(context: VerbContext, account: str) -> Named | None:
    found = await _rows(context, "onboardings", account=account)
    return max(found, key=lambda row: int(row["submitted"] or 0), default=None)


async def _submit(context: VerbContext, args: Args) -> dict[str, Any]:
    account, documents = str(args["account"]), read_field(args, "documents", fields.DOCUMENTS.read)
    found = await _rows(context, "accounts", id=account)
    if not found:
        raise VerbError(f"account: {account} is not registered; import it first")
    if found[0]["reviewed_by"]:
        raise VerbError(f"account: {account} is approved already; reject it first, with a reason")
    latest = await _latest(context, account)
    if latest is not None and latest["state"] in ("submitted", "reviewed"):
        raise VerbError(
            f"account: documents of {account} are {latest['state']} already; go on with these or reject them"
        )
    if not documents:
        raise VerbError("documents: name at least one, NAME=SHA256", usage=True)
    row: Named = dict.fromkeys(TABLES["onboardings"].names, "") | dict.fromkeys(("reviewed", "approved", "rejected"), 0)
    row |= {"account": account, "submitted": context.now_us(), "submitted_by": _by(args)}
    row |= {"documents": documents, "state": "submitted"}
    await owner_of(context).amend(
        "onboarding.submitted", account, [Put("onboardings", row)], reason=args["reason"], by=_by(args)
    )
    return {"changed": True, "account": account, "state": "submitted"}


async def _step(context: VerbContext, args: Args, states: tuple[str, ...], command: str) -> Named:
    """The onboarding that a step is about; raises VerbError where it is not in one of these states."""
    latest = await _latest(context, str(args["account"]))
    if latest is None:
        raise VerbError(f"account: nothing was submitted for {args['account']}; see onboarding submit")
    if latest["state"] not in states:
        raise VerbError(f"account: {args['account']} is {latest['state']}, so there is nothing to {command}")
    return latest


def _where(step: Named) -> Named:
    return {name: step[name] for name in ("account", "submitted", "state")}


async def _reviewed(context: VerbContext, args: Args) -> dict[str, Any]:
    step = await _step(context, args, ("submitted",), "review")
    values: Named = {"state": "reviewed", "reviewed": context.now_us(), "reviewed_by": _by(args)}
    return await _went(context, args, "onboarding.reviewed", [Alter("onboardings", _where(step), values)], "reviewed")


async def _approved(context: VerbContext, args: Args) -> dict[str, Any]:
    step, by = await _step(context, args, ("reviewed",), "approve"), _by(args)
    if is_one_person(by, step["reviewed_by"]):
        raise VerbError(f"by: {by} reviewed it; somebody else has to approve")
    values: Named = {"state": "approved", "approved": context.now_us(), "approved_by": by}
    changes = [
        Alter("onboardings", _where(step), values),
        # INVARIANT: an account is active because two different people are named here (Z8).
        Alter("accounts", {"id": step["account"], "reviewed_by": ""}, {"reviewed_by": f"{step['reviewed_by']}\n{by}"}),
    ]
    return await _went(context, args, "onboarding.approved", changes, "approved")


async def _rejected(context: VerbContext, args: Args) -> dict[str, Any]:
    step, by = await _step(context, args, ("submitted", "reviewed", "approved"), "reject"), _by(args)
    values: Named = {"state": "rejected", "rejected": context.now_us(), "rejected_by": by, "reason": args["reason"]}
    changes = [Alter("onboardings", _where(step), values)]
    if step["state"] == "approved":
        changes.append(Alter("accounts", {"id": step["account"]}, {"reviewed_by": ""}))
    return await _went(context, args, "onboarding.rejected", changes, "rejected")


async def _went(context: VerbContext, args: Args, event: str, changes: list[Alter], state: str) -> dict[str, Any]:
    account = str(args["account"])
    await owner_of(context).amend(event, account, changes, reason=str(args["reason"]), by=_by(args))
    return {"changed": True, "account": account, "state": state}


_REVIEWABLE: Final = {"template": "templates", "campaign": "campaigns"}


async def _reviewable(context: VerbContext, args: Args) -> tuple[str, Named]:
    table = _REVIEWABLE.get(str(args["kind"]))
    if table is None:
        raise VerbError(f"kind: must be one of {', '.join(_REVIEWABLE)}", usage=True)
    found = await _rows(context, table, id=str(args["id"]))
    if not found or args["institution"] not in ("", found[0]["institution"]):
        # WHY the same words: whoever may see one institution learns nothing of another's.
        raise VerbError(f"id: no {args['kind']} {args['id']} is registered; import it first")
    return table, found[0]


async def _review_record(context: VerbContext, args: Args) -> dict[str, Any]:
    """A wording that is not on record yet: put there and submitted in one step."""
    institution, template = str(args["institution"]), str(read_field(args, "id", fields.ID.read))
    if institution not in await context.reader.ids("institutions"):
        raise VerbError(f"institution: {institution} is not registered")
    if await _rows(context, "templates", id=template):
        raise VerbError(f"id: template {template} is registered already; name another one")
    row: Named = dict.fromkeys(TABLES["templates"].names, "") | {"reviewed": 0}
    row |= {"id": template, "institution": institution, "state": "submitted", "submitted_by": _by(args)}
    row |= {"purposes": read_field(args, "purposes", fields.PURPOSES.read)}
    row |= {"text": read_field(args, "text", fields.WORDED.read)}
    alike = [one["id"] for one in await _rows(context, "templates", institution=institution, text=row["text"])]
    if alike:
        raise VerbError(f"text: template {alike[0]} has it already; submit that one")
    await owner_of(context).amend(
        "review.submitted", f"template {template}", [Put("templates", row)], reason=args["reason"], by=_by(args)
    )
    return {"changed": True, "kind": "template", "id": template, "state": "submitted"}


async def _turned(
    context: VerbContext, args: Args, table: str, row: Named, values: Named, event: str
) -> dict[str, Any]:
    # WHY the text: whoever reviewed one version must not let another one pass.
    seen = [name for name in ("id", "state", "institution", "purposes", "text") if name in row]
    change = Alter(table, {name: row[name] for name in seen}, values)
    await owner_of(context).amend(event, f"{args['kind']} {args['id']}", [change], reason=args["reason"], by=_by(args))
    return {"changed": True, "kind": args["kind"], "id": args["id"], "state": values["state"]}


async def _review_submit(context: VerbContext, args: Args) -> dict[str, Any]:
    table, row = await _reviewable(context, args)
    if row["state"] == "submitted":
        raise VerbError(f"id: {args['id']} is submitted already; somebody else has to review it")
    values: Named = {"state": "submitted", "submitted_by": _by(args)}
    if row["state"] != "rejected" or table != "templates":
        # INVARIANT: who rejected a wording stays on record until somebody passes it: one person alone lifts nothing.
        values |= {"reviewed": 0, "reviewed_by": "", "checklist": "", "reason": ""}
    return await _turned(context, args, table, row, values, "review.submitted")


async def _review_pass(context: VerbContext, args: Args) -> dict[str, Any]:
    checklist = read_field(args, "checklist", fields.NAMES.read)
    if not checklist:
        raise VerbError("checklist: name what was checked", usage=True)
    return await _review_end(context, args, "reviewed", "review.passed", checklist)


async def _review_reject(context: VerbContext, args: Args) -> dict[str, Any]:
    return await _review_end(context, args, "rejected", "review.rejected", "")


async def _review_end(context: VerbContext, args: Args, state: str, event: str, checklist: object) -> dict[str, Any]:
    table, row = await _reviewable(context, args)
    if row["state"] != "submitted":
        raise VerbError(f"id: {args['id']} is {row['state']}, not submitted for review")
    if is_one_person(_by(args), row["submitted_by"]):
        raise VerbError(f"by: {_by(args)} submitted it; somebody else has to review")
    values: Named = {"state": state, "reviewed": context.now_us(), "reviewed_by": _by(args)}
    values |= {"checklist": checklist, "reason": args["reason"]}
    return await _turned(context, args, table, row, values, event)


async def _review_list(context: VerbContext, args: Args) -> dict[str, Any]:
    found = []
    for kind, table in _REVIEWABLE.items():
        for row in await _rows(context, table):
            if (args["state"] or row["state"]) == row["state"] and (args["institution"] or row["institution"]) == row[
                "institution"
            ]:
                shown = {name: row[name] for name in ("id", "institution", "state", "submitted_by", "reviewed_by")}
                found.append({"kind": kind} | shown)
    return {"rows": found, "total": len(found)}


async def _hand_over(context: VerbContext, args: Args) -> dict[str, Any]:
    institution = str(args["institution"])
    if institution not in await context.reader.ids("institutions"):
        raise VerbError(f"institution: {institution} is not registered")
    since = int(read_field(args, "since", fields.SINCE.read) or 0) if args["since"] else _today(context)
    row: Named = {name: read_field(args, name, fields.FILLED.read) for name in ("institution", "name", "contact")}
    until = int(read_field(args, "until", fields.UNTIL.read) or 0)
    row |= {"deputy": read_field(args, "deputy", fields.TEXT.read), "since": since, "until": until}
    if until <= since:
        raise VerbError("until: lies before since", usage=True)
    former = [
        one for one in await _rows(context, "liaisons", institution=institution) if int(one["until"] or 0) > since
    ]
    later = [str(one["name"]) for one in former if int(one["since"] or 0) >= since]
    if later:
        raise VerbError(f"since: {later[0]} begins on that day or later; name a later day")
    ends: list[Put | Alter] = [
        Alter("liaisons", {name: one[name] for name in ("institution", "name", "since", "until")}, {"until": since})
        for one in former
    ]
    await owner_of(context).amend(
        "liaison.handed_over", institution, [*ends, Put("liaisons", row)], reason=args["reason"], by=_by(args)
    )
    return {"changed": True, "institution": institution, "ended": [str(one["name"]) for one in former]}


def _today(context: VerbContext) -> int:
    return dates.day_start_s(dates.day_number(context.now_us() / 1e6))


_WHO: Final = VerbField("by", "who does it", required=True)
_ACCOUNT: Final = VerbField("account", "the system_id or trunk", required=True)
_NOTE: Final = VerbField("reason", "a word on it")
_WHY: Final = VerbField("reason", "why", required=True)
_OF: Final = (
    VerbField("kind", "template or campaign", required=True),
    VerbField("id", "its id", required=True),
    VerbField("institution", "only if it is of this one"),
)

REVIEW_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "onboarding.submit",
        "write",
        "documents of an account, to be reviewed (Z8)",
        (_ACCOUNT, VerbField("documents", "NAME=SHA256 or NAME=FILE, …", "list", required=True), _NOTE, _WHO),
        _submit,
    ),
    Verb("onboarding.review", "write", "the documents were reviewed and are right", (_ACCOUNT, _NOTE, _WHO), _reviewed),
    Verb(
        "onboarding.approve",
        "write",
        "activates an account that somebody else reviewed; binds on the next PDU",
        (_ACCOUNT, _NOTE, _WHO),
        _approved,
    ),
    Verb("onboarding.reject", "write", "sends documents back, or ends an approval", (_ACCOUNT, _WHY, _WHO), _rejected),
    Verb("review.submit", "write", "a template or campaign, to be reviewed (Z5)", (*_OF, _NOTE, _WHO), _review_submit),
    Verb(
        "review.record",
        "write",
        "a wording that is not on record yet, put there to be reviewed (Z5)",
        (
            VerbField("id", "of the new template", required=True),
            VerbField("institution", "whose it is", required=True),
            VerbField("purposes", "what it is for, …", "list", required=True),
            VerbField("text", "the wording, variables as {name}", required=True),
            _NOTE,
            _WHO,
        ),
        _review_record,
    ),
    Verb(
        "review.pass",
        "write",
        "it was reviewed and is right",
        (*_OF, VerbField("checklist", "what was checked, …", "list", required=True), _NOTE, _WHO),
        _review_pass,
    ),
    Verb("review.reject", "write", "it was reviewed and is wrong", (*_OF, _WHY, _WHO), _review_reject),
    Verb(
        "review.list",
        "read",
        "templates and campaigns with the state of their review",
        (VerbField("state", "draft, submitted, reviewed or rejected"), VerbField("institution", "only of this one")),
        _review_list,
    ),
    Verb(
        "liaison.handover",
        "write",
        "a new liaison officer; the former's period ends as the new one's begins (J19)",
        (
            VerbField("institution", "the institution's id", required=True),
            VerbField("name", "the officer's name", required=True),
            VerbField("contact", "telephone or address", required=True),
            VerbField("deputy", "who stands in"),
            VerbField("since", "first day; today if left out"),
            VerbField("until", "last day", default="forever"),
            _NOTE,
            _WHO,
        ),
        _hand_over,
    ),
)
