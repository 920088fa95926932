"""Verbs on records: listings, export, adoption of imports, holds, disposals."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, Literal

from proxy.registry import exporting, fields
from proxy.registry.ports import VerbError
from proxy.registry.tables import RECORD_TABLES, TABLES
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field


async def _status(context: VerbContext, _args: Args) -> dict[str, Any]:
    return {"revision": await context.reader.revision(), "counts": await context.reader.counts()}


def _lister(table: str) -> Callable[[VerbContext, Args], Awaitable[dict[str, Any]]]:
    async def run(context: VerbContext, args: Args) -> dict[str, Any]:
        shape = TABLES[table]
        found: list[dict[str, Any]] = []
        total = 0
        now = context.now_us() / 1e6
        async for rows in context.reader.rows(table, revisions=args["revisions"]):
            for row in rows:
                named = dict(zip(shape.names, row, strict=False))
                whose = args["institution"]
                if whose and whose not in [named.get(name) for name in _WHOSE]:
                    continue
                total += 1
                if len(found) < args["most"]:
                    shown = exporting.written(shape, row)
                    if "until" in named and "state" not in named:
                        shown["state"] = state_of(named, now)
                    found.append(shown)
        return {"rows": found, "total": total}

    return run


#: Columns that say whose a row is.
_WHOSE: Final = ("institution", "principal", "owner", "account", "id")


def state_of(named: dict[str, Any], now: float) -> str:
    """Whether a record with a period is in force at a UTC second."""
    if named.get("disposed"):
        return "disposed"
    if now < named["since"]:
        return "not yet"
    return "valid" if now < named["until"] else "over"


async def _export(context: VerbContext, args: Args) -> dict[str, Any]:
    secret = context.secret if args["persons"] else None
    return await exporting.export(context.reader, secret, secrets=args["secrets"], revisions=args["revisions"])


async def _adopt(context: VerbContext, args: Args) -> dict[str, Any]:
    name = args["staged"]
    # INVARIANT: only files of the imports folder are opened, whatever a request names.
    if "/" in name or not name.endswith(".staged"):
        raise VerbError("staged: must be the name of a staged import", usage=True)
    changed = await owner_of(context).adopt(context.imports / name)
    return {"changed": changed, "revision": await context.reader.revision()}


def _held(args: Args) -> tuple[Literal["account", "number"], str]:
    kind = read_field(args, "kind", fields.HOLD_KIND.read)
    if kind == "number":
        return "number", read_field(args, "target", fields.sending_number)
    return "account", str(args["target"])


async def _hold_add(context: VerbContext, args: Args) -> dict[str, Any]:
    kind, target = _held(args)
    changed = await owner_of(context).hold(kind, target, args["reason"], args["by"])
    return {"changed": changed, "kind": kind, "target": target}


async def _hold_remove(context: VerbContext, args: Args) -> dict[str, Any]:
    kind, target = _held(args)
    return {"changed": await owner_of(context).lift_hold(kind, target, args["by"]), "kind": kind, "target": target}


def _disposer(disposed: bool) -> Callable[[VerbContext, Args], Awaitable[dict[str, Any]]]:
    async def run(context: VerbContext, args: Args) -> dict[str, Any]:
        address = read_field(args, "address", fields.sending_number)
        rows = await owner_of(context).dispose(address, disposed=disposed, reason=args["reason"], by=args["by"])
        return {"changed": rows > 0, "rows_changed": rows, "address": address}

    return run


_BY: Final = VerbField("by", "who ordered it", required=True)
_REASON: Final = VerbField("reason", "why", required=True)
_HOLD: Final = (
    VerbField("kind", "account or number", required=True),
    VerbField("target", "the system_id or sending number", required=True),
)
_REVISIONS: Final = VerbField(
    "revisions", "with the revision of each record, so that an import tells who comes second", "flag", default=False
)
_RECORDS_FILTER: Final = (
    VerbField("institution", "only of this institution"),
    VerbField("most", "at most so many rows", "whole", default=1000),
    _REVISIONS,
)

RECORD_VERBS: Final[tuple[Verb, ...]] = (
    Verb("registry.status", "read", "revision and rows per table", (), _status),
    *(
        Verb(f"registry.{table.name}", "read", f"lists {table.name}", _RECORDS_FILTER, _lister(table.name))
        for table in RECORD_TABLES
    ),
    Verb(
        "registry.export",
        "read",
        "the registry as one document",
        (
            VerbField("persons", "with consents and suppressions, numbers in clear", "flag", default=False),
            VerbField("secrets", "with password hashes", "flag", default=False),
            _REVISIONS,
        ),
        _export,
    ),
    Verb(
        "registry.adopt",
        "write",
        "takes over a staged import",
        (VerbField("staged", "name of the staged file", required=True),),
        _adopt,
    ),
    Verb("hold.add", "write", "a fraud hold, effective on the next PDU", (*_HOLD, _REASON, _BY), _hold_add),
    Verb("hold.remove", "write", "ends a fraud hold", (*_HOLD, _BY), _hold_remove),
    Verb("hold.list", "read", "lists holds", _RECORDS_FILTER, _lister("holds")),
    Verb(
        "number.dispose",
        "write",
        "suspends a sending number, effective on the next PDU (Z14)",
        (VerbField("address", "the sending number", required=True), _REASON, _BY),
        _disposer(True),
    ),
    Verb(
        "number.restore",
        "write",
        "ends a disposal",
        (VerbField("address", "the sending number", required=True), _REASON, _BY),
        _disposer(False),
    ),
)
