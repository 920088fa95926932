"""Verbs of the number library: attestation, and the two ways in, application and report (Z10 J20 J21).

Owns the states of an intake and who may take it on: whoever submitted a number does not accept it, and only what was
accepted enters the library. Must never bring a number into use for an institution that nobody speaks for (J19).
"""

from typing import Any, Final

from proxy.core.records import FINANCIAL_KINDS, IntakePath
from proxy.language.names import is_one_person
from proxy.registry import dates, fields
from proxy.registry.liaisons import in_office
from proxy.registry.library_tables import INTAKES
from proxy.registry.ports import Alter, Put, VerbError
from proxy.registry.snapshots import segment
from proxy.registry.standing import Nothing, Periods
from proxy.registry.table import Column
from proxy.registry.tables import TABLES
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

Named = dict[str, Any]
_NUMBERS: Final = TABLES["numbers"]


async def records(context: VerbContext, table: str, **wanted: Any) -> list[Named]:
    """The records of a table with these values."""
    names = TABLES[table].names
    found = [dict(zip(names, row, strict=True)) async for rows in context.reader.rows(table) for row in rows]
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


async def one_record(context: VerbContext, table: str, name: str) -> Named:
    """The record with an id; raises VerbError."""
    found = await records(context, table, id=name)
    if not found:
        raise VerbError(f"id: none of {table} has the id {name}")
    return found[0]


