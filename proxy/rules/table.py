"""The rule table: every rule once, in the order in which refusals are reported.

When several rules refuse one request, the first of the table names the refusal; all outcomes stand in the evidence.
What the wire closes comes first, then who sends, from what, for whom, then the person, then what the text says, last
what is temporary.
"""

from typing import Final

from proxy.rules import (
    account,
    content,
    debtor,
    disturbance,
    entrustment,
    hold,
    library,
    licence,
    number,
    person,
    preference,
    segment,
    template,
    wire,
)
from proxy.rules.rule import Rule

RULES: Final[tuple[Rule, ...]] = (
    wire.UNSUPPORTED,
    wire.AMBIGUOUS,
    wire.PARTIAL,
    wire.FOREIGN,
    wire.IDENTITY,
    wire.ADDRESS,
    account.UNREVIEWED,
    account.TELECOM_LICENCE,
    account.ONEWAY,
    hold.FRAUD,
    number.DISPOSED,
    number.UNREGISTERED,
    number.EXPIRED,
    entrustment.MISSING,
    entrustment.EXPIRED,
    entrustment.DEPTH,
    licence.SCOPE,
    licence.EXPIRED,
    licence.REGION,
    segment.MISUSE,
    number.MISMATCH,
    library.STALE,
    wire.UNDECODABLE,
    content.FRAUD,
    template.UNREVIEWED,
    person.SUPPRESSED,
    person.UNCONSENTED,
    debtor.UNKNOWN,
    debtor.UNINFORMED,
    debtor.OBJECTED,
    preference.DECLINED,
    preference.DONOTCALL,
    disturbance.HOURS,
    disturbance.FREQUENCY,
    content.SPOOF,
    content.DISCLOSURE,
    content.THREAT,
    content.IDENTITY,
    content.CONTACT,
    content.PRODUCT,
    content.LINK,
    content.REFUSAL,
    account.THROUGHPUT,
)

RULE_IDS: Final[tuple[str, ...]] = tuple(rule.id for rule in RULES)
