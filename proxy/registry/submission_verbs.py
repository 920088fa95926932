"""Verbs of submissions: submission → receipt → accepted or returned → merged; cases of two claimants (J19 J23).

Owns the states and who may take them on: the institution's liaison officer or deputy submits, somebody else decides.
What was submitted stays as it was: its digest is held against its claims at every later step. A merged list takes the
place of the institution's former one at that department; a number that another institution holds becomes a case, which
the authority settles. Must never decide a case by itself.
"""

from typing import Any, Final

from proxy.language.names import is_one_person
from proxy.registry import fields
from proxy.registry.claims import contested, digest_of
from proxy.registry.library_verbs import Named, by, institution_of, one_record, records
from proxy.registry.ports import Alter, Put, VerbError
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

_BOTH: Final = "both"


async def _submit(context: VerbContext, args: Args) -> dict[str, Any]:
    submission = await _in_state(context, args, ("draft",), "submit")
    await institution_of(context, submission["institution"])
    now = context.now_us()
    speakers = {
        name
        for one in await records(context, "liaisons", institution=submission["institution"])
        if one["since"] <= now // 1_000_000 < one["until"]
        for name in (one["name"], one["deputy"])
        if name
    }
    if by(args) not in speakers:
        raise VerbError(f"by: the liaison officer or deputy submits: {', '.join(sorted(speakers))}")
    claims = await records(context, "claims", submission=submission["id"])
    if not claims:
        raise VerbError(f"id: {submission['id']} claims no number; import claims first")
    values: Named = {"submitted": now, "submitted_by": by(args), "numbers": len(claims), "digest": digest_of(claims)}
    return await _went(context, args, submission, "submission.submitted", values)


async def _receive(context: VerbContext, args: Args) -> dict[str, Any]:
    submission = await _whole(context, args, ("submitted",), "receive")
    values: Named = {"received": context.now_us(), "received_by": by(args)}
    values["receipt"] = read_field(args, "receipt", fields.FILLED.read)
    return await _went(context, args, submission, "submission.received", values)


async def _accept(context: VerbContext, args: Args) -> dict[str, Any]:
    submission = await _whole(context, args, ("received",), "accept")
    return await _went(context, args, submission, "submission.accepted", _decided(context, args, submission))


async def _return(context: VerbContext, args: Args) -> dict[str, Any]:
    submission = await _in_state(context, args, ("submitted", "received"), "return")
    return await _went(context, args, submission, "submission.returned", _decided(context, args, submission))


def _decided(context: VerbContext, args: Args, submission: Named) -> Named:
    if is_one_person(by(args), submission["submitted_by"]):
        raise VerbError(f"by: {by(args)} submitted it; somebody else has to decide")
    return {"decided": context.now_us(), "decided_by": by(args), "reason": args["reason"]}


async def _merge(context: VerbContext, args: Args) -> dict[str, Any]:
    submission = await _whole(context, args, ("accepted",), "merge")
    institution, now = submission["institution"], context.now_us()
    merged = await records(context, "submissions", state="merged")
    former = [one for one in merged if (one["institution"], one["department"]) == _whose(submission)]
    others = {one["id"]: str(one["institution"]) for one in merged if one["institution"] != institution}
    new: list[Named] = []
    held: list[tuple[str, Named]] = []
    for claim in await records(context, "claims"):
        if claim["submission"] == submission["id"]:
            new.append(claim)
        elif claim["submission"] in others:
            held.append((others[claim["submission"]], claim))
    known = {
        (one["address"], frozenset((one["holder"], one["claimant"]))) for one in await records(context, "claim_cases")
    }
    cases: list[Named] = [
        {"id": f"case-{now:x}-{place}", "address": address, "holder": holder, "claimant": institution,
         "submission": submission["id"], "opened": now, "state": "open", "settled": 0, "settled_by": "",
         "settled_for": "", "reason": ""}
        for place, (address, holder) in enumerate(contested(new, held), 1)
        if (address, frozenset((holder, institution))) not in known
    ]  # fmt: skip
    changes: list[Put | Alter] = [Put("claim_cases", one) for one in cases]
    changes += [Alter("submissions", {"id": one["id"], "state": "merged"}, {"state": "replaced"}) for one in former]
    values: Named = {"merged": now, "merged_by": by(args)}
    told = await _went(context, args, submission, "submission.merged", values, changes, f", {len(cases)} cases")
    return told | {"replaced": [one["id"] for one in former], "cases": [one["id"] for one in cases]}


