"""Checks registry files row by row, and makes of every right row what a store keeps.

Owns the meaning of a file: periods, references, who may operate a number, what a refusal or consent closes or opens.
Must never let a wrong row in, stop at the first error, or write to a store: right rows go to a stage, which the caller
takes over or throws away. Reasons never repeat a person's number or a password.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

from msgspec import Struct

from proxy.core.persons import index_key
from proxy.core.preferences import preference
from proxy.core.purposes import OBJECTION
from proxy.core.records import FOREVER
from proxy.core.snapshot import notice_of
from proxy.registry import passwords
from proxy.registry.contradictions import bits_of, contradictions, declined_of, minutes_of
from proxy.registry.dates import day_number
from proxy.registry.documents import REVISION, RawRow
from proxy.registry.fields import SqlValue, whole
from proxy.registry.keys import PersonSecret
from proxy.registry.ports import Row
from proxy.registry.standing import Nothing, Periods, Standing
from proxy.registry.table import Column, Reference, Table
from proxy.registry.tables import KNOWN_TABLES, RECORD_TABLES, TABLES

_BUFFER_ROWS: Final = 1000
_RECORDS: Final = frozenset(table.name for table in RECORD_TABLES)
_READ_REVISION: Final = whole(1, 1 << 62)
#: Only the wire makes refusals that a START of the person lifts; an imported one stays (Z16).
_WIRE_SOURCE: Final = "reply"


class Problem(Struct, frozen=True):
    """Why a row is wrong. `column` is empty where the row as such is."""

    table: str
    row: int
    column: str
    reason: str


class Known(Struct, frozen=True):
    """What the registry already has: ids per table (`KNOWN_TABLES`), and for `telecoms` their names besides.

    `liaisons` are the institutions with a liaison officer today, `regions` where institutions are, `telecom_regions`
    where telecom enterprises are, by id and by name; `asks_liaison` tells whether the packs that bind a region ask for
    one.
    """

    ids: dict[str, set[str]] = {}
    liaisons: frozenset[str] = frozenset()
    regions: dict[str, str] = {}
    asks_liaison: Callable[[str], bool] = lambda _: False
    telecom_regions: dict[str, str] = {}

    def has(self, table: str, name: str) -> bool:
        return name in self.ids.get(table, ())


class Stage(Protocol):
    """Where right rows go."""

    def add(self, table: str, rows: Iterable[Row]) -> int: ...


class Report(Struct):
    """What a file holds: right rows per table, and every problem in the order of the file."""

    right: dict[str, int]
    problems: list[Problem]


class RowFault(Exception):
    """A row is wrong for one or more reasons: (column, reason)."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


