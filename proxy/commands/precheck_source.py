"""What would become of a list, row by row: the policy asked as a send would ask it, in a process of its own.

Owns the reading of the registry and of the persons who are asked about, and nobody else's. Must never send, record,
count a contact or reserve anything, nor decide anything itself: each answer is `evaluate`'s. Without a text, rules that
read one are not asked; all others are, the sending number's too, so that nothing is told that a send would not tell.
"""

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from proxy.core import addresses
from proxy.core.contacts import Contacts
from proxy.core.decision import Permit
from proxy.core.persons import PersonIndex, PersonKey, index_key
from proxy.core.purposes import Channel, Purpose
from proxy.core.records import Account
from proxy.core.request import Request
from proxy.core.snapshot import Snapshot, notice_of
from proxy.counting import caps_of
from proxy.policy import evaluate
from proxy.registry.content_words import read_reader, read_vocabulary
from proxy.registry.packs import read_shelf
from proxy.registry.ports import VerbError
from proxy.registry.snapshots import build_snapshot
from proxy.rules.rule import Rule
from proxy.rules.table import RULES
from proxy.settings import Settings
from proxy.store.contact_log import count_of_persons
from proxy.store.donotcall_file import DONOTCALL_FOLDER, load_donotcall
from proxy.store.key_state import load_secret
from proxy.store.reader import StoreReader, open_reader, signed

PERMITTED: Final = "permitted"
_STATES: Final = {
    "suppression_state": "suppressions_index",
    "consent_state": "consents_index",
    "debtor_state": "debtors_index",
    "notice_state": "notices_index",
    "preference_state": "preferences_index",
}
_AT_ONCE: Final = 2000
#: In no library: a sending number has at least three digits of its own.
_NOBODYS: Final = "000"
_OF_TEXTS: Final = ("content.", "template.")


class Asked(Struct, frozen=True):
    """What a list is for. `principal` is whose list it is; without `account` the only one that fits, without `sender`
    a number of the library that it may use. `sender` is as a person writes it.
    """

    channel: Channel
    purpose: Purpose
    principal: str = ""
    account: str = ""
    sender: str = ""
    text: str = ""


class _Reader(StoreReader):
    """A reader whose indexes hold those who are asked about, and nobody else."""

    suppressions_index: PersonIndex
    consents_index: PersonIndex
    debtors_index: PersonIndex
    notices_index: PersonIndex
    preferences_index: PersonIndex
    donotcall: tuple[PersonIndex, ...]

    def __init__(self, opened: StoreReader, donotcall: tuple[PersonIndex, ...]) -> None:
        super().__init__(opened._connection, opened._name)
        self.donotcall = donotcall
        for attribute in _STATES.values():
            setattr(self, attribute, PersonIndex())

    async def load(self, keys: Iterator[int]) -> None:
        while part := list(islice(keys, _AT_ONCE * 3)):
            wanted = json.dumps([signed(key) for key in part])
            for table, attribute in _STATES.items():
                index: PersonIndex = getattr(self, attribute)
                sql = f"SELECT key, value FROM {table} WHERE key IN (SELECT value FROM json_each(?))"
                for key, value in await self.fetch(sql, (wanted,)):
                    index.put(key + (1 << 63), value)


