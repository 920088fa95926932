"""A recorded decision, explained: what the evidence log holds of it, and what the same question would get today.

Owns the reading. What was recorded is told as it stands in the log; what is asked anew is
asked of today's registry and packs as of the moment of then, and said to be so. Reads only, beside a running proxy.
"""

from pathlib import Path
from typing import cast

from msgspec.structs import replace

from proxy.commands.explain_source import STAND_IN, Recorded, UnknownAccountError, registry_for
from proxy.console import lookup
from proxy.console.lookup import Opened
from proxy.console.reopened import Answer, Reopened
from proxy.core.purposes import CHANNELS, Channel
from proxy.evidence import read
from proxy.evidence.records import Decision
from proxy.explain import explain
from proxy.explaining.compared import Compared, Then, compared, request_of, rules_anew
from proxy.explaining.shape import Explanation, Fact
from proxy.registry.keys import PersonKeyError
from proxy.registry.ports import StoreError
from proxy.settings import Settings


def reopened(settings: Settings, decision_id: int) -> Reopened | None:
    """None where the log has no such decision. Raises LogUnreadableError, SettingsError."""
    directory = settings.path(settings.evidence.directory)
    recorded = lookup.from_log(directory, decision_id)
    record = None if recorded is None else _record(directory, decision_id)
    if recorded is None or record is None:
        return None
    then = _then(record, recorded)
    why_not, today = "", None
    try:
        if record.channel not in CHANNELS:
            why_not = f"the channel {record.channel} is not known"
        else:
            then, today = _today(settings, record, then)
    except (UnknownAccountError, StoreError, PersonKeyError) as error:
        why_not = str(error)
    packs_then = " ".join(one for one in (f"{record.pack}@{record.pack_version}", record.packs) if one)
    rows = compared(then, today)
    return Reopened(
        recorded=recorded,
        today=today,
        why_not=why_not,
        answer=_answer(recorded, today, rows),
        compared=rows,
        revision_then=record.revision,
        revision_today=0 if today is None else today.revision,
        packs_then=packs_then,
        packs_today="" if today is None else today.packs,
    )


def _record(directory: Path, decision_id: int) -> Decision | None:
    entry = read.find(directory, decision_id)
    found = None if entry is None else entry.record
    return found if isinstance(found, Decision) else None


def _then(record: Decision, recorded: Opened) -> Then:
    named = tuple([row.rule for row in recorded.rules if row.outcome])
    # A refusal from outside the table (`internal.*`) stands first there, and has no octet.
    rules = named[len(named) - len(record.outcomes) :] if len(named) >= len(record.outcomes) else ()
    return Then(
        id=record.id,
        channel=cast(Channel, record.channel),
        sender=record.sender,
        purpose=record.purpose,
        asks=record.asks,
        at=record.at_us / 1_000_000,
        rules=rules,
        outcomes=record.outcomes,
        mode=record.mode,
    )


def _today(settings: Settings, record: Decision, then: Then) -> tuple[Then, Explanation]:
    source = registry_for(settings, record.account, Recorded(record.person, record.key_id, then.at))
    knows_person = source.knows_person or not record.person
    then = replace(then, knows_person=knows_person, contacts_since=source.contacts_since)
    snapshot = source.snapshot
    account = snapshot.accounts[record.account]
    codes = source.call_codes if record.channel == "voice" else source.codes
    request = request_of(then, account, snapshot, STAND_IN if record.person else None)
    told = explain(request, snapshot, then.at, codes, rules_anew(then), source.ledger, source.campaigns)
    # INVARIANT: the number that stands for the person is shown nowhere.
    saw = tuple(
        [
            Fact("recipient", f"pseudonym {record.person.hex()}" if record.person else "none on record")
            if one.name == "recipient"
            else one
            for one in told.saw
        ]
    )
    return then, replace(told, saw=saw)


def _answer(recorded: Opened, today: Explanation | None, rows: tuple[Compared, ...]) -> Answer:
    if today is None:
        return "not_asked"
    hung_on = next((row for row in rows if row.rule == recorded.rule), None)
    if recorded.rule and (hung_on is None or hung_on.verdict == "recorded_only"):
        return "recorded_only"
    return "same" if (recorded.effect, recorded.rule) == (today.effect, today.rule) else "differs"
