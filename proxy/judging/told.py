"""What institutions tell over HTTP of persons' will: refusals, preferences, consents (Z15 Z16 Z19 J6).

Owns the order of the steps, which is that of a reply: a refusal binds in memory at once, effect and receipt are
committed in one transaction, the evidence is durable, and only then the institution is answered. tdgate's own moment of
receipt orders what is told. A key that was used before is answered the same again, and does nothing a second time.
Must never lift a refusal, nor act for another institution than the one that the token names. What was committed and
did not reach the evidence (a kill in between) is brought there at the next start (`settle`).
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from msgspec import Struct

from proxy.core.addresses import masked
from proxy.core.persons import PersonKey
from proxy.core.purposes import ALL_COLLECTION, CHANNELS, bit_names
from proxy.core.records import FOREVER
from proxy.evidence import records
from proxy.judging.journal import Heard, Journal
from proxy.registry import dates, fields
from proxy.registry.person_verbs import bits_of
from proxy.registry.ports import (
    Given,
    Preferred,
    Receipt,
    Recorded,
    Refused,
    StoreError,
    VerbError,
)
from proxy.registry.verb import read_field
from proxy.registry.will_verbs import preference_of, shown_preference

Answer = dict[str, Any]
Args = dict[str, Any]

#: How somebody may have told an institution. WHY not `reply`: that is what a person sent over the wire, and may lift.
SOURCES: Final = ("hotline", "branch", "app", "web", "letter")
ROWS_MOST: Final = 100
_UNDER_WAY_MOST: Final = 1000
_SETTLE_AT_ONCE: Final = 200
_NOTED_EVERY_S: Final = 1.0
_LIST: Final = "api.preferences"
_EXPORT: Final = "api.refusals"
#: What could be a person's number in a text that is kept as it is.
_DIGITS: Final = re.compile(r"\d(?:[ -]?\d){6}")
_NOT_DONE: Final = "not recorded; tell it again with the same Idempotency-Key"


class ToldStore(Protocol):
    """The part of the store's owner that this needs (see `registry/ports.py`)."""

    def record(self, refusal: Refused) -> "Awaitable[Recorded]": ...

    async def give(self, consent: Given, receipt: Receipt | None = None) -> bool: ...

    async def withdraw(
        self, recipient: str, institution: str, bits: int, at_us: int, source: str, receipt: Receipt | None = None
    ) -> bool: ...

    async def prefer_all(self, told: Sequence[Preferred], receipt: Receipt | None = None) -> int: ...

    async def ids(self, table: str) -> set[str]: ...

    async def receipt(self, token: str, idempotency: str) -> Receipt | None: ...

    async def receipts_to_note(self, most: int) -> list[Receipt]: ...

    async def receipts_noted(self, ids: Sequence[str]) -> None: ...


class _Telling(Struct, frozen=True):
    """One request as it was understood. `canonical` is what makes it the same as another one."""

    token: str
    institution: str
    key: str
    at_us: int
    canonical: tuple[Any, ...]
    shown: Answer
    record: records.Suppression | records.Note
    commit: Callable[[Receipt], Awaitable[bool]]
    heard: Heard | None = None


class _Wrong(Exception):
    """The request is wrong; `field` is where."""

    def __init__(self, field: str, reason: str, code: int = 400) -> None:
        super().__init__(reason)
        self.field = field
        self.code = code