class Prechecking:
    """One list. Use `open`, then `results`."""

    def __init__(self, snapshot: Snapshot, account: Account, asked: Asked, sender: str) -> None:
        self._snapshot = snapshot
        self._asked = asked
        self._sender = sender
        self._rules: tuple[Rule, ...] = RULES
        self.account: Final = account
        if asked.channel == "sms" and not asked.text:
            self._rules = tuple(rule for rule in RULES if not rule.id.startswith(_OF_TEXTS))

    @classmethod
    async def open(
        cls, settings: Settings, asked: Asked, recipients: Sequence[str], allowed: Callable[[str, str], None]
    ) -> "Prechecking":
        """Reads what is needed; raises VerbError, SettingsError, StoreError, PersonKeyError."""
        policy = settings.policy
        pack, shelf = read_shelf(policy.pack, policy.packs, policy.region)
        words = read_reader(policy.content, read_vocabulary(policy.vocabulary))
        database = settings.path(settings.store.database)
        key = load_secret(database, settings.path(settings.store.person_key)).person_key
        _, donotcall = await asyncio.to_thread(load_donotcall, database.with_name(DONOTCALL_FOLDER), key.ids)
        opened = await open_reader(database)
        try:
            reader = _Reader(opened, donotcall)
            snapshot = await build_snapshot(reader, key, pack, words)
            account = _account_of(snapshot, asked)
            await asyncio.to_thread(allowed, account.principal, account.id)
            salts = (key.salt(account.principal), key.salt(notice_of(account.principal, account.operator)), 0)
            await reader.load(_keys(key, recipients, salts))
            sender = await _sender_of(opened, account, asked)
        finally:
            await opened.close()
        contacts = Contacts(caps_of(pack, shelf), policy.contacts_most)
        if contacts.tables:
            wanted = {
                index_key(each, salts[0]) for one in recipients for each in (key.digest(one), key.other(one)) if each
            }
            folder = settings.path(policy.contacts)
            await asyncio.to_thread(count_of_persons, folder, key.ids, contacts, wanted, time.time())
        snapshot = replace(snapshot, shelf=shelf, contacts=contacts)
        return cls(snapshot, account, asked, sender)

    def results(self, recipients: Sequence[str], progress: Callable[[int], None]) -> Iterator[str]:
        """`permitted`, or the rule that would refuse, for each."""
        readings = (self._asked.text,) if self._asked.text else ()
        for count, recipient in enumerate(recipients, 1):
            now = time.time()
            request = Request(
                id=0,
                channel=self._asked.channel,
                account=self.account,
                sender=self._sender,
                recipient=recipient,
                readings=readings,
                octets=b"",
                received_at=now,
                purpose=self._asked.purpose,
            )
            verdict = evaluate(request, self._snapshot, now, self._rules)
            yield PERMITTED if isinstance(verdict, Permit) else verdict.decision.rule
            if count % _AT_ONCE == 0:
                progress(count)


def _keys(key: PersonKey, recipients: Sequence[str], salts: tuple[int, ...]) -> Iterator[int]:
    for recipient in recipients:
        digest = key.digest(recipient)
        for salt in salts:
            yield index_key(digest, salt)


def _account_of(snapshot: Snapshot, asked: Asked) -> Account:
    """The account that would send; raises VerbError. Another institution's is as none."""
    if asked.account:
        found = snapshot.accounts.get(asked.account)
        if found is None or (asked.principal and found.principal != asked.principal):
            raise VerbError(f"account: no account {asked.account} of {asked.principal or 'anybody'}")
        return found
    fitting = [
        one for one in snapshot.accounts.values() if one.principal == asked.principal and asked.purpose in one.purposes
    ]
    if len(fitting) != 1:
        named = ", ".join(sorted(one.id for one in fitting)) or "none"
        raise VerbError(f"account: name one of {asked.principal} for {asked.purpose}: {named}", usage=True)
    return fitting[0]


async def _sender_of(reader: StoreReader, account: Account, asked: Asked) -> str:
    """The number that would send. Where the library has none for it, one that nobody has: the policy refuses it."""
    if asked.sender:
        octets = asked.sender.encode()
        found = addresses.sender(addresses.TON_UNKNOWN, 1, octets)
        if found is None and asked.channel == "sms":
            found = addresses.sender(addresses.TON_ALPHANUMERIC, 0, octets)
        if found is None:
            raise VerbError("from: not a sending number", usage=True)
        return found
    now = int(time.time())
    rows = await reader.fetch(
        "SELECT address, channels, purposes FROM numbers WHERE principal = ? AND operator = ? AND since <= ? "
        "AND until > ? ORDER BY disposed, address",
        (account.principal, account.operator, now, now),
    )
    for address, channels, purposes in rows:
        if asked.channel in channels.split(",") and asked.purpose in purposes.split(","):
            return str(address)
    return _NOBODYS


def run(
    settings: Settings,
    asked: Asked,
    recipients: Sequence[str],
    progress: Callable[[int], None],
    allowed: Callable[[str, str], None],
) -> list[str]:
    """All results. `allowed` is asked with principal and account before anybody is looked up, and raises to end it.

    Raises as `Prechecking.open`.
    """
    return list(asyncio.run(Prechecking.open(settings, asked, recipients, allowed)).results(recipients, progress))
