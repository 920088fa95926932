"""One decision by its id: from the latest of the status, else from the evidence log.

Owns the shape in which a decision is shown alone. Reads only. The log names persons by a keyed hash, so a decision that
has left the status has no masked number any more, only the pseudonym.
"""

from pathlib import Path
from string import hexdigits
from typing import Final

from msgspec import Struct

from proxy.console.outcomes import RuleOutcome, rule_outcomes
from proxy.core.ground import OUTCOME_SHADOW
from proxy.evidence import read
from proxy.evidence.layout import LayoutError
from proxy.evidence.records import EFFECT_NAMES, Decision, Outcome, RecordError, rules_hash
from proxy.rules.table import RULE_IDS
from proxy.telemetry.rows import shown_sender
from proxy.telemetry.status import DecisionRow, Status

#: How many records after a decision are searched for what became of it: a look-up must not read a whole log.
_FATE_WITHIN: Final = 20_000
_HEX_DIGITS: Final = frozenset(hexdigits)


class Fate(Struct, frozen=True):
    """What became of a permit at the carrier. `status` is the carrier's command_status."""

    at_us: int
    result: str
    status: int


class Opened(Struct, frozen=True):
    """A decision with all that is known of it.

    `leaf` is its index in the evidence log, -1 where it was not looked up there. `person` is the pseudonym in hex.
    `mode` is `enforce` or `bypass`, `packs` are those that bound beside `pack`, `asks` as in `core.ground`,
    `findings` what its text said against it, `rule/detail@start-end`.
    """

    id: str
    at_us: int
    channel: str
    account: str
    sender: str
    recipient: str
    person: str
    principal: str
    purpose: str
    effect: str
    rule: str
    detail: str
    shadow: tuple[str, ...]
    pack: str
    pack_version: int
    revision: int
    leaf: int
    rules: tuple[RuleOutcome, ...]
    fate: tuple[Fate, ...] = ()
    mode: str = ""
    packs: str = ""
    asks: int = 0
    findings: tuple[str, ...] = ()


class LogUnreadableError(Exception):
    """The evidence log cannot be read; the text says why."""


def parse_id(text: str) -> int | None:
    """A decision id as it is shown, 1 to 16 hex digits, with or without 0x before them; None when it is none."""
    digits = text.removeprefix("0x")
    return int(digits, 16) if 1 <= len(digits) <= 16 and set(digits) <= _HEX_DIGITS else None


def from_status(status: Status, decision_id: int) -> Opened | None:
    """The decision, if it is among the latest."""
    wanted = f"{decision_id:016x}"
    row = next((row for row in status.latest if row.id == wanted), None)
    return None if row is None else _of_row(row, status)


def _of_row(row: DecisionRow, status: Status) -> Opened:
    return Opened(
        id=row.id,
        at_us=row.at_us,
        channel=row.channel,
        account=row.account,
        sender=row.sender,
        recipient=row.recipient,
        person="",
        principal=row.principal,
        purpose=row.purpose,
        effect=row.effect,
        rule=row.rule,
        detail=row.detail,
        shadow=row.shadow,
        pack=status.pack,
        pack_version=status.pack_version,
        revision=status.revision,
        leaf=-1,
        rules=rule_outcomes(status.rules or RULE_IDS, _octets(row.outcomes), row.rule),
    )


def from_log(directory: Path, decision_id: int) -> Opened | None:
    """The decision as the evidence log has it, None when it has none. Raises LogUnreadableError."""
    try:
        entry = read.find(directory, decision_id)
        if entry is None or not isinstance(record := entry.record, Decision):
            return None
        rules = read.rule_table(directory, record, entry.index) or _own_table(record)
        fates = _fates(directory, decision_id, entry.index)
    except FileNotFoundError:
        return None
    except (OSError, LayoutError, RecordError) as error:
        raise LogUnreadableError(str(error)) from error
    return _of_record(record, entry.index, rules, fates)


def _own_table(record: Decision) -> tuple[str, ...]:
    """The table of this very version, where the log has none by that name and the record was judged by it."""
    return RULE_IDS if record.rules_hash == rules_hash(RULE_IDS) else ()


def _fates(directory: Path, decision_id: int, leaf: int) -> tuple[Fate, ...]:
    records = (entry.record for entry in read.entries(directory, leaf + 1, leaf + 1 + _FATE_WITHIN))
    return tuple(_fate(one) for one in records if isinstance(one, Outcome) and one.id == decision_id)


def _of_record(record: Decision, leaf: int, rules: tuple[str, ...], fates: tuple[Fate, ...]) -> Opened:
    shadow = tuple(rule for rule, octet in zip(rules, record.outcomes, strict=False) if octet == OUTCOME_SHADOW)
    known = 0 <= record.effect < len(EFFECT_NAMES)
    return Opened(
        id=f"{record.id:016x}",
        at_us=record.at_us,
        channel=record.channel,
        account=record.account,
        sender=shown_sender(record.sender),
        recipient="",
        person=record.person.hex(),
        principal=record.principal,
        purpose=record.purpose,
        effect=EFFECT_NAMES[record.effect] if known else str(record.effect),
        rule=record.rule,
        detail=record.detail,
        shadow=shadow,
        pack=record.pack,
        pack_version=record.pack_version,
        revision=record.revision,
        leaf=leaf,
        rules=rule_outcomes(rules, record.outcomes, record.rule),
        fate=fates,
        mode=record.mode,
        packs=record.packs,
        asks=record.asks,
        findings=record.findings,
    )


def _fate(record: Outcome) -> Fate:
    return Fate(record.at_us, record.result, record.status)


def _octets(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""
