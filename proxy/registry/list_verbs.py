"""Verbs on lists that houses share, and the rows that one's own list has (J16 J18 J24)."""

from typing import Any, Final, cast

from msgspec import Struct

from proxy.core.purposes import Channel, Purpose
from proxy.lists.entry import ListEntry
from proxy.registry.ports import Reader, VerbError
from proxy.registry.tables import TABLES
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of

_NUMBERS: Final = TABLES["numbers"]


class Label(Struct, frozen=True):
    """What a terminal maker gets of a number: the least by which a caller can be shown (J24). UTC seconds."""

    number: str
    label: str
    since: int
    until: int


async def listed(reader: Reader, now: float) -> list[ListEntry]:
    """The house's own numbers as they are shared: those whose period is not over."""
    names: dict[tuple[str, str], str] = {}
    for table in ("institutions", "partners"):
        shape = TABLES[table]
        async for rows in reader.rows(table):
            for row in rows:
                named = dict(zip(shape.names, row, strict=True))
                names[table, str(named["id"])] = str(named["name"])
    found: list[ListEntry] = []
    async for rows in reader.rows("numbers"):
        for row in rows:
            named = dict(zip(_NUMBERS.names, row, strict=True))
            if now < cast(int, named["until"]):
                found.append(_entry(named, names))
    return found


def _entry(named: dict[str, Any], names: dict[tuple[str, str], str]) -> ListEntry:
    principal, operator = named["principal"], named["operator"]
    own = names.get(("institutions", principal), principal)
    return ListEntry(
        address=named["address"],
        institution=principal,
        operator=operator,
        since=named["since"],
        until=named["until"],
        telecom=named["telecom"],
        channels=tuple(cast(list[Channel], sorted(set(named["channels"].split(","))))),
        purposes=tuple(cast(list[Purpose], sorted(set(named["purposes"].split(","))))),
        extensible=bool(named["extensible"]),
        binary=bool(named["binary"]),
        disposed=bool(named["disposed"]),
        institution_name=own,
        operator_name=own if operator == principal else names.get(("partners", operator), operator),
    )


async def labels(reader: Reader, now: float) -> list[Label]:
    """Number, caller label and period of every number that may call or write now or later; disposed ones are none."""
    return [
        Label(each.address, each.institution_name, each.since, each.until)
        for each in await listed(reader, now)
        if not each.disposed
    ]


async def _labels(context: VerbContext, args: Args) -> dict[str, Any]:
    rows = await labels(context.reader, context.now_us() / 1e6)
    shown = [{name: getattr(row, name) for name in Label.__struct_fields__} for row in rows[: args["most"]]]
    return {"rows": shown, "total": len(rows)}


async def _followed(context: VerbContext, _args: Args) -> dict[str, Any]:
    held = await context.reader.followed_lists()
    rows = [
        {
            "issuer": one.issuer,
            "number": one.number,
            "digest": one.digest,
            "made_at": one.made_at,
            "taken_us": one.taken_us,
        }
        for one in held
    ]
    return {"rows": rows, "total": len(rows)}


async def _take_in(context: VerbContext, args: Args) -> dict[str, Any]:
    name = args["staged"]
    # INVARIANT: only files of the imports folder are opened, whatever a request names.
    if "/" in name or not name.endswith(".list"):
        raise VerbError("staged: must be the name of a staged list", usage=True)
    taken = await owner_of(context).take_in_list(context.imports / name)
    return {"issuer": taken.issuer, "number": taken.number, "digest": taken.digest, "rows": taken.rows}


LIST_VERBS: Final[tuple[Verb, ...]] = (
    Verb("list.followed", "read", "lists of other houses that are held here", (), _followed),
    Verb(
        "list.labels",
        "read",
        "number, caller label and period: what a terminal maker gets (J24)",
        (VerbField("most", "at most so many rows", "whole", default=1_000_000),),
        _labels,
    ),
    Verb(
        "list.take_in",
        "write",
        "takes over a staged document of a followed list",
        (VerbField("staged", "name of the staged file", required=True),),
        _take_in,
    ),
)