class RowCheck:
    """Turns raw rows into a store's rows, one after the other, remembering what was named before."""

    def __init__(self, known: Known, secret: PersonSecret, now_us: int, standing: Standing | None = None) -> None:
        self._known = known
        self._standing: Standing = standing or Nothing()
        self._periods = Periods(self._standing)
        self._secret = secret
        self._now_us = now_us
        self._named: dict[str, set[str]] = {table: set() for table in KNOWN_TABLES}
        self._keys: dict[tuple[str, ...], int] = {}
        self._salts: dict[str, int] = {}
        self._liaisons = set(known.liaisons)
        self._regions = dict(known.regions)
        self._telecom_regions = dict(known.telecom_regions)

    def check(self, raw: RawRow) -> Row:
        """The store's row; raises RowFault with every reason."""
        if raw.fault:
            raise RowFault([("", raw.fault)])
        table = TABLES[raw.table]
        values, faults = _values(table, raw.fields)
        if table.name == "accounts":
            faults += self._password(raw.fields, values)
        if not faults:
            faults = [*self._references(table, values), *contradictions(table.name, values, self._now_us)]
        based_on: SqlValue = None
        if not faults and table.name in _RECORDS:
            based_on, faults = self._based_on(table, values, raw.fields.get(REVISION))
        if not faults and table.key:
            faults = (
                self._periods.faults(values, raw.row) if table.name == "numbers" else self._once(table, values, raw.row)
            )
        if faults:
            raise RowFault(faults)
        if table.name == "liaisons" and int(values["since"] or 0) <= self._now_us // 1_000_000 < int(
            values["until"] or 0
        ):
            self._liaisons.add(str(values["institution"]))
        if table.name == "institutions":
            self._regions[str(values["id"])] = str(values["region"])
        if table.name in self._named:
            self._named[table.name].add(str(values["id"]))
            if table.name == "telecoms":
                self._named[table.name].add(str(values["name"]))
                self._telecom_regions |= dict.fromkeys((str(values["id"]), str(values["name"])), str(values["region"]))
        return (*values.values(), based_on) if table.name in _RECORDS else self._row(table, values)

    def _based_on(
        self, table: Table, values: dict[str, SqlValue], written: Any
    ) -> tuple[SqlValue, list[tuple[str, str]]]:
        """The revision that a row says it is based on; a fault where somebody changed the record since."""
        if written is None or written == "":
            return None, []
        try:
            revision = _READ_REVISION.read(written)
        except ValueError as error:
            return None, [(REVISION, str(error))]
        found = self._standing.changed(table.name, [values[name] for name in table.key])
        if found is None or found[0] == revision:
            return revision, []
        return None, [(REVISION, f"changed since by {found[1]} {found[0]}; read the record again")]

    def _password(self, written: dict[str, Any], values: dict[str, SqlValue]) -> list[tuple[str, str]]:
        password, kept = written.get("password"), values.get("password_hash")
        if password and kept:
            return [("password", "give password or password_hash, not both")]
        try:
            if password:
                values["password_hash"] = passwords.hash_password(passwords.checked_password(password))
            elif kept == passwords.NO_PASSWORD:
                values["password_hash"] = passwords.hash_of_nothing()
            elif kept:
                passwords.checked_hash(kept)
            elif not self._known.has("accounts", str(values.get("id"))):
                return [("password", "missing; a new account needs password or password_hash (none: it binds nowhere)")]
        except ValueError as error:
            return [("password" if password else "password_hash", str(error))]
        return []

    def _references(self, table: Table, values: dict[str, SqlValue]) -> list[tuple[str, str]]:
        faults = []
        for reference in table.references:
            kept = str(values[reference.column])
            unknown = [
                name
                for name in (kept.split("\n") if reference.listed else (kept,))
                if name and not self._refers(reference, name)
            ]
            where = " or ".join(reference.tables)
            faults += [(reference.column, f"{name}: none of {where} has this id") for name in unknown]
        if table.name == "numbers" and not values["disposed"]:
            faults += self._unspoken(str(values["principal"]), str(values["telecom"]))
        if not faults and "principal" in values and values["operator"] != values["principal"]:
            operator = str(values["operator"])
            if operator not in self._named["partners"] and not self._known.has("partners", operator):
                faults.append(("operator", f"{operator}: must be the principal itself or a partner"))
        return faults

    def _unspoken(self, institution: str, telecom: str) -> list[tuple[str, str]]:
        """J19: who has nobody to speak for it brings no number into use, where a pack asks that binds the institution,
        or the telecom enterprise that owns the number.
        """
        where = (self._regions.get(institution, ""), self._telecom_regions.get(telecom, ""))
        if institution in self._liaisons or not any(self._known.asks_liaison(region) for region in where):
            return []
        return [("principal", f"{institution} has no liaison officer today; name one in liaisons, or hand over")]

    def _refers(self, reference: Reference, name: str) -> bool:
        if any(name in self._named[target] or self._known.has(target, name) for target in reference.tables):
            return True
        # WHY: a registry of before has no telecom enterprises, only their names.
        return reference.by_name and not any(self._named[one] or self._known.ids.get(one) for one in reference.tables)

    def _once(self, table: Table, values: dict[str, SqlValue], row: int) -> list[tuple[str, str]]:
        key = (table.name, *(str(values[name]) for name in table.key))
        first = self._keys.setdefault(key, row)
        return [] if first == row else [(table.key[0], f"the same {' + '.join(table.key)} as row {first}")]

    def _row(self, table: Table, values: dict[str, SqlValue]) -> Row:
        if table.name == "consents":
            return self._consent(values)
        if table.name == "suppressions":
            return self._suppression(values)
        if table.name == "objections":
            return self._objection(values)
        if table.name == "debtors":
            about = (values["role"], values["source"], values["document_hash"], self._now_us)
            return (values["verified"], *self._person(values), values["institution"], *about)
        if table.name == "debtor_notices":
            return self._notice(values)
        if table.name == "preferences":
            return self._preference(values)
        return tuple(values.values())

    def _person(self, values: dict[str, SqlValue]) -> tuple[int, bytes, int, bytes]:
        """key, person, key_id and number of a ledger's row."""
        number, institution = str(values["recipient"]), str(values["institution"])
        if "partner" in values:
            institution = notice_of(institution, str(values["partner"]))
        person = self._secret.person_key.digest(number)
        # WHY 0: what a person prefers of all institutions stands under no salt.
        salt = self._salts.get(institution) if institution else 0
        if salt is None:
            salt = self._salts[institution] = self._secret.person_key.salt(institution)
        key = index_key(person, salt) - (1 << 63)
        return key, person, self._secret.person_key.id_for(number), self._secret.seal(number, person)

    def _consent(self, values: dict[str, SqlValue]) -> Row:
        until = values["until"]
        until_day = day_number(FOREVER if until is None else int(until))
        about = (values["basis"], values["product"], values["source"], values["proof_hash"], self._now_us)
        ended = (values["withdrawn"], values["withdrawn_source"])
        who = self._person(values)
        return (values["given"], *who, values["institution"], bits_of(values), until_day, *about, *ended)

    def _notice(self, values: dict[str, SqlValue]) -> Row:
        about = (values["way"], values["source"], values["document_hash"], self._now_us)
        return (values["at"], *self._person(values), values["institution"], values["partner"], *about)

    def _preference(self, values: dict[str, SqlValue]) -> Row:
        value = preference(declined_of(values), minutes_of(values["opens"]), minutes_of(values["closes"]))
        return (values["at"], *self._person(values), values["institution"], value, values["source"])

    def _objection(self, values: dict[str, SqlValue]) -> Row:
        source = "import" if values["source"] == _WIRE_SOURCE else values["source"]
        about = ("sms", source, values["label"], "", "", "")
        return (values["at"], *self._person(values), values["institution"], OBJECTION, *about)

    def _suppression(self, values: dict[str, SqlValue]) -> Row:
        # WHY: a START lifts only what this gateway itself heard from the person, so no file may say that it did.
        source = "import" if values["source"] == _WIRE_SOURCE else values["source"]
        channel = str(values["channels"]).split(",")[0]
        who = self._person(values)
        return (
            values["at"],
            *who,
            values["institution"],
            bits_of(values),
            channel,
            source,
            values["label"],
            "",
            "",
            "",
        )


