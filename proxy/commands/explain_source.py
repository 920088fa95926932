"""Where `tdgate explain` takes its registry from: the store of a configuration, read-only beside a running proxy.

Owns that reading and nothing else. Of all persons only the one who is asked about is read. A recorded decision names
that one by a keyed hash only: then what is known of them stands in the snapshot under a number that nobody has, so that
the policy can be asked as ever and nobody's number is needed.
"""

import asyncio
import time
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proxy.commands.explain_ledger import campaigns_of, ledger_of
from proxy.core.call_codes import CallCodes, load_call_codes
from proxy.core.codes import CodeMaps, load_codes
from proxy.core.contacts import Contacts
from proxy.core.persons import PersonIndex, PersonKey, index_key
from proxy.core.snapshot import Snapshot, notice_of
from proxy.counting import caps_of
from proxy.explaining.seen import Ledger
from proxy.explaining.shape import Campaign
from proxy.registry.content_words import read_reader, read_vocabulary
from proxy.registry.packs import find_config, read_shelf
from proxy.registry.snapshots import build_snapshot
from proxy.settings import Settings, load, read_toml
from proxy.store.contact_log import count_of_person
from proxy.store.donotcall_file import DONOTCALL_FOLDER, load_donotcall
from proxy.store.key_state import load_secret
from proxy.store.reader import StoreReader, open_reader, signed

#: Stands for a recorded person: a mobile number of no network.
STAND_IN: Final = "8612000000000"
_STATES: Final = ("suppression_state", "consent_state", "debtor_state", "notice_state", "preference_state")


class Source(Struct, frozen=True):
    """What an explanation needs: the registry as the policy reads it, the codes of refusals, what the ledgers say."""

    snapshot: Snapshot
    codes: CodeMaps
    call_codes: CallCodes
    ledger: Ledger = {}
    campaigns: tuple[Campaign, ...] = ()
    #: Whether the recorded person can be looked up: the record is of another key of persons where not.
    knows_person: bool = True
    #: From when on (UTC seconds) every contact is still on record.
    contacts_since: float = 0.0


class Recorded(Struct, frozen=True):
    """Whom a recorded decision is about (`person` with the key's id), and when it was (UTC seconds)."""

    person: bytes
    key_id: int
    at: float


class UnknownAccountError(Exception):
    """The registry has no such account."""


class _OnePerson(StoreReader):
    """A reader whose indexes hold the person who is asked about, and nobody else."""

    def __init__(
        self, opened: StoreReader, indexes: dict[str, PersonIndex], donotcall: tuple[PersonIndex, ...]
    ) -> None:
        super().__init__(opened._connection, opened._name)
        self.suppressions_index = indexes["suppression_state"]
        self.consents_index = indexes["consent_state"]
        self.debtors_index = indexes["debtor_state"]
        self.notices_index = indexes["notice_state"]
        self.preferences_index = indexes["preference_state"]
        self.donotcall = donotcall


class _Keys(Struct, frozen=True):
    """The person's keys as they stand on record, and under which the snapshot is to have them."""

    digest: bytes
    shown: bytes

    def under(self, salt: int) -> tuple[int, int]:
        """(key on record, key in the snapshot) for one salt; 0 is that of no institution."""
        return index_key(self.digest, salt), index_key(self.shown, salt)


async def _index(reader: StoreReader, table: str, keys: list[tuple[int, int]]) -> PersonIndex:
    index = PersonIndex()
    for key, shown in keys:
        for (value,) in await reader.fetch(f"SELECT value FROM {table} WHERE key = ?", (signed(key),)):
            index.put(shown, value)
    return index


def _listed(lists: tuple[PersonIndex, ...], keys: _Keys | None) -> tuple[PersonIndex, ...]:
    found = []
    for listed in lists:
        index = PersonIndex()
        if keys is not None:
            key, shown = keys.under(0)
            index.put(shown, listed.get(key))
        found.append(index)
    return tuple(found)


def _keys(person_key: PersonKey, recipient: str | None, recorded: Recorded | None) -> _Keys | None:
    if recorded is not None:
        known = recorded.person and recorded.key_id == person_key.settled_id
        return _Keys(recorded.person, person_key.digest(STAND_IN)) if known else None
    if recipient is None:
        return None
    digest = person_key.digest(recipient)
    return _Keys(digest, digest)


async def _read(settings: Settings, account: str, recipient: str | None, recorded: Recorded | None) -> Source:
    pack, shelf = read_shelf(settings.policy.pack, settings.policy.packs, settings.policy.region)
    contacts = Contacts(caps_of(pack, shelf), settings.policy.contacts_most)
    codes = load_codes(read_toml(find_config("codes", settings.policy.codes)))
    call_codes = load_call_codes(read_toml(find_config("codes", settings.policy.call_codes)))
    reader = read_reader(settings.policy.content, read_vocabulary(settings.policy.vocabulary))
    database = settings.path(settings.store.database)
    person_key = load_secret(database, settings.path(settings.store.person_key)).person_key
    opened = await open_reader(settings.path(settings.store.database))
    try:
        rows = await opened.fetch("SELECT principal, operator FROM accounts WHERE id = ?", (account,))
        if not rows:
            raise UnknownAccountError(f"no account {account}")
        principal, operator = str(rows[0][0]), str(rows[0][1])
        keys = _keys(person_key, recipient, recorded)
        salts = (person_key.salt(principal), person_key.salt(notice_of(principal, operator)), 0)
        # What holds for all institutions stands under no salt.
        wanted = [] if keys is None else [keys.under(salt) for salt in salts]
        lists = settings.path(settings.store.database).with_name(DONOTCALL_FOLDER)
        _, donotcall = await asyncio.to_thread(load_donotcall, lists, person_key.ids)
        indexes = {state: await _index(opened, state, wanted) for state in _STATES}
        source = _OnePerson(opened, indexes, _listed(donotcall, keys))
        now = time.time()
        if contacts.tables and keys is not None:
            folder, key_ids = settings.path(settings.policy.contacts), person_key.ids
            key, shown = keys.under(salts[0])
            if recorded is None:
                count_of_person(folder, key_ids, contacts, (key, shown), now)
            else:
                count_of_person(folder, key_ids, contacts, (key, shown), recorded.at, before=recorded.at)
        snapshot = replace(await build_snapshot(source, person_key, pack, reader), shelf=shelf, contacts=contacts)
        ledger = {} if keys is None else await ledger_of(opened, keys.digest, principal)
        return Source(
            snapshot,
            codes,
            call_codes,
            ledger,
            await campaigns_of(opened, principal),
            keys is not None,
            now - contacts.horizon_s,
        )
    finally:
        await opened.close()


def registry_of(config: Path, account: str, recipient: str | None) -> Source:
    """The registry of a configuration, with one person; raises UnknownAccountError,
    SettingsError, StoreError, PersonKeyError."""
    return asyncio.run(_read(load(config), account, recipient, None))


def registry_for(settings: Settings, account: str, recorded: Recorded) -> Source:
    """The registry of today with a recorded person under `STAND_IN`; raises as `registry_of`."""
    return asyncio.run(_read(settings, account, None, recorded))
