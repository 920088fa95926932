"""Makes what texts are held against of the registry's records: who owns which name, telephone, product and link.

Owns the forms in which they are compared. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.core.content import Reader
from proxy.core.hosts import Lookalikes
from proxy.core.own_marks import Mark, Marks, OwnMarks, telephone_digits, without_legal_form
from proxy.core.records import Entrustment, Institution, Partner, Period

Named = dict[str, Any]


def _lines(kept: str) -> tuple[str, ...]:
    return tuple(kept.split("\n")) if kept else ()


def signature(row: Named) -> Mark:
    return Mark(row["owner"], (row["signature"], *_lines(row["short_names"])), Period(row["since"], row["until"]))


def service_phone(row: Named) -> Mark:
    return Mark(row["owner"], (telephone_digits(row["phone"]),), Period(row["since"], row["until"]))


def product(row: Named) -> Mark:
    return Mark(row["institution"], (row["name"], *_lines(row["aliases"])), Period(row["since"], row["until"]))


def domain(row: Named) -> Mark:
    return Mark(row["owner"], (row["domain"],), Period(row["since"], row["until"]))


#: Tables of the registry that are made into marks.
MARK_MAKERS = {"signatures": signature, "service_phones": service_phone, "products": product, "domains": domain}


def own_marks_of(
    kept: Mapping[str, Iterable[Any]],
    institutions: Iterable[Institution],
    partners: Iterable[Partner],
    entrustments: Iterable[Entrustment],
    reader: Reader,
) -> OwnMarks:
    """All marks; `kept` are the rows of each table of `MARK_MAKERS`. Names of institutions and partners are theirs."""
    signatures = tuple(kept["signatures"])
    named = [(name, one.id) for one in institutions for name in (one.name, *one.short_names)]
    named += [(one.name, one.id) for one in partners]
    named += [(name, row.owner) for row in signatures for name in row.names]
    entrusted: dict[str, dict[str, None]] = {}
    for given in entrustments:
        entrusted.setdefault(given.institution, {})[given.partner] = None
    phones, products, domains = (tuple(kept[name]) for name in ("service_phones", "products", "domains"))
    return OwnMarks(
        signatures=Marks(signatures, {(reader.name(form), owner) for name, owner in named for form in _forms(name)}),
        phones=Marks(phones, [(name, row.owner) for row in phones for name in row.names]),
        products=Marks(products, [(reader.name(name), row.owner) for row in products for name in row.names]),
        domains=Marks(domains, [(name, row.owner) for row in domains for name in row.names]),
        lookalikes=Lookalikes([reader.host(name) for row in domains for name in row.names]),
        partners={institution: tuple(these) for institution, these in entrusted.items()},
    )


def _forms(name: str) -> tuple[str, str]:
    return name, without_legal_form(name)
