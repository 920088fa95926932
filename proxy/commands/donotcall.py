"""`tdgate donotcall import|list|remove`: lists of persons who take no calls, national ones above all (J14).

Exit codes: 0 done, 1 refused or failed, 2 usage. A file with wrong rows is refused as a whole (1) unless `--partial`.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from proxy.commands.registry_access import StoreAccess
from proxy.commands.registry_output import counting, show, show_problems
from proxy.control import ControlError
from proxy.core.persons import PersonKey
from proxy.core.purposes import PURPOSE_BITS, bit_names
from proxy.registry import dates, fields
from proxy.registry.documents import DocumentError, detect_encoding
from proxy.registry.importing import Problem
from proxy.registry.number_files import NUMBER, number_rows, written_recipient
from proxy.registry.ports import VerbError
from proxy.settings import Settings, load
from proxy.store.donotcall_file import (
    DONOTCALL_FOLDER,
    LIST_NAME,
    DonotcallRows,
    ListedAs,
    load_donotcall,
    remove_donotcall,
)
from proxy.store.key_state import load_secret, secret_for
from proxy.store.person_base import BaseError

_TELL_EVERY: Final = 10_000


def add_arguments(commands: Any) -> None:
    """Adds `donotcall import|list|remove` to the subparsers of `tdgate`."""
    group = commands.add_parser("donotcall", help="lists of persons who take no calls 谢绝来电名单")
    verbs = group.add_subparsers(required=True, metavar="VERB")
    take_in = verbs.add_parser("import", help="takes in a CSV of numbers in place of the former list of that name")
    take_in.add_argument("file", type=Path, metavar="FILE")
    take_in.add_argument("--name", required=True, help="of the list: letters, digits, - and _")
    take_in.add_argument("--dated", required=True, help="the day as of which the list is")
    take_in.add_argument("--source", required=True, help="who keeps it")
    take_in.add_argument("--purposes", default="marketing,collection", help="what it closes")
    take_in.add_argument("--channels", default="voice", help="sms, voice")
    take_in.add_argument("--encoding", help="of the file; found out if left out")
    take_in.add_argument(
        "--smaller", action="store_true", help="take a list that has less than half of the persons of the former one"
    )
    take_in.add_argument("--partial", action="store_true", help="take the right rows of a file with wrong ones")
    take_in.set_defaults(run=_guarded(_import))
    listing = verbs.add_parser("list", help="the lists that apply")
    listing.set_defaults(run=_guarded(_list))
    remove = verbs.add_parser("remove", help="a list that does not apply any more")
    remove.add_argument("name")
    remove.set_defaults(run=_guarded(_remove))
    for parser in (take_in, listing, remove):
        parser.add_argument("--config", type=Path, required=True, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="for programs")


def _guarded(run: Callable[[argparse.Namespace, Settings], int]) -> Callable[[argparse.Namespace], int]:
    def guarded(parsed: argparse.Namespace) -> int:
        try:
            return run(parsed, load(parsed.config))
        except (VerbError, ControlError) as error:
            sys.stderr.write(f"tdgate: {error}\n")
            return 2 if error.usage else 1
        except DocumentError as error:
            sys.stderr.write(f"tdgate: {error}\n")
            return 1

    return guarded


def _folder(settings: Settings) -> Path:
    return settings.path(settings.store.database).with_name(DONOTCALL_FOLDER)


def _listed(parsed: argparse.Namespace) -> ListedAs:
    if LIST_NAME.fullmatch(parsed.name) is None:
        raise VerbError("name: letters, digits, - and _, at most 64", usage=True)
    try:
        purposes = str(fields.PURPOSES.read(parsed.purposes)).split(",")
        channels = str(fields.CHANNEL_SET.read(parsed.channels)).split(",")
        dated = dates.parse_date(parsed.dated).isoformat()
    except ValueError as error:
        raise VerbError(str(error), usage=True) from error
    bits = 0
    for (purpose, channel), bit in PURPOSE_BITS.items():
        bits |= bit if purpose in purposes and channel in channels else 0
    if not bits:
        raise VerbError("purposes: only marketing and collection can be closed", usage=True)
    return ListedAs(parsed.name, bits, dated, parsed.source)


def _import(parsed: argparse.Namespace, settings: Settings) -> int:
    listed = _listed(parsed)
    key = secret_for(settings.path(settings.store.database), settings.path(settings.store.person_key)).person_key
    rows = DonotcallRows(key.key_id)
    with counting("reading") as progress:
        right, problems = _read(parsed.file, key, rows, parsed.encoding, progress)
    # WHY not an empty one: it would take the former list's place, and everybody on it would be forgotten.
    done = right > 0 and (not problems or parsed.partial)
    former = _persons_of(settings, key.ids, listed.name) if done and not parsed.smaller else 0
    if right * 2 < former:
        # WHY: a file that was cut off on its way would open everybody who is missing in it.
        raise VerbError(f"{listed.name}: has {former} persons now, the file {right}; say --smaller if that is right")
    result: dict[str, Any] = {"right": right, "wrong": len({one.row for one in problems}), "imported": done}
    if done:
        with counting("sorting and writing") as progress:
            result["persons"] = rows.write(_folder(settings), listed, progress)
        result |= StoreAccess(settings).ask("donotcall.load", {"cause": listed.name})
    if parsed.json:
        result["problems"] = [msgspec.structs.asdict(one) for one in problems]
    elif problems:
        show_problems(problems)
    show(result, as_json=parsed.json)
    return 0 if done else 1


def _persons_of(settings: Settings, key_ids: tuple[int, ...], name: str) -> int:
    """How many persons a list has that stands; 0 where none of that name can be read."""
    try:
        told, _ = load_donotcall(_folder(settings), key_ids)
    except BaseError:
        return 0
    return next((one.persons for one in told if one.name == name), 0)


def _read(
    path: Path, key: PersonKey, rows: DonotcallRows, encoding: str | None, progress: Callable[[int], None]
) -> tuple[int, list[Problem]]:
    problems: list[Problem] = []
    right = count = 0
    digest, add = key.newest, rows.add
    found = number_rows(path, {"number": NUMBER}, encoding or detect_encoding(path))
    for count, (line, (number,), reason) in enumerate(found, 1):
        if count % _TELL_EVERY == 0:
            progress(count)
        if reason:
            problems.append(Problem("donotcall", line, "", reason))
            continue
        try:
            add(digest(written_recipient(number)))
            right += 1
        except ValueError as error:
            problems.append(Problem("donotcall", line, "number", str(error)))
    progress(count)
    return right, problems


def _list(parsed: argparse.Namespace, settings: Settings) -> int:
    secret = load_secret(settings.path(settings.store.database), settings.path(settings.store.person_key))
    told, _ = load_donotcall(_folder(settings), secret.person_key.ids)
    rows = [
        {
            "name": one.name,
            "persons": one.persons,
            "closes": bit_names(one.bits),
            "dated": one.dated,
            "source": one.source,
        }
        for one in told
    ]
    show({"rows": rows, "total": len(rows)}, as_json=parsed.json)
    return 0


def _remove(parsed: argparse.Namespace, settings: Settings) -> int:
    if not remove_donotcall(_folder(settings), parsed.name):
        raise VerbError(f"{parsed.name}: no such list; see tdgate donotcall list")
    show(
        {"removed": parsed.name, **StoreAccess(settings).ask("donotcall.load", {"cause": parsed.name})},
        as_json=parsed.json,
    )
    return 0
