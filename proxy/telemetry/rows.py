"""Rows of the status file from what the wire has at hand.

Owns the masking of persons on the way into the status file (J13). Pure. The wire keeps what it decided as it is and
makes rows only when a status is written, at most four times a second.
"""

from proxy.core.addresses import masked
from proxy.core.decision import Decision
from proxy.core.ground import OUTCOME_SHADOW
from proxy.core.purposes import Channel, bit_names
from proxy.telemetry.redaction import redacted
from proxy.telemetry.status import DecisionRow, RefusalRow


def decision_row(
    decision: Decision,
    *,
    at_us: int,
    account: str,
    sender: str | None,
    recipient: str | None,
    rules: tuple[str, ...],
    channel: Channel = "sms",
) -> DecisionRow:
    """The row of one decision. `sender` and `recipient` are canonical, None where they have no form; `rules` are the
    ids of the table that judged.
    """
    outcomes = decision.outcomes
    shadow: tuple[str, ...] = ()
    if OUTCOME_SHADOW in outcomes:
        shadow = tuple(rule for rule, outcome in zip(rules, outcomes, strict=False) if outcome == OUTCOME_SHADOW)
    return DecisionRow(
        id=f"{decision.id:016x}",
        at_us=at_us,
        account=account,
        sender=shown_sender(sender),
        recipient="" if recipient is None else masked(recipient),
        principal=decision.principal,
        purpose=decision.purpose,
        effect=decision.effect,
        rule=decision.rule,
        detail=decision.detail,
        shadow=shadow,
        outcomes=outcomes.hex(),
        channel=channel,
    )


def refusal_row(
    *,
    at_us: int,
    person: str,
    institutions: tuple[str, ...],
    label: str,
    matched_words: str,
    closes: int,
    latency_us: int,
) -> RefusalRow:
    """The row of one person's refusal. `person` is the canonical number, `closes` the bit set of the suppression."""
    closed = tuple(bit_names(closes))
    return RefusalRow(at_us, masked(person), institutions, label, redacted(matched_words), closed, latency_us)


def shown_sender(sender: str | None) -> str:
    """A sender for a screen: ports stand in clear, they belong to institutions; a mobile may be a person's."""
    if sender is None:
        return ""
    return masked(sender) if len(sender) == 13 and sender.startswith("861") else sender
