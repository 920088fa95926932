"""What is on record of who may say what: names in brackets, telephones, products, links, each with its owner.

Owns the index from a form to its owners, and what messages of one lane are held against. Pure; forms are made by
whoever builds the index, since names are compared folded.
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from proxy.core.hosts import Lookalikes
from proxy.core.purposes import Purpose
from proxy.core.records import Period

#: A national number is at most so long; what is longer begins with a country code.
_NATIONAL_MOST: Final = 11
#: What a registered name ends with and a signature may leave out.
_LEGAL_FORMS: Final = ("股份有限公司", "有限责任公司", "有限公司", "公司")


class Mark(Struct, frozen=True, gc=False):
    """One row: `names` are what it says and its other forms (short names of a signature, aliases of a product)."""

    owner: str
    names: tuple[str, ...]
    period: Period


class Marks:
    """Rows of one kind by their owner, and the owners of each form, whatever the row's period."""

    __slots__ = ("_owners", "_rows")

    def __init__(self, rows: Iterable[Mark] = (), forms: Iterable[tuple[str, str]] = ()) -> None:
        """`forms` are (form, owner)."""
        found: dict[str, list[Mark]] = {}
        for row in rows:
            found.setdefault(row.owner, []).append(row)
        self._rows = {owner: tuple(these) for owner, these in found.items()}
        owners: dict[str, set[str]] = {}
        for form, owner in forms:
            if form:
                owners.setdefault(form, set()).add(owner)
        self._owners = {form: frozenset(these) for form, these in owners.items()}

    def of(self, owner: str) -> tuple[Mark, ...]:
        """The rows of one institution or partner, in no order."""
        return self._rows.get(owner, ())

    def owners(self, form: str) -> frozenset[str]:
        """Who has this form on record."""
        return self._owners.get(form, frozenset())


class OwnMarks(Struct, frozen=True):
    """All four kinds, and what looks like one of the domains.

    `partners` are those that an institution entrusted with anything, by institution.
    """

    signatures: Marks = Marks()
    phones: Marks = Marks()
    products: Marks = Marks()
    domains: Marks = Marks()
    lookalikes: Lookalikes = Lookalikes()
    partners: dict[str, tuple[str, ...]] = {}


class OnRecord(Struct, frozen=True):
    """What a message of one lane may name. Names and products are bare, telephones are digits.

    `names` are those of the principal, `partners` of who may sign for it in this purpose; a kind of which nothing is on
    record is empty. `keywords` are those that the number offers.
    """

    names: frozenset[str] = frozenset()
    partners: frozenset[str] = frozenset()
    phones: frozenset[str] = frozenset()
    products: frozenset[str] = frozenset()
    domains: frozenset[str] = frozenset()
    keywords: tuple[str, ...] = ()


class Asked(Struct, frozen=True):
    """What is asked of the texts of one lane: which rules run, and what packs say of them.

    `purpose` binds, `promised` are all that account and number share; `refusal_in` are the categories whose texts offer
    a way to refuse, `by_link` whether a link alone is one, `unrecorded` whether a telephone, product or link passes
    where nothing of its kind is on record of the sender.
    """

    rules: frozenset[str]
    purpose: Purpose
    promised: frozenset[Purpose]
    principal: str
    operator: str
    record: OnRecord
    refusal_in: frozenset[Purpose]
    by_link: bool
    unrecorded: bool


def telephone_digits(text: str) -> str:
    """A telephone as digits, without the prefixes of country and trunk."""
    digits = "".join([char for char in text if "0" <= char <= "9"])
    if digits.startswith("86") and len(digits) > _NATIONAL_MOST:
        digits = digits[2:]
    return digits.lstrip("0")


def without_legal_form(name: str) -> str:
    """A registered name as a signature may write it: no legal form, nothing in brackets (江澜银行股份有限公司)."""
    for bracket in ("(", "（"):
        name = name.split(bracket)[0]
    for form in _LEGAL_FORMS:
        if name.endswith(form) and len(name) > len(form) + 1:
            return name[: -len(form)]
    return name
