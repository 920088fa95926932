"""Makes what texts are held against of the registry's records: who owns which name, telephone, product and link.

Owns the forms in which they are compared, and what of it a changed record leaves as it was. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from proxy.core.content import Reader
from proxy.core.hosts import Lookalikes
from proxy.core.own_marks import Mark, Marks, OwnMarks, telephone_digits, without_legal_form
from proxy.core.records import Period

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


_NAMING: Final = frozenset(("institutions", "partners", "signatures"))
_Kept = Mapping[str, Iterable[Any]]


class MarkShelf:
    """Makes marks of the records of a revision, and anew only those of which a record has changed."""

    def __init__(self) -> None:
        self._reader: Reader | None = None
        self._made: OwnMarks | None = None
        #: The tables of which a record has changed since.
        self._stale: set[str] = set()
        self._entrusted: dict[str, dict[str, None]] = {}
        #: Institutions that entrusted somebody new since.
        self._entrusting: set[str] = set()
        #: Name → its forms as the reader compares them. WHY kept: reading a name takes longer than all the rest.
        self._forms: dict[str, frozenset[str]] = {}

    def changed(self, table: str, row: Any) -> None:
        """A record of `MARK_MAKERS`, institutions, partners or entrustments is new or has changed to this."""
        if table != "entrustments":
            self._stale.add(table)
            return
        # No entrustment is ever deleted, nor given to another partner: what is over counts as well.
        partners = self._entrusted.setdefault(row.institution, {})
        if row.partner not in partners:
            partners[row.partner] = None
            self._entrusting.add(row.institution)

    def marks(self, kept: _Kept, reader: Reader) -> OwnMarks:
        """All marks, the same object where nothing changed; `kept` are the rows of each table that `changed` knows."""
        if reader is not self._reader:
            self._reader, self._made, self._forms = reader, None, {}
        made = self._made
        if made is None:
            self._stale.update((*MARK_MAKERS, *_NAMING))
            self._entrusting.update(self._entrusted)
            made = OwnMarks()
        elif not self._stale and not self._entrusting:
            return made
        self._made = made = self._renewed(made, kept, reader)
        self._stale, self._entrusting = set(), set()
        return made

    def _renewed(self, made: OwnMarks, kept: _Kept, reader: Reader) -> OwnMarks:
        stale = self._stale
        partners = made.partners | {one: tuple(self._entrusted[one]) for one in self._entrusting}
        signatures, phones, products = made.signatures, made.phones, made.products
        domains, lookalikes = made.domains, made.lookalikes
        if stale & _NAMING:
            signatures = self._signatures(kept, reader)
        if "service_phones" in stale:
            rows = tuple(kept["service_phones"])
            phones = Marks(rows, [(name, row.owner) for row in rows for name in row.names])
        if "products" in stale:
            rows = tuple(kept["products"])
            products = Marks(rows, [(reader.name(name), row.owner) for row in rows for name in row.names])
        if "domains" in stale:
            rows = tuple(kept["domains"])
            domains = Marks(rows, [(name, row.owner) for row in rows for name in row.names])
            lookalikes = Lookalikes([reader.host(name) for row in rows for name in row.names])
        return OwnMarks(signatures, phones, products, domains, lookalikes, partners)

    def _signatures(self, kept: _Kept, reader: Reader) -> Marks:
        """Names in signatures; those of institutions and partners are theirs."""
        rows = tuple(kept["signatures"])
        named = [(name, one.id) for one in kept["institutions"] for name in (one.name, *one.short_names)]
        named += [(one.name, one.id) for one in kept["partners"]]
        named += [(name, row.owner) for row in rows for name in row.names]
        known = self._forms
        for name, _ in named:
            if name not in known:
                known[name] = frozenset((reader.name(name), reader.name(without_legal_form(name))))
        return Marks(rows, [(form, owner) for name, owner in named for form in known[name]])