def _values(table: Table, written: dict[str, Any]) -> tuple[dict[str, SqlValue], list[tuple[str, str]]]:
    values: dict[str, SqlValue] = {}
    faults = []
    for column in table.columns:
        try:
            values[column.name] = _value(column, written.get(column.name))
        except ValueError as error:
            faults.append((column.name, str(error)))
    return values, faults


def _value(column: Column, written: Any) -> SqlValue:
    if written is None or written == "" or written == []:
        if column.required:
            raise ValueError("missing")
        return column.default
    return column.field.read(written)


def check_rows(
    rows: Iterable[RawRow],
    check: RowCheck,
    stage: Stage | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Checks all rows and stages the right ones. `progress` is told how many rows were read, every 1000."""
    report = Report({}, [])
    waiting: list[Row] = []
    table = ""
    for count, raw in enumerate(rows, 1):
        if raw.table != table or len(waiting) >= _BUFFER_ROWS:
            _flush(stage, table, waiting)
            table = raw.table
        try:
            waiting.append(check.check(raw))
        except RowFault as fault:
            report.problems += [Problem(raw.table, raw.row, column, reason) for column, reason in fault.faults]
        else:
            report.right[raw.table] = report.right.get(raw.table, 0) + 1
        if count % _BUFFER_ROWS == 0:
            progress(count)
    _flush(stage, table, waiting)
    return report


def _flush(stage: Stage | None, table: str, waiting: list[Row]) -> None:
    if stage is not None and waiting:
        stage.add(table, waiting)
    waiting.clear()
