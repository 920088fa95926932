"""How a command reaches the store: read-only beside its owner, through the owner's socket, or as the owner itself.

Owns that choice and nothing else. Must never open the store for writing while a proxy runs: the lock forbids it, and
the socket is tried first.
"""

import asyncio
import getpass
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from proxy.commands.kept_documents import keep_document
from proxy.control import NotRunningError, call
from proxy.core.bound import bound
from proxy.registry.access_verbs import LOOK, looked_up, shows_persons
from proxy.registry.acts import BY
from proxy.registry.documents import read_rows
from proxy.registry.importing import Known, Report, RowCheck, check_rows
from proxy.registry.keys import PersonSecret
from proxy.registry.liaisons import in_office
from proxy.registry.packs import read_shelf
from proxy.registry.ports import StoreError
from proxy.registry.tables import KNOWN_TABLES, TABLES
from proxy.registry.verb import Args, VerbContext
from proxy.registry.verbs import VERBS, now_us, perform
from proxy.settings import Settings
from proxy.store.key_state import load_secret, secret_for
from proxy.store.lock import OwnedError
from proxy.store.opening import open_owner
from proxy.store.reader import open_reader
from proxy.store.staging import StagedImport
from proxy.store.standing import StandingRecords

_CONTROL_SOCKET: Final = "control.sock"


def _user() -> str:
    """Who gives the command, as the system knows them: the name, else the number."""
    try:
        return f"os user {getpass.getuser()}"
    except (KeyError, OSError):  # nobody in the list of users
        return f"os user {os.getuid()}"


class ImportRequest(Struct, frozen=True):
    """A file to import or to check: `table` for CSV, `partial` takes the right rows of a file with wrong ones."""

    path: Path
    table: str | None = None
    encoding: str | None = None
    partial: bool = False


class StoreAccess:
    """The store of one configuration, for one command."""

    def __init__(self, settings: Settings) -> None:
        self._database = settings.path(settings.store.database)
        self._key = settings.path(settings.store.person_key)
        self._socket = settings.path(_CONTROL_SOCKET)
        self._imports = self._database.with_name("imports")
        self._documents = settings.path("documents")
        self._policy = settings.policy

    def ask(self, verb: str, args: Args) -> dict[str, Any]:
        """Performs a verb where it has to be; raises VerbError, ControlError, StoreError, PersonKeyError."""
        if VERBS[verb].access == "read":
            if shows_persons(verb, args) and self._database.exists():
                # INVARIANT: noted before anything is shown; where it cannot be, nothing is (J13).
                self.ask(LOOK, looked_up(verb, args, _user()))
            return asyncio.run(self._read(verb, args))
        if BY in VERBS[verb].fields:
            args = {BY.name: _user(), **args}
        try:
            return call(self._socket, verb, args)
        except NotRunningError:
            return asyncio.run(self._own(verb, args))

    async def _read(self, verb: str, args: Args) -> dict[str, Any]:
        reader = await open_reader(self._database)
        try:
            secret = load_secret(self._database, self._key)
            return await perform(VerbContext(reader, None, secret, now_us, self._imports), verb, args)
        finally:
            await reader.close()

    async def _own(self, verb: str, args: Args) -> dict[str, Any]:
        secret = self._secret()
        try:
            owner = await open_owner(self._database, secret)
        except OwnedError as error:
            raise StoreError(f"{error}, which does not answer on {self._socket.name}; try again") from error
        try:
            return await perform(VerbContext(owner, owner, secret, now_us, owner.imports), verb, args)
        finally:
            await owner.close()

    def _secret(self) -> PersonSecret:
        return secret_for(self._database, self._key)

    def check(self, request: ImportRequest, progress: Callable[[int], None]) -> Report:
        """Reads a file and says what is wrong with it; nothing is written. Raises DocumentError, StoreError."""
        return self._checked(request, None, self._secret(), progress)

    def take_in(self, request: ImportRequest, progress: Callable[[int], None]) -> tuple[Report, dict[str, Any] | None]:
        """Imports a file: its report, and what changed, None where nothing was imported because rows are wrong.

        Raises DocumentError, StoreError, ControlError.
        """
        report, staged = self.stage(request, progress)
        if staged is None:
            return report, None
        try:
            return report, self.adopt(staged)
        finally:
            staged.discard()

    def stage(self, request: ImportRequest, progress: Callable[[int], None]) -> tuple[Report, StagedImport | None]:
        """The first half of an import: checks a file and writes what the owner takes over, None where rows are wrong.

        The caller discards what it was given. Raises DocumentError, StoreError.
        """
        secret = self._secret()
        staged = StagedImport.beside(self._imports, secret.key_id)
        try:
            report = self._checked(request, staged, secret, progress)
            if report.problems and not (request.partial and report.right):
                staged.discard()
                return report, None
            staged.finish()
        except BaseException:
            staged.discard()
            raise
        return report, staged

    def adopt(self, staged: StagedImport) -> dict[str, Any]:
        """The second half: has the owner take over what was staged. Raises StoreError, ControlError."""
        return self.ask("registry.adopt", {"staged": staged.path.name})

    def _checked(
        self, request: ImportRequest, staged: StagedImport | None, secret: PersonSecret, progress: Callable[[int], None]
    ) -> Report:
        known = asyncio.run(self._known())
        standing = StandingRecords(self._database) if self._database.exists() else None
        try:
            check = RowCheck(known, secret, now_us(), standing)
            return check_rows(read_rows(request.path, request.table, request.encoding), check, staged, progress)
        finally:
            if standing is not None:
                standing.close()

    async def _known(self) -> Known:
        now = now_us() // 1_000_000
        policy = self._policy
        pack, shelf = read_shelf(policy.pack, policy.packs, policy.region)

        @cache
        def asks(region: str) -> bool:
            return bound(pack, shelf, "", (region,), now).strictest.liaison_required

        if not self._database.exists():
            return Known(asks_liaison=asks)
        reader = await open_reader(self._database)
        try:
            ids = {table: await reader.ids(table) for table in KNOWN_TABLES}
            names = TABLES["institutions"].names
            at, where = names.index("id"), names.index("region")
            regions = {str(row[at]): str(row[where]) async for rows in reader.rows("institutions") for row in rows}
            columns = TABLES["telecoms"].names
            telecoms = {
                str(row[columns.index(name)]): str(row[columns.index("region")])
                async for rows in reader.rows("telecoms")
                for row in rows
                for name in ("id", "name")
            }
            return Known(ids, await in_office(reader, now), regions, asks, telecoms)
        finally:
            await reader.close()

    def keep(self, documents: list[str]) -> list[str]:
        """Documents given as NAME=FILE, kept in the state folder under their hash: NAME=SHA256. Raises VerbError."""
        return [keep_document(self._documents, written) for written in documents]