class Told:
    """Answers `{"code": HTTP status, …}`; used on the loop only.

    `person_key` tells the key in force, `ask` performs a verb of the registry.
    """

    def __init__(
        self,
        store: ToldStore,
        journal: Journal,
        person_key: Callable[[], PersonKey],
        log: Callable[..., None],
        ask: Callable[[str, Args], Awaitable[Answer]],
    ) -> None:
        self._store = store
        self._ask = ask
        self._journal = journal
        self._person_key = person_key
        self._log = log
        self._running: dict[tuple[str, str], tuple[bytes, asyncio.Task[Answer]]] = {}
        self._tasks: set[asyncio.Task[Answer]] = set()
        self._durable: list[str] = []
        self._readers: Final[dict[str, Callable[[Args], _Telling]]] = {
            "api.suppress": self._refusal,
            "api.prefer": self._preferences,
            "api.consent": self._consent,
            "api.withdraw": self._withdrawal,
        }

    @property
    def verbs(self) -> frozenset[str]:
        return frozenset((*self._readers, _LIST, _EXPORT))

    async def _exported(self, args: Args) -> Answer:
        """An institution's own refusals since a mark; the verb notes who got them before it tells."""
        wanted = {name: args[name] for name in ("institution", "receiver", "purpose", "after", "most")}
        try:
            return {"code": 200, "body": await self._ask("suppress.export", wanted | {"by": f"token {args['token']}"})}
        except VerbError as error:
            if isinstance(error.__cause__, StoreError):
                return _no_store()
            field, reason = _parted(str(error))
            return {"code": 400, "error": reason, "field": field}
        except StoreError:
            return _no_store()

    async def _listed(self, args: Args) -> Answer:
        """An institution's own rows; every look-up is noted (J13)."""
        wanted = {"institution": args["institution"], "after": args["after"], "most": args["most"]}
        self._journal.note("preference.listed", f"token {args['token']}", f"institution {args['institution']}")
        try:
            return {"code": 200, "body": await self._ask("preference.list", wanted)}
        except (StoreError, VerbError):
            return _no_store()

    async def tell(self, verb: str, args: Args) -> Answer:
        """One request, to its end also where whoever asked goes away meanwhile."""
        if verb == _LIST:
            return await self._listed(args)
        if verb == _EXPORT:
            return await self._exported(args)
        try:
            telling = self._readers[verb](args)
        except _Wrong as error:
            return {"code": error.code, "error": str(error), "field": error.field}
        except VerbError as error:
            field, _, reason = str(error).partition(": ")
            return {"code": 400, "error": reason or field, "field": field if reason else ""}
        content = msgspec.json.encode((verb, telling.canonical))
        asked = self._person_key().fingerprint(content)
        if len(self._tasks) >= _UNDER_WAY_MOST:
            return {"code": 503, "error": f"too much at once; {_NOT_DONE}"}
        name = (telling.token, telling.key)
        if telling.key and name in self._running:
            first, task = self._running[name]
            return await asyncio.shield(task) if first == asked else _other_request()
        task = asyncio.get_running_loop().create_task(self._done(telling, content, asked))
        self._tasks.add(task)
        if telling.key:
            self._running[name] = (asked, task)
        task.add_done_callback(lambda ended: self._ended(name, ended))
        return await asyncio.shield(task)

    def _ended(self, name: tuple[str, str], task: "asyncio.Task[Answer]") -> None:
        self._tasks.discard(task)
        if self._running.get(name, (b"", None))[1] is task:
            del self._running[name]

    async def _done(self, telling: _Telling, content: bytes, asked: bytes) -> Answer:
        began = time.time()
        try:
            known = await self._store.receipt(telling.token, telling.key) if telling.key else None
            if known is not None:
                # WHY under its key: an honest repetition may come after the keys were rotated.
                return await self._again(known, self._person_key().fingerprint(content, known.key_id))
            if telling.institution not in await self._store.ids("institutions"):
                return {"code": 403, "error": "the institution of this token is not registered"}
            receipt = Receipt(
                id=_id_of(telling.record),
                at_us=telling.at_us,
                token=telling.token,
                institution=telling.institution,
                idempotency=telling.key or None,
                asked=asked,
                key_id=self._person_key().key_id,
                answer=msgspec.json.encode(telling.shown),
                record=records.encode(telling.record),
            )
            changed = await telling.commit(receipt)
        except StoreError:
            self._log("refusal.failed", reason="store")
            return {"code": 503, "error": f"the store does not answer: {_NOT_DONE}"}
        latency_us = int((time.time() - began) * 1e6)
        record = telling.record
        if isinstance(record, records.Suppression):
            record = msgspec.structs.replace(record, latency_us=latency_us)
        if not await self._noted(record, telling.heard):
            return _no_evidence()
        self._durable.append(receipt.id)
        if isinstance(record, records.Suppression):
            self._log("suppression.recorded", institutions=telling.institution, latency_us=latency_us)
        else:
            self._log("api.told", institutions=telling.institution, changed=changed)
        return {"code": 201, "body": telling.shown}

    async def _again(self, known: Receipt, asked: bytes) -> Answer:
        if known.asked != asked:
            return _other_request()
        if not known.noted and known.id not in self._durable and not await self._noted(records.decode(known.record)):
            return _no_evidence()
        return {"code": 201, "body": msgspec.json.decode(known.answer)}

    async def _noted(self, record: Any, heard: Heard | None = None) -> bool:
        """Waits until the evidence is durable; False where it is not to be had."""
        written: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

        def then(error: BaseException | None) -> None:
            if not written.done():
                written.set_result(error is None)

        if not self._journal.told(record, heard, then):
            written.set_result(False)
        found = await written
        if not found:
            self._log("refusal.failed", reason="evidence")
        return found

    async def settle(self) -> None:
        """Brings to the evidence what was committed before a kill, and keeps telling the store what is there."""
        try:
            while found := await self._store.receipts_to_note(_SETTLE_AT_ONCE):
                done = [one.id for one in found if await self._noted(records.decode(one.record))]
                await self._store.receipts_noted(done)
                if len(done) < len(found):
                    break
        except StoreError:
            self._log("measure.failed")
        while True:
            await asyncio.sleep(_NOTED_EVERY_S)
            await self._tell_noted()

    async def _tell_noted(self) -> None:
        known, self._durable = self._durable, []
        if not known:
            return
        try:
            await self._store.receipts_noted(known)
        except StoreError:
            self._durable += known

    async def drain(self) -> None:
        """Waits for everything under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)
        await self._tell_noted()

    # ---- what is told ---------------------------------------------------------------------------------------------

    def _refusal(self, args: Args) -> _Telling:
        """A person's refusal, as told to the institution (Z16 Z19): it closes, and nothing here opens."""
        told = _filled(args, recipient="", purposes=["marketing"], channels=list(CHANNELS), source="", note="")
        recipient, source = _recipient(told), _source(told)
        institution, bits, note = str(args["institution"]), bits_of(told), _note(told)
        at_us, number = _now_us(), self._journal.next_id()
        channel: Any = "sms" if "sms" in told["channels"] else "voice"
        key = self._person_key()
        record = records.Suppression(
            id=number,
            at_us=at_us,
            person=key.digest(recipient),
            key_id=key.id_for(recipient),
            institutions=(institution,),
            closes=bits,
            channel=channel,
            source=source,
            label="optout",
            decision=0,
            latency_us=0,
        )

        async def commit(receipt: Receipt) -> bool:
            objects = (institution,) if bits & ALL_COLLECTION else ()
            refused = Refused(
                at_us,
                recipient,
                ((institution, bits),),
                channel,
                source=source,
                label=note,
                decision=f"{number:x}",
                objects=objects,
                receipt=receipt,
            )
            return bool((await self._store.record(refused)).changed)

        shown = _shown(number, at_us, institution) | {"recipient": masked(recipient), "closes": bit_names(bits)}
        heard = Heard(at_us / 1e6, recipient, (institution,), "optout", source, bits, 0)
        canonical = (institution, recipient, bits, channel, source, note)
        return _Telling(args["token"], institution, args["key"], at_us, canonical, shown, record, commit, heard)

    def _preferences(self, args: Args) -> _Telling:
        """What one or several persons prefer with this institution (J6): the last word of each counts."""
        rows = args.get("rows")
        if rows is None:
            rows = [{name: value for name, value in args.items() if name not in ("token", "key", "institution")}]
        if not isinstance(rows, list) or not 1 <= len(rows) <= ROWS_MOST:
            raise _Wrong("rows", f"1 to {ROWS_MOST} rows")
        institution, told = str(args["institution"]), []
        for place, row in enumerate(rows):
            try:
                said = _filled(row, recipient="", declines=[], channels=list(CHANNELS), opens="", closes="", source="")
                told.append(Preferred(_recipient(said), institution, preference_of(said), _source(said)))
            except (_Wrong, VerbError) as error:
                raise _in_row(error, place if "rows" in args else None) from error
        if len({one.recipient for one in told}) < len(told):
            raise _Wrong("rows", "a person is named twice")
        at_us, number = _now_us(), self._journal.next_id()
        digest = self._person_key().digest
        named = " ".join(f"{digest(one.recipient).hex()}={one.value}" for one in told)
        said_rows = [{"recipient": masked(one.recipient), **shown_preference(one.value)} for one in told]

        async def commit(receipt: Receipt) -> bool:
            return await self._store.prefer_all(told, receipt) > 0

        shown = _shown(number, at_us, institution)
        shown |= {"rows": said_rows} if "rows" in args else said_rows[0]
        canonical = (institution, [(one.recipient, one.value, one.source) for one in told])
        record = self._record("preference.told", args, number, at_us, named)
        return _Telling(args["token"], institution, args["key"], at_us, canonical, shown, record, commit)

    def _consent(self, args: Args) -> _Telling:
        """A person's consent (Z15); a refusal, whenever it came, stays stronger (Z16)."""
        names: Args = {"recipient": "", "purposes": ["marketing"], "channels": [], "source": "", "given": ""}
        told = _filled(args, **names, until="", basis="consent", product="", proof_hash="")
        recipient, bits, institution = _recipient(told), bits_of(told), str(args["institution"])
        source, now = _source(told), _now_us()
        at_us = read_field(told, "given", dates.parse_moment_us) if told["given"] else now
        if at_us > now:
            raise _Wrong("given", "lies in the future")
        until = int(read_field(told, "until", fields.UNTIL.read) or 0) if told["until"] else FOREVER
        basis = str(read_field(told, "basis", fields.BASIS.read))
        if basis == "request" and not (told["product"] and told["until"]):
            raise _Wrong("basis", "a request needs product and until")
        given = Given(
            at_us=at_us,
            recipient=recipient,
            institution=institution,
            bits=bits,
            until_day=dates.day_number(until),
            source=source,
            basis=basis,
            product=str(read_field(told, "product", fields.TEXT.read)),
            proof_hash=str(read_field(told, "proof_hash", fields.sha256_text)) if told["proof_hash"] else "",
        )
        number = self._journal.next_id()

        async def commit(receipt: Receipt) -> bool:
            return await self._store.give(given, receipt)

        shown = _shown(number, now, institution) | {"recipient": masked(recipient), "opens": bit_names(bits)}
        # WHY not `at_us`: where no day was named, the same request comes at another moment when it is repeated.
        canonical = (institution, recipient, bits, told["given"], until, source, basis, given.product, given.proof_hash)
        named = f"{self._person_key().digest(recipient).hex()}={bits}"
        record = self._record("consent.told", args, number, now, named)
        return _Telling(args["token"], institution, args["key"], now, canonical, shown, record, commit)

    def _withdrawal(self, args: Args) -> _Telling:
        """A consent that a person took back."""
        told = _filled(args, recipient="", purposes=["marketing"], channels=list(CHANNELS), source="")
        recipient, bits, source = _recipient(told), bits_of(told), _source(told)
        institution, at_us, number = str(args["institution"]), _now_us(), self._journal.next_id()

        async def commit(receipt: Receipt) -> bool:
            return await self._store.withdraw(recipient, institution, bits, at_us, source, receipt)

        shown = _shown(number, at_us, institution) | {"recipient": masked(recipient), "ends": bit_names(bits)}
        named = f"{self._person_key().digest(recipient).hex()}={bits}"
        record = self._record("consent.withdrawn", args, number, at_us, named)
        canonical = (institution, recipient, bits, source)
        return _Telling(args["token"], institution, args["key"], at_us, canonical, shown, record, commit)

    def _record(self, topic: str, args: Args, number: int, at_us: int, named: str) -> records.Note:
        """Persons as pseudonyms, each with the value that was told."""
        text = f"receipt {number:016x} institution {args['institution']} {named}"
        return records.Note(at_us=at_us, topic=topic, actor=f"token {args['token']}", text=text)


