"""Tokens of the HTTP interface: what they look like, what they may do, and the verbs that make and end them (J13).

A token is 256 random bits behind `tdg_`; only its SHA-256 is kept, so that whoever reads the store can use none. It
speaks for one institution, for named scopes, until a day. Must never return a token but once, to whoever made it.
"""

from hashlib import sha256
from secrets import token_hex, token_urlsafe
from typing import Any, Final

from proxy.core.records import FOREVER
from proxy.registry import dates, fields
from proxy.registry.ports import ApiToken, VerbError
from proxy.registry.verb import Args, Verb, VerbContext, VerbField, owner_of, read_field

SCOPES: Final = (
    "suppressions:write",
    "preferences:write",
    "preferences:read",
    "consents:write",
    "numbers:read",
    "precheck",
    "export",
    "templates:submit",
    "templates:review",
    "doubts:review",
)
#: Scopes in which a person acts: their token names them.
PERSONAL: Final = frozenset(("templates:submit", "templates:review", "doubts:review"))
_PREFIX: Final = "tdg_"
_RANDOM_OCTETS: Final = 32
#: How many characters a token has; what is longer or shorter is none.
TOKEN_CHARACTERS: Final = len(_PREFIX) + 43


def digest_of(token: str) -> bytes:
    """What is kept of a token. WHY no slow hash: it is random, so there is nothing to guess from a word list."""
    return sha256(token.encode()).digest()


def _scopes(value: Any) -> str:
    found = set(fields.listed(value))
    unknown = sorted(found - set(SCOPES))
    if unknown or not found:
        raise ValueError(f"name at least one of {', '.join(SCOPES)}" + (f"; unknown {unknown[0]}" if unknown else ""))
    return ",".join(scope for scope in SCOPES if scope in found)


async def _create(context: VerbContext, args: Args) -> dict[str, Any]:
    institution = str(args["institution"])
    if institution not in await context.reader.ids("institutions"):
        raise VerbError(f"institution: {institution} is not registered")
    until = int(read_field(args, "until", fields.UNTIL.read) or 0)
    if until * 1_000_000 <= context.now_us() or until >= FOREVER:
        raise VerbError("until: a day to come; a token does not hold for ever", usage=True)
    scopes, label = read_field(args, "scopes", _scopes), str(read_field(args, "label", fields.TEXT.read)).strip()
    if not PERSONAL.isdisjoint(scopes.split(",")) and not any(char.isalnum() for char in label):
        # WHY: what is reviewed under it is on record under this name, and two people are told apart by it.
        raise VerbError("label: whoever reviews is named; give the person's name", usage=True)
    secret = _PREFIX + token_urlsafe(_RANDOM_OCTETS)
    made = ApiToken(
        id=token_hex(4),
        digest=digest_of(secret),
        institution=institution,
        scopes=scopes,
        label=label,
        created_us=context.now_us(),
        created_by=str(read_field(args, "by", fields.FILLED.read)),
        until=until,
    )
    await owner_of(context).issue_token(made)
    return {"id": made.id, "institution": institution, "scopes": made.scopes, "token": secret}


async def _list(context: VerbContext, _args: Args) -> dict[str, Any]:
    rows = [
        {
            "id": one.id,
            "institution": one.institution,
            "scopes": one.scopes,
            "label": one.label,
            "created": dates.moment_text(one.created_us),
            "by": one.created_by,
            "until": dates.until_text(one.until),
            "state": state_of(one, context.now_us()),
        }
        for one in await context.reader.tokens()
    ]
    return {"rows": rows, "total": len(rows)}


def state_of(token: ApiToken, now_us: int) -> str:
    """`valid`, `revoked` or `expired` at a moment, UTC microseconds."""
    if token.revoked_us is not None:
        return "revoked"
    return "valid" if now_us < token.until * 1_000_000 else "expired"


async def _revoke(context: VerbContext, args: Args) -> dict[str, Any]:
    by = str(read_field(args, "by", fields.FILLED.read))
    return {"changed": await owner_of(context).revoke_token(args["id"], args["reason"], by)}


_BY: Final = VerbField("by", "who does it", required=True)
TOKEN_VERBS: Final[tuple[Verb, ...]] = (
    Verb(
        "token.create",
        "write",
        "a token of the HTTP interface; it is shown once",
        (
            VerbField("institution", "for whom it speaks", required=True),
            VerbField("scopes", ", ".join(SCOPES), "list", required=True),
            VerbField("until", "last day", required=True),
            VerbField("label", "where it is used: hotline, app, …; the person's name where one reviews with it"),
            _BY,
        ),
        _create,
    ),
    Verb("token.list", "read", "tokens of the HTTP interface, without their secrets", (), _list),
    Verb(
        "token.revoke",
        "write",
        "ends a token at once",
        (VerbField("id", "of the token", required=True), VerbField("reason", "why"), _BY),
        _revoke,
    ),
)
