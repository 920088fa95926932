"""Where `tdgate explain` takes its registry from: the store of a configuration, read-only beside a running proxy.

Owns that reading and nothing else. Of all persons only the one who is asked about is read.
"""

import asyncio
import time
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from proxy.core.call_codes import CallCodes, load_call_codes
from proxy.core.codes import CodeMaps, load_codes
from proxy.core.contacts import Contacts
from proxy.core.persons import PersonIndex, index_key
from proxy.core.snapshot import Snapshot, notice_of
from proxy.counting import caps_of
from proxy.registry.content_words import read_reader, read_vocabulary
from proxy.registry.keys import load_person_key
from proxy.registry.packs import find_config, read_shelf
from proxy.registry.snapshots import build_snapshot
from proxy.settings import Settings, load, read_toml
from proxy.store.contact_log import count_from
from proxy.store.donotcall_file import DONOTCALL_FOLDER, load_donotcall
from proxy.store.reader import StoreReader, open_reader, signed


class Source(Struct, frozen=True):
    """What an explanation needs: the registry as the policy reads it, and the codes of refusals."""

    snapshot: Snapshot
    codes: CodeMaps
    call_codes: CallCodes


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


async def _index(reader: StoreReader, table: str, keys: list[int]) -> PersonIndex:
    index = PersonIndex()
    for key in keys:
        for (value,) in await reader.fetch(f"SELECT value FROM {table} WHERE key = ?", (signed(key),)):
            index.put(key, value)
    return index


async def _read(settings: Settings, account: str, recipient: str | None) -> Source:
    pack, shelf = read_shelf(settings.policy.pack, settings.policy.packs, settings.policy.region)
    contacts = Contacts(caps_of(pack, shelf), settings.policy.contacts_most)
    codes = load_codes(read_toml(find_config("codes", settings.policy.codes)))
    call_codes = load_call_codes(read_toml(find_config("codes", settings.policy.call_codes)))
    reader = read_reader(settings.policy.content, read_vocabulary(settings.policy.vocabulary))
    person_key = load_person_key(settings.path(settings.store.person_key)).person_key
    opened = await open_reader(settings.path(settings.store.database))
    try:
        rows = await opened.fetch("SELECT principal, operator FROM accounts WHERE id = ?", (account,))
        if not rows:
            raise UnknownAccountError(f"no account {account}")
        digest = None if recipient is None else person_key.digest(recipient)
        principal, operator = str(rows[0][0]), str(rows[0][1])
        salts = (principal, notice_of(principal, operator))
        keys = [] if digest is None else [index_key(digest, person_key.salt(salted)) for salted in salts]
        # What holds for all institutions stands under no salt.
        keys += [] if digest is None else [index_key(digest, 0)]
        states = ("suppression_state", "consent_state", "debtor_state", "notice_state", "preference_state")
        lists = settings.path(settings.store.database).with_name(DONOTCALL_FOLDER)
        _, donotcall = await asyncio.to_thread(load_donotcall, lists, person_key.key_id)
        source = _OnePerson(opened, {state: await _index(opened, state, keys) for state in states}, donotcall)
        if contacts.tables:
            count_from(settings.path(settings.policy.contacts), person_key.key_id, contacts, time.time())
        snapshot = replace(await build_snapshot(source, person_key, pack, reader), shelf=shelf, contacts=contacts)
        return Source(snapshot, codes, call_codes)
    finally:
        await opened.close()


def registry_of(config: Path, account: str, recipient: str | None) -> Source:
    """The registry of a configuration, with one person; raises UnknownAccountError,
    SettingsError, StoreError, PersonKeyError."""
    return asyncio.run(_read(load(config), account, recipient))
