"""Sections of collection: who somebody is to a debt, what they were told, what they object to (J7 J10). Pure data."""

from typing import Final

from proxy.registry import fields
from proxy.registry.table import INSTITUTION, Column, Reference, Table

_RECIPIENT: Final = Column("recipient", fields.RECIPIENT, zh="用户号码")
_SOURCE: Final = Column("source", fields.FILLED, required=False, default="import", zh="来源")
_OF: Final = Reference("institution", ("institutions",))

#: The newest verification of a person for an institution is the one that counts.
DEBTORS: Final = Table(
    "debtors",
    (
        _RECIPIENT,
        INSTITUTION,
        Column("role", fields.DEBT_ROLE, zh="身份"),
        Column("verified", fields.MOMENT, zh="核实时间"),
        _SOURCE,
        Column("document_hash", fields.HASH, required=False, zh="材料哈希"),
    ),
    (),
    (_OF,),
)
#: J10: before a partner's first contact.
DEBTOR_NOTICES: Final = Table(
    "debtor_notices",
    (
        _RECIPIENT,
        INSTITUTION,
        Column("partner", fields.ID, zh="合作机构"),
        Column("at", fields.MOMENT, zh="告知时间"),
        Column("way", fields.TEXT, required=False, zh="告知方式"),
        _SOURCE,
        Column("document_hash", fields.HASH, required=False, zh="材料哈希"),
    ),
    (),
    (_OF, Reference("partner", ("partners",))),
)
#: Objections to a collection that are open.
OBJECTIONS: Final = Table(
    "objections",
    (
        _RECIPIENT,
        INSTITUTION,
        Column("at", fields.MOMENT, zh="异议时间"),
        _SOURCE,
        Column("label", fields.TEXT, required=False, zh="说明"),
    ),
    (),
    (_OF,),
)