async def institution_of(context: VerbContext, name: str) -> Named:
    """An institution that has a liaison officer today, who speaks for it (J19); raises VerbError."""
    found = await records(context, "institutions", id=name)
    if not found:
        raise VerbError(f"institution: {name} is not registered")
    if name not in await in_office(context.reader, context.now_us() // 1_000_000):
        raise VerbError(f"institution: {name} has no liaison officer today; see registry liaison handover")
    return found[0]


def by(args: Args) -> str:
    """Who gives the command."""
    return str(read_field(args, "by", fields.FILLED.read))


async def _attest(context: VerbContext, args: Args) -> dict[str, Any]:
    name = str(args["institution"])
    if not await records(context, "institutions", id=name):
        raise VerbError(f"institution: {name} is not registered")
    count = len(await records(context, "numbers", principal=name))
    row: Named = {"institution": name, "attested": context.now_us(), "attested_by": by(args), "numbers": count}
    row["remark"] = read_field(args, "reason", fields.TEXT.read)
    await owner_of(context).amend(
        "library.attested", f"{name}, {count} numbers", [Put("attestations", row)], reason=args["reason"], by=by(args)
    )
    return {"changed": True, "institution": name, "numbers": count}


async def _libraries(context: VerbContext, args: Args) -> dict[str, Any]:
    now = context.now_us() // 1_000_000
    entrusted = {(one["institution"], one["partner"]) for one in await records(context, "entrustments")}
    attested: dict[str, Named] = {}
    for one in sorted(await records(context, "attestations"), key=lambda one: int(one["attested"])):
        attested[one["institution"]] = one
    counted: dict[str, Named] = {}
    for one in await records(context, "institutions"):
        if args["institution"] in ("", one["id"]):
            latest = attested.get(one["id"], {"attested": 0, "attested_by": ""})
            row: Named = {"institution": one["id"]} | dict.fromkeys(_COUNTS, 0)
            row |= {"attested": dates.moment_text(latest["attested"]) if latest["attested"] else ""}
            counted[one["id"]] = row | {"attested_by": latest["attested_by"]}
    for one in await records(context, "numbers"):
        found = counted.get(one["principal"])
        if found is not None:
            for name in _counts_of(one, now, entrusted):
                found[name] += 1
    rows = list(counted.values())
    return {"rows": rows, "total": len(rows)}


_COUNTS: Final = (
    "own_sms",
    "own_voice",
    "entrusted_sms",
    "entrusted_voice",
    "without_entrustment",
    "not_in_period",
    "disposed",
)


def _counts_of(number: Named, now: int, entrusted: set[tuple[str, str]]) -> list[str]:
    """What a row of the library counts as: one in force under its channels, any other under why it is not."""
    if number["disposed"]:
        return ["disposed"]
    if not number["since"] <= now < number["until"]:
        return ["not_in_period"]
    own = number["operator"] == number["principal"]
    found = [f"{'own' if own else 'entrusted'}_{channel}" for channel in number["channels"].split(",")]
    documented = own or (number["principal"], number["operator"]) in entrusted
    return found if documented else [*found, "without_entrustment"]


_OF_A_NUMBER: Final[tuple[Column, ...]] = INTAKES.columns[2:11]


def _written(args: Args) -> Named:
    row: Named = {}
    for column in _OF_A_NUMBER:
        row[column.name] = read_field(args, column.name, column.field.read)
    if row["since"] >= row["until"]:
        raise VerbError("until: lies before since", usage=True)
    return row


def _intake(path: IntakePath, event: str) -> Any:
    async def run(context: VerbContext, args: Args) -> dict[str, Any]:
        args = args | {"operator": args["operator"] or args["principal"]}
        row = _written(args)
        institution = await institution_of(context, row["principal"])
        if row["operator"] != row["principal"] and row["operator"] not in await context.reader.ids("partners"):
            raise VerbError(f"operator: {row['operator']}: must be the principal itself or a partner")
        segments = await _segments(context, row)
        if path == "application":
            if not segments:
                raise VerbError(f"address: no special segment holds {row['address']}; see registry number report")
            holders = {one["principal"] for one in await records(context, "numbers", address=row["address"])}
            if holders - {row["principal"]}:
                raise VerbError(f"address: {row['address']} is held by {', '.join(sorted(holders))}")
        if segments and institution["kind"] not in FINANCIAL_KINDS:
            raise VerbError(
                f"principal: {row['principal']} is no financial institution, and {segments[0]} serves finance"
            )
        waiting = await records(
            context, "intakes", address=row["address"], principal=row["principal"], state="submitted"
        )
        if waiting:
            raise VerbError(f"address: {waiting[0]['id']} is waiting for a decision already")
        now = context.now_us()
        row |= {"id": f"{path[:3]}-{now:x}", "path": path, "submitted": now, "submitted_by": by(args)}
        row |= {"state": "submitted", "decided": 0, "decided_by": "", "reason": args["reason"]}
        await owner_of(context).amend(
            event, f"{row['address']} {row['principal']}", [Put("intakes", row)], reason=args["reason"], by=by(args)
        )
        return {"changed": True, "id": row["id"], "state": "submitted"}

    return run


async def _segments(context: VerbContext, row: Named) -> list[str]:
    """The special segments that hold a number now or when its period begins."""
    moment = max(context.now_us() // 1_000_000, row["since"])
    found = [segment(one) for one in await records(context, "segments")]
    return [one.id for one in found if one.period.holds(moment) and one.covers(row["address"])]


async def _accept(context: VerbContext, args: Args) -> dict[str, Any]:
    intake = await _waiting(context, args)
    await institution_of(context, intake["principal"])
    row: Named = {column.name: column.default for column in _NUMBERS.columns}
    row |= {column.name: intake[column.name] for column in _OF_A_NUMBER}
    periods = Periods(Nothing())
    for one in await records(context, "numbers", address=row["address"]):
        periods.faults(one, 1)
    faults = periods.faults(row, 2)
    if faults:
        raise VerbError(
            f"{faults[0][0]}: a period of {row['address']} in the library overlaps; return it, or end that one"
        )
    changes: list[Put | Alter] = [_decision(context, args, intake, "accepted"), Put("numbers", row)]
    target = f"{row['address']} {row['principal']} ({intake['path']})"
    await owner_of(context).amend("number.added", target, changes, reason=args["reason"], by=by(args))
    return {"changed": True, "id": intake["id"], "state": "accepted", "address": row["address"]}


async def _return(context: VerbContext, args: Args) -> dict[str, Any]:
    intake = await _waiting(context, args)
    change = _decision(context, args, intake, "returned")
    target = f"{intake['address']} {intake['principal']} ({intake['path']})"
    await owner_of(context).amend("number.returned", target, [change], reason=args["reason"], by=by(args))
    return {"changed": True, "id": intake["id"], "state": "returned"}


async def _waiting(context: VerbContext, args: Args) -> Named:
    intake = await one_record(context, "intakes", str(args["id"]))
    if intake["state"] != "submitted":
        raise VerbError(f"id: {intake['id']} is {intake['state']} already")
    if is_one_person(by(args), intake["submitted_by"]):
        raise VerbError(f"by: {by(args)} submitted it; somebody else has to decide")
    return intake


def _decision(context: VerbContext, args: Args, intake: Named, state: str) -> Alter:
    values: Named = {"state": state, "decided": context.now_us(), "decided_by": by(args), "reason": args["reason"]}
    return Alter("intakes", {"id": intake["id"], "state": "submitted"}, values)


_BY: Final = VerbField("by", "who does it", required=True)
_NOTE: Final = VerbField("reason", "a word on it")
_ID: Final = VerbField("id", "of the intake", required=True)
_NUMBER: Final = (
    VerbField("address", "the sending number", required=True),
    VerbField("principal", "the institution that it serves", required=True),
    VerbField("operator", "who uses it: a partner; the institution if left out"),
    VerbField("telecom", "the telecom enterprise that owns it", required=True),
    VerbField("channels", "sms, voice", required=True),
    VerbField("purposes", "what it is promised for", required=True),
    VerbField("since", "first day", required=True),
    VerbField("until", "last day", required=True),
    VerbField("extensible", "a port under which extension digits may be sent", "flag", default=False),
    _NOTE,
    _BY,
)

LIBRARY_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "library.attest",
        "write",
        "an institution's library is whole and right today (Z10)",
        (VerbField("institution", "the institution's id", required=True), _NOTE, _BY),
        _attest,
    ),
    Verb(
        "registry.libraries",
        "read",
        "numbers of each institution: own and entrusted, SMS and voice; when attested (J17)",
        (VerbField("institution", "only of this institution"),),
        _libraries,
    ),
    Verb(
        "number.apply",
        "write",
        "applies for a number of a special segment (J21)",
        _NUMBER,
        _intake("application", "number.applied"),
    ),
    Verb("number.report", "write", "reports a number in use (J21)", _NUMBER, _intake("report", "number.reported")),
    Verb("intake.accept", "write", "takes a submitted number into the library", (_ID, _NOTE, _BY), _accept),
    Verb(
        "intake.return",
        "write",
        "sends a submitted number back",
        (_ID, VerbField("reason", "why", required=True), _BY),
        _return,
    ),
)
