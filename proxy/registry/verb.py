"""What a verb is: its name, its fields, what it works with, and how its arguments are checked.

Must never run a verb with an argument that it did not declare. Arguments and results are plain values (JSON).
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from msgspec import Struct

from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Owner, Reader, VerbError

Access = Literal["read", "write"]
Kind = Literal["text", "list", "flag", "whole"]
Args = dict[str, Any]
T = TypeVar("T")

_TYPES: Final[dict[Kind, type]] = {"text": str, "list": list, "flag": bool, "whole": int}


class VerbContext(Struct, frozen=True):
    """With what a verb works. `owner` is None where only reading is possible; `imports` is where staged files stand."""

    reader: Reader
    owner: Owner | None
    secret: PersonSecret
    now_us: Callable[[], int]
    imports: Path


class VerbField(Struct, frozen=True):
    """One argument of a verb."""

    name: str
    text: str
    kind: Kind = "text"
    required: bool = False
    default: Any = ""


class Verb(Struct, frozen=True):
    """One operation."""

    name: str
    access: Access
    text: str
    fields: tuple[VerbField, ...]
    run: Callable[[VerbContext, Args], Awaitable[dict[str, Any]]]


def checked(verb: Verb, args: Args) -> Args:
    """The arguments of a verb, defaults filled in; raises VerbError."""
    unknown = sorted(set(args) - {field.name for field in verb.fields})
    if unknown:
        raise VerbError(f"{verb.name}: unknown field {', '.join(unknown)}", usage=True)
    found: Args = {}
    for field in verb.fields:
        value = args.get(field.name)
        if value is None:
            if field.required:
                raise VerbError(f"{verb.name}: {field.name} is missing", usage=True)
            value = field.default
        if type(value) is not _TYPES[field.kind]:
            raise VerbError(f"{verb.name}: {field.name}: must be a {field.kind}", usage=True)
        found[field.name] = value
    return found


def owner_of(context: VerbContext) -> Owner:
    """The owner, for verbs that write; raises VerbError."""
    if context.owner is None:
        raise VerbError("this needs the owner of the store")
    return context.owner


def read_field(args: Args, name: str, read: Callable[[Any], T]) -> T:
    """One argument through a reader of `fields`; raises VerbError with the reason."""
    try:
        return read(args[name])
    except ValueError as error:
        raise VerbError(f"{name}: {error}", usage=True) from error