def _now_us() -> int:
    return time.time_ns() // 1000


def _shown(number: int, at_us: int, institution: str) -> Answer:
    return {"receipt": f"{number:016x}", "at": dates.moment_text(at_us), "institution": institution}


def _id_of(record: records.Suppression | records.Note) -> str:
    return f"{record.id:016x}" if isinstance(record, records.Suppression) else record.text.split(" ", 2)[1]


def _other_request() -> Answer:
    return {"code": 409, "error": "this Idempotency-Key was used for another request", "field": "Idempotency-Key"}


def _no_store() -> Answer:
    return {"code": 503, "error": "the store does not answer"}


def _no_evidence() -> Answer:
    return {"code": 503, "error": f"the evidence log does not answer: {_NOT_DONE}"}


def _in_row(error: "_Wrong | VerbError", place: int | None) -> "_Wrong":
    field, reason = (error.field, str(error)) if isinstance(error, _Wrong) else _parted(str(error))
    return _Wrong(field if place is None else f"rows[{place}].{field}", reason)


def _parted(text: str) -> tuple[str, str]:
    field, _, reason = text.partition(": ")
    return field, reason


def _filled(args: Any, **defaults: Any) -> Args:
    """The named fields, each of the type of its default; an empty text stands for one that has to be given."""
    if not isinstance(args, dict):
        raise _Wrong("", "must be an object")
    found: Args = {}
    for name, default in defaults.items():
        value = args.get(name, default)
        if type(value) is not type(default):
            raise _Wrong(name, f"must be {'a list' if isinstance(default, list) else 'text'}")
        found[name] = value
    return found


def _recipient(told: Args) -> str:
    # WHY no other digits: what a spreadsheet may do to a file, a program does not do to its own data.
    if not told["recipient"]:
        raise _Wrong("recipient", "missing")
    if not told["recipient"].isascii():
        raise _Wrong("recipient", "ASCII digits only")
    return str(read_field(told, "recipient", fields.recipient))


def _source(told: Args) -> str:
    if not told["source"]:
        raise _Wrong("source", f"missing; one of {', '.join(SOURCES)}")
    return str(read_field(told, "source", fields.one_of(SOURCES)))


def _note(told: Args) -> str:
    if _DIGITS.search(told["note"]):
        raise _Wrong("note", "holds a number; name a person in recipient only")
    return str(read_field(told, "note", fields.TEXT.read))