def _whose(submission: Named) -> tuple[str, str]:
    return submission["institution"], submission["department"]


async def _settle(context: VerbContext, args: Args) -> dict[str, Any]:
    case = await one_record(context, "claim_cases", str(args["id"]))
    if case["state"] != "open":
        raise VerbError(f"id: {case['id']} is settled for {case['settled_for']} already")
    whose = str(args["whose"])
    if whose not in (case["holder"], case["claimant"], _BOTH):
        raise VerbError(f"whose: must be {case['holder']}, {case['claimant']} or {_BOTH}", usage=True)
    values: Named = {"state": "settled", "settled": context.now_us(), "settled_by": by(args), "settled_for": whose}
    values["reason"] = args["reason"]
    change = Alter("claim_cases", {"id": case["id"], "state": "open"}, values)
    # WHY not the number: this goes into the log of operation, too.
    target = f"{case['id']} for {whose}"
    await owner_of(context).amend("submission.settled", target, [change], reason=args["reason"], by=by(args))
    return {"changed": True, "id": case["id"], "state": "settled", "settled_for": whose}


async def _in_state(context: VerbContext, args: Args, states: tuple[str, ...], command: str) -> Named:
    submission = await one_record(context, "submissions", str(args["id"]))
    if submission["state"] not in states:
        raise VerbError(f"id: {submission['id']} is {submission['state']}, so there is nothing to {command}")
    return submission


async def _whole(context: VerbContext, args: Args, states: tuple[str, ...], command: str) -> Named:
    """A submission in one of these states, whose claims are those that were submitted."""
    submission = await _in_state(context, args, states, command)
    if digest_of(await records(context, "claims", submission=submission["id"])) != submission["digest"]:
        raise VerbError(f"id: claims of {submission['id']} were changed since it was submitted; return it")
    return submission


async def _went(
    context: VerbContext,
    args: Args,
    submission: Named,
    event: str,
    values: Named,
    more: list[Put | Alter] | None = None,
    told: str = "",
) -> dict[str, Any]:
    state = event.removeprefix("submission.")
    # WHY the digest: whoever decides on one list must not let another one pass.
    where = {name: submission[name] for name in ("id", "state", "digest")}
    changes = [Alter("submissions", where, values | {"state": state}), *(more or ())]
    numbers = values.get("numbers", submission["numbers"])
    target = f"{submission['id']} {submission['institution']}, {numbers} numbers{told}"
    await owner_of(context).amend(event, target, changes, reason=args["reason"], by=by(args))
    return {"changed": True, "id": submission["id"], "state": state, "numbers": numbers}


_ID: Final = VerbField("id", "of the submission", required=True)
_BY: Final = VerbField("by", "who does it", required=True)
_NOTE: Final = VerbField("reason", "a word on it")
_WHY: Final = VerbField("reason", "why", required=True)

SUBMISSION_VERBS: Final[tuple[Verb, ...]] = (
    Verb("submission.submit", "write", "the liaison officer submits a drafted list (J19)", (_ID, _NOTE, _BY), _submit),
    Verb(
        "submission.receive",
        "write",
        "the authority gives a receipt",
        (_ID, VerbField("receipt", "its number", required=True), _NOTE, _BY),
        _receive,
    ),
    Verb("submission.accept", "write", "the list is right", (_ID, _NOTE, _BY), _accept),
    Verb("submission.return", "write", "sends a list back", (_ID, _WHY, _BY), _return),
    Verb("submission.merge", "write", "takes an accepted list into the merged one (J23)", (_ID, _NOTE, _BY), _merge),
    Verb(
        "case.settle",
        "write",
        "whose a number is that two claimed",
        (
            VerbField("id", "of the case", required=True),
            VerbField("whose", "one of the two institutions, or both", required=True),
            _WHY,
            _BY,
        ),
        _settle,
    ),
)
